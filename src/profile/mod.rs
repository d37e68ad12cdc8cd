//! What is known of a network on a platform: per layer group and accelerator its time, its memory demand and the cost
//! of entering and leaving. Simulated, published and measured profiles look alike; each number says which it is.

mod booking;
mod calibration;
mod contention;
mod demand;
pub mod emc;
mod error;
mod estimate;
mod join;
mod layers;
mod merge;
mod model;
mod published;
mod raw;
mod segments;
mod traffic;
mod transitions;
mod validate;

use std::collections::BTreeMap;

use crate::group::LayerRange;
use crate::platform::Provenance;
use crate::units::{GigabytesPerSecond, Milliseconds};

pub use booking::{Booking, GpuTime, NotThatEngine, book};
pub use calibration::{
    AcceleratorFit, CalibrationSources, CoRun, PUBLISHED_CO_RUN, UNVERIFIED_ALEXNET, calibrate_platform, co_run,
};
pub use contention::{ContentionModel, FitError, FittedContention, Regions, fit_pccs, fit_table};
pub use demand::{Demand, DemandSource, TrafficFigures, demands};
pub use error::ProfileError;
pub use estimate::{Estimate, line, non_increasing};
pub use join::{Origin, join};
pub use layers::{EngineRun, EngineTimes, GroupTimes, LayerTimes, Tail, layer_times};
pub use merge::merge_groups;
pub use model::model;
pub use published::{GOOGLENET_DLA_TAILS, GOOGLENET_GPU_LAYERS, Residue, googlenet_on_xavier, residues};
pub use raw::{DlaTail, GpuLayer, dla_tails, gpu_layers};
pub use segments::{Handover, SegmentCosts, SegmentTimes, SegmentedNetwork, demand_that_slows, handover_line};
pub use traffic::{CountedTraffic, counted_bytes};
pub use transitions::{Mark, Measures, Transition, TransitionLine, TransitionTimes, transition_times};
pub use validate::validate;

/// A value of a profile and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tagged<T> {
    /// The value.
    pub value: T,
    /// What kind of number it is.
    pub provenance: Provenance,
}

/// One group on one accelerator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GroupCost {
    /// Standalone time.
    pub time: Tagged<Milliseconds>,
    /// Half the width of the time's 95 % confidence interval, where it was measured repeatedly.
    pub half_width: Option<Milliseconds>,
    /// Memory throughput that it asks for when it runs alone.
    pub demand: Tagged<GigabytesPerSecond>,
    /// Cost of entering the accelerator before this group.
    pub entry: Tagged<Milliseconds>,
    /// Cost of leaving the accelerator after this group.
    pub exit: Tagged<Milliseconds>,
}

/// One layer group and its cost on every accelerator that can run it, by accelerator name.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupProfile {
    /// The layers.
    pub layers: LayerRange,
    /// Costs; an accelerator that can't run the group is absent.
    pub costs: BTreeMap<String, GroupCost>,
}

/// The profile of one network on one platform.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkProfile {
    /// Short name of the network.
    pub network: String,
    /// The network's title for people.
    pub title: String,
    /// Content hash of the network that was profiled.
    pub network_hash: String,
    /// Name of the platform.
    pub platform: String,
    /// Content hash of the platform, where the numbers depend on its file (modelled ones do).
    pub platform_hash: Option<String>,
    /// Who produced it: `sim`, `published`, `tensorrt`, `onnxruntime`.
    pub backend: String,
    /// Precision of the engines (`fp16`).
    pub precision: String,
    /// Clocks and power mode where known; profiles of different ones are refused together.
    pub power_mode: Option<String>,
    /// Groups in the order of their layers, without gaps.
    pub groups: Vec<GroupProfile>,
    /// Cost of starting an engine, by accelerator name; absent is zero.
    pub launch: BTreeMap<String, Tagged<Milliseconds>>,
    /// Sources and remarks for people, one sentence each.
    pub sources: Vec<String>,
}

impl NetworkProfile {
    /// How uncertain its times are: the half widths of their 95 % confidence intervals, as a share of the times that have
    /// one, each weighted by its length. `None` where none has. Groups' errors may cancel in a sum, which this doesn't count on.
    pub fn time_uncertainty(&self) -> Option<f64> {
        let costs = self.groups.iter().flat_map(|group| group.costs.values());
        let known: Vec<(f64, f64)> = costs.filter_map(|cost| Some((cost.half_width?.0, cost.time.value.0))).collect();
        let (widths, times) = known.iter().fold((0.0, 0.0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
        (times > 0.0).then(|| widths / times)
    }
}
