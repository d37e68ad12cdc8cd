//! Mensa (Boroumand et al., PACT 2021), ported: each group on the accelerator that suits it best, a change of
//! accelerator only where it gains more than it costs. Each network on its own, blind to the others and to contention.

use super::Baseline;
use super::orders::{best_order, task_orders};
use crate::problem::{GroupId, Problem};
use crate::schedule::Objective;
use crate::units::Nanoseconds;

/// Most orders of tasks that are tried.
const MOST_ORDERS: usize = 720;

/// Mensa's placement with the best order of the tasks.
pub(super) fn mensa(problem: &Problem, objective: Objective) -> Option<Baseline> {
    let placement: Vec<Vec<usize>> = (0..problem.tasks.len()).map(|task| place(problem, task)).collect();
    let orders = task_orders(problem, MOST_ORDERS);
    let (decision, _) = best_order(problem, objective, &placement, &orders)?;
    Baseline::new(problem, "mensa", "each group where it is fastest, transfers weighed".to_owned(), decision)
}

/// Walks the groups: stays on the accelerator of the group before unless the ideal one gains more than the transfer.
fn place(problem: &Problem, task: usize) -> Vec<usize> {
    let mut placement: Vec<usize> = Vec::new();
    for group in 0..problem.tasks[task].groups.len() {
        let id = GroupId { task, group };
        let ideal = ideal(problem, id);
        let stays = placement.last().is_some_and(|&before| !is_worth_moving(problem, id, before, ideal));
        placement.push(if stays { placement[group - 1] } else { ideal });
    }
    placement
}

/// Where the group alone is fastest, the first one among equals.
fn ideal(problem: &Problem, id: GroupId) -> usize {
    let work = |machine: &usize| problem.cost(id, *machine).map_or(Nanoseconds(u64::MAX), |cost| cost.work);
    (0..problem.machines.len()).min_by_key(work).unwrap_or(0)
}

/// Whether `id` gains more on `ideal` than leaving `before` and entering `ideal` costs.
fn is_worth_moving(problem: &Problem, id: GroupId, before: usize, ideal: usize) -> bool {
    let (Some(there), Some(here)) = (problem.cost(id, ideal), problem.cost(id, before)) else { return true };
    let previous = GroupId { group: id.group - 1, ..id };
    let leave = problem.cost(previous, before).map_or(Nanoseconds::ZERO, |cost| cost.exit);
    here.work > there.work + there.entry + leave
}
