//! Better schedules without a proof: simulated annealing over plans and orders, on the evaluator itself.
//!
//! A candidate is a plan of every class and one sequence of all tasks' groups; every accelerator runs its groups in the
//! order in which the sequence names them, so that no candidate waits in a circle. A move takes another plan, or another
//! place in the sequence for one group.

use super::evaluate::Evaluator;
use super::goal::{BROKEN, Goal};
use super::limits::Limits;
use super::plans::PlanTable;
use super::tables::Tables;
use super::{Decision, Timeline};
use crate::problem::GroupId;
use crate::units::SplitMix64;

/// A candidate that is worse by this share of the value is taken one time in e, at first.
const FIRST_TEMPERATURE: f64 = 0.02;
/// The share at the end.
const LAST_TEMPERATURE: f64 = 0.0005;
/// Moves between two looks at the limits.
const MOVES_AT_ONCE: u64 = 64;
/// Groups whose evaluation counts as one node.
const NODE_GROUPS: u64 = 2;
/// Of so many moves one takes another plan.
const PLAN_MOVES: u64 = 4;

/// Anneals candidates of one problem.
pub(super) struct LocalSearch<'a> {
    tables: &'a Tables<'a>,
    table: &'a PlanTable,
    goal: Goal<'a>,
    evaluator: Evaluator<'a>,
    random: SplitMix64,
    /// Task of each group in turn.
    sequence: Vec<usize>,
    decision: Decision,
    /// Groups of each task that the sequence has named so far.
    named: Vec<usize>,
}

impl<'a> LocalSearch<'a> {
    pub(super) fn new(tables: &'a Tables<'a>, table: &'a PlanTable, goal: Goal<'a>, seed: u64) -> Self {
        Self {
            tables,
            table,
            goal,
            evaluator: Evaluator::new(tables.problem),
            random: SplitMix64::new(seed),
            sequence: vec![],
            decision: Decision { placement: vec![], order: vec![] },
            named: vec![],
        }
    }

    /// Anneals from `start` over `n_moves` candidates or until a limit is reached; the best decision found that is better
    /// than the start.
    pub(super) fn improve(&mut self, start: (&Decision, &Timeline), n_moves: u64, limits: &Limits) -> Option<Decision> {
        self.decision = start.0.clone();
        self.sequence = sequence(start.1);
        let cost = (self.sequence.len() as u64 / NODE_GROUPS).max(1);
        let mut best = None;
        let mut current = self.score()?;
        let mut cutoff = self.goal.score(&start.0.placement, start.1);
        let cooling = (LAST_TEMPERATURE / FIRST_TEMPERATURE).powf(1.0 / n_moves as f64);
        let mut share = FIRST_TEMPERATURE;
        for step in 0..n_moves {
            if step.is_multiple_of(MOVES_AT_ONCE) && limits.grant_nodes(MOVES_AT_ONCE * cost) < MOVES_AT_ONCE * cost {
                break;
            }
            share *= cooling;
            let undo = self.make_move();
            match self.score() {
                Some(score) if self.is_taken(current, score, share) => {
                    current = score;
                    if score < cutoff {
                        cutoff = score;
                        best = Some(self.decision.clone());
                    }
                }
                _ => self.take_back(&undo),
            }
        }
        best
    }

    /// Whether a candidate of score `next` takes the place of one of `current`: a better one always, one that is worse by
    /// `share` of the value one time in e. None that breaks the latency cap comes after one that keeps it.
    fn is_taken(&mut self, current: u64, next: u64, share: f64) -> bool {
        if next <= current {
            return true;
        }
        let scale = match (current < BROKEN, next < BROKEN) {
            (true, true) => self.goal.convert(current),
            (true, false) => return false,
            (false, _) => self.tables.problem.latency_cap.map_or(0, |cap| cap.0),
        };
        self.random.uniform() < (-((next - current) as f64) / (share * scale as f64)).exp()
    }

    /// Score of the candidate; `None` where its tasks wait in a circle.
    fn score(&mut self) -> Option<u64> {
        let order = &mut self.decision.order;
        order.iter_mut().for_each(Vec::clear);
        self.named.clear();
        self.named.resize(self.tables.n_tasks, 0);
        for &task in &self.sequence {
            let group = self.named[task];
            self.named[task] += 1;
            order[self.decision.placement[task][group]].push(GroupId { task, group });
        }
        let timeline = self.evaluator.run(&self.decision).ok()?;
        Some(self.goal.score(&self.decision.placement, timeline))
    }

    fn make_move(&mut self) -> Undo {
        if self.random.next_bits().is_multiple_of(PLAN_MOVES) {
            let class = self.random.below(self.table.plans.len());
            let plan = self.random.below(self.table.plans[class].len());
            let before = self.decision.placement[self.tables.classes[class][0]].clone();
            self.place(class, &self.table.plans[class][plan].placement);
            return Undo::Plan { class, before };
        }
        let from = self.random.below(self.sequence.len());
        // Near places more often than far ones: orders are mostly right.
        let reach = if self.random.next_bits().is_multiple_of(2) { 3 } else { self.sequence.len() };
        let span = 2 * reach + 1;
        let to = (from + self.random.below(span)).saturating_sub(reach).min(self.sequence.len() - 1);
        self.shift(from, to);
        Undo::Shift { from: to, to: from }
    }

    fn take_back(&mut self, undo: &Undo) {
        match undo {
            Undo::Plan { class, before } => self.place(*class, before),
            Undo::Shift { from, to } => self.shift(*from, *to),
        }
    }

    fn place(&mut self, class: usize, placement: &[usize]) {
        for &task in &self.tables.classes[class] {
            self.decision.placement[task].copy_from_slice(placement);
        }
    }

    /// Moves the entry at `from` to `to`.
    fn shift(&mut self, from: usize, to: usize) {
        if from < to {
            self.sequence[from..=to].rotate_left(1);
        } else {
            self.sequence[to..=from].rotate_right(1);
        }
    }
}

/// How a move is taken back.
enum Undo {
    Plan { class: usize, before: Vec<usize> },
    Shift { from: usize, to: usize },
}

/// The tasks of a timeline's groups by their starts, each task's in its own order.
fn sequence(timeline: &Timeline) -> Vec<usize> {
    let groups = timeline.groups.iter().enumerate();
    let starts =
        groups.flat_map(|(task, groups)| groups.iter().enumerate().map(move |(at, group)| (group.start, at, task)));
    let mut starts: Vec<_> = starts.collect();
    starts.sort_unstable();
    starts.into_iter().map(|(_, _, task)| task).collect()
}
