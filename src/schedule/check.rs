//! The judge: whether a schedule is one, and whether its timeline is the one that its decision has.
//!
//! Written apart from the solver and the evaluator: it computes no timeline, but holds the printed one against the
//! rules, each with its own function. Work is judged by integrating the rates over the printed intervals.

mod structure;
#[cfg(test)]
mod tests;
mod timing;
mod violation;
mod work;

use super::{Decision, Objective, Timeline};
use crate::problem::Problem;
use violation::Report;

pub use violation::{Rule, Violation};

/// Whether `timeline` is what `decision` means under `problem`; every rule that is broken, otherwise. Where the decision
/// isn't even complete, only that is reported.
pub fn check(problem: &Problem, decision: &Decision, timeline: &Timeline) -> Result<(), Vec<Violation>> {
    let mut report = Report::new(problem);
    structure::shapes_fit(&mut report, decision, timeline);
    report.done()?;
    let mut report = Report::new(problem);
    structure::placed_once_and_ordered(&mut report, decision);
    report.done()?;
    let mut report = Report::new(problem);
    structure::supported(&mut report, decision);
    structure::within_transition_limit(&mut report, decision);
    structure::frames_placed_alike(&mut report, decision);
    structure::free_of_circles(&mut report, decision);
    report.done()?;
    let mut report = Report::new(problem);
    timing::costs_are_paid(&mut report, decision, timeline);
    timing::orders_are_respected(&mut report, decision, timeline);
    timing::chains_are_respected(&mut report, timeline);
    timing::tasks_wait(&mut report, timeline);
    timing::within_latency_cap(&mut report, timeline);
    timing::nobody_idles(&mut report, decision, timeline);
    work::work_is_done(&mut report, decision, timeline);
    report.done()
}

/// Whether `claimed` is the objective's value of a timeline that [`check`] accepts.
pub fn check_value(
    problem: &Problem,
    decision: &Decision,
    timeline: &Timeline,
    objective: Objective,
    claimed: u64,
) -> Result<(), Violation> {
    let end = |task: usize| timeline.groups[task].iter().map(|group| group.end.0).max().unwrap_or(0);
    let ends = (0..problem.tasks.len()).map(end);
    let value: u64 = match objective {
        Objective::Makespan => ends.max().unwrap_or(0),
        Objective::Throughput => ends
            .zip(&problem.tasks)
            .map(|(end, task)| 1_000_000_000_000_000 / end.saturating_sub(task.release.0).max(1))
            .fold(0, u64::saturating_add),
        Objective::Tardiness => ends
            .zip(&problem.tasks)
            .filter_map(|(end, task)| {
                let due = task.due?;
                Some(u64::from(due.weight) * end.saturating_sub(due.at.0))
            })
            .fold(0, u64::saturating_add),
        Objective::Energy => {
            let idle = u64::from(problem.idle_power.0) * ends.max().unwrap_or(0);
            structure::all_groups(problem)
                .map(|id| {
                    let power = problem.machines[decision.placement[id.task][id.group]].power.unwrap_or_default();
                    let occupation = timeline.groups[id.task][id.group];
                    u64::from(power.0) * (occupation.end.0 - occupation.start.0)
                })
                .fold(idle, u64::saturating_add)
        }
    };
    if value == claimed {
        return Ok(());
    }
    let name = match objective {
        Objective::Makespan => "makespan in nanoseconds",
        Objective::Throughput => "throughput",
        Objective::Tardiness => "weighted tardiness in nanoseconds",
        Objective::Energy => "energy in picojoules",
    };
    Err(Violation { rule: Rule::Value, message: format!("the {name} is {value}, but {claimed} is claimed") })
}
