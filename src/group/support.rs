//! Which layers an accelerator can run, and why not the others.
//!
//! An elementwise sum with coefficients counts as supported: Caffe's meaning is kept by a scale on the branch, which folds
//! into the convolution before it. (TensorRT's Caffe parser drops the coefficients; engines here must not.)

use crate::network::{
    Convolution, Eltwise, EltwiseOperation, Layer, LayerKind, Network, Pooling, Shape, TensorId, Window,
};
use crate::platform::{Accelerator, LayerLimits, SupportRules, WindowLimits};

/// What this room needs to know of an accelerator.
#[derive(Clone, Copy, Debug)]
pub struct AcceleratorRules<'a> {
    /// Its name in flags and files.
    pub name: &'a str,
    /// Which layers it runs.
    pub rules: &'a SupportRules,
    /// Most loadables at a time; `None` where there is no such limit.
    pub max_loadables: Option<u32>,
}

impl<'a> AcceleratorRules<'a> {
    /// An accelerator without a limit on loadables.
    pub fn new(name: &'a str, rules: &'a SupportRules) -> Self {
        Self { name, rules, max_loadables: None }
    }
}

impl<'a> From<&'a Accelerator> for AcceleratorRules<'a> {
    fn from(accelerator: &'a Accelerator) -> Self {
        Self { name: &accelerator.name, rules: &accelerator.rules, max_loadables: accelerator.max_loadables }
    }
}

/// Why an accelerator can't run a layer, as a fragment for people: `pooling window 9x9 is larger than 8x8`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unsupported(pub String);

/// Whether an accelerator with these rules can run the layer at index `layer`.
pub fn support(network: &Network, layer: usize, rules: &SupportRules) -> Result<(), Unsupported> {
    let SupportRules::Limited(limits) = rules else { return Ok(()) };
    let layer = &network.layers[layer];
    tensors_fit(network, layer, limits)?;
    match &layer.kind {
        LayerKind::Convolution(convolution) => convolution_fits(convolution, limits),
        LayerKind::Deconvolution(convolution) => deconvolution_fits(convolution, limits),
        LayerKind::Pooling(pooling) => pooling_fits(pooling, limits),
        LayerKind::Relu { .. } if layer.kind.is_leaky() => activation_fits("LeakyReLU", limits),
        LayerKind::Relu { .. } => activation_fits("ReLU", limits),
        LayerKind::Activation(activation) => activation_fits(activation.caffe_name(), limits),
        LayerKind::Lrn(lrn) => lrn_fits(lrn.local_size, lrn.across_channels, limits),
        LayerKind::Eltwise(eltwise) => eltwise_fits(eltwise, limits),
        LayerKind::Softmax => softmax_fits(shape_of(network, &layer.bottoms), limits),
        LayerKind::Concat => concat_fits(layer),
        LayerKind::Rearrange(it) => rearrange_fits(it.caffe_name(), limits),
        LayerKind::Operator(operator) => Err(Unsupported(format!("ONNX's {} is not supported", operator.name))),
        LayerKind::InnerProduct(_) | LayerKind::BatchNorm { .. } | LayerKind::Scale { .. } => Ok(()),
    }
}

/// The first layer of `layers` that the rules forbid, with the reason.
pub fn first_unsupported(
    network: &Network,
    layers: impl IntoIterator<Item = usize>,
    rules: &SupportRules,
) -> Option<(usize, Unsupported)> {
    layers.into_iter().find_map(|layer| support(network, layer, rules).err().map(|reason| (layer, reason)))
}

/// Refuses with a reason unless `fits`.
fn require(fits: bool, reason: impl FnOnce() -> String) -> Result<(), Unsupported> {
    if fits { Ok(()) } else { Err(Unsupported(reason())) }
}

fn shape_of(network: &Network, tensors: &[TensorId]) -> Option<Shape> {
    tensors.first().map(|&tensor| network.tensor(tensor).shape)
}

/// Every tensor that the layer reads or writes is within the largest dimension.
/// A fully connected layer reads its input as it lies, so its flattened length doesn't count.
fn tensors_fit(network: &Network, layer: &Layer, limits: &LayerLimits) -> Result<(), Unsupported> {
    for &tensor in layer.bottoms.iter().chain(&layer.tops) {
        let tensor = network.tensor(tensor);
        let Shape { channels, height, width } = tensor.shape;
        require(channels.max(height).max(width) <= limits.max_dimension, || {
            let limit = limits.max_dimension;
            format!("tensor `{}` is {channels}x{height}x{width}, larger than {limit} in one dimension", tensor.name)
        })?;
    }
    Ok(())
}

fn convolution_fits(convolution: &Convolution, limits: &LayerLimits) -> Result<(), Unsupported> {
    let window = convolution.window;
    let pad = convolution.pad_end.map_or(window.pad, |end| [0, 1].map(|axis| end[axis].max(window.pad[axis])));
    window_fits("convolution", Window { pad, ..window }, limits.convolution)?;
    let [rows, columns] = convolution.window.dilation;
    require(rows.max(columns) <= limits.max_dilation, || {
        format!("convolution dilation {rows}x{columns} is larger than {0}x{0}", limits.max_dilation)
    })
}

fn deconvolution_fits(convolution: &Convolution, limits: &LayerLimits) -> Result<(), Unsupported> {
    let Some(window) = limits.deconvolution else {
        return Err(Unsupported("deconvolution is not supported".into()));
    };
    window_fits("deconvolution", convolution.window, window)?;
    require(convolution.group == 1, || format!("deconvolution in {} groups is not supported", convolution.group))?;
    require(convolution.window.dilation == [1, 1], || "dilated deconvolution is not supported".into())
}

fn pooling_fits(pooling: &Pooling, limits: &LayerLimits) -> Result<(), Unsupported> {
    window_fits(if pooling.global { "global pooling" } else { "pooling" }, pooling.window, limits.pooling)
}

fn window_fits(what: &str, window: Window, limits: WindowLimits) -> Result<(), Unsupported> {
    let [rows, columns] = window.kernel;
    require(rows.max(columns) <= limits.kernel, || {
        format!("{what} window {rows}x{columns} is larger than {0}x{0}", limits.kernel)
    })?;
    let [rows, columns] = window.stride;
    require(rows.max(columns) <= limits.stride, || {
        format!("{what} stride {rows}x{columns} is larger than {0}x{0}", limits.stride)
    })?;
    let [rows, columns] = window.pad;
    require(rows.max(columns) <= limits.pad, || match limits.pad {
        0 => format!("{what} with padding is not supported"),
        pad => format!("{what} padding {rows}x{columns} is larger than {pad}x{pad}"),
    })
}

fn activation_fits(name: &str, limits: &LayerLimits) -> Result<(), Unsupported> {
    require(limits.activations.iter().any(|known| known == name), || {
        format!("activation {name} is not one of {}", listed(&limits.activations))
    })
}

fn lrn_fits(size: u64, across_channels: bool, limits: &LayerLimits) -> Result<(), Unsupported> {
    require(across_channels, || "normalization within a channel is not supported".into())?;
    require(limits.lrn_sizes.contains(&size), || {
        let sizes: Vec<String> = limits.lrn_sizes.iter().map(u64::to_string).collect();
        format!("normalization over {size} channels is not one of {}", listed(&sizes))
    })
}

fn eltwise_fits(eltwise: &Eltwise, limits: &LayerLimits) -> Result<(), Unsupported> {
    let name = match eltwise.operation {
        EltwiseOperation::Sum => "SUM",
        EltwiseOperation::Product => "PROD",
        EltwiseOperation::Max => "MAX",
    };
    require(limits.eltwise.iter().any(|known| known == name), || {
        format!("elementwise {name} is not one of {}", listed(&limits.eltwise))
    })
}

/// Over one position (1x1) only the largest dimension bounds a softmax, and that is checked for every layer.
fn softmax_fits(input: Option<Shape>, limits: &LayerLimits) -> Result<(), Unsupported> {
    let Some(limit) = limits.softmax_max_channels else {
        return Err(Unsupported("softmax is not supported".into()));
    };
    let Some(shape) = input else { return Ok(()) };
    require(shape.height * shape.width == 1 || shape.channels <= limit, || {
        format!("softmax of {} channels over {}x{} is larger than {limit}", shape.channels, shape.height, shape.width)
    })
}

fn concat_fits(layer: &Layer) -> Result<(), Unsupported> {
    require(layer.bottoms.len() > 1, || "concatenation of a single tensor is not supported".into())
}

fn rearrange_fits(name: &str, limits: &LayerLimits) -> Result<(), Unsupported> {
    require(limits.rearrange.iter().any(|known| known == name), || format!("{name} is not supported"))
}

/// `A`, `A or B`, `A, B or C`; `nothing` for an empty list.
fn listed(words: &[String]) -> String {
    match words {
        [] => "nothing".into(),
        [only] => only.clone(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, convolution, dla_limits, dla_rules, operator, window};
    use super::*;
    use crate::network::{Activation, LocalResponseNormalization, OperatorClass, PoolingMethod, Rearrangement};

    /// What rules say of one layer whose bottoms are `n_bottoms` inputs of 16 x `side` x `side`.
    fn judge(kind: LayerKind, side: u64, n_bottoms: usize, rules: &SupportRules) -> Result<(), String> {
        let mut builder = Builder::new();
        let bottoms: Vec<TensorId> = (0..n_bottoms).map(|_| builder.input(side)).collect();
        builder.add_kind("layer", kind, &bottoms);
        support(&builder.build(), 0, rules).map_err(|reason| reason.to_string())
    }

    fn refused(kind: LayerKind, reason: &str) {
        assert_eq!(judge(kind.clone(), 9, 2, &dla_rules()), Err(reason.to_string()));
        assert_eq!(judge(kind, 9, 2, &SupportRules::Everything), Ok(()));
    }

    fn accepted(kind: LayerKind) {
        assert_eq!(judge(kind, 9, 2, &dla_rules()), Ok(()));
    }

    fn pooling(kernel: u64, stride: u64, pad: u64) -> LayerKind {
        LayerKind::Pooling(Pooling { method: PoolingMethod::Max, window: window(kernel, stride, pad), global: false })
    }

    fn lrn(local_size: u64, across_channels: bool) -> LayerKind {
        LayerKind::Lrn(LocalResponseNormalization { local_size, across_channels, alpha: 1e-4, beta: 0.75, k: 1.0 })
    }

    fn eltwise(operation: EltwiseOperation, coefficients: &[f64]) -> LayerKind {
        LayerKind::Eltwise(Eltwise { operation, coefficients: coefficients.to_vec() })
    }

    #[test]
    fn windows_are_judged_by_kernel_stride_and_padding() {
        accepted(pooling(8, 16, 7));
        refused(pooling(9, 1, 0), "pooling window 9x9 is larger than 8x8");
        refused(pooling(3, 17, 0), "pooling stride 17x17 is larger than 16x16");
        refused(pooling(8, 1, 8), "pooling padding 8x8 is larger than 7x7");
        let wide = Pooling { method: PoolingMethod::Average, window: window(9, 1, 0), global: true };
        refused(LayerKind::Pooling(wide), "global pooling window 9x9 is larger than 8x8");
    }

    #[test]
    fn convolutions_are_judged_by_window_and_dilation() {
        accepted(LayerKind::Convolution(Convolution { group: 16, ..convolution(window(32, 8, 31)) }));
        refused(LayerKind::Convolution(convolution(window(33, 1, 0))), "convolution window 33x33 is larger than 32x32");
        let dilated = Window { dilation: [1, 33], ..window(3, 1, 0) };
        let uneven = Convolution { pad_end: Some([32, 0]), ..convolution(window(3, 1, 0)) };
        refused(LayerKind::Convolution(uneven), "convolution padding 32x0 is larger than 31x31");
        refused(LayerKind::Convolution(convolution(dilated)), "convolution dilation 1x33 is larger than 32x32");
    }

    #[test]
    fn deconvolutions_take_neither_padding_nor_groups_nor_dilation() {
        accepted(LayerKind::Deconvolution(convolution(window(4, 2, 0))));
        refused(LayerKind::Deconvolution(convolution(window(4, 2, 1))), "deconvolution with padding is not supported");
        let grouped = Convolution { group: 4, ..convolution(window(4, 2, 0)) };
        refused(LayerKind::Deconvolution(grouped), "deconvolution in 4 groups is not supported");
        let dilated = Window { dilation: [2, 2], ..window(4, 2, 0) };
        refused(LayerKind::Deconvolution(convolution(dilated)), "dilated deconvolution is not supported");
        let none = SupportRules::Limited(Box::new(LayerLimits { deconvolution: None, ..dla_limits() }));
        let judged = judge(LayerKind::Deconvolution(convolution(window(4, 2, 0))), 9, 1, &none);
        assert_eq!(judged, Err("deconvolution is not supported".into()));
    }

    #[test]
    fn normalization_runs_across_channels_in_listed_sizes() {
        accepted(lrn(5, true));
        refused(lrn(11, true), "normalization over 11 channels is not one of 3, 5, 7 or 9");
        refused(lrn(5, false), "normalization within a channel is not supported");
    }

    #[test]
    fn activations_are_judged_by_name() {
        accepted(LayerKind::Relu { negative_slope: 0.0 });
        accepted(LayerKind::Activation(Activation::TanH));
        refused(LayerKind::Relu { negative_slope: 0.1 }, "activation LeakyReLU is not one of ReLU, Sigmoid or TanH");
        refused(
            LayerKind::Activation(Activation::Elu { alpha: 1.0 }),
            "activation ELU is not one of ReLU, Sigmoid or TanH",
        );
    }

    #[test]
    fn a_sum_with_coefficients_is_supported() {
        accepted(eltwise(EltwiseOperation::Sum, &[1.0, 0.17]));
        let sums = SupportRules::Limited(Box::new(LayerLimits { eltwise: vec!["SUM".into()], ..dla_limits() }));
        let judged = judge(eltwise(EltwiseOperation::Max, &[]), 9, 2, &sums);
        assert_eq!(judged, Err("elementwise MAX is not one of SUM".into()));
    }

    #[test]
    fn softmax_is_bounded_only_over_several_positions() {
        refused(LayerKind::Softmax, "softmax is not supported");
        let few = SupportRules::Limited(Box::new(LayerLimits { softmax_max_channels: Some(15), ..dla_limits() }));
        assert_eq!(judge(LayerKind::Softmax, 1, 1, &few), Ok(()));
        assert_eq!(
            judge(LayerKind::Softmax, 2, 1, &few),
            Err("softmax of 16 channels over 2x2 is larger than 15".into())
        );
    }

    #[test]
    fn oversized_tensors_single_concatenations_and_rearrangements_are_refused() {
        let judged = judge(pooling(2, 2, 0), 8193, 1, &dla_rules());
        assert_eq!(judged, Err("tensor `data` is 16x8193x8193, larger than 8192 in one dimension".into()));
        accepted(LayerKind::Concat);
        let judged = judge(LayerKind::Concat, 9, 1, &dla_rules());
        assert_eq!(judged, Err("concatenation of a single tensor is not supported".into()));
        refused(LayerKind::Rearrange(Rearrangement::Permute { order: [2, 1, 3] }), "Permute is not supported");
        refused(operator("MatMul", OperatorClass::Product), "ONNX's MatMul is not supported");
    }
}
