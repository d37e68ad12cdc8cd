//! What a scheduling problem is made of: tasks, groups and their costs, accelerators, and who pays what when.

use crate::group::LayerRange;
use crate::platform::ContentionCurve;
use crate::units::{MegabytesPerSecond, Milliwatts, Nanoseconds, Permille};

/// One accelerator of the problem.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// Name in files and flags.
    pub name: String,
    /// How the others' traffic slows it.
    pub curve: ContentionCurve,
    /// Whether a task's first group pays its entry and its last group its exit here.
    pub pays_network_io: bool,
    /// Power that it draws while it is occupied, beyond what the chip draws idle; `None` where nobody knows.
    pub power: Option<Milliwatts>,
}

/// Cost of one group on one accelerator.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Standalone time, without contention.
    pub work: Nanoseconds,
    /// Memory throughput that it asks for when it runs alone.
    pub demand: MegabytesPerSecond,
    /// Paid before the group where it enters the accelerator.
    pub entry: Nanoseconds,
    /// Paid after the group where it leaves the accelerator.
    pub exit: Nanoseconds,
}

/// One layer group of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The layers.
    pub layers: LayerRange,
    /// Cost per accelerator, in the problem's order; `None` where it can't or may not run.
    pub costs: Vec<Option<Cost>>,
    /// Belongs to the tail that some accelerator can't run: a change of accelerator before it isn't counted in `K`.
    pub tail: bool,
}

/// When a task should have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The moment, from the start of the round.
    pub at: Nanoseconds,
    /// What a nanosecond of tardiness costs, beside that of other tasks.
    pub weight: u32,
}

/// One run of an instance of a network: of a stream, one frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// Name that is unique in the problem (`googlenet`, `googlenet#2`).
    pub name: String,
    /// The network's name for people.
    pub title: String,
    /// The chain of groups.
    pub groups: Vec<Group>,
    /// Cost of starting an engine, per accelerator.
    pub launch: Vec<Nanoseconds>,
    /// Earliest start.
    pub release: Nanoseconds,
    /// Tasks that must end before this one starts.
    pub after: Vec<usize>,
    /// When it should have ended, for [tardiness](crate::schedule::Objective::Tardiness).
    pub due: Option<Due>,
    /// The earlier task of which this one is a further frame: it runs the same engines, so its groups are placed alike.
    pub frame_of: Option<usize>,
}

/// A group of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    /// Index of the task.
    pub task: usize,
    /// Index of the group in the task.
    pub group: usize,
}

impl GroupId {
    /// Whether the group goes on in the engine that its accelerator just ran, `previous`, so that no launch is due.
    pub fn continues(self, previous: Option<Self>) -> bool {
        previous.is_some_and(|previous| previous.task == self.task && previous.group + 1 == self.group)
    }
}

/// Everything that a schedule is judged by, except the objective.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Problem {
    /// The accelerators.
    pub machines: Vec<Machine>,
    /// The tasks.
    pub tasks: Vec<Task>,
    /// Most changes of accelerator per task (tails not counted); `None` is unlimited.
    pub max_transitions: Option<usize>,
    /// Longest time from a task's release to its end; `None` is unlimited.
    pub latency_cap: Option<Nanoseconds>,
    /// Power that the chip draws while nothing runs, for [energy](crate::schedule::Objective::Energy).
    pub idle_power: Milliwatts,
}

impl Problem {
    /// Cost of `group` on `machine`, where it can run there.
    pub fn cost(&self, id: GroupId, machine: usize) -> Option<&Cost> {
        self.tasks[id.task].groups[id.group].costs[machine].as_ref()
    }

    /// Speed of a group that asks for `own` on `machine` while groups on other accelerators together ask for `external`.
    pub fn rate(&self, machine: usize, own: MegabytesPerSecond, external: MegabytesPerSecond) -> Permille {
        self.machines[machine].curve.permille(own, external)
    }

    /// Whether `id` enters `machine` when its task's groups are placed as `placement`.
    pub fn pays_entry(&self, id: GroupId, placement: &[usize]) -> bool {
        let machine = placement[id.group];
        match id.group.checked_sub(1) {
            Some(before) => placement[before] != machine,
            None => self.machines[machine].pays_network_io,
        }
    }

    /// Whether `id` leaves its accelerator when its task's groups are placed as `placement`.
    pub fn pays_exit(&self, id: GroupId, placement: &[usize]) -> bool {
        let machine = placement[id.group];
        match placement.get(id.group + 1) {
            Some(&next) => next != machine,
            None => self.machines[machine].pays_network_io,
        }
    }

    /// The task whose placement `task` has: itself, unless it is a further frame.
    pub fn leader(&self, task: usize) -> usize {
        self.tasks[task].frame_of.unwrap_or(task)
    }

    /// Whether every group costs the same on two accelerators, in company too.
    pub fn cost_alike(&self, one: usize, other: usize) -> bool {
        self.machines[one].curve == self.machines[other].curve
            && self.tasks.iter().all(|task| {
                task.launch[one] == task.launch[other]
                    && task.groups.iter().all(|group| group.costs[one] == group.costs[other])
            })
    }

    /// Changes of accelerator in `placement` of task `task` that count against the limit.
    pub fn counted_transitions(&self, task: usize, placement: &[usize]) -> usize {
        let groups = &self.tasks[task].groups;
        (1..groups.len()).filter(|&idx| placement[idx] != placement[idx - 1] && !groups[idx].tail).count()
    }
}
