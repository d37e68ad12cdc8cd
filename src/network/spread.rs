//! How large the numbers in a network with seeded weights are, so that its normalizations can store what training would have.

use super::{Activation, Eltwise, EltwiseOperation, Layer, LayerKind, Network, PoolingMethod, Window};

/// Numbers from -1 to 1, which runs are given: the mean of their squares.
const INPUT: f64 = 1.0 / 3.0;

/// Bounds that keep a variance a number in single precision, whatever a network's parameters are.
const LIMITS: [f64; 2] = [1e-12, 1e12];

/// For each tensor, about the mean of the squares of its numbers, where kernels have He's variance
/// ([`SeededWeights::kernel`](super::SeededWeights::kernel)) and normalizations divide by what this function says.
///
/// A sum with independent weights of mean 0 has mean 0 and as many mean squares of weight times input as it has terms; a
/// rectifier keeps half of that (He et al. 2015, section 2.2), but all of what was positive before, as the way around a residual
/// block is. Where the truth lies between two numbers the larger one is taken: what is normalized by too much fades once, what
/// is normalized by too little grows with every block.
pub fn mean_squares(network: &Network) -> Vec<f64> {
    let mut known = vec![Spread { mean_square: INPUT, centred: true }; network.tensors.len()];
    for layer in &network.layers {
        let Spread { mean_square, centred } = of_layer(network, &known, layer);
        let spread = Spread { mean_square: mean_square.clamp(LIMITS[0], LIMITS[1]), centred };
        layer.tops.iter().for_each(|top| known[top.0] = spread);
    }
    known.into_iter().map(|spread| spread.mean_square).collect()
}

/// How the numbers of a tensor lie.
#[derive(Clone, Copy)]
struct Spread {
    mean_square: f64,
    /// Whether their mean is about 0.
    centred: bool,
}

fn of_layer(network: &Network, known: &[Spread], layer: &Layer) -> Spread {
    let inputs: Vec<Spread> = layer.bottoms.iter().map(|bottom| known[bottom.0]).collect();
    let all_centred = inputs.iter().all(|input| input.centred);
    let input = inputs.first().map_or(INPUT, |input| input.mean_square);
    let (mean_square, centred) = match &layer.kind {
        LayerKind::Convolution(convolution) => {
            let (from, to) = (network.tensor(layer.bottoms[0]).shape, network.tensor(layer.tops[0]).shape);
            let window = &convolution.window;
            let rows = inside([from.height, to.height], window, 0);
            (2.0 * input * rows * inside([from.width, to.width], window, 1), true)
        }
        // Each output meets one of so many weights as its stride is wide.
        LayerKind::Deconvolution(it) => (2.0 * input / (it.window.stride[0] * it.window.stride[1]) as f64, true),
        LayerKind::InnerProduct(_) => (2.0 * input, true),
        LayerKind::Relu { negative_slope } if all_centred => {
            (input * (1.0 + negative_slope * negative_slope) / 2.0, false)
        }
        LayerKind::Activation(activation) => (activated(*activation, input), false),
        LayerKind::BatchNorm { .. } => (1.0, all_centred),
        LayerKind::Eltwise(eltwise) => (combined(eltwise, &inputs), all_centred),
        LayerKind::Concat => (weighted(network, layer, &inputs), all_centred),
        LayerKind::Softmax => ((network.tensor(layer.tops[0]).shape.channels as f64).powi(-2), false),
        // The largest of some numbers has about twice the mean square of one.
        LayerKind::Pooling(it) if it.method == PoolingMethod::Max && it.window.kernel != [1, 1] => (2.0 * input, false),
        LayerKind::Scale { .. } | LayerKind::Rearrange(_) => (input, all_centred),
        LayerKind::Relu { .. } | LayerKind::Pooling(_) | LayerKind::Lrn(_) | LayerKind::Operator(_) => (input, false),
    };
    Spread { mean_square, centred }
}

/// The mean of a concatenation's inputs.
fn weighted(network: &Network, layer: &Layer, inputs: &[Spread]) -> f64 {
    let elements: Vec<f64> =
        layer.bottoms.iter().map(|bottom| network.tensor(*bottom).shape.elements() as f64).collect();
    let sum: f64 = inputs.iter().zip(&elements).map(|(input, elements)| input.mean_square * elements).sum();
    sum / elements.iter().sum::<f64>()
}

/// Most windows along an axis for which the edge is looked at; beside more it is nothing.
const MAX_WINDOWS: u64 = 4096;

/// Share of a kernel's rows or columns that lie inside the input and not in its padding, over all windows of an axis.
fn inside([input, output]: [u64; 2], window: &Window, axis: usize) -> f64 {
    let (kernel, dilation) = (window.kernel[axis], window.dilation[axis]);
    if output > MAX_WINDOWS {
        return 1.0;
    }
    let taps = |at: u64| {
        let before = |end: u64| end.saturating_sub(at * window.stride[axis]).div_ceil(dilation).min(kernel);
        before(window.pad[axis] + input) - before(window.pad[axis])
    };
    (0..output).map(taps).sum::<u64>() as f64 / (output * kernel) as f64
}

fn activated(activation: Activation, input: f64) -> f64 {
    match activation {
        Activation::AbsoluteValue => input,
        Activation::Bnll | Activation::Elu { .. } => input / 2.0,
        Activation::Clip { min, max } => input.min(min.abs().max(max.abs()).powi(2)),
        Activation::Power { power, scale, shift } => (scale * scale * input + shift * shift).powf(power),
        Activation::Sigmoid | Activation::TanH => input.min(1.0),
    }
}

fn combined(eltwise: &Eltwise, inputs: &[Spread]) -> f64 {
    let squares = || inputs.iter().map(|input| input.mean_square);
    match eltwise.operation {
        EltwiseOperation::Sum => {
            let coefficients = eltwise.coefficients.iter().copied().chain(std::iter::repeat(1.0));
            let terms: Vec<f64> =
                squares().zip(coefficients).map(|(square, factor)| square * factor * factor).collect();
            // Numbers that all lie on one side of 0 may add up one by one.
            match inputs.iter().filter(|input| !input.centred).count() {
                0 | 1 => terms.iter().sum(),
                _ => terms.iter().map(|term| term.sqrt()).sum::<f64>().powi(2),
            }
        }
        EltwiseOperation::Product => squares().product(),
        EltwiseOperation::Max => squares().fold(0.0, f64::max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::caffe;

    #[track_caller]
    fn check(layers: &str, expected: f64) {
        let input = "layer { name: 'x' type: 'Input' top: 'x' input_param { shape { dim: [1, 4, 8, 8] } } }";
        let network = caffe::parse(&format!("{input}{layers}"), "net", "Net").unwrap();
        let found = *mean_squares(&network).last().unwrap();
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} instead of {expected}");
    }

    #[test]
    fn layers_double_halve_and_add_mean_squares() {
        let layer = |kind: &str, bottom: &str, top: &str, rest: &str| {
            format!("layer {{ name: '{top}' type: '{kind}' bottom: '{bottom}' top: '{top}' {rest} }}")
        };
        let convolution = |pad: u64, size: u64| {
            let parameters = format!("convolution_param {{ num_output: 4 pad: {pad} kernel_size: {size} }}");
            layer("Convolution", "x", "c", &parameters)
        };
        check(&convolution(0, 3), 2.0 / 3.0);
        // Of 8 windows of 3 rows, two have one row in the padding: 22 of 24; columns alike.
        check(&convolution(1, 3), 2.0 / 3.0 * (22.0_f64 / 24.0).powi(2));
        let normalized = convolution(0, 1) + &layer("BatchNorm", "c", "n", "");
        check(&normalized, 1.0);
        let sum = normalized + "layer { name: 's' type: 'Eltwise' bottom: 'x' bottom: 'n' top: 's' }";
        check(&sum, 4.0 / 3.0);
        check(&(sum.clone() + &layer("ReLU", "s", "r", "")), 2.0 / 3.0);
        let rectified = sum.clone() + &layer("ReLU", "s", "r", "");
        let block = "layer { name: 't' type: 'Eltwise' bottom: 'r' bottom: 'n' top: 't' }";
        check(&(rectified.clone() + block + &layer("ReLU", "t", "u", "")), 5.0 / 3.0);
        check(&(rectified + "layer { name: 'v' type: 'Eltwise' bottom: 'r' bottom: 'r' top: 'v' }"), 8.0 / 3.0);
        check(&layer("Pooling", "x", "m", "pooling_param { kernel_size: 2 }"), 2.0 / 3.0);
        check(&(sum + "layer { name: 'd' type: 'Concat' bottom: 's' bottom: 'x' top: 'd' }"), 2.5 / 3.0);
        check(&layer("Power", "x", "p", "power_param { scale: 2 shift: 1 }"), 7.0 / 3.0);
    }

    #[test]
    fn no_network_makes_a_variance_that_is_no_number() {
        let power = "power_param { power: -40 scale: 1e-30 }";
        let layer = |from: &str, to: &str| {
            format!("layer {{ name: '{to}' type: 'Power' bottom: '{from}' top: '{to}' {power} }}")
        };
        check(&(layer("x", "p") + &layer("p", "q")), LIMITS[1]);
    }
}
