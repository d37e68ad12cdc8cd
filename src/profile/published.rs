//! The profile of GoogleNet on Xavier out of the raw figures in the history of HaX-CoNN's artifact.
//!
//! A GPU group is the sum of the profile entries whose first layer lies in it, reformatters included. A DLA group is the
//! difference of two engines' DLA parts: TensorRT 7 books the DLA's time on whatever follows, so single entries say nothing.

use std::collections::BTreeMap;

use super::calibration::position;
use super::model::{costs, precision};
use super::{DlaTail, GpuLayer, GroupProfile, NetworkProfile, ProfileError, Tagged};
use crate::backend::sim::{Kernel, kernels};
use crate::group::{LayerGroup, LayerRange};
use crate::network::Network;
use crate::platform::{Platform, Provenance};
use crate::units::Milliseconds;

/// The raw GPU profile that ships with the program; see [`super::gpu_layers`].
pub const GOOGLENET_GPU_LAYERS: &str = include_str!("../../profiles/raw/googlenet_xavier_gpu_layers.csv");

/// The raw DLA parts that ship with the program; see [`super::dla_tails`].
pub const GOOGLENET_DLA_TAILS: &str = include_str!("../../profiles/raw/googlenet_xavier_dla_tails.csv");

/// The GPU's part of one transition engine beside the sum of the groups before its cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residue {
    /// First layer on the DLA.
    pub cut: usize,
    /// Sum of the GPU groups before it, from the GPU-only engine.
    pub summed: Milliseconds,
    /// What the transition engine's GPU part took.
    pub engine: Milliseconds,
}

/// GoogleNet's profile on `platform` (Xavier), with one group for each of `groups`, which must begin where the engines
/// of `tails` change to the DLA, and a tail that only the GPU runs.
pub fn googlenet_on_xavier(
    network: &Network,
    platform: &Platform,
    groups: &[LayerGroup],
    layers: &[GpuLayer],
    tails: &[DlaTail],
) -> Result<NetworkProfile, ProfileError> {
    let entries = located(network, layers)?;
    let gpu = position(platform, "gpu")?;
    position(platform, "dla")?;
    let kernels: Vec<Vec<Kernel>> =
        (0..platform.accelerators.len()).map(|accelerator| kernels(network, platform, accelerator)).collect();
    let profile = groups.iter().map(|group| {
        let on_gpu = gpu_time(&entries, group.layers);
        let on_dla = if group.runs_on("dla") { dla_time(network, tails, group.layers)? } else { Milliseconds(0.0) };
        let time = |accelerator| Tagged {
            value: rounded(if accelerator == gpu { on_gpu } else { on_dla }),
            provenance: Provenance::Derived,
        };
        Ok(GroupProfile { layers: group.layers, costs: costs(group, platform, time, &kernels) })
    });
    Ok(NetworkProfile {
        network: network.name.clone(),
        title: network.title.clone(),
        network_hash: network.content_hash.clone(),
        platform: platform.name.clone(),
        platform_hash: None,
        backend: "published".to_owned(),
        precision: precision(platform).to_owned(),
        power_mode: Some("MAXN".to_owned()),
        groups: profile.collect::<Result<_, _>>()?,
        launch: BTreeMap::new(),
        sources: sources(),
    })
}

fn sources() -> Vec<String> {
    [
        "ismetdagli/HaX-CoNN, history before commit acf5698, build2/googlenet_transition_plans/profiles: TensorRT 7.1, FP16, batch 1",
        "GPU times: profile entries summed by layer name, reformatters included (profiles/raw/googlenet_xavier_gpu_layers.csv)",
        "DLA times: differences of the DLA parts of ten transition engines (profiles/raw/googlenet_xavier_dla_tails.csv)",
        "demand: bytes of tensors and weights over time",
        "transitions: the platform's linear model of the crossing tensor, published for GPU to DLA only",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// For each cut of `tails`, the GPU groups before it beside that engine's own GPU part: a check of one build by another.
pub fn residues(network: &Network, layers: &[GpuLayer], tails: &[DlaTail]) -> Result<Vec<Residue>, ProfileError> {
    let entries = located(network, layers)?;
    let residue = |tail: &DlaTail| Residue {
        cut: tail.first_dla_layer,
        summed: rounded(gpu_time(&entries, LayerRange { first: 0, last: tail.first_dla_layer })),
        engine: tail.gpu,
    };
    Ok(tails.iter().filter(|tail| tail.first_dla_layer > 0).map(residue).collect())
}

/// The layer index and the time, with reformatters, of every entry.
fn located(network: &Network, layers: &[GpuLayer]) -> Result<Vec<(usize, Milliseconds)>, ProfileError> {
    let locate = |layer: &GpuLayer| {
        let name = layer.first_name();
        let unknown = || ProfileError::UnknownLayer { entry: layer.entry.clone(), network: network.name.clone() };
        let idx = network.layers.iter().position(|candidate| candidate.name == name).ok_or_else(unknown)?;
        Ok((idx, layer.average + layer.reformat))
    };
    layers.iter().map(locate).collect()
}

fn gpu_time(entries: &[(usize, Milliseconds)], range: LayerRange) -> Milliseconds {
    entries.iter().filter(|(layer, _)| range.contains(*layer)).map(|(_, time)| *time).sum()
}

/// DLA part of the engine that changes before `range`, less that of the engine that changes after it; nothing is left
/// of the DLA after the last engine's cut and the tail.
fn dla_time(network: &Network, tails: &[DlaTail], range: LayerRange) -> Result<Milliseconds, ProfileError> {
    let part_from = |layer| tails.iter().find(|tail| tail.first_dla_layer == layer).map(|tail| tail.dla);
    let no_engine = || ProfileError::NoBoundary {
        network: network.name.clone(),
        layer: range.first,
        boundaries: tails.iter().skip(1).map(|tail| tail.first_dla_layer).collect(),
    };
    let from = part_from(range.first).ok_or_else(no_engine)?;
    let is_last = tails.last().is_some_and(|tail| tail.first_dla_layer == range.first);
    let after = if is_last { Milliseconds(0.0) } else { part_from(range.last).ok_or_else(no_engine)? };
    Ok(Milliseconds(from.0 - after.0))
}

/// To the hundredth of a microsecond that the raw figures have: sums of decimals come out as decimals.
fn rounded(time: Milliseconds) -> Milliseconds {
    Milliseconds((time.0 * 1e5).round() / 1e5)
}
