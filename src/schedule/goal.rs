//! The objective as a score that is minimised, and how low it can still get.
//!
//! A schedule in which a task takes longer than the latency cap scores above every schedule that keeps it, by how much
//! the worst task exceeds it: so there is always an incumbent, and the search first gets it under the cap.

use super::objective::{Objective, THROUGHPUT_UNIT, power_of};
use super::{Timeline, latency};
use crate::problem::Problem;

/// Scores from here on break the latency cap.
pub(super) const BROKEN: u64 = 1 << 63;

/// Most open tasks of which every order of their ends is looked at.
const MOST_ORDERED: usize = 4;

/// What is minimised.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal<'a> {
    problem: &'a Problem,
    pub(super) objective: Objective,
}

/// What has been settled at some moment of a timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Settled {
    /// Score of what has ended: of tasks, or energy drawn so far. The makespan is known by the time itself.
    pub(super) paid: u64,
    /// How much the slowest of the ended tasks exceeds the latency cap.
    pub(super) excess: u64,
}

/// What is still to come, as lower bounds.
pub(super) struct Outlook<'o> {
    /// Tasks that haven't ended.
    pub(super) open: &'o [usize],
    /// Earliest end of every open task, by task.
    pub(super) ends: &'o [u64],
    /// Energy that the open tasks still draw; read for the energy only.
    pub(super) energy: u64,
    /// Earliest end of the last of a set of open tasks.
    pub(super) joint: &'o dyn Fn(&[usize]) -> u64,
}

impl<'a> Goal<'a> {
    pub(super) fn new(problem: &'a Problem, objective: Objective) -> Self {
        Self { problem, objective }
    }

    /// The objective's value of a score that keeps the cap, and the score of a value.
    pub(super) fn convert(self, value: u64) -> u64 {
        if !self.objective.is_maximised() {
            return value;
        }
        THROUGHPUT_UNIT.saturating_mul(self.problem.tasks.len() as u64).saturating_sub(value)
    }

    /// Score of a timeline.
    pub(super) fn score(self, placement: &[Vec<usize>], timeline: &Timeline) -> u64 {
        let tasks = 0..self.problem.tasks.len();
        let excess = tasks.map(|task| self.excess(task, timeline.end(task).0)).max().unwrap_or(0);
        capped(self.convert(self.objective.value(self.problem, placement, timeline)), excess)
    }

    /// Score at the end of a timeline.
    pub(super) fn final_score(self, settled: Settled, makespan: u64) -> u64 {
        let score = match self.objective {
            Objective::Makespan => makespan,
            Objective::Throughput | Objective::Tardiness => settled.paid,
            Objective::Energy => settled.paid + self.idle_energy(makespan),
        };
        capped(score, settled.excess)
    }

    /// By how much a task that ends at `end` exceeds the latency cap.
    pub(super) fn excess(self, task: usize, end: u64) -> u64 {
        self.problem.latency_cap.map_or(0, |cap| latency(self.problem, task, end).saturating_sub(cap.0))
    }

    /// What the end of a task at `end` adds to the score; nothing where the score isn't a sum over tasks.
    pub(super) fn task_cost(self, task: usize, end: u64) -> u64 {
        match self.objective {
            Objective::Makespan | Objective::Energy => 0,
            Objective::Throughput => THROUGHPUT_UNIT - THROUGHPUT_UNIT / latency(self.problem, task, end).max(1),
            Objective::Tardiness => self.problem.tasks[task]
                .due
                .map_or(0, |due| u64::from(due.weight).saturating_mul(end.saturating_sub(due.at.0))),
        }
    }

    /// The latest end with which a task costs at most `cost`; `None` where every end does.
    fn latest_end_of(self, task: usize, cost: u64) -> Option<u64> {
        match self.objective {
            Objective::Makespan | Objective::Energy => None,
            // A cost of c leaves a term of at least UNIT - c, which the longest latency UNIT / (UNIT - c) has.
            Objective::Throughput => {
                let term = THROUGHPUT_UNIT.checked_sub(cost).filter(|&term| term > 0)?;
                Some(self.problem.tasks[task].release.0.saturating_add(THROUGHPUT_UNIT / term))
            }
            Objective::Tardiness => {
                let due = self.problem.tasks[task].due.filter(|due| due.weight > 0)?;
                Some(due.at.0.saturating_add(cost / u64::from(due.weight)))
            }
        }
    }

    /// Latest end of every task with which a score of at most `most` is possible, given that no task ends before
    /// `ends`; `None` where a task may end at any time.
    pub(super) fn latest_ends(self, most: u64, ends: &[u64]) -> Vec<Option<u64>> {
        let tasks = 0..self.problem.tasks.len();
        let least: Vec<u64> = tasks.clone().map(|task| self.task_cost(task, ends[task])).collect();
        let all = least.iter().fold(0, |sum: u64, &cost| sum.saturating_add(cost));
        let by_objective = |task: usize| match self.objective {
            _ if most >= BROKEN => None,
            Objective::Makespan => Some(most),
            Objective::Energy => most.checked_div(u64::from(self.problem.idle_power.0)),
            // Where even the least costs are too much, the row of the costs says so.
            Objective::Throughput | Objective::Tardiness => {
                self.latest_end_of(task, most.saturating_sub(all - least[task]).max(least[task]))
            }
        };
        let by_cap = |task: usize| {
            let cap = self.problem.latency_cap?.0;
            let excess = most.saturating_sub(BROKEN);
            Some(self.problem.tasks[task].release.0.saturating_add(cap).saturating_add(excess))
        };
        let earlier = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        tasks.map(|task| earlier(by_objective(task), by_cap(task))).collect()
    }

    /// Lower bound of the score of everything that has `settled` by `now` and goes on as `outlook` says at best.
    pub(super) fn bound(self, now: u64, settled: Settled, outlook: &Outlook) -> u64 {
        let excess = self.least_excess(settled, outlook);
        if excess > 0 {
            return capped(0, excess);
        }
        let end = || {
            let chains = outlook.open.iter().map(|&task| outlook.ends[task]).max().unwrap_or(0);
            chains.max(now).max((outlook.joint)(outlook.open))
        };
        let score = match self.objective {
            Objective::Makespan => end(),
            Objective::Throughput | Objective::Tardiness => settled.paid.saturating_add(self.least_cost(outlook)),
            Objective::Energy => settled.paid + outlook.energy + self.idle_energy(end()),
        };
        capped(score, 0)
    }

    fn least_excess(self, settled: Settled, outlook: &Outlook) -> u64 {
        if self.problem.latency_cap.is_none() {
            return 0;
        }
        let of_chains = outlook.open.iter().map(|&task| self.excess(task, outlook.ends[task])).max().unwrap_or(0);
        // The last of all ends no earlier than all together allow; which one that is nobody knows.
        let last = if outlook.open.len() > 1 { (outlook.joint)(outlook.open) } else { 0 };
        let of_last = outlook.open.iter().map(|&task| self.excess(task, last)).min().unwrap_or(0);
        settled.excess.max(of_chains).max(of_last)
    }

    /// Least cost of the open tasks over all orders in which they can end: the last one of a set ends no earlier than
    /// its own chain and the set's joint bound. Beyond four tasks only the chains count.
    fn least_cost(self, outlook: &Outlook) -> u64 {
        let Outlook { open, ends, joint, .. } = outlook;
        if open.len() > MOST_ORDERED {
            return open.iter().map(|&task| self.task_cost(task, ends[task])).fold(0, u64::saturating_add);
        }
        let mut best = [0_u64; 1 << MOST_ORDERED];
        let mut members = [0; MOST_ORDERED];
        for subset in 1..1usize << open.len() {
            let mut n_members = 0;
            for (bit, &task) in open.iter().enumerate().filter(|(bit, _)| subset >> bit & 1 == 1) {
                let _ = bit;
                members[n_members] = task;
                n_members += 1;
            }
            let last_end = if n_members > 1 { joint(&members[..n_members]) } else { 0 };
            let last = |bit: usize| {
                best[subset & !(1 << bit)].saturating_add(self.task_cost(open[bit], ends[open[bit]].max(last_end)))
            };
            best[subset] = (0..open.len()).filter(|bit| subset >> bit & 1 == 1).map(last).min().unwrap_or(0);
        }
        best[(1 << open.len()) - 1]
    }

    fn idle_energy(self, makespan: u64) -> u64 {
        u64::from(self.problem.idle_power.0).saturating_mul(makespan)
    }

    /// Whether energy has to be counted.
    pub(super) fn counts_energy(self) -> bool {
        self.objective == Objective::Energy
    }

    /// Picojoules that `machine` draws while it is occupied for `time` nanoseconds.
    pub(super) fn energy(self, machine: usize, time: u64) -> u64 {
        power_of(self.problem, machine).saturating_mul(time)
    }
}

/// A score that keeps the latency cap, or one that breaks it by `excess`.
fn capped(score: u64, excess: u64) -> u64 {
    if excess > 0 { BROKEN.saturating_add(excess) } else { score.min(BROKEN - 1) }
}
