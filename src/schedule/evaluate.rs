//! The meaning of a schedule: the timeline that a placement and an order have, event by event, in exact integers.
//!
//! Every group starts as soon as its causes allow; while it works, its remaining work falls at the rate that the
//! demands of the groups working elsewhere leave it. Rates change only when work starts or ends.

use thiserror::Error;

use super::{Decision, Occupation, Timeline};
use crate::problem::{GroupId, Problem};
use crate::units::{MegabytesPerSecond, Nanoseconds};

/// Why a decision has no timeline.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum EvaluateError {
    /// The orders make groups wait for each other in a circle.
    #[error("the order makes tasks wait for each other in a circle: {} group(s) never start", waiting.len())]
    Deadlock {
        /// Groups that never start.
        waiting: Vec<GroupId>,
    },
    /// A group is placed where it can't run.
    #[error("group {} of task {} can't run on accelerator {machine}", group.group, group.task)]
    Unsupported {
        /// The group.
        group: GroupId,
        /// The accelerator.
        machine: usize,
    },
}

/// What an accelerator is doing.
#[derive(Clone, Copy, Debug)]
struct Running {
    id: GroupId,
    phase: Phase,
    /// Nanoseconds for `Launch`, `Entry` and `Exit`; nanosecond-permille for `Work`.
    left: u64,
    rate: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Launch,
    Entry,
    Work,
    Exit,
}

/// The timeline of `decision`.
pub fn evaluate(problem: &Problem, decision: &Decision) -> Result<Timeline, EvaluateError> {
    Evaluator::new(problem, decision).run()
}

struct Evaluator<'a> {
    problem: &'a Problem,
    decision: &'a Decision,
    now: u64,
    running: Vec<Option<Running>>,
    /// Position in each accelerator's order of the next group to start.
    next_in_order: Vec<usize>,
    /// Number of ended groups of each task.
    ended: Vec<usize>,
    groups: Vec<Vec<Occupation>>,
}

impl<'a> Evaluator<'a> {
    fn new(problem: &'a Problem, decision: &'a Decision) -> Self {
        Self {
            problem,
            decision,
            now: 0,
            running: vec![None; problem.machines.len()],
            next_in_order: vec![0; problem.machines.len()],
            ended: vec![0; problem.tasks.len()],
            groups: problem.tasks.iter().map(|task| vec![Occupation::default(); task.groups.len()]).collect(),
        }
    }

    fn run(mut self) -> Result<Timeline, EvaluateError> {
        loop {
            while self.end_due_phases() | self.start_ready_groups()? {}
            self.set_rates();
            let Some(length) = self.time_to_next_event() else { break };
            self.advance(length);
        }
        let waiting = self.never_started();
        if waiting.is_empty() { Ok(Timeline { groups: self.groups }) } else { Err(EvaluateError::Deadlock { waiting }) }
    }

    /// Moves every group whose phase has nothing left into its next phase; true where anything moved.
    fn end_due_phases(&mut self) -> bool {
        let mut moved = false;
        for machine in 0..self.running.len() {
            while let Some(running) = self.running[machine].filter(|running| running.left == 0) {
                self.running[machine] = self.next_phase(machine, running);
                moved = true;
            }
        }
        moved
    }

    fn next_phase(&mut self, machine: usize, running: Running) -> Option<Running> {
        let id = running.id;
        let placement = &self.decision.placement[id.task];
        let cost = self.problem.cost(id, machine)?;
        let occupation = &mut self.groups[id.task][id.group];
        let now = Nanoseconds(self.now);
        let (phase, left) = match running.phase {
            Phase::Launch => {
                occupation.launched = now;
                (Phase::Entry, if self.problem.pays_entry(id, placement) { cost.entry.0 } else { 0 })
            }
            Phase::Entry => {
                occupation.entered = now;
                (Phase::Work, cost.work.0 * 1000)
            }
            Phase::Work => {
                occupation.worked = now;
                (Phase::Exit, if self.problem.pays_exit(id, placement) { cost.exit.0 } else { 0 })
            }
            Phase::Exit => {
                occupation.end = now;
                self.ended[id.task] = id.group + 1;
                return None;
            }
        };
        Some(Running { phase, left, ..running })
    }

    fn start_ready_groups(&mut self) -> Result<bool, EvaluateError> {
        let mut started = false;
        for machine in 0..self.running.len() {
            let position = self.next_in_order[machine];
            let Some(&id) = self.decision.order[machine].get(position) else { continue };
            if self.running[machine].is_some() || !self.is_ready(id) {
                continue;
            }
            if self.problem.cost(id, machine).is_none() {
                return Err(EvaluateError::Unsupported { group: id, machine });
            }
            let previous = position.checked_sub(1).map(|before| self.decision.order[machine][before]);
            let left = if continues(previous, id) { 0 } else { self.problem.tasks[id.task].launch[machine].0 };
            self.groups[id.task][id.group].start = Nanoseconds(self.now);
            self.running[machine] = Some(Running { id, phase: Phase::Launch, left, rate: 0 });
            self.next_in_order[machine] += 1;
            started = true;
        }
        Ok(started)
    }

    fn is_ready(&self, id: GroupId) -> bool {
        let task = &self.problem.tasks[id.task];
        self.ended[id.task] == id.group
            && task.release.0 <= self.now
            && task.after.iter().all(|&before| self.ended[before] == self.problem.tasks[before].groups.len())
    }

    fn set_rates(&mut self) {
        let demands: Vec<u32> =
            self.running.iter().enumerate().map(|(machine, running)| self.demand(machine, running.as_ref())).collect();
        let total: u32 = demands.iter().sum();
        for (machine, running) in self.running.iter_mut().enumerate() {
            if let Some(running) = running {
                let own = demands[machine];
                running.rate = match running.phase {
                    Phase::Work => u64::from(
                        self.problem.rate(machine, MegabytesPerSecond(own), MegabytesPerSecond(total - own)).0,
                    ),
                    _ => 1,
                };
            }
        }
    }

    fn demand(&self, machine: usize, running: Option<&Running>) -> u32 {
        running
            .filter(|running| running.phase == Phase::Work)
            .and_then(|running| self.problem.cost(running.id, machine))
            .map_or(0, |cost| cost.demand.0)
    }

    /// Time until a phase ends or a task is released; `None` where nothing more happens.
    fn time_to_next_event(&self) -> Option<u64> {
        let ends = self.running.iter().flatten().map(|running| running.left.div_ceil(running.rate));
        let releases =
            self.problem.tasks.iter().filter_map(|task| task.release.0.checked_sub(self.now)).filter(|&wait| wait > 0);
        ends.chain(releases).min()
    }

    fn advance(&mut self, length: u64) {
        self.now += length;
        for running in self.running.iter_mut().flatten() {
            running.left = running.left.saturating_sub(running.rate * length);
        }
    }

    fn never_started(&self) -> Vec<GroupId> {
        let ended = &self.ended;
        (0..self.problem.tasks.len())
            .flat_map(|task| {
                (ended[task]..self.problem.tasks[task].groups.len()).map(move |group| GroupId { task, group })
            })
            .collect()
    }
}

/// Whether a group goes on in the engine that its accelerator just ran.
pub(super) fn continues(previous: Option<GroupId>, id: GroupId) -> bool {
    previous.is_some_and(|previous| previous.task == id.task && previous.group + 1 == id.group)
}
