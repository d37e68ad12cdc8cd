//! What happened when: the record of a dynamic run, and the figures that people ask of it.

use std::time::Duration;

use super::controller::Planned;
use super::drift::Correction;
use crate::group::LayerRange;
use crate::problem::Group;
use crate::run::Statistics;
use crate::run::log::{BackendRecord, Conditions};
use crate::schedule::{Objective, ProofState, Stop};
use crate::units::{Milliseconds, Nanoseconds};

/// Rounds of one schedule with the solver running, and without, from which on they are compared.
const LEAST_COMPARED: usize = 5;

/// The record of a dynamic run. Moments count from its start.
#[derive(Clone, Debug, PartialEq)]
pub struct DynamicLog {
    /// What executed it.
    pub backend: BackendRecord,
    /// Name of the platform.
    pub platform: String,
    /// What is known of the machine's state.
    pub conditions: Conditions,
    /// Seed of the simulator's noise; `None` without noise, and where nothing is simulated.
    pub seed: Option<u64>,
    /// What was optimised.
    pub objective: Objective,
    /// Share by which measured times must differ from the profile's.
    pub drift: f64,
    /// The core that the solver had to itself; `None` where there was none, or nothing ran for real.
    pub solver_core: Option<usize>,
    /// Names of all tasks that were ever there.
    pub tasks: Vec<String>,
    /// Names of the accelerators.
    pub accelerators: Vec<String>,
    /// Every schedule that was to be run.
    pub schedules: Vec<Planned>,
    /// When each ran, in order.
    pub phases: Vec<Phase>,
    /// What happened, in order.
    pub happenings: Vec<Happening>,
    /// When the last round ended.
    pub end: Nanoseconds,
    /// Whether somebody ended it before its time.
    pub interrupted: bool,
}

/// Rounds of one schedule, one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// Position of the schedule.
    pub schedule: usize,
    /// Start of its first round.
    pub since: Nanoseconds,
    /// How long loading it took, beside what ran then; `None` where there is nothing to load.
    pub loaded_in: Option<Duration>,
    /// Its rounds.
    pub rounds: Vec<NotedRound>,
}

/// One round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotedRound {
    /// How long it took.
    pub makespan: Nanoseconds,
    /// What the solver did meanwhile.
    pub solver: SolverState,
}

/// What the solver did during a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SolverState {
    /// It ran all the time.
    Ran,
    /// It had nothing to do.
    Rested,
    /// It began or ended, or a schedule was loaded.
    Mixed,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// When it took effect.
    pub at: Nanoseconds,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// The run began with these tasks.
    Began(Vec<usize>),
    /// A task came; the script's moment.
    Joined(usize, Nanoseconds),
    /// A task went; the script's moment.
    Left(usize, Nanoseconds),
    /// The simulator's accelerator takes `factor` times as long as its profile says; the script's moment.
    Slowed {
        /// The accelerator.
        machine: usize,
        /// Above 1 is slower.
        factor: f64,
        /// The script's moment.
        asked: Nanoseconds,
    },
    /// Measured times differed from the profile's, which was corrected.
    Drifted(Vec<Correction>),
    /// Another schedule ran from here on: the position of the phase.
    Switched(usize),
    /// The solver came to its end.
    Solved(SearchEnd),
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchEnd {
    /// Whether its schedule is proved the best.
    pub state: ProofState,
    /// What ended it otherwise.
    pub stopped_by: Option<Stop>,
    /// Value of its best schedule.
    pub value: u64,
    /// What none is better than.
    pub bound: u64,
    /// How long it took, on this machine's clock.
    pub elapsed: Duration,
}

/// Rounds of one schedule with the solver running beside those of it without.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slowdown {
    /// The schedule.
    pub schedule: usize,
    /// Rounds while it ran.
    pub with: Statistics,
    /// How many.
    pub n_with: usize,
    /// Rounds while it didn't.
    pub without: Statistics,
    /// How many.
    pub n_without: usize,
}

impl Slowdown {
    /// By which share the median round took longer while the solver ran.
    pub fn share(&self) -> f64 {
        if self.without.median.0 > 0.0 { self.with.median.0 / self.without.median.0 - 1.0 } else { 0.0 }
    }
}

impl Phase {
    /// The makespans of its rounds.
    pub fn makespan(&self) -> Statistics {
        Statistics::of(self.rounds.iter().map(|round| round.makespan))
    }
}

impl DynamicLog {
    /// Layers of a correction.
    pub fn layers(&self, it: &Correction) -> LayerRange {
        let of_task = self.schedules.iter().find_map(|planned| {
            let position = planned.tasks.iter().position(|&task| task == it.task)?;
            Some(&planned.problem.tasks[position].groups)
        });
        let layers = |groups: &Vec<Group>| LayerRange {
            first: groups[it.groups.first].layers.first,
            last: groups[it.groups.last - 1].layers.last,
        };
        of_task.map_or(LayerRange { first: it.groups.first, last: it.groups.last }, layers)
    }

    /// Rounds in all.
    pub fn n_rounds(&self) -> usize {
        self.phases.iter().map(|phase| phase.rounds.len()).sum()
    }

    /// Every schedule that ran long enough both while the solver did and while it didn't; none in the simulator, whose board has
    /// no core that the solver takes.
    pub fn slowdowns(&self) -> Vec<Slowdown> {
        if self.backend.simulated {
            return Vec::new();
        }
        (0..self.schedules.len()).filter_map(|schedule| self.slowdown(schedule)).collect()
    }

    fn slowdown(&self, schedule: usize) -> Option<Slowdown> {
        let of = |state: SolverState| -> Vec<Nanoseconds> {
            let phases = self.phases.iter().filter(|phase| self.is_same(phase.schedule, schedule));
            let rounds = phases.flat_map(|phase| &phase.rounds).filter(|round| round.solver == state);
            rounds.map(|round| round.makespan).collect()
        };
        // Counted at the first of those that run the same.
        if (0..schedule).any(|earlier| self.is_same(earlier, schedule)) {
            return None;
        }
        let [with, without] = [of(SolverState::Ran), of(SolverState::Rested)];
        let [n_with, n_without] = [with.len(), without.len()];
        let enough = n_with.min(n_without) >= LEAST_COMPARED;
        let [with, without] = [with, without].map(|rounds| Statistics::of(rounds.into_iter()));
        enough.then_some(Slowdown { schedule, with, n_with, without, n_without })
    }

    /// Whether two schedules run the same: only what is predicted of them may differ.
    fn is_same(&self, one: usize, other: usize) -> bool {
        let [one, other] = [&self.schedules[one], &self.schedules[other]];
        one.tasks == other.tasks && one.decision == other.decision
    }

    /// For the start, and for every event or drift: its moment, and how long after it the last of the schedules came that
    /// the solver found for it; `None` where nothing was better than the first one.
    pub fn times_to_final(&self) -> Vec<(&Happening, Option<Milliseconds>)> {
        let mut found: Vec<(&Happening, Option<Milliseconds>)> = Vec::new();
        for happening in &self.happenings {
            match &happening.what {
                What::Began(_) | What::Joined(..) | What::Left(..) | What::Drifted(_) => found.push((happening, None)),
                What::Switched(phase) => {
                    if let Some((cause, last)) = found.last_mut() {
                        *last = Some(since(cause, self.phases[*phase].since));
                    }
                }
                What::Slowed { .. } | What::Solved(_) => {}
            }
        }
        found
    }
}

/// From when an event was to happen to `moment`.
fn since(cause: &Happening, moment: Nanoseconds) -> Milliseconds {
    let from = match cause.what {
        What::Joined(_, asked) | What::Left(_, asked) => asked,
        _ => cause.at,
    };
    Nanoseconds(moment.0.saturating_sub(from.0)).to_milliseconds()
}
