//! `haxconn profile all`: layers, transitions and memory, joined into the profiles that `schedule` takes.

use std::path::Path;

use super::arguments::AllArguments;
use super::characterise::{Characterised, Series, Wanted, characterise};
use super::source::Source;
use super::{layers, memory, segments, transitions};
use crate::artifact;
use crate::cli::args::Format;
use crate::cli::doctor::jetson;
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::platform::Platform;
use crate::profile::{NetworkProfile, Origin, join};
use crate::report::profile;

pub(super) fn run(arguments: &AllArguments) -> Result<(), Failure> {
    if segments::is_asked_for(&arguments.series) {
        return segments::all(&arguments.series);
    }
    let (arguments, traffic) = (&arguments.series, &arguments.traffic);
    let mut series = characterise(arguments, Wanted::Transitions, traffic.nsight.as_deref())?;
    let emc = if traffic.emc.is_none() { memory::measure(&series, arguments)? } else { None };
    memory::add_demands(&mut series, traffic, emc)?;
    let profiles: Vec<NetworkProfile> =
        series.networks.iter().map(|one| joined(&series, one)).collect::<Result<_, _>>()?;
    artifact::write_text(&arguments.out.join("layer_results.json"), &layers::json(&series)?)?;
    artifact::write_text(&arguments.out.join("transition_results.json"), &transitions::json(&series)?)?;
    let paths = write_profiles(&arguments.out, &series.platform.value, &profiles)?;
    match arguments.output.format {
        Format::Json => output::print(&artifact::profiles_to_json(&profiles)?)?,
        Format::Text => {
            let kinds: String = profiles.iter().map(profile::provenances).collect();
            output::print(&format!("{}{}\n{kinds}", layers::text(&series), transitions::text(&series)))?;
        }
    }
    output::note(arguments.output.quiet, &format!("wrote {}", paths.join(" ")));
    let names: Vec<&str> = profiles.iter().map(|profile| &*profile.network).collect();
    if names.len() > 1 {
        let (names, paths) = (names.join(","), paths.join(","));
        output::note(arguments.output.quiet, &format!("next: haxconn schedule --dnns {names} --profile {paths}"));
    }
    Ok(())
}

/// Writes each profile below `out`; returns the files.
pub(super) fn write_profiles(
    out: &Path,
    platform: &Platform,
    profiles: &[NetworkProfile],
) -> Result<Vec<String>, Failure> {
    let folder = out.join("profiles").join(&platform.name);
    let write = |profile: &NetworkProfile| {
        let path = folder.join(format!("{}.json", profile.network));
        artifact::write_text(&path, &artifact::write_profile(profile)?)?;
        Ok(path.display().to_string())
    };
    profiles.iter().map(write).collect()
}

fn joined(series: &Series, one: &Characterised) -> Result<NetworkProfile, Failure> {
    let kind = if series.simulated { "simulated" } else { "measured" };
    let is_here = matches!(&series.source, Source::Engines(target, _) if !target.is_simulated());
    let origin = Origin {
        backend: series.source.name().to_owned(),
        power_mode: if is_here { jetson::current_power_mode() } else { None },
        simulated: series.simulated,
        sources: vec![
            format!("GPU times: {kind} entries of profiles, summed by layer name, reformats included"),
            format!("DLA times: differences of {kind} engines that hand over to the DLA at each group"),
            profile::demand_sources(&one.demands, &one.figures),
            format!("transitions: {}", profile::transition_sources(&one.transitions)),
            profile::launch_source(&one.times),
        ],
    };
    Ok(join(&one.network.value, &series.platform.value, &one.times, &one.transitions, &one.demands, &origin)?)
}
