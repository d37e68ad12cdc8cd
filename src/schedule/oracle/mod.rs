//! The order oracle: the best order of a combination of plans, by depth-first search over events on the evaluator's own
//! semantics. It also takes sets of allowed accelerators per group, to prove that none of many plans is better.
//!
//! Whenever an accelerator is idle and some group is ready for it, the search branches: start one of the ready groups,
//! or hold the accelerator for the next group of a task that isn't ready yet. Every order of every accelerator is
//! exactly one sequence of such choices. Only equal relative states are merged: earlier isn't better under contention.

mod remaining;
mod state;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::Decision;
use super::bounds::{Goal, Prices};
use super::limits::Limits;
use super::tables::Tables;
use crate::problem::GroupId;
pub(super) use remaining::MAX_TASKS;
use remaining::Remaining;
use state::{Choice, State};

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
    prices: &'a Prices,
    goal: Goal,
    states: Vec<State>,
    memo: HashMap<Box<[u64]>, (u64, u64), BuildHasherDefault<WordHasher>>,
    key: Vec<u64>,
    log: Vec<(usize, GroupId)>,
    /// Scores from here on don't matter.
    cutoff: u64,
    best: Option<Vec<(usize, GroupId)>>,
    /// Nodes that this call may still visit.
    nodes_left: u64,
}

impl<'a> Oracle<'a> {
    pub(super) fn new(tables: &'a Tables<'a>, prices: &'a Prices, goal: Goal) -> Self {
        let depth = 4 * tables.offsets[tables.n_tasks] + 2 * tables.n_machines + 8;
        Self {
            tables,
            prices,
            goal,
            states: vec![State::new(tables); depth],
            memo: HashMap::default(),
            key: vec![],
            log: vec![],
            cutoff: u64::MAX,
            best: None,
            nodes_left: 0,
        }
    }

    /// Looks for an order with a score below `cutoff`, on at most `max_nodes` nodes. `allowed` holds the bit set of
    /// accelerators that every group may use, by flat index.
    pub(super) fn search(&mut self, allowed: &[u64], cutoff: u64, max_nodes: u64, limits: &mut Limits) -> Verdict {
        let remaining = Remaining::new(self.tables, self.prices, allowed);
        self.memo.clear();
        self.log.clear();
        (self.cutoff, self.best, self.nodes_left) = (cutoff, None, max_nodes);
        self.states[0].reset();
        let complete = self.explore(0, &remaining, limits);
        Verdict { found: self.best.take().map(|log| self.decision(&log)), complete }
    }

    /// Lower bound of the score of everything within `allowed`.
    pub(super) fn root_bound(&self, allowed: &[u64]) -> u64 {
        let remaining = Remaining::new(self.tables, self.prices, allowed);
        remaining.bound(self.tables, self.prices, self.goal, &State::new(self.tables))
    }

    /// Least time that every task needs by itself within `allowed`.
    pub(super) fn shortest_chains(&self, allowed: &[u64]) -> Vec<u64> {
        let remaining = Remaining::new(self.tables, self.prices, allowed);
        let start = State::new(self.tables);
        (0..self.tables.n_tasks).map(|task| remaining.chain(self.tables, &start, task)).collect()
    }

    /// Searches everything below the state at `depth`; false where a limit stopped it.
    fn explore(&mut self, depth: usize, remaining: &Remaining, limits: &mut Limits) -> bool {
        loop {
            if self.nodes_left == 0 || !limits.visit_node() {
                return false;
            }
            self.nodes_left -= 1;
            let state = &mut self.states[depth];
            let choice = state.settle(self.tables, remaining, &mut self.log);
            if remaining.bound(self.tables, self.prices, self.goal, state) >= self.cutoff {
                return true;
            }
            match choice {
                Some(choice) => return self.merged(depth) || self.branch(depth, choice, remaining, limits),
                None if state.advance(self.tables) => {}
                None => {
                    self.finish(depth);
                    return true;
                }
            }
        }
    }

    fn branch(&mut self, depth: usize, choice: Choice, remaining: &Remaining, limits: &mut Limits) -> bool {
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

    /// Whether an equal relative state was searched that was no later and had earned no less.
    fn merged(&mut self, depth: usize) -> bool {
        let state = &self.states[depth];
        state.write_key(self.tables, &mut self.key);
        let reached = (state.now, state.earned);
        match self.memo.get_mut(self.key.as_slice()) {
            Some(known) if known.0 <= reached.0 && known.1 >= reached.1 => true,
            Some(known) => {
                if reached.0 <= known.0 && reached.1 >= known.1 {
                    *known = reached;
                }
                false
            }
            None => {
                self.memo.insert(self.key.clone().into_boxed_slice(), reached);
                false
            }
        }
    }

    /// Keeps the order that led to a state in which nothing more happens, where all groups have ended.
    fn finish(&mut self, depth: usize) {
        let state = &self.states[depth];
        if state.all_ended(self.tables) {
            let score = match self.goal.objective {
                super::Objective::Makespan => state.now,
                super::Objective::Throughput => self.goal.convert(state.earned),
            };
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

/// Multiplies and rotates whole words: fast, and the full key is compared after it.
#[derive(Default)]
struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 29
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }
}
