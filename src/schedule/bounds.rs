//! Bounds that hold for every schedule: prices that the work of every slot pays, so that all together can't pay more
//! than one nanosecond per nanosecond.
//!
//! A price vector gives slot `s` a price `u_s` in `[0, 1]` with `sum of u_s * rate_s <= 1` over every set of slots that
//! can work at once. Then the sum of `u_s * work_s` over the chosen slots is at most the makespan. Launches, entries and
//! exits neither slow nor are slowed: an accelerator's pay what is left beside whatever may work elsewhere. The load of a
//! single accelerator is a bound of its own, because an accelerator does one thing at a time.

use super::tables::Tables;

/// Prices are whole parts of this: a power of two, by which dividing is cheap.
pub(super) const PRICE_ONE: u64 = 1 << 20;

/// Most accelerators of which every set is looked at.
const MOST_ALIKE: usize = 8;

/// Prices of all slots, in parts of [`PRICE_ONE`].
pub(super) type Vector = Vec<u64>;

/// Several price vectors, laid out by slot.
#[derive(Clone)]
pub(super) struct Prices {
    n_vectors: usize,
    n_machines: usize,
    by_slot: Vec<u64>,
    /// Price of an accelerator's launches, entries and exits, laid out by accelerator.
    by_machine: Vec<u64>,
}

impl Prices {
    /// Vectors on a grid of shares of the accelerators (eighths for two, quarters for up to four, for more each one by itself
    /// and, up to eight, all alike), lifted where there are two.
    pub(super) fn new(tables: &Tables) -> Self {
        let n = tables.n_machines;
        let shares = match n {
            0..=2 => shares(n, 8),
            3..=4 => shares(n, 4),
            5..=MOST_ALIKE => [shares(n, 1), vec![vec![1; n]]].concat(),
            _ => shares(n, 1),
        };
        let meetings = Meetings::new(tables);
        let vectors = shares.into_iter().map(|share| {
            let mut prices: Vector = (0..tables.costs.len()).map(|slot| meetings.price(tables, slot, &share)).collect();
            if n == 2 {
                lift(tables, &mut prices);
            }
            level(tables, &mut prices);
            prices
        });
        Self::of_vectors(tables, &vectors.collect::<Vec<_>>())
    }

    fn of_vectors(tables: &Tables, vectors: &[Vector]) -> Self {
        let by_slot = (0..tables.costs.len()).flat_map(|slot| vectors.iter().map(move |vector| vector[slot]));
        let moves: Vec<Vector> = vectors.iter().map(|vector| move_prices(tables, vector)).collect();
        let by_machine = (0..tables.n_machines).flat_map(|machine| moves.iter().map(move |moves| moves[machine]));
        Self {
            n_vectors: vectors.len(),
            n_machines: tables.n_machines,
            by_slot: by_slot.collect(),
            by_machine: by_machine.collect(),
        }
    }

    /// These and one more, the last one.
    pub(super) fn with(&self, tables: &Tables, vector: &Vector) -> Self {
        let extend = |all: &[u64], last: &[u64]| -> Vec<u64> {
            let rows = all.chunks(self.n_vectors).zip(last);
            rows.flat_map(|(row, &last)| row.iter().copied().chain([last])).collect()
        };
        Self {
            n_vectors: self.n_vectors + 1,
            n_machines: self.n_machines,
            by_slot: extend(&self.by_slot, vector),
            by_machine: extend(&self.by_machine, &move_prices(tables, vector)),
        }
    }

    /// Number of vectors.
    pub(super) fn n_vectors(&self) -> usize {
        self.n_vectors
    }

    /// The slot's price in every vector.
    pub(super) fn of_slot(&self, slot: usize) -> &[u64] {
        &self.by_slot[slot * self.n_vectors..(slot + 1) * self.n_vectors]
    }

    /// The price of the accelerator's launches, entries and exits in every vector.
    pub(super) fn of_moves(&self, machine: usize) -> &[u64] {
        &self.by_machine[machine * self.n_vectors..(machine + 1) * self.n_vectors]
    }

    /// Adds to `totals` what `work` nanoseconds of `slot` and `moves` of its launch, entry and exit pay to every vector.
    pub(super) fn add_paid(&self, totals: &mut [u64], slot: usize, work: u64, moves: u64) {
        let vectors = self.of_slot(slot).iter().zip(self.of_moves(slot % self.n_machines));
        for (total, (&price, &of_moves)) in totals.iter_mut().zip(vectors) {
            *total += paid(work, price) + paid(moves, of_moves);
        }
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

/// How fast every slot can work in company: beside the least demanding groups that it can meet no meeting is faster,
/// because speeds don't increase with the external demand.
struct Meetings {
    /// Permille by slot and set of accelerators, as bits, its own among them; 0 where they can't work at once.
    fastest: Vec<Vec<u64>>,
}

impl Meetings {
    fn new(tables: &Tables) -> Self {
        // Among more accelerators every share is of one alone: whom it meets pays nothing.
        let n_sets = if tables.n_machines > MOST_ALIKE { 0 } else { 1_usize << tables.n_machines };
        let fastest = (0..tables.costs.len()).map(|slot| {
            let least: Vec<Option<u32>> =
                (0..tables.n_machines).map(|other| least_demand(tables, slot, other)).collect();
            (0..n_sets).map(|set| fastest_in(tables, slot, set, &least)).collect()
        });
        Self { fastest: fastest.collect() }
    }

    /// The lowest of `share of its accelerator / (shares of the set * fastest rate in it)` over all sets of accelerators
    /// that can work at once: alone a slot pays at most 1, and in every company the shares add up to at most 1.
    fn price(&self, tables: &Tables, slot: usize, share: &[u64]) -> u64 {
        let own = share[slot % tables.n_machines];
        if own == 0 {
            return 0;
        }
        let sum = |set: usize| {
            (0..share.len()).filter(|machine| set >> machine & 1 == 1).map(|machine| share[machine]).sum::<u64>()
        };
        let sets = self.fastest[slot].iter().enumerate().filter(|(_, rate)| **rate > 0);
        let prices = sets.map(|(set, rate)| own * PRICE_ONE * 1000 / (sum(set) * rate));
        prices.min().unwrap_or(PRICE_ONE).min(PRICE_ONE)
    }
}

/// The least demand of any slot of `machine` that `slot` can meet.
fn least_demand(tables: &Tables, slot: usize, machine: usize) -> Option<u32> {
    let others = (machine..tables.costs.len()).step_by(tables.n_machines);
    others.filter(|&other| tables.can_meet(slot, other)).map(|other| tables.cost(other).demand).min()
}

/// Permille of `slot` while the others of `set` ask for the least that they can; 0 where the set doesn't hold its own
/// accelerator or can't work at once.
fn fastest_in(tables: &Tables, slot: usize, set: usize, least: &[Option<u32>]) -> u64 {
    let own = slot % tables.n_machines;
    if tables.costs[slot].is_none() || set >> own & 1 == 0 {
        return 0;
    }
    let others = (0..least.len()).filter(|&machine| machine != own && set >> machine & 1 == 1);
    let demand = others.map(|machine| least[machine]).sum::<Option<u32>>();
    demand.map_or(0, |demand| u64::from(tables.rate(slot, demand)))
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

/// What the launches, entries and exits of every accelerator may pay beside whatever works or moves elsewhere: nobody slows
/// them. Nothing where there are more than three accelerators.
fn move_prices(tables: &Tables, prices: &[u64]) -> Vec<u64> {
    let n = tables.n_machines;
    let mut moves = vec![0; n];
    if n > 3 {
        return moves;
    }
    // The most that the slots of a set of accelerators pay while they work at once or by themselves.
    let mut most = [0; 8];
    let paying = |machine: usize| (machine..prices.len()).step_by(n).filter(|&slot| prices[slot] > 0);
    let pay = |slot: usize, set: &[usize]| prices[slot] * tables.rate_among(slot, set.iter().copied());
    for machine in 0..n {
        most[1 << machine] = paying(machine).map(|slot| pay(slot, &[slot])).max().unwrap_or(0);
        // Beside two that work only a third one can move.
        for other in (machine + 1..n).filter(|_| n > 2) {
            let pairs = paying(machine).flat_map(|one| paying(other).map(move |two| [one, two]));
            let pairs = pairs.filter(|&[one, two]| tables.can_meet(one, two));
            most[1 << machine | 1 << other] =
                pairs.map(|pair| pay(pair[0], &pair) + pay(pair[1], &pair)).max().unwrap_or(0);
        }
    }
    for machine in 0..n {
        // Of the others some work, some move (those whose price is known), and some do neither.
        let room = |working: usize| {
            let moving = (0..machine).filter(|other| working >> other & 1 == 0).map(|other| moves[other]).sum::<u64>();
            PRICE_ONE.saturating_sub(most[working].div_ceil(1000) + moving)
        };
        let working = (0..1_usize << n).filter(|set| set >> machine & 1 == 0);
        moves[machine] = working.map(room).min().unwrap_or(0);
    }
    moves
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
