//! `haxconn profile contention`: contention curves of a platform's accelerators, from grids that the simulator gives or
//! that were measured elsewhere.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use clap::{Args, ValueEnum};

use crate::artifact;
use crate::backend::onnxruntime::n_points;
use crate::backend::sim;
use crate::cli::args::{BackendArgument, Format, OutputArguments, PlatformChoice};
use crate::cli::failure::Failure;
use crate::cli::{host, inputs, output, progress};
use crate::platform::{Platform, Provenance};
use crate::profile::{ContentionModel, FittedContention};
use crate::report::{self, GridOrigin};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModelArgument {
    /// Parameters of the processor-centric model
    Pccs,
    /// Relative speeds on the grid, made non-increasing
    Table,
}

/// Heading of the flags that say which grids and what becomes of them.
const GRIDS: &str = "Grids";

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn profile contention --platform xavier_agx --backend sim")]
pub(in crate::cli) struct ContentionArguments {
    #[command(flatten)]
    platform: PlatformChoice,
    /// What gives the grids
    #[arg(long, value_enum, default_value_t = BackendArgument::Auto, help_heading = GRIDS)]
    backend: BackendArgument,
    /// Accelerators, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_name = "NAME,..", help_heading = GRIDS)]
    accelerator: Vec<String>,
    /// Grid measured elsewhere: lines of `own_gbps,external_gbps,achieved_gbps`
    #[arg(long, value_name = "FILE.csv", help_heading = GRIDS)]
    grid: Option<PathBuf>,
    /// Demands along each side of a simulated grid
    #[arg(long, default_value_t = 10, value_name = "N", help_heading = GRIDS)]
    #[arg(value_parser = clap::value_parser!(u8).range(2..=50), conflicts_with = "grid")]
    points: u8,
    /// Form of the curves
    #[arg(long, value_enum, default_value_t = ModelArgument::Pccs, help_heading = GRIDS)]
    model: ModelArgument,
    #[command(flatten)]
    output: OutputArguments,
    /// Where the curves are written, as a platform file takes them [default: `output/contention_PLATFORM.yaml`]
    #[arg(long, value_name = "FILE.yaml", help_heading = "Output")]
    out: Option<PathBuf>,
    /// Write the grids as `--grid` takes them: `DIR/PLATFORM_ACCELERATOR.csv`
    #[arg(long, value_name = "DIR", help_heading = "Output", conflicts_with = "grid")]
    grid_out: Option<PathBuf>,
}

pub(super) fn run(arguments: &ContentionArguments) -> Result<(), Failure> {
    let quiet = arguments.output.quiet;
    if arguments.grid.is_none() {
        check_backend(arguments.backend)?;
    }
    let found = inputs::platform(&arguments.platform.platform)?;
    for remark in inputs::announce("platform", &found) {
        output::note(quiet, &format!("note: {remark}"));
    }
    let platform = &found.value;
    let chosen = accelerators(platform, &arguments.accelerator)?;
    let curves = match &arguments.grid {
        Some(path) => vec![measured(arguments, platform, &chosen, path)?],
        None if arguments.backend == BackendArgument::Onnxruntime => streamed(arguments, platform, &chosen)?,
        None => simulated(arguments, platform, &chosen)?,
    };
    let default = PathBuf::from(format!("output/contention_{}.yaml", platform.name));
    let out = arguments.out.as_ref().unwrap_or(&default);
    artifact::write_text(out, &artifact::contention_blocks(platform, &curves)?)?;
    let grids = write_grids(arguments.grid_out.as_deref(), platform, &curves)?;
    let file = arguments.grid.as_ref().map(|path| path.display().to_string());
    let origin = match &file {
        Some(file) => GridOrigin::File(file),
        None if arguments.backend == BackendArgument::Onnxruntime => GridOrigin::Here,
        None => GridOrigin::Simulator,
    };
    match arguments.output.format {
        Format::Json => output::print(&artifact::contention_to_json(platform, origin.name(), &curves)?)?,
        Format::Text => output::print(&report::contention(platform, origin, &curves))?,
    }
    for path in grids {
        output::note(quiet, &format!("wrote {}", path.display()));
    }
    output::note(quiet, &format!("wrote {} ({})", out.display(), summary(&curves)));
    Ok(())
}

fn check_backend(backend: BackendArgument) -> Result<(), Failure> {
    if backend != BackendArgument::Tensorrt {
        return Ok(());
    }
    Err(Failure::no_backend("backend `tensorrt` can't measure contention in this version")
        .hint("give a grid measured elsewhere by `--grid FILE.csv`, or run with `--backend sim`"))
}

/// Grids of streams on each accelerator's cores beside streams on all others'.
fn streamed(
    arguments: &ContentionArguments,
    platform: &Platform,
    chosen: &[usize],
) -> Result<Vec<FittedContention>, Failure> {
    let cores = |idx: usize| {
        let accelerator = &platform.accelerators[idx];
        let cores = accelerator.provider.as_ref().map(|provider| provider.cores.clone()).unwrap_or_default();
        let none =
            || Failure::usage(format!("accelerator `{}` of `{}` is no set of cores", accelerator.name, platform.name));
        if cores.is_empty() { Err(none().hint("`--platform host` is this machine's processor")) } else { Ok(cores) }
    };
    let all: Vec<Vec<usize>> = (0..platform.accelerators.len()).map(cores).collect::<Result<_, _>>()?;
    let progress = progress::bar(chosen.len() * n_points(), arguments.output.quiet);
    let mut fitted = Vec::new();
    for &idx in chosen {
        let name = &platform.accelerators[idx].name;
        let others: Vec<usize> =
            (0..all.len()).filter(|&other| other != idx).flat_map(|other| all[other].clone()).collect();
        fitted.push(host::contention(name, [&all[idx], &others], host::POINT, model(arguments), &progress)?);
    }
    progress.finish_and_clear();
    Ok(fitted)
}

/// Positions of the accelerators called `names`, in the platform's order; of all where none is named.
fn accelerators(platform: &Platform, names: &[String]) -> Result<Vec<usize>, Failure> {
    if let Some(name) = names.iter().find(|name| platform.accelerator_index(name).is_none()) {
        let known: Vec<&str> = platform.accelerators.iter().map(|accelerator| accelerator.name.as_str()).collect();
        return Err(Failure::usage(format!(
            "`--accelerator`: platform `{}` has no `{name}`; it has {}",
            platform.name,
            known.join(", ")
        )));
    }
    let chosen = (0..platform.accelerators.len())
        .filter(|&idx| names.is_empty() || names.contains(&platform.accelerators[idx].name));
    Ok(chosen.collect())
}

fn measured(
    arguments: &ContentionArguments,
    platform: &Platform,
    chosen: &[usize],
    path: &Path,
) -> Result<FittedContention, Failure> {
    let (1, [accelerator]) = (arguments.accelerator.len(), chosen) else {
        return Err(Failure::usage(
            "`--grid` holds the speeds of one accelerator, but `--accelerator` doesn't name one",
        )
        .hint("say whose they are: `--accelerator gpu`"));
    };
    let grid = artifact::read_contention_grid(&artifact::read_text(path)?, &path.display().to_string())?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    let from = format!("in {}", name.replace(char::is_control, "?"));
    let accelerator = &platform.accelerators[*accelerator].name;
    Ok(FittedContention::new(accelerator, grid, model(arguments), Provenance::Derived, &from))
}

fn simulated(
    arguments: &ContentionArguments,
    platform: &Platform,
    chosen: &[usize],
) -> Result<Vec<FittedContention>, Failure> {
    if platform.accelerators.len() < 2 {
        return Err(Failure::usage(format!(
            "platform `{}` has one accelerator, so that nothing contends with it",
            platform.name
        )));
    }
    if arguments.backend == BackendArgument::Auto {
        let note = "backend: sim (no other measures grids in this version; `--grid` takes one)";
        output::note(arguments.output.quiet, note);
    }
    let from = format!("on haxconn's simulator of {}", platform.name);
    let fitted = |&idx: &usize| {
        let name = &platform.accelerators[idx].name;
        let grid = sim::contention_grid(platform, idx, arguments.points.into())
            .map_err(|error| anyhow!("the simulated grid of accelerator `{name}`: {error}"))?;
        Ok(FittedContention::new(name, grid, model(arguments), Provenance::Modelled, &from))
    };
    chosen.iter().map(fitted).collect()
}

fn model(arguments: &ContentionArguments) -> ContentionModel {
    match arguments.model {
        ModelArgument::Pccs => ContentionModel::Pccs,
        ModelArgument::Table => ContentionModel::Table,
    }
}

/// Writes the grid of each curve into `folder`, where there is one; returns the files.
fn write_grids(
    folder: Option<&Path>,
    platform: &Platform,
    curves: &[FittedContention],
) -> Result<Vec<PathBuf>, Failure> {
    let Some(folder) = folder else { return Ok(Vec::new()) };
    let write = |fitted: &FittedContention| {
        let path = folder.join(format!("{}_{}.csv", platform.name, fitted.accelerator));
        let kind = if fitted.provenance == Provenance::Measured { "measured" } else { "simulated" };
        let remark = format!("{kind}: {} of {} beside another stream", fitted.accelerator, platform.name);
        artifact::write_text(&path, &artifact::write_contention_grid(&fitted.grid, &remark))?;
        Ok(path)
    };
    curves.iter().map(write).collect()
}

fn summary(curves: &[FittedContention]) -> String {
    let one = |fitted: &FittedContention| {
        let provenance = fitted.provenance;
        format!("{} {provenance}, error at most {:.2} %", fitted.accelerator, fitted.error.worst.0)
    };
    curves.iter().map(one).collect::<Vec<_>>().join("; ")
}
