//! Rules of the decision alone: complete, supported, within the transition limit, without a circle.

use super::violation::{Report, Rule};
use crate::problem::{GroupId, Problem};
use crate::schedule::{Decision, Timeline};

/// Every list has an entry for each task, group and accelerator, and names only accelerators and groups that exist.
pub(super) fn shapes_fit(report: &mut Report, decision: &Decision, timeline: &Timeline) {
    let problem = report.problem;
    let groups: Vec<usize> = problem.tasks.iter().map(|task| task.groups.len()).collect();
    let placed: Vec<usize> = decision.placement.iter().map(Vec::len).collect();
    report.demand(placed == groups, Rule::Shape, || {
        format!("the placement has {placed:?} groups by task instead of {groups:?}")
    });
    let timed: Vec<usize> = timeline.groups.iter().map(Vec::len).collect();
    report.demand(timed == groups, Rule::Shape, || {
        format!("the timeline has {timed:?} groups by task instead of {groups:?}")
    });
    let n_machines = problem.machines.len();
    report.demand(decision.order.len() == n_machines, Rule::Shape, || {
        format!("there are {} orders for {n_machines} accelerators", decision.order.len())
    });
    for &machine in decision.placement.iter().flatten() {
        report.demand(machine < n_machines, Rule::Shape, || {
            format!("a group is placed on accelerator {machine}, but there are only {n_machines}")
        });
    }
    for id in decision.order.iter().flatten() {
        report.demand(groups.get(id.task).is_some_and(|&n_groups| id.group < n_groups), Rule::Shape, || {
            format!("an order names group {} of task {}, which doesn't exist", id.group, id.task)
        });
    }
}

/// Every group stands once in the order of the accelerator on which it is placed, and in no other order.
pub(super) fn placed_once_and_ordered(report: &mut Report, decision: &Decision) {
    for id in all_groups(report.problem) {
        let home = decision.placement[id.task][id.group];
        for (machine, order) in decision.order.iter().enumerate() {
            let found = order.iter().filter(|&&other| other == id).count();
            let expected = usize::from(machine == home);
            report.demand(found == expected, Rule::Order, || {
                let (group, machines) = (report_name(decision, report.problem, id), &report.problem.machines);
                format!(
                    "{group} stands {found} time(s) in the order of `{}` instead of {expected}",
                    machines[machine].name
                )
            });
        }
    }
}

/// Every group has a cost where it is placed.
pub(super) fn supported(report: &mut Report, decision: &Decision) {
    let problem = report.problem;
    for id in all_groups(problem) {
        let machine = decision.placement[id.task][id.group];
        report.demand(problem.cost(id, machine).is_some(), Rule::Support, || {
            format!("{} can't run on `{}`", problem.describe(id), problem.machines[machine].name)
        });
    }
}

/// No task changes accelerator more often than the limit; the change before a tail isn't counted.
pub(super) fn within_transition_limit(report: &mut Report, decision: &Decision) {
    let problem = report.problem;
    let Some(limit) = problem.max_transitions else { return };
    for (task, placement) in problem.tasks.iter().zip(&decision.placement) {
        let changes = placement.windows(2).zip(&task.groups[1..]);
        let count = changes.filter(|(pair, group)| pair[0] != pair[1] && !group.tail).count();
        report.demand(count <= limit, Rule::TransitionLimit, || {
            format!("`{}` changes accelerator {count} time(s), more than the limit of {limit}", task.name)
        });
    }
}

/// A further frame of a stream is placed as its first one.
pub(super) fn frames_placed_alike(report: &mut Report, decision: &Decision) {
    let problem = report.problem;
    for (task, placement) in problem.tasks.iter().zip(&decision.placement) {
        let Some(first) = task.frame_of else { continue };
        report.demand(*placement == decision.placement[first], Rule::Frames, || {
            format!("`{}` is placed otherwise than `{}`, of which it is a frame", task.name, problem.tasks[first].name)
        });
    }
}

/// Groups can be taken one after the other, each after everything that it waits for.
pub(super) fn free_of_circles(report: &mut Report, decision: &Decision) {
    let problem = report.problem;
    let mut taken: Vec<usize> = vec![0; problem.tasks.len()];
    let mut positions: Vec<usize> = vec![0; decision.order.len()];
    while let Some(machine) = (0..positions.len()).find(|&machine| {
        decision.order[machine].get(positions[machine]).is_some_and(|&id| can_be_taken(problem, &taken, id))
    }) {
        let id = decision.order[machine][positions[machine]];
        taken[id.task] += 1;
        positions[machine] += 1;
    }
    let stuck = all_groups(problem).find(|id| id.group >= taken[id.task]);
    report.demand(stuck.is_none(), Rule::Circle, || {
        let names = stuck.map(|id| report_name(decision, problem, id)).unwrap_or_default();
        format!("the orders make tasks wait for each other in a circle: {names} never starts")
    });
}

fn can_be_taken(problem: &Problem, taken: &[usize], id: GroupId) -> bool {
    let waits_for = &problem.tasks[id.task].after;
    taken[id.task] == id.group && waits_for.iter().all(|&before| taken[before] == problem.tasks[before].groups.len())
}

fn report_name(decision: &Decision, problem: &Problem, id: GroupId) -> String {
    format!("{} on `{}`", problem.describe(id), problem.machines[decision.placement[id.task][id.group]].name)
}

/// Every group of every task.
pub(super) fn all_groups(problem: &Problem) -> impl Iterator<Item = GroupId> {
    problem
        .tasks
        .iter()
        .enumerate()
        .flat_map(|(task, groups)| (0..groups.groups.len()).map(move |group| GroupId { task, group }))
}
