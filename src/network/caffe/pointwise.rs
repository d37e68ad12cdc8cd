//! Layers that keep their input's shape, and the fully connected layer.

use super::definition::RawLayer;
use super::operation::{Operation, output, weights};
use crate::network::text::{Field, Value};
use crate::network::{
    Eltwise, EltwiseOperation, InnerProduct, LayerKind, LocalResponseNormalization, NetworkError, Shape,
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
    let slope = block.single("negative_slope")?;
    let leaky = slope.map(|field| real(layer, field)).transpose()?.is_some_and(|slope| slope != 0.0);
    Ok(Operation::light(LayerKind::Relu { leaky }, input, 0))
}

/// Any other function of one element.
pub(super) fn activation(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let (name, known): (_, &[&str]) = match layer.kind {
        "Clip" => ("clip_param", &["min", "max"]),
        "ELU" => ("elu_param", &["alpha"]),
        "Power" => ("power_param", &["power", "scale", "shift"]),
        "Sigmoid" => ("sigmoid_param", &["engine"]),
        "TanH" => ("tanh_param", &["engine"]),
        _ => return Ok(Operation::light(LayerKind::Activation(layer.kind.to_owned()), input, 0)),
    };
    layer.parameters(name, known)?;
    Ok(Operation::light(LayerKind::Activation(layer.kind.to_owned()), input, 0))
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
    let kind = LayerKind::Lrn(LocalResponseNormalization { local_size, across_channels });
    Ok(Operation::light(kind, input, 0))
}

/// Normalization by a stored mean and variance per channel.
pub(super) fn batch_norm(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    layer.parameters("batch_norm_param", &["use_global_stats", "moving_average_fraction", "eps"])?;
    Ok(Operation::light(LayerKind::BatchNorm, input, 2 * input.channels))
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
    let coefficients: Vec<_> = block.all("coeff").collect();
    for field in &coefficients {
        real(layer, field)?;
    }
    if !coefficients.is_empty() && (operation != sum || coefficients.len() != inputs.len()) {
        return Err(block.error(block.position, "`coeff` must stand once per `bottom`, and only in a sum"));
    }
    let coefficients = coefficients.into_iter().map(number_text).collect();
    Ok(Operation::light(LayerKind::Eltwise(Eltwise { operation, coefficients }), first, 0))
}

fn number_text(field: &Field) -> String {
    match &field.value {
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

fn real(layer: &RawLayer, field: &Field) -> Result<f64, NetworkError> {
    let text = number_text(field);
    let number = text.trim_end_matches(['f', 'F']).parse::<f64>().ok().filter(|number| number.is_finite());
    number.ok_or_else(|| layer.block.error(field.position, &format!("`{}` must be a number", field.name)))
}
