//! Operators on single elements, and normalizations: the output has the input's shape, or that of both broadcast.

use super::node::{Meaning, Node, Operation, Output, Source, Value, broadcast, is_image};
use crate::network::onnx::{OnnxError, element};
use crate::network::{
    Activation, Eltwise, EltwiseOperation, LayerKind, LocalResponseNormalization, Operator, OperatorClass,
};

fn operator(node: &Node, class: OperatorClass) -> LayerKind {
    LayerKind::Operator(Operator { name: node.proto.op_type.clone(), class })
}

/// A layer that keeps the shape and the type of its first input.
fn same_shape(node: &Node, kind: LayerKind, weights: u64) -> Result<Meaning, OnnxError> {
    node.layer(kind, node.input(0)?.dims.clone(), 0, weights)
}

/// A function of one tensor's elements.
pub(super) fn unary(node: &Node) -> Result<Meaning, OnnxError> {
    let kind = match node.proto.op_type.as_str() {
        "Relu" => LayerKind::Relu { negative_slope: 0.0 },
        "LeakyRelu" => LayerKind::Relu { negative_slope: node.float("alpha", 0.01) },
        "Elu" => LayerKind::Activation(Activation::Elu { alpha: node.float("alpha", 1.0) }),
        "Sigmoid" => LayerKind::Activation(Activation::Sigmoid),
        "Tanh" => LayerKind::Activation(Activation::TanH),
        "Softplus" => LayerKind::Activation(Activation::Bnll),
        "Abs" => LayerKind::Activation(Activation::AbsoluteValue),
        "Sqrt" => power(0.5, 1.0),
        "Reciprocal" => power(-1.0, 1.0),
        "Neg" => power(1.0, -1.0),
        "Clip" => clip(node)?,
        _ => operator(node, OperatorClass::Pointwise),
    };
    same_shape(node, kind, 0)
}

fn power(power: f64, scale: f64) -> LayerKind {
    LayerKind::Activation(Activation::Power { power, scale, shift: 0.0 })
}

/// Bounds are attributes up to version 10 and inputs after it; either may be left out.
fn clip(node: &Node) -> Result<LayerKind, OnnxError> {
    let limits = [f64::from(f32::MIN), f64::from(f32::MAX)];
    let bound = |at: usize| match node.optional(at + 1) {
        None => Some(node.float(["min", "max"][at], limits[at])),
        Some(value) => value.values().and_then(|values| values.real().first().copied()),
    };
    match [bound(0), bound(1)] {
        [Some(min), Some(max)] if min.is_finite() && max.is_finite() => {
            let bounds = if node.input(0)?.element == element::FLOAT { Some((min, max)) } else { None };
            Ok(bounds.map_or_else(
                || operator(node, OperatorClass::Pointwise),
                |(min, max)| LayerKind::Activation(Activation::Clip { min, max }),
            ))
        }
        _ => Ok(operator(node, OperatorClass::Pointwise)),
    }
}

/// A conversion of the element type; to the same type it is nothing.
pub(super) fn cast(node: &Node) -> Result<Meaning, OnnxError> {
    let value = node.input(0)?;
    let to = match node.proto.op_type.as_str() {
        "CastLike" => node.input(1)?.element,
        _ => i32::try_from(node.int("to", 0)).unwrap_or(0),
    };
    if to == value.element {
        return Ok(Meaning::View(value.dims.clone()));
    }
    Ok(typed(node, to, value.dims.clone()))
}

/// A pointwise layer whose elements are of another type than its input's.
fn typed(node: &Node, element: i32, dims: Vec<u64>) -> Meaning {
    let outputs = vec![Output { element, dims }];
    let weights = node.constant_elements();
    Meaning::Layer(Operation { kind: operator(node, OperatorClass::Pointwise), outputs, macs: 0, weights })
}

/// From real numbers to whole ones by a scale and a zero point, or back.
pub(super) fn quantize(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = node.input(0)?.dims.clone();
    let element = match (node.proto.op_type.as_str(), node.optional(2)) {
        ("QuantizeLinear", Some(zero_point)) => zero_point.element,
        ("QuantizeLinear", None) => element::UINT8,
        _ => node.input(1)?.element,
    };
    Ok(typed(node, element, dims))
}

/// A comparison or a truth function of one or two tensors.
pub(super) fn logical(node: &Node) -> Result<Meaning, OnnxError> {
    Ok(typed(node, element::BOOL, all_broadcast(node)?))
}

/// A choice by a condition.
pub(super) fn choose(node: &Node) -> Result<Meaning, OnnxError> {
    Ok(typed(node, node.input(1)?.element, all_broadcast(node)?))
}

fn all_broadcast(node: &Node) -> Result<Vec<u64>, OnnxError> {
    let mut dims = node.input(0)?.dims.clone();
    for value in node.present().skip(1) {
        let wider = broadcast(&dims, &value.dims);
        dims = wider.ok_or_else(|| node.error(format!("its inputs {dims:?} and {:?} don't fit", value.dims)))?;
    }
    Ok(dims)
}

/// A function of the elements of two tensors, or of several.
pub(super) fn binary(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = all_broadcast(node)?;
    let kind = match node.inputs.as_slice() {
        [Some(one), Some(other)] if !one.is_constant() && !other.is_constant() => both_computed(node, one, other),
        [Some(one), Some(other)] if one.dims == dims => with_constant(node, one, other, false),
        [Some(one), Some(other)] if other.dims == dims => with_constant(node, other, one, true),
        _ => None,
    };
    let kind = kind.unwrap_or_else(|| operator(node, OperatorClass::Pointwise));
    let n_weights = match kind {
        // One number is learnt, too, where it is a channel's.
        LayerKind::Scale { .. } => node.present().filter(|it| it.is_constant()).map(Value::n_elements).sum(),
        _ => node.constant_elements(),
    };
    node.layer(kind, dims, 0, n_weights)
}

/// Two tensors of one shape by what Caffe calls an elementwise layer.
fn both_computed(node: &Node, one: &Value, other: &Value) -> Option<LayerKind> {
    let (operation, coefficients) = match node.proto.op_type.as_str() {
        "Add" | "Sum" => (EltwiseOperation::Sum, Vec::new()),
        "Sub" => (EltwiseOperation::Sum, vec![1.0, -1.0]),
        "Mul" => (EltwiseOperation::Product, Vec::new()),
        "Max" => (EltwiseOperation::Max, Vec::new()),
        _ => return None,
    };
    (one.dims == other.dims).then_some(LayerKind::Eltwise(Eltwise { operation, coefficients }))
}

/// A computed tensor with one number, or with one a channel. `reversed` where the constant comes first.
fn with_constant(node: &Node, computed: &Value, constant: &Value, reversed: bool) -> Option<LayerKind> {
    let Source::Constant(values) = &constant.source else { return None };
    // An image of one channel is scaled by channel where the constant has its sides: `1 x 1 x 1` and not one number.
    if node.proto.op_type == "Mul" && is_by_channel(&computed.dims, &constant.dims) {
        return Some(LayerKind::Scale { bias: false });
    }
    if constant.n_elements() != 1 {
        return None;
    }
    let number = *values.as_ref()?.real().first()?;
    let [power, scale, shift] = match (node.proto.op_type.as_str(), reversed) {
        ("Add", _) => [1.0, 1.0, number],
        ("Sub", false) => [1.0, 1.0, -number],
        ("Sub", true) => [1.0, -1.0, number],
        ("Mul", _) => [1.0, number, 0.0],
        ("Div", false) => [1.0, number.recip(), 0.0],
        ("Pow", false) => [number, 1.0, 0.0],
        _ => return None,
    };
    let finite = [power, scale, shift].iter().all(|number| f64::from(crate::network::single(*number)).is_finite());
    finite.then_some(LayerKind::Activation(Activation::Power { power, scale, shift }))
}

/// Whether a constant has one number for each channel of an image.
fn is_by_channel(image: &[u64], constant: &[u64]) -> bool {
    let [_, channels, spatial @ ..] = image else { return false };
    if !is_image(image) {
        return false;
    }
    let [leading @ .., of_channels] = constant.get(..constant.len().saturating_sub(spatial.len())).unwrap_or_default()
    else {
        return false;
    };
    let trailing = &constant[leading.len() + 1..];
    of_channels == channels && leading.iter().chain(trailing).all(|side| *side == 1)
}

/// A rectified linear unit with a learnt slope.
pub(super) fn prelu(node: &Node) -> Result<Meaning, OnnxError> {
    let slopes = node.input(1)?;
    let weights = if slopes.is_constant() { slopes.n_elements() } else { 0 };
    same_shape(node, operator(node, OperatorClass::Pointwise), weights)
}

/// Normalization by stored mean and variance, scale and shift: two numbers a channel, to which four can be folded.
pub(super) fn batch_norm(node: &Node) -> Result<Meaning, OnnxError> {
    let input = node.input(0)?;
    let channels = input.dims.get(1).copied().unwrap_or(1);
    for at in 1..5 {
        let stored = node.input(at)?;
        if stored.dims != [channels] {
            let message = format!("its input {at} is {:?}, but its input has {channels} channels", stored.dims);
            return Err(node.error(message));
        }
    }
    if node.int("training_mode", 0) != 0 {
        return Err(node.error("it is in training mode; export the model for inference"));
    }
    let epsilon = node.float("epsilon", 1e-5);
    let stored = node.inputs.iter().skip(1).flatten().all(|value| value.is_constant());
    let plain = stored && epsilon >= 0.0 && epsilon.is_finite() && is_image(&input.dims);
    let kind = if plain { LayerKind::BatchNorm { epsilon } } else { operator(node, OperatorClass::Normalization) };
    same_shape(node, kind, if stored { 2 * channels } else { 0 })
}

/// Normalization over some of the sides; second outputs are what only training reads.
pub(super) fn normalization(node: &Node) -> Result<Meaning, OnnxError> {
    same_shape(node, operator(node, OperatorClass::Normalization), node.constant_elements())
}

/// Local response normalization across channels.
pub(super) fn lrn(node: &Node) -> Result<Meaning, OnnxError> {
    let local_size = node.side(node.int("size", 0), "size")?;
    let [alpha, beta] = [node.float("alpha", 1e-4), node.float("beta", 0.75)];
    let lrn = LocalResponseNormalization { local_size, across_channels: true, alpha, beta, k: node.float("bias", 1.0) };
    let finite = [alpha, beta, lrn.k].iter().all(|number| number.is_finite());
    if local_size % 2 == 0 || !finite || !is_image(&node.input(0)?.dims) {
        return normalization(node);
    }
    same_shape(node, LayerKind::Lrn(lrn), 0)
}

/// Softmax; over the channels of one image it is Caffe's. Up to version 12 it runs over all sides from its axis on.
pub(super) fn softmax(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let axis = node.axis(node.int("axis", if node.opset < 13 { 1 } else { -1 }), dims.len())?;
    let over_one_side = node.opset >= 13 || dims[axis + 1..].iter().all(|side| *side == 1);
    let plain = node.proto.op_type == "Softmax" && axis == 1 && is_image(dims) && over_one_side;
    let kind = if plain { LayerKind::Softmax } else { operator(node, OperatorClass::Normalization) };
    same_shape(node, kind, 0)
}
