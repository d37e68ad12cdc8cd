//! Rounds in the simulator while the solver works: time is virtual, and a script may slow accelerators.

use std::sync::atomic::Ordering::SeqCst;

use super::setting::Setting;
use super::solver::Solver;
use super::{Bounds, Ran, RoundOfSpans, controller, log, own_version, solve_options, take_in};
use crate::cli::failure::Failure;
use crate::cli::interrupt::stopped_by_interrupt;
use crate::cli::posing::Posed;
use crate::cli::run_multi::arguments::RunMultiArguments;
use crate::network::Network;
use crate::problem::Problem;
use crate::run::dynamic::{Controller, DynamicLog, Planned, SolverState, of_tasks};
use crate::run::{BackendRecord, Conditions, EngineMode, GroupRange, PolicyPlan, RunOptions, SimulatedSchedule};
use crate::units::{Milliseconds, Nanoseconds};

/// Runs in virtual time: rounds wait for the solver to have had as much time of this machine's clock, never the other way round.
pub(super) fn run(setting: &Setting, arguments: &RunMultiArguments) -> Result<DynamicLog, Failure> {
    if arguments.while_it_runs.measure_solver {
        return Err(Failure::usage("`--measure-solver`: the simulated board has no core that the solver takes")
            .hint("run with `--backend onnxruntime`"));
    }
    let cancel = stopped_by_interrupt()?;
    let bounds = Bounds::of(arguments);
    let mut controller = controller(setting, arguments)?;
    let mut solver = Solver::start(solve_options(setting, arguments), None)?;
    let seed = (!arguments.no_noise).then_some(arguments.search.seed);
    let mut board = Simulated::new(&setting.posed, seed);
    let mut n_rounds = 0;
    while !bounds.are_reached(n_rounds, board.clock) && !cancel.load(SeqCst) {
        if !solver.has_kept_up(board.clock) {
            continue;
        }
        take_in(setting, &mut controller, &mut solver, board.clock)?;
        // What is wanted is there at once.
        if let Some(wanted) = controller.wanted() {
            controller.switch(wanted, board.clock, None);
        }
        let Some(running) = controller.running() else { break };
        let state = if solver.is_busy() { SolverState::Ran } else { SolverState::Rested };
        let (round, spans) = board.round(&controller, running)?;
        controller.record(&round, &spans, state);
        n_rounds += 1;
    }
    let record = BackendRecord { name: "sim".to_owned(), simulated: true, versions: vec![own_version()] };
    let ran = Ran { record, conditions: Conditions::default(), seed, solver_core: None, end: board.clock };
    Ok(log(setting, arguments, controller, ran, &cancel, &solver))
}

/// The simulated board.
struct Simulated<'a> {
    posed: &'a Posed,
    seed: Option<u64>,
    clock: Nanoseconds,
    turn: u64,
    /// What runs, with its position and the accelerators' factors that it was made for.
    present: Option<(usize, Vec<f64>, SimulatedSchedule)>,
}

impl<'a> Simulated<'a> {
    fn new(posed: &'a Posed, seed: Option<u64>) -> Self {
        Self { posed, seed, clock: Nanoseconds::ZERO, turn: 0, present: None }
    }

    /// One round of the schedule at position `running`, and the groups of its spans.
    fn round(&mut self, controller: &Controller, running: usize) -> Result<RoundOfSpans, Failure> {
        let factors = controller.factors();
        let planned = controller.schedule(running);
        let schedule = match self.present.take() {
            Some(present) if present.0 == running && present.1 == factors => present,
            _ => (running, factors.to_vec(), self.schedule(planned, factors)?),
        };
        let round = schedule.2.round(self.turn)?;
        self.present = Some(schedule);
        self.turn += 1;
        self.clock += round.makespan();
        let each = |n_groups: usize| (0..n_groups).map(|group| GroupRange { first: group, last: group + 1 }).collect();
        Ok((round, planned.decision.placement.iter().map(|placement| each(placement.len())).collect()))
    }

    /// A schedule on the board as it is: with the profile's times, and what the script made of them.
    fn schedule(&self, planned: &Planned, factors: &[f64]) -> Result<SimulatedSchedule, Failure> {
        let problem = slowed(of_tasks(&self.posed.problem, &planned.tasks), factors);
        let networks: Vec<&Network> = planned.tasks.iter().map(|&task| &self.posed.networks[task].value).collect();
        let Planned { decision, timeline, .. } = planned;
        let policy = PolicyPlan { name: "haxconn", label: "HaX-CoNN", decision, timeline };
        let options = RunOptions {
            iterations: 1,
            warm_up: Milliseconds(0.0),
            seed: self.seed,
            engine_mode: EngineMode::Segments,
        };
        Ok(SimulatedSchedule::new(&problem, &policy, &networks, &self.posed.platform.value, options)?)
    }
}

/// The problem with each accelerator's work multiplied by its factor.
fn slowed(mut problem: Problem, factors: &[f64]) -> Problem {
    for group in problem.tasks.iter_mut().flat_map(|task| &mut task.groups) {
        for (cost, factor) in group.costs.iter_mut().zip(factors) {
            if let Some(cost) = cost {
                cost.work = Milliseconds(cost.work.to_milliseconds().0 * factor).to_nanoseconds();
            }
        }
    }
    problem
}
