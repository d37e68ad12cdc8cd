//! A neural network as the rest of the program sees it: layers in TensorRT 7.1's order, tensors with shapes, and
//! what each layer costs in multiply-accumulates, weights and bytes. Knows nothing of accelerators.

use std::fmt;

pub mod caffe;
pub mod catalog;
mod convolutions;
mod error;
mod hash;
mod layer;
mod nearest;
pub mod onnx;
mod spread;
mod text;
mod weights;

pub use convolutions::CONVOLUTIONS;
pub use error::{NetworkError, Position};

pub use layer::{
    Activation, Convolution, Eltwise, EltwiseOperation, InnerProduct, Layer, LayerKind, LocalResponseNormalization,
    Operator, OperatorClass, Pooling, PoolingMethod, Rearrangement, Window,
};
pub use spread::mean_squares;
pub use text::text_of;
pub use weights::SeededWeights;
pub(crate) use weights::single;

/// A tensor of a network: one value between layers. An in-place layer makes a new tensor with the same name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tensor {
    /// The blob's or tensor's name in the network file.
    pub name: String,
    /// Channels, height and width; the batch is always 1.
    pub shape: Shape,
    /// The layer that writes it; `None` for an input of the network.
    pub producer: Option<usize>,
}

/// Index of a tensor in [`Network::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TensorId(pub usize);

/// Channels, height and width of a tensor (the batch is 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Channels.
    pub channels: u64,
    /// Rows.
    pub height: u64,
    /// Columns.
    pub width: u64,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}x{}", self.channels, self.height, self.width)
    }
}

/// Caffe counts a blob's elements in 31 bits.
const MAX_ELEMENTS: u64 = i32::MAX as u64;

impl Shape {
    /// A shape with as many elements as Caffe can hold, or fewer, and none of its sides 0.
    pub fn checked(channels: u64, height: u64, width: u64) -> Option<Self> {
        let elements = channels.checked_mul(height)?.checked_mul(width)?;
        (1..=MAX_ELEMENTS).contains(&elements).then_some(Self { channels, height, width })
    }

    /// Number of elements.
    pub fn elements(self) -> u64 {
        self.channels * self.height * self.width
    }
}

/// A network: a directed acyclic graph of layers in the order of their indices.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Short name by which users call it (`googlenet`, `resnet101`, or a file's stem).
    pub name: String,
    /// The name that people read (`GoogleNet`, `ResNet101`), or the short name again.
    pub title: String,
    /// SHA-256 of the network's definition in hexadecimal: what a profile or a plan was made of.
    pub content_hash: String,
    /// Every tensor, inputs first, then in the order in which layers write them.
    pub tensors: Vec<Tensor>,
    /// Layers in the order and with the indices of TensorRT 7.1's Caffe parser; those of an ONNX file in topological
    /// order. A layer's index is its position.
    pub layers: Vec<Layer>,
}

impl Network {
    /// The tensor that `id` names.
    pub fn tensor(&self, id: TensorId) -> &Tensor {
        &self.tensors[id.0]
    }

    /// Multiply-accumulates of the whole network.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.macs).sum()
    }

    /// Learnt parameters of convolutions, deconvolutions and fully connected layers, biases included: the figure that
    /// papers give for a network. Normalization and scale layers are left out.
    pub fn parameters(&self) -> u64 {
        let learns = |layer: &&Layer| {
            matches!(layer.kind, LayerKind::Convolution(_) | LayerKind::Deconvolution(_) | LayerKind::InnerProduct(_))
        };
        self.layers.iter().filter(learns).map(|layer| layer.weights).sum()
    }
}
