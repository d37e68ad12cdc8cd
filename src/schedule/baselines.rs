//! Schedules that others would choose: what a proved one is compared with, and never worse than.
//!
//! All are found without a thought for contention, as their authors do, and then have the timeline that the evaluator
//! gives them under contention. Where a rule leaves the order of the tasks open, the best order counts.

mod h2h;
mod mensa;
mod orders;
#[cfg(test)]
mod tests;
mod whole;

use super::{Decision, Objective, Timeline, evaluate, keeps_limits};
use crate::platform::ContentionCurve;
use crate::problem::Problem;

/// One baseline's schedule under the evaluator.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Name in flags and files: `gpu-only`, `gpu-dla`, `mensa`, `herald`, `h2h`, from the accelerators' names.
    pub name: String,
    /// What people read, with the variant (`googlenet on gpu, resnet101 on dla`).
    pub label: String,
    /// Placement and order.
    pub decision: Decision,
    /// Its timeline.
    pub timeline: Timeline,
    /// Most counted changes of accelerator of a task.
    pub transitions: usize,
    /// Whether it keeps the problem's limits: transitions, latency, frames placed alike. One that doesn't is shown and
    /// left out of the gain.
    pub within_limit: bool,
}

/// Every baseline of `problem`, each with the best of its orders by `objective`: all networks on one accelerator, each
/// network wholly on one of its own (of many such assignments the best six), Mensa, Herald and H2H.
///
/// Up to a thousand assignments and, within 5000 evaluations, all orders of up to six tasks are tried; beyond, evenly
/// spread assignments, and the order given, its reverse, shortest and longest first.
pub fn baselines(problem: &Problem, objective: Objective) -> Vec<Baseline> {
    let mut baselines = whole::on_one_accelerator(problem, objective);
    baselines.extend(whole::on_several_accelerators(problem, objective));
    baselines.extend(mensa::mensa(problem, objective));
    baselines.extend(h2h::herald(problem));
    baselines.extend(h2h::h2h(problem));
    baselines
}

/// A first schedule, found within a few evaluations: the better by `objective` of all networks on one accelerator, for
/// each, and of the longest networks first on whichever accelerator is then done first. None where no network can run
/// wholly on one accelerator.
pub fn first_baseline(problem: &Problem, objective: Objective) -> Option<Baseline> {
    whole::first(problem, objective)
}

/// The best by `objective` of those within the limits; the first one among equals.
pub fn best_baseline<'a>(baselines: &'a [Baseline], objective: Objective, problem: &Problem) -> Option<&'a Baseline> {
    let mut best: Option<(&Baseline, u64)> = None;
    for baseline in baselines.iter().filter(|baseline| baseline.within_limit) {
        let value = baseline.value(problem, objective);
        if best.is_none_or(|(_, best)| objective.is_better(value, best)) {
            best = Some((baseline, value));
        }
    }
    best.map(|(baseline, _)| baseline)
}

impl Baseline {
    /// Its value by `objective`.
    pub fn value(&self, problem: &Problem, objective: Objective) -> u64 {
        objective.value(problem, &self.decision.placement, &self.timeline)
    }

    /// The baseline that a decision makes; none where its orders go in a circle.
    fn new(problem: &Problem, name: &str, label: String, decision: Decision) -> Option<Self> {
        let timeline = evaluate(problem, &decision).ok()?;
        let transitions = transitions(problem, &decision.placement);
        let within_limit = keeps_limits(problem, &decision.placement, &timeline);
        Some(Self { name: name.to_owned(), label, decision, timeline, transitions, within_limit })
    }
}

/// Most counted changes of accelerator of a task.
fn transitions(problem: &Problem, placement: &[Vec<usize>]) -> usize {
    let counts = placement.iter().enumerate().map(|(task, placement)| problem.counted_transitions(task, placement));
    counts.max().unwrap_or(0)
}

/// The problem as it looks to someone who doesn't think of contention.
fn without_contention(problem: &Problem) -> Problem {
    let mut blind = problem.clone();
    for machine in &mut blind.machines {
        machine.curve = ContentionCurve::None;
    }
    blind
}
