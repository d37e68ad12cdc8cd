//! Rows: what every combination with a score below a target must satisfy, as sums of one weight per class of tasks.
//!
//! One function per row; the weights are rounded down and the limit is reached exactly, so that every row is a
//! relaxation. Knows nothing of Z3.

use super::goal::Goal;
use super::plans::{Plan, PlanTable};
use super::tables::Tables;

/// Most sets of tasks that get rows of their own.
const MOST_WINDOWS: usize = 16;

/// The weights of the chosen plans add up to at most `limit`: `weights[class][plan]`.
pub(super) struct Row {
    pub(super) weights: Vec<Vec<u64>>,
    pub(super) limit: u64,
    /// Weights are counted in at least this many units when they are rounded.
    pub(super) unit: u64,
}

/// All rows for a score of at most `most`.
pub(super) fn rows(tables: &Tables, goal: Goal, table: &PlanTable, most: u64) -> Vec<Row> {
    let earliest = table.earliest_ends(tables);
    let latest = goal.latest_ends(most, &earliest);
    let mut rows = sum_rows(tables, goal, table, most);
    for task in 0..tables.n_tasks {
        rows.extend(latest[task].map(|latest| path_row(tables, table, &earliest, task, latest)));
    }
    for (tasks, room) in windows(tables, &latest) {
        rows.extend(
            (0..table.n_vectors).map(|vector| row(tables, table, &tasks, room, 1000, |plan| plan.pays[vector])),
        );
    }
    rows
}

/// Sets of tasks, each with the time in which all of it must run: those released from some moment on that end by some
/// moment. Of many, the largest sets.
pub(super) fn windows(tables: &Tables, latest: &[Option<u64>]) -> Vec<(Vec<usize>, u64)> {
    let release = |task: usize| tables.problem.tasks[task].release.0;
    let mut ends: Vec<u64> = latest.iter().copied().flatten().collect();
    ends.sort_unstable();
    ends.dedup();
    let within = |from: u64, end: u64| -> Vec<usize> {
        let tasks = 0..tables.n_tasks;
        tasks.filter(|&task| release(task) >= from && latest[task].is_some_and(|latest| latest <= end)).collect()
    };
    let mut sets: Vec<Vec<usize>> =
        ends.iter().flat_map(|&end| tables.releases.iter().map(move |&from| within(from, end))).collect();
    sets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    sets.dedup();
    let windows = sets.into_iter().filter_map(|tasks| {
        let end = tasks.iter().filter_map(|&task| latest[task]).max()?;
        let start = tasks.iter().map(|&task| release(task)).min()?;
        Some((tasks, end.saturating_sub(start)))
    });
    windows.take(MOST_WINDOWS).collect()
}

/// A row over some tasks, each with the weight of its class's plan.
fn row(
    tables: &Tables,
    table: &PlanTable,
    tasks: &[usize],
    limit: u64,
    unit: u64,
    weight: impl Fn(&Plan) -> u64,
) -> Row {
    let weights = table.plans.iter().enumerate().map(|(class, plans)| {
        let count = tasks.iter().filter(|&&task| tables.class_of[task] == class).count() as u64;
        plans.iter().map(|plan| if count == 0 { 0 } else { count.saturating_mul(weight(plan)) }).collect()
    });
    Row { weights: weights.collect(), limit, unit }
}

/// Where the score is a sum over tasks, what they cost at best adds up to at most `most`; the energy likewise.
fn sum_rows(tables: &Tables, goal: Goal, table: &PlanTable, most: u64) -> Vec<Row> {
    let all: Vec<usize> = (0..tables.n_tasks).collect();
    let most = most.min(super::goal::BROKEN - 1);
    if goal.counts_energy() {
        return vec![row(tables, table, &all, most, 1, |plan| plan.energy)];
    }
    let cost = |class: usize, plan: &Plan| {
        let of_task = |&task: &usize| goal.task_cost(task, tables.problem.tasks[task].release.0 + plan.chain);
        tables.classes[class].iter().map(of_task).fold(0, u64::saturating_add)
    };
    let weights: Vec<Vec<u64>> = table
        .plans
        .iter()
        .enumerate()
        .map(|(class, plans)| plans.iter().map(|plan| cost(class, plan)).collect())
        .collect();
    let says_something = weights.iter().flatten().any(|&weight| weight > 0);
    says_something.then_some(Row { weights, limit: most, unit: 1 }).into_iter().collect()
}

/// A task ends no earlier than all chains on the longest way to it, after the release of the first one.
fn path_row(tables: &Tables, table: &PlanTable, earliest: &[u64], task: usize, latest: u64) -> Row {
    let mut path = vec![task];
    let mut first = task;
    while let Some(&before) = tables.problem.tasks[first].after.iter().max_by_key(|&&before| earliest[before]) {
        if earliest[before] <= tables.problem.tasks[first].release.0 {
            break;
        }
        path.push(before);
        first = before;
    }
    let room = latest.saturating_sub(tables.problem.tasks[first].release.0);
    row(tables, table, &path, room, 1000, |plan| plan.chain)
}

/// The unit, at least `least`, in which `n_terms` weights of hardly more than `room` are counted: Z3 adds up all weights
/// of a row in 32 bits.
pub(super) fn unit(room: u64, n_terms: u64, least: u64) -> u64 {
    least.max(room / ((1 << 30) / n_terms.max(1)).max(1) + 1)
}

/// A row in whole numbers that Z3 takes: minima taken off for each class (it doesn't know that one plan of each is
/// chosen), weights rounded down to units, the limit too. `None` where nothing satisfies it.
pub(super) fn rounded(row: &Row) -> Option<(Vec<Vec<i32>>, i32)> {
    let least = |weights: &Vec<u64>| weights.iter().copied().min().unwrap_or(0);
    let least_sum = row.weights.iter().map(least).fold(0, u64::saturating_add);
    let room = row.limit.checked_sub(least_sum)?;
    let n_terms: u64 = row.weights.iter().map(|weights| weights.len() as u64).sum();
    let unit = unit(room, n_terms, row.unit);
    let limit = room / unit;
    let round = |weight: u64| i32::try_from((weight / unit).min(limit + 1)).unwrap_or(i32::MAX);
    let weights = row.weights.iter().map(|weights| {
        let least = least(weights);
        weights.iter().map(|&weight| round(weight - least)).collect()
    });
    Some((weights.collect(), i32::try_from(limit).unwrap_or(i32::MAX)))
}
