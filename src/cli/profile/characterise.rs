//! From networks and a source to times of groups and transitions: what `layers`, `transitions` and `all` have in common.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::anyhow;

use super::arguments::SeriesArguments;
use super::engines;
use super::files::{self, Recorded};
use super::measure::Runner;
use super::source::{self, Source};
use super::traffic;
use crate::artifact::Found;
use crate::backend::nsight::KernelTraffic;
use crate::cli::build_engines::request::refuse_clashes;
use crate::cli::failure::Failure;
use crate::cli::{inputs, output, progress};
use crate::engine::{Device, EngineSpec};
use crate::group::{self, LayerGroup};
use crate::network::Network;
use crate::platform::Platform;
use crate::profile::{
    Demand, EngineRun, LayerTimes, TrafficFigures, TransitionTimes, demands, layer_times, transition_times,
};

/// What a command measures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Layer groups.
    Layers,
    /// Layer groups and marked outputs.
    Transitions,
}

/// One network, characterised.
pub(super) struct Characterised {
    pub(super) network: Found<Network>,
    pub(super) times: LayerTimes,
    pub(super) transitions: TransitionTimes,
    /// What was measured of the memory's use.
    pub(super) figures: TrafficFigures,
    pub(super) demands: Vec<BTreeMap<String, Demand>>,
}

/// All networks of a command.
pub(super) struct Series {
    pub(super) source: Source,
    pub(super) platform: Found<Platform>,
    /// Whether a simulator took the place of hardware.
    pub(super) simulated: bool,
    pub(super) networks: Vec<Characterised>,
}

/// Measures or reads what `wanted` needs of every network; `nsight` is a file with bytes that were counted of one network.
pub(super) fn characterise(
    arguments: &SeriesArguments,
    wanted: Wanted,
    nsight: Option<&Path>,
) -> Result<Series, Failure> {
    let quiet = arguments.output.quiet;
    let networks = refuse_clashes(inputs::networks(&arguments.networks, 1)?)?;
    let kernels = nsight.map(|path| traffic::read(path, networks.len())).transpose()?;
    let resolved = source::resolve(arguments)?;
    let platform = resolved.platform;
    for remark in networks
        .iter()
        .flat_map(|network| inputs::announce("network", network))
        .chain(inputs::announce("platform", &platform))
    {
        output::note(quiet, &format!("note: {remark}"));
    }
    let runs = match &resolved.source {
        Source::Files => {
            let names: Vec<&str> = networks.iter().map(|found| &*found.value.name).collect();
            let recorded = files::read(arguments, &names, &platform.value)?;
            recorded.remarks.iter().for_each(|remark| output::note(quiet, &format!("note: {remark}")));
            recorded
        }
        Source::Engines(target, trtexec) => {
            let runner = Runner { target, trtexec: trtexec.as_ref(), arguments };
            measured(&runner, wanted, &networks, &platform.value)?
        }
    };
    let simulated = runs.simulated || resolved.source.is_simulator();
    let mut characterised = Vec::new();
    for network in networks {
        let one = one(arguments, wanted, network, &platform.value, &runs.runs, kernels.as_deref())?;
        let remarks = one.times.remarks.iter().chain(&one.times.left_out);
        remarks.for_each(|remark| output::note(quiet, &format!("note: {remark}")));
        characterised.push(one);
    }
    Ok(Series { source: resolved.source, platform, simulated, networks: characterised })
}

fn measured(
    runner: &Runner,
    wanted: Wanted,
    networks: &[Found<Network>],
    platform: &Platform,
) -> Result<Recorded, Failure> {
    let Runner { target, arguments, .. } = *runner;
    let mut specs = Vec::new();
    for network in networks {
        let network = &network.value;
        let groups = inputs::split(network, platform, &inputs::group_spec(&arguments.networks)?.unwrap_or_default())?;
        let mut of_network = engines::for_layers(network, &groups, platform, arguments.dla_core);
        if wanted == Wanted::Transitions {
            of_network.extend(engines::for_marks(network, &groups, platform, arguments.dla_core));
        }
        if of_network.iter().any(EngineSpec::uses_dla) {
            target.check_dla(arguments.dla_core)?;
        }
        specs.push(of_network);
    }
    let n_runs = specs.iter().map(Vec::len).sum::<usize>() * arguments.repeats as usize;
    let progress = progress::bar(n_runs, arguments.output.quiet);
    let mut recorded = Recorded::default();
    for (network, specs) in networks.iter().zip(&specs) {
        recorded.runs.extend(runner.measure(&network.value, specs, &progress)?);
    }
    progress.finish_and_clear();
    Ok(recorded)
}

fn one(
    arguments: &SeriesArguments,
    wanted: Wanted,
    network: Found<Network>,
    platform: &Platform,
    runs: &[EngineRun],
    kernels: Option<&[KernelTraffic]>,
) -> Result<Characterised, Failure> {
    let of_network: Vec<EngineRun> =
        runs.iter().filter(|run| run.spec.network == network.value.name).cloned().collect();
    let groups = groups(arguments, &network.value, platform, &of_network)?;
    let starts: Vec<usize> = groups.iter().map(|group| group.layers.first).collect();
    let times = layer_times(&network.value, &starts, &of_network);
    // Marked outputs need no layers, the runs' own times suffice.
    let has_marks = wanted == Wanted::Transitions && of_network.iter().any(|run| run.mean.is_some());
    if times.engines.is_empty() && !has_marks {
        let reasons = times.left_out.iter().map(|reason| format!("\n{reason}")).collect::<Vec<_>>().concat();
        return Err(anyhow!("no run of `{}` tells of layers{reasons}", network.value.name).into());
    }
    let transitions = transition_times(&network.value, platform, &starts, &of_network, &times);
    let counted = kernels.map(|kernels| traffic::counted(&network.value, &times, kernels, arguments.output.quiet));
    let figures = TrafficFigures { counted: counted.unwrap_or_default(), ..TrafficFigures::default() };
    let demands = demands(&network.value, platform, &times, &figures);
    Ok(Characterised { network, times, transitions, figures, demands })
}

/// The groups that are asked for; else, of files, those between the layers at which their engines change; with the tail
/// that only the GPU runs apart.
fn groups(
    arguments: &SeriesArguments,
    network: &Network,
    platform: &Platform,
    runs: &[EngineRun],
) -> Result<Vec<LayerGroup>, Failure> {
    let spec = inputs::group_spec(&arguments.networks)?;
    let split = inputs::split(network, platform, &spec.clone().unwrap_or_default())?;
    let cuts = runs.iter().flat_map(|run| [Device::Gpu, Device::Dla].map(|device| run.spec.leaves_at(device)));
    let mut starts: Vec<usize> = cuts.flatten().filter(|&cut| cut < network.layers.len()).collect();
    if spec.is_some() || arguments.from.is_empty() || starts.is_empty() {
        return Ok(split);
    }
    starts.extend([0].into_iter().chain(split.iter().filter(|group| group.tail).map(|group| group.layers.first)));
    starts.sort_unstable();
    starts.dedup();
    Ok(group::between(network, &starts, &inputs::rules(platform)))
}
