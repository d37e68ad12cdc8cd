//! Schedules run for real by TensorRT: each segment is an engine on the GPU or on a DLA core, and each accelerator a lane with
//! a stream of its own.

mod lanes;
mod plan;
mod store;
mod verify;

use anyhow::anyhow;

use super::arguments::RunMultiArguments;
use super::policies::Plans;
use crate::backend::cuda::{self, Cuda, PrimaryContext};
use crate::cli::args::Policy;
use crate::cli::build_engines::target::{self, Backend};
use crate::cli::doctor::jetson;
use crate::cli::failure::Failure;
use crate::cli::interrupt::stopped_by_interrupt;
use crate::cli::{output, tensorrt};
use crate::engine::{BuildOptions, Device, Precision};
use crate::network::Network;
use crate::run::executor::{ExecutorError, ExecutorOptions};
use crate::run::{BackendRecord, Conditions, EngineMode, PolicyPlan, RealTimeRun, ReferenceRun, RunLog, run_real_time};
use crate::units::{Milliseconds, Nanoseconds};
use lanes::{Devices, Loader};
use plan::{PlanError, Planner, ProgramPlan};
use store::Store;

/// Name of every network whole on the GPU at one time, a stream each.
const STREAMS: &str = "gpu-only-streams";

/// Refuses a machine on which TensorRT can't be opened, before anything is searched for.
pub(super) fn check_here() -> Result<(), Failure> {
    tensorrt::open().map(|_| ()).map_err(|error| target::unavailable(&error))
}

/// Runs `policies` in turn, and beside them all networks on the GPU at one time where that is a baseline.
pub(super) fn run(plans: &Plans, policies: &[PolicyPlan], arguments: &RunMultiArguments) -> Result<RunLog, Failure> {
    let posed = &plans.posed;
    let options = options(plans, arguments)?;
    let target = target::tensorrt_for(posed.platform.clone(), options)?;
    let Backend::Tensorrt(tensorrt) = &target.backend else { return Err(no_tensorrt()) };
    let places = plan::places(&posed.platform.value, &posed.problem.machines);
    let places = places.map_err(|error| Failure::no_backend(error).hint("run with `--backend sim`"))?;
    let networks: Vec<&Network> = posed.networks.iter().map(|found| &found.value).collect();
    let planner = Planner { problem: &posed.problem, networks: &networks, places: &places };
    let programs = Planned::of(planner, policies, arguments)?;
    let store = Store::fill(programs.all(), plans, &target, arguments)?;
    let (driver, primary) = device()?;
    let loader = Loader { tensorrt, store: &store, networks: &networks };
    let (ran, devices) = run_planned(&loader, &programs, plans, policies, arguments)?;
    say_device_time(policies, &devices, arguments.output.quiet);
    if arguments.verify {
        let bound = verify::bound(options.precision);
        for line in verify::check(&loader, policies, &devices, &programs.alone, &primary, bound)? {
            output::note(arguments.output.quiet, &line);
        }
    }
    let libraries = [("TensorRT".to_owned(), tensorrt.version()), ("CUDA driver".to_owned(), driver)];
    Ok(log(plans, ran, arguments.engine_mode.into(), libraries))
}

/// All that a command runs.
struct Planned {
    policies: Vec<ProgramPlan>,
    /// All networks on the GPU at one time, where that is a baseline.
    streams: Option<ProgramPlan>,
    /// Each network by itself, where outputs are compared.
    alone: Vec<ProgramPlan>,
}

impl Planned {
    fn of(planner: Planner, policies: &[PolicyPlan], arguments: &RunMultiArguments) -> Result<Self, Failure> {
        let mode = EngineMode::from(arguments.engine_mode);
        let on_gpu = planner.places.first().is_some_and(|place| place.device == Device::Gpu);
        let is_baseline = matches!(arguments.policy, Policy::All | Policy::GpuOnly) && on_gpu;
        let n_alone = if arguments.verify { planner.networks.len() } else { 0 };
        Ok(Self {
            policies: policies.iter().map(|policy| program(planner, policy, mode)).collect::<Result<_, _>>()?,
            streams: is_baseline.then(|| planner.streams()),
            alone: (0..n_alone).map(|task| planner.alone(task)).collect(),
        })
    }

    fn all(&self) -> impl Iterator<Item = &ProgramPlan> {
        self.policies.iter().chain(&self.streams).chain(&self.alone)
    }
}

/// Loads the engines and runs their rounds; returns beside them what each policy left on the devices.
fn run_planned(
    loader: &Loader,
    planned: &Planned,
    plans: &Plans,
    policies: &[PolicyPlan],
    arguments: &RunMultiArguments,
) -> Result<(RealTimeRun, Vec<Devices>), Failure> {
    let (programs, devices): (Vec<_>, Vec<_>) = planned.policies.iter().map(|plan| loader.program(plan)).unzip();
    let references = planned.streams.iter().map(|plan| loader.program(plan).0).collect();
    let ran = run_real_time(
        &plans.posed.problem,
        arguments.engine_mode.into(),
        policies.iter().cloned().zip(programs).collect(),
        references,
        arguments.iterations().into(),
        Milliseconds(arguments.warm_up.into()),
        ExecutorOptions::loading(stopped_by_interrupt()?),
    );
    Ok((ran.map_err(|error| failed(&error))?, devices))
}

/// What a policy runs.
fn program(planner: Planner, policy: &PolicyPlan, mode: EngineMode) -> Result<ProgramPlan, Failure> {
    match mode {
        EngineMode::Segments => Ok(planner.segments(policy.decision)),
        EngineMode::Transition => planner.whole(policy.decision).map_err(|error: PlanError| {
            Failure::from(anyhow!("`--engine-mode transition` can't run the schedule of {}: {error}", policy.label))
                .hint("run it with `--engine-mode segments`")
        }),
    }
}

/// How engines are built: in the precision that was profiled.
fn options(plans: &Plans, arguments: &RunMultiArguments) -> Result<BuildOptions, Failure> {
    let precisions = plans.posed.profiles.iter().map(|used| (used.profile.precision.as_str(), &used.origin));
    let mut precisions: Vec<(&str, &String)> = precisions.collect();
    precisions.dedup_by_key(|(precision, _)| *precision);
    let all = [Precision::Fp32, Precision::Fp16, Precision::Int8];
    let precision = match precisions.as_slice() {
        [(only, origin)] => all.into_iter().find(|precision| precision.name() == *only).ok_or_else(|| {
            Failure::from(anyhow!("{origin}: is a profile of precision `{only}`, in which TensorRT builds no engine"))
        })?,
        several => {
            let names: Vec<&str> = several.iter().map(|(precision, _)| *precision).collect();
            return Err(anyhow!(
                "the profiles are of several precisions ({}): engines of a run have one",
                names.join(", ")
            )
            .into());
        }
    };
    Ok(BuildOptions { precision, seed: arguments.search.seed, gpu_fallback: true, workspace: 1 << 30 })
}

/// The version of the CUDA driver, and its context on this thread.
fn device() -> Result<(String, PrimaryContext), Failure> {
    let refused = |reason: &str| {
        Failure::no_backend(format!("engines can't be run: {reason}"))
            .hint("the engines are built and stay; run them where NVIDIA's driver and a GPU are")
    };
    let Cuda { version: [major, minor], gpus } = cuda::probe().map_err(|reason| refused(&reason))?;
    if gpus.is_empty() {
        return Err(refused("the CUDA driver knows no GPU"));
    }
    let primary = PrimaryContext::open().map_err(|error| refused(&error.to_string()))?;
    Ok((format!("{major}.{minor}"), primary))
}

fn no_tensorrt() -> Failure {
    Failure::no_backend("backend `tensorrt` is not available")
}

fn failed(error: &ExecutorError<String>) -> Failure {
    let hint = match error {
        ExecutorError::Cancelled => "nothing was written; what was there before is as it was",
        _ => "nothing was written; a plan that can't be used is built anew where its file is removed",
    };
    Failure::from(anyhow!("{error}")).hint(hint)
}

/// How much of the spans' time the devices worked; the rest is what putting work on a stream and waking up took the host.
fn say_device_time(policies: &[PolicyPlan], devices: &[Devices], quiet: bool) {
    for (policy, device) in policies.iter().zip(devices) {
        if let Some(share) = device.share() {
            let share = 100.0 * share;
            output::note(quiet, &format!("{}: the devices worked {share:.1} % of its spans' time", policy.label));
        }
    }
}

fn log(plans: &Plans, ran: RealTimeRun, engine_mode: EngineMode, libraries: [(String, String); 2]) -> RunLog {
    let posed = &plans.posed;
    let mut versions = vec![("haxconn".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
    versions.extend(libraries);
    let reference = |ends: Vec<Vec<Nanoseconds>>| ReferenceRun {
        name: STREAMS.to_owned(),
        label: "every network whole on the GPU, at one time, each on a stream of its own".to_owned(),
        ends,
    };
    RunLog {
        backend: BackendRecord { name: "tensorrt".to_owned(), simulated: false, versions },
        platform: posed.platform.value.name.clone(),
        conditions: Conditions { power_mode: jetson::current_power_mode(), clocks: None },
        engine_mode,
        warm_up: ran.warm_up,
        seed: None,
        accelerators: posed.problem.machines.iter().map(|machine| machine.name.clone()).collect(),
        policies: ran.policies,
        references: ran.references.into_iter().map(reference).collect(),
    }
}
