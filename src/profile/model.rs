//! Profiles out of the simulator's cost model, for every network that nobody has measured.

use std::collections::BTreeMap;

use super::{GroupCost, GroupProfile, NetworkProfile, Tagged};
use crate::backend::sim::{Kernel, Work, kernels, within};
use crate::group::LayerGroup;
use crate::network::Network;
use crate::platform::{Platform, Provenance, Sourced, TransitionModel};
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
            let TransitionModel { in_fixed, in_per_mib, out_fixed, out_per_mib } = &accelerator.transition;
            let cost = GroupCost {
                time,
                demand: Tagged { value: demand(bytes, time.value, platform), provenance: Provenance::Derived },
                entry: transition(in_fixed, in_per_mib, group.crossing_in, time.provenance),
                exit: transition(out_fixed, out_per_mib, group.crossing_out, time.provenance),
            };
            (accelerator.name.clone(), cost)
        })
        .collect()
}

/// Bytes over time, never more than the memory can deliver.
fn demand(bytes: Bytes, time: Milliseconds, platform: &Platform) -> GigabytesPerSecond {
    GigabytesPerSecond(bytes.over(time).0.min(platform.peak_bandwidth.value.0))
}

/// Cost of entering or leaving with a tensor of `crossing`, linear in it.
fn transition(
    fixed: &Sourced<Milliseconds>,
    per_mib: &Sourced<Milliseconds>,
    crossing: Bytes,
    of_time: Provenance,
) -> Tagged<Milliseconds> {
    let value = fixed.value.0 + per_mib.value.0 * crossing.mebibytes();
    let provenance = weaker(fixed.provenance.max(per_mib.provenance), of_time);
    Tagged { value: Milliseconds(value), provenance }
}

/// A transition of a modelled profile is modelled; one of a published profile keeps its parameters' provenance.
fn weaker(of_parameters: Provenance, of_time: Provenance) -> Provenance {
    if of_time == Provenance::Modelled { Provenance::Modelled } else { of_parameters }
}
