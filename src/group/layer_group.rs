//! A layer group: what lies between two cuts, with what it computes and moves and who can run it.

use crate::network::{Network, TensorId};
use crate::units::Bytes;

use super::fusion::{leaves, readers};
use super::{AcceleratorRules, FP16_BYTES, FusedUnit, LayerRange, Unsupported, first_unsupported, fused_units};

/// Consecutive layers that are placed together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerGroup {
    /// The layers.
    pub layers: LayerRange,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Learnt parameters, FP16.
    pub weights: Bytes,
    /// Tensors that fused units read and write, FP16; those inside a unit never reach memory.
    pub activations: Bytes,
    /// Tensor handed over by the group before (the network's input for the first group), FP16.
    pub crossing_in: Bytes,
    /// Tensor handed to the group after, and any output of the network that is made here, FP16.
    pub crossing_out: Bytes,
    /// Who can run it, in the order of the accelerators.
    pub support: Vec<GroupSupport>,
    /// Whether it belongs to the network's end that some accelerator can't run; it isn't counted among the N groups.
    pub tail: bool,
}

/// Whether one accelerator can run a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSupport {
    /// The accelerator's name.
    pub accelerator: String,
    /// The first layer that it can't run, and why; `None` where it runs them all.
    pub blocked_by: Option<(usize, Unsupported)>,
}

impl LayerGroup {
    /// Whether the accelerator called `name` runs every layer of the group; false for an unknown name.
    pub fn runs_on(&self, name: &str) -> bool {
        self.support.iter().any(|support| support.accelerator == name && support.blocked_by.is_none())
    }

    /// Weights and tensors together.
    pub fn bytes(&self) -> Bytes {
        self.weights + self.activations
    }
}

/// The groups between consecutive starts, which ascend from 0 and stay below the number of layers. Where one isn't a legal
/// cut, a fused unit that lies across it counts in both groups.
pub fn between(network: &Network, starts: &[usize], accelerators: &[AcceleratorRules]) -> Vec<LayerGroup> {
    let units = fused_units(network);
    let readers = readers(network);
    let ends = starts.iter().skip(1).copied().chain([network.layers.len()]);
    let ranges = starts.iter().zip(ends).map(|(&first, last)| LayerRange { first, last });
    ranges.map(|layers| group(network, &units, &readers, layers, accelerators)).collect()
}

fn group(
    network: &Network,
    units: &[FusedUnit],
    readers: &[Vec<usize>],
    layers: LayerRange,
    accelerators: &[AcceleratorRules],
) -> LayerGroup {
    let own = || units.iter().filter(|unit| unit.layers.iter().any(|&layer| layers.contains(layer)));
    let support = |accelerator: &AcceleratorRules| GroupSupport {
        accelerator: accelerator.name.to_string(),
        blocked_by: first_unsupported(network, layers.first..layers.last, accelerator.rules),
    };
    LayerGroup {
        layers,
        macs: own().map(|unit| unit.macs).sum(),
        weights: fp16(own().map(|unit| unit.weights).sum()),
        activations: fp16(own().map(|unit| unit.inputs + unit.outputs).sum()),
        crossing_in: fp16(elements_into(network, layers)),
        crossing_out: fp16(elements_out_of(network, readers, layers)),
        support: accelerators.iter().map(support).collect(),
        tail: false,
    }
}

fn fp16(elements: u64) -> Bytes {
    Bytes(elements * FP16_BYTES)
}

/// Elements of the tensors that the layers read and don't write.
fn elements_into(network: &Network, layers: LayerRange) -> u64 {
    let mut tensors: Vec<TensorId> =
        network.layers[layers.first..layers.last].iter().flat_map(|layer| layer.bottoms.clone()).collect();
    tensors.sort_unstable();
    tensors.dedup();
    let outside = tensors.iter().map(|&tensor| network.tensor(tensor));
    outside.filter(|tensor| tensor.producer.is_none_or(|by| !layers.contains(by))).map(|t| t.shape.elements()).sum()
}

/// Elements of the tensors that the layers write and somebody outside, or nobody, reads.
fn elements_out_of(network: &Network, readers: &[Vec<usize>], layers: LayerRange) -> u64 {
    let written = network.layers[layers.first..layers.last].iter().flat_map(|layer| layer.tops.clone());
    let kept = written.filter(|tensor| leaves(&readers[tensor.0], |reader| layers.contains(reader)));
    kept.map(|tensor| network.tensor(tensor).shape.elements()).sum()
}
