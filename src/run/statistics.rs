//! The spread of a duration over rounds.

use crate::units::{Milliseconds, Nanoseconds};

/// Coefficient of variation of the makespan above which a run is called unsteady.
pub const SPREAD_LIMIT: f64 = 0.025;

/// The spread of a duration over rounds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Arithmetic mean.
    pub mean: Milliseconds,
    /// Median; the mean of the middle two of an even number.
    pub median: Milliseconds,
    /// 90th percentile (nearest rank, as the others).
    pub p90: Milliseconds,
    /// 95th percentile.
    pub p95: Milliseconds,
    /// 99th percentile.
    pub p99: Milliseconds,
    /// Standard deviation as a share of the mean (coefficient of variation).
    pub cv: f64,
}

impl Statistics {
    /// The statistics of `durations`; all zero where there are none.
    pub fn of(durations: impl Iterator<Item = Nanoseconds>) -> Self {
        let mut sorted: Vec<f64> = durations.map(|duration| duration.to_milliseconds().0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let n = sorted.len();
        if n == 0 {
            return Self::default();
        }
        let mean = sorted.iter().sum::<f64>() / n as f64;
        let variance = sorted.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n as f64;
        let rank = |percent: usize| Milliseconds(sorted[(n * percent).div_ceil(100).max(1) - 1]);
        Self {
            mean: Milliseconds(mean),
            median: Milliseconds(f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2])),
            p90: rank(90),
            p95: rank(95),
            p99: rank(99),
            cv: if mean > 0.0 { variance.sqrt() / mean } else { 0.0 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let statistics = Statistics::of((1..=200).rev().map(|ms| Nanoseconds(ms * 1_000_000)));
        assert_eq!(statistics.mean, Milliseconds(100.5));
        assert_eq!(statistics.median, Milliseconds(100.5));
        assert_eq!(
            (statistics.p90, statistics.p95, statistics.p99),
            (Milliseconds(180.0), Milliseconds(190.0), Milliseconds(198.0))
        );
        assert!((statistics.cv - 0.5745).abs() < 1e-4);
    }

    #[test]
    fn one_round_is_its_own_percentile() {
        let statistics = Statistics::of([Nanoseconds(2_000_000)].into_iter());
        assert_eq!((statistics.median, statistics.p99, statistics.cv), (Milliseconds(2.0), Milliseconds(2.0), 0.0));
    }
}
