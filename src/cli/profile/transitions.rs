//! `haxconn profile transitions`: what changes of accelerator cost, in both directions.

use super::arguments::TransitionsArguments;
use super::characterise::{Series, Wanted, characterise};
use super::layers::head;
use super::segments;
use crate::artifact;
use crate::cli::args::Format;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::report::profile;

pub(super) fn run(arguments: &TransitionsArguments) -> Result<(), Failure> {
    if segments::is_asked_for(&arguments.series) {
        return segments::transitions(&arguments.series);
    }
    let arguments = &arguments.series;
    let series = characterise(arguments, Wanted::Transitions, None)?;
    let json = json(&series)?;
    let path = arguments.out.join("transition_results.json");
    artifact::write_text(&path, &json)?;
    match arguments.output.format {
        Format::Json => output::print(&json)?,
        Format::Text => output::print(&format!("{}{}", head(&series), text(&series)))?,
    }
    output::note(arguments.output.quiet, &format!("wrote {}", path.display()));
    Ok(())
}

/// The document of all networks.
pub(super) fn json(series: &Series) -> Result<String, Failure> {
    let networks = series.networks.iter().map(|one| (&one.network.value, &one.transitions));
    Ok(artifact::transition_results_to_json(series.source.name(), series.simulated, &series.platform.value, networks)?)
}

/// The tables of all networks.
pub(super) fn text(series: &Series) -> String {
    let mut text = String::new();
    for one in &series.networks {
        text.extend(["\n", &one.network.value.title, "\n"]);
        text.push_str(&profile::transitions(&one.transitions));
        text.push_str(&profile::transition_lines(&one.transitions));
    }
    text
}
