//! What is known at some moment of a search: the best schedule so far and the bound that no score is below.

use super::goal::{BROKEN, Goal};
use super::limits::Limits;
use super::search::SolveError;
use super::{Decision, Progress, Timeline, evaluate};
use crate::problem::Problem;
use crate::units::Nanoseconds;

/// The best schedule so far, and how it compares.
pub(super) struct Incumbent {
    /// Score, sum of ends, changes of accelerator: smaller is better in this order.
    pub(super) rank: (u64, u64, usize),
    pub(super) decision: Decision,
    pub(super) timeline: Timeline,
}

/// The incumbent and the bound of a search.
pub(super) struct Known<'a> {
    problem: &'a Problem,
    goal: Goal<'a>,
    pub(super) incumbent: Option<Incumbent>,
    /// Every score is at least this.
    pub(super) lower: u64,
    on_progress: &'a mut dyn FnMut(Progress<'_>),
}

impl<'a> Known<'a> {
    pub(super) fn new(problem: &'a Problem, goal: Goal<'a>, on_progress: &'a mut dyn FnMut(Progress<'_>)) -> Self {
        Self { problem, goal, incumbent: None, lower: 0, on_progress }
    }

    /// Takes a decision as the incumbent where it is better; true where it is.
    pub(super) fn offer(&mut self, decision: &Decision, limits: &Limits) -> bool {
        let Some(transitions) = self.transitions_within_limit(decision) else { return false };
        let Ok(timeline) = evaluate(self.problem, decision) else { return false };
        let ends = (0..self.problem.tasks.len()).map(|task| timeline.end(task).0).fold(0, u64::saturating_add);
        let rank = (self.goal.score(&decision.placement, &timeline), ends, transitions);
        if self.incumbent.as_ref().is_some_and(|incumbent| incumbent.rank <= rank) {
            return false;
        }
        self.incumbent = Some(Incumbent { rank, decision: decision.clone(), timeline });
        self.report(limits);
        true
    }

    /// Changes of accelerator in all; `None` where a task has more than the limit, frames differ or the shape is
    /// another one.
    fn transitions_within_limit(&self, decision: &Decision) -> Option<usize> {
        let problem = self.problem;
        let n_machines = problem.machines.len();
        let fits = decision.placement.len() == problem.tasks.len()
            && decision.order.len() == n_machines
            && problem.tasks.iter().zip(&decision.placement).all(|(task, placement)| {
                placement.len() == task.groups.len() && placement.iter().all(|&machine| machine < n_machines)
            });
        if !fits {
            return None;
        }
        let counts = decision.placement.iter().enumerate().map(|(task, placement)| {
            let count = problem.counted_transitions(task, placement);
            let alike = *placement == decision.placement[problem.leader(task)];
            (alike && problem.max_transitions.is_none_or(|limit| count <= limit)).then_some(count)
        });
        counts.sum()
    }

    /// Score of the incumbent: what another one has to beat.
    pub(super) fn best_score(&self) -> u64 {
        self.incumbent.as_ref().map_or(u64::MAX, |incumbent| incumbent.rank.0)
    }

    pub(super) fn report(&mut self, limits: &Limits) {
        let Some(incumbent) = &self.incumbent else { return };
        let value = |score: u64| (score < BROKEN).then(|| self.goal.convert(score));
        (self.on_progress)(Progress {
            decision: &incumbent.decision,
            timeline: &incumbent.timeline,
            incumbent: value(incumbent.rank.0),
            bound: value(self.lower),
            elapsed: limits.elapsed(),
        });
    }

    /// Refuses an incumbent that breaks the latency cap, with what is proved about it.
    pub(super) fn incumbent_keeps_cap(&self, incumbent: &Incumbent, limits: &Limits) -> Result<(), SolveError> {
        let Some(cap) = self.problem.latency_cap.filter(|_| incumbent.rank.0 >= BROKEN) else { return Ok(()) };
        let longest = |score: u64| Nanoseconds(cap.0.saturating_add(score - BROKEN));
        if self.lower >= BROKEN {
            return Err(SolveError::Infeasible { cap, least: longest(self.lower) });
        }
        let stopped_by = limits.stopped_by().map_or_else(|| "no limit".to_owned(), |stop| stop.to_string());
        Err(SolveError::NoneFound { cap, best: longest(incumbent.rank.0), stopped_by })
    }
}
