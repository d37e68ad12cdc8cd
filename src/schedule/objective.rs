//! What is optimised, and the value that a timeline has.

use super::Timeline;
use crate::problem::Problem;

/// Throughput of one inference a nanosecond, in the objective's unit: a task's term is this over its latency.
pub(super) const THROUGHPUT_UNIT: u64 = 1_000_000_000_000_000;

/// What is optimised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Objective {
    /// End of the last task in nanoseconds, minimised.
    #[default]
    Makespan,
    /// Sum over tasks of `floor(10^15 / latency in ns)`, maximised; latency is end minus release.
    Throughput,
    /// Sum over tasks with a due moment of `weight * max(0, end - due)` in nanoseconds, minimised.
    Tardiness,
    /// Energy in picojoules, minimised: power of every accelerator while it is occupied, and the chip's idle power until
    /// the last task ends. An accelerator without a known power draws none.
    Energy,
}

impl Objective {
    /// The value of `timeline`, in which the groups are placed as `placement`.
    pub fn value(self, problem: &Problem, placement: &[Vec<usize>], timeline: &Timeline) -> u64 {
        match self {
            Self::Makespan => timeline.makespan().0,
            Self::Throughput => {
                let latencies = problem.tasks.iter().enumerate().map(|(idx, task)| timeline.end(idx) - task.release);
                latencies.map(|latency| THROUGHPUT_UNIT / latency.0.max(1)).sum()
            }
            Self::Tardiness => {
                let due = problem.tasks.iter().enumerate().filter_map(|(idx, task)| Some((idx, task.due?)));
                let late = due.map(|(idx, due)| u64::from(due.weight) * (timeline.end(idx).0.saturating_sub(due.at.0)));
                late.fold(0, u64::saturating_add)
            }
            Self::Energy => {
                let groups = placement.iter().flatten().zip(timeline.groups.iter().flatten());
                let active = groups
                    .map(|(&machine, occupation)| power_of(problem, machine) * (occupation.end.0 - occupation.start.0));
                active.sum::<u64>() + u64::from(problem.idle_power.0) * timeline.makespan().0
            }
        }
    }

    /// Whether `value` is strictly better than `other`.
    pub fn is_better(self, value: u64, other: u64) -> bool {
        if self.is_maximised() { value > other } else { value < other }
    }

    /// How much better `ours` is than `theirs`, as a share of `theirs`; negative where worse, and -1 where any value is
    /// worse than their 0.
    pub fn gain(self, ours: u64, theirs: u64) -> f64 {
        if ours == theirs {
            return 0.0;
        }
        let size = if theirs == 0 { 1.0 } else { ours.abs_diff(theirs) as f64 / theirs as f64 };
        if self.is_better(ours, theirs) { size } else { -size }
    }

    /// Whether larger values are better.
    pub fn is_maximised(self) -> bool {
        self == Self::Throughput
    }
}

/// Milliwatts that an accelerator draws while it is occupied: picojoules per nanosecond.
pub(super) fn power_of(problem: &Problem, machine: usize) -> u64 {
    problem.machines[machine].power.map_or(0, |power| u64::from(power.0))
}
