//! The layer types that the parsers understand, with Caffe's parameters, and what stands for ONNX's other operators.

use super::TensorId;

/// One layer: a node of the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// The layer's name in the network file.
    pub name: String,
    /// What it computes.
    pub kind: LayerKind,
    /// Tensors that it reads.
    pub bottoms: Vec<TensorId>,
    /// Tensors that it writes.
    pub tops: Vec<TensorId>,
    /// Multiply-accumulates for one input (convolution, deconvolution and inner product; 0 for the rest).
    pub macs: u64,
    /// Number of learnt parameters that it reads.
    pub weights: u64,
}

/// A two-dimensional window: height first, then width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Rows and columns of the kernel.
    pub kernel: [u64; 2],
    /// Step in rows and columns.
    pub stride: [u64; 2],
    /// Padding on each side, in rows and columns.
    pub pad: [u64; 2],
    /// Dilation in rows and columns.
    pub dilation: [u64; 2],
}

/// Parameters of a convolution or a deconvolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convolution {
    /// Channels of the output.
    pub num_output: u64,
    /// Kernel, stride, padding, dilation.
    pub window: Window,
    /// Padding after the last row and column where it isn't that before the first, as ONNX allows.
    pub pad_end: Option<[u64; 2]>,
    /// Number of groups into which channels are divided.
    pub group: u64,
    /// Whether a bias is added.
    pub bias: bool,
}

/// How a pooling window is reduced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolingMethod {
    /// The largest value.
    Max,
    /// The mean, padding counted.
    Average,
    /// The mean of what lies inside the input: ONNX's usual one.
    AverageInside,
}

/// Parameters of a pooling layer; a global pooling has its input's height and width as kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooling {
    /// Maximum or average.
    pub method: PoolingMethod,
    /// Kernel, stride and padding.
    pub window: Window,
    /// Whether the file asked for global pooling.
    pub global: bool,
}

/// Parameters of a fully connected layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InnerProduct {
    /// Channels of the output.
    pub num_output: u64,
    /// Whether a bias is added.
    pub bias: bool,
}

/// How an elementwise layer combines its bottoms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EltwiseOperation {
    /// Weighted sum.
    Sum,
    /// Product.
    Product,
    /// Maximum.
    Max,
}

/// Parameters of an elementwise layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Eltwise {
    /// How the bottoms are combined.
    pub operation: EltwiseOperation,
    /// One coefficient per bottom; empty where the file gives none (all 1).
    pub coefficients: Vec<f64>,
}

/// Parameters of a local response normalization: `x / (k + alpha / n * sum of squares in the window)^beta`, where `n`
/// is the number of elements in the window (Caffe's `lrn_layer.cpp`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LocalResponseNormalization {
    /// Channels (or rows and columns) in the window.
    pub local_size: u64,
    /// Whether the window runs across channels, not within one.
    pub across_channels: bool,
    /// As the file gives it, not yet divided by `n`, which is `local_size` across channels and its square within one.
    pub alpha: f64,
    /// Exponent.
    pub beta: f64,
    /// Constant part of the divisor; within a channel Caffe takes 1, whatever the file says.
    pub k: f64,
}

/// A function of one element `x`, with Caffe's parameters; the rectified linear unit is a [`LayerKind`] of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `|x|`.
    AbsoluteValue,
    /// `ln(1 + e^x)`.
    Bnll,
    /// `x` held between two bounds.
    Clip {
        /// Lower bound; where it lies above `max` it is the answer to every `x`.
        min: f64,
        /// Upper bound.
        max: f64,
    },
    /// `x` above 0, `alpha * (e^x - 1)` below.
    Elu {
        /// Factor of the negative side.
        alpha: f64,
    },
    /// `(shift + scale * x)^power`.
    Power {
        /// Exponent.
        power: f64,
        /// Factor.
        scale: f64,
        /// Summand.
        shift: f64,
    },
    /// `1 / (1 + e^-x)`.
    Sigmoid,
    /// Hyperbolic tangent.
    TanH,
}

/// A layer that only moves, picks or reduces elements, with Caffe's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rearrangement {
    /// The same elements in another shape.
    Reshape,
    /// Channels, rows and columns in another order.
    Permute {
        /// Which of the axes 1 to 3 comes first, second and third.
        order: [u64; 3],
    },
    /// The rows and columns of the first bottom, as many as the second one has.
    Crop {
        /// The first row and the first column.
        offset: [u64; 2],
    },
    /// Everything from an axis on becomes one element.
    Reduction {
        /// The first axis that is reduced, 1 to 3.
        axis: u64,
        /// Whether it is the mean, not the sum.
        mean: bool,
    },
}

impl Rearrangement {
    /// The name that Caffe gives this type.
    pub fn caffe_name(self) -> &'static str {
        match self {
            Self::Reshape => "Reshape",
            Self::Permute { .. } => "Permute",
            Self::Crop { .. } => "Crop",
            Self::Reduction { .. } => "Reduction",
        }
    }
}

/// An operator of ONNX for which Caffe has no layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    /// ONNX's name of its type.
    pub name: String,
    /// What kind of work it is.
    pub class: OperatorClass,
}

/// Kinds of work, as far as fusion and costs tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorClass {
    /// A function of single elements of one or several tensors.
    Pointwise,
    /// A matrix product or a convolution: multiply-accumulates on weights or on two computed tensors.
    Product,
    /// Normalization over some of the sides.
    Normalization,
    /// Only moves, picks or reduces elements.
    Rearrangement,
    /// The same elements in another shape: nothing moves.
    View,
    /// Nothing is known but the shapes of its tensors.
    Unknown,
}

impl Activation {
    /// The name that Caffe gives this type.
    pub fn caffe_name(&self) -> &'static str {
        match self {
            Self::AbsoluteValue => "AbsVal",
            Self::Bnll => "BNLL",
            Self::Clip { .. } => "Clip",
            Self::Elu { .. } => "ELU",
            Self::Power { .. } => "Power",
            Self::Sigmoid => "Sigmoid",
            Self::TanH => "TanH",
        }
    }
}

/// What a layer computes. Its real numbers are finite as 32-bit floats too, in which Caffe holds them.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerKind {
    /// Convolution.
    Convolution(Convolution),
    /// Transposed convolution.
    Deconvolution(Convolution),
    /// Maximum or average pooling.
    Pooling(Pooling),
    /// Fully connected layer.
    InnerProduct(InnerProduct),
    /// Rectified linear unit.
    Relu {
        /// Slope of the negative side: 0 in a plain unit, anything else in a leaky one.
        negative_slope: f64,
    },
    /// Any other pointwise activation.
    Activation(Activation),
    /// Local response normalization.
    Lrn(LocalResponseNormalization),
    /// Normalization by stored mean and variance.
    BatchNorm {
        /// What is added to the variance before its square root is taken; 0 or more.
        epsilon: f64,
    },
    /// Per-channel scale and shift.
    Scale {
        /// Whether a shift is added.
        bias: bool,
    },
    /// Elementwise combination of equal shapes.
    Eltwise(Eltwise),
    /// Concatenation along the channels.
    Concat,
    /// Softmax over the channels.
    Softmax,
    /// A layer that only moves, picks or reduces elements.
    Rearrange(Rearrangement),
    /// An operator of ONNX that is none of the above.
    Operator(Operator),
}

impl LayerKind {
    /// The name that Caffe gives this type, or ONNX where Caffe has none.
    pub fn caffe_name(&self) -> &str {
        match self {
            Self::Convolution(_) => "Convolution",
            Self::Deconvolution(_) => "Deconvolution",
            Self::Pooling(_) => "Pooling",
            Self::InnerProduct(_) => "InnerProduct",
            Self::Relu { .. } => "ReLU",
            Self::Activation(activation) => activation.caffe_name(),
            Self::Rearrange(rearrangement) => rearrangement.caffe_name(),
            Self::Operator(operator) => &operator.name,
            Self::Lrn(_) => "LRN",
            Self::BatchNorm { .. } => "BatchNorm",
            Self::Scale { .. } => "Scale",
            Self::Eltwise(_) => "Eltwise",
            Self::Concat => "Concat",
            Self::Softmax => "Softmax",
        }
    }

    /// Whether this is a rectified linear unit whose negative side has a slope.
    pub fn is_leaky(&self) -> bool {
        matches!(self, Self::Relu { negative_slope } if *negative_slope != 0.0)
    }
}
