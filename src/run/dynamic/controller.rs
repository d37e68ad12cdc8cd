//! The state machine: which schedule runs, which one shall run next, and what the solver works on.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::drift::{self, Correction, Watch};
use super::history::{Happening, NotedRound, Phase, SearchEnd, SolverState, What};
use super::of_tasks;
use super::script::{Change, Event, Script};
use crate::problem::Problem;
use crate::run::log::{GroupRange, Round};
use crate::schedule::{Decision, Objective, Timeline, baselines, best_baseline, check, evaluate};
use crate::units::Nanoseconds;

/// What a controller is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DynamicOptions {
    /// What is optimised.
    pub objective: Objective,
    /// Share by which measured times must differ from the profile's before it is corrected.
    pub drift: f64,
}

/// A schedule that is to be run, has run or runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Planned {
    /// Counts the problems: one more whenever the networks or their times change.
    pub generation: u64,
    /// Its tasks, by their positions among all.
    pub tasks: Vec<usize>,
    /// Its problem.
    pub problem: Arc<Problem>,
    /// Placement and order.
    pub decision: Decision,
    /// What is predicted of it.
    pub timeline: Timeline,
    /// Its value.
    pub value: u64,
    /// Where it comes from.
    pub source: Source,
}

/// Where a schedule comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The best baseline, by its label.
    Baseline(String),
    /// The solver, this long after it began.
    Solver(Duration),
    /// The one that ran, with what is predicted of it since the profile was corrected.
    Kept,
}

/// What the solver shall do from now on, instead of whatever it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// To be given back with what it finds.
    pub generation: u64,
    /// The problem.
    pub problem: Arc<Problem>,
    /// Schedules that it starts from.
    pub warm: Vec<Decision>,
    /// The run's clock when it was asked for.
    pub began: Nanoseconds,
}

/// A schedule that the solver found.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Of the search.
    pub generation: u64,
    /// Placement and order.
    pub decision: Decision,
    /// Its timeline.
    pub timeline: Timeline,
    /// When it was there, on the run's clock.
    pub at: Nanoseconds,
    /// How long after the search began.
    pub elapsed: Duration,
}

/// Why a run can't go on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DynamicError {
    /// No baseline keeps the limits.
    #[error("no baseline of {networks} is within the limits, so there is nothing to start with")]
    NoBaseline {
        /// The tasks.
        networks: String,
    },
    /// A bug of this program.
    #[error("the solver's schedule is refused by the judge (please report this): {0}")]
    Refused(String),
}

/// Decides at every boundary between rounds.
#[derive(Clone, Debug)]
pub struct Controller {
    options: DynamicOptions,
    /// All tasks that are ever there, with the times that are believed.
    believed: Problem,
    present: Vec<usize>,
    events: VecDeque<Event>,
    generation: u64,
    problem: Arc<Problem>,
    warm: Vec<Decision>,
    search_due: bool,
    candidates: Vec<Candidate>,
    schedules: Vec<Planned>,
    /// The best one of the present problem.
    wanted: usize,
    phases: Vec<Phase>,
    happenings: Vec<Happening>,
    factors: Vec<f64>,
    watch: Watch,
    /// What the last round showed.
    deviations: Vec<Correction>,
}

impl Controller {
    /// A run of `script`, whose tasks are those of `problem`; the first schedule that is wanted is the best baseline.
    pub fn new(problem: Problem, script: &Script, options: DynamicOptions) -> Result<Self, DynamicError> {
        let present: Vec<usize> = (0..script.n_start).collect();
        let mut controller = Self {
            options,
            factors: vec![1.0; problem.machines.len()],
            believed: problem,
            present: present.clone(),
            events: script.events.iter().copied().collect(),
            generation: 0,
            problem: Arc::default(),
            warm: Vec::new(),
            search_due: false,
            candidates: Vec::new(),
            schedules: Vec::new(),
            wanted: 0,
            phases: Vec::new(),
            happenings: vec![Happening { at: Nanoseconds::ZERO, what: What::Began(present) }],
            watch: Watch::default(),
            deviations: Vec::new(),
        };
        controller.pose_anew(None)?;
        Ok(controller)
    }

    /// At a boundary: takes in what has happened by `now`. Returns what the solver shall do, where that changes.
    pub fn consider(&mut self, now: Nanoseconds) -> Result<Option<Search>, DynamicError> {
        if self.take_events(now) {
            self.watch.forget();
            self.deviations.clear();
            self.pose_anew(None)?;
        } else {
            self.correct_drift(now)?;
        }
        self.take_candidates(now)?;
        let due = mem::take(&mut self.search_due);
        Ok(due.then(|| Search {
            generation: self.generation,
            problem: Arc::clone(&self.problem),
            warm: self.warm.clone(),
            began: now,
        }))
    }

    /// A schedule from the solver; what is of a search that has been replaced is passed over.
    pub fn offer(&mut self, candidate: Candidate) {
        self.candidates.push(candidate);
    }

    /// The solver came to its end at `at`.
    pub fn solved(&mut self, generation: u64, at: Nanoseconds, end: SearchEnd) {
        if generation == self.generation {
            self.happenings.push(Happening { at, what: What::Solved(end) });
        }
    }

    /// The schedule that is to be loaded, where that isn't the one that runs.
    pub fn wanted(&self) -> Option<usize> {
        (self.running() != Some(self.wanted)).then_some(self.wanted)
    }

    /// Whether a schedule that has been loaded shall run: not where it has been overtaken.
    pub fn takes(&self, schedule: usize) -> bool {
        let it = &self.schedules[schedule];
        let runs = self.running().map(|running| &self.schedules[running]);
        let is_better = |runs: &Planned| {
            runs.generation < self.generation || self.options.objective.is_better(it.value, runs.value)
        };
        it.generation == self.generation && runs.is_none_or(is_better)
    }

    /// Runs a schedule from `now` on; loading it took `loaded_in`.
    pub fn switch(&mut self, schedule: usize, now: Nanoseconds, loaded_in: Option<Duration>) {
        self.phases.push(Phase { schedule, since: now, loaded_in, rounds: Vec::new() });
        self.happenings.push(Happening { at: now, what: What::Switched(self.phases.len() - 1) });
        self.watch.restart();
        self.deviations.clear();
    }

    /// The schedule that runs, by its position; `None` before the first one is loaded.
    pub fn running(&self) -> Option<usize> {
        self.phases.last().map(|phase| phase.schedule)
    }

    /// A schedule by its position.
    pub fn schedule(&self, schedule: usize) -> &Planned {
        &self.schedules[schedule]
    }

    /// The tasks that are there, by their positions among all.
    pub fn present(&self) -> &[usize] {
        &self.present
    }

    /// By how much the script slows each accelerator now.
    pub fn factors(&self) -> &[f64] {
        &self.factors
    }

    /// A round of the schedule that runs, whose spans are of these groups by task.
    pub fn record(&mut self, round: &Round, spans: &[Vec<GroupRange>], solver: SolverState) {
        let Some(phase) = self.phases.last_mut() else { return };
        phase.rounds.push(NotedRound { makespan: round.makespan(), solver });
        let it = &self.schedules[phase.schedule];
        // Of what runs on while its successor is loaded, nothing is learnt.
        if it.generation == self.generation {
            self.watch.record(round);
            self.deviations = self.watch.deviations(&it.decision, &it.timeline, spans, self.options.drift);
        }
    }

    /// What happened, and with which schedules: see [`DynamicLog`](super::DynamicLog).
    pub fn into_history(mut self) -> (Vec<Planned>, Vec<Phase>, Vec<Happening>) {
        self.happenings.sort_by_key(|happening| happening.at);
        (self.schedules, self.phases, self.happenings)
    }

    /// Applies the events that are due; whether the networks have changed.
    fn take_events(&mut self, now: Nanoseconds) -> bool {
        let mut changed = false;
        while let Some(Event { at, change }) = self.events.front().copied().filter(|event| event.at <= now) {
            self.events.pop_front();
            let what = match change {
                Change::Join(task) => {
                    self.present.push(task);
                    What::Joined(task, at)
                }
                Change::Leave(task) => {
                    self.present.retain(|&other| other != task);
                    What::Left(task, at)
                }
                Change::Slow { machine, factor } => {
                    self.factors[machine] = factor;
                    What::Slowed { machine, factor, asked: at }
                }
            };
            changed |= !matches!(change, Change::Slow { .. });
            self.happenings.push(Happening { at: now, what });
        }
        self.present.sort_unstable();
        changed
    }

    /// Poses the problem of the present networks with the times that are believed. The best baseline is wanted, or `kept`,
    /// the schedule that runs, where no baseline is better.
    fn pose_anew(&mut self, kept: Option<(Decision, Timeline)>) -> Result<(), DynamicError> {
        self.problem = Arc::new(of_tasks(&self.believed, &self.present));
        self.generation += 1;
        self.search_due = true;
        self.candidates.clear();
        let (problem, objective) = (&self.problem, self.options.objective);
        let found = baselines(problem, objective);
        let best = best_baseline(&found, objective, problem);
        self.warm = found.iter().filter(|it| it.within_limit).map(|it| it.decision.clone()).collect();
        let best =
            best.map(|it| self.planned(it.decision.clone(), it.timeline.clone(), Source::Baseline(it.label.clone())));
        let kept = kept.map(|(decision, timeline)| self.planned(decision, timeline, Source::Kept));
        self.warm.extend(kept.iter().map(|it| it.decision.clone()));
        let chosen = match (kept, best) {
            (Some(kept), Some(best)) if objective.is_better(best.value, kept.value) => best,
            (Some(chosen), _) | (None, Some(chosen)) => chosen,
            (None, None) => return Err(self.no_baseline()),
        };
        self.want(chosen);
        Ok(())
    }

    fn no_baseline(&self) -> DynamicError {
        let names: Vec<String> = self.problem.tasks.iter().map(|task| format!("`{}`", task.name)).collect();
        DynamicError::NoBaseline { networks: names.join(", ") }
    }

    fn planned(&self, decision: Decision, timeline: Timeline, source: Source) -> Planned {
        let value = self.options.objective.value(&self.problem, &decision.placement, &timeline);
        let (generation, tasks, problem) = (self.generation, self.present.clone(), Arc::clone(&self.problem));
        Planned { generation, tasks, problem, decision, timeline, value, source }
    }

    fn want(&mut self, planned: Planned) {
        self.schedules.push(planned);
        self.wanted = self.schedules.len() - 1;
    }

    /// Where measured times have drifted: corrects the profile and poses the problem anew. The schedule that runs goes on, with
    /// what is predicted of it now.
    fn correct_drift(&mut self, now: Nanoseconds) -> Result<(), DynamicError> {
        let deviations = mem::take(&mut self.deviations);
        let Some(running) = self.running().filter(|_| !deviations.is_empty()) else { return Ok(()) };
        let Planned { tasks, decision, .. } = self.schedules[running].clone();
        let mut corrections: Vec<Correction> =
            deviations.into_iter().map(|it| Correction { task: tasks[it.task], ..it }).collect();
        let threshold = self.watch.threshold(self.options.drift);
        corrections.extend(drift::extrapolated(&self.believed, &corrections, threshold));
        drift::apply(&mut self.believed, &corrections);
        self.happenings.push(Happening { at: now, what: What::Drifted(corrections) });
        self.watch.corrected();
        let kept = evaluate(&of_tasks(&self.believed, &self.present), &decision).ok();
        self.pose_anew(kept.map(|timeline| (decision, timeline)))?;
        if self.schedules[self.wanted].source == Source::Kept {
            self.switch(self.wanted, now, None);
        }
        Ok(())
    }

    /// Takes in the solver's schedules that were there by `now`; the best one is wanted.
    fn take_candidates(&mut self, now: Nanoseconds) -> Result<(), DynamicError> {
        let (due, later) = mem::take(&mut self.candidates).into_iter().partition(|it: &Candidate| it.at <= now);
        self.candidates = later;
        for Candidate { generation, decision, timeline, elapsed, .. } in due {
            if generation != self.generation {
                continue;
            }
            let planned = self.planned(decision, timeline, Source::Solver(elapsed));
            if !self.options.objective.is_better(planned.value, self.schedules[self.wanted].value) {
                continue;
            }
            if let Err(violations) = check(&self.problem, &planned.decision, &planned.timeline) {
                return Err(DynamicError::Refused(violations[0].message.clone()));
            }
            self.want(planned);
        }
        Ok(())
    }
}
