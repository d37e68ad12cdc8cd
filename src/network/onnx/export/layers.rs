//! Every type of layer as nodes of ONNX.

use super::{Exporter, float, int, ints};
use crate::network::onnx::{OnnxError, tensor};
use crate::network::{
    Activation, Eltwise, EltwiseOperation, InnerProduct, Layer, LayerKind, LocalResponseNormalization, Rearrangement,
    SeededWeights, Shape, single,
};

impl Exporter<'_> {
    /// Adds the nodes of one layer.
    pub(super) fn layer(&mut self, layer: &Layer) -> Result<(), OnnxError> {
        match &layer.kind {
            LayerKind::Convolution(convolution) => self.convolution(layer, convolution, false),
            LayerKind::Deconvolution(convolution) => self.convolution(layer, convolution, true),
            LayerKind::Pooling(pooling) => self.pooling(layer, pooling),
            LayerKind::InnerProduct(product) => self.inner_product(layer, *product),
            LayerKind::Relu { negative_slope: 0.0 } => self.pointwise(layer, "Relu", Vec::new()),
            LayerKind::Relu { negative_slope } => {
                self.pointwise(layer, "LeakyRelu", vec![float("alpha", *negative_slope)]);
            }
            LayerKind::Activation(activation) => self.activation(layer, *activation),
            LayerKind::Lrn(lrn) if lrn.across_channels => self.lrn(layer, *lrn),
            LayerKind::Lrn(lrn) => self.lrn_within(layer, *lrn),
            LayerKind::BatchNorm { epsilon } => self.batch_norm(layer, *epsilon),
            LayerKind::Scale { bias } => self.scale(layer, *bias),
            LayerKind::Eltwise(eltwise) => self.eltwise(layer, eltwise),
            LayerKind::Concat => self.concat(layer),
            LayerKind::Softmax => self.pointwise(layer, "Softmax", vec![int("axis", 1)]),
            LayerKind::Rearrange(rearrangement) => self.rearrange(layer, *rearrangement),
            LayerKind::Operator(_) => return Err(unknown(layer)),
        }
        Ok(())
    }

    /// One node that keeps the shape of its input.
    fn pointwise(&mut self, layer: &Layer, operator: &str, attributes: Vec<super::AttributeProto>) {
        let bottom = layer.bottoms[0];
        let input = self.names[bottom.0].clone();
        self.main(layer, operator, &[&input], attributes, self.flat[bottom.0]);
    }

    fn inner_product(&mut self, layer: &Layer, product: InnerProduct) {
        let InnerProduct { num_output, bias } = product;
        let fan_in = self.shape(layer.bottoms[0]).elements();
        let input = self.matrix(layer, layer.bottoms[0]);
        let mut source = SeededWeights::new(self.seed, &layer.name);
        let kernel = source.kernel(num_output * fan_in, fan_in);
        let mut inputs = vec![input, self.floats(layer, "weights", &[num_output, fan_in], kernel)];
        if bias {
            inputs.push(self.floats(layer, "bias", &[num_output], source.uniform(num_output, -0.1, 0.1)));
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.main(layer, "Gemm", &inputs, vec![int("transB", 1)], true);
    }

    fn activation(&mut self, layer: &Layer, activation: Activation) {
        match activation {
            Activation::AbsoluteValue => self.pointwise(layer, "Abs", Vec::new()),
            Activation::Bnll => self.pointwise(layer, "Softplus", Vec::new()),
            Activation::Elu { alpha } => self.pointwise(layer, "Elu", vec![float("alpha", alpha)]),
            Activation::Sigmoid => self.pointwise(layer, "Sigmoid", Vec::new()),
            Activation::TanH => self.pointwise(layer, "Tanh", Vec::new()),
            Activation::Clip { min, max } => self.chain(layer, &[("Min", max), ("Max", min)]),
            Activation::Power { power, scale, shift } => {
                let steps = [("Mul", scale, 1.0), ("Add", shift, 0.0), ("Pow", power, 1.0)];
                let needed = steps
                    .into_iter()
                    .filter(|(_, number, nothing)| single(*number).to_bits() != single(*nothing).to_bits());
                self.chain(layer, &needed.map(|(operator, number, _)| (operator, number)).collect::<Vec<_>>());
            }
        }
    }

    /// Nodes one after the other, each of the value so far and a number.
    fn chain(&mut self, layer: &Layer, steps: &[(&str, f64)]) {
        let bottom = layer.bottoms[0];
        let mut input = self.names[bottom.0].clone();
        let Some(((last, number), before)) = steps.split_last() else {
            return self.pointwise(layer, "Identity", Vec::new());
        };
        for (operator, number) in before {
            let constant = self.number(layer, operator, *number);
            input = self.helper(layer, operator, operator, &[&input, &constant], Vec::new());
        }
        let constant = self.number(layer, last, *number);
        self.main(layer, last, &[&input, &constant], Vec::new(), self.flat[bottom.0]);
    }

    fn number(&mut self, layer: &Layer, operator: &str, number: f64) -> String {
        self.floats(layer, &format!("{operator} by"), &[], std::iter::once(single(number)))
    }

    fn lrn(&mut self, layer: &Layer, lrn: LocalResponseNormalization) {
        let LocalResponseNormalization { local_size, alpha, beta, k, .. } = lrn;
        let input = self.image(layer, layer.bottoms[0]);
        let attributes = vec![int("size", local_size), float("alpha", alpha), float("beta", beta), float("bias", k)];
        self.main(layer, "LRN", &[&input], attributes, false);
    }

    /// `x / (1 + alpha * mean of squares in the window)^beta`, rows and columns beyond the edge counting as 0.
    fn lrn_within(&mut self, layer: &Layer, lrn: LocalResponseNormalization) {
        let input = self.image(layer, layer.bottoms[0]);
        let squares = self.helper(layer, "squares", "Mul", &[&input, &input], Vec::new());
        let window = vec![
            ints("kernel_shape", &[lrn.local_size; 2]),
            ints("pads", &[lrn.local_size / 2; 4]),
            int("count_include_pad", 1),
        ];
        let mut divisor = self.helper(layer, "means", "AveragePool", &[&squares], window);
        for (operator, number) in [("Mul", lrn.alpha), ("Add", 1.0), ("Pow", lrn.beta)] {
            let constant = self.number(layer, operator, number);
            divisor = self.helper(layer, operator, operator, &[&divisor, &constant], Vec::new());
        }
        self.main(layer, "Div", &[&input, &divisor], Vec::new(), false);
    }

    /// The mean and variance that training would have stored, about; nothing is scaled or shifted.
    fn batch_norm(&mut self, layer: &Layer, epsilon: f64) {
        let channels = self.shape(layer.bottoms[0]).channels;
        let mean_square = self.mean_squares[layer.bottoms[0].0];
        let [means, variances] = SeededWeights::new(self.seed, &layer.name).statistics(channels, mean_square);
        let ones = vec![1.0; means.len()];
        let zeros = vec![0.0; means.len()];
        self.normalize(layer, epsilon, [("scale", ones), ("shift", zeros), ("mean", means), ("variance", variances)]);
    }

    /// With a shift it is a normalization by mean 0 and variance 1; without, a product with one number a channel.
    fn scale(&mut self, layer: &Layer, bias: bool) {
        let channels = self.shape(layer.bottoms[0]).channels;
        let mut source = SeededWeights::new(self.seed, &layer.name);
        let scales: Vec<f32> = source.uniform(channels, 0.8, 1.2).collect();
        if bias {
            let shifts: Vec<f32> = source.uniform(channels, -0.1, 0.1).collect();
            let zeros = vec![0.0; scales.len()];
            let ones = vec![1.0; scales.len()];
            let parts = [("scale", scales), ("shift", shifts), ("mean", zeros), ("variance", ones)];
            return self.normalize(layer, 0.0, parts);
        }
        let input = self.image(layer, layer.bottoms[0]);
        let scale = self.floats(layer, "scale", &[channels, 1, 1], scales.into_iter());
        self.main(layer, "Mul", &[&input, &scale], Vec::new(), false);
    }

    fn normalize(&mut self, layer: &Layer, epsilon: f64, parts: [(&str, Vec<f32>); 4]) {
        let bottom = layer.bottoms[0];
        let input = self.names[bottom.0].clone();
        let constant = |(what, values): (&str, Vec<f32>)| {
            let channels = values.len() as u64;
            self.floats(layer, what, &[channels], values.into_iter())
        };
        let [scale, shift, mean, variance] = parts.map(constant);
        let inputs = [input.as_str(), &scale, &shift, &mean, &variance];
        self.main(layer, "BatchNormalization", &inputs, vec![float("epsilon", epsilon)], self.flat[bottom.0]);
    }

    /// Names of the layer's inputs, all flat or none.
    fn alike(&mut self, layer: &Layer) -> (Vec<String>, bool) {
        let flat = layer.bottoms.iter().all(|bottom| self.flat[bottom.0]);
        let name = |bottom: &crate::network::TensorId| {
            if flat { self.names[bottom.0].clone() } else { self.image(layer, *bottom) }
        };
        (layer.bottoms.iter().map(name).collect(), flat)
    }

    fn eltwise(&mut self, layer: &Layer, eltwise: &Eltwise) {
        let (mut inputs, flat) = self.alike(layer);
        for (idx, coefficient) in eltwise.coefficients.iter().enumerate() {
            if (coefficient - 1.0).abs() >= f64::EPSILON {
                let what = format!("coefficient {idx}");
                let constant = self.number(layer, &what, *coefficient);
                inputs[idx] = self.helper(layer, &what, "Mul", &[&inputs[idx], &constant], Vec::new());
            }
        }
        let operator = match eltwise.operation {
            EltwiseOperation::Sum => "Add",
            EltwiseOperation::Product => "Mul",
            EltwiseOperation::Max => "Max",
        };
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.main(layer, operator, &inputs, Vec::new(), flat);
    }

    fn concat(&mut self, layer: &Layer) {
        let (inputs, flat) = self.alike(layer);
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.main(layer, "Concat", &inputs, vec![int("axis", 1)], flat);
    }

    fn rearrange(&mut self, layer: &Layer, rearrangement: Rearrangement) {
        match rearrangement {
            Rearrangement::Reshape => self.reshape(layer),
            Rearrangement::Permute { order: [first, second, third] } => {
                let input = self.image(layer, layer.bottoms[0]);
                let order = ints("perm", &[0, first, second, third]);
                self.main(layer, "Transpose", &[&input], vec![order], false);
            }
            Rearrangement::Crop { offset } => self.crop(layer, offset),
            Rearrangement::Reduction { axis, mean } => self.reduction(layer, axis, mean),
        }
    }

    /// The second bottom only tells the shape, which is known.
    fn crop(&mut self, layer: &Layer, [row, column]: [u64; 2]) {
        let Shape { height, width, .. } = self.shape(layer.tops[0]);
        let input = self.image(layer, layer.bottoms[0]);
        let [starts, ends] = [[row, column], [row + height, column + width]].map(|sides| tensor::signed(&sides));
        let whole = [("starts", starts), ("ends", ends), ("axes", vec![2, 3])];
        let [starts, ends, axes] = whole.map(|(what, values)| self.whole(layer, what, &values));
        self.main(layer, "Slice", &[&input, &starts, &ends, &axes], Vec::new(), false);
    }

    /// Axes are an attribute of the mean and an input of the sum in this version of the operators.
    fn reduction(&mut self, layer: &Layer, axis: u64, mean: bool) {
        let input = self.image(layer, layer.bottoms[0]);
        let reduced: Vec<u64> = (axis..4).collect();
        if mean {
            return self.main(layer, "ReduceMean", &[&input], vec![ints("axes", &reduced)], false);
        }
        let listed = self.whole(layer, "axes", &tensor::signed(&reduced));
        self.main(layer, "ReduceSum", &[&input, &listed], Vec::new(), false);
    }

    fn reshape(&mut self, layer: &Layer) {
        let sides = super::image_dims(self.shape(layer.tops[0]));
        let shape = self.whole(layer, "shape", &tensor::signed(&sides));
        let input = self.names[layer.bottoms[0].0].clone();
        self.main(layer, "Reshape", &[&input, &shape], Vec::new(), false);
    }
}

fn unknown(layer: &Layer) -> OnnxError {
    let kind = layer.kind.caffe_name();
    OnnxError::new(format!(
        "layer `{}`: the network doesn't keep how its `{kind}` works, so that it can't be exported",
        layer.name
    ))
}
