//! Runs on this machine, watched by `tegrastats`.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::super::tegrastats::Recording;
use super::arguments::EmcArguments;
use super::engines::{Engine, accelerators, engines, first, networks};
use super::{Run, milliseconds};
use crate::artifact::{self, EMC_SAMPLE_FOLDER};
use crate::backend::tegrastats::Sample;
use crate::cli::doctor::programs;
use crate::cli::failure::Failure;
use crate::engine::{Device, EngineSpec};
use crate::platform::{Platform, Provenance};
use crate::profile::emc::{EmcError, EmcResult, SingleConvolution};

/// `tegrastats`: what `--tegrastats` names, else the one in `PATH`, else in the folder where JetPack has it.
pub(super) fn program(named: Option<&Path>) -> Option<PathBuf> {
    named.map_or_else(|| programs::find("tegrastats", &["/usr/bin"]), |path| Some(path.to_owned()))
}

/// What each engine does to this machine's memory. What was recorded of an engine is kept as soon as it is there.
pub(super) fn results(
    arguments: &EmcArguments,
    platform: &Platform,
    program: &Path,
) -> Result<Vec<EmcResult>, Failure> {
    check_root(&mut Recording::start(program, arguments.interval)?)?;
    let watch = Watch { arguments, platform, program };
    if let Some(plan) = &arguments.engine {
        let stem = plan.file_stem().unwrap_or_default().to_string_lossy();
        let start = EngineSpec::from_stem(&stem).map_or(Device::Gpu, |spec| spec.start);
        let accelerator = first(platform, start).map_or(start.name(), |(name, _)| name);
        return Ok(vec![watch.run(&Runnable::Plan(plan), &stem, accelerator, None)?]);
    }
    let networks = networks(arguments)?;
    let accelerators = accelerators(arguments, platform)?;
    let progress = progress(networks.len() * accelerators.len(), arguments.output.quiet);
    let results = engines(&networks, &accelerators).map(|engine| {
        let (name, convolution) = (&engine.network.name, SingleConvolution::of(engine.network));
        progress.set_message(format!("{name} on {}", engine.accelerator));
        let result = watch.run(&Runnable::Network(&engine), name, engine.accelerator, convolution);
        progress.inc(1);
        result
    });
    let results = results.collect();
    progress.finish_and_clear();
    results
}

/// What is to run.
enum Runnable<'a> {
    /// A plan file.
    Plan(&'a Path),
    /// A network on an accelerator, to be built first.
    Network(&'a Engine<'a>),
}

/// From the first start of an engine to the end of its last run.
struct RunSpan {
    begin: Instant,
    end: Instant,
}

/// Runs an engine over and over for a time, one run right after the other. What comes before the first run (building,
/// loading) isn't part of the span.
fn run_engine_for(engine: &Runnable<'_>, _time: Duration) -> Result<RunSpan, Failure> {
    let what = match engine {
        Runnable::Plan(path) => path.display().to_string(),
        Runnable::Network(engine) => engine.spec.stem(),
    };
    Err(Failure::no_backend(format!("{what}: this version can't run engines on a board for `profile emc`"))
        .hint("record `tegrastats` beside `trtexec` and read the recordings by `--from DIR`, or use `--backend sim`"))
}

struct Watch<'a> {
    arguments: &'a EmcArguments,
    platform: &'a Platform,
    program: &'a Path,
}

impl Watch<'_> {
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
        let span = run_engine_for(engine, warm_up + seconds)?;
        let since_begin = |at: Instant| milliseconds(at.saturating_duration_since(recording.begin()));
        let (start, end) = (since_begin(span.begin + warm_up), since_begin(span.end));
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
    let error = match (emc.utilization, emc.clock) {
        (Some(_), _) => return Ok(()),
        (None, Some(_)) => EmcError::ClockOnly { n_samples: 1 },
        (None, None) => EmcError::NotRoot { n_samples: 1 },
    };
    Err(Failure::from(error).hint(error.hint()))
}

/// A bar over the engines, on a terminal.
fn progress(n_engines: usize, quiet: bool) -> ProgressBar {
    if quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:24} {pos}/{len}  {msg}  {elapsed} gone, {eta} to go");
    let bar = ProgressBar::new(n_engines as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}
