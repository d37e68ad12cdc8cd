//! A layer's seeded weights as TensorRT takes them.

use half::f16;

use super::ffi::{ElementType, Weights};
use crate::network::{SeededWeights, single};

/// A source of one layer's weights: those of [`SeededWeights`] in a precision.
pub(super) struct WeightSource {
    seeded: SeededWeights,
    kind: ElementType,
}

impl WeightSource {
    /// The weights of the layer called `layer`.
    pub(super) fn new(seed: u64, layer: &str, kind: ElementType) -> Self {
        Self { seeded: SeededWeights::new(seed, layer), kind }
    }

    /// `count` kernel values of a layer each of whose outputs reads `fan_in` inputs.
    pub(super) fn kernel(&mut self, count: u64, fan_in: u64) -> Weights {
        of_precision(self.kind, self.seeded.kernel(count, fan_in))
    }

    /// `count` values between two bounds.
    pub(super) fn uniform(&mut self, count: u64, low: f64, high: f64) -> Weights {
        of_precision(self.kind, self.seeded.uniform(count, low, high))
    }

    /// `values` as they are.
    pub(super) fn exactly(kind: ElementType, values: impl IntoIterator<Item = f64>) -> Weights {
        match kind {
            ElementType::Float => Weights::Float(values.into_iter().map(single).collect()),
            ElementType::Half => Weights::Half(values.into_iter().map(f16::from_f64).collect()),
        }
    }
}

fn of_precision(kind: ElementType, values: impl Iterator<Item = f32>) -> Weights {
    match kind {
        ElementType::Float => Weights::Float(values.collect()),
        ElementType::Half => Weights::Half(values.map(f16::from_f32).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_rounds_the_same_values() {
        let Weights::Float(floats) = WeightSource::new(1, "a", ElementType::Float).kernel(4, 50) else { panic!() };
        let Weights::Half(halves) = WeightSource::new(1, "a", ElementType::Half).kernel(4, 50) else { panic!() };
        let rounded: Vec<f16> = floats.into_iter().map(f16::from_f32).collect();
        assert_eq!(halves, rounded);
    }
}
