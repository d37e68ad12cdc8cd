//! One schedule as every report shows it, and the numbers that all of them derive from it.

use crate::problem::{GroupId, Problem};
use crate::schedule::{Baseline, Decision, Objective, Occupation, Proof, Robustness, Timeline, best_baseline};
use crate::units::Milliseconds;

/// A schedule with everything that its reports say. Predicted by the evaluator, never measured.
#[derive(Clone, Debug)]
pub struct ScheduleView<'a> {
    /// What was scheduled.
    pub problem: &'a Problem,
    /// Where every group runs, and in which order.
    pub decision: &'a Decision,
    /// When.
    pub timeline: &'a Timeline,
    /// What was optimised.
    pub objective: Objective,
    /// What is proved of the best schedule, where anything was searched for.
    pub proof: Option<&'a Proof>,
    /// Whose schedule it is, for people: `HaX-CoNN`, or a baseline's label.
    pub policy: &'a str,
    /// Schedules to compare with.
    pub baselines: &'a [Baseline],
    /// How the schedule fares when its numbers move, where that was asked.
    pub robustness: Option<&'a Robustness>,
    /// The platform's title and name.
    pub platform: &'a str,
    /// How contention was counted: `pccs`, `table` or `none`.
    pub contention: &'a str,
    /// Where the numbers come from, one sentence per network.
    pub sources: &'a [String],
    /// What the prediction rests on that nobody has measured, one sentence each.
    pub warnings: &'a [String],
}

/// Neighbouring groups of a task on one accelerator; another task's group may run there between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The task.
    pub task: usize,
    /// First group.
    pub first: usize,
    /// Last group, inclusive.
    pub last: usize,
    /// The accelerator.
    pub machine: usize,
}

impl Segment {
    /// The groups as people count them, from 1: `1-3`, or `11`.
    pub fn groups(&self) -> String {
        closed(self.first + 1, self.last + 1)
    }
}

/// A closed range; one number where it holds only one.
fn closed(first: usize, last: usize) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

impl ScheduleView<'_> {
    /// The layers of a segment by index, closed: `0-13`, or `40`.
    pub fn layers(&self, segment: &Segment) -> String {
        let groups = &self.problem.tasks[segment.task].groups;
        closed(groups[segment.first].layers.first, groups[segment.last].layers.last.saturating_sub(1))
    }

    /// The task's runs of groups on one accelerator, in order.
    pub fn segments(&self, task: usize) -> Vec<Segment> {
        let placement = &self.decision.placement[task];
        let mut segments: Vec<Segment> = Vec::new();
        for (group, &machine) in placement.iter().enumerate() {
            match segments.last_mut() {
                Some(segment) if segment.machine == machine => segment.last = group,
                _ => segments.push(Segment { task, first: group, last: group, machine }),
            }
        }
        segments
    }

    /// When a group occupies its accelerator.
    pub fn occupation(&self, id: GroupId) -> &Occupation {
        &self.timeline.groups[id.task][id.group]
    }

    /// Contended work over standalone work of groups `first..=last` of a task: 1 where nothing slowed them.
    pub fn slowdown(&self, task: usize, first: usize, last: usize) -> f64 {
        let ids = (first..=last).map(|group| GroupId { task, group });
        let contended: u64 = ids.clone().map(|id| self.occupation(id)).map(|at| at.worked.0 - at.entered.0).sum();
        let standalone: u64 = ids
            .filter_map(|id| self.problem.cost(id, self.decision.placement[task][id.group]))
            .map(|cost| cost.work.0)
            .sum();
        if standalone == 0 { 1.0 } else { contended as f64 / standalone as f64 }
    }

    /// End of a task minus its release.
    pub fn latency(&self, task: usize) -> Milliseconds {
        (self.timeline.end(task) - self.problem.tasks[task].release).to_milliseconds()
    }

    /// The objective's value of this schedule.
    pub fn value(&self) -> u64 {
        self.objective.value(self.problem, &self.decision.placement, self.timeline)
    }

    /// The best baseline within the limits.
    pub fn best_baseline(&self) -> Option<&Baseline> {
        best_baseline(self.baselines, self.objective, self.problem)
    }

    /// How much better this schedule's value is than a baseline's, as a share of the baseline's; negative where worse.
    pub fn gain_over(&self, baseline: &Baseline) -> f64 {
        self.objective.gain(self.value(), baseline.value(self.problem, self.objective))
    }
}

/// What people call an objective, and the unit that they read it in.
pub fn objective_words(objective: Objective) -> (&'static str, &'static str) {
    match objective {
        Objective::Makespan => ("makespan", "ms"),
        Objective::Throughput => ("throughput", "inferences/s"),
        Objective::Tardiness => ("weighted tardiness", "ms"),
        Objective::Energy => ("energy", "mJ"),
    }
}

/// The objective's value in the unit that people read.
pub fn readable_value(objective: Objective, value: u64) -> String {
    let (_, unit) = objective_words(objective);
    match objective {
        Objective::Makespan | Objective::Tardiness => format!("{:.3} {unit}", value as f64 / 1e6),
        // The value sums 10^15 / latency in nanoseconds, which is 10^6 inferences per second.
        Objective::Throughput => format!("{:.1} {unit}", value as f64 / 1e6),
        Objective::Energy => format!("{:.3} {unit}", value as f64 / 1e9),
    }
}
