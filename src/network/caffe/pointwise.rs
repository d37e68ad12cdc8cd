//! Layers that keep their input's shape, and the fully connected layer.

use super::block::Block;
use super::definition::RawLayer;
use super::operation::{Operation, output, weights};
use crate::network::text::Field;
use crate::network::{
    Activation, Eltwise, EltwiseOperation, InnerProduct, LayerKind, LocalResponseNormalization, NetworkError, Shape,
};

/// Fully connected: every output reads every element of the input.
pub(super) fn inner_product(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let known = ["num_output", "bias_term", "weight_filler", "bias_filler", "axis", "transpose"];
    let block = layer.parameters("inner_product_param", &known)?;
    block.channel_axis("axis")?;
    let num_output = block.required("num_output")?;
    let bias = block.flag("bias_term", true)?;
    let macs = weights(layer, &[num_output, input.elements()])?;
    let weights = macs + if bias { num_output } else { 0 };
    let kind = LayerKind::InnerProduct(InnerProduct { num_output, bias });
    Ok(Operation { kind, output: output(layer, num_output, 1, 1)?, macs, weights })
}

/// Rectified linear unit.
pub(super) fn relu(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("relu_param", &["negative_slope", "engine"])?;
    let negative_slope = block.real_or("negative_slope", 0.0)?;
    Ok(Operation::light(LayerKind::Relu { negative_slope }, input, 0))
}

/// Bounds on both sides; the file must give them.
pub(super) fn clip(layer: &RawLayer) -> Result<Activation, NetworkError> {
    let block = layer.parameters("clip_param", &["min", "max"])?;
    Ok(Activation::Clip { min: block.required_real("min")?, max: block.required_real("max")? })
}

/// Exponential linear unit.
pub(super) fn elu(layer: &RawLayer) -> Result<Activation, NetworkError> {
    let block = layer.parameters("elu_param", &["alpha"])?;
    Ok(Activation::Elu { alpha: block.real_or("alpha", 1.0)? })
}

/// Power of a linear function.
pub(super) fn power(layer: &RawLayer) -> Result<Activation, NetworkError> {
    let block = layer.parameters("power_param", &["power", "scale", "shift"])?;
    let [power, scale] = [block.real_or("power", 1.0)?, block.real_or("scale", 1.0)?];
    Ok(Activation::Power { power, scale, shift: block.real_or("shift", 0.0)? })
}

/// Logistic function.
pub(super) fn sigmoid(layer: &RawLayer) -> Result<Activation, NetworkError> {
    layer.parameters("sigmoid_param", &["engine"])?;
    Ok(Activation::Sigmoid)
}

/// Hyperbolic tangent.
pub(super) fn tanh(layer: &RawLayer) -> Result<Activation, NetworkError> {
    layer.parameters("tanh_param", &["engine"])?;
    Ok(Activation::TanH)
}

/// Local response normalization.
pub(super) fn lrn(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("lrn_param", &["local_size", "alpha", "beta", "norm_region", "k", "engine"])?;
    let local_size = block.positive_or("local_size", 5)?;
    if local_size % 2 == 0 {
        return Err(block.error(block.position, &format!("`local_size` is {local_size}, it must be odd")));
    }
    let regions = [("ACROSS_CHANNELS", "0", true), ("WITHIN_CHANNEL", "1", false)];
    let across_channels = block.choice("norm_region", &regions, true)?;
    let [alpha, beta, k] = [block.real_or("alpha", 1.0)?, block.real_or("beta", 0.75)?, block.real_or("k", 1.0)?];
    let lrn = LocalResponseNormalization { local_size, across_channels, alpha, beta, k };
    Ok(Operation::light(LayerKind::Lrn(lrn), input, 0))
}

/// Normalization by a stored mean and variance per channel. Caffe takes a negative `eps` and answers with NaN wherever a
/// variance is smaller; here it is refused.
pub(super) fn batch_norm(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("batch_norm_param", &["use_global_stats", "moving_average_fraction", "eps"])?;
    let epsilon = block.single("eps")?.map_or(Ok(1e-5), |field| epsilon(&block, field))?;
    Ok(Operation::light(LayerKind::BatchNorm { epsilon }, input, 2 * input.channels))
}

fn epsilon(block: &Block, field: &Field) -> Result<f64, NetworkError> {
    let epsilon = block.real(field)?;
    if epsilon < 0.0 {
        return Err(block.error(field.position, &format!("`eps` is {epsilon}, it must not be negative")));
    }
    Ok(epsilon)
}

/// Scale and shift per channel.
pub(super) fn scale(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("scale_param", &["axis", "num_axes", "filler", "bias_term", "bias_filler"])?;
    block.channel_axis("axis")?;
    if block.signed_or("num_axes", 1)? != 1 {
        return Err(block.error(block.position, "`num_axes` must be 1: only a scale per channel can be run"));
    }
    let bias = block.flag("bias_term", false)?;
    let weights = if bias { 2 * input.channels } else { input.channels };
    Ok(Operation::light(LayerKind::Scale { bias }, input, weights))
}

/// Softmax over the channels.
pub(super) fn softmax(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    layer.parameters("softmax_param", &["engine", "axis"])?.channel_axis("axis")?;
    Ok(Operation::light(LayerKind::Softmax, input, 0))
}

/// Elementwise combination of two blobs of one shape.
pub(super) fn eltwise(layer: &RawLayer, inputs: &[Shape]) -> Result<Operation, NetworkError> {
    let block = layer.parameters("eltwise_param", &["operation", "coeff", "stable_prod_grad"])?;
    let [first, second] = *inputs else {
        return Err(layer.error(&format!("it has {} `bottom`, TensorRT takes two", inputs.len())));
    };
    if first != second {
        let [left, right] = [layer.bottoms[0], layer.bottoms[1]];
        let message = format!("blob `{}` is {second}, but `{}` is {first}", right.name, left.name);
        return Err(layer.block.error(right.position, &message));
    }
    let (product, sum, max) = (EltwiseOperation::Product, EltwiseOperation::Sum, EltwiseOperation::Max);
    let operations = [("PROD", "0", product), ("SUM", "1", sum), ("MAX", "2", max)];
    let operation = block.choice("operation", &operations, sum)?;
    let coefficients = block.all("coeff").map(|field| block.real(field)).collect::<Result<Vec<_>, _>>()?;
    if !coefficients.is_empty() && (operation != sum || coefficients.len() != inputs.len()) {
        return Err(block.error(block.position, "`coeff` must stand once per `bottom`, and only in a sum"));
    }
    Ok(Operation::light(LayerKind::Eltwise(Eltwise { operation, coefficients }), first, 0))
}
