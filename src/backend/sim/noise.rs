//! Run-to-run noise of the simulated board: small, positive, and the same for the same seed.

use crate::units::SplitMix64;

/// Standard deviation of the relative noise of one stage.
const SIGMA: f64 = 0.01;

/// A stream of factors around 1, drawn from a splitmix64 sequence.
#[derive(Clone, Debug)]
pub struct Noise {
    bits: SplitMix64,
}

impl Noise {
    /// The stream that belongs to `seed`.
    pub fn new(seed: u64) -> Self {
        Self { bits: SplitMix64::new(seed) }
    }

    /// The stream of round `round` under `seed`; streams of different rounds are unrelated.
    pub fn of_round(seed: u64, round: u64) -> Self {
        let mut outer = Self::new(seed ^ round.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        Self::new(outer.bits.next_bits())
    }

    /// The next factor: `exp(0.01 z)`, with `z` nearly standard normal (the sum of twelve uniform numbers, minus 6).
    pub fn factor(&mut self) -> f64 {
        let sum: f64 = (0..12).map(|_| self.bits.uniform()).sum();
        (SIGMA * (sum - 6.0)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_splitmix64() {
        let mut noise = Noise::new(0);
        assert_eq!(noise.bits.next_bits(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(noise.bits.next_bits(), 0x6E78_9E6A_A1B9_65F4);
    }

    #[test]
    fn factors_scatter_by_one_percent_around_one() {
        let mut noise = Noise::of_round(7, 3);
        let factors: Vec<f64> = (0..20_000).map(|_| noise.factor()).collect();
        let mean = factors.iter().sum::<f64>() / 20_000.0;
        let variance = factors.iter().map(|factor| (factor - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean - 1.0).abs() < 5e-4, "{mean}");
        assert!((variance.sqrt() - 0.01).abs() < 3e-4, "{variance}");
    }

    #[test]
    fn rounds_and_seeds_differ_and_repeat() {
        let first = |seed, round| Noise::of_round(seed, round).factor();
        assert_eq!(first(1, 2).to_bits(), first(1, 2).to_bits());
        assert_ne!(first(1, 2).to_bits(), first(1, 3).to_bits());
        assert_ne!(first(1, 2).to_bits(), first(2, 2).to_bits());
    }
}
