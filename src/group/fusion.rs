//! What TensorRT runs as one: a convolution with the normalization, scaling, sum and activation that follow it.
//!
//! The rules are those of the TensorRT developer guide ("Types of fusions") as far as they concern Caffe networks, taken
//! on the safe side: a fusion that some version performs counts as one, so that no cut between units ever breaks it.

use crate::network::{EltwiseOperation, Layer, LayerKind, Network, Operator, OperatorClass, TensorId};
use crate::units::Bytes;

/// Layers that run as one kernel on a GPU and as one operation on a DLA. Tensors between them never reach memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FusedUnit {
    /// Its layers, ascending; not always neighbours in the file.
    pub layers: Vec<usize>,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Learnt parameters that it reads.
    pub weights: u64,
    /// Elements that it reads from tensors made elsewhere, each tensor once.
    pub inputs: u64,
    /// Elements that it writes to tensors read elsewhere, or by nobody.
    pub outputs: u64,
}

impl FusedUnit {
    /// Everything that it moves through memory once: tensors in, weights, tensors out.
    pub fn bytes(&self, bytes_per_element: u64) -> Bytes {
        Bytes((self.inputs + self.weights + self.outputs) * bytes_per_element)
    }
}

/// The network as TensorRT runs it: every layer belongs to exactly one unit; units are in the order of their last layer.
///
/// * Batch normalization, scale and pointwise activation join the convolution, deconvolution, fully connected layer,
///   matrix product, elementwise layer, batch normalization or scale before them, when nobody else reads the tensor
///   between. An activation ends a unit, unless it is an operator that only ONNX has: chains of those are one.
/// * An elementwise sum joins the last convolution among its bottoms, when that has no activation yet and no other reader.
/// * Parallel 1x1 convolutions that a GPU runs together are not joined: they never lie across a cut.
pub fn fused_units(network: &Network) -> Vec<FusedUnit> {
    let readers = readers(network);
    members(network).into_iter().map(|layers| unit(network, &readers, layers)).collect()
}

/// Position of each layer's unit in [`fused_units`], by layer.
pub(super) fn unit_of_layers(network: &Network) -> Vec<usize> {
    let mut units = vec![0; network.layers.len()];
    for (unit, layers) in members(network).iter().enumerate() {
        for &layer in layers {
            units[layer] = unit;
        }
    }
    units
}

/// Layers of each unit, ascending.
fn members(network: &Network) -> Vec<Vec<usize>> {
    let readers = readers(network);
    let mut units: Vec<Vec<usize>> = Vec::new();
    let mut unit_of: Vec<usize> = Vec::with_capacity(network.layers.len());
    for (index, layer) in network.layers.iter().enumerate() {
        let joined = joins(network, &readers, layer).map(|producer| unit_of[producer]);
        let unit = joined.unwrap_or_else(|| {
            units.push(Vec::new());
            units.len() - 1
        });
        units[unit].push(index);
        unit_of.push(unit);
    }
    units.sort_by_key(|layers| layers.last().copied());
    units
}

/// The layers that read each tensor, ascending; a layer that reads it twice stands there twice.
pub(super) fn readers(network: &Network) -> Vec<Vec<usize>> {
    let mut readers = vec![Vec::new(); network.tensors.len()];
    for (index, layer) in network.layers.iter().enumerate() {
        for tensor in &layer.bottoms {
            readers[tensor.0].push(index);
        }
    }
    readers
}

/// The layer whose unit `layer` continues.
fn joins(network: &Network, readers: &[Vec<usize>], layer: &Layer) -> Option<usize> {
    let private = |tensor: &TensorId| {
        let producer = network.tensor(*tensor).producer?;
        (readers[tensor.0].len() == 1 && network.layers[producer].tops.len() == 1).then_some(producer)
    };
    match &layer.kind {
        LayerKind::BatchNorm { .. }
        | LayerKind::Scale { .. }
        | LayerKind::Relu { .. }
        | LayerKind::Activation(_)
        | LayerKind::Operator(Operator { class: OperatorClass::Pointwise, .. }) => {
            let [bottom] = layer.bottoms.as_slice() else { return None };
            private(bottom).filter(|&producer| is_open(&network.layers[producer].kind))
        }
        LayerKind::Eltwise(eltwise) if eltwise.operation == EltwiseOperation::Sum => {
            layer.bottoms.iter().filter_map(private).filter(|&producer| ends_linear(network, readers, producer)).max()
        }
        _ => None,
    }
}

/// Whether a normalization, scale or activation may join a unit that ends with a layer of this type.
fn is_open(kind: &LayerKind) -> bool {
    matches!(
        kind,
        LayerKind::Convolution(_)
            | LayerKind::Deconvolution(_)
            | LayerKind::InnerProduct(_)
            | LayerKind::Eltwise(_)
            | LayerKind::BatchNorm { .. }
            | LayerKind::Scale { .. }
            | LayerKind::Operator(Operator { class: OperatorClass::Product | OperatorClass::Pointwise, .. })
    )
}

/// Whether the unit that ends with `layer` is a convolution with nothing but normalization and scale behind it.
fn ends_linear(network: &Network, readers: &[Vec<usize>], layer: usize) -> bool {
    match &network.layers[layer].kind {
        LayerKind::Convolution(_) => true,
        LayerKind::BatchNorm { .. } | LayerKind::Scale { .. } => joins(network, readers, &network.layers[layer])
            .is_some_and(|producer| ends_linear(network, readers, producer)),
        _ => false,
    }
}

/// Sums up the layers of one unit.
fn unit(network: &Network, readers: &[Vec<usize>], layers: Vec<usize>) -> FusedUnit {
    let within = |producer: Option<usize>| producer.is_some_and(|producer| layers.contains(&producer));
    let mut read: Vec<TensorId> = layers.iter().flat_map(|&layer| network.layers[layer].bottoms.clone()).collect();
    read.sort_unstable();
    read.dedup();
    read.retain(|tensor| !within(network.tensor(*tensor).producer));
    let written = layers.iter().flat_map(|&layer| network.layers[layer].tops.clone());
    let kept = written.filter(|tensor| leaves(&readers[tensor.0], |reader| layers.contains(&reader)));
    FusedUnit {
        macs: layers.iter().map(|&layer| network.layers[layer].macs).sum(),
        weights: layers.iter().map(|&layer| network.layers[layer].weights).sum(),
        inputs: read.iter().map(|&tensor| network.tensor(tensor).shape.elements()).sum(),
        outputs: kept.map(|tensor| network.tensor(tensor).shape.elements()).sum(),
        layers,
    }
}

/// Whether a tensor with these readers leaves the layers that write it: somebody else reads it, or nobody does.
pub(super) fn leaves(readers: &[usize], within: impl Fn(usize) -> bool) -> bool {
    readers.is_empty() || readers.iter().any(|&reader| !within(reader))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, chain, inception, residual};
    use super::*;

    fn units(network: &Network) -> Vec<Vec<usize>> {
        fused_units(network).into_iter().map(|unit| unit.layers).collect()
    }

    #[test]
    fn normalization_scale_and_activation_join_the_convolution() {
        let network = chain(&["conv", "bn", "scale", "relu", "pool", "fc", "relu", "softmax"]);
        assert_eq!(units(&network), [vec![0, 1, 2, 3], vec![4], vec![5, 6], vec![7]]);
    }

    #[test]
    fn operators_of_onnx_on_single_elements_join_what_is_before_them_and_each_other() {
        let network = chain(&["matmul", "gelu", "gelu", "reshape", "gelu", "conv", "gelu", "matmul"]);
        assert_eq!(units(&network), [vec![0, 1, 2], vec![3], vec![4], vec![5, 6], vec![7]]);
    }

    #[test]
    fn nothing_joins_after_an_activation() {
        assert_eq!(units(&chain(&["conv", "relu", "bn", "scale", "relu"])), [vec![0, 1], vec![2, 3, 4]]);
    }

    #[test]
    fn an_activation_after_pooling_lrn_or_concat_stands_alone() {
        assert_eq!(units(&chain(&["conv", "pool", "relu", "lrn", "relu"])), [[0], [1], [2], [3], [4]]);
    }

    #[test]
    fn a_sum_joins_the_last_convolution_before_it() {
        // conv0 relu1 | conv2 (shortcut) | conv3 relu4 conv5 sum6 relu7
        let network = residual();
        assert_eq!(units(&network), [vec![0, 1], vec![2], vec![3, 4], vec![5, 6, 7]]);
    }

    #[test]
    fn a_tensor_with_two_readers_is_not_fused_away() {
        let mut builder = Builder::new();
        let input = builder.input(8);
        let conv = builder.add("conv", &[input]);
        let relu = builder.add("relu", &[conv]);
        builder.add("sum", &[conv, relu]);
        assert_eq!(units(&builder.build()), [[0], [1], [2]]);
    }

    #[test]
    fn a_unit_counts_each_tensor_once_and_none_that_stays_inside() {
        let network = residual();
        let elements = network.tensors[0].shape.elements();
        let sum = &fused_units(&network)[3];
        assert_eq!((sum.inputs, sum.outputs), (2 * elements, elements));
        assert_eq!(sum.bytes(2), Bytes(2 * (3 * elements + sum.weights)));
    }

    #[test]
    fn every_layer_belongs_to_exactly_one_unit() {
        let mut layers: Vec<usize> = units(&inception()).concat();
        layers.sort_unstable();
        assert_eq!(layers, (0..inception().layers.len()).collect::<Vec<_>>());
    }
}
