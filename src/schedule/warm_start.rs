//! A good incumbent before the proof begins: coordinate descent over plans by their bounds, then the oracle on the most
//! promising combinations seen.

use super::plan_search::{Continue, PlanSearch};
use crate::units::SplitMix64;

/// Combinations given to the oracle.
const CANDIDATES: usize = 30;
/// Nodes that each of them gets.
const NODES: u64 = 400;
/// Random starts of the descent, besides those from the incumbent and from every price vector.
const RANDOM_STARTS: usize = 4;
/// Most rounds over all tasks from one start.
const ROUNDS: usize = 6;

/// Improves the incumbent; false where a limit was reached.
pub(super) fn run(search: &mut PlanSearch) -> Continue {
    let mut seen: Vec<(u64, Vec<usize>)> = vec![];
    for start in starts(search) {
        descend(search, start, &mut seen);
        if !search.search.limits.has_time() {
            return false;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    for (bound, combination) in seen.into_iter().take(CANDIDATES) {
        if bound >= search.search.best_score() {
            break;
        }
        if !search.try_out(&combination, NODES) {
            return false;
        }
    }
    true
}

/// The incumbent's plans, the cheapest plans for every price vector, the shortest chains, and a few random ones.
fn starts(search: &PlanSearch) -> Vec<Vec<usize>> {
    let table = search.table;
    let cheapest = |vector: usize| -> Vec<usize> {
        let cheapest = |plans: &Vec<super::plans::Plan>| (0..plans.len()).min_by_key(|&idx| plans[idx].pays[vector]);
        table.plans.iter().map(|plans| cheapest(plans).unwrap_or(0)).collect()
    };
    let mut starts: Vec<Vec<usize>> = (0..table.n_vectors).map(cheapest).collect();
    starts.extend(search.incumbent_plans());
    let shortest = |plans: &Vec<super::plans::Plan>| (0..plans.len()).min_by_key(|&idx| plans[idx].chain).unwrap_or(0);
    starts.push(table.plans.iter().map(shortest).collect());
    let mut random = SplitMix64::new(search.search.seed);
    starts.extend(
        (0..RANDOM_STARTS).map(|_| table.plans.iter().map(|plans| random.below(plans.len())).collect::<Vec<_>>()),
    );
    starts.sort();
    starts.dedup();
    starts
}

/// Replaces one task's plan after the other by the one with the lowest bound, until nothing improves.
fn descend(search: &PlanSearch, start: Vec<usize>, seen: &mut Vec<(u64, Vec<usize>)>) {
    let (tables, goal) = search.parts();
    let mut combination = start;
    let mut best = u64::MAX;
    for _ in 0..ROUNDS {
        let before = best;
        for task in 0..combination.len() {
            let mut best_plan = combination[task];
            for plan in 0..search.table.plans[task].len() {
                combination[task] = plan;
                let bound = search.table.bound(tables, goal, &combination);
                if bound < best {
                    (best, best_plan) = (bound, plan);
                }
                if bound < search.search.best_score() && search.is_canonical(&combination) {
                    seen.push((bound, combination.clone()));
                }
            }
            combination[task] = best_plan;
        }
        if best == before {
            return;
        }
    }
}
