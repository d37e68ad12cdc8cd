//! The middle and the edges of sampled numbers.

/// The median and the 5th and 95th percentiles of samples, each the value of one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// 5th percentile.
    pub low: f64,
    /// Median; the lower one of two.
    pub median: f64,
    /// 95th percentile.
    pub high: f64,
}

impl Spread {
    /// The spread of `samples`; `None` of none. Nearest ranks: the smallest value that 5, 50 or 95 % don't pass.
    pub(super) fn of(samples: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = samples.collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let at = |percent: usize| sorted.get((percent * sorted.len()).div_ceil(100).max(1) - 1).copied();
        Some(Self { low: at(5)?, median: at(50)?, high: at(95)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks() {
        let hundred = Spread::of((1..=100).rev().map(f64::from));
        assert_eq!(hundred, Some(Spread { low: 5.0, median: 50.0, high: 95.0 }));
        let three = Spread::of([3.0, 1.0, 2.0].into_iter());
        assert_eq!(three, Some(Spread { low: 1.0, median: 2.0, high: 3.0 }));
        assert_eq!(Spread::of(std::iter::empty()), None);
    }
}
