//! Which reader understands which operator of ONNX's own domain, and of those that ONNX Runtime adds.

use super::node::{Meaning, Node, Operation, Output};
use super::{fold, pointwise, product, rearrange, view, window};
use crate::network::onnx::{OnnxError, element, tensor};
use crate::network::{LayerKind, Operator, OperatorClass, PoolingMethod};

/// What a node computes; `None` for an operator that isn't known.
pub(super) fn read(node: &Node) -> Result<Option<Meaning>, OnnxError> {
    match node.proto.domain.as_str() {
        "" | "ai.onnx" => {}
        "com.microsoft" => return of_onnx_runtime(node),
        _ => return Ok(None),
    }
    let meaning = match node.proto.op_type.as_str() {
        "Conv" => window::convolution(node),
        "ConvTranspose" => window::transposed(node),
        "MaxPool" => window::pooling(node, PoolingMethod::Max),
        "AveragePool" => window::pooling(node, PoolingMethod::Average),
        "GlobalMaxPool" => window::global_pooling(node, PoolingMethod::Max),
        "GlobalAveragePool" => window::global_pooling(node, PoolingMethod::Average),
        "Gemm" => product::gemm(node),
        "MatMul" => product::matmul(node),
        "BatchNormalization" => pointwise::batch_norm(node),
        "LRN" => pointwise::lrn(node),
        "Softmax" | "LogSoftmax" => pointwise::softmax(node),
        "LayerNormalization"
        | "InstanceNormalization"
        | "GroupNormalization"
        | "RMSNormalization"
        | "LpNormalization"
        | "MeanVarianceNormalization"
        | "Hardmax"
        | "CumSum" => pointwise::normalization(node),
        "PRelu" => pointwise::prelu(node),
        "Cast" | "CastLike" => pointwise::cast(node),
        "QuantizeLinear" | "DequantizeLinear" => pointwise::quantize(node),
        "Where" => pointwise::choose(node),
        "Equal" | "Less" | "LessOrEqual" | "Greater" | "GreaterOrEqual" | "And" | "Or" | "Xor" | "Not" | "IsNaN"
        | "IsInf" => pointwise::logical(node),
        "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Mod" | "Min" | "Max" | "Sum" | "Mean" => pointwise::binary(node),
        "Relu" | "LeakyRelu" | "Elu" | "Selu" | "Celu" | "ThresholdedRelu" | "Clip" | "Sigmoid" | "HardSigmoid"
        | "HardSwish" | "Swish" | "Mish" | "Gelu" | "Erf" | "Tanh" | "Softplus" | "Softsign" | "Abs" | "Neg"
        | "Sqrt" | "Reciprocal" | "Exp" | "Log" | "Floor" | "Ceil" | "Round" | "Sign" | "Sin" | "Cos" | "Tan"
        | "Asin" | "Acos" | "Atan" | "Sinh" | "Cosh" | "Asinh" | "Acosh" | "Atanh" | "Shrink" => pointwise::unary(node),
        name if name.starts_with("Reduce") => rearrange::reduce(node),
        name => return moved_or_known(node, name),
    };
    meaning.map(Some)
}

/// What ONNX Runtime makes of operators that follow each other, in models that it has optimised and saved
/// (`docs/ContribOperators.md` of its sources).
fn of_onnx_runtime(node: &Node) -> Result<Option<Meaning>, OnnxError> {
    let meaning = match node.proto.op_type.as_str() {
        "Gelu" | "FastGelu" | "QuickGelu" | "BiasGelu" => pointwise::unary(node),
        "SkipLayerNormalization" | "SkipSimplifiedLayerNormalization" => pointwise::normalization(node),
        "FusedConv" => window::convolution(node).map(fused),
        _ => return Ok(None),
    };
    meaning.map(Some)
}

/// A convolution with what is computed on its output at once, which Caffe's has not.
fn fused(meaning: Meaning) -> Meaning {
    let class = OperatorClass::Product;
    match meaning {
        Meaning::Layer(operation) => Meaning::Layer(Operation {
            kind: LayerKind::Operator(Operator { name: "FusedConv".into(), class }),
            ..operation
        }),
        Meaning::View(dims) => Meaning::View(dims),
    }
}

fn moved_or_known(node: &Node, name: &str) -> Result<Option<Meaning>, OnnxError> {
    let meaning = match name {
        "Reshape" => view::reshape(node),
        "Flatten" => view::flatten(node),
        "Squeeze" => view::squeeze(node),
        "Unsqueeze" => view::unsqueeze(node),
        "Identity" | "Dropout" => view::same(node),
        "Concat" => rearrange::concat(node),
        "Split" => rearrange::split(node),
        "Slice" => rearrange::slice_of(node),
        "Gather" => rearrange::gather(node),
        "Transpose" => rearrange::transpose(node),
        "Pad" => rearrange::pad(node),
        "Resize" | "Upsample" => rearrange::resize(node),
        "Expand" => rearrange::expand(node),
        "Tile" => rearrange::tile(node),
        "ScatterND" | "ScatterElements" => rearrange::scatter(node),
        "ArgMax" | "ArgMin" => rearrange::arg(node),
        "DepthToSpace" | "SpaceToDepth" => rearrange::blocks(node),
        _ => return known(node, name),
    };
    meaning.map(Some)
}

/// Operators whose output depends on no element that is computed.
fn known(node: &Node, name: &str) -> Result<Option<Meaning>, OnnxError> {
    let (element, dims) = match name {
        "Constant" => constant(node)?,
        "Shape" => {
            let part = fold::shape_part(node, node.input(0)?.dims.len());
            (element::INT64, vec![part.len() as u64])
        }
        "Size" => (element::INT64, Vec::new()),
        "ConstantOfShape" => {
            let shape = node.listed("shape", 0)?.ok_or_else(|| node.error("its shape is missing"))?;
            let dims = shape.iter().map(|side| node.side(*side, "shape")).collect::<Result<_, _>>()?;
            (node.tensor("value").map_or(element::FLOAT, |value| value.data_type), dims)
        }
        "Range" => match fold::range_length(node) {
            Some(length) => (node.input(0)?.element, vec![length]),
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let kind = LayerKind::Operator(Operator { name: name.to_owned(), class: OperatorClass::Rearrangement });
    Ok(Some(Meaning::Layer(Operation { kind, outputs: vec![Output { element, dims }], macs: 0, weights: 0 })))
}

fn constant(node: &Node) -> Result<(i32, Vec<u64>), OnnxError> {
    let Some(attribute) = node.proto.attribute.first() else { return Err(node.error("it has no value")) };
    let one_side = |length: usize| vec![length as u64];
    match attribute.name.as_str() {
        "value" => {
            let value = attribute.t.as_deref().ok_or_else(|| node.error("its `value` is no tensor"))?;
            let dims = tensor::checked_dims(value).map_err(|said| node.error(format!("its value {said}")))?;
            Ok((value.data_type, dims))
        }
        "value_int" => Ok((element::INT64, Vec::new())),
        "value_ints" => Ok((element::INT64, one_side(attribute.ints.len()))),
        "value_float" => Ok((element::FLOAT, Vec::new())),
        "value_floats" => Ok((element::FLOAT, one_side(attribute.floats.len()))),
        "value_string" => Ok((element::STRING, Vec::new())),
        "value_strings" => Ok((element::STRING, one_side(attribute.strings.len()))),
        other => Err(node.error(format!("its value `{other}` is of an unknown kind"))),
    }
}
