//! Builds engines that are missing, runs each of them, and leaves a log and a profile of every run, from which alone times
//! are taken. A run that is there already and was made alike is not repeated, so that a killed command goes on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::anyhow;
use indicatif::ProgressBar;

use super::arguments::SeriesArguments;
use crate::artifact::{self, PlanDescription};
use crate::backend::sim::{self, Noise};
use crate::backend::trtexec::{Document, SIMULATOR, write_log, write_profile};
use crate::backend::{EngineSamples, RunPlan};
use crate::cli::build_engines::build::{self, Settings};
use crate::cli::build_engines::request::{Job, plan_path};
use crate::cli::build_engines::target::{Backend, Target};
use crate::cli::failure::Failure;
use crate::cli::read;
use crate::engine::EngineSpec;
use crate::network::Network;
use crate::profile::EngineRun;

/// Runs of one network's engines.
pub(super) fn measure(
    network: &Network,
    specs: &[EngineSpec],
    target: &Target,
    arguments: &SeriesArguments,
    progress: &ProgressBar,
) -> Result<Vec<EngineRun>, Failure> {
    let shared = Arc::new(network.clone());
    let mut runs = Vec::new();
    for repeat in 1..=arguments.repeats {
        let out = plans_folder(target, arguments, repeat);
        let job = |spec: &EngineSpec| Job {
            network: shared.clone(),
            spec: spec.clone(),
            path: plan_path(&out, target, spec),
        };
        let jobs: Vec<Job> = specs.iter().map(job).collect();
        let settings = Settings { out: &out, jobs: 1, rebuild: false, quiet: arguments.output.quiet };
        let (outcomes, failure) = build::build(&jobs, target, &settings);
        if let Some(error) = failure {
            return Err(error.into());
        }
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            progress.set_message(job.spec.stem());
            let recorder = Recorder { network, target, arguments, repeat };
            runs.push(recorder.run(job, &outcome.description)?);
            progress.inc(1);
        }
    }
    Ok(runs)
}

/// Where the plans of a repeat lie: TensorRT builds each anew, since tactics differ; the simulator's are all alike.
fn plans_folder(target: &Target, arguments: &SeriesArguments, repeat: u32) -> PathBuf {
    if repeat == 1 || target.is_simulated() {
        arguments.build.clone()
    } else {
        arguments.build.join(format!("repeat{repeat}"))
    }
}

struct Recorder<'a> {
    network: &'a Network,
    target: &'a Target,
    arguments: &'a SeriesArguments,
    repeat: u32,
}

impl Recorder<'_> {
    /// A run of an engine, from its files.
    fn run(&self, job: &Job, description: &PlanDescription) -> Result<EngineRun, Failure> {
        let [log, profile] = ["log", "profile"].map(|extension| self.path(&job.spec, extension));
        let command = self.command(description);
        if let Some(run) = recorded(&job.spec, &log, &profile, &command) {
            return Ok(run);
        }
        let plan = self.arguments.run_plan();
        let samples = self.samples(job, &plan)?;
        let program = if self.target.is_simulated() { SIMULATOR } else { "haxconn" };
        // The log last: without it a profile counts as none.
        artifact::write_text(&profile, &write_profile(&samples, program))?;
        artifact::write_text(&log, &write_log(&samples, &plan, program, &command))?;
        let run = recorded(&job.spec, &log, &profile, &command);
        run.ok_or_else(|| anyhow!("{}: is not what was written just now", log.display()).into())
    }

    fn path(&self, spec: &EngineSpec, extension: &str) -> PathBuf {
        let folder = self.arguments.out.join("logs").join(self.target.backend_name()).join(self.target.platform_name());
        let folder = folder.join(self.target.options.precision.name()).join(format!("run{}", self.repeat));
        folder.join(format!("{}.{extension}", spec.stem()))
    }

    /// What the run depends on, as the log repeats it.
    fn command(&self, description: &PlanDescription) -> String {
        let SeriesArguments { iterations, warm_up, duration, avg_runs, .. } = self.arguments;
        let noise = match (self.target.is_simulated(), self.arguments.no_noise) {
            (false, _) => String::new(),
            (true, true) => " --no-noise".to_owned(),
            (true, false) => format!(" --seed={} --repeat={}", self.arguments.seed, self.repeat),
        };
        format!(
            "run --plan-sha256={} --iterations={iterations} --warmUp={warm_up} --duration={duration} --avgRuns={avg_runs} \
             --separateProfileRun --dumpProfile{noise}",
            description.plan_sha256
        )
    }

    fn samples(&self, job: &Job, plan: &RunPlan) -> Result<EngineSamples, Failure> {
        match (&self.target.backend, &self.target.platform) {
            (Backend::Sim, Some(platform)) => {
                let engine = sim::plan(self.network, &platform.value, &job.spec)
                    .ok_or_else(|| anyhow!("platform `{}` lacks a GPU or a DLA", platform.value.name))?;
                let entries = sim::entries(self.network, &platform.value, &job.spec, &engine);
                let mut noise = (!self.arguments.no_noise).then(|| self.noise(&job.spec));
                Ok(sim::samples(&entries, plan, noise.as_mut()))
            }
            (Backend::Sim, None) => Err(anyhow!("the simulator needs a platform").into()),
            (Backend::Tensorrt(_), _) => Err(Failure::no_backend("running TensorRT's engines")),
        }
    }

    /// Every engine and repeat has noise of its own.
    fn noise(&self, spec: &EngineSpec) -> Noise {
        let stem = spec.stem();
        let hash = stem
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3));
        Noise::of_round(self.arguments.seed, hash ^ u64::from(self.repeat))
    }
}

/// The run that the files hold, where they are of a run by this `command`.
fn recorded(spec: &EngineSpec, log: &Path, profile: &Path, command: &str) -> Option<EngineRun> {
    let (Ok(Document::Log(log)), Ok(Document::Profile(profile_read))) = (read::document(log), read::document(profile))
    else {
        return None;
    };
    let unprofiled = log.compute.and_then(|compute| compute.mean);
    (log.command.as_deref() == Some(command)).then(|| EngineRun {
        spec: spec.clone(),
        origin: profile.display().to_string(),
        profile: profile_read,
        unprofiled,
    })
}
