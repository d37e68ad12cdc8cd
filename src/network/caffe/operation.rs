//! What a layer computes on inputs of known shapes, by its type.

use super::definition::RawLayer;
use super::{pointwise, rearrange, schema, window};
use crate::network::{Activation, LayerKind, NetworkError, Shape, nearest};

/// What a layer computes, what comes out and what it costs.
pub(super) struct Operation {
    pub(super) kind: LayerKind,
    pub(super) output: Shape,
    /// Multiply-accumulates.
    pub(super) macs: u64,
    /// Learnt parameters.
    pub(super) weights: u64,
}

impl Operation {
    /// An operation without multiply-accumulates.
    pub(super) fn light(kind: LayerKind, output: Shape, weights: u64) -> Self {
        Self { kind, output, macs: 0, weights }
    }
}

/// Most learnt parameters of one layer, which is also Caffe's limit on a blob's elements.
const MAX_WEIGHTS: u64 = 2_147_483_647;

/// The product of `factors`, refused where a layer would hold more parameters than Caffe can.
pub(super) fn weights(layer: &RawLayer, factors: &[u64]) -> Result<u64, NetworkError> {
    let product = factors.iter().try_fold(1_u64, |product, factor| product.checked_mul(*factor));
    let product = product.filter(|product| *product <= MAX_WEIGHTS);
    product.ok_or_else(|| layer.error("it has more than 2147483647 parameters"))
}

/// A shape that a layer produces, refused where it has more elements than Caffe can hold.
pub(super) fn output(layer: &RawLayer, channels: u64, height: u64, width: u64) -> Result<Shape, NetworkError> {
    let shape = Shape::checked(channels, height, width);
    shape.ok_or_else(|| layer.error("its output has more than 2147483647 elements"))
}

/// The only input of a layer.
pub(super) fn only(layer: &RawLayer, inputs: &[Shape]) -> Result<Shape, NetworkError> {
    match *inputs {
        [input] => Ok(input),
        _ => Err(layer.error(&format!("it has {} `bottom`, it must have one", inputs.len()))),
    }
}

/// Reads a layer's type and parameters.
pub(super) fn read(layer: &RawLayer, inputs: &[Shape]) -> Result<Operation, NetworkError> {
    let activation = |activation| Ok(Operation::light(LayerKind::Activation(activation), only(layer, inputs)?, 0));
    match layer.kind {
        "Convolution" => window::convolution(layer, only(layer, inputs)?),
        "Deconvolution" => window::deconvolution(layer, only(layer, inputs)?),
        "Pooling" => window::pooling(layer, only(layer, inputs)?),
        "InnerProduct" => pointwise::inner_product(layer, only(layer, inputs)?),
        "ReLU" => pointwise::relu(layer, only(layer, inputs)?),
        "PReLU" => Err(layer.error("its type `PReLU` can't be run: TensorRT makes two layers of it")),
        "LRN" => pointwise::lrn(layer, only(layer, inputs)?),
        "BatchNorm" => pointwise::batch_norm(layer, only(layer, inputs)?),
        "Scale" => pointwise::scale(layer, only(layer, inputs)?),
        "Softmax" => pointwise::softmax(layer, only(layer, inputs)?),
        "Eltwise" => pointwise::eltwise(layer, inputs),
        "AbsVal" => activation(Activation::AbsoluteValue),
        "BNLL" => activation(Activation::Bnll),
        "Clip" => activation(pointwise::clip(layer)?),
        "ELU" => activation(pointwise::elu(layer)?),
        "Power" => activation(pointwise::power(layer)?),
        "Sigmoid" => activation(pointwise::sigmoid(layer)?),
        "TanH" => activation(pointwise::tanh(layer)?),
        "Concat" => rearrange::concat(layer, inputs),
        "Crop" => rearrange::crop(layer, inputs),
        "Permute" => rearrange::permute(layer, only(layer, inputs)?),
        "Reduction" => rearrange::reduction(layer, only(layer, inputs)?),
        "Reshape" => rearrange::reshape(layer, only(layer, inputs)?),
        other => Err(unknown_type(layer, other)),
    }
}

/// TensorRT's table of types is in `parsers/caffe/caffeParser/opParsers/opParsers.h` of its open-source part.
fn unknown_type(layer: &RawLayer, kind: &str) -> NetworkError {
    let mut hint = nearest::did_you_mean(kind, schema::TYPES.iter().copied());
    if hint.is_empty() {
        hint = format!("; supported are {}", schema::TYPES.join(", "));
    }
    layer.error(&format!("its type `{kind}` is not supported{hint}"))
}
