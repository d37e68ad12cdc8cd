//! Runs on this machine, watched by `tegrastats`.

use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::plans;
use super::super::tegrastats::Recording;
use super::super::trtexec::{self, Output, Task, Trtexec};
use super::arguments::EmcArguments;
use super::engines::{Engine, accelerators, engines, first, networks};
use super::{Run, milliseconds};
use crate::artifact::{self, EMC_SAMPLE_FOLDER};
use crate::backend::RunPlan;
use crate::backend::tegrastats::Sample;
use crate::cli::build_engines::request::{Job, plan_path};
use crate::cli::build_engines::target::Target;
use crate::cli::doctor::programs;
use crate::cli::failure::Failure;
use crate::cli::progress;
use crate::engine::{Device, EngineSpec};
use crate::platform::{Platform, Provenance};
use crate::profile::emc::{EmcError, EmcResult, SingleConvolution};
use crate::units::Milliseconds;

/// `tegrastats`: what `--tegrastats` names, else the one in `PATH`, else in the folder where JetPack has it.
pub(super) fn program(named: Option<&Path>) -> Option<PathBuf> {
    named.map_or_else(|| programs::find("tegrastats", &["/usr/bin"]), |path| Some(path.to_owned()))
}

/// Runs of which `trtexec` prints one mean: none of the means is looked at.
const MEANS_OF: u32 = 1000;

/// What each engine does to this machine's memory. What was recorded of an engine is kept as soon as it is there.
pub(super) fn results(
    arguments: &EmcArguments,
    platform: &Platform,
    program: &Path,
) -> Result<Vec<EmcResult>, Failure> {
    check_root(&mut Recording::start(program, arguments.interval)?)?;
    let trtexec = Trtexec::find(arguments.trtexec.as_deref())?;
    let watch = Watch { arguments, platform, program, trtexec: &trtexec };
    if let Some(plan) = &arguments.engine {
        return Ok(vec![watch.run_plan(plan)?]);
    }
    let quiet = arguments.output.quiet;
    let target = plans::for_trtexec(&trtexec, arguments.platform.as_deref(), arguments.seed, quiet)?;
    let networks = networks(arguments)?;
    let accelerators = accelerators(arguments, platform)?;
    let jobs: Vec<(&str, Job)> = engines(&networks, &accelerators)
        .map(|engine| (engine.accelerator, job(&engine, &target, arguments)))
        .collect();
    let progress = progress::bar(jobs.len(), quiet);
    let results = jobs.iter().map(|(accelerator, job)| {
        progress.set_message(format!("{} on {accelerator}", job.network.name));
        let result = watch.build_and_run(job, &target, accelerator);
        progress.inc(1);
        result
    });
    let results = results.collect();
    progress.finish_and_clear();
    results
}

/// The plan of an engine, to be built where it is missing.
fn job(engine: &Engine, target: &Target, arguments: &EmcArguments) -> Job {
    let path = plan_path(&arguments.build, target, &engine.spec);
    Job { network: Arc::new(engine.network.clone()), spec: engine.spec.clone(), path }
}

/// What is to run.
struct Runnable<'a> {
    plan: &'a Path,
    /// The DLA core, of an engine that has layers there.
    dla_core: Option<u32>,
}

/// Runs an engine over and over for a time, one run right after the other. What comes before the first run (loading) and
/// after the last one isn't part of the span, as far as `trtexec` tells when they are.
fn run_engine_for(trtexec: &Trtexec, engine: &Runnable<'_>, time: Duration) -> Result<Output, Failure> {
    // The engine has no other warm-up, since it is recorded as well.
    let run =
        RunPlan { iterations: 1, warm_up: Milliseconds(0.0), duration: milliseconds(time), average_runs: MEANS_OF };
    let limit = trtexec::limit(&run);
    let task = Task { plan: engine.plan, dla_core: engine.dla_core, run: &run, profile: None, limit };
    trtexec.run(&task)
}

struct Watch<'a> {
    arguments: &'a EmcArguments,
    platform: &'a Platform,
    program: &'a Path,
    trtexec: &'a Trtexec,
}

impl Watch<'_> {
    /// An engine of a network, whole on an accelerator.
    fn build_and_run(&self, job: &Job, target: &Target, accelerator: &str) -> Result<EmcResult, Failure> {
        if job.spec.uses_dla() {
            target.check_dla(job.spec.dla_core)?;
        }
        plans::prepare(slice::from_ref(job), target, &self.arguments.build, true)?;
        let engine = Runnable { plan: &job.path, dla_core: plans::dla_core(&job.spec) };
        self.run(&engine, &job.network.name, accelerator, SingleConvolution::of(&job.network))
    }

    /// The engine of a plan file, whose name may say what it is.
    fn run_plan(&self, plan: &Path) -> Result<EmcResult, Failure> {
        plans::check_file(plan)?;
        let stem = plan.file_stem().unwrap_or_default().to_string_lossy();
        let spec = EngineSpec::from_stem(&stem);
        let start = spec.as_ref().map_or(Device::Gpu, |spec| spec.start);
        let accelerator = first(self.platform, start).map_or(start.name(), |(name, _)| name);
        let engine = Runnable { plan, dla_core: spec.as_ref().and_then(plans::dla_core) };
        self.run(&engine, &stem, accelerator, None)
    }

    fn run(
        &self,
        engine: &Runnable<'_>,
        name: &str,
        accelerator: &str,
        convolution: Option<SingleConvolution>,
    ) -> Result<EmcResult, Failure> {
        let EmcArguments { warm_up, seconds, interval, .. } = *self.arguments;
        let mut recording = Recording::start(self.program, interval)?;
        recording.first_sample()?;
        let ran = run_engine_for(self.trtexec, engine, warm_up + seconds)?;
        let since_begin = |at: Instant| milliseconds(at.saturating_duration_since(recording.begin()));
        let (start, end) = (since_begin(ran.begin + warm_up), since_begin(ran.end));
        let log = recording.finish()?;
        let path = self.arguments.out.join(format!("{EMC_SAMPLE_FOLDER}/{name}_{accelerator}.tegrastats"));
        artifact::write_text(&path, &log)?;
        let run = Run {
            network: name.to_owned(),
            convolution,
            accelerator: accelerator.to_owned(),
            log: &log,
            start,
            end: Some(end),
            provenance: Provenance::Measured,
        };
        Ok(run.result(self.platform, interval, &path.display().to_string())?.0)
    }
}

/// Refuses a `tegrastats` that doesn't say how busy the memory is, before anything runs for minutes.
fn check_root(recording: &mut Recording) -> Result<(), Failure> {
    let Sample { emc, .. } = recording.first_sample()?;
    if emc.utilization.is_some() {
        return Ok(());
    }
    let error = EmcError::without_use(1, emc.clock.is_some());
    Err(Failure::from(error).hint(error.hint()))
}
