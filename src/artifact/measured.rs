//! Measured times: `layer_results.json` and `transition_results.json`. Layer ranges are half-open; times in milliseconds;
//! null where nothing is known.
//!
//! Keys and units are listed in `docs/formats.md`.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use crate::network::Network;
use crate::platform::{AcceleratorKind, Platform};
use crate::profile::{
    Demand, EngineTimes, Estimate, LayerTimes, Measures, NetworkProfile, Tail, TransitionLine, TransitionTimes,
};

/// What is written of one network's layer groups.
#[derive(Clone, Copy, Debug)]
pub struct LayerResults<'a> {
    /// The network.
    pub network: &'a Network,
    /// The platform.
    pub platform: &'a Platform,
    /// Its times.
    pub times: &'a LayerTimes,
    /// Its demands by accelerator name, a group each.
    pub demands: &'a [BTreeMap<String, Demand>],
}

#[derive(Serialize)]
struct Document<'a, T> {
    schema_version: u64,
    backend: &'a str,
    simulated: bool,
    platform: &'a str,
    networks: Vec<T>,
}

#[derive(Serialize)]
struct NetworkField<'a> {
    name: &'a str,
    title: &'a str,
    hash: &'a str,
}

impl<'a> From<&'a Network> for NetworkField<'a> {
    fn from(network: &'a Network) -> Self {
        Self { name: &network.name, title: &network.title, hash: &network.content_hash }
    }
}

#[derive(Serialize)]
struct EstimateField {
    ms: f64,
    half_width_ms: Option<f64>,
}

impl From<Estimate> for EstimateField {
    fn from(estimate: Estimate) -> Self {
        Self { ms: estimate.value.0, half_width_ms: estimate.half_width.map(|half| half.0) }
    }
}

#[derive(Serialize)]
struct LayersField<'a> {
    network: NetworkField<'a>,
    groups: Vec<GroupField>,
    tails: Vec<TailField>,
    engines: Vec<EngineField<'a>>,
    gpu_launch: Option<EstimateField>,
    dla_launch: Option<EstimateField>,
    left_out: &'a [String],
    remarks: &'a [String],
}

#[derive(Serialize)]
struct GroupField {
    layers: [usize; 2],
    gpu: Option<SideField>,
    dla: Option<SideField>,
    dla_over_gpu: Option<f64>,
}

#[derive(Serialize)]
struct SideField {
    t_ms: f64,
    half_width_ms: Option<f64>,
    spans_zero: bool,
    demand_gbps: Option<f64>,
    demand_source: Option<&'static str>,
    demand_clamped: bool,
}

#[derive(Serialize)]
struct TailField {
    start: usize,
    measured: EstimateField,
    fitted_ms: f64,
}

#[derive(Serialize)]
struct EngineField<'a> {
    engine: String,
    origin: &'a str,
    scaled_by: Option<f64>,
    total_ms: f64,
    gpu_ms: f64,
    reformat_ms: f64,
    into_dla_ms: f64,
    dla_ms: f64,
    fallback_ms: f64,
    unattributed_ms: f64,
    unattributed: Vec<EntryField<'a>>,
}

#[derive(Serialize)]
struct EntryField<'a> {
    name: &'a str,
    ms: f64,
}

/// The document of layer groups; `backend` ran the engines.
pub fn layer_results_to_json<'a>(
    backend: &str,
    simulated: bool,
    platform: &Platform,
    networks: impl Iterator<Item = LayerResults<'a>>,
) -> Result<String> {
    let networks = networks.map(layers_field).collect();
    to_json(&Document { schema_version: SCHEMA_VERSION, backend, simulated, platform: &platform.name, networks })
}

fn layers_field(results: LayerResults<'_>) -> LayersField<'_> {
    let LayerResults { network, platform, times, demands } = results;
    let groups = times.groups.iter().zip(demands).map(|(group, demands)| {
        let side = |kind| Some(side_field(*group.on(kind)?, demand_on(platform, demands, kind)));
        let dla_over_gpu = group.gpu.zip(group.dla).filter(|(gpu, _)| gpu.value.0 > 0.0);
        GroupField {
            layers: [group.layers.first, group.layers.last],
            gpu: side(AcceleratorKind::Gpu),
            dla: side(AcceleratorKind::Dla),
            dla_over_gpu: dla_over_gpu.map(|(gpu, dla)| dla.value.0 / gpu.value.0),
        }
    });
    LayersField {
        network: network.into(),
        groups: groups.collect(),
        tails: times.tails.iter().map(tail_field).collect(),
        engines: times.engines.iter().map(engine_field).collect(),
        gpu_launch: times.gpu_launch.map(Into::into),
        dla_launch: times.dla_launch.map(Into::into),
        left_out: &times.left_out,
        remarks: &times.remarks,
    }
}

fn demand_on<'a>(
    platform: &Platform,
    demands: &'a BTreeMap<String, Demand>,
    kind: AcceleratorKind,
) -> Option<&'a Demand> {
    let accelerator = platform.first_of(kind)?;
    demands.get(&accelerator.name)
}

fn side_field(estimate: Estimate, demand: Option<&Demand>) -> SideField {
    SideField {
        t_ms: estimate.value.0,
        half_width_ms: estimate.half_width.map(|half| half.0),
        spans_zero: estimate.spans_zero(),
        demand_gbps: demand.map(|demand| demand.value.value.0),
        demand_source: demand.map(|demand| demand.source.name()),
        demand_clamped: demand.is_some_and(|demand| demand.clamped),
    }
}

fn tail_field(tail: &Tail) -> TailField {
    TailField { start: tail.start, measured: tail.measured.into(), fitted_ms: tail.fitted.0 }
}

fn engine_field(engine: &EngineTimes) -> EngineField<'_> {
    let booking = &engine.booking;
    EngineField {
        engine: engine.spec.stem(),
        origin: &engine.origin,
        scaled_by: engine.factor,
        total_ms: booking.total.0,
        gpu_ms: booking.gpu.iter().map(|entry| entry.time.0).sum(),
        reformat_ms: booking.reformats().0,
        into_dla_ms: booking.into_dla.0,
        dla_ms: booking.dla.0,
        fallback_ms: booking.fallback.iter().map(|entry| entry.time.0).sum(),
        unattributed_ms: booking.unattributed().0,
        unattributed: booking.unattributed.iter().map(|(name, time)| EntryField { name, ms: time.0 }).collect(),
    }
}

#[derive(Serialize)]
struct TransitionsField<'a> {
    network: NetworkField<'a>,
    transitions: Vec<TransitionField>,
    gpu_to_dla_line: Option<LineField>,
    dla_to_gpu_line: Option<LineField>,
}

#[derive(Serialize)]
struct TransitionField {
    start: usize,
    crossing_bytes: u64,
    gpu_to_dla: ToDlaField,
    dla_to_gpu: ToGpuField,
}

#[derive(Serialize)]
struct ToDlaField {
    by_reformat: Option<EstimateField>,
    #[serde(flatten)]
    mark: MarkField,
}

#[derive(Serialize)]
struct ToGpuField {
    by_difference: Option<EstimateField>,
    #[serde(flatten)]
    mark: MarkField,
}

#[derive(Serialize)]
struct MarkField {
    by_mark: Option<EstimateField>,
    marked_bytes: Option<u64>,
}

#[derive(Serialize)]
struct LineField {
    measure: &'static str,
    fixed_ms: f64,
    per_mib_ms: f64,
    residuals: Vec<ResidualField>,
}

#[derive(Serialize)]
struct ResidualField {
    start: usize,
    ms: f64,
}

/// The document of transitions; `backend` ran the engines.
pub fn transition_results_to_json<'a>(
    backend: &str,
    simulated: bool,
    platform: &Platform,
    networks: impl Iterator<Item = (&'a Network, &'a TransitionTimes)>,
) -> Result<String> {
    let networks = networks.map(|(network, times)| transitions_field(network, times)).collect();
    to_json(&Document { schema_version: SCHEMA_VERSION, backend, simulated, platform: &platform.name, networks })
}

fn transitions_field<'a>(network: &'a Network, times: &TransitionTimes) -> TransitionsField<'a> {
    let mark = |measures: Measures| MarkField {
        by_mark: measures.by_mark.map(|mark| mark.cost.into()),
        marked_bytes: measures.by_mark.map(|mark| mark.bytes.0),
    };
    let estimate = |measures: Measures| measures.by_reformat.map(Into::into);
    let transitions = times.transitions.iter().map(|transition| TransitionField {
        start: transition.start,
        crossing_bytes: transition.crossing.0,
        gpu_to_dla: ToDlaField { by_reformat: estimate(transition.to_dla), mark: mark(transition.to_dla) },
        dla_to_gpu: ToGpuField { by_difference: estimate(transition.to_gpu), mark: mark(transition.to_gpu) },
    });
    TransitionsField {
        network: network.into(),
        transitions: transitions.collect(),
        gpu_to_dla_line: times.to_dla.as_ref().map(|line| line_field("by_reformat", line)),
        dla_to_gpu_line: times.to_gpu.as_ref().map(|line| line_field("by_difference", line)),
    }
}

/// `measure` is what the line is through where it isn't through marked outputs.
fn line_field(measure: &'static str, line: &TransitionLine) -> LineField {
    let residuals = line.residuals.iter().map(|&(start, residual)| ResidualField { start, ms: residual.0 });
    LineField {
        measure: if line.by_mark { "by_mark" } else { measure },
        fixed_ms: line.fixed.0,
        per_mib_ms: line.per_mib.0,
        residuals: residuals.collect(),
    }
}

/// One document that holds `profiles` as their files do.
pub fn profiles_to_json(profiles: &[NetworkProfile]) -> Result<String> {
    #[derive(Serialize)]
    struct Profiles {
        schema_version: u64,
        profiles: Vec<serde_json::Value>,
    }
    let profile = |profile: &NetworkProfile| Ok(serde_json::from_str(&super::write_profile(profile)?)?);
    to_json(&Profiles {
        schema_version: SCHEMA_VERSION,
        profiles: profiles.iter().map(profile).collect::<Result<_>>()?,
    })
}
