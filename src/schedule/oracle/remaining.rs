//! What is still to be done from a state of the oracle: lower bounds of chains, loads and prices, from suffix sums over
//! the groups of a combination.

use super::super::bounds::{Prices, Vector};
use super::super::fitting;
use super::super::goal::{Goal, Outlook};
use super::super::tables::Tables;
use super::state::{Phase, Stage, State};
use crate::problem::GroupId;

/// Most tasks that the search takes.
pub(in crate::schedule) const MAX_TASKS: usize = 32;

/// Most price vectors, loads included: a grid of quarters over four accelerators has 35 and one may be fitted; beyond, an
/// accelerator has one of each, and up to eight have one in common.
pub(in crate::schedule) const MAX_VECTORS: usize = 72;

/// Suffix sums of one combination, in which every group may use a set of accelerators.
pub(super) struct Remaining<'p> {
    prices: &'p Prices,
    /// The prices without what was fitted to a state.
    pub(super) base: &'p Prices,
    /// Open groups of the state that they were fitted to.
    pub(super) fitted_at: usize,
    /// Bit set of allowed accelerators by flat group.
    allowed: Vec<u64>,
    /// Union of the sets from a group to the end of its task.
    later: Vec<u64>,
    /// Least time from the start of a group's work on an accelerator to the end of its task, by slot.
    chains: Vec<u64>,
    /// Least that the groups from one on pay to a vector: the mixed ones, then the load of every accelerator.
    sums: Vec<u64>,
    n_vectors: usize,
    n_mixed: usize,
    /// Whether every group has one accelerator.
    is_fixed: bool,
    /// Least energy that the groups from one on draw, laid out as `sums`; empty where nobody counts it.
    energy: Vec<u64>,
}

impl<'p> Remaining<'p> {
    pub(super) fn new(tables: &Tables, prices: &'p Prices, goal: Goal, allowed: &[u64]) -> Self {
        let n_mixed = prices.n_vectors();
        let n_vectors = n_mixed + tables.n_machines;
        let n_flat = allowed.len();
        let mut remaining = Self {
            prices,
            base: prices,
            fitted_at: usize::MAX,
            allowed: allowed.to_vec(),
            later: vec![0; n_flat],
            chains: vec![0; n_flat * tables.n_machines],
            sums: vec![0; (n_flat + tables.n_tasks) * n_vectors],
            n_vectors,
            n_mixed,
            is_fixed: allowed.iter().all(|set| set.is_power_of_two()),
            energy: if goal.counts_energy() { vec![0; n_flat + tables.n_tasks] } else { vec![] },
        };
        for task in 0..tables.n_tasks {
            for group in (0..tables.n_groups(task)).rev() {
                remaining.add_group(tables, task, group);
                if goal.counts_energy() {
                    remaining.add_energy(tables, goal, task, group);
                }
            }
        }
        remaining
    }

    /// The same with other prices, fitted to a state with `fitted_at` open groups.
    pub(super) fn with_prices<'q>(
        &self,
        tables: &Tables,
        prices: &'q Prices,
        goal: Goal,
        fitted_at: usize,
    ) -> Remaining<'q>
    where
        'p: 'q,
    {
        Remaining { base: self.base, fitted_at, ..Remaining::new(tables, prices, goal, &self.allowed) }
    }

    /// Whether every group has one accelerator.
    pub(super) fn is_fixed(&self) -> bool {
        self.is_fixed
    }

    /// Whether prices can be fitted to states: every group has one accelerator, of two or three.
    pub(super) fn can_be_fitted(&self, tables: &Tables) -> bool {
        self.is_fixed && (2..=3).contains(&tables.n_machines)
    }

    /// Prices fitted to what is still to be done, so that it pays up to `cutoff`.
    pub(super) fn fitted_vector(&self, tables: &Tables, state: &State, cutoff: u64) -> Option<Vector> {
        let open = (0..tables.n_tasks).flat_map(|task| {
            (state.stages[task].group..tables.n_groups(task)).filter_map(move |group| {
                let machine = self.only_machine(tables, task, group)?;
                let slot = tables.slot(task, group, machine);
                let is_running = state.stages[task].running && group == state.stages[task].group;
                let work =
                    if is_running { state.lanes[machine].work_left(tables, slot) } else { tables.cost(slot).work };
                (work > 0).then_some((slot, work))
            })
        });
        fitting::of_works(tables, self.prices, &open.collect::<Vec<_>>(), cutoff.saturating_sub(state.now))
    }

    fn add_group(&mut self, tables: &Tables, task: usize, group: usize) {
        let flat = tables.offsets[task] + group;
        let is_last = group + 1 == tables.n_groups(task);
        self.later[flat] = self.allowed[flat] | if is_last { 0 } else { self.later[flat + 1] };
        for machine in bits(self.allowed[flat]) {
            let slot = tables.slot(task, group, machine);
            let rest = if is_last { tables.leaving(slot, None) } else { self.best_rest(tables, slot) };
            self.chains[slot] = tables.cost(slot).work + rest;
        }
        let row = (flat + task) * self.n_vectors;
        self.sums.copy_within(row + self.n_vectors..row + 2 * self.n_vectors, row);
        if let Some(machine) = self.only_machine(tables, task, group) {
            let slot = tables.slot(task, group, machine);
            let work = tables.cost(slot).work;
            let load = self.certain_load(tables, task, group, machine);
            let sums = &mut self.sums[row..row + self.n_vectors];
            self.prices.add_paid(sums, slot, work, load - work);
            sums[self.n_mixed + machine] += load;
            return;
        }
        for vector in 0..self.n_mixed {
            let slots = bits(self.allowed[flat]).map(|machine| tables.slot(task, group, machine));
            let least = slots.map(|slot| self.prices.of(vector, slot, tables.cost(slot).work)).min();
            self.sums[row + vector] += least.unwrap_or(0);
        }
    }

    fn add_energy(&mut self, tables: &Tables, goal: Goal, task: usize, group: usize) {
        let flat = tables.offsets[task] + group;
        let of_machine = |machine: usize| {
            let certain = self.certain_load(tables, task, group, machine);
            goal.energy(machine, certain.max(tables.cost(tables.slot(task, group, machine)).work))
        };
        let least = bits(self.allowed[flat]).map(of_machine).min().unwrap_or(0);
        self.energy[flat + task] = self.energy[flat + task + 1].saturating_add(least);
    }

    /// Least time after the work of `slot` that isn't a task's last: leaving, entering, and what follows.
    fn best_rest(&self, tables: &Tables, slot: usize) -> u64 {
        let machine = slot % tables.n_machines;
        let next_flat = slot / tables.n_machines + 1;
        let after = bits(self.allowed[next_flat]).map(|after| {
            let next = next_flat * tables.n_machines + after;
            tables.leaving(slot, Some(after)) + tables.entering(next, Some(machine)) + self.chains[next]
        });
        after.min().unwrap_or(0)
    }

    /// What a group certainly occupies of `machine`: nothing unless it has no other accelerator.
    fn certain_load(&self, tables: &Tables, task: usize, group: usize, machine: usize) -> u64 {
        let flat = tables.offsets[task] + group;
        if self.allowed[flat] != 1 << machine {
            return 0;
        }
        let slot = tables.slot(task, group, machine);
        let cost = tables.cost(slot);
        let io = tables.pays_network_io(machine);
        let comes_from_elsewhere = group > 0 && self.allowed[flat - 1] >> machine & 1 == 0;
        let entering = match group {
            0 => cost.launch + if io { cost.entry } else { 0 },
            _ if comes_from_elsewhere => cost.launch + cost.entry,
            _ => 0,
        };
        entering + cost.work + self.certain_exit(tables, task, group, machine)
    }

    fn certain_exit(&self, tables: &Tables, task: usize, group: usize, machine: usize) -> u64 {
        let flat = tables.offsets[task] + group;
        let leaves = if group + 1 == tables.n_groups(task) {
            tables.pays_network_io(machine)
        } else {
            self.allowed[flat + 1] >> machine & 1 == 0
        };
        if leaves { tables.cost(tables.slot(task, group, machine)).exit } else { 0 }
    }

    /// The accelerator of a group that may use only one.
    pub(super) fn only_machine(&self, tables: &Tables, task: usize, group: usize) -> Option<usize> {
        let set = self.allowed[tables.offsets[task] + group];
        (set.is_power_of_two()).then(|| set.trailing_zeros() as usize)
    }

    /// The accelerators that a group may use.
    pub(super) fn machines(&self, tables: &Tables, task: usize, group: usize) -> impl Iterator<Item = usize> + use<> {
        bits(self.allowed[tables.offsets[task] + group])
    }

    /// Whether a group of `task` from `group` on may use `machine`.
    pub(super) fn comes_to(&self, tables: &Tables, task: usize, group: usize, machine: usize) -> bool {
        group < tables.n_groups(task) && self.later[tables.offsets[task] + group] >> machine & 1 == 1
    }

    /// Lower bound of the score of everything below `state`.
    pub(super) fn bound(&self, tables: &Tables, goal: Goal, state: &State) -> u64 {
        let mut ends = [0; MAX_TASKS];
        let mut open = [0; MAX_TASKS];
        let mut n_open = 0;
        for &task in &tables.topological {
            if state.stages[task].group < tables.n_groups(task) {
                open[n_open] = task;
                n_open += 1;
                ends[task] = self.end(tables, state, task, &ends);
            }
        }
        let open = &open[..n_open];
        let joint = |tasks: &[usize]| state.now + self.most_paid(tables, state, tasks);
        let energy = if goal.counts_energy() { self.least_energy(tables, goal, state, open) } else { 0 };
        goal.bound(state.now, state.settled, &Outlook { open, ends: &ends, energy, joint: &joint })
    }

    /// Least energy that the open tasks still draw.
    fn least_energy(&self, tables: &Tables, goal: Goal, state: &State, open: &[usize]) -> u64 {
        let of_task = |&task: &usize| {
            let reached = &state.stages[task];
            let row = tables.offsets[task] + task + reached.group;
            let Some(machine) = reached.machine.filter(|_| reached.running) else { return self.energy[row] };
            self.energy[row + 1].saturating_add(goal.energy(machine, self.occupied(tables, state, task, machine)))
        };
        open.iter().map(of_task).fold(0, u64::saturating_add)
    }

    /// Earliest end of an open task, given those of the tasks that it waits for.
    fn end(&self, tables: &Tables, state: &State, task: usize, ends: &[u64]) -> u64 {
        let reached = &state.stages[task];
        let waits = &tables.problem.tasks[task];
        let not_started = reached.group == 0 && !reached.running;
        let from = if not_started { waits.after.iter().map(|&before| ends[before]).max().unwrap_or(0) } else { 0 };
        let from = from.max(state.now).max(if not_started { waits.release.0 } else { 0 });
        from + self.chain(tables, state, task)
    }

    /// Least time that a task still needs, without waiting.
    pub(super) fn chain(&self, tables: &Tables, state: &State, task: usize) -> u64 {
        let reached = &state.stages[task];
        if reached.group == tables.n_groups(task) {
            return 0;
        }
        let Some(machine) = reached.machine else {
            let slots =
                self.machines(tables, task, reached.group).map(|machine| tables.slot(task, reached.group, machine));
            return slots.map(|slot| tables.entering(slot, reached.before) + self.chains[slot]).min().unwrap_or(0);
        };
        let slot = tables.slot(task, reached.group, machine);
        if !reached.running {
            let id = GroupId { task, group: reached.group };
            let stays = reached.before == Some(machine);
            let relaunch = if stays && state.launch_is_due(machine, id) { tables.cost(slot).launch } else { 0 };
            return tables.entering(slot, reached.before) + relaunch + self.chains[slot];
        }
        let lane = &state.lanes[machine];
        match lane.phase {
            Phase::Launch => lane.left + entry(tables, slot, reached) + self.chains[slot],
            Phase::Entry => lane.left + self.chains[slot],
            Phase::Work => lane.left.div_ceil(1000) + self.chains[slot] - tables.cost(slot).work,
            Phase::Exit => lane.left + self.after_exit(tables, task, reached, machine),
        }
    }

    fn after_exit(&self, tables: &Tables, task: usize, reached: &Stage, machine: usize) -> u64 {
        let Some(after) = reached.after else { return 0 };
        let next = tables.slot(task, reached.group + 1, after);
        tables.entering(next, Some(machine)) + self.chains[next]
    }

    /// The most that `tasks` still pay to any vector.
    fn most_paid(&self, tables: &Tables, state: &State, tasks: &[usize]) -> u64 {
        let mut totals = [0; MAX_VECTORS];
        let totals = &mut totals[..self.n_vectors];
        for &task in tasks {
            self.add_paid(tables, state, task, totals);
        }
        let (mixed, loads) = totals.split_at(self.n_mixed);
        let loads = loads.iter().enumerate().map(|(machine, load)| load + self.idle(tables, state, machine, tasks));
        mixed.iter().copied().chain(loads).max().unwrap_or(0)
    }

    /// Adds what `task` still pays to every vector.
    fn add_paid(&self, tables: &Tables, state: &State, task: usize, totals: &mut [u64]) {
        let reached = &state.stages[task];
        let row = (tables.offsets[task] + task + reached.group + usize::from(reached.running)) * self.n_vectors;
        for (total, sum) in totals.iter_mut().zip(&self.sums[row..row + self.n_vectors]) {
            *total += sum;
        }
        let Some(machine) = reached.machine.filter(|_| reached.running) else { return };
        let slot = tables.slot(task, reached.group, machine);
        let lane = &state.lanes[machine];
        let work = lane.work_left(tables, slot);
        let occupied = self.occupied(tables, state, task, machine);
        let working = if lane.phase == Phase::Work { lane.left.div_ceil(1000) } else { work };
        self.prices.add_paid(totals, slot, work, occupied - working);
        totals[self.n_mixed + machine] += occupied;
    }

    /// How long the running group of `task` certainly still occupies `machine`.
    fn occupied(&self, tables: &Tables, state: &State, task: usize, machine: usize) -> u64 {
        let reached = &state.stages[task];
        let lane = &state.lanes[machine];
        let slot = tables.slot(task, reached.group, machine);
        let work = tables.cost(slot).work;
        let exit = self.certain_exit(tables, task, reached.group, machine);
        match lane.phase {
            Phase::Launch => lane.left + entry(tables, slot, reached) + work + exit,
            Phase::Entry => lane.left + work + exit,
            Phase::Work => lane.left.div_ceil(1000) + exit,
            Phase::Exit => lane.left,
        }
    }

    /// How long a held accelerator certainly stays idle: until the task that it is held for can come. Only where every
    /// group has one accelerator, and where the task is among `tasks`.
    fn idle(&self, tables: &Tables, state: &State, machine: usize, tasks: &[usize]) -> u64 {
        let lane = &state.lanes[machine];
        let Some(task) = lane.hold.filter(|task| self.is_fixed && lane.task.is_none() && tasks.contains(task)) else {
            return 0;
        };
        let reached = &state.stages[task];
        let first = reached.group + usize::from(reached.running);
        let next =
            (first..tables.n_groups(task)).find(|&group| self.only_machine(tables, task, group) == Some(machine));
        let Some(next) = next else { return 0 };
        let before = next.checked_sub(1).and_then(|group| self.only_machine(tables, task, group));
        let slot = tables.slot(task, next, machine);
        self.chain(tables, state, task).saturating_sub(tables.entering(slot, before) + self.chains[slot])
    }
}

fn entry(tables: &Tables, slot: usize, reached: &Stage) -> u64 {
    let machine = slot % tables.n_machines;
    let enters = reached.before.map_or(tables.pays_network_io(machine), |before| before != machine);
    if enters { tables.cost(slot).entry } else { 0 }
}

/// The members of a bit set.
fn bits(set: u64) -> impl Iterator<Item = usize> {
    (0..64).take_while(move |bit| set >> bit != 0).filter(move |bit| set >> bit & 1 == 1)
}
