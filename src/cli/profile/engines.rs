//! Which engines of a network tell what is asked.

use crate::engine::{Device, EngineSpec, Variant};
use crate::group::LayerGroup;
use crate::network::Network;
use crate::platform::{AcceleratorKind, Platform};

/// Engines of `network` in `groups`: whole ones, and those that change before each group.
pub(super) fn for_layers(
    network: &Network,
    groups: &[LayerGroup],
    platform: &Platform,
    dla_core: u32,
) -> Vec<EngineSpec> {
    let spec = |start, variant| EngineSpec { network: network.name.clone(), start, variant, dla_core };
    let mut engines = vec![EngineSpec { dla_core: 0, ..spec(Device::Gpu, Variant::Transition(None)) }];
    if dla(platform).is_none() {
        return engines;
    }
    engines.push(spec(Device::Dla, Variant::Transition(None)));
    for start in starts(groups, platform) {
        engines.push(spec(Device::Gpu, Variant::Transition(Some(start))));
        engines.push(spec(Device::Dla, Variant::Transition(Some(start))));
    }
    engines
}

/// Engines of `network` whose output before each group is marked, on both devices.
pub(super) fn for_marks(
    network: &Network,
    groups: &[LayerGroup],
    platform: &Platform,
    dla_core: u32,
) -> Vec<EngineSpec> {
    if dla(platform).is_none() {
        return Vec::new();
    }
    let marks = starts(groups, platform).into_iter().map(|start| Variant::Mark(Some(start - 1)));
    let both = |variant| {
        [Device::Gpu, Device::Dla].map(|start| EngineSpec {
            network: network.name.clone(),
            start,
            variant,
            dla_core: if start == Device::Dla { dla_core } else { 0 },
        })
    };
    marks.flat_map(both).collect()
}

/// First layers of the groups, but for the first one, that have the DLA's work on both sides.
fn starts(groups: &[LayerGroup], platform: &Platform) -> Vec<usize> {
    let Some(dla) = dla(platform) else { return Vec::new() };
    let runs = |groups: &[LayerGroup]| groups.iter().any(|group| group.runs_on(dla));
    let both = (1..groups.len()).filter(|&at| runs(&groups[..at]) && runs(&groups[at..]));
    both.map(|at| groups[at].layers.first).collect()
}

/// Name of the platform's DLA.
pub(super) fn dla(platform: &Platform) -> Option<&str> {
    platform.first_of(AcceleratorKind::Dla).map(|dla| dla.name.as_str())
}
