//! `haxconn run-multi --dynamic`: networks run from the first moment, the solver works beside them, and each better schedule
//! takes over at a boundary between rounds.

mod loader;
mod real;
mod setting;
mod simulated;
mod solver;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;

use super::arguments::RunMultiArguments;
use super::{RunsBy, runs_by};
use crate::artifact;
use crate::cli::args::{BackendArgument, Format};
use crate::cli::failure::Failure;
use crate::cli::{loadables, output, schedule};
use crate::run::dynamic::{Controller, DynamicError, DynamicLog, DynamicOptions, Happening, What};
use crate::run::{BackendRecord, Conditions, GroupRange, Round};
use crate::schedule::{Decision, SolveOptions};
use crate::units::Nanoseconds;
use setting::Setting;
use solver::Solver;

/// Where the run is recorded unless `--out` says otherwise.
const LOG: &str = "output/dynamic.json";

/// How long a run takes that nothing bounds.
const USUAL: Duration = Duration::from_secs(10);

/// Most rounds of a run: what its record holds.
const MOST_ROUNDS: u64 = 1_000_000;

pub(super) fn run(arguments: &RunMultiArguments) -> Result<(), Failure> {
    if arguments.backend == BackendArgument::Tensorrt {
        return Err(Failure::usage(
            "`--dynamic`: engines of TensorRT take minutes to build, too long while networks run",
        )
        .hint("run with `--backend sim` or `--backend onnxruntime`"));
    }
    let path = arguments.out.clone().unwrap_or_else(|| PathBuf::from(LOG));
    super::prepare(&path)?;
    let setting = Setting::of(arguments)?;
    for remark in &setting.posed.remarks {
        output::note(arguments.output.quiet, &format!("note: {remark}"));
    }
    let log = match runs_by(&setting.posed, arguments)? {
        RunsBy::Simulator => simulated::run(&setting, arguments)?,
        RunsBy::OnnxRuntime | RunsBy::Tensorrt => real::run(&setting, arguments)?,
    };
    let json = artifact::dynamic_to_json(&log)?;
    artifact::write_text(&path, &json)?;
    match arguments.output.format {
        Format::Json => output::print(&json)?,
        Format::Text => output::print(&crate::report::dynamic(&log))?,
    }
    let (n_rounds, word) = (log.n_rounds(), log.backend.word());
    output::note(arguments.output.quiet, &format!("wrote {} ({n_rounds} rounds, {word})", path.display()));
    Ok(())
}

/// A round, and the groups of its spans by task.
type RoundOfSpans = (Round, Vec<Vec<GroupRange>>);

/// What bounds a run.
struct Bounds {
    duration: Option<Duration>,
    iterations: Option<u64>,
}

impl Bounds {
    fn of(arguments: &RunMultiArguments) -> Self {
        let iterations = arguments.iterations.map(u64::from);
        let duration = arguments.while_it_runs.duration.or(iterations.is_none().then_some(USUAL));
        Self { duration, iterations }
    }

    fn are_reached(&self, n_rounds: u64, now: Nanoseconds) -> bool {
        let over = self.duration.is_some_and(|limit| u128::from(now.0) >= limit.as_nanos());
        over || n_rounds >= self.iterations.unwrap_or(MOST_ROUNDS)
    }
}

fn controller(setting: &Setting, arguments: &RunMultiArguments) -> Result<Controller, Failure> {
    let options = DynamicOptions { objective: setting.objective, drift: arguments.while_it_runs.drift.0 };
    Controller::new(setting.posed.problem.clone(), &setting.script, options).map_err(refused)
}

/// There is nothing to run, at the start or since an event; or the solver is wrong.
fn refused(error: DynamicError) -> Failure {
    match error {
        DynamicError::NoBaseline { .. } => Failure::no_schedule(error)
            .hint("allow more with `--max-transitions` or a longer `--latency-cap`, or pin fewer layers"),
        DynamicError::Refused(_) => error.into(),
    }
}

/// One thread: the solver has one core.
fn solve_options(setting: &Setting, arguments: &RunMultiArguments) -> SolveOptions {
    SolveOptions { threads: 1, ..schedule::options(&arguments.search, setting.objective) }
}

/// At a boundary: what the solver has found, and what has happened since the last one.
fn take_in(
    setting: &Setting,
    controller: &mut Controller,
    solver: &mut Solver,
    now: Nanoseconds,
) -> Result<(), Failure> {
    let tasks = controller.present().to_vec();
    let fits = |decision: &Decision| {
        let of_all = among_all(decision, &tasks, setting.posed.problem.tasks.len());
        loadables::fit(&setting.posed, &of_all).is_ok()
    };
    solver.hand_over(controller, &fits);
    if let Some(search) = controller.consider(now).map_err(refused)? {
        solver.begin(search);
    }
    Ok(())
}

/// Where a decision on some of `n_tasks` tasks places them, as one on all, of which the others run nowhere.
fn among_all(decision: &Decision, tasks: &[usize], n_tasks: usize) -> Decision {
    let mut placement = vec![Vec::new(); n_tasks];
    for (&task, placed) in tasks.iter().zip(&decision.placement) {
        placement[task].clone_from(placed);
    }
    Decision { placement, order: Vec::new() }
}

/// This program, for the list of what ran.
fn own_version() -> (String, String) {
    ("haxconn".to_owned(), env!("CARGO_PKG_VERSION").to_owned())
}

/// What a backend adds to the record.
struct Ran {
    record: BackendRecord,
    conditions: Conditions,
    seed: Option<u64>,
    solver_core: Option<usize>,
    end: Nanoseconds,
}

fn log(
    setting: &Setting,
    arguments: &RunMultiArguments,
    controller: Controller,
    ran: Ran,
    cancel: &AtomicBool,
    solver: &Solver,
) -> DynamicLog {
    let quiet = arguments.output.quiet;
    for complaint in &solver.complaints {
        output::note(quiet, &format!("note: the solver gave up ({complaint}); what ran was the best known before"));
    }
    let Ran { record, conditions, seed, solver_core, end } = ran;
    let problem = &setting.posed.problem;
    let (schedules, phases, happenings) = controller.into_history();
    let is_of_script = |it: &&Happening| matches!(it.what, What::Joined(..) | What::Left(..) | What::Slowed { .. });
    let n_missed = setting.script.events.len() - happenings.iter().filter(is_of_script).count();
    if n_missed > 0 {
        output::note(
            quiet,
            &format!("note: the run ended before {n_missed} event(s) of the script; `--duration` is longer"),
        );
    }
    DynamicLog {
        backend: record,
        platform: setting.posed.platform.value.name.clone(),
        conditions,
        seed,
        objective: setting.objective,
        drift: arguments.while_it_runs.drift.0,
        solver_core,
        tasks: problem.tasks.iter().map(|task| task.name.clone()).collect(),
        accelerators: problem.machines.iter().map(|machine| machine.name.clone()).collect(),
        schedules,
        phases,
        happenings,
        end,
        interrupted: cancel.load(SeqCst),
    }
}
