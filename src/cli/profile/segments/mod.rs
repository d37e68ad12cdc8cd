//! `haxconn profile layers`, `transitions` and `all` in ONNX Runtime: parts of networks run as models of their own on the
//! accelerators of a platform, alone, beside a stream, and one after the other.

mod handover;
mod lab;

use super::all::write_profiles;
use super::arguments::SeriesArguments;
use super::characterise::Wanted;
use crate::artifact::{self, Found, SegmentResults};
use crate::cli::args::{BackendArgument, Format};
use crate::cli::board::HOST;
use crate::cli::doctor::jetson;
use crate::cli::failure::Failure;
use crate::cli::{export, inputs, onnxruntime, output, progress};
use crate::group::LayerRange;
use crate::network::Network;
use crate::platform::Platform;
use crate::profile::{NetworkProfile, SegmentedNetwork};
use crate::report::segments as report;
use lab::{Lab, Subject};

/// The name of this backend in files.
const BACKEND: &str = "onnxruntime";

/// Whether this backend measures what `arguments` ask for.
pub(super) fn is_asked_for(arguments: &SeriesArguments) -> bool {
    arguments.from.is_empty() && arguments.backend == BackendArgument::Onnxruntime
}

/// One network, measured.
struct Measured {
    network: Found<Network>,
    segmented: SegmentedNetwork,
}

/// All of a command's.
struct Series {
    platform: Found<Platform>,
    networks: Vec<Measured>,
    version: String,
}

/// `profile layers`.
pub(super) fn layers(arguments: &SeriesArguments) -> Result<(), Failure> {
    let series = series(arguments, Wanted::Layers)?;
    let json = json(&series)?;
    write(arguments, "layer_results.json", &json)?;
    show(arguments, &json, &format!("{}{}", head(&series), layers_text(&series)))
}

/// `profile transitions`.
pub(super) fn transitions(arguments: &SeriesArguments) -> Result<(), Failure> {
    let series = series(arguments, Wanted::Transitions)?;
    let json = json(&series)?;
    write(arguments, "transition_results.json", &json)?;
    show(arguments, &json, &format!("{}{}", head(&series), transitions_text(&series)))
}

/// `profile all`.
pub(super) fn all(arguments: &SeriesArguments) -> Result<(), Failure> {
    let quiet = arguments.output.quiet;
    let series = series(arguments, Wanted::Transitions)?;
    let json = json(&series)?;
    write(arguments, "layer_results.json", &json)?;
    write(arguments, "transition_results.json", &json)?;
    let profiles: Vec<NetworkProfile> = series.networks.iter().map(|one| profile(&series, one)).collect();
    let paths = write_profiles(&arguments.out, &series.platform.value, &profiles)?;
    let text = format!("{}{}{}", head(&series), layers_text(&series), transitions_text(&series));
    match arguments.output.format {
        Format::Json => output::print(&artifact::profiles_to_json(&profiles)?)?,
        Format::Text => output::print(&text)?,
    }
    output::note(quiet, &format!("wrote {}", paths.join(" ")));
    let names: Vec<&str> = arguments.networks.dnns.iter().map(String::as_str).collect();
    if names.len() > 1 {
        let (names, paths, platform) = (names.join(","), paths.join(","), platform_name(arguments));
        let next = format!(
            "next: haxconn run-multi --backend {BACKEND} --platform {platform} --dnns {names} --profile {paths}"
        );
        output::note(quiet, &next);
    }
    Ok(())
}

fn platform_name(arguments: &SeriesArguments) -> &str {
    arguments.platform.as_deref().unwrap_or(HOST)
}

/// Measures what `wanted` needs of every network.
fn series(arguments: &SeriesArguments, wanted: Wanted) -> Result<Series, Failure> {
    let quiet = arguments.output.quiet;
    let platform = inputs::platform(platform_name(arguments))?;
    let runtime = onnxruntime::open()?;
    onnxruntime::check_platform(&runtime, &platform.value)?;
    let spec = inputs::group_spec(&arguments.networks)?.unwrap_or_default();
    let mut subjects = Vec::new();
    for name in distinct(&arguments.networks.dnns) {
        let (network, model) = export::model(name.trim(), arguments.seed)?;
        for remark in inputs::announce("network", &network) {
            output::note(quiet, &format!("note: {remark}"));
        }
        let groups = inputs::split(&network.value, &platform.value, &spec)?;
        let groups: Vec<LayerRange> = groups.iter().map(|group| group.layers).collect();
        subjects.push(Subject { network, model, groups });
    }
    let progress = progress::bar(0, quiet);
    let lab = Lab { runtime: &runtime, platform: &platform.value, arguments, progress: &progress };
    let n_steps: usize = subjects.iter().map(|subject| lab.n_steps(subject, wanted)).sum();
    progress.set_length((n_steps * arguments.repeats as usize) as u64);
    let segmented = lab.measure(&subjects, wanted)?;
    let networks = subjects.into_iter().zip(segmented);
    let networks = networks.map(|(subject, segmented)| Measured { network: subject.network, segmented }).collect();
    progress.finish_and_clear();
    Ok(Series { platform, networks, version: runtime.version() })
}

/// The same network twice is profiled once.
fn distinct(names: &[String]) -> Vec<&String> {
    let is_first = |(idx, name): &(usize, &String)| !names[..*idx].contains(name);
    names.iter().enumerate().filter(is_first).map(|(_, name)| name).collect()
}

fn profile(series: &Series, one: &Measured) -> NetworkProfile {
    let sources = vec![
        format!(
            "times: parts of the network as models in ONNX Runtime {}, medians, differences of parts",
            series.version
        ),
        "demands: modelled bytes over time, times what explains how a stream beside the whole network slows it"
            .to_owned(),
        "transitions: parts that begin at a group, less the rest of the whole, and handing over between two threads"
            .to_owned(),
    ];
    let Measured { network, segmented } = one;
    segmented.profile(&network.value, &series.platform.value, BACKEND, jetson::current_power_mode(), sources)
}

fn json(series: &Series) -> Result<String, Failure> {
    let networks =
        series.networks.iter().map(|one| SegmentResults { network: &one.network.value, segmented: &one.segmented });
    Ok(artifact::segment_results_to_json(BACKEND, &series.version, &series.platform.value, networks)?)
}

fn head(series: &Series) -> String {
    let Platform { title, name, .. } = &series.platform.value;
    format!("{title} ({name}): measured here by ONNX Runtime {}\n", series.version)
}

fn layers_text(series: &Series) -> String {
    let text = |one: &Measured| report::layers(&one.network.value, &series.platform.value, &one.segmented);
    series.networks.iter().map(text).collect()
}

fn transitions_text(series: &Series) -> String {
    let text = |one: &Measured| report::transitions(&one.network.value, &series.platform.value, &one.segmented);
    series.networks.iter().map(text).collect()
}

fn write(arguments: &SeriesArguments, name: &str, json: &str) -> Result<(), Failure> {
    let path = arguments.out.join(name);
    artifact::write_text(&path, json)?;
    output::note(arguments.output.quiet, &format!("wrote {}", path.display()));
    Ok(())
}

fn show(arguments: &SeriesArguments, json: &str, text: &str) -> Result<(), Failure> {
    match arguments.output.format {
        Format::Json => output::print(&json),
        Format::Text => output::print(&text),
    }
}
