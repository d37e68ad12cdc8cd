//! What a run leaves behind, and the figures that people ask of it.

use crate::group::LayerRange;
use crate::units::{Milliseconds, Nanoseconds};

/// The record of one run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunLog {
    /// What executed it (`sim`).
    pub backend: String,
    /// Name of the platform.
    pub platform: String,
    /// Rounds before the recorded ones.
    pub warm_up: u64,
    /// Seed of the simulator's noise; `None` without noise.
    pub seed: Option<u64>,
    /// What was run.
    pub tasks: Vec<TaskLog>,
    /// Every recorded round.
    pub rounds: Vec<Round>,
}

/// One task of a run: its groups and where they ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskLog {
    /// Name that is unique in the run.
    pub name: String,
    /// The network's name for people.
    pub title: String,
    /// Earliest start in a round.
    pub release: Nanoseconds,
    /// Layers of every group.
    pub layers: Vec<LayerRange>,
    /// Accelerator of every group.
    pub accelerators: Vec<String>,
}

/// One round, from the common start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    /// When every group ran, by task.
    pub groups: Vec<Vec<GroupSpan>>,
}

/// When a group occupied its accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSpan {
    /// Start, from the start of the round.
    pub start: Nanoseconds,
    /// End.
    pub end: Nanoseconds,
}

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
    /// Standard deviation as a share of the mean.
    pub cv: f64,
}

impl Round {
    /// End of the last group.
    pub fn makespan(&self) -> Nanoseconds {
        self.groups.iter().flatten().map(|span| span.end).max().unwrap_or_default()
    }
}

impl RunLog {
    /// End of the last group of every round.
    pub fn makespan(&self) -> Statistics {
        Statistics::of(self.rounds.iter().map(Round::makespan))
    }

    /// From a task's release to the end of its last group.
    pub fn latency(&self, task: usize) -> Statistics {
        let release = self.tasks[task].release;
        let ends = self.rounds.iter().filter_map(|round| round.groups[task].last());
        Statistics::of(ends.map(|last| last.end - release))
    }

    /// Start of a group.
    pub fn group_start(&self, task: usize, group: usize) -> Statistics {
        Statistics::of(self.rounds.iter().map(|round| round.groups[task][group].start))
    }

    /// Time for which a group occupied its accelerator.
    pub fn group_duration(&self, task: usize, group: usize) -> Statistics {
        let spans = self.rounds.iter().map(|round| round.groups[task][group]);
        Statistics::of(spans.map(|span| span.end - span.start))
    }
}

impl Statistics {
    /// The statistics of `durations`; all zero where there are none.
    pub fn of(durations: impl Iterator<Item = Nanoseconds>) -> Self {
        let mut sorted: Vec<f64> = durations.map(|duration| duration.to_milliseconds().0).collect();
        sorted.sort_by(f64::total_cmp);
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
