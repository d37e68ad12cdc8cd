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

/// The best of all networks on one accelerator in the order given, and of a greedy assignment.
pub(super) fn first(problem: &Problem, objective: Objective) -> Option<Baseline> {
    let orders = [(0..problem.tasks.len()).collect::<Vec<usize>>()];
    let serial = (0..problem.machines.len()).map(|machine| vec![machine; problem.tasks.len()]);
    let assignments: Vec<Vec<usize>> = serial.chain([greedy(problem)]).collect();
    let decided = assignments.iter().filter_map(|assignment| {
        let placement = assigned(problem, assignment)?;
        let (decision, score) = best_order(problem, objective, &placement, &orders)?;
        Some((score, assignment, decision))
    });
    let (_, assignment, decision) = decided.min_by_key(|(score, ..)| *score)?;
    Baseline::new(problem, "first", assignment_label(problem, assignment), decision)
}

/// The longest networks first, each where it would be done first without contention; frames where their first one is.
fn greedy(problem: &Problem) -> Vec<usize> {
    let time = |task: usize, machine: usize| -> Option<u64> {
        let placement = wholly_on(&problem.tasks[task], machine)?;
        let groups = problem.tasks[task].groups.iter().zip(&placement);
        Some(groups.filter_map(|(group, &on)| group.costs[on]).map(|cost| cost.work.0).sum())
    };
    let machines = 0..problem.machines.len();
    let mut tasks: Vec<usize> = (0..problem.tasks.len()).filter(|&task| problem.leader(task) == task).collect();
    let shortest = |task: usize| machines.clone().filter_map(|machine| time(task, machine)).min().unwrap_or(0);
    tasks.sort_by_key(|&task| std::cmp::Reverse(shortest(task)));
    let mut busy = vec![0; problem.machines.len()];
    let mut assignment = vec![0; problem.tasks.len()];
    for task in tasks {
        let done = |machine: usize| Some((busy[machine] + time(task, machine)?, machine));
        let (end, machine) = machines.clone().filter_map(done).min().unwrap_or_default();
        (busy[machine], assignment[task]) = (end, machine);
    }
    (0..problem.tasks.len()).map(|task| assignment[problem.leader(task)]).collect()
}

/// Each network wholly on an accelerator, not all on the same: every assignment, or the best where there are many.
pub(super) fn on_several_accelerators(problem: &Problem, objective: Objective) -> Vec<Baseline> {
    let assignments = assignments(problem);
    let orders = task_orders(problem, MOST_EVALUATIONS / assignments.len().max(1));
    let mut decided: Vec<(Vec<usize>, Decision, u64)> = assignments
        .into_iter()
        .filter_map(|assignment| {
            let placement = assigned(problem, &assignment)?;
            let (decision, score) = best_order(problem, objective, &placement, &orders)?;
            Some((assignment, decision, score))
        })
        .collect();
    if decided.len() > MOST_RETURNED {
        keep_best(problem, &mut decided);
    }
    let names: Vec<&str> = problem.machines.iter().map(|machine| machine.name.as_str()).collect();
    let name = names.join("-");
    let baseline = |(assignment, decision, _): (Vec<usize>, Decision, u64)| {
        Baseline::new(problem, &name, assignment_label(problem, &assignment), decision)
    };
    decided.into_iter().filter_map(baseline).collect()
}

/// Those within the transition limit first, then by score.
fn keep_best(problem: &Problem, decided: &mut Vec<(Vec<usize>, Decision, u64)>) {
    decided.sort_by_key(|(_, decision, score)| {
        let transitions = transitions(problem, &decision.placement);
        let outside = problem.max_transitions.is_some_and(|limit| transitions > limit);
        (outside, *score)
    });
    decided.truncate(MOST_RETURNED);
}

/// Every assignment of tasks to accelerators that uses more than one; of too many, an evenly spread sample. Frames are where
/// their instance's first one is.
fn assignments(problem: &Problem) -> Vec<Vec<usize>> {
    let leaders: Vec<usize> = (0..problem.tasks.len()).map(|task| problem.leader(task)).collect();
    let mut instances = leaders.clone();
    instances.sort_unstable();
    instances.dedup();
    let of_tasks = |assignment: Vec<usize>| {
        let machine = |leader: &usize| instances.binary_search(leader).map_or(0, |position| assignment[position]);
        leaders.iter().map(machine).collect()
    };
    assignments_of(problem.machines.len(), instances.len()).into_iter().map(of_tasks).collect()
}

fn assignments_of(n_machines: usize, n_tasks: usize) -> Vec<Vec<usize>> {
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
    let instances = problem.tasks.iter().zip(assignment).filter(|(task, _)| task.frame_of.is_none());
    let parts: Vec<String> = instances.map(on).collect();
    parts.join(", ")
}
