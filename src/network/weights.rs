//! Weights for networks whose files hold none: seeded, so that a layer has the same wherever its network is built.

use crate::units::{SplitMix64, hash_of_name};

/// A source of one layer's weights. The sequence depends on the seed and the layer's name alone.
#[derive(Clone, Debug)]
pub struct SeededWeights {
    bits: SplitMix64,
}

impl SeededWeights {
    /// The weights of the layer called `layer`.
    pub fn new(seed: u64, layer: &str) -> Self {
        Self { bits: SplitMix64::new(hash_of_name(seed, layer)) }
    }

    /// `count` kernel values, uniform with the variance 2 / `fan_in` of He et al., "Delving Deep into Rectifiers"
    /// (2015): each unit keeps the variance of its input through a rectifier.
    pub fn kernel(&mut self, count: u64, fan_in: u64) -> impl Iterator<Item = f32> {
        let bound = (6.0 / fan_in.max(1) as f64).sqrt();
        self.uniform(count, -bound, bound)
    }

    /// Means and variances for `channels` channels of numbers whose mean square is about `mean_square`, as a normalization
    /// stores them after training: within a tenth of a standard deviation of 0, and a fifth of the variance.
    pub fn statistics(&mut self, channels: u64, mean_square: f64) -> [Vec<f32>; 2] {
        let deviation = mean_square.sqrt();
        let means = self.uniform(channels, -0.1 * deviation, 0.1 * deviation).collect();
        [means, self.uniform(channels, 0.8 * mean_square, 1.2 * mean_square).collect()]
    }

    /// `count` values between two bounds.
    pub fn uniform(&mut self, count: u64, low: f64, high: f64) -> impl Iterator<Item = f32> {
        let (low, span) = (single(low), single(high - low));
        (0..count).map(move |_| low + span * self.unit())
    }

    /// The next number in [0, 1), of 24 random bits.
    fn unit(&mut self) -> f32 {
        (self.bits.next_bits() >> 40) as f32 / (1_u32 << 24) as f32
    }
}

/// A number as Caffe, TensorRT and ONNX hold it; the parsers refuse what single precision can't.
#[expect(clippy::cast_possible_truncation, reason = "these numbers are single precision wherever they are used")]
pub(crate) fn single(value: f64) -> f32 {
    value as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(seed: u64, layer: &str, count: u64) -> Vec<f32> {
        SeededWeights::new(seed, layer).kernel(count, 50).collect()
    }

    #[test]
    fn the_seed_and_the_layer_decide_the_weights() {
        assert_eq!(floats(1, "conv1", 8), floats(1, "conv1", 8));
        assert_ne!(floats(1, "conv1", 8), floats(2, "conv1", 8));
        assert_ne!(floats(1, "conv1", 8), floats(1, "conv2", 8));
    }

    #[test]
    fn kernels_have_the_variance_that_keeps_a_rectified_signal() {
        let values = floats(1, "conv1", 100_000);
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / 1e5;
        let variance = values.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 2e-3, "{mean}");
        assert!((variance - 2.0 / 50.0).abs() < 4e-4, "{variance}");
    }
}
