//! Whole networks on accelerators: all on one of them, and every way of giving each network one of its own choice.
//!
//! A group that its network's accelerator can't run falls back to the first accelerator that can, transitions paid.

use super::orders::{best_order, task_orders};
use super::{Baseline, transitions};
use crate::problem::{Group, Problem, Task};
use crate::schedule::{Decision, Objective};

/// Most evaluations of orders over all assignments together.
const MOST_EVALUATIONS: usize = 20_000;

/// Most assignments of networks to accelerators that are looked at.
const MOST_ASSIGNMENTS: usize = 4096;

/// Most assignments to several accelerators that are returned.
const MOST_RETURNED: usize = 6;

/// Every network on one accelerator, for each of them: the best serial order.
pub(super) fn on_one_accelerator(problem: &Problem, objective: Objective) -> Vec<Baseline> {
    let orders = task_orders(problem, MOST_EVALUATIONS);
    let on_machine = |machine: usize| {
        let placement = assigned(problem, &vec![machine; problem.tasks.len()])?;
        let (decision, _) = best_order(problem, objective, &placement, &orders)?;
        let name = &problem.machines[machine].name;
        Baseline::new(problem, &format!("{name}-only"), serial_label(problem, &decision, machine), decision)
    };
    (0..problem.machines.len()).filter_map(on_machine).collect()
}

/// Each network wholly on an accelerator, not all on the same: every assignment, or the best where there are many.
pub(super) fn on_several_accelerators(problem: &Problem, objective: Objective) -> Vec<Baseline> {
    let assignments = assignments(problem.machines.len(), problem.tasks.len());
    let orders = task_orders(problem, MOST_EVALUATIONS / assignments.len().max(1));
    let mut decided: Vec<(Vec<usize>, Decision, u64)> = assignments
        .into_iter()
        .filter_map(|assignment| {
            let placement = assigned(problem, &assignment)?;
            let (decision, value) = best_order(problem, objective, &placement, &orders)?;
            Some((assignment, decision, value))
        })
        .collect();
    if decided.len() > MOST_RETURNED {
        keep_best(problem, objective, &mut decided);
    }
    let names: Vec<&str> = problem.machines.iter().map(|machine| machine.name.as_str()).collect();
    let name = names.join("-");
    let baseline = |(assignment, decision, _): (Vec<usize>, Decision, u64)| {
        Baseline::new(problem, &name, assignment_label(problem, &assignment), decision)
    };
    decided.into_iter().filter_map(baseline).collect()
}

/// Those within the transition limit first, then by value.
fn keep_best(problem: &Problem, objective: Objective, decided: &mut Vec<(Vec<usize>, Decision, u64)>) {
    decided.sort_by_key(|(_, decision, value)| {
        let transitions = transitions(problem, &decision.placement);
        let outside = problem.max_transitions.is_some_and(|limit| transitions > limit);
        let rank = match objective {
            Objective::Makespan => *value,
            Objective::Throughput => u64::MAX - *value,
        };
        (outside, rank)
    });
    decided.truncate(MOST_RETURNED);
}

/// Every assignment of tasks to accelerators that uses more than one, up to a limit.
fn assignments(n_machines: usize, n_tasks: usize) -> Vec<Vec<usize>> {
    let mut assignments = vec![Vec::new()];
    for _ in 0..n_tasks {
        let longer = |assignment: &Vec<usize>| {
            let assignment = assignment.clone();
            (0..n_machines).map(move |machine| [assignment.as_slice(), &[machine]].concat())
        };
        assignments = assignments.iter().flat_map(longer).take(MOST_ASSIGNMENTS).collect();
    }
    assignments.retain(|assignment| assignment.iter().any(|&machine| machine != assignment[0]));
    assignments
}

/// The placement in which each task runs on its accelerator what that can run, and the rest on the first that can;
/// none where a task can't run there at all.
fn assigned(problem: &Problem, assignment: &[usize]) -> Option<Vec<Vec<usize>>> {
    problem.tasks.iter().zip(assignment).map(|(task, &machine)| wholly_on(task, machine)).collect()
}

fn wholly_on(task: &Task, machine: usize) -> Option<Vec<usize>> {
    let home = |group: &Group| match group.costs[machine] {
        Some(_) => Some(machine),
        None => group.costs.iter().position(Option::is_some),
    };
    let placement: Vec<usize> = task.groups.iter().map(home).collect::<Option<_>>()?;
    placement.contains(&machine).then_some(placement)
}

/// `googlenet, then resnet101, on gpu`, by the first group of each task in the accelerator's order.
fn serial_label(problem: &Problem, decision: &Decision, machine: usize) -> String {
    let mut tasks: Vec<usize> = Vec::new();
    for id in decision.order[machine].iter().chain(decision.order.iter().flatten()) {
        if !tasks.contains(&id.task) {
            tasks.push(id.task);
        }
    }
    let names: Vec<&str> = tasks.iter().map(|&task| problem.tasks[task].name.as_str()).collect();
    format!("{} on {}", names.join(", then "), problem.machines[machine].name)
}

fn assignment_label(problem: &Problem, assignment: &[usize]) -> String {
    let on = |(task, &machine): (&Task, &usize)| format!("{} on {}", task.name, problem.machines[machine].name);
    let parts: Vec<String> = problem.tasks.iter().zip(assignment).map(on).collect();
    parts.join(", ")
}
