//! Weights for networks whose files hold none: seeded, so that a layer has the same in every engine of its network.

use half::f16;

use super::assemble::single;
use super::ffi::{ElementType, Weights};
use crate::units::{SplitMix64, hash_of_name};

/// A source of one layer's weights. The sequence depends on the seed and the layer's name alone.
pub(super) struct WeightSource {
    bits: SplitMix64,
    kind: ElementType,
}

impl WeightSource {
    /// The weights of the layer called `layer`.
    pub(super) fn new(seed: u64, layer: &str, kind: ElementType) -> Self {
        Self { bits: SplitMix64::new(hash_of_name(seed, layer)), kind }
    }

    /// `count` kernel values, uniform with the variance 2 / `fan_in` of He et al., "Delving Deep into Rectifiers"
    /// (2015): each unit keeps the variance of its input through a rectifier.
    pub(super) fn kernel(&mut self, count: u64, fan_in: u64) -> Weights {
        let bound = (6.0 / fan_in.max(1) as f64).sqrt();
        self.uniform(count, -bound, bound)
    }

    /// `count` values between two bounds.
    pub(super) fn uniform(&mut self, count: u64, low: f64, high: f64) -> Weights {
        let (low, span) = (single(low), single(high - low));
        let kind = self.kind;
        let mut next = || low + span * self.unit();
        match kind {
            ElementType::Float => Weights::Float((0..count).map(|_| next()).collect()),
            ElementType::Half => Weights::Half((0..count).map(|_| f16::from_f32(next())).collect()),
        }
    }

    /// `values` as they are.
    pub(super) fn exactly(kind: ElementType, values: impl IntoIterator<Item = f64>) -> Weights {
        match kind {
            ElementType::Float => Weights::Float(values.into_iter().map(single).collect()),
            ElementType::Half => Weights::Half(values.into_iter().map(f16::from_f64).collect()),
        }
    }

    /// The next number in [0, 1), of 24 random bits.
    fn unit(&mut self) -> f32 {
        (self.bits.next_bits() >> 40) as f32 / (1_u32 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(seed: u64, layer: &str, count: u64) -> Vec<f32> {
        match WeightSource::new(seed, layer, ElementType::Float).kernel(count, 50) {
            Weights::Float(values) => values,
            Weights::Half(_) => panic!("asked for floats"),
        }
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

    #[test]
    fn half_precision_rounds_the_same_values() {
        let Weights::Half(halves) = WeightSource::new(1, "a", ElementType::Half).kernel(4, 50) else { panic!() };
        let rounded: Vec<f16> = floats(1, "a", 4).into_iter().map(f16::from_f32).collect();
        assert_eq!(halves, rounded);
    }
}
