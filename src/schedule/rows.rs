//! Rows: what every combination with a score below a target must satisfy, as sums of one weight per task.
//!
//! One function per row; the weights are rounded down and the limit is reached exactly, so that every row is a
//! relaxation. Knows nothing of Z3.

use super::Objective;
use super::bounds::{Goal, task_throughput};
use super::plans::{Plan, PlanTable};
use super::tables::Tables;

/// The weights of the chosen plans add up to at most `limit`: `weights[task][plan]`.
pub(super) struct Row {
    pub(super) weights: Vec<Vec<u64>>,
    pub(super) limit: u64,
    /// Weights are counted in at least this many units when they are rounded.
    pub(super) unit: u64,
}

/// All rows for a score of at most `most`.
pub(super) fn rows(tables: &Tables, goal: Goal, table: &PlanTable, most: u64) -> Vec<Row> {
    let mut rows = vec![];
    if goal.objective == Objective::Throughput {
        rows.push(throughput_row(tables, goal, table, most));
    }
    if let Some(horizon) = horizon(tables, goal, table, most) {
        rows.extend((0..tables.n_tasks).map(|task| chain_row(tables, table, task, horizon)));
        rows.extend(edge_rows(tables, table, horizon));
        rows.extend((0..table.n_vectors).map(|vector| price_row(tables, table, vector, horizon)));
    }
    rows
}

fn horizon(tables: &Tables, goal: Goal, table: &PlanTable, most: u64) -> Option<u64> {
    let shortest = |plans: &Vec<Plan>| plans.iter().map(|plan| plan.chain).min().unwrap_or(0);
    latest_end(tables, goal, most, || table.plans.iter().map(shortest).collect())
}

/// The latest end of any task that a score of at most `most` allows: the makespan itself; for the throughput, the latest
/// end at which the other tasks, each on its shortest chain of `chains`, still make up for the task. `None` where there
/// is no such moment.
pub(super) fn latest_end(tables: &Tables, goal: Goal, most: u64, chains: impl FnOnce() -> Vec<u64>) -> Option<u64> {
    if goal.objective == Objective::Makespan {
        return Some(most);
    }
    let release = |task: usize| tables.problem.tasks[task].release.0;
    let fastest: Vec<u64> =
        chains().iter().enumerate().map(|(task, chain)| task_throughput(tables, task, release(task) + chain)).collect();
    let all: u64 = fastest.iter().sum();
    let latest = |task: usize| {
        let needed = goal.convert(most).checked_sub(all - fastest[task]).filter(|&needed| needed > 0)?;
        Some(release(task) + task_throughput_inverse(needed))
    };
    (0..tables.n_tasks).map(latest).try_fold(0, |horizon, end| Some(horizon.max(end?)))
}

/// The longest latency with a throughput term of at least `term`.
fn task_throughput_inverse(term: u64) -> u64 {
    super::THROUGHPUT_UNIT / term
}

fn plan_throughput(tables: &Tables, task: usize, plan: &Plan) -> u64 {
    task_throughput(tables, task, tables.problem.tasks[task].release.0 + plan.chain)
}

/// A row with `weight(task, plan)` for the given tasks and zero for the others.
fn row(table: &PlanTable, limit: u64, unit: u64, weight: impl Fn(usize, &Plan) -> u64) -> Row {
    let weights = table.plans.iter().enumerate();
    let weights = weights.map(|(task, plans)| plans.iter().map(|plan| weight(task, plan)).collect()).collect();
    Row { weights, limit, unit }
}

/// No task is faster than its chain: the shortfalls of the tasks add up to at most that of the target.
fn throughput_row(tables: &Tables, goal: Goal, table: &PlanTable, most: u64) -> Row {
    let one = Goal::new(goal.objective, 1);
    row(table, most, 1, |task, plan| one.convert(plan_throughput(tables, task, plan)))
}

/// A task ends no earlier than its release and its chain.
fn chain_row(tables: &Tables, table: &PlanTable, task: usize, horizon: u64) -> Row {
    let release = tables.problem.tasks[task].release.0;
    row(table, horizon, 1000, |of, plan| if of == task { release + plan.chain } else { 0 })
}

/// A task that waits for another one ends no earlier than both chains after the other's release.
fn edge_rows(tables: &Tables, table: &PlanTable, horizon: u64) -> Vec<Row> {
    let tasks = &tables.problem.tasks;
    let edges = (0..tasks.len()).flat_map(|task| tasks[task].after.iter().map(move |&before| (before, task)));
    edges
        .map(|(before, task)| {
            let release = tasks[before].release.0;
            row(
                table,
                horizon.saturating_sub(release),
                1000,
                |of, plan| {
                    if of == before || of == task { plan.chain } else { 0 }
                },
            )
        })
        .collect()
}

/// All tasks together pay at most the time from the first release to the horizon, to every price vector and load.
fn price_row(tables: &Tables, table: &PlanTable, vector: usize, horizon: u64) -> Row {
    let release = tables.problem.tasks.iter().map(|task| task.release.0).min().unwrap_or(0);
    row(table, horizon.saturating_sub(release), 1000, |_, plan| plan.pays[vector])
}

/// The unit, at least `least`, in which `n_terms` weights of hardly more than `room` are counted: Z3 adds up all weights
/// of a row in 32 bits.
pub(super) fn unit(room: u64, n_terms: u64, least: u64) -> u64 {
    least.max(room / ((1 << 30) / n_terms.max(1)).max(1) + 1)
}

/// A row in whole numbers that Z3 takes: per-task minima taken off (it doesn't know that one plan of each task is
/// chosen), weights rounded down to units, the limit too. `None` where nothing satisfies it.
pub(super) fn rounded(row: &Row) -> Option<(Vec<Vec<i32>>, i32)> {
    let least = |weights: &Vec<u64>| weights.iter().copied().min().unwrap_or(0);
    let least_sum: u64 = row.weights.iter().map(least).sum();
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
