//! From planned programs to such as an executor runs: lanes that load their engines on their own threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::plan::{EnginePlan, LanePlan, ProgramPlan};
use super::store::{Store, Stored};
use crate::backend::cuda::{Buffers, Memory};
use crate::backend::tensorrt::{EngineRunner, LaneEngine, Tensorrt};
use crate::network::Network;
use crate::run::executor::{Lane, Program, Runner};

/// What a program leaves on the devices: its networks' tensors, and how long it worked there.
pub(super) struct Devices {
    /// By task.
    pub(super) tensors: Vec<Buffers<Memory>>,
    times: Arc<Times>,
}

/// Nanoseconds that runs took, as the host saw it and by the devices' clocks.
#[derive(Default)]
struct Times {
    host: AtomicU64,
    device: AtomicU64,
}

impl Devices {
    /// Share of the time of all runs in which the devices worked; `None` before there is any.
    pub(super) fn share(&self) -> Option<f64> {
        let [host, device] = [&self.times.host, &self.times.device].map(|time| time.load(Relaxed) as f64);
        (host > 0.0).then(|| device / host)
    }
}

/// What turns plans into programs.
pub(super) struct Loader<'a> {
    pub(super) tensorrt: &'a Tensorrt,
    pub(super) store: &'a Store,
    /// One for each task.
    pub(super) networks: &'a [&'a Network],
}

impl Loader<'_> {
    /// The program of `plan`. Engines of a task hand their tensors to each other in device memory.
    pub(super) fn program(&self, plan: &ProgramPlan) -> (Program<String>, Devices) {
        let tensors: Vec<Buffers<Memory>> = self.networks.iter().map(|_| Buffers::default()).collect();
        let devices = Devices { tensors, times: Arc::default() };
        let lanes = plan.lanes.iter().map(|lane| self.lane(lane, plan, &devices)).collect();
        (Program { segments: plan.works.clone(), lanes }, devices)
    }

    fn lane(&self, lane: &LanePlan, plan: &ProgramPlan, devices: &Devices) -> Lane<String> {
        let tensorrt = self.tensorrt.clone();
        let engines: Result<Vec<LaneEngine>, String> =
            lane.order.iter().map(|&piece| self.engine(plan, piece, devices)).collect();
        let times = Arc::clone(&devices.times);
        let set_up = move || {
            let runners = tensorrt.lane(engines?).map_err(|error| error.to_string())?;
            Ok(runners.into_iter().map(|runner| timed(runner, Arc::clone(&times))).collect())
        };
        Lane { name: lane.name.clone(), segments: lane.order.clone(), set_up: Box::new(set_up) }
    }

    fn engine(&self, plan: &ProgramPlan, piece: usize, devices: &Devices) -> Result<LaneEngine, String> {
        let EnginePlan { task, spec, tensors } = &plan.engines[piece];
        let work = &plan.works[piece];
        let what = format!("layers {} of `{}`", work.layers, work.task);
        let Some(Stored { path, plan }) = self.store.get(spec) else { return Err(format!("{what} have no engine")) };
        Ok(LaneEngine {
            what: format!("{what} ({})", path.display()),
            plan: Arc::clone(plan),
            dla_core: spec.uses_dla().then_some(spec.dla_core),
            tensors: tensors.clone(),
            buffers: devices.tensors[*task].clone(),
        })
    }
}

/// A runner of the executor's that adds up what the runs took.
fn timed(mut runner: EngineRunner, times: Arc<Times>) -> Runner<String> {
    Box::new(move || {
        let begin = Instant::now();
        let device = runner().map_err(|error| error.to_string())?.to_nanoseconds();
        let host = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        times.host.fetch_add(host, Relaxed);
        times.device.fetch_add(device.0, Relaxed);
        Ok(())
    })
}
