//! Problems near a problem: its profiled numbers, multiplied.
//!
//! A number of a profile moves once, wherever it is used: instances and frames of a network share theirs, and so do
//! accelerators that are equal in every number. Releases, deadlines, powers and contention curves stay.

use crate::problem::{Cost, Problem, Task};
use crate::units::{MegabytesPerSecond, Nanoseconds, SplitMix64};

/// Every profiled number by a factor of its own, uniform from `1 - share` to `1 + share`.
pub(super) fn sample(problem: &Problem, share: f64, random: &mut SplitMix64) -> Problem {
    moved(problem, &mut |_| 1.0 + share * (2.0 * random.uniform() - 1.0))
}

/// All profiled numbers of `machines` by `factor`.
pub(super) fn corner(problem: &Problem, machines: &[usize], factor: f64) -> Problem {
    moved(problem, &mut |machine| if machines.contains(&machine) { factor } else { 1.0 })
}

/// The accelerators, those that are equal in every number together.
pub(super) fn kinds(problem: &Problem) -> Vec<Vec<usize>> {
    let mut kinds: Vec<Vec<usize>> = Vec::new();
    for machine in 0..problem.machines.len() {
        match kinds.iter_mut().find(|kind| problem.cost_alike(kind[0], machine)) {
            Some(kind) => kind.push(machine),
            None => kinds.push(vec![machine]),
        }
    }
    kinds
}

/// The problem with each number multiplied by what `factor` says for its accelerator.
fn moved(problem: &Problem, factor: &mut dyn FnMut(usize) -> f64) -> Problem {
    let kinds = kinds(problem);
    let mut moved = problem.clone();
    for (idx, task) in problem.tasks.iter().enumerate() {
        let same = |other: &Task| other.groups == task.groups && other.launch == task.launch;
        if let Some(first) = problem.tasks[..idx].iter().position(same) {
            let Task { groups, launch, .. } = moved.tasks[first].clone();
            moved.tasks[idx] = Task { groups, launch, ..task.clone() };
        } else {
            move_task(&mut moved.tasks[idx], &kinds, factor);
        }
    }
    moved
}

fn move_task(task: &mut Task, kinds: &[Vec<usize>], factor: &mut dyn FnMut(usize) -> f64) {
    for kind in kinds {
        let launch = time(task.launch[kind[0]], factor(kind[0]));
        for &machine in kind {
            task.launch[machine] = launch;
        }
        for group in &mut task.groups {
            let cost = group.costs[kind[0]].map(|cost| move_cost(cost, &mut || factor(kind[0])));
            for &machine in kind {
                group.costs[machine] = cost;
            }
        }
    }
}

fn move_cost(cost: Cost, factor: &mut dyn FnMut() -> f64) -> Cost {
    Cost {
        work: time(cost.work, factor()),
        demand: demand(cost.demand, factor()),
        entry: time(cost.entry, factor()),
        exit: time(cost.exit, factor()),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no factor is negative; `as` saturates")]
fn time(time: Nanoseconds, factor: f64) -> Nanoseconds {
    Nanoseconds((time.0 as f64 * factor).round() as u64)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "no factor is negative; `as` saturates")]
fn demand(demand: MegabytesPerSecond, factor: f64) -> MegabytesPerSecond {
    MegabytesPerSecond((f64::from(demand.0) * factor).round() as u32)
}
