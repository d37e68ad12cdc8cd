//! How much memory throughput a layer group asks for when it runs alone: from the best source that there is.

use std::collections::BTreeMap;

use super::Tagged;
use super::emc::{EmcFigure, SingleConvolution, nearest_convolution, ratio_rule};
use super::layers::{GroupTimes, LayerTimes};
use crate::backend::sim::{kernels, within};
use crate::group::LayerRange;
use crate::network::Network;
use crate::platform::{Accelerator, AcceleratorKind, Platform, Provenance};
use crate::units::{Bytes, GigabytesPerSecond, Milliseconds};

/// What a demand was made of, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DemandSource {
    /// Bytes that Nsight Compute counted, over the group's time alone. (Not over Nsight's own times: it slows kernels.)
    Nsight,
    /// The GPU's demand times the ratio of the memory's throughput for the nearest measured convolution on the DLA and on the
    /// GPU (the rule of HaX-CoNN's artifact, README step 5).
    Ratio,
    /// Bytes of tensors and weights over time, times one factor an accelerator that fits the memory controller's use by
    /// the whole engine.
    Emc,
    /// Bytes of tensors and weights over time.
    Model,
}

impl DemandSource {
    /// The word in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nsight => "nsight",
            Self::Ratio => "ratio",
            Self::Emc => "emc",
            Self::Model => "model",
        }
    }
}

/// What was measured of the memory's use; all of it may be empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TrafficFigures {
    /// Bytes of each group on the GPU by Nsight Compute, in the groups' order.
    pub counted: Vec<Option<Bytes>>,
    /// For each group, how the nearest convolution's use of the memory on the DLA compares to that on the GPU.
    pub dla_ratio: Vec<Option<f64>>,
    /// By accelerator name, measured over modelled bytes of the whole network.
    pub factor: BTreeMap<String, f64>,
}

impl TrafficFigures {
    /// Takes in how busy single convolutions and the whole of `network` kept the memory.
    #[must_use]
    pub fn with_emc(self, network: &Network, platform: &Platform, times: &LayerTimes, emc: &[EmcFigure]) -> Self {
        let ratio = |group: &GroupTimes| dla_ratio(network, platform, group.layers, emc);
        let factor = |(idx, accelerator): (usize, &Accelerator)| {
            let measured = emc.iter().find(|it| it.network == network.name && it.accelerator == accelerator.name)?;
            let modelled = whole_demand(network, platform, times, idx)?;
            let factor = measured.demand?.0 / modelled.0;
            // A memory that no sample saw in use says nothing of the bytes.
            (factor > 0.0).then(|| (accelerator.name.clone(), factor))
        };
        Self {
            dla_ratio: times.groups.iter().map(ratio).collect(),
            factor: platform.accelerators.iter().enumerate().filter_map(factor).collect(),
            ..self
        }
    }
}

/// How much the DLA asks of the memory, over how much the GPU does, by the convolution nearest to `layers` of which both are
/// known.
fn dla_ratio(network: &Network, platform: &Platform, layers: LayerRange, emc: &[EmcFigure]) -> Option<f64> {
    let figure = |kind, convolution| {
        let accelerator = platform.first_of(kind)?;
        emc.iter().find(|it| it.convolution == Some(convolution) && it.accelerator == accelerator.name)
    };
    let ratio = |convolution| {
        ratio_rule(figure(AcceleratorKind::Dla, convolution)?, figure(AcceleratorKind::Gpu, convolution)?)
    };
    let has_both = |convolution: &SingleConvolution| ratio(*convolution).is_some();
    let known: Vec<SingleConvolution> = emc.iter().filter_map(|it| it.convolution).filter(has_both).collect();
    ratio(nearest_convolution(network, layers, &known)?)
}

/// Modelled bytes of all groups that have a time on an accelerator, over those times.
fn whole_demand(
    network: &Network,
    platform: &Platform,
    times: &LayerTimes,
    accelerator: usize,
) -> Option<GigabytesPerSecond> {
    let kernels = kernels(network, platform, accelerator);
    let kind = platform.accelerators[accelerator].kind;
    let known = || times.groups.iter().filter_map(|group| Some((group.layers, group.on(kind)?.value)));
    let bytes: Bytes = known().flat_map(|(layers, _)| within(&kernels, layers)).map(|kernel| kernel.bytes).sum();
    let demand = bytes.over(known().map(|(_, time)| time).sum());
    (demand.0 > 0.0).then_some(demand)
}

/// A group's demand on one accelerator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Demand {
    /// The demand, never above the platform's peak.
    pub value: Tagged<GigabytesPerSecond>,
    /// Whether it came out above the peak, which a right time and right bytes don't.
    pub clamped: bool,
    /// What it was made of.
    pub source: DemandSource,
}

/// For each group of `times`, its demand by accelerator name where it has a time there.
pub fn demands(
    network: &Network,
    platform: &Platform,
    times: &LayerTimes,
    figures: &TrafficFigures,
) -> Vec<BTreeMap<String, Demand>> {
    let mut all: Vec<BTreeMap<String, Demand>> = vec![BTreeMap::new(); times.groups.len()];
    for (accelerator, described) in platform.accelerators.iter().enumerate() {
        let kernels = kernels(network, platform, accelerator);
        for (idx, group) in times.groups.iter().enumerate() {
            let Some(estimate) = group.on(described.kind) else { continue };
            let bytes = within(&kernels, group.layers).map(|kernel| kernel.bytes).sum();
            let known = Known { idx, bytes, time: estimate.value, figures };
            let gpu = platform.first_of(AcceleratorKind::Gpu).and_then(|gpu| all[idx].get(&gpu.name)).copied();
            let (value, source) = known.best(described.kind, &described.name, gpu.map(|demand| demand.value.value));
            let peak = platform.peak_bandwidth.value.0;
            let clamped = value.0 > peak;
            let value = GigabytesPerSecond(value.0.min(peak));
            let provenance = match (source, gpu) {
                (DemandSource::Model, _) => Provenance::Modelled,
                // A ratio of a modelled demand is no better than that.
                (DemandSource::Ratio, Some(gpu)) => gpu.value.provenance,
                _ => Provenance::Derived,
            };
            all[idx].insert(described.name.clone(), Demand { value: Tagged { value, provenance }, clamped, source });
        }
    }
    all
}

/// What is known of one group on one accelerator.
struct Known<'a> {
    idx: usize,
    bytes: Bytes,
    time: Milliseconds,
    figures: &'a TrafficFigures,
}

impl Known<'_> {
    fn best(
        &self,
        kind: AcceleratorKind,
        name: &str,
        of_gpu: Option<GigabytesPerSecond>,
    ) -> (GigabytesPerSecond, DemandSource) {
        let at = |list: &[Option<f64>]| list.get(self.idx).copied().flatten();
        let counted = self.figures.counted.get(self.idx).copied().flatten();
        if let Some(bytes) = counted.filter(|_| kind == AcceleratorKind::Gpu) {
            return (bytes.over(self.time), DemandSource::Nsight);
        }
        if let (AcceleratorKind::Dla, Some(ratio), Some(gpu)) = (kind, at(&self.figures.dla_ratio), of_gpu) {
            return (GigabytesPerSecond(ratio * gpu.0), DemandSource::Ratio);
        }
        let modelled = self.bytes.over(self.time);
        match self.figures.factor.get(name) {
            Some(factor) => (GigabytesPerSecond(modelled.0 * factor), DemandSource::Emc),
            None => (modelled, DemandSource::Model),
        }
    }
}
