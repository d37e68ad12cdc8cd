//! Builds engines that are missing, runs each of them, and leaves a log and a profile of every run, from which alone times
//! are taken. A run that is there already and was made alike is not repeated, so that a killed command goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;

use super::arguments::SeriesArguments;
use super::plans;
use super::trtexec::{self, Task, Trtexec};
use crate::artifact::{self, PlanDescription};
use crate::backend::sim::{self, Noise};
use crate::backend::trtexec::{Document, Log, LoggedDevice, SIMULATOR, write_log, write_profile};
use crate::backend::{self, EngineSamples, RunPlan, cuda};
use crate::cli::build_engines::request::{Job, plan_path};
use crate::cli::build_engines::target::{Backend, Target};
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::engine::EngineSpec;
use crate::network::Network;
use crate::profile::EngineRun;
use crate::units::hash_of_name;

/// What builds and runs engines.
pub(super) struct Runner<'a> {
    pub(super) target: &'a Target,
    /// Runs what the target built, where it is named.
    pub(super) trtexec: Option<&'a Trtexec>,
    pub(super) arguments: &'a SeriesArguments,
}

impl Runner<'_> {
    /// Runs of one network's engines.
    pub(super) fn measure(
        &self,
        network: &Network,
        specs: &[EngineSpec],
        progress: &ProgressBar,
    ) -> Result<Vec<EngineRun>, Failure> {
        let shared = Arc::new(network.clone());
        let mut runs = Vec::new();
        for repeat in 1..=self.arguments.repeats {
            let out = self.plans_folder(repeat);
            let job = |spec: &EngineSpec| Job {
                network: shared.clone(),
                spec: spec.clone(),
                path: plan_path(&out, self.target, spec),
            };
            let jobs: Vec<Job> = specs.iter().map(job).collect();
            let descriptions = plans::prepare(&jobs, self.target, &out, self.arguments.output.quiet)?;
            for (job, description) in jobs.iter().zip(&descriptions) {
                progress.set_message(job.spec.stem());
                let recorder = Recorder { network, runner: self, repeat };
                runs.push(recorder.run(job, description)?);
                progress.inc(1);
            }
        }
        Ok(runs)
    }

    /// Where the plans of a repeat lie: TensorRT builds each anew, since tactics differ; the simulator's are all alike.
    fn plans_folder(&self, repeat: u32) -> PathBuf {
        let build = &self.arguments.build;
        if repeat == 1 || self.target.is_simulated() { build.clone() } else { build.join(format!("repeat{repeat}")) }
    }
}

struct Recorder<'a> {
    network: &'a Network,
    runner: &'a Runner<'a>,
    repeat: u32,
}

/// What a run leaves.
struct Files {
    profile: String,
    log: String,
}

impl Recorder<'_> {
    /// A run of an engine, from its files.
    fn run(&self, job: &Job, description: &PlanDescription) -> Result<EngineRun, Failure> {
        let [log, profile] = ["log", "profile"].map(|extension| self.path(&job.spec, extension));
        let command = self.command(description);
        if let Some(run) = recorded(&job.spec, &log, &profile, &command) {
            return Ok(run);
        }
        let files = match self.runner.trtexec {
            Some(trtexec) => self.by_trtexec(trtexec, job, &profile)?,
            None => self.here(job, &command)?,
        };
        // The log last: without it a profile counts as none.
        artifact::write_text(&profile, &files.profile)?;
        record_log(&log, &command, &files.log)?;
        let run = recorded(&job.spec, &log, &profile, &command);
        run.ok_or_else(|| anyhow!("{}: is not what was written just now", log.display()).into())
    }

    /// Runs it in this process.
    fn here(&self, job: &Job, command: &str) -> Result<Files, Failure> {
        let plan = self.runner.arguments.run_plan();
        let samples = self.samples(job, &plan)?;
        let program = if self.runner.target.is_simulated() { SIMULATOR } else { "haxconn" };
        let log = write_log(&samples, &plan, program, self.device().as_ref(), command);
        Ok(Files { profile: write_profile(&samples, program), log })
    }

    /// On what engines run in this process.
    fn device(&self) -> Option<LoggedDevice> {
        if self.runner.target.is_simulated() {
            let name = self.runner.target.platform_name().to_owned();
            return Some(LoggedDevice { name, compute_capability: None });
        }
        let gpu = cuda::probe().ok()?.gpus.into_iter().next()?;
        let [major, minor] = gpu.compute_capability;
        Some(LoggedDevice { name: gpu.name, compute_capability: Some(format!("{major}.{minor}")) })
    }

    /// Runs it by `trtexec`: once for its times, and once for those of its layers, which slows it down. What the second
    /// one writes lies beside `profile` until it is whole.
    fn by_trtexec(&self, trtexec: &Trtexec, job: &Job, profile: &Path) -> Result<Files, Failure> {
        let run = self.runner.arguments.run_plan();
        let limit = self.runner.arguments.timeout.unwrap_or_else(|| trtexec::limit(&run));
        let task = Task { plan: &job.path, dla_core: plans::dla_core(&job.spec), run: &run, profile: None, limit };
        let log = trtexec.run(&task)?.log;
        let result = |text: &str, what: &str| {
            backend::trtexec::read(text).map_err(|error| {
                let (program, plan) = (trtexec.path().display(), job.path.display());
                anyhow!("`{program}`: {plan}: its {what} can't be read: {error}")
            })
        };
        result(&log, "output")?;
        let new = profile.with_extension("profile.new");
        artifact::prepare_folder(new.parent().unwrap_or(Path::new(".")))?;
        let profiled = trtexec.run(&Task { profile: Some(&new), ..task })?;
        let profile = profiled.profile.unwrap_or_default();
        result(&profile, "profile")?;
        Ok(Files { profile, log })
    }

    fn path(&self, spec: &EngineSpec, extension: &str) -> PathBuf {
        let Runner { target, arguments, .. } = self.runner;
        let folder = arguments.out.join("logs").join(target.backend_name()).join(target.platform_name());
        let folder = folder.join(target.options.precision.name()).join(format!("run{}", self.repeat));
        folder.join(format!("{}.{extension}", spec.stem()))
    }

    /// What the run depends on, as the log's first line has it.
    fn command(&self, description: &PlanDescription) -> String {
        let Runner { target, trtexec, arguments } = self.runner;
        let avg_runs = arguments.avg_runs;
        let (iterations, duration, warm_up) = (arguments.iterations(), arguments.duration(), arguments.warm_up());
        let further = match (trtexec, target.is_simulated()) {
            (Some(trtexec), _) => format!(" --trtexec={}", trtexec.version()),
            (None, false) => String::new(),
            (None, true) if arguments.no_noise => " --no-noise".to_owned(),
            (None, true) => format!(" --seed={} --repeat={}", arguments.seed, self.repeat),
        };
        format!(
            "run --plan-sha256={} --iterations={iterations} --warmUp={warm_up} --duration={duration} --avgRuns={avg_runs} \
             --separateProfileRun --dumpProfile{further}",
            description.plan_sha256
        )
    }

    fn samples(&self, job: &Job, plan: &RunPlan) -> Result<EngineSamples, Failure> {
        match (&self.runner.target.backend, &self.runner.target.platform) {
            (Backend::Sim, Some(platform)) => {
                let engine = sim::plan(self.network, &platform.value, &job.spec)
                    .ok_or_else(|| anyhow!("platform `{}` lacks a GPU or a DLA", platform.value.name))?;
                let entries = sim::entries(self.network, &platform.value, &job.spec, &engine);
                let mut noise = (!self.runner.arguments.no_noise).then(|| self.noise(&job.spec));
                Ok(sim::samples(&entries, plan, noise.as_mut()))
            }
            (Backend::Sim, None) => Err(anyhow!("the simulator needs a platform").into()),
            (Backend::Tensorrt(tensorrt), _) => {
                let bytes = artifact::read_plan(&job.path)?;
                let measured = tensorrt.measure(&bytes, plans::dla_core(&job.spec), plan);
                Ok(measured.with_context(|| job.path.display().to_string())?)
            }
            (Backend::Plans, _) => Err(Failure::no_backend("plans without TensorRT are run by `--trtexec` only")),
        }
    }

    /// Every engine and repeat has noise of its own.
    fn noise(&self, spec: &EngineSpec) -> Noise {
        Noise::of_round(self.runner.arguments.seed, hash_of_name(0, &spec.stem()) ^ u64::from(self.repeat))
    }
}

/// Words before the command in a log's first line. What follows is what the program printed, whose own banner doesn't say
/// of which plan the run is.
const MARK: &str = "haxconn: ";

/// The log at `path`, where it is of a run by this `command`.
pub(super) fn recorded_log(path: &Path, command: &str) -> Option<Log> {
    let text = artifact::read_text(path).ok()?;
    if text.lines().next()?.strip_prefix(MARK) != Some(command) {
        return None;
    }
    match backend::trtexec::read(&text) {
        Ok(Document::Log(log)) => Some(*log),
        _ => None,
    }
}

/// Keeps `log` of a run by `command` at `path`.
pub(super) fn record_log(path: &Path, command: &str, log: &str) -> Result<(), Failure> {
    Ok(artifact::write_text(path, &format!("{MARK}{command}\n{log}"))?)
}

/// The run that the files hold, where they are of a run by this `command`.
fn recorded(spec: &EngineSpec, log: &Path, profile: &Path, command: &str) -> Option<EngineRun> {
    let log = recorded_log(log, command)?;
    let Ok(Document::Profile(times)) = inputs::read_by(profile, backend::trtexec::read) else { return None };
    Some(EngineRun {
        spec: spec.clone(),
        origin: profile.display().to_string(),
        profile: Some(times),
        mean: log.compute.and_then(|compute| compute.mean),
        mean_is_unprofiled: true,
    })
}
