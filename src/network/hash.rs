//! The hash of what a network is, whatever its file looks like.

use std::fmt::Write;

use sha2::{Digest, Sha256};

use super::{Activation, Convolution, Layer, LayerKind, LocalResponseNormalization, Rearrangement, Tensor, Window};

/// SHA-256 in hexadecimal of a description of tensors and layers, one a line: names, shapes, types with their
/// parameters, connections. Comments, formatting and the way a parameter is written in the file don't matter.
pub(super) fn content_hash(tensors: &[Tensor], layers: &[Layer]) -> String {
    let mut hasher = Sha256::new();
    for tensor in tensors {
        hasher.update(format!("tensor {:?} {}\n", tensor.name, tensor.shape));
    }
    for layer in layers {
        let ids = |ids: &[super::TensorId]| ids.iter().map(|id| id.0).collect::<Vec<_>>();
        let (bottoms, tops) = (ids(&layer.bottoms), ids(&layer.tops));
        let kind = layer.kind.caffe_name();
        hasher.update(format!("layer {:?} {kind} {bottoms:?} {tops:?}{}\n", layer.name, parameters(&layer.kind)));
    }
    hexadecimal(&hasher.finalize())
}

/// Two digits a byte.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn parameters(kind: &LayerKind) -> String {
    match kind {
        LayerKind::Convolution(convolution) | LayerKind::Deconvolution(convolution) => {
            let Convolution { num_output, window: shape, pad_end, group, bias } = convolution;
            let pad_end = pad_end.map_or_else(String::new, |pad| format!(" pad_end {pad:?}"));
            format!(" {num_output} {}{pad_end} group {group} bias {bias}", window(*shape))
        }
        LayerKind::Pooling(pooling) => {
            format!(" {:?} {} global {}", pooling.method, window(pooling.window), pooling.global)
        }
        LayerKind::InnerProduct(product) => format!(" {} bias {}", product.num_output, product.bias),
        LayerKind::Relu { negative_slope } => format!(" negative_slope {negative_slope}"),
        LayerKind::Activation(activation) => activation_parameters(*activation),
        LayerKind::Lrn(lrn) => {
            let LocalResponseNormalization { local_size, across_channels, alpha, beta, k } = lrn;
            format!(" {local_size} across {across_channels} alpha {alpha} beta {beta} k {k}")
        }
        LayerKind::BatchNorm { epsilon } => format!(" epsilon {epsilon}"),
        LayerKind::Scale { bias } => format!(" bias {bias}"),
        LayerKind::Eltwise(eltwise) => {
            let coefficients: Vec<_> = eltwise.coefficients.iter().map(f64::to_string).collect();
            format!(" {:?} [{}]", eltwise.operation, coefficients.join(", "))
        }
        LayerKind::Operator(operator) => format!(" {:?}", operator.class),
        LayerKind::Rearrange(Rearrangement::Permute { order }) => format!(" order {order:?}"),
        LayerKind::Rearrange(Rearrangement::Crop { offset }) => format!(" offset {offset:?}"),
        LayerKind::Rearrange(Rearrangement::Reduction { axis, mean }) => format!(" axis {axis} mean {mean}"),
        LayerKind::Concat | LayerKind::Softmax | LayerKind::Rearrange(Rearrangement::Reshape) => String::new(),
    }
}

fn activation_parameters(activation: Activation) -> String {
    match activation {
        Activation::Clip { min, max } => format!(" min {min} max {max}"),
        Activation::Elu { alpha } => format!(" alpha {alpha}"),
        Activation::Power { power, scale, shift } => format!(" power {power} scale {scale} shift {shift}"),
        Activation::AbsoluteValue | Activation::Bnll | Activation::Sigmoid | Activation::TanH => String::new(),
    }
}

fn window(window: Window) -> String {
    let Window { kernel, stride, pad, dilation } = window;
    format!("kernel {kernel:?} stride {stride:?} pad {pad:?} dilation {dilation:?}")
}
