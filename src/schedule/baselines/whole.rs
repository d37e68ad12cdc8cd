//! Whole networks on accelerators: all on one of them, and every way of giving each network one of its own choice.
//!
//! A group that its network's accelerator can't run falls back to the first accelerator that can, transitions paid.

use super::orders::{best_order, task_orders};
use super::{Baseline, transitions};
use crate::problem::{Group, Problem, Task};
use crate::schedule::{Decision, Objective};

/// Most evaluations of orders over all assignments together.
const MOST_EVALUATIONS: usize = 5000;

/// Most assignments of networks to accelerators that are looked at.
const MOST_ASSIGNMENTS: u64 = 1000;

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

/// Every assignment of tasks to accelerators that uses more than one; of too many, an evenly spread sample.
fn assignments(n_machines: usize, n_tasks: usize) -> Vec<Vec<usize>> {
    let power = |exponent: usize| (0..exponent).try_fold(1_u64, |product, _| product.checked_mul(n_machines as u64));
    let all = power(n_tasks).unwrap_or(u64::MAX).min(u64::MAX / MOST_ASSIGNMENTS);
    let looked_at = all.min(MOST_ASSIGNMENTS);
    let assignment = |number: u64| {
        let mut rest = number * all / looked_at;
        let mut next = || {
            let machine = rest % n_machines as u64;
            rest /= n_machines as u64;
            usize::try_from(machine).unwrap_or(0)
        };
        let mut machines: Vec<usize> = (0..n_tasks).map(|_| next()).collect();
        machines.reverse();
        machines
    };
    let uses_several = |assignment: &Vec<usize>| assignment.iter().any(|&machine| machine != assignment[0]);
    (0..looked_at).map(assignment).filter(uses_several).collect()
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
