//! Bounds that hold for every schedule: prices that the work of every slot pays, so that all together can't pay more
//! than one nanosecond per nanosecond; and the objective as a score that is minimised.
//!
//! A price vector gives slot `s` a price `u_s` in `[0, 1]` with `sum of u_s * rate_s <= 1` over every set of slots that
//! can work at once. Then the sum of `u_s * work_s` over the chosen slots is at most the makespan. Launches, entries and
//! exits have price 0 here: a group beside a transition isn't slowed. The load of a single accelerator is a bound of its
//! own and includes them, because an accelerator does one thing at a time.

use super::tables::Tables;
use super::{Objective, THROUGHPUT_UNIT, Timeline};

/// Prices are whole millionths.
pub(super) const PRICE_ONE: u64 = 1_000_000;

/// Price vectors over slots, in millionths.
pub(super) struct Prices {
    /// `mixed[k][slot]`.
    pub(super) mixed: Vec<Vec<u64>>,
}

impl Prices {
    /// Vectors on a grid of shares of the accelerators (eighths for two, quarters for up to four, one accelerator at a time
    /// for more), lifted where there are two.
    pub(super) fn new(tables: &Tables) -> Self {
        let steps = match tables.n_machines {
            0..=2 => 8,
            3..=4 => 4,
            _ => 1,
        };
        let fastest: Vec<u64> = (0..tables.costs.len()).map(|slot| fastest_meeting(tables, slot)).collect();
        let vectors = shares(tables.n_machines, steps).into_iter().map(|share| {
            let mut prices = base_prices(tables, &fastest, &share, steps);
            if tables.n_machines == 2 {
                lift(tables, &mut prices);
            }
            prices
        });
        Self { mixed: vectors.collect() }
    }

    /// What `work` nanoseconds of `slot` pay to vector `vector`, rounded down.
    pub(super) fn of(&self, vector: usize, slot: usize, work: u64) -> u64 {
        mul_div(work, self.mixed[vector][slot], PRICE_ONE)
    }
}

/// `a * b / divisor` without overflow, rounded down.
pub(super) fn mul_div(a: u64, b: u64, divisor: u64) -> u64 {
    match a.checked_mul(b) {
        Some(product) => product / divisor,
        None => u64::try_from(u128::from(a) * u128::from(b) / u128::from(divisor)).unwrap_or(u64::MAX),
    }
}

/// Permille at which a slot works beside the least demanding group that it can meet: no meeting is faster, because
/// speeds don't increase with the external demand.
fn fastest_meeting(tables: &Tables, slot: usize) -> u64 {
    let others = (0..tables.costs.len()).filter(|&other| tables.can_meet(slot, other));
    others.map(|other| u64::from(tables.pair_rate(slot, other))).max().unwrap_or(1).max(1)
}

/// All ways to share `steps` among `n` accelerators.
fn shares(n: usize, steps: u64) -> Vec<Vec<u64>> {
    if n == 1 {
        return vec![vec![steps]];
    }
    let mut all = vec![];
    for first in 0..=steps {
        all.extend(shares(n - 1, steps - first).into_iter().map(|mut rest| {
            rest.insert(0, first);
            rest
        }));
    }
    all
}

/// `u = min(1, share / fastest rate in company)`: alone a slot pays at most 1, in company the shares add up to 1.
fn base_prices(tables: &Tables, fastest: &[u64], share: &[u64], steps: u64) -> Vec<u64> {
    let price = |(slot, rate): (usize, &u64)| {
        (share[slot % tables.n_machines] * PRICE_ONE * 1000 / (steps * rate)).min(PRICE_ONE)
    };
    fastest.iter().enumerate().map(price).collect()
}

/// Raises prices one by one as far as every pair allows. Only for two accelerators, where pairs are all there is.
fn lift(tables: &Tables, prices: &mut [u64]) {
    let mut slots: Vec<usize> = (0..prices.len()).filter(|&slot| tables.costs[slot].is_some()).collect();
    slots.sort_by_key(|&slot| (std::cmp::Reverse(tables.cost(slot).work), slot));
    for &slot in &slots {
        let others = (0..prices.len()).filter(|&other| tables.can_meet(slot, other));
        let room = others.map(|other| {
            let taken = prices[other] * u64::from(tables.pair_rate(other, slot));
            (PRICE_ONE * 1000).saturating_sub(taken) / u64::from(tables.pair_rate(slot, other))
        });
        prices[slot] = prices[slot].max(room.min().unwrap_or(PRICE_ONE).min(PRICE_ONE));
    }
}

/// The objective turned into a score that is minimised: the makespan itself, or the distance of the throughput from
/// the best that any number of tasks could have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Goal {
    pub(super) objective: Objective,
    best: u64,
}

impl Goal {
    pub(super) fn new(objective: Objective, n_tasks: usize) -> Self {
        Self { objective, best: THROUGHPUT_UNIT.saturating_mul(n_tasks as u64) }
    }

    /// The score of an objective value, and the value of a score.
    pub(super) fn convert(self, value: u64) -> u64 {
        match self.objective {
            Objective::Makespan => value,
            Objective::Throughput => self.best.saturating_sub(value),
        }
    }

    /// Score of a timeline.
    pub(super) fn score(self, tables: &Tables, timeline: &Timeline) -> u64 {
        self.convert(self.objective.value(tables.problem, timeline))
    }

    /// Lower bound of the score where open task `t` ends no earlier than `ends[t]`, and the last of any set of open
    /// tasks no earlier than what `joint` gives for the set. `earned` is what ended tasks contribute.
    pub(super) fn bound(
        self,
        tables: &Tables,
        earned: u64,
        open: &[usize],
        ends: &[u64],
        joint: &dyn Fn(&[usize]) -> u64,
    ) -> u64 {
        match self.objective {
            Objective::Makespan => {
                let chains = open.iter().map(|&task| ends[task]).max().unwrap_or(0);
                chains.max(joint(open))
            }
            Objective::Throughput => self.best.saturating_sub(earned + most_throughput(tables, open, ends, joint)),
        }
    }
}

/// Throughput term of a task that ends at `end`.
pub(super) fn task_throughput(tables: &Tables, task: usize, end: u64) -> u64 {
    THROUGHPUT_UNIT / (end.saturating_sub(tables.problem.tasks[task].release.0)).max(1)
}

/// Most throughput of the open tasks over all orders in which they can end: the last task of a set ends no earlier than
/// its own chain and the set's joint bound. Beyond four tasks only the chains count.
fn most_throughput(tables: &Tables, open: &[usize], ends: &[u64], joint: &dyn Fn(&[usize]) -> u64) -> u64 {
    let term = |task: usize, end: u64| task_throughput(tables, task, end);
    if open.len() > 4 {
        return open.iter().map(|&task| term(task, ends[task])).sum();
    }
    let mut best = [0; 16];
    for subset in 1..1usize << open.len() {
        let members: Vec<usize> = (0..open.len()).filter(|bit| subset >> bit & 1 == 1).collect();
        let tasks: Vec<usize> = members.iter().map(|&bit| open[bit]).collect();
        let last_end = if tasks.len() > 1 { joint(&tasks) } else { 0 };
        let last = |&bit: &usize| best[subset & !(1 << bit)] + term(open[bit], ends[open[bit]].max(last_end));
        best[subset] = members.iter().map(last).max().unwrap_or(0);
    }
    best[(1 << open.len()) - 1]
}
