//! A good incumbent before the proof begins: coordinate descent over plans by their bounds, then the oracle on the most
//! promising combinations seen.

use super::plans::{Plan, PlanTable};
use super::search::{Continue, Outcome, Search};
use super::symmetry::Symmetry;
use crate::units::SplitMix64;

/// Combinations given to the oracle.
const CANDIDATES: usize = 30;
/// Nodes that each of them gets.
const NODES: u64 = 400;
/// Random starts of the descent, besides those from the incumbent and from every price vector.
const RANDOM_STARTS: usize = 4;
/// Most rounds over all tasks from one start.
const ROUNDS: usize = 6;

/// Improves the incumbent by the plans of `table`; false where a limit was reached.
pub(super) fn run(search: &mut Search, table: &PlanTable) -> Continue {
    let symmetry = Symmetry::new(search.tables, table);
    let mut seen: Vec<(u64, Vec<usize>)> = vec![];
    for start in starts(search, table) {
        descend(search, table, &symmetry, start, &mut seen);
        if !search.limits.has_time() {
            return false;
        }
    }
    seen.sort_unstable();
    seen.dedup();
    for (bound, combination) in seen.into_iter().take(CANDIDATES) {
        if bound >= search.best_score() {
            break;
        }
        if search.decide(&table.allowed(search.tables, &combination), u64::MAX, NODES) == Outcome::Stopped {
            return false;
        }
    }
    true
}

/// The incumbent's plans, the cheapest plans for every price vector, the shortest chains, and a few random ones.
fn starts(search: &Search, table: &PlanTable) -> Vec<Vec<usize>> {
    let cheapest = |cost: &dyn Fn(&Plan) -> u64| -> Vec<usize> {
        let of_class = |plans: &Vec<Plan>| (0..plans.len()).min_by_key(|&plan| cost(&plans[plan])).unwrap_or(0);
        table.plans.iter().map(of_class).collect()
    };
    let mut starts: Vec<Vec<usize>> = (0..table.n_vectors).map(|vector| cheapest(&|plan| plan.pays[vector])).collect();
    starts.extend(search.incumbent().and_then(|(decision, _)| table.combination(search.tables, &decision.placement)));
    starts.push(cheapest(&|plan| plan.chain));
    let mut random = SplitMix64::new(search.seed);
    starts.extend(
        (0..RANDOM_STARTS).map(|_| table.plans.iter().map(|plans| random.below(plans.len())).collect::<Vec<_>>()),
    );
    starts.sort();
    starts.dedup();
    starts
}

/// Replaces one task's plan after the other by the one with the lowest bound, until nothing improves.
fn descend(
    search: &Search,
    table: &PlanTable,
    symmetry: &Symmetry,
    start: Vec<usize>,
    seen: &mut Vec<(u64, Vec<usize>)>,
) {
    let mut combination = start;
    let mut best = u64::MAX;
    for _ in 0..ROUNDS {
        let before = best;
        for task in 0..combination.len() {
            let mut best_plan = combination[task];
            for plan in 0..table.plans[task].len() {
                combination[task] = plan;
                let bound = table.bound(search.tables, search.goal, &combination);
                if bound < best {
                    (best, best_plan) = (bound, plan);
                }
                if bound < search.best_score() && symmetry.is_canonical(&combination) {
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
