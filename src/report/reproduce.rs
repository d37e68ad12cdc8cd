//! Our predictions for the paper's pairs of networks beside the published figures, and why they differ.

use super::{Align, Table};
use crate::units::Milliseconds;

/// One published pair on AGX Xavier, FP16, in milliseconds. Source: `ismetdagli/HaX-CoNN`,
/// `output_expected/multi_dnn_expected.txt` (runs) and `src/summarize_multi_dnn_executions.py` (the paper's claim).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PublishedPair {
    /// The networks' names here.
    pub networks: [&'static str; 2],
    /// GPU only, GPU & DLA, Herald, H2H and HaX-CoNN.
    pub runs: [Milliseconds; 5],
    /// The artifact's gain over its best baseline, in percent.
    pub artifact_gain: f64,
    /// The gain that the paper claims, in percent.
    pub paper_gain: f64,
}

/// The four pairs, in the artifact's order.
pub const PUBLISHED: [PublishedPair; 4] = [
    pair(["googlenet", "resnet101"], [8.1, 10.2, 10.7, 10.2, 7.8], 4.86, 0.0),
    pair(["inception_v4", "resnet152"], [18.1, 16.7, 16.9, 17.1, 14.4], 15.67, 20.0),
    pair(["alexnet", "resnet101"], [13.4, 10.4, 11.5, 11.4, 8.4], 23.87, 26.0),
    pair(["vgg19", "resnet152"], [15.6, 19.8, 18.6, 18.7, 13.6], 15.18, 23.0),
];

const fn pair(
    networks: [&'static str; 2],
    [gpu, both, herald, h2h, ours]: [f64; 5],
    artifact_gain: f64,
    paper_gain: f64,
) -> PublishedPair {
    let runs = [Milliseconds(gpu), Milliseconds(both), Milliseconds(herald), Milliseconds(h2h), Milliseconds(ours)];
    PublishedPair { networks, runs, artifact_gain, paper_gain }
}

/// What this program predicts for a pair.
#[derive(Clone, Debug, PartialEq)]
pub struct Reproduced {
    /// The published figures of the same pair.
    pub published: PublishedPair,
    /// Predicted makespan of our schedule.
    pub makespan: Milliseconds,
    /// Name and predicted makespan of the best baseline within the transition limit, where there is one.
    pub best_baseline: Option<(String, Milliseconds)>,
    /// `optimal` or `feasible`.
    pub proof: String,
}

/// Ours, then the published figures, then why they differ.
pub fn reproduction(rows: &[Reproduced]) -> String {
    format!("Predicted here\n{}\nPublished (AGX Xavier, FP16)\n{}\n{NOTES}", ours(rows), published(rows))
}

fn ours(rows: &[Reproduced]) -> Table {
    let mut table = Table::new(&[
        ("Networks", Align::Left),
        ("Makespan [ms]", Align::Right),
        ("Best baseline [ms]", Align::Right),
        ("Gain [%]", Align::Right),
        ("Proof", Align::Left),
        ("Best baseline", Align::Left),
    ]);
    for row in rows {
        let (label, baseline, gain) = row.best_baseline.as_ref().map_or_else(Default::default, |(label, best)| {
            let gain = 100.0 * (best.0 - row.makespan.0) / best.0;
            (label.clone(), format!("{:.3}", best.0), format!("{gain:.1}"))
        });
        table.row([names(row), format!("{:.3}", row.makespan.0), baseline, gain, row.proof.clone(), label]);
    }
    table
}

fn published(rows: &[Reproduced]) -> Table {
    let mut table = Table::new(&[
        ("Networks", Align::Left),
        ("GPU only [ms]", Align::Right),
        ("GPU & DLA [ms]", Align::Right),
        ("Herald [ms]", Align::Right),
        ("H2H [ms]", Align::Right),
        ("HaX-CoNN [ms]", Align::Right),
        ("Artifact's gain [%]", Align::Right),
        ("Paper's gain [%]", Align::Right),
    ]);
    for row in rows {
        let runs = row.published.runs.iter().map(|run| format!("{:.1}", run.0));
        let gains = [format!("{:.2}", row.published.artifact_gain), format!("{:.0}", row.published.paper_gain)];
        table.row([names(row)].into_iter().chain(runs).chain(gains));
    }
    table
}

fn names(row: &Reproduced) -> String {
    row.published.networks.join(" + ")
}

const NOTES: &str = "\
Why they differ:
  Ours are predictions; only GoogleNet's layer times are published, the other networks' come from a calibrated model.
  The published VGG19 is a modified network, as is the one that ships here.
  The artifact's GPU-only figure is the sum of two latencies for pairs 1 and 3 and the larger one for pairs 2 and 4.
  Its GPU & DLA figure is one of the two assignments; the other one is run and not reported.
  For pair 4 its H2H figure is read from Herald's schedule, and its Herald figure from runs that no script makes.
  The artifact's gain is a share of HaX-CoNN's time (baseline / HaX-CoNN - 1); ours is a share of the baseline's.
  Each published figure is a mean latency of two processes that run side by side; makespans weren't measured.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_gain_is_over_our_best_baseline_and_losses_are_negative() {
        let row = |makespan, best| Reproduced {
            published: PUBLISHED[0],
            makespan: Milliseconds(makespan),
            best_baseline: Some(("gpu-only".to_owned(), Milliseconds(best))),
            proof: "optimal".to_owned(),
        };
        let text = ours(&[row(7.5, 10.0), row(11.0, 10.0)]).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].contains("7.500") && lines[1].contains("25.0"), "{text}");
        assert!(lines[2].contains("-10.0"), "{text}");
    }

    #[test]
    fn published_gains_follow_from_the_published_runs() {
        for pair in PUBLISHED {
            let best = pair.runs[..4].iter().map(|run| run.0).fold(f64::INFINITY, f64::min);
            let gain = 100.0 * (best / pair.runs[4].0 - 1.0);
            assert!((gain - pair.artifact_gain).abs() < 1.5, "{pair:?}: {gain}");
        }
    }
}
