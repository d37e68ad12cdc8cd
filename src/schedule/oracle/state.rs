//! The state of a timeline under construction: what every accelerator does, how far every task is. It moves exactly as
//! the evaluator does; what isn't decided yet is returned as a choice.

use super::super::goal::{Goal, Settled};
use super::super::tables::Tables;
use super::remaining::Remaining;
use crate::problem::GroupId;

/// A phase of a group on an accelerator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Launch,
    Entry,
    Work,
    Exit,
}

/// One accelerator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lane {
    /// Task whose group runs here.
    pub(super) task: Option<usize>,
    pub(super) phase: Phase,
    /// Nanoseconds, in `Work` nanosecond-permille.
    pub(super) left: u64,
    /// Units of `left` per nanosecond during the current event.
    speed: u64,
    /// Task for whose next group the idle accelerator is kept.
    pub(super) hold: Option<usize>,
    /// The group that ran here last.
    last: Option<GroupId>,
}

/// How far a task is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage {
    /// The first group that hasn't ended.
    pub(super) group: usize,
    /// Its accelerator, once chosen.
    pub(super) machine: Option<usize>,
    /// Accelerator of the group before it.
    pub(super) before: Option<usize>,
    /// Accelerator of the group after it, once chosen.
    pub(super) after: Option<usize>,
    pub(super) running: bool,
}

/// What has to be decided before time goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choice {
    /// Where the first group of a task, or the group after its running one, goes.
    Place(usize),
    /// What an idle accelerator does while a group is ready for it.
    Start(usize),
}

/// One way to decide a choice.
#[derive(Clone, Copy, Debug)]
pub(super) enum Choose {
    Place { task: usize, machine: usize },
    Start { task: usize, machine: usize },
    Hold { task: usize, machine: usize },
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) now: u64,
    pub(super) settled: Settled,
    pub(super) lanes: Vec<Lane>,
    pub(super) stages: Vec<Stage>,
}

const IDLE: Lane = Lane { task: None, phase: Phase::Launch, left: 0, speed: 0, hold: None, last: None };
const FRESH: Stage = Stage { group: 0, machine: None, before: None, after: None, running: false };

impl Lane {
    /// The task that ran here last.
    pub(super) fn last_task(&self) -> Option<usize> {
        self.last.map(|last| last.task)
    }

    /// Work that its group, on `slot`, still has to do, rounded down to whole nanoseconds.
    pub(super) fn work_left(&self, tables: &Tables, slot: usize) -> u64 {
        match self.phase {
            Phase::Launch | Phase::Entry => tables.cost(slot).work,
            Phase::Work => self.left / 1000,
            Phase::Exit => 0,
        }
    }
}

impl State {
    pub(super) fn new(tables: &Tables) -> Self {
        Self {
            now: 0,
            settled: Settled::default(),
            lanes: vec![IDLE; tables.n_machines],
            stages: vec![FRESH; tables.n_tasks],
        }
    }

    pub(super) fn reset(&mut self) {
        (self.now, self.settled) = (0, Settled::default());
        self.lanes.fill(IDLE);
        self.stages.fill(FRESH);
    }

    pub(super) fn copy_from(&mut self, other: &Self) {
        (self.now, self.settled) = (other.now, other.settled);
        self.lanes.copy_from_slice(&other.lanes);
        self.stages.copy_from_slice(&other.stages);
    }

    /// Ends what is due and starts what is held until something must be chosen or only time can go on.
    pub(super) fn settle(
        &mut self,
        tables: &Tables,
        goal: Goal,
        remaining: &Remaining,
        log: &mut Vec<(usize, GroupId)>,
    ) -> Option<Choice> {
        if let Some(choice) = self.place_first_groups(tables, remaining) {
            return Some(choice);
        }
        loop {
            let mut moved = false;
            for machine in 0..self.lanes.len() {
                while self.lanes[machine].task.is_some() && self.lanes[machine].left == 0 {
                    if let Some(choice) = self.end_phase(tables, goal, remaining, machine) {
                        return Some(choice);
                    }
                    moved = true;
                }
            }
            for machine in 0..self.lanes.len() {
                moved |= self.start_held(tables, machine, log);
            }
            if !moved {
                return self.open_choice(tables);
            }
        }
    }

    fn place_first_groups(&mut self, tables: &Tables, remaining: &Remaining) -> Option<Choice> {
        for task in 0..self.stages.len() {
            if self.stages[task].machine.is_none() && self.stages[task].group < tables.n_groups(task) {
                self.stages[task].machine = remaining.only_machine(tables, task, self.stages[task].group);
                if self.stages[task].machine.is_none() {
                    return Some(Choice::Place(task));
                }
            }
        }
        None
    }

    /// Moves a lane into its next phase; a choice where the accelerator of the task's next group is open.
    fn end_phase(&mut self, tables: &Tables, goal: Goal, remaining: &Remaining, machine: usize) -> Option<Choice> {
        let lane = &mut self.lanes[machine];
        let task = lane.task?;
        let stage = &mut self.stages[task];
        let slot = tables.slot(task, stage.group, machine);
        (lane.phase, lane.left) = match lane.phase {
            Phase::Launch => {
                let enters = stage.before.map_or(tables.pays_network_io(machine), |before| before != machine);
                (Phase::Entry, if enters { tables.cost(slot).entry } else { 0 })
            }
            Phase::Entry => (Phase::Work, tables.cost(slot).work * 1000),
            Phase::Work => {
                let has_next = stage.group + 1 < tables.n_groups(task);
                if has_next && stage.after.is_none() {
                    stage.after = remaining.only_machine(tables, task, stage.group + 1);
                    if stage.after.is_none() {
                        return Some(Choice::Place(task));
                    }
                }
                (Phase::Exit, tables.leaving(slot, stage.after))
            }
            Phase::Exit => {
                self.end_group(tables, goal, machine, task);
                return None;
            }
        };
        None
    }

    fn end_group(&mut self, tables: &Tables, goal: Goal, machine: usize, task: usize) {
        let stage = &mut self.stages[task];
        *stage =
            Stage { group: stage.group + 1, machine: stage.after, before: Some(machine), after: None, running: false };
        self.lanes[machine].task = None;
        if stage.group == tables.n_groups(task) {
            self.settled.paid = self.settled.paid.saturating_add(goal.task_cost(task, self.now));
            self.settled.excess = self.settled.excess.max(goal.excess(task, self.now));
        }
    }

    fn start_held(&mut self, tables: &Tables, machine: usize, log: &mut Vec<(usize, GroupId)>) -> bool {
        match self.lanes[machine].hold {
            Some(task) if self.lanes[machine].task.is_none() && self.is_ready(tables, task, machine) => {
                self.start(tables, task, machine, log);
                true
            }
            _ => false,
        }
    }

    /// Whether the next group of `task` could start on `machine` now.
    fn is_ready(&self, tables: &Tables, task: usize, machine: usize) -> bool {
        let stage = &self.stages[task];
        let waits = &tables.problem.tasks[task];
        stage.machine == Some(machine)
            && !stage.running
            && stage.group < tables.n_groups(task)
            && waits.release.0 <= self.now
            && waits.after.iter().all(|&before| self.stages[before].group == tables.n_groups(before))
    }

    fn start(&mut self, tables: &Tables, task: usize, machine: usize, log: &mut Vec<(usize, GroupId)>) {
        let stage = &mut self.stages[task];
        stage.running = true;
        let id = GroupId { task, group: stage.group };
        let left = if self.launch_is_due(machine, id) { tables.problem.tasks[task].launch[machine].0 } else { 0 };
        self.lanes[machine] =
            Lane { task: Some(task), phase: Phase::Launch, left, speed: 0, hold: None, last: Some(id) };
        log.push((machine, id));
    }

    /// Whether `id`, started next on `machine`, pays the launch.
    pub(super) fn launch_is_due(&self, machine: usize, id: GroupId) -> bool {
        !id.continues(self.lanes[machine].last)
    }

    fn open_choice(&self, tables: &Tables) -> Option<Choice> {
        (0..self.lanes.len())
            .find(|&machine| {
                let lane = &self.lanes[machine];
                lane.task.is_none()
                    && lane.hold.is_none()
                    && (0..self.stages.len()).any(|task| self.is_ready(tables, task, machine))
            })
            .map(Choice::Start)
    }

    /// The ways to decide `choice`, the most promising first.
    pub(super) fn options(&self, tables: &Tables, remaining: &Remaining, choice: Choice) -> Vec<Choose> {
        match choice {
            Choice::Place(task) => {
                let group = self.stages[task].group + usize::from(self.stages[task].running);
                let machines = remaining.machines(tables, task, group);
                machines.map(|machine| Choose::Place { task, machine }).collect()
            }
            Choice::Start(machine) => self.start_options(tables, remaining, machine),
        }
    }

    fn start_options(&self, tables: &Tables, remaining: &Remaining, machine: usize) -> Vec<Choose> {
        let mut tasks: Vec<usize> = (0..self.stages.len()).collect();
        tasks.sort_by_key(|&task| std::cmp::Reverse(remaining.chain(tables, self, task)));
        let (ready, others): (Vec<usize>, Vec<usize>) =
            tasks.into_iter().partition(|&task| self.is_ready(tables, task, machine));
        let comes_later = |&task: &usize| {
            let stage = &self.stages[task];
            let here = stage.machine == Some(machine) && !stage.running;
            here || remaining.comes_to(tables, task, stage.group + 1, machine)
        };
        let starts = ready.into_iter().map(|task| Choose::Start { task, machine });
        let holds = others
            .into_iter()
            .filter(|&task| self.stages[task].group < tables.n_groups(task))
            .filter(comes_later)
            .map(|task| Choose::Hold { task, machine });
        starts.chain(holds).collect()
    }

    /// Carries out one way to decide.
    pub(super) fn take(&mut self, tables: &Tables, choose: Choose, log: &mut Vec<(usize, GroupId)>) {
        match choose {
            Choose::Place { task, machine } if self.stages[task].running => self.stages[task].after = Some(machine),
            Choose::Place { task, machine } => self.stages[task].machine = Some(machine),
            Choose::Start { task, machine } => self.start(tables, task, machine, log),
            Choose::Hold { task, machine } => self.lanes[machine].hold = Some(task),
        }
    }

    /// Groups that haven't ended.
    pub(super) fn n_open(&self, tables: &Tables) -> usize {
        self.stages.iter().enumerate().map(|(task, stage)| tables.n_groups(task) - stage.group).sum()
    }

    /// Lets time pass until the next event; false where there is none.
    pub(super) fn advance(&mut self, tables: &Tables, goal: Goal) -> bool {
        let mut length = u64::MAX;
        for machine in 0..self.lanes.len() {
            if self.lanes[machine].task.is_some() {
                self.lanes[machine].speed = self.speed(tables, machine);
                length = length.min(self.lanes[machine].left.div_ceil(self.lanes[machine].speed));
            }
        }
        for task in &tables.problem.tasks {
            if task.release.0 > self.now {
                length = length.min(task.release.0 - self.now);
            }
        }
        if length == u64::MAX {
            return false;
        }
        for (machine, lane) in self.lanes.iter_mut().enumerate().filter(|(_, lane)| lane.task.is_some()) {
            lane.left = lane.left.saturating_sub(lane.speed * length);
            if goal.counts_energy() {
                self.settled.paid = self.settled.paid.saturating_add(goal.energy(machine, length));
            }
        }
        self.now += length;
        true
    }

    /// Speed of the group on `machine`: permille where it works, 1 elsewhere.
    fn speed(&self, tables: &Tables, machine: usize) -> u64 {
        let Some(slot) = self.working_slot(tables, machine) else { return 1 };
        let mut others = (0..self.lanes.len()).filter(|&other| other != machine);
        let mut others = others.by_ref().filter_map(|other| self.working_slot(tables, other));
        u64::from(match (others.next(), others.next()) {
            (None, _) => tables.pair_rate(slot, slot),
            (Some(other), None) => tables.pair_rate(slot, other),
            (Some(first), Some(second)) => {
                let rest: u32 = others.map(|other| tables.cost(other).demand).sum();
                tables.rate(slot, tables.cost(first).demand + tables.cost(second).demand + rest)
            }
        })
    }

    fn working_slot(&self, tables: &Tables, machine: usize) -> Option<usize> {
        let lane = &self.lanes[machine];
        let task = lane.task.filter(|_| lane.phase == Phase::Work)?;
        Some(tables.slot(task, self.stages[task].group, machine))
    }

    pub(super) fn all_ended(&self, tables: &Tables) -> bool {
        (0..self.stages.len()).all(|task| self.stages[task].group == tables.n_groups(task))
    }

    /// Writes everything that the future depends on, except the moment where nothing is tied to absolute time.
    pub(super) fn write_key(&self, tables: &Tables, key: &mut Vec<u64>) {
        key.clear();
        for (machine, lane) in self.lanes.iter().enumerate() {
            let continued =
                lane.last.filter(|_| lane.task.is_none()).filter(|last| self.is_continued(tables, *last, machine));
            let code = |task: Option<usize>| task.map_or(0, |task| task as u64 + 1);
            key.push(lane.left);
            key.push(code(lane.task) << 40 | code(lane.hold) << 20 | code(continued.map(|last| last.task)));
            key.push(lane.phase as u64);
        }
        for stage in &self.stages {
            let code = |machine: Option<usize>| machine.map_or(0, |machine| machine as u64 + 1);
            key.push(
                (stage.group as u64) << 24 | code(stage.machine) << 16 | code(stage.before) << 8 | code(stage.after),
            );
        }
        // The moment counts while a task is still to be released; keys have one length.
        let is_released = tables.problem.tasks.iter().all(|task| task.release.0 <= self.now);
        key.push(if is_released { u64::MAX } else { self.now });
    }

    /// Whether the next group of the task that ran last on an idle accelerator could go on there without a launch.
    fn is_continued(&self, tables: &Tables, last: GroupId, machine: usize) -> bool {
        let stage = &self.stages[last.task];
        last.group + 1 == stage.group
            && stage.machine == Some(machine)
            && tables.problem.tasks[last.task].launch[machine].0 > 0
    }
}
