//! Small hand-built networks for the tests of this room.

use crate::network::{
    Convolution, Eltwise, EltwiseOperation, InnerProduct, Layer, LayerKind, LocalResponseNormalization, Network,
    Operator, OperatorClass, Pooling, PoolingMethod, Shape, Tensor, TensorId, Window,
};
use crate::platform::{LayerLimits, SupportRules, WindowLimits};

/// Adds layers by a short word for their type; every tensor has the input's shape.
pub(crate) struct Builder {
    network: Network,
}

impl Builder {
    pub(crate) fn new() -> Self {
        let network = Network {
            name: "net".into(),
            title: "Net".into(),
            content_hash: "0".repeat(64),
            tensors: Vec::new(),
            layers: Vec::new(),
        };
        Self { network }
    }

    pub(crate) fn input(&mut self, side: u64) -> TensorId {
        self.tensor("data".into(), Shape { channels: 16, height: side, width: side }, None)
    }

    pub(crate) fn add(&mut self, word: &str, bottoms: &[TensorId]) -> TensorId {
        self.add_kind(word, kind(word), bottoms)
    }

    pub(crate) fn add_kind(&mut self, word: &str, kind: LayerKind, bottoms: &[TensorId]) -> TensorId {
        let index = self.network.layers.len();
        let name = format!("{word}{index}");
        let shape = self.network.tensor(bottoms[0]).shape;
        let top = self.tensor(name.clone(), shape, Some(index));
        let heavy = matches!(kind, LayerKind::Convolution(_) | LayerKind::InnerProduct(_));
        let (macs, weights) = if heavy { (shape.elements() * 16, 256) } else { (0, 0) };
        self.network.layers.push(Layer { name, kind, bottoms: bottoms.to_vec(), tops: vec![top], macs, weights });
        top
    }

    pub(crate) fn build(self) -> Network {
        self.network
    }

    fn tensor(&mut self, name: String, shape: Shape, producer: Option<usize>) -> TensorId {
        self.network.tensors.push(Tensor { name, shape, producer });
        TensorId(self.network.tensors.len() - 1)
    }
}

pub(crate) fn window(kernel: u64, stride: u64, pad: u64) -> Window {
    Window { kernel: [kernel; 2], stride: [stride; 2], pad: [pad; 2], dilation: [1; 2] }
}

pub(crate) fn convolution(window: Window) -> Convolution {
    Convolution { num_output: 16, window, pad_end: None, group: 1, bias: true }
}

fn kind(word: &str) -> LayerKind {
    match word {
        "conv" => LayerKind::Convolution(convolution(window(3, 1, 1))),
        "pool" => LayerKind::Pooling(Pooling { method: PoolingMethod::Max, window: window(3, 1, 1), global: false }),
        "fc" => LayerKind::InnerProduct(InnerProduct { num_output: 16, bias: true }),
        "relu" => LayerKind::Relu { negative_slope: 0.0 },
        "lrn" => LayerKind::Lrn(LocalResponseNormalization {
            local_size: 5,
            across_channels: true,
            alpha: 1e-4,
            beta: 0.75,
            k: 1.0,
        }),
        "bn" => LayerKind::BatchNorm { epsilon: 1e-5 },
        "scale" => LayerKind::Scale { bias: true },
        "sum" => LayerKind::Eltwise(Eltwise { operation: EltwiseOperation::Sum, coefficients: Vec::new() }),
        "concat" => LayerKind::Concat,
        "softmax" => LayerKind::Softmax,
        "matmul" => operator("MatMul", OperatorClass::Product),
        "gelu" => operator("Gelu", OperatorClass::Pointwise),
        "reshape" => operator("Reshape", OperatorClass::View),
        _ => panic!("no layer type for `{word}`"),
    }
}

pub(crate) fn operator(name: &str, class: OperatorClass) -> LayerKind {
    LayerKind::Operator(Operator { name: name.into(), class })
}

/// A network without branches.
pub(crate) fn chain(words: &[&str]) -> Network {
    let mut builder = Builder::new();
    let input = builder.input(8);
    words.iter().fold(input, |bottom, word| builder.add(word, &[bottom]));
    builder.build()
}

/// conv0 relu1, then a residual block: conv2 | conv3 relu4 conv5, sum6, relu7.
pub(crate) fn residual() -> Network {
    let mut builder = Builder::new();
    let input = builder.input(8);
    let conv = builder.add("conv", &[input]);
    let stem = builder.add("relu", &[conv]);
    let shortcut = builder.add("conv", &[stem]);
    let first = builder.add("conv", &[stem]);
    let first = builder.add("relu", &[first]);
    let second = builder.add("conv", &[first]);
    let sum = builder.add("sum", &[shortcut, second]);
    builder.add("relu", &[sum]);
    builder.build()
}

/// pool0, then an inception module: conv1 relu2 | conv3 relu4 conv5 relu6, concat7; then fc8.
pub(crate) fn inception() -> Network {
    let mut builder = Builder::new();
    let input = builder.input(8);
    let stem = builder.add("pool", &[input]);
    let left = builder.add("conv", &[stem]);
    let left = builder.add("relu", &[left]);
    let right = builder.add("conv", &[stem]);
    let right = builder.add("relu", &[right]);
    let right = builder.add("conv", &[right]);
    let right = builder.add("relu", &[right]);
    let joined = builder.add("concat", &[left, right]);
    builder.add("fc", &[joined]);
    builder.build()
}

/// Limits like those of a Xavier DLA.
pub(crate) fn dla_limits() -> LayerLimits {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    LayerLimits {
        max_dimension: 8192,
        convolution: WindowLimits { kernel: 32, stride: 8, pad: 31 },
        max_dilation: 32,
        deconvolution: Some(WindowLimits { kernel: 32, stride: 32, pad: 0 }),
        pooling: WindowLimits { kernel: 8, stride: 16, pad: 7 },
        lrn_sizes: vec![3, 5, 7, 9],
        activations: words(&["ReLU", "Sigmoid", "TanH"]),
        eltwise: words(&["SUM", "PROD", "MAX"]),
        softmax_max_channels: None,
        rearrange: Vec::new(),
    }
}

pub(crate) fn dla_rules() -> SupportRules {
    SupportRules::Limited(Box::new(dla_limits()))
}
