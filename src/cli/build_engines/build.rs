//! Builds engines, several at once where asked, and writes each as soon as it is there. What is up to date is left alone;
//! a run that is killed goes on from there the next time.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;

use super::request::{Job, platform_folder};
use super::target::Target;
use crate::artifact::{self, PlacementField, PlanDescription, PlanInputs};
use crate::cli::{memory, progress};
use crate::engine::BuiltEngine;

/// How engines are built.
pub(in crate::cli) struct Settings<'a> {
    /// Folder of the plans.
    pub(in crate::cli) out: &'a Path,
    /// Engines that are built at once.
    pub(in crate::cli) jobs: u32,
    /// Whether what is up to date is built, too.
    pub(in crate::cli) rebuild: bool,
    pub(in crate::cli) quiet: bool,
}

/// What became of one engine.
pub(in crate::cli) struct Outcome {
    pub(in crate::cli) path: PathBuf,
    pub(in crate::cli) state: State,
    pub(in crate::cli) description: PlanDescription,
}

/// Whether a plan had to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum State {
    /// There was none.
    Built,
    /// There was one that could not be used.
    Rebuilt(String),
    /// There was one, made of the same.
    UpToDate,
}

/// Builds `jobs` in their order. Returns what came of them until one failed, and that failure.
pub(in crate::cli) fn build(
    jobs: &[Job],
    target: &Target,
    settings: &Settings,
) -> (Vec<Outcome>, Option<anyhow::Error>) {
    let timings = platform_folder(settings.out, target).join("timings.bin");
    let work = Work {
        jobs,
        target,
        settings,
        progress: progress::bar(jobs.len(), settings.quiet),
        next: AtomicUsize::new(0),
        results: Mutex::new(jobs.iter().map(|_| None).collect()),
        // Timings that can't be read cost time, nothing else: tactics are timed anew.
        timings: Mutex::new(artifact::read_bytes(&timings).unwrap_or_default()),
        timings_path: timings,
    };
    std::thread::scope(|scope| {
        for _ in 1..settings.jobs.min(u32::try_from(jobs.len()).unwrap_or(u32::MAX)) {
            scope.spawn(|| work.run());
        }
        work.run();
    });
    work.progress.finish_and_clear();
    let results = work.results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (mut outcomes, mut failure) = (Vec::new(), None);
    for result in results.into_iter().flatten() {
        match result {
            Ok(outcome) => outcomes.push(outcome),
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    (outcomes, failure)
}

/// The engines of a command, shared by the threads that build them.
struct Work<'a> {
    jobs: &'a [Job],
    target: &'a Target,
    settings: &'a Settings<'a>,
    progress: ProgressBar,
    /// The first job that nobody has begun; beyond the last where no more are to be begun.
    next: AtomicUsize,
    results: Mutex<Vec<Option<Result<Outcome>>>>,
    /// Timings of tactics, for every build to begin with.
    timings: Mutex<Vec<u8>>,
    timings_path: PathBuf,
}

impl Work<'_> {
    /// Builds one engine after the other, until all are begun or one has failed.
    fn run(&self) {
        while let Some((idx, job)) = self.take() {
            self.progress.set_message(job.spec.stem());
            let result = self.one(job);
            if result.is_err() {
                self.next.store(self.jobs.len(), Ordering::SeqCst);
            }
            if let Some(slot) = locked(&self.results).get_mut(idx) {
                *slot = Some(result);
            }
            self.progress.inc(1);
        }
    }

    fn take(&self) -> Option<(usize, &Job)> {
        let idx = self.next.fetch_add(1, Ordering::SeqCst);
        self.jobs.get(idx).map(|job| (idx, job))
    }

    fn one(&self, job: &Job) -> Result<Outcome> {
        let inputs = self.target.inputs(&job.network, &job.spec);
        let state = match up_to_date(job, &inputs) {
            Ok(description) if !self.settings.rebuild => {
                return Ok(Outcome { path: job.path.clone(), state: State::UpToDate, description });
            }
            Ok(_) => State::Rebuilt("asked for".to_owned()),
            Err(None) => State::Built,
            Err(Some(reason)) => State::Rebuilt(reason),
        };
        let (built, seconds, peak_mib) = self.built(job).with_context(|| job.path.display().to_string())?;
        let description = describe(job, inputs, &built, seconds, peak_mib);
        // The plan first: one without a description counts as none.
        artifact::write_bytes(&job.path, &built.plan)?;
        artifact::write_text(&artifact::description_path(&job.path), &description.to_json()?)?;
        if let Some(timings) = built.timings {
            // Of builds that end at once the last one's timings stay; what the others timed is timed again.
            let mut known = locked(&self.timings);
            artifact::write_bytes(&self.timings_path, &timings)?;
            *known = timings;
        }
        Ok(Outcome { path: job.path.clone(), state, description })
    }

    /// An engine, the seconds that it took, and the peak of memory where no other was built meanwhile.
    fn built(&self, job: &Job) -> Result<(BuiltEngine, f64, Option<f64>)> {
        let timings = locked(&self.timings).clone();
        memory::forget_peak();
        let begin = Instant::now();
        let built = self.target.build(&job.network, &job.spec, &timings)?;
        let seconds = begin.elapsed().as_secs_f64();
        let peak = if self.settings.jobs == 1 { memory::peak_mib() } else { None };
        let fallbacks = built.placement.fallbacks();
        if !self.target.options.gpu_fallback && !fallbacks.is_empty() {
            let names = fallbacks.iter().take(3).map(|&layer| format!("`{}`", job.network.layers[layer].name));
            let (n_layers, names) = (fallbacks.len(), names.collect::<Vec<_>>().join(", "));
            bail!("{n_layers} layer(s) for the DLA fall back to the GPU ({names}), which `--no-fallback` forbids");
        }
        Ok((built, seconds, peak))
    }
}

/// A lock that another thread's panic doesn't take from us: what it guards is replaced whole.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The description of the plan that is there and made of the same `inputs`; else why it can't be used, or nothing where
/// there is none.
fn up_to_date(job: &Job, inputs: &PlanInputs) -> Result<PlanDescription, Option<String>> {
    if !job.path.exists() {
        return Err(None);
    }
    if !artifact::description_path(&job.path).exists() {
        return Err(Some("no description".to_owned()));
    }
    let description =
        artifact::read_plan_description(&job.path).map_err(|_| Some("unusable description".to_owned()))?;
    if let Some(what) = difference(&description.inputs, inputs) {
        return Err(Some(format!("other {what}")));
    }
    if description.placement.layers.len() != job.network.layers.len() {
        return Err(Some("unusable description".to_owned()));
    }
    artifact::check_plan(&job.path, &description).map_err(|_| Some("damaged plan".to_owned()))?;
    Ok(description)
}

/// What two plans were not made of alike.
fn difference(there: &PlanInputs, wanted: &PlanInputs) -> Option<&'static str> {
    let differences = [
        (there.network_hash != wanted.network_hash, "network"),
        (there.tensorrt != wanted.tensorrt, "TensorRT"),
        (there.platform_sha256 != wanted.platform_sha256, "platform file"),
        (there.weights_seed != wanted.weights_seed, "seed"),
        (there.gpu_fallback != wanted.gpu_fallback, "fallback"),
        (there.workspace_mib != wanted.workspace_mib, "workspace"),
        (there != wanted, "request"),
    ];
    differences.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
}

fn describe(
    job: &Job,
    inputs: PlanInputs,
    built: &BuiltEngine,
    build_seconds: f64,
    peak_mib: Option<f64>,
) -> PlanDescription {
    let seeded = inputs.weights_seed.is_some();
    PlanDescription {
        schema_version: artifact::SCHEMA_VERSION,
        inputs,
        plan_bytes: built.plan.len() as u64,
        plan_sha256: artifact::sha256(&built.plan),
        placement: PlacementField::new(&job.network, &built.placement),
        fallbacks: built.placement.fallbacks(),
        weights: seeded.then(|| "seeded by layer name, uniform with variance 2 / fan-in".to_owned()),
        calibration: built.calibration.clone(),
        warnings: built.warnings.clone(),
        build_seconds: (build_seconds * 1e3).round() / 1e3,
        peak_mib: peak_mib.map(|peak| (peak * 10.0).round() / 10.0),
    }
}
