//! Rounds in ONNX Runtime while the solver works on a core of its own, where there is one.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{self, Receiver, Sender, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::loader::{self, Loaded, Resident, Wish};
use super::setting::Setting;
use super::solver::Solver;
use super::{Bounds, Ran, RoundOfSpans, controller, log, own_version, solve_options, take_in};
use crate::backend::onnxruntime::available_cores;
use crate::cli::doctor::jetson;
use crate::cli::failure::Failure;
use crate::cli::interrupt::stopped_by_interrupt;
use crate::cli::run_multi::arguments::RunMultiArguments;
use crate::cli::run_multi::real::{BACKEND, Builder, failed, note_modelled};
use crate::cli::{host, onnxruntime, output};
use crate::platform::Platform;
use crate::run::dynamic::{Change, Controller, DynamicLog, SolverState};
use crate::run::executor::{ExecutorError, ExecutorOptions};
use crate::run::{BackendRecord, Conditions, Segment, segments};
use crate::units::Nanoseconds;

/// Schedules whose sessions stay, the one that runs among them.
const MOST_RESIDENTS: usize = 3;

/// Longest wait for the first schedule without looking whether somebody wants the run to end.
const NAP: Duration = Duration::from_millis(20);

pub(super) fn run(setting: &Setting, arguments: &RunMultiArguments) -> Result<DynamicLog, Failure> {
    let posed = &setting.posed;
    if setting.script.events.iter().any(|event| matches!(event.change, Change::Slow { .. })) {
        return Err(Failure::usage("`--script`: `slow` is the simulator's; nobody here can change a clock")
            .hint("leave it out, or run with `--backend sim`"));
    }
    let runtime = onnxruntime::open()?;
    onnxruntime::check_platform(&runtime, &posed.platform.value)?;
    note_modelled(posed, arguments);
    let cancel = stopped_by_interrupt()?;
    let mut builder = Builder::new(posed, &runtime, arguments.search.seed)?;
    builder.share_sessions()?;
    let core = spare_core(&posed.platform.value);
    let options = ExecutorOptions::loading(Arc::clone(&cancel));
    let mut controller = controller(setting, arguments)?;
    let mut solver = Solver::start(solve_options(setting, arguments), core)?;
    let end = thread::scope(|scope| {
        let (wishes, taken) = mpsc::channel();
        let (sender, loaded) = mpsc::channel();
        scope.spawn(move || loader::live(&mut builder, &options, core, &taken, &sender));
        let machine = Machine { clock: Instant::now(), wishes, loaded, loading: None, residents: Vec::new() };
        rounds(machine, setting, arguments, &mut controller, &mut solver, &cancel)
    })?;
    // Right after the last round, before the cores have come to rest.
    let clocks = host::clocks(&available_cores());
    let versions = vec![own_version(), ("ONNX Runtime".to_owned(), runtime.version())];
    let record = BackendRecord { name: BACKEND.to_owned(), simulated: false, versions };
    let conditions = Conditions { power_mode: jetson::current_power_mode(), clocks };
    let ran = Ran { record, conditions, seed: None, solver_core: core, end };
    Ok(log(setting, arguments, controller, ran, &cancel, &solver))
}

/// A core of this process that no accelerator has, the last one.
fn spare_core(platform: &Platform) -> Option<usize> {
    let providers = platform.accelerators.iter().filter_map(|accelerator| accelerator.provider.as_ref());
    let taken: Vec<usize> = providers.flat_map(|provider| provider.cores.iter().copied()).collect();
    available_cores().into_iter().rev().find(|core| !taken.contains(core))
}

/// Runs rounds until the run is over; when the last one ended.
fn rounds(
    mut machine: Machine,
    setting: &Setting,
    arguments: &RunMultiArguments,
    controller: &mut Controller,
    solver: &mut Solver,
    cancel: &AtomicBool,
) -> Result<Nanoseconds, Failure> {
    let bounds = Bounds::of(arguments);
    let mut n_rounds = 0;
    while !bounds.are_reached(n_rounds, machine.now()) && !cancel.load(SeqCst) {
        take_in(setting, controller, solver, machine.now())?;
        match machine.loaded(controller) {
            Ok(Some((loaded, took))) => controller.switch(loaded, machine.now(), took),
            Ok(None) => {}
            // What was being loaded was ended on request, too.
            Err(_) if cancel.load(SeqCst) => break,
            Err(failure) => return Err(failure),
        }
        let Some(running) = controller.running() else { continue };
        let before = [solver.is_busy(), machine.loading.is_some()];
        let Some((round, spans)) = machine.round(controller, running)? else { break };
        let state = match (before, solver.is_busy()) {
            ([true, false], true) => SolverState::Ran,
            ([false, false], false) => SolverState::Rested,
            _ => SolverState::Mixed,
        };
        controller.record(&round, &spans, state);
        if arguments.while_it_runs.measure_solver {
            solver.take_turns();
        }
        n_rounds += 1;
    }
    if n_rounds == 0 {
        output::note(arguments.output.quiet, "note: the run ended before its first schedule was loaded");
    }
    Ok(machine.now())
}

/// This machine, with the schedules that are loaded.
struct Machine {
    clock: Instant,
    wishes: Sender<Wish>,
    loaded: Receiver<Loaded>,
    /// What is being loaded.
    loading: Option<usize>,
    /// The last one is the newest.
    residents: Vec<Resident>,
}

impl Machine {
    fn now(&self) -> Nanoseconds {
        Nanoseconds(u64::try_from(self.clock.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    /// What shall run from now on, where it is there. Asks for what is wanted and isn't.
    fn loaded(&mut self, controller: &Controller) -> Result<Option<(usize, Option<Duration>)>, Failure> {
        if let Some(Loaded { schedule, resident, took }) = self.hear_of(controller)? {
            self.loading = None;
            let resident = resident?;
            if controller.takes(schedule) {
                self.keep(resident, controller);
                return Ok(Some((schedule, Some(took))));
            }
        }
        let Some(wanted) = controller.wanted() else { return Ok(None) };
        let planned = controller.schedule(wanted);
        if self.residents.iter().any(|resident| resident.runs(planned)) {
            return Ok(Some((wanted, None)));
        }
        if self.loading.is_none() {
            self.loading = Some(wanted);
            self.wishes.send(Wish::of(wanted, planned)).map_err(|_| anyhow!("the loading of schedules broke off"))?;
        }
        Ok(None)
    }

    /// What has been loaded; waits a little for it while nothing runs.
    fn hear_of(&self, controller: &Controller) -> Result<Option<Loaded>, Failure> {
        let heard = if controller.running().is_none() && self.loading.is_some() {
            self.loaded.recv_timeout(NAP).map_err(|error| match error {
                mpsc::RecvTimeoutError::Timeout => TryRecvError::Empty,
                mpsc::RecvTimeoutError::Disconnected => TryRecvError::Disconnected,
            })
        } else {
            self.loaded.try_recv()
        };
        match heard {
            Ok(loaded) => Ok(Some(loaded)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(anyhow!("the loading of schedules broke off").into()),
        }
    }

    /// Keeps what was loaded; the oldest that doesn't run goes.
    fn keep(&mut self, resident: Resident, controller: &Controller) {
        if self.residents.len() >= MOST_RESIDENTS {
            let runs = controller.running().map(|running| controller.schedule(running));
            let idle = |resident: &Resident| !runs.is_some_and(|runs| resident.runs(runs));
            if let Some(oldest) = self.residents.iter().position(idle) {
                self.residents.remove(oldest);
            }
        }
        self.residents.push(resident);
    }

    /// One round, with the groups of its spans by task; `None` where somebody ended it.
    fn round(&mut self, controller: &Controller, running: usize) -> Result<Option<RoundOfSpans>, Failure> {
        let planned = controller.schedule(running);
        let resident = self.residents.iter_mut().find(|resident| resident.runs(planned));
        let resident = resident.ok_or_else(|| anyhow!("a schedule runs that isn't loaded (please report this)"))?;
        let record = match resident.executor.round(0) {
            Ok(record) => record,
            Err(ExecutorError::Cancelled) => return Ok(None),
            Err(error) => return Err(failed(&error)),
        };
        let segments = segments(&planned.decision);
        let mut spans = vec![Vec::new(); planned.tasks.len()];
        for &Segment { task, groups, .. } in &segments {
            spans[task].push(groups);
        }
        Ok(Some((record.into_round(&segments), spans)))
    }
}
