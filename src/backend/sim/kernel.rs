//! What a network is made of when an accelerator runs it: kernels, each a layer with what is fused into it, with the
//! multiply-accumulates and the bytes that the cost model charges for.

use crate::group::{FusedUnit, LayerRange, fused_units};
use crate::network::{Convolution, Layer, LayerKind, Network, Operator, OperatorClass, TensorId};
use crate::platform::{AcceleratorKind, Platform, Roofline};
use crate::units::{Bytes, Milliseconds};

/// One launch on an accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Layers that it runs, ascending.
    pub layers: Vec<usize>,
    /// Multiply-accumulates with the input channels of every convolution filled up to whole vectors.
    pub macs: u64,
    /// Bytes that it moves: tensors read and written, and weights.
    pub bytes: Bytes,
}

/// What the cost model charges for, summed over kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Number of kernels.
    pub n_kernels: f64,
    /// 10^9 multiply-accumulates.
    pub gmacs: f64,
    /// 10^9 bytes.
    pub gigabytes: f64,
}

impl Work {
    /// The work of all of `kernels`.
    pub fn of<'a>(kernels: impl IntoIterator<Item = &'a Kernel>) -> Self {
        kernels.into_iter().fold(Self::default(), |sum, kernel| Self {
            n_kernels: sum.n_kernels + 1.0,
            gmacs: sum.gmacs + kernel.macs as f64 / 1e9,
            gigabytes: sum.gigabytes + kernel.bytes.0 as f64 / 1e9,
        })
    }

    /// `overhead + macs / compute + bytes / bandwidth` of the work under `roofline`.
    pub fn time(&self, roofline: &Roofline) -> Milliseconds {
        let compute = self.gmacs / roofline.compute_gmacs.value * 1e3;
        let memory = self.gigabytes / roofline.bandwidth.value.0 * 1e3;
        Milliseconds(self.n_kernels * roofline.overhead.value.0 + compute + memory)
    }
}

/// The kernels of `network` on the accelerator at `accelerator` of the platform, in the order of their last layers.
///
/// They are the fused units, but for two things that TensorRT does: a GPU runs equal 1x1 convolutions of one tensor as
/// one kernel, and a concatenation moves only what its producers could not write in place.
pub fn kernels(network: &Network, platform: &Platform, accelerator: usize) -> Vec<Kernel> {
    let kind = platform.accelerators[accelerator].kind;
    let units = fused_units(network);
    let launches = match kind {
        AcceleratorKind::Gpu => merge_siblings(network, units),
        _ => units.into_iter().map(|unit| vec![unit]).collect(),
    };
    let model = Launcher { network, launches: &launches, kind, bytes_per_element: platform.bytes_per_element };
    launches.iter().filter_map(|launch| model.kernel(launch)).collect()
}

/// Those of `kernels` that start with a layer of `range`.
pub fn within(kernels: &[Kernel], range: LayerRange) -> impl Iterator<Item = &Kernel> {
    kernels.iter().filter(move |kernel| range.contains(kernel.layers[0]))
}

/// Bytes of the tensors that cross from the layers before `cut` to those from `cut` on; the network's inputs at 0, its
/// outputs at the end.
pub fn crossing_bytes(network: &Network, platform: &Platform, cut: usize) -> Bytes {
    let is_output = |id: TensorId| !network.layers.iter().any(|layer| layer.bottoms.contains(&id));
    let crosses = |id: TensorId| {
        let before = network.tensor(id).producer.is_none_or(|producer| producer < cut);
        let read_after = network.layers.iter().skip(cut).any(|layer| layer.bottoms.contains(&id));
        before && (read_after || (cut == network.layers.len() && is_output(id)))
    };
    let ids = (0..network.tensors.len()).map(TensorId).filter(|&id| crosses(id));
    Bytes(ids.map(|id| network.tensor(id).shape.elements()).sum::<u64>() * platform.bytes_per_element)
}

/// Bytes of all that `layer` puts out.
pub fn output_bytes(network: &Network, platform: &Platform, layer: usize) -> Bytes {
    let elements = network.layers[layer].tops.iter().map(|&top| network.tensor(top).shape.elements());
    Bytes(elements.sum::<u64>() * platform.bytes_per_element)
}

/// Units that run as one, in the order of their first unit.
fn merge_siblings(network: &Network, units: Vec<FusedUnit>) -> Vec<Vec<FusedUnit>> {
    let mut launches: Vec<Vec<FusedUnit>> = Vec::new();
    for unit in units {
        match launches.iter_mut().find(|launch| are_siblings(network, &launch[0], &unit)) {
            Some(launch) => launch.push(unit),
            None => launches.push(vec![unit]),
        }
    }
    launches
}

/// Whether two units are 1x1 convolutions of one tensor that differ in nothing but their channels.
fn are_siblings(network: &Network, one: &FusedUnit, other: &FusedUnit) -> bool {
    let kinds = |unit: &FusedUnit| -> Vec<&str> {
        unit.layers.iter().map(|&idx| network.layers[idx].kind.caffe_name()).collect()
    };
    bottoms(network, one) == bottoms(network, other)
        && match (pointwise(network, one), pointwise(network, other)) {
            (Some(a), Some(b)) => a.window == b.window && kinds(one) == kinds(other),
            _ => false,
        }
}

/// The convolution that `unit` starts with, where it is 1x1 and not grouped.
fn pointwise<'a>(network: &'a Network, unit: &FusedUnit) -> Option<&'a Convolution> {
    match &network.layers[unit.layers[0]].kind {
        LayerKind::Convolution(convolution) if convolution.window.kernel == [1, 1] && convolution.group == 1 => {
            Some(convolution)
        }
        _ => None,
    }
}

fn bottoms<'a>(network: &'a Network, unit: &FusedUnit) -> &'a [TensorId] {
    &network.layers[unit.layers[0]].bottoms
}

/// Turns units that run as one into a kernel.
struct Launcher<'a> {
    network: &'a Network,
    launches: &'a [Vec<FusedUnit>],
    kind: AcceleratorKind,
    bytes_per_element: u64,
}

impl Launcher<'_> {
    /// `None` where nothing is left to do.
    fn kernel(&self, launch: &[FusedUnit]) -> Option<Kernel> {
        let mut layers: Vec<usize> = launch.iter().flat_map(|unit| unit.layers.iter().copied()).collect();
        layers.sort_unstable();
        let elements = match self.network.layers[layers[0]].kind {
            LayerKind::Concat => 2 * self.copied_elements(layers[0]),
            LayerKind::Operator(Operator { class: OperatorClass::View, .. }) => 0,
            _ => launch[0].inputs + launch.iter().map(|unit| unit.weights + unit.outputs).sum::<u64>(),
        };
        let macs = layers.iter().map(|&idx| self.filled_macs(&self.network.layers[idx])).sum();
        let bytes = Bytes(elements * self.bytes_per_element);
        (elements > 0 || macs > 0).then_some(Kernel { layers, macs, bytes })
    }

    /// Elements that a concatenation copies: producers write into its output at once, except one that others read too
    /// and one of several that run as one kernel.
    fn copied_elements(&self, concat: usize) -> u64 {
        let is_copied = |id: &&TensorId| {
            let n_readers = self.network.layers.iter().filter(|layer| layer.bottoms.contains(id)).count();
            n_readers > 1 || self.network.tensor(**id).producer.is_some_and(|producer| self.is_merged(producer))
        };
        let bottoms = self.network.layers[concat].bottoms.iter().filter(is_copied);
        bottoms.map(|&id| self.network.tensor(id).shape.elements()).sum()
    }

    fn is_merged(&self, layer: usize) -> bool {
        let runs_layer = |launch: &&Vec<FusedUnit>| launch.iter().any(|unit| unit.layers.contains(&layer));
        self.launches.iter().find(runs_layer).is_some_and(|launch| launch.len() > 1)
    }

    /// Multiply-accumulates with input channels filled up to the vectors that the accelerator computes on.
    fn filled_macs(&self, layer: &Layer) -> u64 {
        let LayerKind::Convolution(convolution) = &layer.kind else { return layer.macs };
        let vector = (vector_bytes(self.kind) / self.bytes_per_element).max(1);
        let channels = (self.network.tensor(layer.bottoms[0]).shape.channels / convolution.group.max(1)).max(1);
        layer.macs / channels * channels.next_multiple_of(vector)
    }
}

/// Bytes of the channel vectors that an accelerator's convolutions work on: tensor cores take 8 FP16 values, and the
/// DLA's native tensor formats hold 32 bytes per point (`kCHW16` in FP16, `kCHW32` in INT8; TensorRT developer guide).
fn vector_bytes(kind: AcceleratorKind) -> u64 {
    match kind {
        AcceleratorKind::Gpu => 16,
        AcceleratorKind::Dla => 32,
        AcceleratorKind::Cpu | AcceleratorKind::Npu => 1,
    }
}
