//! Schedules: what they mean (`evaluate`), whether one is right (`check`), and finding the best.
//!
//! Pure: no files, no devices, no printing. "What a schedule means" in ARCHITECTURE.md defines every word used here.

mod annealing;
mod baselines;
mod bounds;
mod check;
mod evaluate;
mod fitting;
mod goal;
mod group_search;
mod known;
mod limits;
mod local_search;
mod objective;
mod oracle;
mod plan_search;
mod plans;
mod rate;
mod robust;
mod rows;
mod search;
mod solution;
mod symmetry;
mod tables;
#[cfg(test)]
mod tests;
mod warm_start;
mod z3;

use crate::problem::{GroupId, Problem};
use crate::units::Nanoseconds;

pub use baselines::{Baseline, baselines, best_baseline, first_baseline};
pub use check::{Rule, Violation, check, check_value};
pub use evaluate::{EvaluateError, evaluate};
pub use limits::{Cancel, Stop};
pub use objective::Objective;
pub use rate::{StreamRate, rates, rates_of};
pub use robust::{Corner, RobustError, RobustOptions, Robustness, Spread, Verdict, n_steps, robustness};
pub use search::{SolveError, solve};
pub use solution::{Progress, Proof, ProofState, SearchStatistics, Solution, SolveOptions};
pub use z3::z3_version;

/// Most tasks that the search takes.
pub const MOST_TASKS: usize = oracle::MAX_TASKS;

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

/// Time of a task from its release to `end`.
fn latency(problem: &Problem, task: usize, end: u64) -> u64 {
    end.saturating_sub(problem.tasks[task].release.0)
}

/// Whether a schedule keeps the limits of its problem: changes of accelerator, latencies, and frames placed alike.
pub fn keeps_limits(problem: &Problem, placement: &[Vec<usize>], timeline: &Timeline) -> bool {
    (0..problem.tasks.len()).all(|task| {
        let transitions = problem.counted_transitions(task, &placement[task]);
        let latency = latency(problem, task, timeline.end(task).0);
        problem.max_transitions.is_none_or(|limit| transitions <= limit)
            && problem.latency_cap.is_none_or(|cap| latency <= cap.0)
            && placement[task] == placement[problem.leader(task)]
    })
}
