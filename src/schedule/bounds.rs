//! Bounds that hold for every schedule: prices that the work of every slot pays, so that all together can't pay more
//! than one nanosecond per nanosecond.
//!
//! A price vector gives slot `s` a price `u_s` in `[0, 1]` with `sum of u_s * rate_s <= 1` over every set of slots that
//! can work at once. Then the sum of `u_s * work_s` over the chosen slots is at most the makespan. Launches, entries and
//! exits have price 0 here: a group beside a transition isn't slowed. The load of a single accelerator is a bound of its
//! own and includes them, because an accelerator does one thing at a time.

use super::tables::Tables;

/// Prices are whole parts of this: a power of two, by which dividing is cheap.
pub(super) const PRICE_ONE: u64 = 1 << 20;

/// Prices of all slots, in parts of [`PRICE_ONE`].
pub(super) type Vector = Vec<u64>;

/// Several price vectors, laid out by slot.
#[derive(Clone)]
pub(super) struct Prices {
    n_vectors: usize,
    by_slot: Vec<u64>,
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
            level(tables, &mut prices);
            prices
        });
        Self::of_vectors(tables, &vectors.collect::<Vec<_>>())
    }

    fn of_vectors(tables: &Tables, vectors: &[Vector]) -> Self {
        let by_slot = (0..tables.costs.len()).flat_map(|slot| vectors.iter().map(move |vector| vector[slot]));
        Self { n_vectors: vectors.len(), by_slot: by_slot.collect() }
    }

    /// These and one more, the last one.
    pub(super) fn with(&self, vector: &Vector) -> Self {
        let slots = vector.iter().enumerate();
        let by_slot = slots.flat_map(|(slot, &price)| self.of_slot(slot).iter().copied().chain([price]));
        Self { n_vectors: self.n_vectors + 1, by_slot: by_slot.collect() }
    }

    /// Number of vectors.
    pub(super) fn n_vectors(&self) -> usize {
        self.n_vectors
    }

    /// The slot's price in every vector.
    pub(super) fn of_slot(&self, slot: usize) -> &[u64] {
        &self.by_slot[slot * self.n_vectors..(slot + 1) * self.n_vectors]
    }

    /// One vector.
    pub(super) fn vector(&self, vector: usize) -> Vector {
        self.by_slot.iter().skip(vector).step_by(self.n_vectors).copied().collect()
    }

    /// What `work` nanoseconds of `slot` pay to vector `vector`, rounded down.
    pub(super) fn of(&self, vector: usize, slot: usize, work: u64) -> u64 {
        paid(work, self.of_slot(slot)[vector])
    }
}

/// What `work` nanoseconds pay at a price, rounded down. An hour, the longest work, times the highest price is below 2^62.
pub(super) fn paid(work: u64, price: u64) -> u64 {
    work * price / PRICE_ONE
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
fn base_prices(tables: &Tables, fastest: &[u64], share: &[u64], steps: u64) -> Vector {
    let price = |(slot, rate): (usize, &u64)| {
        (share[slot % tables.n_machines] * PRICE_ONE * 1000 / (steps * rate)).min(PRICE_ONE)
    };
    fastest.iter().enumerate().map(price).collect()
}

/// Gives frames of one stream the same prices, the lowest of any: what one of them pays is then what each does.
pub(super) fn level(tables: &Tables, prices: &mut [u64]) {
    for class in tables.classes.iter().filter(|class| class.len() > 1) {
        for place in 0..tables.n_groups(class[0]) * tables.n_machines {
            let slots = || class.iter().map(|&task| tables.slot(task, 0, 0) + place);
            let least = slots().map(|slot| prices[slot]).min().unwrap_or(0);
            slots().for_each(|slot| prices[slot] = least);
        }
    }
}

/// Raises the prices of all slots as far as every set that can work at once allows, those with most work first. Only for
/// two and three accelerators.
fn lift(tables: &Tables, prices: &mut [u64]) {
    let mut slots: Vec<usize> = (0..prices.len()).filter(|&slot| tables.costs[slot].is_some()).collect();
    let all = slots.clone();
    slots.sort_by_key(|&slot| (std::cmp::Reverse(tables.cost(slot).work), slot));
    raise(tables, prices, &slots, &all);
}

/// Raises the prices of `slots` one by one as far as every set of them and `all` allows that can work at once. Only for two
/// and three accelerators.
pub(super) fn raise(tables: &Tables, prices: &mut [u64], slots: &[usize], all: &[usize]) {
    for &slot in slots {
        let met: Vec<usize> = all.iter().copied().filter(|&other| tables.can_meet(slot, other)).collect();
        let mut room = PRICE_ONE;
        for (idx, &one) in met.iter().enumerate() {
            room = room.min(room_beside(tables, prices, slot, &[one]));
            if tables.n_machines > 2 {
                for &other in met[idx + 1..].iter().filter(|&&other| tables.can_meet(one, other)) {
                    room = room.min(room_beside(tables, prices, slot, &[one, other]));
                }
            }
        }
        prices[slot] = prices[slot].max(room);
    }
}

/// The highest price of `slot` that its set with `others` allows.
fn room_beside(tables: &Tables, prices: &[u64], slot: usize, others: &[usize]) -> u64 {
    let set = || others.iter().copied().chain([slot]);
    let taken: u64 = others.iter().map(|&other| prices[other] * tables.rate_among(other, set())).sum();
    (PRICE_ONE * 1000).saturating_sub(taken) / tables.rate_among(slot, set())
}

/// Lowers prices until every pair of `slots` that can work at once pays at most 1. A third slot beside them only slows
/// them, so that with a price of 0 for it nothing else has to be looked at.
pub(super) fn lower(tables: &Tables, prices: &mut [u64], slots: &[usize]) {
    for (idx, &one) in slots.iter().enumerate() {
        for &other in slots[idx + 1..].iter().filter(|&&other| tables.can_meet(one, other)) {
            prices[other] = prices[other].min(room_beside(tables, prices, other, &[one]));
        }
    }
}
