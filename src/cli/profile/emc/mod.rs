//! `haxconn profile emc`: how busy engines keep the memory, by `tegrastats` on a board, in the simulator, or from recordings
//! made earlier, which all end in the same lines, read by one reader; in ONNX Runtime by what is known of its runs.

mod arguments;
mod board;
mod engines;
mod models;
mod recordings;
mod simulated;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

use super::super::{inputs, output};
use crate::artifact::{self, EMC_SAMPLE_FOLDER};
use crate::backend::tegrastats;
use crate::cli::args::{BackendArgument, Format};
use crate::cli::board::{HOST, board as this_machine};
use crate::cli::failure::Failure;
use crate::platform::{Platform, Provenance};
use crate::profile::emc::{EmcError, EmcResult, SampleTimes, SingleConvolution, Window, inside, summarise, timed};
use crate::report;
use crate::units::Milliseconds;

pub(in crate::cli) use arguments::EmcArguments;

pub(super) fn run(arguments: &EmcArguments) -> Result<(), Failure> {
    let quiet = arguments.output.quiet;
    let here = || match arguments.backend {
        BackendArgument::Onnxruntime => Some(HOST),
        _ => this_machine().and_then(|board| board.platform),
    };
    let found = inputs::platform(arguments.platform.as_deref().or_else(here).unwrap_or(inputs::USUAL_PLATFORM))?;
    for remark in inputs::announce("platform", &found) {
        output::note(quiet, &format!("note: {remark}"));
    }
    let platform = &found.value;
    let results = measure(arguments, platform)?;
    write(arguments, platform, &results)?;
    match arguments.output.format {
        Format::Json => output::print(&artifact::emc_results_to_json(platform, &results)?)?,
        Format::Text => output::print(&report::emc(platform, &results))?,
    }
    let (folder, n_results) = (arguments.out.display(), results.len());
    output::note(
        quiet,
        &format!(
            "wrote {folder}/emc_results.yaml and .json ({n_results} run(s)), samples in {folder}/{EMC_SAMPLE_FOLDER}"
        ),
    );
    Ok(())
}

/// What every engine that `arguments` ask for does to the memory of `platform`.
pub(super) fn measure(arguments: &EmcArguments, platform: &Platform) -> Result<Vec<EmcResult>, Failure> {
    artifact::prepare_folder(&arguments.out.join(EMC_SAMPLE_FOLDER))?;
    match source(arguments) {
        Source::Recordings(folder) => recordings::results(arguments, platform, &folder),
        Source::Models => models::results(arguments, platform),
        Source::Simulator => simulated::results(arguments, platform),
        Source::Board(program) => board::results(arguments, platform, &program),
        Source::None(failure) => Err(failure),
    }
}

/// Where the samples come from.
enum Source {
    Recordings(PathBuf),
    Simulator,
    Models,
    Board(PathBuf),
    None(Failure),
}

fn source(arguments: &EmcArguments) -> Source {
    if let Some(folder) = &arguments.from {
        return Source::Recordings(folder.clone());
    }
    let program = board::program(arguments.tegrastats.as_deref());
    match (arguments.backend, program) {
        (BackendArgument::Sim, _) => Source::Simulator,
        (BackendArgument::Onnxruntime, _) => Source::Models,
        (BackendArgument::Tensorrt | BackendArgument::Auto, Some(program)) => Source::Board(program),
        (BackendArgument::Tensorrt, None) => Source::None(
            Failure::no_backend("there is no `tegrastats` here: only a Jetson tells how busy its memory is")
                .hint("name it by `--tegrastats PATH`, read recordings by `--from DIR`, or use `--backend sim`"),
        ),
        (BackendArgument::Auto, None) => {
            output::note(arguments.output.quiet, "backend: sim (there is no `tegrastats` here)");
            Source::Simulator
        }
    }
}

/// One run as it was recorded.
struct Run<'a> {
    /// Name of the network or the engine.
    network: String,
    convolution: Option<SingleConvolution>,
    accelerator: String,
    /// Lines of `tegrastats`.
    log: &'a str,
    /// From where in the recording.
    start: Milliseconds,
    /// Up to where; its end where there is none.
    end: Option<Milliseconds>,
    provenance: Provenance,
}

impl Run<'_> {
    /// What the run's samples come to, and where their times are from. Errors begin with `origin`.
    fn result(
        self,
        platform: &Platform,
        interval: Duration,
        origin: &str,
    ) -> Result<(EmcResult, SampleTimes), Failure> {
        let samples = tegrastats::read(self.log).with_context(|| origin.to_owned())?;
        let refused = |error: EmcError| Failure::from(error).hint(error.hint()).of_file(origin);
        let (samples, times) = timed(&samples, milliseconds(interval)).map_err(refused)?;
        let last = samples.last().map_or(self.start, |sample| sample.at);
        let window = Window { start: self.start, end: self.end.unwrap_or(last) };
        let samples = inside(&samples, window).map_err(refused)?;
        let summary = summarise(&samples, platform).map_err(refused)?;
        let Self { network, convolution, accelerator, provenance, .. } = self;
        Ok((EmcResult { network, convolution, accelerator, summary, provenance, samples }, times))
    }
}

fn milliseconds(time: Duration) -> Milliseconds {
    Milliseconds(time.as_secs_f64() * 1e3)
}

/// Writes the results, every engine's samples, and the picture where it is asked for.
pub(super) fn write(arguments: &EmcArguments, platform: &Platform, results: &[EmcResult]) -> anyhow::Result<()> {
    for result in results {
        let file = format!("{EMC_SAMPLE_FOLDER}/{}.csv", artifact::emc_sample_stem(result));
        artifact::write_text(&arguments.out.join(file), &artifact::emc_samples_to_csv(&result.samples))?;
    }
    artifact::write_text(&arguments.out.join("emc_results.yaml"), &artifact::emc_results_to_yaml(platform, results)?)?;
    artifact::write_text(&arguments.out.join("emc_results.json"), &artifact::emc_results_to_json(platform, results)?)?;
    let Some(path) = &arguments.svg else { return Ok(()) };
    let maps = report::emc_heat_maps(platform, results);
    if maps.is_empty() {
        anyhow::bail!(
            "`--svg`: none of the networks is one of the characterised convolutions, so there is no heat map"
        );
    }
    artifact::write_text(path, &report::heat_maps(&maps))
}
