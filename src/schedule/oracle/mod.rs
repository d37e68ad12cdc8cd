//! The order oracle: the best order of a combination of plans, by depth-first search over events on the evaluator's own
//! semantics. It also takes sets of allowed accelerators per group, to prove that none of many plans is better.
//!
//! Whenever an accelerator is idle and some group is ready for it, the search branches: start one of the ready groups,
//! or hold the accelerator for the next group of a task that isn't ready yet. Every order of every accelerator is
//! exactly one sequence of such choices. Only equal relative states are merged: earlier isn't better under contention.

mod cost_to_go;
mod memo;
mod remaining;
mod state;
#[cfg(test)]
mod tests;

use super::bounds::Prices;
use super::goal::Goal;
use super::limits::Limits;
use super::tables::Tables;
use super::{Decision, Objective};
use crate::problem::GroupId;
use cost_to_go::CostToGo;
use memo::Memo;
use remaining::Remaining;
pub(super) use remaining::{MAX_TASKS, MAX_VECTORS};
use state::{Choice, State};

/// Nodes that are counted at once; the clock is looked at between.
const NODES_AT_ONCE: u64 = 256;

/// Most states that the oracles of all threads together remember; each takes some 130 bytes.
const MOST_STATES: usize = 2_000_000;

/// Nodes that could be visited in the time of fitting prices once.
const NODES_OF_A_FIT: u64 = 200;

/// Nodes that a combination gets before prices are fitted to it.
const NODES_BEFORE_FITTING: u64 = 200;

/// Fewest open groups with which prices are fitted anew.
const FEWEST_OPEN: usize = 6;

/// Nodes that a combination gets at least before its costs to go are computed.
const FEW_NODES: u64 = 1000;

/// How far above the least cost to go, in nanoseconds, the best order is looked for at first.
const FIRST_WIDTH: u64 = 1000;

/// What a search of one combination ended with.
#[derive(Debug)]
pub(super) struct Verdict {
    /// The best order found that is better than the cutoff.
    pub(super) found: Option<Decision>,
    /// Whether everything was searched: without `found`, no order is better than the cutoff.
    pub(super) complete: bool,
}

/// Searches combinations one after another, reusing its buffers.
pub(super) struct Oracle<'a> {
    tables: &'a Tables<'a>,
    goal: Goal<'a>,
    states: Vec<State>,
    memo: Memo,
    key: Vec<u64>,
    log: Vec<(usize, GroupId)>,
    /// Scores from here on don't matter.
    cutoff: u64,
    best: Option<Vec<(usize, GroupId)>>,
    /// Nodes that this call may still ask for, and those that it was granted.
    nodes_left: u64,
    granted: u64,
    /// Nodes that this call visited, times that it fitted prices, and fewest open groups with which it does.
    visited: u64,
    fits: u64,
    fewest_open: usize,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(tables: &'a Tables<'a>, goal: Goal<'a>, n_threads: usize) -> Self {
        let depth = 4 * tables.offsets[tables.n_tasks] + 2 * tables.n_machines + 8;
        Self {
            tables,
            goal,
            states: vec![State::new(tables); depth],
            memo: Memo::new(MOST_STATES / n_threads),
            key: vec![],
            log: vec![],
            cutoff: u64::MAX,
            best: None,
            nodes_left: 0,
            visited: 0,
            fits: 0,
            fewest_open: usize::MAX,
            granted: 0,
        }
    }

    /// Looks for an order with a score below `cutoff`, on at most `max_nodes` nodes. `allowed` holds the bit set of
    /// accelerators that every group may use, by flat index.
    pub(super) fn search(
        &mut self,
        allowed: &[u64],
        prices: &Prices,
        cutoff: u64,
        max_nodes: u64,
        limits: &Limits,
    ) -> Verdict {
        let remaining = Remaining::new(self.tables, prices, self.goal, allowed);
        (self.cutoff, self.best) = (cutoff, None);
        let few = max_nodes.min(NODES_BEFORE_FITTING);
        let complete = self.explore_plainly(&remaining, few, limits)
            || few < max_nodes && self.explore_further(&remaining, max_nodes - few, limits);
        Verdict { found: self.best.take().map(|log| self.decision(&log)), complete }
    }

    /// Searches a combination that takes more than few nodes: with fitted prices, and then by its costs to go where they can
    /// be had for so many nodes.
    fn explore_further(&mut self, remaining: &Remaining, max_nodes: u64, limits: &Limits) -> bool {
        let by_costs = remaining.is_fixed() && self.could_go_by_costs(max_nodes);
        let few = if by_costs { (self.n_positions() / 2).max(FEW_NODES).min(max_nodes) } else { max_nodes };
        self.explore_fitted(remaining, few, limits) || by_costs && self.explore_by_costs(remaining, max_nodes, limits)
    }

    /// Whether a combination that takes long is decided by its costs to go rather than by many nodes.
    pub(super) fn could_go_by_costs(&self, max_nodes: u64) -> bool {
        self.goal.objective == Objective::Makespan && cost_to_go::is_for(self.tables) && self.n_positions() <= max_nodes
    }

    /// Number of ways in which groups can have ended, where every task's end one after the other; saturating.
    fn n_positions(&self) -> u64 {
        let of_task = |task: usize| self.tables.n_groups(task) as u64 + 1;
        (0..self.tables.n_tasks).map(of_task).fold(1, u64::saturating_mul)
    }

    /// Searches a combination with the costs to go as bounds: these lead to the best order without detours.
    fn explore_by_costs(&mut self, remaining: &Remaining, max_nodes: u64, limits: &Limits) -> bool {
        let start = State::new(self.tables);
        let fitted = remaining.fitted_vector(self.tables, &start, self.cutoff);
        let prices = fitted.map(|vector| remaining.base.with(self.tables, &vector));
        let prices = prices.as_ref().unwrap_or(remaining.base);
        let Some(mut costs) = CostToGo::new(self.tables, remaining, prices, self.cutoff, limits) else {
            return self.explore_fitted(remaining, max_nodes, limits);
        };
        let Some(least) = costs.least() else {
            // A limit of the whole search, at which this ends too; or too much memory.
            return self.explore_fitted(remaining, max_nodes, limits);
        };
        if least >= self.cutoff {
            return true;
        }
        self.fewest_open = usize::MAX;
        // The best order costs hardly more, so that a search of what costs as little finds it without worse ones before.
        let (cutoff, mut width) = (self.cutoff, FIRST_WIDTH);
        loop {
            self.cutoff = cutoff.min(least.saturating_add(width));
            let is_last = self.cutoff == cutoff;
            let complete = self.explore_all(remaining, Some(&mut costs), max_nodes, limits);
            if self.best.is_some() {
                return complete;
            }
            if is_last || !complete {
                self.cutoff = cutoff;
                return complete;
            }
            width *= 4;
        }
    }

    /// Searches everything on at most `max_nodes` nodes with the prices that there are.
    fn explore_plainly(&mut self, remaining: &Remaining, max_nodes: u64, limits: &Limits) -> bool {
        self.fewest_open = usize::MAX;
        self.explore_all(remaining, None, max_nodes, limits)
    }

    /// Searches everything on at most `max_nodes` nodes and fits prices anew where many groups are open.
    fn explore_fitted(&mut self, remaining: &Remaining, max_nodes: u64, limits: &Limits) -> bool {
        self.fewest_open = self.tables.offsets[self.tables.n_tasks];
        self.explore_all(remaining, None, max_nodes, limits)
    }

    /// Searches everything on at most `max_nodes` nodes.
    fn explore_all(
        &mut self,
        remaining: &Remaining,
        costs: Option<&mut CostToGo>,
        max_nodes: u64,
        limits: &Limits,
    ) -> bool {
        self.memo.clear();
        self.log.clear();
        self.nodes_left = max_nodes;
        (self.visited, self.fits) = (0, 0);
        self.states[0].reset();
        let complete = self.explore(0, remaining, costs, limits);
        limits.return_nodes(std::mem::take(&mut self.granted));
        complete
    }

    /// Lower bound of the score of everything within `allowed`.
    pub(super) fn root_bound(&self, allowed: &[u64], prices: &Prices) -> u64 {
        let remaining = Remaining::new(self.tables, prices, self.goal, allowed);
        remaining.bound(self.tables, self.goal, &State::new(self.tables))
    }

    /// Least time that every task needs by itself within `allowed`.
    pub(super) fn shortest_chains(&self, allowed: &[u64], prices: &Prices) -> Vec<u64> {
        let remaining = Remaining::new(self.tables, prices, self.goal, allowed);
        let start = State::new(self.tables);
        (0..self.tables.n_tasks).map(|task| remaining.chain(self.tables, &start, task)).collect()
    }

    /// Searches everything below the state at `depth`; false where a limit stopped it.
    fn explore(
        &mut self,
        depth: usize,
        remaining: &Remaining,
        mut costs: Option<&mut CostToGo>,
        limits: &Limits,
    ) -> bool {
        loop {
            if !self.visit_node(limits) {
                return false;
            }
            let state = &mut self.states[depth];
            let choice = state.settle(self.tables, self.goal, remaining, &mut self.log);
            if remaining.bound(self.tables, self.goal, state) >= self.cutoff {
                return true;
            }
            match choice {
                Some(choice) => return self.merged(depth) || self.branch(depth, choice, remaining, costs, limits),
                None if costs.as_mut().is_some_and(|costs| costs.bound(state) >= self.cutoff) => return true,
                None if state.advance(self.tables, self.goal) => {}
                None => {
                    self.finish(depth);
                    return true;
                }
            }
        }
    }

    /// Counts a node; false where this call has no more, or the whole search.
    fn visit_node(&mut self, limits: &Limits) -> bool {
        if self.granted == 0 && self.nodes_left > 0 {
            self.granted = limits.grant_nodes(self.nodes_left.min(NODES_AT_ONCE));
            self.nodes_left -= self.granted;
        }
        self.visited += 1;
        let is_granted = self.granted > 0;
        self.granted = self.granted.saturating_sub(1);
        is_granted
    }

    fn branch(
        &mut self,
        depth: usize,
        choice: Choice,
        remaining: &Remaining,
        costs: Option<&mut CostToGo>,
        limits: &Limits,
    ) -> bool {
        let n_open = self.states[depth].n_open(self.tables);
        if !self.is_worth_fitting(remaining, n_open) {
            return self.take_options(depth, choice, remaining, costs, limits);
        }
        let state = &self.states[depth];
        let Some(vector) = remaining.fitted_vector(self.tables, state, self.cutoff) else {
            return self.take_options(depth, choice, remaining, costs, limits);
        };
        self.fits += 1;
        let prices = remaining.base.with(self.tables, &vector);
        let fitted = remaining.with_prices(self.tables, &prices, self.goal, n_open);
        if fitted.bound(self.tables, self.goal, state) >= self.cutoff {
            return true;
        }
        self.take_options(depth, choice, &fitted, costs, limits)
    }

    /// Whether prices are fitted anew to what is still to be done: where much is, and where it pays. Fitting goes as deep
    /// as leaves most of the time to visiting nodes.
    fn is_worth_fitting(&mut self, remaining: &Remaining, n_open: usize) -> bool {
        if self.fewest_open == usize::MAX {
            return false;
        }
        if self.visited > 4 * self.fits * NODES_OF_A_FIT {
            self.fewest_open = self.fewest_open.saturating_sub(1).max(FEWEST_OPEN);
        } else if self.visited < self.fits * NODES_OF_A_FIT {
            self.fewest_open += 1;
        }
        remaining.can_be_fitted(self.tables) && n_open >= self.fewest_open && n_open < remaining.fitted_at
    }

    fn take_options(
        &mut self,
        depth: usize,
        choice: Choice,
        remaining: &Remaining,
        mut costs: Option<&mut CostToGo>,
        limits: &Limits,
    ) -> bool {
        let n_logged = self.log.len();
        for option in self.states[depth].options(self.tables, remaining, choice) {
            let (above, below) = self.states.split_at_mut(depth + 1);
            below[0].copy_from(&above[depth]);
            below[0].take(self.tables, option, &mut self.log);
            let complete = self.explore(depth + 1, remaining, costs.as_deref_mut(), limits);
            self.log.truncate(n_logged);
            if !complete {
                return false;
            }
        }
        true
    }

    /// Whether an equal relative state was searched that was no later and had settled no worse.
    fn merged(&mut self, depth: usize) -> bool {
        let state = &self.states[depth];
        state.write_key(self.tables, &mut self.key);
        self.memo.covers(&self.key, (state.now, state.settled))
    }

    /// Keeps the order that led to a state in which nothing more happens, where all groups have ended.
    fn finish(&mut self, depth: usize) {
        let state = &self.states[depth];
        if state.all_ended(self.tables) {
            let score = self.goal.final_score(state.settled, state.now);
            if score < self.cutoff {
                self.cutoff = score;
                self.best = Some(self.log.clone());
            }
        }
    }

    fn decision(&self, log: &[(usize, GroupId)]) -> Decision {
        let mut placement: Vec<Vec<usize>> =
            (0..self.tables.n_tasks).map(|task| vec![0; self.tables.n_groups(task)]).collect();
        let mut order = vec![vec![]; self.tables.n_machines];
        for &(machine, id) in log {
            placement[id.task][id.group] = machine;
            order[machine].push(id);
        }
        Decision { placement, order }
    }
}
