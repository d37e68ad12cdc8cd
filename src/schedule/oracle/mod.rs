//! The order oracle: the best order of a combination of plans, by depth-first search over events on the evaluator's own
//! semantics. It also takes sets of allowed accelerators per group, to prove that none of many plans is better.
//!
//! Whenever an accelerator is idle and some group is ready for it, the search branches: start one of the ready groups,
//! or hold the accelerator for the next group of a task that isn't ready yet. Every order of every accelerator is
//! exactly one sequence of such choices. Only equal relative states are merged: earlier isn't better under contention.

mod memo;
mod remaining;
mod state;

use super::Decision;
use super::bounds::Prices;
use super::goal::Goal;
use super::limits::Limits;
use super::tables::Tables;
use crate::problem::GroupId;
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
        let complete = self.explore_anew(&remaining, few, usize::MAX, limits)
            || few < max_nodes && self.explore_anew(&remaining, max_nodes - few, allowed.len(), limits);
        Verdict { found: self.best.take().map(|log| self.decision(&log)), complete }
    }

    /// Searches everything on at most `max_nodes` nodes; fits prices anew where at least `fewest_open` groups are open.
    fn explore_anew(&mut self, remaining: &Remaining, max_nodes: u64, fewest_open: usize, limits: &Limits) -> bool {
        self.memo.clear();
        self.log.clear();
        self.nodes_left = max_nodes;
        (self.visited, self.fits, self.fewest_open) = (0, 0, fewest_open);
        self.states[0].reset();
        let complete = self.explore(0, remaining, limits);
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
    fn explore(&mut self, depth: usize, remaining: &Remaining, limits: &Limits) -> bool {
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
                Some(choice) => return self.merged(depth) || self.branch(depth, choice, remaining, limits),
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

    fn branch(&mut self, depth: usize, choice: Choice, remaining: &Remaining, limits: &Limits) -> bool {
        let n_open = self.states[depth].n_open(self.tables);
        if !self.is_worth_fitting(remaining, n_open) {
            return self.take_options(depth, choice, remaining, limits);
        }
        let state = &self.states[depth];
        let Some(vector) = remaining.fitted_vector(self.tables, state, self.cutoff) else {
            return self.take_options(depth, choice, remaining, limits);
        };
        self.fits += 1;
        let prices = remaining.base.with(self.tables, &vector);
        let fitted = remaining.with_prices(self.tables, &prices, self.goal, n_open);
        if fitted.bound(self.tables, self.goal, state) >= self.cutoff {
            return true;
        }
        self.take_options(depth, choice, &fitted, limits)
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

    fn take_options(&mut self, depth: usize, choice: Choice, remaining: &Remaining, limits: &Limits) -> bool {
        let n_logged = self.log.len();
        for option in self.states[depth].options(self.tables, remaining, choice) {
            let (above, below) = self.states.split_at_mut(depth + 1);
            below[0].copy_from(&above[depth]);
            below[0].take(self.tables, option, &mut self.log);
            let complete = self.explore(depth + 1, remaining, limits);
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
