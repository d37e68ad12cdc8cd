//! `haxconn profile layers`: times and demands of layer groups on GPU and DLA.

use super::arguments::LayersArguments;
use super::characterise::{Series, Wanted, characterise};
use super::{memory, segments};
use crate::artifact;
use crate::cli::args::Format;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::report::profile;

pub(super) fn run(arguments: &LayersArguments) -> Result<(), Failure> {
    if segments::is_asked_for(&arguments.series) {
        return segments::layers(&arguments.series);
    }
    let (arguments, traffic) = (&arguments.series, &arguments.traffic);
    let mut series = characterise(arguments, Wanted::Layers, traffic.nsight.as_deref())?;
    memory::add_demands(&mut series, traffic, None)?;
    let json = json(&series)?;
    let path = arguments.out.join("layer_results.json");
    artifact::write_text(&path, &json)?;
    match arguments.output.format {
        Format::Json => output::print(&json)?,
        Format::Text => output::print(&text(&series))?,
    }
    output::note(arguments.output.quiet, &format!("wrote {}", path.display()));
    Ok(())
}

/// The document of all networks.
pub(super) fn json(series: &Series) -> Result<String, Failure> {
    let networks = series.networks.iter().map(|one| artifact::LayerResults {
        network: &one.network.value,
        platform: &series.platform.value,
        times: &one.times,
        demands: &one.demands,
    });
    Ok(artifact::layer_results_to_json(series.source.name(), series.simulated, &series.platform.value, networks)?)
}

/// The tables of all networks.
pub(super) fn text(series: &Series) -> String {
    let mut text = head(series);
    for one in &series.networks {
        text.extend(["\n", &one.network.value.title, "\n"]);
        text.push_str(&profile::layer_groups(&one.times, &one.demands, &series.platform.value));
        text.push('\n');
        text.push_str(&profile::demand_sources(&one.demands, &one.figures));
        text.push_str("\n\n");
        text.push_str(&profile::engines(&one.times.engines));
        text.push_str(&profile::remarks(&one.times, &one.demands));
    }
    text
}

/// What the numbers are of, and what kind of numbers.
pub(super) fn head(series: &Series) -> String {
    let platform = &series.platform.value;
    let kind = match (series.simulated, series.source.is_simulator()) {
        (true, true) => "simulated",
        (true, false) => "simulated, read from files",
        (false, _) if series.source.name() == "files" => "measured elsewhere, read from files",
        (false, _) => "measured here",
    };
    format!("{} ({}): {kind}\n", platform.title, platform.name)
}
