//! Rules of the printed moments: costs paid exactly, one group at a time, nobody early and nobody late.

use super::structure::all_groups;
use super::violation::{Report, Rule, exact};
use crate::problem::{GroupId, Problem};
use crate::schedule::{Decision, Occupation, Timeline};
use crate::units::Nanoseconds;

/// Phases follow each other, and launch, entry and exit take exactly what is due.
pub(super) fn costs_are_paid(report: &mut Report, decision: &Decision, timeline: &Timeline) {
    for (machine, order) in decision.order.iter().enumerate() {
        for (position, &id) in order.iter().enumerate() {
            let before = position.checked_sub(1).map(|before| order[before]);
            phases_of_group(report, decision, occupation(timeline, id), Place { id, machine, before });
        }
    }
}

/// Where a group stands: its accelerator and the group before it there.
#[derive(Clone, Copy)]
struct Place {
    id: GroupId,
    machine: usize,
    before: Option<GroupId>,
}

fn phases_of_group(report: &mut Report, decision: &Decision, occupation: &Occupation, place: Place) {
    let Place { id, machine, before } = place;
    let name = report.on(id, machine);
    let Occupation { start, launched, entered, worked, end } = *occupation;
    if !(start <= launched && launched <= entered && entered <= worked && worked <= end) {
        report.demand(false, Rule::Phases, || format!("the phases of {name} run backwards"));
        return;
    }
    let problem = report.problem;
    let placement = &decision.placement[id.task];
    let Some(cost) = problem.cost(id, machine) else { return };
    let due = |is_due: bool, cost: Nanoseconds| if is_due { cost } else { Nanoseconds::ZERO };
    let just_ran = before.is_some_and(|before| before.task == id.task && before.group + 1 == id.group);
    let phases = [
        (Rule::Launch, "launch", launched - start, due(!just_ran, problem.tasks[id.task].launch[machine])),
        (Rule::Entry, "entry", entered - launched, due(problem.pays_entry(id, placement), cost.entry)),
        (Rule::Exit, "exit", end - worked, due(problem.pays_exit(id, placement), cost.exit)),
    ];
    for (rule, phase, taken, due) in phases {
        report.demand(taken == due, rule, || {
            format!("the {phase} of {name} at {} takes {}, but costs {}", exact(start), exact(taken), exact(due))
        });
    }
}

/// On every accelerator each group starts after the one before it in the order.
pub(super) fn orders_are_respected(report: &mut Report, decision: &Decision, timeline: &Timeline) {
    for (machine, order) in decision.order.iter().enumerate() {
        for pair in order.windows(2) {
            let [first, second] = [pair[0], pair[1]].map(|id| *occupation(timeline, id));
            if second.start >= first.end {
                continue;
            }
            let (one, other) = (report.problem.describe(pair[0]), report.on(pair[1], machine));
            let at = exact(second.start);
            if second.end <= first.start {
                report.demand(false, Rule::OrderRespected, || {
                    format!("{other} starts at {at}, before {one}, which comes first in its order")
                });
            } else {
                report.demand(false, Rule::Exclusivity, || {
                    format!("{other} starts at {at}, while {one} occupies it until {}", exact(first.end))
                });
            }
        }
    }
}

/// Each group starts after the group before it in its task has ended.
pub(super) fn chains_are_respected(report: &mut Report, timeline: &Timeline) {
    let problem = report.problem;
    for id in all_groups(problem) {
        let Some(before) = id.group.checked_sub(1).map(|group| GroupId { group, ..id }) else { continue };
        let (start, end) = (occupation(timeline, id).start, occupation(timeline, before).end);
        report.demand(start >= end, Rule::Precedence, || {
            let (name, before) = (problem.describe(id), problem.describe(before));
            format!("{name} starts at {}, but {before} ends at {}", exact(start), exact(end))
        });
    }
}

/// Each task starts after its release and after the tasks that it waits for.
pub(super) fn tasks_wait(report: &mut Report, timeline: &Timeline) {
    let problem = report.problem;
    for (task, groups) in problem.tasks.iter().zip(&timeline.groups) {
        let start = groups[0].start;
        report.demand(start >= task.release, Rule::Release, || {
            format!("`{}` starts at {}, before its release at {}", task.name, exact(start), exact(task.release))
        });
        for &before in &task.after {
            let end = task_end(timeline, before);
            report.demand(start >= end, Rule::Edge, || {
                let before = &problem.tasks[before].name;
                format!("`{}` starts at {}, but `{before}` ends at {}", task.name, exact(start), exact(end))
            });
        }
    }
}

/// No task takes longer than the latency cap from its release to its end.
pub(super) fn within_latency_cap(report: &mut Report, timeline: &Timeline) {
    let problem = report.problem;
    let Some(cap) = problem.latency_cap else { return };
    for (idx, task) in problem.tasks.iter().enumerate() {
        let latency = Nanoseconds(task_end(timeline, idx).0.saturating_sub(task.release.0));
        report.demand(latency <= cap, Rule::LatencyCap, || {
            format!("`{}` takes {}, more than the latency cap of {}", task.name, exact(latency), exact(cap))
        });
    }
}

/// Each group starts no later than the last of its causes.
pub(super) fn nobody_idles(report: &mut Report, decision: &Decision, timeline: &Timeline) {
    for (machine, order) in decision.order.iter().enumerate() {
        let mut free = Nanoseconds::ZERO;
        for &id in order {
            let Occupation { start, end, .. } = *occupation(timeline, id);
            let cause = free.max(ready(report.problem, timeline, id));
            let name = report.on(id, machine);
            report.demand(start <= cause, Rule::Idle, || {
                format!("{name} starts at {}, later than the last of its causes at {}", exact(start), exact(cause))
            });
            free = end;
        }
    }
}

/// When the group's own task lets it start.
fn ready(problem: &Problem, timeline: &Timeline, id: GroupId) -> Nanoseconds {
    if let Some(group) = id.group.checked_sub(1) {
        return occupation(timeline, GroupId { group, ..id }).end;
    }
    let task = &problem.tasks[id.task];
    task.after.iter().map(|&before| task_end(timeline, before)).fold(task.release, Nanoseconds::max)
}

fn task_end(timeline: &Timeline, task: usize) -> Nanoseconds {
    timeline.groups[task].iter().map(|group| group.end).max().unwrap_or_default()
}

fn occupation(timeline: &Timeline, id: GroupId) -> &Occupation {
    &timeline.groups[id.task][id.group]
}
