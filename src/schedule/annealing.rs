//! When to anneal: before the proof, and beside it for a share of its time.

use super::Decision;
use super::local_search::LocalSearch;
use super::plans::PlanTable;
use super::search::{Continue, Search};

/// Annealings before the proof, as long as each finds something better.
const MOST_ANNEALINGS: u64 = 5;
/// Moves of a short annealing for each group and task.
const MOVES: u64 = 25;
/// Nodes of a search before more is annealed beside it.
const NODES_BETWEEN: u64 = 50_000;

/// The annealings of one search.
pub(super) struct Annealing<'t> {
    table: &'t PlanTable,
    /// Annealings so far, and the nodes that they took.
    n_annealings: u64,
    nodes: u64,
    /// How many beside the proof haven't helped since one did.
    n_in_vain: u64,
}

impl<'t> Annealing<'t> {
    /// Annealings whose candidates have the plans of `table`.
    pub(super) fn new(table: &'t PlanTable) -> Self {
        Self { table, n_annealings: 0, nodes: 0, n_in_vain: 0 }
    }

    /// Anneals from the incumbent, again while that improves it; false where a limit was reached.
    pub(super) fn anneal(&mut self, search: &mut Search) -> Continue {
        for _ in 0..MOST_ANNEALINGS {
            if search.is_proved() {
                break;
            }
            match self.anneal_once(search, MOVES) {
                None => return false,
                Some(false) => break,
                Some(true) => {}
            }
        }
        true
    }

    /// Anneals for a third of the search's nodes: what is found late, the proof has to wait for. Most annealings are short,
    /// every second one in vain is twice as long, every fourth four times. False where a limit was reached.
    pub(super) fn anneal_between(&mut self, search: &mut Search) -> Continue {
        while !search.is_proved() && search.limits.nodes() > 3 * self.nodes + NODES_BETWEEN {
            let moves = MOVES << (self.n_in_vain + 1).trailing_zeros();
            match self.anneal_once(search, moves) {
                None => return false,
                Some(true) => self.n_in_vain = 0,
                Some(false) => self.n_in_vain += 1,
            }
        }
        true
    }

    /// Whether annealing from the incumbent improved it; `None` where a limit was reached.
    fn anneal_once(&mut self, search: &mut Search, moves: u64) -> Option<bool> {
        let before = search.limits.nodes();
        let decision = self.better_decision(search, moves);
        let is_better = decision.is_some_and(|decision| search.offer(&decision));
        self.n_annealings += 1;
        self.nodes += search.limits.nodes() - before;
        search.limits.has_time().then_some(is_better)
    }

    fn better_decision(&self, search: &Search, moves: u64) -> Option<Decision> {
        let tables = search.tables;
        let start = search.incumbent()?;
        let size = (tables.offsets[tables.n_tasks] * tables.n_tasks) as u64;
        let seed = search.seed.wrapping_add(self.n_annealings);
        let mut annealing = LocalSearch::new(tables, self.table, search.goal, seed);
        annealing.improve(start, moves * size, &search.limits)
    }
}
