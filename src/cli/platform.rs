//! `haxconn platform`: the platforms, their numbers and sources, and how well the cost model fits.

use super::args::{
    Format, OutputArguments, PlatformArguments, PlatformCommand, PlatformDetectArguments, PlatformShowArguments,
};
use super::failure::Failure;
use super::{host, inputs, output};
use crate::artifact::{self, builtin};
use crate::platform::Platform;
use crate::profile::{self, CalibrationSources, GOOGLENET_DLA_TAILS, GOOGLENET_GPU_LAYERS};
use crate::report::{self, Align, Table};

/// The platform whose published figures the cost model is calibrated to.
const CALIBRATED: &str = "xavier_agx";

pub(super) fn run(arguments: &PlatformArguments) -> Result<(), Failure> {
    match &arguments.command {
        PlatformCommand::List(output) => list(output),
        PlatformCommand::Show(arguments) => show(arguments),
        PlatformCommand::Detect(PlatformDetectArguments { split, point, out, quiet }) => {
            host::detect(split, *point, out, *quiet)
        }
        PlatformCommand::Calibrate(output) => calibrate(output),
    }
}

fn list(arguments: &OutputArguments) -> Result<(), Failure> {
    let platforms: Vec<Platform> =
        builtin::platform_names().into_iter().map(builtin::platform).collect::<Result<_, _>>()?;
    if arguments.format == Format::Json {
        return output::print(&artifact::platforms_to_json(&platforms)?);
    }
    let mut table = Table::new(&[("Platform", Align::Left), ("Accelerators", Align::Left), ("", Align::Left)]);
    for platform in &platforms {
        let accelerators: Vec<&str> =
            platform.accelerators.iter().map(|accelerator| accelerator.name.as_str()).collect();
        table.row([platform.name.clone(), accelerators.join(", "), platform.title.clone()]);
    }
    output::print(&table.to_string())
}

fn show(arguments: &PlatformShowArguments) -> Result<(), Failure> {
    let found = inputs::platform(&arguments.platform)?;
    for remark in inputs::announce("platform", &found) {
        output::note(arguments.output.quiet, &format!("note: {remark}"));
    }
    if arguments.output.format == Format::Json {
        return output::print(&artifact::platform_to_json(&found.value)?);
    }
    let columns = [
        ("Number", Align::Left),
        ("Value", Align::Right),
        ("", Align::Left),
        ("Is", Align::Left),
        ("Source", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for number in found.value.stated_numbers() {
        let provenance = number.provenance.name().to_owned();
        table.row([number.path, number.value, number.unit.to_owned(), provenance, number.source]);
    }
    output::print(&format!("{} ({})\n{table}", found.value.title, found.value.name))
}

fn calibrate(arguments: &OutputArguments) -> Result<(), Failure> {
    let platform = builtin::platform(CALIBRATED)?;
    let (googlenet, alexnet) = (inputs::builtin_network("googlenet")?, inputs::builtin_network("alexnet")?);
    let published = builtin::profile("googlenet", CALIBRATED)?;
    let sources = CalibrationSources { googlenet: &googlenet, googlenet_profile: &published, alexnet: &alexnet };
    let fits = profile::calibrate_platform(&platform, sources)?;
    let layers = profile::gpu_layers(GOOGLENET_GPU_LAYERS)?;
    let tails = profile::dla_tails(GOOGLENET_DLA_TAILS)?;
    let residues = profile::residues(&googlenet, &layers, &tails)?;
    let co_runs = profile::co_run(&platform, &googlenet, &published, ["gpu", "dla"])?;
    match arguments.format {
        Format::Json => output::print(&artifact::calibration_to_json(&platform, &fits, &residues, &co_runs)?),
        Format::Text => output::print(&report::calibration(&platform, &fits, &residues, &co_runs)),
    }
}
