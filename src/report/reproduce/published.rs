//! The published figures of the four pairs, Xavier, FP16, batch 1.

/// Makespans that one source states for a pair [ms].
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Both networks on the GPU.
    pub gpu_only: f64,
    /// One network on the GPU, one on the DLA, where the source states it.
    pub gpu_dla: Option<f64>,
    /// Herald's schedule.
    pub herald: f64,
    /// H2H's schedule.
    pub h2h: f64,
    /// HaX-CoNN's schedule.
    pub hax_conn: f64,
}

/// One pair of networks and what is published about it.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedPair {
    /// Short names of the networks.
    pub networks: [&'static str; 2],
    /// The artifact's expected results, measured in MAXN.
    pub artifact: Figures,
    /// The artifact's gain [%], as it states it: the best baseline's makespan over HaX-CoNN's, less one.
    pub artifact_gain_percent: f64,
    /// The paper's gain [%], as the artifact's scripts quote it.
    pub paper_gain_percent: f64,
    /// The survey arXiv 2506.01377, table II, where it has the pair.
    pub survey: Option<Figures>,
}

impl Figures {
    /// The makespan [ms] of a baseline by its name; Mensa isn't published for pairs.
    pub fn baseline(&self, name: &str) -> Option<f64> {
        match name {
            "gpu-only" => Some(self.gpu_only),
            "gpu-dla" => self.gpu_dla,
            "herald" => Some(self.herald),
            "h2h" => Some(self.h2h),
            _ => None,
        }
    }

    /// The shortest makespan among the baselines [ms].
    pub fn best_baseline(&self) -> f64 {
        self.gpu_only.min(self.gpu_dla.unwrap_or(f64::INFINITY)).min(self.herald).min(self.h2h)
    }

    /// HaX-CoNN's gain as this program counts gains: the share of the best baseline's makespan that is saved.
    pub fn gain(&self) -> f64 {
        1.0 - self.hax_conn / self.best_baseline()
    }
}

const fn artifact(gpu_only: f64, gpu_dla: f64, herald: f64, h2h: f64, hax_conn: f64) -> Figures {
    Figures { gpu_only, gpu_dla: Some(gpu_dla), herald, h2h, hax_conn }
}

static PUBLISHED: [PublishedPair; 4] = [
    PublishedPair {
        networks: ["googlenet", "resnet101"],
        artifact: artifact(8.1, 10.2, 10.7, 10.2, 7.8),
        artifact_gain_percent: 4.86,
        paper_gain_percent: 0.0,
        survey: None,
    },
    PublishedPair {
        networks: ["inception", "resnet152"],
        artifact: artifact(18.1, 16.7, 16.9, 17.1, 14.4),
        artifact_gain_percent: 15.67,
        paper_gain_percent: 20.0,
        survey: None,
    },
    PublishedPair {
        networks: ["alexnet", "resnet101"],
        artifact: artifact(13.4, 10.4, 11.5, 11.4, 8.4),
        artifact_gain_percent: 23.87,
        paper_gain_percent: 26.0,
        survey: None,
    },
    PublishedPair {
        networks: ["vgg19", "resnet152"],
        artifact: artifact(15.6, 19.8, 18.6, 18.7, 13.6),
        artifact_gain_percent: 15.18,
        paper_gain_percent: 23.0,
        survey: Some(Figures { gpu_only: 17.05, gpu_dla: None, herald: 19.73, h2h: 16.55, hax_conn: 13.01 }),
    },
];

/// The paper's four pairs on AGX Xavier.
pub fn published() -> &'static [PublishedPair] {
    &PUBLISHED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stated_gains_are_speedups_over_the_best_baseline_within_the_makespans_rounding() {
        for pair in published() {
            let figures = &pair.artifact;
            let speedup =
                |rounding: f64| 100.0 * ((figures.best_baseline() + rounding) / (figures.hax_conn - rounding) - 1.0);
            let stated = speedup(-0.05)..=speedup(0.05);
            assert!(stated.contains(&pair.artifact_gain_percent), "{:?}: {stated:?}", pair.networks);
        }
    }

    #[test]
    fn the_paper_claims_no_gain_for_the_first_pair_only() {
        let claims: Vec<bool> = published().iter().map(|pair| pair.paper_gain_percent > 0.0).collect();
        assert_eq!(claims, [false, true, true, true]);
    }
}
