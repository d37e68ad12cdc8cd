//! Schedules: what they mean (`evaluate`), whether one is right (`check`), and finding the best.
//!
//! Pure: no files, no devices, no printing. "What a schedule means" in ARCHITECTURE.md defines every word used here.

mod baselines;
mod bounds;
mod check;
mod evaluate;
mod group_search;
mod limits;
mod oracle;
mod plan_search;
mod plans;
mod rows;
mod search;
mod solution;
mod tables;
#[cfg(test)]
mod tests;
mod warm_start;
mod z3;

use crate::problem::{GroupId, Problem};
use crate::units::Nanoseconds;

pub use baselines::{Baseline, baselines, best_baseline};
pub use check::{Rule, Violation, check, check_value};
pub use evaluate::{EvaluateError, evaluate};
pub use search::{SolveError, solve};
pub use solution::{Progress, Proof, ProofState, SearchStatistics, Solution, SolveOptions};
pub use z3::z3_version;

/// What is decided: where every group runs, and in which order each accelerator starts its groups.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decision {
    /// Accelerator of every group, by task.
    pub placement: Vec<Vec<usize>>,
    /// Order of the groups on every accelerator.
    pub order: Vec<Vec<GroupId>>,
}

/// When a group occupies its accelerator: `launch`, then `entry`, then its contended work, then `exit`, without gaps.
/// Moments are counted from the start of the round; a phase that isn't paid has no length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupation {
    /// Start of the launch.
    pub start: Nanoseconds,
    /// End of the launch, start of the entry.
    pub launched: Nanoseconds,
    /// End of the entry, start of the work.
    pub entered: Nanoseconds,
    /// End of the work, start of the exit.
    pub worked: Nanoseconds,
    /// End of the exit: the accelerator is free.
    pub end: Nanoseconds,
}

/// When everything happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Occupation of every group, by task.
    pub groups: Vec<Vec<Occupation>>,
}

impl Timeline {
    /// End of the last task.
    pub fn makespan(&self) -> Nanoseconds {
        self.groups.iter().filter_map(|groups| groups.last()).map(|last| last.end).max().unwrap_or_default()
    }

    /// End of a task.
    pub fn end(&self, task: usize) -> Nanoseconds {
        self.groups[task].last().map(|last| last.end).unwrap_or_default()
    }
}

/// Throughput of one inference a nanosecond, in the objective's unit: a task's term is this over its latency.
const THROUGHPUT_UNIT: u64 = 1_000_000_000_000_000;

/// What is optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Objective {
    /// End of the last task, minimised.
    Makespan,
    /// Sum over tasks of `floor(10^15 / latency in ns)`, maximised; latency is end minus release.
    Throughput,
}

impl Objective {
    /// The value of `timeline`: see [`Solution::value`].
    pub fn value(self, problem: &Problem, timeline: &Timeline) -> u64 {
        match self {
            Self::Makespan => timeline.makespan().0,
            Self::Throughput => {
                let latencies = problem.tasks.iter().enumerate().map(|(idx, task)| timeline.end(idx) - task.release);
                latencies.map(|latency| THROUGHPUT_UNIT / latency.0.max(1)).sum()
            }
        }
    }

    /// Whether `value` is strictly better than `other`.
    pub fn is_better(self, value: u64, other: u64) -> bool {
        match self {
            Self::Makespan => value < other,
            Self::Throughput => value > other,
        }
    }
}
