//! Profiles out of the simulator's cost model, for every network that nobody has measured.

use std::collections::BTreeMap;

use super::{GroupCost, GroupProfile, NetworkProfile, Tagged};
use crate::backend::sim::{Kernel, Work, kernels, within};
use crate::group::LayerGroup;
use crate::network::Network;
use crate::platform::{Platform, Provenance};
use crate::units::{Bytes, GigabytesPerSecond, Milliseconds};

/// The profile of `network` on `platform` by the cost model: times and transitions are tagged modelled; the demand,
/// bytes of kernels over time, derived.
pub fn model(network: &Network, platform: &Platform, groups: &[LayerGroup]) -> NetworkProfile {
    let kernels: Vec<Vec<Kernel>> =
        (0..platform.accelerators.len()).map(|accelerator| kernels(network, platform, accelerator)).collect();
    let groups = groups.iter().map(|group| GroupProfile {
        layers: group.layers,
        costs: costs(
            group,
            platform,
            |accelerator| {
                let work = Work::of(within(&kernels[accelerator], group.layers));
                let time = work.time(&platform.accelerators[accelerator].roofline);
                Tagged { value: time, provenance: Provenance::Modelled }
            },
            &kernels,
        ),
    });
    NetworkProfile {
        network: network.name.clone(),
        title: network.title.clone(),
        network_hash: network.content_hash.clone(),
        platform: platform.name.clone(),
        platform_hash: Some(platform.content_hash.clone()),
        backend: "sim".to_owned(),
        precision: precision(platform).to_owned(),
        power_mode: None,
        groups: groups.collect(),
        launch: BTreeMap::new(),
        sources: vec!["the simulator's cost model; see `haxconn platform calibrate`".to_owned()],
    }
}

/// The precision that the platform's engines are built in.
pub(super) fn precision(platform: &Platform) -> &'static str {
    match platform.bytes_per_element {
        1 => "int8",
        2 => "fp16",
        _ => "fp32",
    }
}

/// Costs of `group` on every accelerator that runs it, where `time` (by the accelerator's position) is its time.
pub(super) fn costs(
    group: &LayerGroup,
    platform: &Platform,
    time: impl Fn(usize) -> Tagged<Milliseconds>,
    kernels: &[Vec<Kernel>],
) -> BTreeMap<String, GroupCost> {
    let accelerators = platform.accelerators.iter().enumerate();
    accelerators
        .filter(|(_, accelerator)| group.runs_on(&accelerator.name))
        .map(|(idx, accelerator)| {
            let time = time(idx);
            let bytes = within(&kernels[idx], group.layers).map(|kernel| kernel.bytes).sum();
            let model = &accelerator.transition;
            let cost = GroupCost {
                time,
                half_width: None,
                demand: Tagged { value: demand(bytes, time.value, platform), provenance: Provenance::Derived },
                entry: transition(model.entering(group.crossing_in), time.provenance),
                exit: transition(model.leaving(group.crossing_out), time.provenance),
            };
            (accelerator.name.clone(), cost)
        })
        .collect()
}

/// Bytes over time, never more than the memory can deliver.
fn demand(bytes: Bytes, time: Milliseconds, platform: &Platform) -> GigabytesPerSecond {
    GigabytesPerSecond(bytes.over(time).0.min(platform.peak_bandwidth.value.0))
}

/// A transition of a modelled profile is modelled; one of a published profile keeps its parameters' provenance.
fn transition((value, of_parameters): (Milliseconds, Provenance), of_time: Provenance) -> Tagged<Milliseconds> {
    let provenance = if of_time == Provenance::Modelled { Provenance::Modelled } else { of_parameters };
    Tagged { value, provenance }
}
