//! From a [`Network`] to TensorRT's, layer by layer, with Caffe's semantics. Where a version needs several of its layers
//! for one of ours, all their names begin with ours.

use super::ffi::{self, ElementType, Elementwise, Refused, Tensor, Window};
use super::segment::{outside_name, read_from_outside, wanted_outside};
use super::weights::WeightSource;
use crate::group::LayerRange;
use crate::network::{
    Activation, Convolution, Eltwise, EltwiseOperation, InnerProduct, Layer, LayerKind, Network, Pooling,
    PoolingMethod, SeededWeights, Shape, TensorId, mean_squares, single,
};

/// A network of TensorRT's that stands for one of ours.
pub(super) struct Assembled<'b> {
    pub(super) network: ffi::Network<'b>,
    /// For each of TensorRT's layers, the index of ours.
    pub(super) layer_of: Vec<usize>,
    /// TensorRT's tensors by our tensor's number; `None` for one of other layers.
    pub(super) tensors: Vec<Option<Tensor>>,
}

/// Why a network can't be assembled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum AssembleError {
    /// TensorRT refused a layer, an input or an output.
    #[error("`{layer}`")]
    Refused {
        /// Name of the layer, or of the input.
        layer: String,
    },
    /// TensorRT would compute something else.
    #[error("layer `{layer}`: {reason}")]
    Unsupported {
        /// Name of the layer.
        layer: String,
        /// Why not.
        reason: String,
    },
}

/// How a network's tensors and weights are made.
#[derive(Clone, Copy)]
pub(super) struct Typing {
    /// Type of inputs and weights.
    pub(super) kind: ElementType,
    /// Seed of the weights.
    pub(super) seed: u64,
}

/// Adds the layers of `network` in `layers` to an empty network of TensorRT's, with what crosses from other layers as inputs,
/// and marks the outputs and layer `marked`'s.
pub(super) fn assemble<'b>(
    empty: ffi::Network<'b>,
    network: &Network,
    layers: LayerRange,
    typing: Typing,
    marked: Option<usize>,
) -> Result<Assembled<'b>, AssembleError> {
    let tensors = vec![None; network.tensors.len()];
    let mean_squares = mean_squares(network);
    let mut assembler = Assembler { network: empty, typing, tensors, layer_of: Vec::new(), mean_squares };
    for id in read_from_outside(network, layers) {
        let name = outside_name(network, id);
        let input = assembler.network.input(name, typing.kind, dims(network.tensor(id).shape));
        assembler.tensors[id.0] = Some(input.map_err(|Refused| refused(name))?);
    }
    for idx in layers.first..layers.last {
        let layer = &network.layers[idx];
        let top = assembler.layer(network, layer)?;
        assembler.tensors[layer.tops[0].0] = Some(top);
        assembler.layer_of.resize(assembler.network.n_layers(), idx);
    }
    for id in wanted_outside(network, layers, marked) {
        let name = outside_name(network, id);
        let tensor = assembler.tensor(name, id)?;
        assembler.network.mark_output(tensor, name).map_err(|Refused| refused(name))?;
    }
    let Assembler { network, tensors, layer_of, .. } = assembler;
    Ok(Assembled { network, layer_of, tensors })
}

struct Assembler<'b> {
    network: ffi::Network<'b>,
    typing: Typing,
    tensors: Vec<Option<Tensor>>,
    layer_of: Vec<usize>,
    /// Of every tensor of ours: what normalizations store.
    mean_squares: Vec<f64>,
}

/// What a sliding kernel is made of.
struct Windowed {
    outputs_and_groups: [i64; 2],
    window: Window,
    weights: (ffi::Weights, Option<ffi::Weights>),
}

impl Assembler<'_> {
    /// A tensor that `layer` reads, or that is named so outside.
    fn tensor(&self, layer: &str, id: TensorId) -> Result<Tensor, AssembleError> {
        self.tensors[id.0].ok_or_else(|| refused(layer))
    }

    /// Adds one layer; returns its output.
    fn layer(&mut self, network: &Network, layer: &Layer) -> Result<Tensor, AssembleError> {
        let inputs = layer.bottoms.iter().map(|&bottom| self.tensor(&layer.name, bottom));
        let inputs: Vec<Tensor> = inputs.collect::<Result<_, _>>()?;
        let shape = network.tensor(layer.bottoms[0]).shape;
        let name = layer.name.as_str();
        let added = match &layer.kind {
            LayerKind::Convolution(convolution) => {
                let Windowed { outputs_and_groups, window, weights } = self.windowed(name, shape, convolution);
                self.network.convolution(name, inputs[0], outputs_and_groups, &window, weights)
            }
            LayerKind::Deconvolution(convolution) => {
                let Windowed { outputs_and_groups, window, weights } = self.windowed(name, shape, convolution);
                self.network.deconvolution(name, inputs[0], outputs_and_groups, &window, weights)
            }
            LayerKind::Pooling(pooling) => {
                self.pooling(name, inputs[0], shape, network.tensor(layer.tops[0]).shape, pooling)
            }
            LayerKind::InnerProduct(product) => self.inner_product(name, inputs[0], shape, *product),
            LayerKind::Relu { negative_slope } => {
                let relu = match *negative_slope {
                    0.0 => ffi::Activation::Relu,
                    slope => ffi::Activation::LeakyRelu(single(slope)),
                };
                self.network.activation(name, inputs[0], relu)
            }
            LayerKind::Activation(activation) => self.activation(name, inputs[0], *activation),
            LayerKind::Lrn(lrn) if lrn.across_channels => {
                let size = number(lrn.local_size);
                self.network.lrn(name, inputs[0], size, [lrn.alpha, lrn.beta, lrn.k].map(single))
            }
            LayerKind::BatchNorm { epsilon } => {
                let mut source = SeededWeights::new(self.typing.seed, name);
                let stored = source.statistics(shape.channels, self.mean_squares[layer.bottoms[0].0]);
                self.batch_norm(name, inputs[0], stored, *epsilon)
            }
            LayerKind::Scale { bias } => self.scale(name, inputs[0], shape.channels, *bias),
            LayerKind::Eltwise(eltwise) => self.eltwise(name, &inputs, eltwise),
            LayerKind::Concat => self.network.concatenation(name, &inputs),
            LayerKind::Softmax => self.network.softmax(name, inputs[0]),
            LayerKind::Lrn(_) | LayerKind::Rearrange(_) | LayerKind::Operator(_) => return Err(unsupported(layer)),
        };
        added.map_err(|Refused| refused(name))
    }

    fn weights(&self, layer: &str) -> WeightSource {
        WeightSource::new(self.typing.seed, layer, self.typing.kind)
    }

    fn exactly(&self, values: impl IntoIterator<Item = f64>) -> ffi::Weights {
        WeightSource::exactly(self.typing.kind, values)
    }

    /// Outputs and groups, window and weights of a convolution or of a transposed one: a kernel connects as many inputs to
    /// as many outputs in either.
    fn windowed(&self, name: &str, shape: Shape, convolution: &Convolution) -> Windowed {
        let Convolution { num_output, window, pad_end, group, bias } = *convolution;
        let pad_end = pad_end.unwrap_or(window.pad);
        let fan_in = shape.channels / group * window.kernel[0] * window.kernel[1];
        Windowed {
            outputs_and_groups: [number(num_output), number(group)],
            window: raw_window(&window, [0, 1].map(|axis| [window.pad[axis], pad_end[axis]])),
            weights: self.learnt(name, num_output * fan_in, fan_in, bias.then_some(num_output)),
        }
    }

    /// Kernel values, and small biases where there are any.
    fn learnt(
        &self,
        name: &str,
        n_kernel: u64,
        fan_in: u64,
        n_bias: Option<u64>,
    ) -> (ffi::Weights, Option<ffi::Weights>) {
        let mut source = self.weights(name);
        let kernel = source.kernel(n_kernel, fan_in);
        (kernel, n_bias.map(|count| source.uniform(count, -0.1, 0.1)))
    }

    /// Pooling with Caffe's windows. Padding after the last row and column is chosen so that as many windows fit as Caffe
    /// counts. An average counts the padding that the file asks for and not what lies beyond it: where both are there,
    /// the file's padding becomes a layer of its own.
    fn pooling(
        &mut self,
        name: &str,
        input: Tensor,
        shape: Shape,
        output: Shape,
        pooling: &Pooling,
    ) -> Result<Tensor, Refused> {
        let average = pooling.method != PoolingMethod::Max;
        let inside = pooling.method == PoolingMethod::AverageInside;
        let window = pooling.window;
        let sides = [(shape.height, output.height), (shape.width, output.width)];
        let overhangs = (0..2).any(|axis| overhang(sides[axis], &window, axis) > 0);
        let padded = window.pad != [0, 0];
        if !(average && overhangs && padded) || inside {
            let pads = [0, 1].map(|axis| [window.pad[axis], post_pad(sides[axis], &window, axis)]);
            return self.network.pooling(
                name,
                input,
                average,
                &raw_window(&window, pads),
                inside || average && overhangs,
            );
        }
        let input = self.network.padding(&format!("{name} padding"), input, window.pad.map(number))?;
        let pads = [0, 1].map(|axis| [0, overhang(sides[axis], &window, axis)]);
        self.network.pooling(name, input, true, &raw_window(&window, pads), true)
    }

    fn inner_product(
        &mut self,
        name: &str,
        input: Tensor,
        shape: Shape,
        product: InnerProduct,
    ) -> Result<Tensor, Refused> {
        let (n_outputs, fan_in) = (product.num_output, shape.elements());
        let weights = self.learnt(name, n_outputs * fan_in, fan_in, product.bias.then_some(n_outputs));
        self.network.fully_connected(name, input, number(n_outputs), weights)
    }

    fn activation(&mut self, name: &str, input: Tensor, activation: Activation) -> Result<Tensor, Refused> {
        let function = match activation {
            Activation::AbsoluteValue => return self.network.absolute(name, input),
            Activation::Power { power, scale, shift } => {
                let weights = [shift, scale, power].map(|value| Some(self.exactly([value])));
                return self.network.scale(name, input, false, weights);
            }
            Activation::Bnll => ffi::Activation::Softplus,
            Activation::Clip { min, max } => ffi::Activation::Clip(single(min), single(max)),
            Activation::Elu { alpha } => ffi::Activation::Elu(single(alpha)),
            Activation::Sigmoid => ffi::Activation::Sigmoid,
            Activation::TanH => ffi::Activation::TanH,
        };
        self.network.activation(name, input, function)
    }

    /// (x - mean) / sqrt(variance + epsilon) as one scale and one shift a channel, from means and variances.
    fn batch_norm(
        &mut self,
        name: &str,
        input: Tensor,
        [means, variances]: [Vec<f32>; 2],
        epsilon: f64,
    ) -> Result<Tensor, Refused> {
        let factors: Vec<f64> =
            variances.into_iter().map(|variance| (f64::from(variance) + epsilon).sqrt().recip()).collect();
        let shifts: Vec<f64> =
            means.into_iter().zip(&factors).map(|(mean, factor)| -f64::from(mean) * factor).collect();
        let (shift, scale) = (self.exactly(shifts), self.exactly(factors));
        self.network.scale(name, input, true, [Some(shift), Some(scale), None])
    }

    fn scale(&mut self, name: &str, input: Tensor, channels: u64, bias: bool) -> Result<Tensor, Refused> {
        let mut source = self.weights(name);
        let scale = source.uniform(channels, 0.8, 1.2);
        let shift = bias.then(|| source.uniform(channels, -0.1, 0.1));
        self.network.scale(name, input, true, [shift, Some(scale), None])
    }

    /// A coefficient other than 1 is a scale layer of its own before the sum.
    fn eltwise(&mut self, name: &str, inputs: &[Tensor], eltwise: &Eltwise) -> Result<Tensor, Refused> {
        let mut scaled = inputs.to_vec();
        for (idx, coefficient) in eltwise.coefficients.iter().enumerate() {
            if (coefficient - 1.0).abs() < f64::EPSILON {
                continue;
            }
            let scale = Some(self.exactly([*coefficient]));
            let name = format!("{name} coefficient {idx}");
            scaled[idx] = self.network.scale(&name, inputs[idx], false, [None, scale, None])?;
        }
        let operation = match eltwise.operation {
            EltwiseOperation::Sum => Elementwise::Sum,
            EltwiseOperation::Product => Elementwise::Product,
            EltwiseOperation::Max => Elementwise::Maximum,
        };
        self.network.elementwise(name, [scaled[0], scaled[1]], operation)
    }
}

fn unsupported(layer: &Layer) -> AssembleError {
    let reason = match &layer.kind {
        LayerKind::Lrn(_) => "TensorRT normalizes across channels only, not within one".to_owned(),
        LayerKind::Operator(operator) => {
            format!("`{}` can't be built for TensorRT here; only what Caffe has a layer for can", operator.name)
        }
        kind => format!("`{}` can't be built for TensorRT yet", kind.caffe_name()),
    };
    AssembleError::Unsupported { layer: layer.name.clone(), reason }
}

fn refused(layer: &str) -> AssembleError {
    AssembleError::Refused { layer: layer.to_owned() }
}

/// Where a pooling's last window ends beyond its input, how far beyond the padding that the file asks for.
fn overhang((input, output): (u64, u64), window: &crate::network::Window, axis: usize) -> u64 {
    let end = (output - 1) * window.stride[axis] + window.kernel[axis];
    end.saturating_sub(input + 2 * window.pad[axis])
}

/// Padding after the last row or column with which exactly `output` windows fit when the count is rounded down.
fn post_pad((input, output): (u64, u64), window: &crate::network::Window, axis: usize) -> u64 {
    let end = (output - 1) * window.stride[axis] + window.kernel[axis];
    let least = end.saturating_sub(input + window.pad[axis]);
    let most = (end + window.stride[axis] - 1).saturating_sub(input + window.pad[axis]);
    window.pad[axis].clamp(least, most)
}

/// A window with its padding before and after each axis.
fn raw_window(window: &crate::network::Window, pads: [[u64; 2]; 2]) -> Window {
    Window {
        kernel: window.kernel.map(number),
        stride: window.stride.map(number),
        pre_pad: pads.map(|[before, _]| number(before)),
        post_pad: pads.map(|[_, after]| number(after)),
        dilation: window.dilation.map(number),
    }
}

fn dims(shape: Shape) -> [i64; 3] {
    [shape.channels, shape.height, shape.width].map(number)
}

/// Caffe counts in 31 bits, which the parser holds every number to.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
