//! Times of parts of networks that ran as models: `layer_results.json` and `transition_results.json` of ONNX Runtime.
//!
//! Keys and units are listed in `docs/formats.md`.

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use crate::network::Network;
use crate::platform::Platform;
use crate::profile::{Estimate, SegmentedNetwork};

/// What is written of one network.
#[derive(Clone, Copy, Debug)]
pub struct SegmentResults<'a> {
    /// The network.
    pub network: &'a Network,
    /// What was measured of it.
    pub segmented: &'a SegmentedNetwork,
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u64,
    backend: &'a str,
    version: &'a str,
    simulated: bool,
    platform: &'a str,
    networks: Vec<NetworkField<'a>>,
}

#[derive(Serialize)]
struct NetworkField<'a> {
    name: &'a str,
    hash: &'a str,
    groups: Vec<[usize; 2]>,
    accelerators: Vec<AcceleratorField<'a>>,
    handovers: Vec<HandoverField<'a>>,
}

#[derive(Serialize)]
struct AcceleratorField<'a> {
    name: &'a str,
    up_to: Vec<TimeField>,
    from: Vec<TimeField>,
    launch_ms: f64,
    t_ms: Vec<f64>,
    in_ms: Vec<f64>,
    demand_gbps: Vec<f64>,
    whole_demand_gbps: Option<f64>,
}

#[derive(Serialize)]
struct TimeField {
    ms: f64,
    half_width_ms: Option<f64>,
}

impl From<&Estimate> for TimeField {
    fn from(estimate: &Estimate) -> Self {
        Self { ms: estimate.value.0, half_width_ms: estimate.half_width.map(|half| half.0) }
    }
}

#[derive(Serialize)]
struct HandoverField<'a> {
    group: usize,
    from: &'a str,
    to: &'a str,
    crossing_bytes: u64,
    ms: f64,
}

/// The document; `version` is that of what ran the parts.
pub fn segment_results_to_json<'a>(
    backend: &str,
    version: &str,
    platform: &Platform,
    networks: impl Iterator<Item = SegmentResults<'a>>,
) -> Result<String> {
    let networks = networks.map(|results| network_field(results, platform)).collect();
    to_json(&Document {
        schema_version: SCHEMA_VERSION,
        backend,
        version,
        simulated: false,
        platform: &platform.name,
        networks,
    })
}

fn network_field<'a>(
    SegmentResults { network, segmented }: SegmentResults<'a>,
    platform: &Platform,
) -> NetworkField<'a> {
    let accelerators = segmented.times.iter().enumerate().map(|(idx, times)| {
        let costs = times.costs();
        AcceleratorField {
            name: &times.accelerator,
            up_to: times.up_to.iter().map(Into::into).collect(),
            from: times.from.iter().map(Into::into).collect(),
            launch_ms: costs.launch.0,
            t_ms: costs.work.iter().map(|time| time.0).collect(),
            in_ms: costs.entry.iter().map(|time| time.0).collect(),
            demand_gbps: segmented.group_demands(network, platform, idx).iter().map(|it| it.value.0).collect(),
            whole_demand_gbps: segmented.demands[idx].map(|demand| demand.0),
        }
    });
    let handovers = segmented.handovers.iter().map(|it| HandoverField {
        group: it.group,
        from: &it.from,
        to: &it.to,
        crossing_bytes: it.crossing.0,
        ms: it.cost.0,
    });
    NetworkField {
        name: &network.name,
        hash: &network.content_hash,
        groups: segmented.groups.iter().map(|layers| [layers.first, layers.last]).collect(),
        accelerators: accelerators.collect(),
        handovers: handovers.collect(),
    }
}
