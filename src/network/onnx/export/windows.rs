//! Convolutions and poolings, with Caffe's count of windows.

use super::{Exporter, int, ints};
use crate::network::{Convolution, Layer, Pooling, PoolingMethod, SeededWeights, Window};

impl Exporter<'_> {
    /// A convolution, or a transposed one: a kernel connects as many inputs to as many outputs in either.
    pub(super) fn convolution(&mut self, layer: &Layer, convolution: &Convolution, transposed: bool) {
        let Convolution { num_output, window, pad_end, group, bias } = *convolution;
        let channels = self.shape(layer.bottoms[0]).channels;
        let input = self.image(layer, layer.bottoms[0]);
        let fan_in = channels / group * window.kernel[0] * window.kernel[1];
        let sides = if transposed { [channels, num_output / group] } else { [num_output, channels / group] };
        let mut source = SeededWeights::new(self.seed, &layer.name);
        let kernel = source.kernel(num_output * fan_in, fan_in);
        let weights = self.floats(layer, "weights", &[sides, window.kernel].concat(), kernel);
        let mut inputs = vec![input, weights];
        if bias {
            inputs.push(self.floats(layer, "bias", &[num_output], source.uniform(num_output, -0.1, 0.1)));
        }
        let attributes = vec![
            ints("kernel_shape", &window.kernel),
            ints("strides", &window.stride),
            ints("pads", &[window.pad, pad_end.unwrap_or(window.pad)].concat()),
            ints("dilations", &window.dilation),
            int("group", group),
        ];
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        self.main(layer, if transposed { "ConvTranspose" } else { "Conv" }, &inputs, attributes, false);
    }

    /// Pooling with Caffe's windows: padding after the last row and column is chosen so that as many windows fit as Caffe
    /// counts. An average counts the padding that was asked for and not what lies beyond it; where both are there, that
    /// padding is a node of its own.
    pub(super) fn pooling(&mut self, layer: &Layer, pooling: &Pooling) {
        let mut input = self.image(layer, layer.bottoms[0]);
        let average = pooling.method != PoolingMethod::Max;
        if pooling.global {
            let operator = if average { "GlobalAveragePool" } else { "GlobalMaxPool" };
            return self.main(layer, operator, &[&input], Vec::new(), false);
        }
        let Pooling { method, mut window, .. } = *pooling;
        let (shape, output) = (self.shape(layer.bottoms[0]), self.shape(layer.tops[0]));
        let sides = [(shape.height, output.height), (shape.width, output.width)];
        let overhangs = [0, 1].map(|axis| overhang(sides[axis], &window, axis));
        let mut ends = [0, 1].map(|axis| end_padding(sides[axis], &window, axis));
        let beyond = method == PoolingMethod::Average && overhangs != [0, 0];
        if beyond && window.pad != [0, 0] {
            let [rows, columns] = window.pad.map(|pad| i64::try_from(pad).unwrap_or(i64::MAX));
            let pads = self.whole(layer, "pads", &[0, 0, rows, columns, 0, 0, rows, columns]);
            input = self.helper(layer, "padded", "Pad", &[&input, &pads], Vec::new());
            window.pad = [0, 0];
            ends = overhangs;
        }
        let mut attributes = vec![
            ints("kernel_shape", &window.kernel),
            ints("strides", &window.stride),
            ints("pads", &[window.pad, ends].concat()),
        ];
        if method == PoolingMethod::Average && !beyond {
            attributes.push(int("count_include_pad", 1));
        }
        self.main(layer, if average { "AveragePool" } else { "MaxPool" }, &[&input], attributes, false);
    }
}

/// How far beyond the input and the padding on both sides the last window ends.
fn overhang((input, output): (u64, u64), window: &Window, axis: usize) -> u64 {
    let end = (output - 1) * window.stride[axis] + window.kernel[axis];
    end.saturating_sub(input + 2 * window.pad[axis])
}

/// Padding after the last row or column with which exactly `output` windows fit.
fn end_padding((input, output): (u64, u64), window: &Window, axis: usize) -> u64 {
    let end = (output - 1) * window.stride[axis] + window.kernel[axis];
    let least = end.saturating_sub(input + window.pad[axis]);
    let most = (end + window.stride[axis] - 1).saturating_sub(input + window.pad[axis]);
    window.pad[axis].clamp(least, most)
}
