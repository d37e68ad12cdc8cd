//! From measured times, transitions and demands to the profile that a schedule is made of.

use std::collections::BTreeMap;

use super::demand::Demand;
use super::estimate::Estimate;
use super::layers::{GroupTimes, LayerTimes};
use super::model::precision;
use super::transitions::TransitionTimes;
use super::{GroupCost, GroupProfile, NetworkProfile, ProfileError, Tagged};
use crate::backend::sim::crossing_bytes;
use crate::group::LayerRange;
use crate::network::Network;
use crate::platform::{Accelerator, AcceleratorKind, Platform, Provenance};
use crate::units::Milliseconds;

/// Where the times came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Origin {
    /// Who ran the engines: `sim`, `tensorrt`, `trtexec` or `files`.
    pub backend: String,
    /// Clocks and power mode where known.
    pub power_mode: Option<String>,
    /// Whether the simulator's model took the place of hardware.
    pub simulated: bool,
    /// Sources and remarks for people, one sentence each.
    pub sources: Vec<String>,
}

impl GroupTimes {
    /// Its time on the accelerator of this kind.
    pub fn on(&self, kind: AcceleratorKind) -> Option<&Estimate> {
        match kind {
            AcceleratorKind::Gpu => self.gpu.as_ref(),
            AcceleratorKind::Dla => self.dla.as_ref(),
            AcceleratorKind::Cpu | AcceleratorKind::Npu => None,
        }
    }
}

/// The profile of `network` on `platform`; refused where a group has no time on the GPU.
pub fn join(
    network: &Network,
    platform: &Platform,
    times: &LayerTimes,
    transitions: &TransitionTimes,
    demands: &[BTreeMap<String, Demand>],
    origin: &Origin,
) -> Result<NetworkProfile, ProfileError> {
    let joiner = Joiner { network, platform, transitions, simulated: origin.simulated };
    let mut groups = Vec::new();
    for (times, demands) in times.groups.iter().zip(demands) {
        if times.gpu.is_none() {
            return Err(ProfileError::NoGpuTime { network: network.name.clone(), layers: times.layers });
        }
        groups.push(joiner.group(times, demands));
    }
    let gpu = platform.first_of(AcceleratorKind::Gpu);
    let launch = gpu.zip(times.gpu_launch.as_ref()).map(|(gpu, launch)| {
        (gpu.name.clone(), joiner.tagged(Milliseconds(launch.value.0.max(0.0)), Provenance::Derived))
    });
    Ok(NetworkProfile {
        network: network.name.clone(),
        title: network.title.clone(),
        network_hash: network.content_hash.clone(),
        platform: platform.name.clone(),
        platform_hash: origin.simulated.then(|| platform.content_hash.clone()),
        backend: origin.backend.clone(),
        precision: precision(platform).to_owned(),
        power_mode: origin.power_mode.clone(),
        groups,
        launch: launch.into_iter().collect(),
        sources: origin.sources.clone(),
    })
}

struct Joiner<'a> {
    network: &'a Network,
    platform: &'a Platform,
    transitions: &'a TransitionTimes,
    simulated: bool,
}

impl Joiner<'_> {
    fn tagged<T>(&self, value: T, provenance: Provenance) -> Tagged<T> {
        Tagged { value, provenance: if self.simulated { Provenance::Modelled } else { provenance } }
    }

    fn group(&self, times: &GroupTimes, demands: &BTreeMap<String, Demand>) -> GroupProfile {
        let on = |accelerator: &Accelerator| {
            let estimate = times.on(accelerator.kind)?;
            let demand = demands.get(&accelerator.name)?;
            // The GPU's entries were timed one by one; the DLA's time is a difference of engines.
            let provenance =
                if accelerator.kind == AcceleratorKind::Gpu { Provenance::Measured } else { Provenance::Derived };
            let leads_out = accelerator.kind == AcceleratorKind::Dla && times.dla_leads_out;
            let out = if leads_out { self.way_out(accelerator, times.layers) } else { Milliseconds(0.0) };
            let cost = GroupCost {
                time: self.tagged(Milliseconds((estimate.value.0 - out.0).max(0.0)), provenance),
                half_width: estimate.half_width,
                demand: self.tagged(demand.value.value, demand.value.provenance),
                entry: self.entry(accelerator, times.layers),
                exit: self.exit(accelerator, times.layers),
            };
            Some((accelerator.name.clone(), cost))
        };
        GroupProfile { layers: times.layers, costs: self.platform.accelerators.iter().filter_map(on).collect() }
    }

    /// Cost of entering before a group: the network's own input as it was measured, a transition by the fitted line, and
    /// what the platform says where neither is known.
    fn entry(&self, accelerator: &Accelerator, layers: LayerRange) -> Tagged<Milliseconds> {
        let at = self.transitions.transitions.iter().find(|transition| transition.start == layers.first);
        let input = at.filter(|at| at.start == 0).and_then(|at| at.to_dla.by_reformat);
        if let (Some(input), AcceleratorKind::Dla) = (input, accelerator.kind) {
            return self.tagged(Milliseconds(input.value.0.max(0.0)), Provenance::Measured);
        }
        let crossing = crossing_bytes(self.network, self.platform, layers.first);
        let line = match accelerator.kind {
            AcceleratorKind::Dla => self.transitions.to_dla.as_ref(),
            AcceleratorKind::Gpu => self.transitions.to_gpu.as_ref(),
            AcceleratorKind::Cpu | AcceleratorKind::Npu => None,
        };
        if let Some(line) = line {
            return self.tagged(line.cost(crossing), Provenance::Derived);
        }
        let (value, provenance) = accelerator.transition.entering(crossing);
        self.tagged(value, provenance)
    }

    /// What a schedule pays for going from the DLA to the GPU after a group, and what its time therefore mustn't hold.
    fn way_out(&self, dla: &Accelerator, layers: LayerRange) -> Milliseconds {
        let after = LayerRange { first: layers.last, last: layers.last };
        let gpu = self.platform.first_of(AcceleratorKind::Gpu);
        let entry = gpu.map_or(Milliseconds(0.0), |gpu| self.entry(gpu, after).value);
        self.exit(dla, layers).value + entry
    }

    /// A measured cost holds all of a change and is booked where it goes to; else what the platform says.
    fn exit(&self, accelerator: &Accelerator, layers: LayerRange) -> Tagged<Milliseconds> {
        let measured = match accelerator.kind {
            AcceleratorKind::Gpu => self.transitions.to_dla.is_some(),
            _ => self.transitions.to_gpu.is_some(),
        };
        if measured {
            return self.tagged(Milliseconds(0.0), Provenance::Derived);
        }
        let crossing = crossing_bytes(self.network, self.platform, layers.last);
        let (value, provenance) = accelerator.transition.leaving(crossing);
        self.tagged(value, provenance)
    }
}
