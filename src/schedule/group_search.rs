//! The search where some task has too many plans to give each a Boolean: one Boolean per group and accelerator, and
//! no-goods that the oracle generalises to sets of placements.
//!
//! Per slot there are three variables: the group is placed there, it enters there, it leaves from there. Entering and
//! leaving are only forced to be true, never to be false: rows that count them are satisfied by the honest values.
//! A no-good excludes many placements at once, so that only the placements that the oracle decided are counted.

use super::plan_search::{self, Continue};
use super::plans::PlanTable;
use super::rows::{latest_end, unit};
use super::search::{Outcome, Proposal, Search};
use super::z3::Master;

/// Nodes for proving that a freed group doesn't matter.
const NODES_TO_FREE: u64 = 1000;
/// Nodes that a combination gets at first.
const FIRST_NODES: u64 = 3000;
/// Targets between the first bound and the incumbent.
const LEVELS: u64 = 4;

/// The three variables of a slot.
#[derive(Clone, Copy)]
enum Meaning {
    Placed,
    Enters,
    Leaves,
}

struct GroupSearch<'s, 'a> {
    search: &'s mut Search<'a>,
    master: Master,
    /// All accelerators that a group can run on, by flat index.
    supported: Vec<u64>,
}

/// Searches until the incumbent is proved or a limit is reached. `table` holds the plans with few transitions, for a
/// first incumbent.
pub(super) fn run(search: &mut Search, table: &PlanTable) {
    let n_flat = search.tables.offsets[search.tables.n_tasks];
    let machines = search.tables.n_machines;
    let is_supported = |flat: usize, machine: usize| search.tables.costs[flat * machines + machine].is_some();
    let set =
        |flat: usize| (0..machines).filter(|&machine| is_supported(flat, machine)).map(|machine| 1 << machine).sum();
    let supported: Vec<u64> = (0..n_flat).map(set).collect();
    search.statistics.combinations = combinations(search);
    let root = search.root_bound(&supported);
    search.raise_lower(root);
    if !plan_search::warm_up(search, table) {
        return;
    }
    let master = Master::new(3 * search.tables.costs.len(), search.seed);
    let mut group_search = GroupSearch { search, master, supported };
    group_search.assert_placement();
    group_search.run_levels();
}

/// Number of combinations of placements within the transition limit, saturating.
fn combinations(search: &Search) -> u64 {
    (0..search.tables.n_tasks).fold(1, |product: u64, task| product.saturating_mul(n_placements(search, task)))
}

/// Number of placements of a task within the limit, by last accelerator and changes so far.
fn n_placements(search: &Search, task: usize) -> u64 {
    let tables = search.tables;
    let n_groups = tables.n_groups(task);
    let most = tables.problem.max_transitions.unwrap_or(n_groups).min(n_groups);
    let supported = |group: usize, machine: usize| tables.costs[tables.slot(task, group, machine)].is_some();
    let mut counts = vec![vec![0_u64; most + 1]; tables.n_machines];
    for (machine, count) in counts.iter_mut().enumerate() {
        count[0] = u64::from(supported(0, machine));
    }
    for group in 1..n_groups {
        let counted = usize::from(!tables.problem.tasks[task].groups[group].tail);
        let mut next = vec![vec![0_u64; most + 1]; tables.n_machines];
        for machine in (0..tables.n_machines).filter(|&machine| supported(group, machine)) {
            for (before, known) in counts.iter().enumerate() {
                let step = if before == machine { 0 } else { counted };
                for changes in step..=most {
                    let sum = &mut next[machine][changes];
                    *sum = sum.saturating_add(known[changes - step]);
                }
            }
        }
        counts = next;
    }
    counts.iter().flatten().fold(0, |sum: u64, &count| sum.saturating_add(count))
}

impl GroupSearch<'_, '_> {
    /// Every group has one accelerator; changes are entered and left, at most as often as the limit allows.
    fn assert_placement(&self) {
        let tables = self.search.tables;
        for task in 0..tables.n_tasks {
            for group in 0..tables.n_groups(task) {
                let slots: Vec<usize> = self.slots(tables.offsets[task] + group).collect();
                self.master.exactly_one(&slots.iter().map(|&slot| variable(slot, Meaning::Placed)).collect::<Vec<_>>());
                if group > 0 {
                    for &slot in &slots {
                        self.assert_change(slot, slot - tables.n_machines, Meaning::Enters);
                    }
                }
                if group + 1 < tables.n_groups(task) {
                    for &slot in &slots {
                        self.assert_change(slot, slot + tables.n_machines, Meaning::Leaves);
                    }
                }
            }
            self.assert_transition_limit(task);
        }
    }

    /// A group that is placed on an accelerator, while its neighbour in the task isn't, enters or leaves there.
    fn assert_change(&self, slot: usize, neighbour: usize, change: Meaning) {
        let mut literals = vec![(variable(slot, Meaning::Placed), false), (variable(slot, change), true)];
        if self.search.tables.costs[neighbour].is_some() {
            literals.push((variable(neighbour, Meaning::Placed), true));
        }
        self.master.clause(&literals);
    }

    fn assert_transition_limit(&self, task: usize) {
        let tables = self.search.tables;
        let Some(limit) = tables.problem.max_transitions else { return };
        let groups = &tables.problem.tasks[task].groups;
        let counted = (1..groups.len()).filter(|&group| !groups[group].tail);
        let slots = counted.flat_map(|group| self.slots(tables.offsets[task] + group));
        let terms: Vec<(usize, i32)> = slots.map(|slot| (variable(slot, Meaning::Enters), 1)).collect();
        if !terms.is_empty() {
            self.master.at_most(&terms, i32::try_from(limit).unwrap_or(i32::MAX));
        }
    }

    /// The slots of a group that can run.
    fn slots(&self, flat: usize) -> impl Iterator<Item = usize> + use<> {
        let (set, machines) = (self.supported[flat], self.search.tables.n_machines);
        (0..machines).filter(move |machine| set >> machine & 1 == 1).map(move |machine| flat * machines + machine)
    }

    fn run_levels(&mut self) {
        for level in 1..=LEVELS {
            if self.search.is_proved() {
                return;
            }
            let (lower, best) = (self.search.lower(), self.search.best_score());
            let target = lower + (best - lower).div_ceil(LEVELS + 1 - level);
            self.master.push();
            let closed = self.close_level(target);
            self.master.pop();
            if !closed {
                return;
            }
            self.search.raise_lower(target);
        }
    }

    /// Decides placements until none below `target` is left.
    fn close_level(&mut self, target: u64) -> Continue {
        let mut asserted = u64::MAX;
        loop {
            let target = target.min(self.search.best_score());
            if target < asserted {
                self.assert_rows(target);
                asserted = target;
            }
            match self.search.ask(&self.master) {
                None => return false,
                Some(Proposal::NothingLeft) => return true,
                Some(Proposal::Look(values)) => {
                    if !self.close_placement(&values, target) {
                        return false;
                    }
                }
            }
        }
    }

    /// Decides the placement that Z3 proposes, frees as many groups as the oracle can show not to matter, and forbids
    /// what stays fixed: at least one group.
    fn close_placement(&mut self, values: &[bool], target: u64) -> Continue {
        let mut allowed = self.placement(values);
        let mut max_nodes = FIRST_NODES;
        loop {
            match self.search.decide(&allowed, max_nodes) {
                Outcome::Decided => break,
                Outcome::Deferred => max_nodes = max_nodes.saturating_mul(8),
                Outcome::Stopped => return false,
            }
        }
        self.search.statistics.decided_by_oracle += 1;
        let target = target.min(self.search.best_score());
        let n_fixed = self.free_groups(&mut allowed, target);
        let fixed = (0..allowed.len()).filter(|&flat| n_fixed.contains(&flat));
        let machines = self.search.tables.n_machines;
        let slot = |flat: usize| flat * machines + allowed[flat].trailing_zeros() as usize;
        self.master.clause(&fixed.map(|flat| (variable(slot(flat), Meaning::Placed), false)).collect::<Vec<_>>());
        true
    }

    /// Lets groups use any accelerator, those first where it makes least difference, as long as nothing below `target`
    /// becomes possible. Returns the groups that stay fixed.
    fn free_groups(&mut self, allowed: &mut [u64], target: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..allowed.len()).collect();
        order.sort_by_key(|&flat| self.spread(flat));
        let mut fixed = order.clone();
        for flat in order {
            let before = allowed[flat];
            allowed[flat] = self.supported[flat];
            if fixed.len() > 1 && self.search.refutes(allowed, target, NODES_TO_FREE) {
                fixed.retain(|&other| other != flat);
            } else {
                allowed[flat] = before;
            }
        }
        fixed
    }

    /// How much the accelerator matters for the work of a group.
    fn spread(&self, flat: usize) -> u64 {
        let works = || self.slots(flat).map(|slot| self.search.tables.cost(slot).work);
        works().max().unwrap_or(0) - works().min().unwrap_or(0)
    }

    fn placement(&self, values: &[bool]) -> Vec<u64> {
        let machines = self.search.tables.n_machines;
        let placed = |flat: usize| self.slots(flat).find(|&slot| values[variable(slot, Meaning::Placed)]);
        (0..self.supported.len()).map(|flat| placed(flat).map_or(0, |slot| 1 << (slot % machines))).collect()
    }

    /// The chain of every task, the load of every accelerator and the mixed prices for a score below `target`.
    fn assert_rows(&self, target: u64) {
        let Some(most) = target.checked_sub(1) else { return self.master.refute() };
        let tables = self.search.tables;
        let chains = || self.search.shortest_chains(&self.supported);
        let Some(horizon) = latest_end(tables, self.search.goal, most, chains) else { return };
        let all: Vec<usize> = (0..self.supported.len()).collect();
        for task in 0..tables.n_tasks {
            let release = tables.problem.tasks[task].release.0;
            self.assert_row(&all[tables.offsets[task]..tables.offsets[task + 1]], horizon, release, |slot| {
                self.occupied(slot)
            });
        }
        let release = tables.problem.tasks.iter().map(|task| task.release.0).min().unwrap_or(0);
        for machine in 0..tables.n_machines {
            self.assert_row(&all, horizon, release, |slot| {
                if slot % tables.n_machines == machine { self.occupied(slot) } else { [0; 3] }
            });
        }
        for vector in 0..self.search.prices.mixed.len() {
            self.assert_row(&all, horizon, release, |slot| {
                [self.search.prices.of(vector, slot, tables.cost(slot).work), 0, 0]
            });
        }
    }

    /// What a slot occupies by itself, by entering and by leaving. Launches are certain where a task enters or begins.
    fn occupied(&self, slot: usize) -> [u64; 3] {
        let tables = self.search.tables;
        let cost = tables.cost(slot);
        let task = tables.task_of(slot);
        let flat = slot / tables.n_machines;
        let (is_first, is_last) = (flat == tables.offsets[task], flat + 1 == tables.offsets[task + 1]);
        let begins = if is_first { tables.entering(slot, None) } else { 0 };
        let ends = if is_last { tables.leaving(slot, None) } else { 0 };
        let entering = if is_first { 0 } else { cost.launch + cost.entry };
        [begins + cost.work + ends, entering, if is_last { 0 } else { cost.exit }]
    }

    /// The weights of the true variables of some groups add up to at most `horizon - release`. Every group has one
    /// accelerator, so that its least weight is taken off on both sides. Weights and limit are rounded down.
    fn assert_row(&self, groups: &[usize], horizon: u64, release: u64, weights: impl Fn(usize) -> [u64; 3]) {
        let least = |flat: usize| self.slots(flat).map(|slot| weights(slot)[0]).min().unwrap_or(0);
        let least_sum: u64 = release + groups.iter().map(|&flat| least(flat)).sum::<u64>();
        let Some(room) = horizon.checked_sub(least_sum) else { return self.master.refute() };
        let n_terms = 3 * (groups.len() * self.search.tables.n_machines) as u64;
        let unit = unit(room, n_terms, 1000);
        let limit = room / unit;
        let mut terms = vec![];
        for &flat in groups {
            for slot in self.slots(flat) {
                let [placed, enters, leaves] = weights(slot);
                let by_meaning =
                    [(Meaning::Placed, placed - least(flat)), (Meaning::Enters, enters), (Meaning::Leaves, leaves)];
                for (meaning, weight) in by_meaning {
                    let weight = i32::try_from((weight / unit).min(limit + 1)).unwrap_or(i32::MAX);
                    terms.extend((weight > 0).then_some((variable(slot, meaning), weight)));
                }
            }
        }
        if !terms.is_empty() {
            self.master.at_most(&terms, i32::try_from(limit).unwrap_or(i32::MAX));
        }
    }
}

fn variable(slot: usize, meaning: Meaning) -> usize {
    3 * slot + meaning as usize
}
