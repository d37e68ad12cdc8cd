//! A problem laid out flat for the search: costs by slot (a group on an accelerator), and how fast a slot works beside
//! another one. Knows nothing of search or bounds.

use crate::problem::{GroupId, Problem};
use crate::units::MegabytesPerSecond;

/// Everything about a problem that the search reads in its inner loops. A *slot* is a group on an accelerator.
pub(super) struct Tables<'a> {
    pub(super) problem: &'a Problem,
    pub(super) n_machines: usize,
    pub(super) n_tasks: usize,
    /// Flat index of the first group of every task, and the number of groups at the end.
    pub(super) offsets: Vec<usize>,
    /// Costs by slot; `None` where the group can't run.
    pub(super) costs: Vec<Option<SlotCost>>,
    /// Tasks in an order in which every task follows those that it waits for.
    pub(super) topological: Vec<usize>,
    /// Tasks that are placed alike, the first one leading: a task that is no frame of another is a class of its own.
    pub(super) classes: Vec<Vec<usize>>,
    /// Class of every task.
    pub(super) class_of: Vec<usize>,
    /// The different releases, the earliest first.
    pub(super) releases: Vec<u64>,
    /// Permille of a slot beside exactly one other slot, by both slots.
    pairs: Vec<u32>,
    /// Task of every slot.
    task_of: Vec<usize>,
}

/// Cost of a slot in nanoseconds, with its demand in MB/s.
#[derive(Clone, Copy, Debug)]
pub(super) struct SlotCost {
    pub(super) work: u64,
    pub(super) entry: u64,
    pub(super) exit: u64,
    pub(super) launch: u64,
    pub(super) demand: u32,
}

impl<'a> Tables<'a> {
    /// The tables of `problem`; `None` where tasks wait for each other in a circle, so that there is no schedule.
    pub(super) fn new(problem: &'a Problem) -> Option<Self> {
        let topological = topological_order(problem)?;
        let mut offsets = vec![0];
        for task in &problem.tasks {
            offsets.push(offsets[offsets.len() - 1] + task.groups.len());
        }
        let costs = slot_costs(problem);
        let classes = classes(problem);
        let class_of = |task| classes.iter().position(|class| class.contains(&task)).unwrap_or(0);
        let class_of = (0..problem.tasks.len()).map(class_of).collect();
        let mut tables = Self {
            problem,
            n_machines: problem.machines.len(),
            n_tasks: problem.tasks.len(),
            offsets,
            costs,
            topological,
            classes,
            class_of,
            releases: releases(problem),
            pairs: vec![],
            task_of: vec![],
        };
        let task_of = |slot: usize| tables.offsets.partition_point(|&offset| offset <= slot / tables.n_machines) - 1;
        tables.task_of = (0..tables.costs.len()).map(task_of).collect();
        tables.pairs = tables.pair_rates();
        Some(tables)
    }

    /// Number of groups of a task.
    pub(super) fn n_groups(&self, task: usize) -> usize {
        self.offsets[task + 1] - self.offsets[task]
    }

    /// The same group of the first frame, of whose stream a group's task is a frame; else the group itself.
    pub(super) fn leading_group(&self, flat: usize) -> usize {
        let task = self.offsets.partition_point(|&offset| offset <= flat) - 1;
        self.offsets[self.problem.leader(task)] + flat - self.offsets[task]
    }

    /// Slot of group `group` of `task` on `machine`.
    pub(super) fn slot(&self, task: usize, group: usize, machine: usize) -> usize {
        (self.offsets[task] + group) * self.n_machines + machine
    }

    /// Cost of a slot that is known to be supported.
    pub(super) fn cost(&self, slot: usize) -> SlotCost {
        self.costs[slot].expect("only supported slots are searched")
    }

    /// Permille at which `slot` works while exactly `other` works elsewhere; beside itself, while none does.
    pub(super) fn pair_rate(&self, slot: usize, other: usize) -> u32 {
        self.pairs[slot * self.costs.len() + other]
    }

    /// Permille at which `slot` works beside a total external demand.
    pub(super) fn rate(&self, slot: usize, external: u32) -> u32 {
        let own = MegabytesPerSecond(self.cost(slot).demand);
        self.problem.rate(slot % self.n_machines, own, MegabytesPerSecond(external)).0
    }

    /// Whether the first entry and the last exit of a task are paid on `machine`.
    pub(super) fn pays_network_io(&self, machine: usize) -> bool {
        self.problem.machines[machine].pays_network_io
    }

    /// Permille at which `slot` works in a set of slots that work at once, of which it is one.
    pub(super) fn rate_among(&self, slot: usize, set: impl Iterator<Item = usize>) -> u64 {
        let (mut n_others, mut only, mut external) = (0, slot, 0);
        for other in set.filter(|&other| other != slot) {
            (n_others, only) = (n_others + 1, other);
            external += self.cost(other).demand;
        }
        u64::from(if n_others < 2 { self.pair_rate(slot, only) } else { self.rate(slot, external) })
    }

    /// Whether two slots can work at the same time: other tasks on other accelerators.
    pub(super) fn can_meet(&self, slot: usize, other: usize) -> bool {
        slot % self.n_machines != other % self.n_machines
            && self.task_of(slot) != self.task_of(other)
            && self.costs[slot].is_some()
            && self.costs[other].is_some()
    }

    /// Task of a slot.
    pub(super) fn task_of(&self, slot: usize) -> usize {
        self.task_of[slot]
    }

    /// Time from the start of a task's next group, that enters `machine` from `before`, to its work:
    /// launch and entry. The launch is certain where the accelerator changes.
    pub(super) fn entering(&self, slot: usize, before: Option<usize>) -> u64 {
        let machine = slot % self.n_machines;
        let cost = self.cost(slot);
        match before {
            Some(before) if before == machine => 0,
            Some(_) => cost.launch + cost.entry,
            None => cost.launch + if self.pays_network_io(machine) { cost.entry } else { 0 },
        }
    }

    /// Time after the work of a group that is followed on `after`: its exit.
    pub(super) fn leaving(&self, slot: usize, after: Option<usize>) -> u64 {
        let machine = slot % self.n_machines;
        let leaves = after.map_or(self.pays_network_io(machine), |after| after != machine);
        if leaves { self.cost(slot).exit } else { 0 }
    }

    fn pair_rates(&self) -> Vec<u32> {
        let n_slots = self.costs.len();
        let mut pairs = vec![1000; n_slots * n_slots];
        for slot in (0..n_slots).filter(|&slot| self.costs[slot].is_some()) {
            pairs[slot * n_slots + slot] = self.rate(slot, 0);
            for other in 0..n_slots {
                if let (true, Some(cost)) = (self.can_meet(slot, other), self.costs[other]) {
                    pairs[slot * n_slots + other] = self.rate(slot, cost.demand);
                }
            }
        }
        pairs
    }
}

fn slot_costs(problem: &Problem) -> Vec<Option<SlotCost>> {
    let mut costs = vec![];
    for (task, groups) in problem.tasks.iter().enumerate() {
        for group in 0..groups.groups.len() {
            costs.extend((0..problem.machines.len()).map(|machine| {
                problem.cost(GroupId { task, group }, machine).map(|cost| SlotCost {
                    work: cost.work.0,
                    entry: cost.entry.0,
                    exit: cost.exit.0,
                    launch: groups.launch[machine].0,
                    demand: cost.demand.0,
                })
            }));
        }
    }
    costs
}

fn releases(problem: &Problem) -> Vec<u64> {
    let mut releases: Vec<u64> = problem.tasks.iter().map(|task| task.release.0).collect();
    releases.sort_unstable();
    releases.dedup();
    releases
}

/// The tasks that no other one is led by, each with its further frames.
fn classes(problem: &Problem) -> Vec<Vec<usize>> {
    let tasks = 0..problem.tasks.len();
    let led_by = |leader: usize| tasks.clone().filter(|&task| problem.leader(task) == leader).collect::<Vec<_>>();
    tasks.clone().map(led_by).filter(|class| !class.is_empty()).collect()
}

fn topological_order(problem: &Problem) -> Option<Vec<usize>> {
    let n_tasks = problem.tasks.len();
    let mut order: Vec<usize> = vec![];
    while order.len() < n_tasks {
        let is_free = |task: &usize| {
            !order.contains(task) && problem.tasks[*task].after.iter().all(|before| order.contains(before))
        };
        let next = (0..n_tasks).find(is_free)?;
        order.push(next);
    }
    Some(order)
}
