//! The search where some task has too many plans to give each a Boolean: one Boolean per group and accelerator, and
//! no-goods that the oracle generalises to sets of placements.
//!
//! Per slot there are three variables: the group is placed there, it enters there, it leaves from there. Entering and
//! leaving are only forced to be true, never to be false: rows that count them are satisfied by the honest values.
//! A no-good excludes many placements at once, so that only the placements that the oracle decided are counted.

use std::collections::BTreeMap;

use super::annealing::Annealing;
use super::goal::BROKEN;
use super::rows::{unit, windows};
use super::search::{Continue, Outcome, Proposal, Search};
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
    annealing: &'s mut Annealing<'s>,
}

/// Searches until the incumbent is proved or a limit is reached.
pub(super) fn run<'s>(search: &'s mut Search<'_>, annealing: &'s mut Annealing<'s>) {
    let master = Master::new(3 * search.tables.costs.len(), search.seed);
    let supported = supported(search);
    let mut group_search = GroupSearch { search, master, supported, annealing };
    group_search.assert_placement();
    group_search.run_levels();
}

/// Lower bound of the score of every placement.
pub(super) fn root_bound(search: &Search) -> u64 {
    search.root_bound(&supported(search))
}

/// All accelerators that a group can run on, by flat index.
fn supported(search: &Search) -> Vec<u64> {
    let machines = search.tables.n_machines;
    let is_supported = |flat: usize, machine: usize| search.tables.costs[flat * machines + machine].is_some();
    let set =
        |flat: usize| (0..machines).filter(|&machine| is_supported(flat, machine)).map(|machine| 1 << machine).sum();
    (0..search.tables.offsets[search.tables.n_tasks]).map(set).collect()
}

impl GroupSearch<'_, '_> {
    /// Every group has one accelerator; changes are entered and left, at most as often as the limit allows.
    fn assert_placement(&self) {
        let tables = self.search.tables;
        for task in tables.classes.iter().map(|class| class[0]) {
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

    /// The slots of a group that can run; of a further frame those of the first one, which is placed alike.
    fn slots(&self, flat: usize) -> impl Iterator<Item = usize> + use<> {
        let flat = self.search.tables.leading_group(flat);
        let (set, machines) = (self.supported[flat], self.search.tables.n_machines);
        (0..machines).filter(move |machine| set >> machine & 1 == 1).map(move |machine| flat * machines + machine)
    }

    fn run_levels(&mut self) {
        let mut level = 0;
        while level < LEVELS && !self.search.is_proved() {
            level += u64::from(self.search.keeps_cap());
            let target = self.search.next_target(LEVELS + 1 - level.max(1));
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
            if !self.annealing.anneal_between(self.search) {
                return false;
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
            match self.search.decide(&allowed, u64::MAX, max_nodes) {
                Outcome::Decided => break,
                Outcome::Deferred => max_nodes = max_nodes.saturating_mul(8),
                Outcome::Stopped => return false,
            }
        }
        self.search.statistics.decided_by_oracle += 1;
        let target = target.min(self.search.best_score());
        let fixed = self.free_groups(&mut allowed, target).into_iter();
        let machines = self.search.tables.n_machines;
        let slot = |flat: usize| flat * machines + allowed[flat].trailing_zeros() as usize;
        self.master.clause(&fixed.map(|flat| (variable(slot(flat), Meaning::Placed), false)).collect::<Vec<_>>());
        true
    }

    /// Lets groups use any accelerator, those first where it makes least difference, as long as nothing below `target`
    /// becomes possible. Returns the groups that stay fixed.
    fn free_groups(&mut self, allowed: &mut [u64], target: u64) -> Vec<usize> {
        let tables = self.search.tables;
        let mut order: Vec<usize> = (0..allowed.len()).filter(|&flat| tables.leading_group(flat) == flat).collect();
        order.sort_by_key(|&flat| self.spread(flat));
        let mut fixed = order.clone();
        for flat in order {
            let before = allowed[flat];
            let alike: Vec<usize> = (0..allowed.len()).filter(|&other| tables.leading_group(other) == flat).collect();
            for &other in &alike {
                allowed[other] = self.supported[flat];
            }
            // Frames of one stream may then differ: what is refuted holds all the more where they don't.
            if fixed.len() > 1 && self.search.refutes(allowed, target, NODES_TO_FREE) {
                fixed.retain(|&other| other != flat);
            } else {
                for other in alike {
                    allowed[other] = before;
                }
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

    /// The chain of every task, and load, mixed prices and energy of what must run in a time, for a score below `target`.
    fn assert_rows(&self, target: u64) {
        let Some(most) = target.checked_sub(1) else { return self.master.refute() };
        let tables = self.search.tables;
        let chains = self.search.shortest_chains(&self.supported);
        let releases: Vec<u64> = tables.problem.tasks.iter().map(|task| task.release.0).collect();
        let earliest: Vec<u64> = releases.iter().zip(chains).map(|(release, chain)| release + chain).collect();
        let latest = self.search.goal.latest_ends(most, &earliest);
        for task in 0..tables.n_tasks {
            let groups: Vec<usize> = (tables.offsets[task]..tables.offsets[task + 1]).collect();
            if let Some(latest) = latest[task] {
                self.assert_row(&groups, latest.saturating_sub(releases[task]), |slot| self.occupied(slot));
            }
        }
        for (tasks, room) in windows(tables, &latest) {
            let groups: Vec<usize> =
                tasks.iter().flat_map(|&task| tables.offsets[task]..tables.offsets[task + 1]).collect();
            for machine in 0..tables.n_machines {
                self.assert_row(&groups, room, |slot| {
                    if slot % tables.n_machines == machine { self.occupied(slot) } else { [0; 3] }
                });
            }
            for vector in 0..self.search.prices.n_vectors() {
                self.assert_row(&groups, room, |slot| {
                    [self.search.prices.of(vector, slot, tables.cost(slot).work), 0, 0]
                });
            }
        }
        if self.search.goal.counts_energy() {
            let groups: Vec<usize> = (0..self.supported.len()).collect();
            self.assert_row(&groups, most.min(BROKEN - 1), |slot| {
                self.occupied(slot).map(|time| self.search.goal.energy(slot % tables.n_machines, time))
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

    /// The weights of the true variables of some groups add up to at most `limit`. Every group has one accelerator, so
    /// that its least weight is taken off on both sides. Weights and limit are rounded down.
    fn assert_row(&self, groups: &[usize], limit: u64, weights: impl Fn(usize) -> [u64; 3]) {
        let least = |flat: usize| self.slots(flat).map(|slot| weights(slot)[0]).min().unwrap_or(0);
        let least_sum = groups.iter().map(|&flat| least(flat)).fold(0, u64::saturating_add);
        let Some(room) = limit.checked_sub(least_sum) else { return self.master.refute() };
        let n_terms = 3 * (groups.len() * self.search.tables.n_machines) as u64;
        let unit = unit(room, n_terms, 1000);
        let limit = room / unit;
        let mut terms: BTreeMap<usize, u64> = BTreeMap::new();
        for &flat in groups {
            for slot in self.slots(flat) {
                let [placed, enters, leaves] = weights(slot);
                let by_meaning =
                    [(Meaning::Placed, placed - least(flat)), (Meaning::Enters, enters), (Meaning::Leaves, leaves)];
                for (meaning, weight) in by_meaning.into_iter().filter(|&(_, weight)| weight / unit > 0) {
                    *terms.entry(variable(slot, meaning)).or_default() += weight / unit;
                }
            }
        }
        let round =
            |(variable, weight): (usize, u64)| (variable, i32::try_from(weight.min(limit + 1)).unwrap_or(i32::MAX));
        let terms: Vec<(usize, i32)> = terms.into_iter().map(round).collect();
        if !terms.is_empty() {
            self.master.at_most(&terms, i32::try_from(limit).unwrap_or(i32::MAX));
        }
    }
}

fn variable(slot: usize, meaning: Meaning) -> usize {
    3 * slot + meaning as usize
}
