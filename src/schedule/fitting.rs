//! Prices fitted to given placements, for two or three accelerators: as near as some hundred steps come to the ones with
//! which they pay most. Found in floating point; what is returned are whole numbers that hold exactly.
//!
//! The prices of the *free* slots, those of all accelerators but the last, decide those of the last one's, since each is as
//! high as every set that can work at once allows. So the sum paid is a concave function of the free prices alone, and is
//! raised along its subgradient.

use super::bounds::{PRICE_ONE, Prices, Vector, level, lower, paid, raise};
use super::plans::{Plan, PlanTable};
use super::tables::Tables;

/// Most steps for one vector.
const STEPS: usize = 120;
/// What the sum over all combinations is hoped to rise to.
const HIGHEST_RISE: f64 = 1.1;
/// Steps without a higher sum after which they get shorter.
const PATIENCE: usize = 10;
/// Most sets of three slots that are looked at.
const MOST_TRIPLES: usize = 300_000;
/// No second free slot, and no row.
const NONE: usize = usize::MAX;
const NO_ROW: u32 = u32::MAX;

/// Slots with what every set of them that can work at once allows.
struct Company {
    /// Slots of all accelerators but the last, and of the last.
    free: Vec<usize>,
    last: Vec<usize>,
    /// Places in `free` of one or two slots, each with a row of numbers for the last accelerator's slots.
    rows: Vec<[usize; 2]>,
    /// By row and last slot: the highest price beside free slots of price 0, and what each of the free prices takes from it.
    most: Vec<f32>,
    taken: [Vec<f32>; 2],
}

/// How much work each slot has whose price counts.
struct Weights {
    free: Vec<f32>,
    last: Vec<f32>,
}

/// A vector fitted to the work of some slots, so that it pays up to `target` nanoseconds. `None` where there aren't two or
/// three accelerators.
pub(super) fn of_works(tables: &Tables, prices: &Prices, works: &[(usize, u64)], target: u64) -> Option<Vector> {
    let company = Company::new(tables, works.iter().map(|&(slot, _)| slot))?;
    let work_of = |slots: &[usize]| {
        let work = |slot: &usize| works.iter().find(|(other, _)| other == slot).map_or(0, |&(_, work)| work);
        slots.iter().map(|slot| work(slot) as f32).collect::<Vec<f32>>()
    };
    let known = Weights { free: work_of(&company.free), last: work_of(&company.last) };
    let pays = |vector: &Vector| works.iter().map(|&(slot, work)| paid(work, vector[slot])).sum::<u64>();
    let paid_to = |idx: &usize| works.iter().map(|&(slot, work)| prices.of(*idx, slot, work)).sum::<u64>();
    let start = prices.vector((0..prices.n_vectors()).max_by_key(paid_to)?);
    let target = target.min(2 * works.iter().map(|(_, work)| work).sum::<u64>());
    let fitted = company.fit(tables, &start, target as f64, &mut |_, free, last, weights| {
        weights.free.copy_from_slice(&known.free);
        weights.last.copy_from_slice(&known.last);
        sum(&known.free, free) + sum(&known.last, last)
    });
    // Where a third accelerator has hardly anything to do, two free prices that don't fit together are lowered in the end.
    Some(if pays(&fitted) < pays(&start) { start } else { fitted })
}

/// A vector fitted to all combinations of `table`, so that the one that pays least pays most. `None` where there aren't
/// two or three accelerators.
pub(super) fn of_all(tables: &Tables, prices: &Prices, table: &PlanTable) -> Option<Vector> {
    let supported = (0..tables.costs.len()).filter(|&slot| tables.costs[slot].is_some());
    let company = Company::new(tables, supported)?;
    let least = |vector: usize| {
        let of_class = |(plans, class): (&Vec<Plan>, &Vec<usize>)| {
            plans.iter().map(|plan| plan.pays[vector]).min().unwrap_or(0) * class.len() as u64
        };
        table.plans.iter().zip(&tables.classes).map(of_class).sum::<u64>()
    };
    let best = (0..prices.n_vectors()).max_by_key(|&vector| least(vector))?;
    let mut by_slot = vec![0.0; tables.costs.len()];
    let mut weigh = |company: &Company, free: &[f32], last: &[f32], weights: &mut Weights| {
        for (&slot, &price) in company.free.iter().chain(&company.last).zip(free.iter().chain(last)) {
            by_slot[slot] = f64::from(price) * tables.cost(slot).work as f64;
        }
        let chosen = chosen_slots(tables, table, &by_slot);
        let weigh_slots = |slots: &[usize], weights: &mut [f32]| {
            for (&slot, weight) in slots.iter().zip(weights) {
                *weight = chosen[slot] as f32 * tables.cost(slot).work as f32;
            }
        };
        weigh_slots(&company.free, &mut weights.free);
        weigh_slots(&company.last, &mut weights.last);
        sum(&weights.free, free) + sum(&weights.last, last)
    };
    let target = least(best) as f64 * HIGHEST_RISE;
    let mut vector = company.fit(tables, &prices.vector(best), target, &mut weigh);
    level(tables, &mut vector);
    Some(vector)
}

/// How many tasks use each slot in the combination that pays least, where a slot pays as `by_slot` says.
fn chosen_slots(tables: &Tables, table: &PlanTable, by_slot: &[f64]) -> Vec<u32> {
    let mut chosen = vec![0; tables.costs.len()];
    for (class, plans) in tables.classes.iter().zip(&table.plans) {
        let pays = |plan: &Plan| plan.slots(tables, class[0]).map(|slot| by_slot[slot]).sum::<f64>();
        let least = plans.iter().map(|plan| (pays(plan), plan)).min_by(|one, other| one.0.total_cmp(&other.0));
        for slot in least.iter().flat_map(|(_, plan)| plan.slots(tables, class[0])) {
            chosen[slot] += u32::try_from(class.len()).unwrap_or(u32::MAX);
        }
    }
    chosen
}

#[expect(clippy::cast_possible_truncation, reason = "a price, of which seven digits are enough")]
fn narrow(price: f64) -> f32 {
    price as f32
}

fn sum(weights: &[f32], prices: &[f32]) -> f64 {
    weights.iter().zip(prices).map(|(&weight, &price)| f64::from(weight) * f64::from(price)).sum()
}

/// Gives the weights that count at the prices of the free and the last slots, and the sum that they make.
type Weigh<'w> = dyn FnMut(&Company, &[f32], &[f32], &mut Weights) -> f64 + 'w;

impl Company {
    fn new(tables: &Tables, slots: impl Iterator<Item = usize>) -> Option<Self> {
        let n_machines = tables.n_machines;
        if !(2..=3).contains(&n_machines) {
            return None;
        }
        let mut by_machine = vec![vec![]; n_machines];
        slots.for_each(|slot| by_machine[slot % n_machines].push(slot));
        let last = by_machine.pop()?;
        if n_machines == 3 && by_machine[0].len() * by_machine[1].len() * last.len() > MOST_TRIPLES {
            return None;
        }
        let mut company = Self { free: by_machine.concat(), last, rows: vec![], most: vec![], taken: [vec![], vec![]] };
        for one in 0..company.free.len() {
            company.add_row(tables, [one, NONE]);
        }
        if let [first, second] = by_machine.as_slice() {
            for one in 0..first.len() {
                for other in first.len()..first.len() + second.len() {
                    if tables.can_meet(company.free[one], company.free[other]) {
                        company.add_row(tables, [one, other]);
                    }
                }
            }
        }
        Some(company)
    }

    fn add_row(&mut self, tables: &Tables, members: [usize; 2]) {
        let slots: Vec<usize> = members.iter().filter(|&&at| at != NONE).map(|&at| self.free[at]).collect();
        for idx in 0..self.last.len() {
            let last = self.last[idx];
            if !slots.iter().all(|&slot| tables.can_meet(slot, last)) {
                self.most.push(1.0);
                self.taken.iter_mut().for_each(|taken| taken.push(0.0));
                continue;
            }
            let set = || slots.iter().copied().chain([last]);
            let rate = |slot: usize| tables.rate_among(slot, set()) as f32;
            self.most.push(1000.0 / rate(last));
            for (taken, slot) in self.taken.iter_mut().zip([slots.first(), slots.get(1)]) {
                taken.push(slot.map_or(0.0, |&slot| rate(slot) / rate(last)));
            }
        }
        self.rows.push(members);
    }

    /// Raises the sum of price times weight from `start`, towards `target`. `weigh` gives the weights that count at some
    /// prices and the sum that they make. The vector has prices for the company's slots only.
    fn fit(&self, tables: &Tables, start: &Vector, target: f64, weigh: &mut Weigh<'_>) -> Vector {
        let mut prices: Vec<f32> = self.free.iter().map(|&slot| start[slot] as f32 / PRICE_ONE as f32).collect();
        let mut lasts = vec![0.0; self.last.len()];
        let mut holders = vec![NO_ROW; self.last.len()];
        let mut weights = Weights { free: vec![0.0; self.free.len()], last: vec![0.0; self.last.len()] };
        let mut slope = vec![0.0; self.free.len()];
        let (mut best, mut best_prices) = (f64::MIN, prices.clone());
        let (mut length, mut since) = (1.0, 0);
        for _ in 0..STEPS {
            self.raise_last(&prices, &mut lasts, &mut holders);
            let sum = weigh(self, &prices, &lasts, &mut weights);
            if sum > best {
                (best, since) = (sum, 0);
                best_prices.clone_from(&prices);
                if sum >= target {
                    break;
                }
            } else {
                since += 1;
                if since == PATIENCE {
                    (length, since) = (length / 2.0, 0);
                    prices.clone_from(&best_prices);
                }
            }
            self.slope(&weights, &holders, &mut slope);
            let steepness: f64 = slope.iter().map(|&part| f64::from(part) * f64::from(part)).sum();
            if steepness == 0.0 {
                break;
            }
            let step = length * (target - sum).max(target * 0.001) / steepness;
            for (price, part) in prices.iter_mut().zip(&slope) {
                *price = narrow(f64::from(*price) + step * f64::from(*part)).clamp(0.0, 1.0);
            }
        }
        self.exact(tables, &best_prices)
    }

    /// Prices of the last accelerator's slots, and which row holds each down. They may be negative where two free prices
    /// are too high, which the sum then shows.
    fn raise_last(&self, prices: &[f32], lasts: &mut [f32], holders: &mut [u32]) {
        lasts.fill(1.0);
        holders.fill(NO_ROW);
        let n = self.last.len();
        for (row, members) in (0_u32..).zip(&self.rows) {
            let [one, other] = members.map(|at| prices.get(at).copied().unwrap_or(0.0));
            let range = row as usize * n..(row as usize + 1) * n;
            let (most, first, second) =
                (&self.most[range.clone()], &self.taken[0][range.clone()], &self.taken[1][range]);
            // Slices of one length and values of one width: the compiler works on several slots at a time.
            let (lasts, holders) = (&mut lasts[..n], &mut holders[..n]);
            for idx in 0..n {
                let allowed = most[idx] - one * first[idx] - other * second[idx];
                let is_lower = allowed < lasts[idx];
                lasts[idx] = if is_lower { allowed } else { lasts[idx] };
                holders[idx] = if is_lower { row } else { holders[idx] };
            }
        }
    }

    /// How the sum changes with each free price.
    fn slope(&self, weights: &Weights, holders: &[u32], slope: &mut [f32]) {
        slope.copy_from_slice(&weights.free);
        let n = self.last.len();
        for (idx, &row) in holders.iter().enumerate().filter(|(_, row)| **row != NO_ROW) {
            let row = row as usize;
            for (&member, taken) in self.rows[row].iter().zip(&self.taken).filter(|(member, _)| **member != NONE) {
                slope[member] -= weights.last[idx] * taken[row * n + idx];
            }
        }
    }

    /// Whole parts: the free ones rounded down, the last accelerator's as high as all sets allow.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and PRICE_ONE")]
    fn exact(&self, tables: &Tables, prices: &[f32]) -> Vector {
        let mut vector = vec![0; tables.costs.len()];
        for (&slot, price) in self.free.iter().zip(prices) {
            vector[slot] = (price * PRICE_ONE as f32) as u64;
        }
        let all = [self.free.as_slice(), &self.last].concat();
        lower(tables, &mut vector, &self.free);
        raise(tables, &mut vector, &self.last, &all);
        raise(tables, &mut vector, &self.free, &all);
        vector
    }
}
