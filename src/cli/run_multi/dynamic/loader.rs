//! Loads schedules into ONNX Runtime on a thread of its own, while others run.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use crate::backend::onnxruntime::{OnnxRuntimeError, bind_thread};
use crate::cli::failure::Failure;
use crate::cli::run_multi::real::{Builder, failed};
use crate::problem::Problem;
use crate::run::dynamic::Planned;
use crate::run::executor::{Executor, ExecutorOptions};
use crate::schedule::Decision;

/// A schedule that is to be loaded.
pub(super) struct Wish {
    pub(super) schedule: usize,
    tasks: Vec<usize>,
    problem: Arc<Problem>,
    decision: Decision,
}

impl Wish {
    /// Of the schedule at a position.
    pub(super) fn of(schedule: usize, planned: &Planned) -> Self {
        let Planned { tasks, problem, decision, .. } = planned;
        Self { schedule, tasks: tasks.clone(), problem: Arc::clone(problem), decision: decision.clone() }
    }
}

/// A schedule whose sessions are there, on threads that wait for rounds.
pub(super) struct Resident {
    pub(super) tasks: Vec<usize>,
    pub(super) decision: Decision,
    pub(super) executor: Executor<OnnxRuntimeError>,
}

impl Resident {
    /// Whether it is what runs `planned`.
    pub(super) fn runs(&self, planned: &Planned) -> bool {
        self.tasks == planned.tasks && self.decision == planned.decision
    }
}

/// What came of a wish, and how long it took.
pub(super) struct Loaded {
    pub(super) schedule: usize,
    pub(super) resident: Result<Resident, Failure>,
    pub(super) took: Duration,
}

/// Fulfils wishes until nobody has any. Models are cut on `core`; each lane's sessions are made on the lane's own cores, since
/// their threads are bound as the thread is that makes them.
pub(super) fn live(
    builder: &mut Builder,
    options: &ExecutorOptions,
    core: Option<usize>,
    wishes: &Receiver<Wish>,
    loaded: &Sender<Loaded>,
) {
    // Without a core of its own it shares the networks'.
    let _ = bind_thread(core.as_slice());
    while let Ok(wish) = wishes.recv() {
        let begun = Instant::now();
        let schedule = wish.schedule;
        let resident = load(builder, options, wish);
        builder.forget_parts();
        // Nobody listens where the run is over.
        let _ = loaded.send(Loaded { schedule, resident, took: begun.elapsed() });
    }
}

fn load(builder: &mut Builder, options: &ExecutorOptions, wish: Wish) -> Result<Resident, Failure> {
    let Wish { tasks, problem, decision, .. } = wish;
    let built = builder.program_of(&problem, &tasks, &decision)?;
    let executor = Executor::start(vec![built.program], options.clone()).map_err(|error| failed(&error))?;
    Ok(Resident { tasks, decision, executor })
}
