//! What repeated builds and runs say of a time: a mean, and how sure it is.

use std::collections::BTreeMap;

use crate::units::Milliseconds;

/// A mean over repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub value: Milliseconds,
    /// Half the width of its 95 % confidence interval; `None` from one repeat, of which nothing is known.
    pub half_width: Option<Milliseconds>,
    /// Variance of the mean, and its degrees of freedom; `None` from one repeat.
    spread: Option<(f64, f64)>,
}

impl Estimate {
    /// The mean of `repeats`; `None` of none.
    pub fn of(repeats: &[f64]) -> Option<Self> {
        let n = repeats.len() as f64;
        if repeats.is_empty() {
            return None;
        }
        let mean = repeats.iter().sum::<f64>() / n;
        let squares: f64 = repeats.iter().map(|value| (value - mean).powi(2)).sum();
        let spread = (repeats.len() > 1).then(|| (squares / (n - 1.0) / n, n - 1.0));
        Some(Self::new(mean, spread))
    }

    /// The mean over runs of several engines, told apart by a key: with an interval only where each of them was repeated,
    /// since what sets two engines apart isn't chance. `None` of no run.
    pub fn over<K: Ord>(runs: impl IntoIterator<Item = (K, f64)>) -> Option<Self> {
        let mut by_engine: BTreeMap<K, Vec<f64>> = BTreeMap::new();
        for (engine, time) in runs {
            by_engine.entry(engine).or_default().push(time);
        }
        let n_runs = by_engine.values().map(Vec::len).sum::<usize>() as f64;
        let share = |repeats: &Vec<f64>| Some((repeats.len() as f64 / n_runs, Self::of(repeats)?));
        let terms: Vec<(f64, Self)> = by_engine.values().filter_map(share).collect();
        (!terms.is_empty()).then(|| Self::sum(&terms))
    }

    /// The sum of `terms`, a factor and an estimate each, of repeats of their own; the interval is Welch's, with
    /// Satterthwaite's degrees of freedom.
    pub fn sum(terms: &[(f64, Self)]) -> Self {
        let value = terms.iter().map(|(factor, estimate)| factor * estimate.value.0).sum();
        let scaled =
            |(factor, estimate): &(f64, Self)| estimate.spread.map(|(variance, df)| (factor * factor * variance, df));
        let spreads: Option<Vec<(f64, f64)>> = terms.iter().map(scaled).collect();
        let spread = spreads.map(|spreads| {
            let variance: f64 = spreads.iter().map(|(variance, _)| variance).sum();
            let shares: f64 = spreads.iter().map(|(variance, df)| variance * variance / df).sum();
            let all_df = spreads.iter().map(|(_, df)| df).sum();
            (variance, if shares > 0.0 { variance * variance / shares } else { all_df })
        });
        Self::new(value, spread)
    }

    /// This less `other`, of other repeats.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        Self::sum(&[(1.0, *self), (-1.0, *other)])
    }

    /// The same interval around `value`.
    #[must_use]
    pub fn around(&self, value: f64) -> Self {
        Self { value: Milliseconds(value), ..*self }
    }

    /// Whether zero is within the interval. Nothing is known of one repeat.
    pub fn spans_zero(&self) -> bool {
        self.half_width.is_some_and(|half| self.value.0 - half.0 <= 0.0)
    }

    fn new(value: f64, spread: Option<(f64, f64)>) -> Self {
        let half_width = spread.map(|(variance, df)| Milliseconds(student_t(df) * variance.sqrt()));
        Self { value: Milliseconds(value), half_width, spread }
    }
}

/// The 97.5 % quantile of Student's t distribution of `df` degrees of freedom, for whole numbers up to ten; between and
/// beyond them by `1.96 + 2.373 / df + 2.822 / df^2 + 2.556 / df^3` (Abramowitz and Stegun 26.7.5, within 0.2 % from 4 on).
fn student_t(df: f64) -> f64 {
    const SMALL: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let df = df.max(1.0);
    let whole = SMALL.iter().zip(1..).find(|&(_, at)| (df - f64::from(at)).abs() < 1e-9);
    match whole {
        Some((quantile, _)) => *quantile,
        // Between the smallest ones the series is too low; a line between neighbours is not.
        None if df < 4.0 => {
            let below = df.floor();
            let at = |df: f64| {
                SMALL.iter().zip(1..).find(|&(_, at)| (df - f64::from(at)).abs() < 0.5).map_or(2.776, |(q, _)| *q)
            };
            at(below) + (at(below + 1.0) - at(below)) * (df - below)
        }
        None => 1.96 + 2.373 / df + 2.822 / df.powi(2) + 2.556 / df.powi(3),
    }
}

/// The non-increasing sequence nearest to `values` in squares weighted by `weights` (pool adjacent violators).
pub fn non_increasing(values: &[f64], weights: &[f64]) -> Vec<f64> {
    let mut blocks: Vec<(f64, f64, usize)> = Vec::new();
    for (&value, &weight) in values.iter().zip(weights) {
        let mut block = (value, weight, 1);
        while let Some(&(before, before_weight, length)) = blocks.last().filter(|before| before.0 < block.0) {
            let sum = before_weight + block.1;
            block = ((before * before_weight + block.0 * block.1) / sum, sum, length + block.2);
            blocks.pop();
        }
        blocks.push(block);
    }
    blocks.iter().flat_map(|&(value, _, length)| std::iter::repeat_n(value, length)).collect()
}

/// The line `a + b x` of least squares through `points`; `None` where they don't have two different `x`.
pub fn line(points: &[(f64, f64)]) -> Option<(f64, f64)> {
    let n = points.len() as f64;
    let (x, y) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let xx: f64 = points.iter().map(|p| (p.0 - x).powi(2)).sum();
    let xy: f64 = points.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (xx > 0.0).then(|| (y - xy / xx * x, xy / xx))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_repeat_has_no_interval_and_several_have_students() {
        assert_eq!(Estimate::of(&[]), None);
        assert_eq!(Estimate::of(&[2.0]).unwrap().half_width, None);
        let three = Estimate::of(&[1.0, 2.0, 3.0]).unwrap();
        assert!((three.half_width.unwrap().0 - 4.303 / 3f64.sqrt()).abs() < 1e-9);
        assert!(three.spans_zero() && !Estimate::of(&[1.9, 2.0, 2.1]).unwrap().spans_zero());
        let difference = Estimate::of(&[5.0, 6.0, 7.0]).unwrap().minus(&three);
        assert!((difference.value.0 - 4.0).abs() < 1e-12);
        assert!((difference.half_width.unwrap().0 - 2.776 * (2f64 / 3.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn several_engines_have_an_interval_only_where_each_was_repeated() {
        assert_eq!(Estimate::over::<u8>([]), None);
        let apart = Estimate::over([("a", 1.0), ("b", 3.0)]).unwrap();
        assert_eq!((apart.value, apart.half_width), (Milliseconds(2.0), None));
        assert_eq!(Estimate::over([("a", 1.0), ("a", 3.0)]), Estimate::of(&[1.0, 3.0]));
        // What sets the engines apart isn't in the interval.
        let repeated = Estimate::over([("a", 1.0), ("a", 1.0), ("b", 5.0), ("b", 5.0)]).unwrap();
        assert_eq!((repeated.value, repeated.half_width), (Milliseconds(3.0), Some(Milliseconds(0.0))));
    }

    #[test]
    fn a_sum_takes_the_variances_of_its_terms() {
        let of = |values: [f64; 3]| Estimate::of(&values).unwrap();
        let sum = Estimate::sum(&[(0.5, of([1.0, 2.0, 3.0])), (0.5, of([5.0, 6.0, 7.0])), (-1.0, of([1.0, 1.0, 1.0]))]);
        assert!((sum.value.0 - 3.0).abs() < 1e-12);
        assert!((sum.half_width.unwrap().0 - 2.776 * (1f64 / 6.0).sqrt()).abs() < 1e-9);
    }

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (df, quantile) in [(1.0, 12.706), (2.0, 4.303), (10.0, 2.228), (12.0, 2.179), (30.0, 2.042), (120.0, 1.980)]
        {
            assert!((student_t(df) / quantile - 1.0).abs() < 3e-3, "{df} {}", student_t(df));
        }
    }

    #[test]
    fn what_rises_is_pooled_to_its_mean() {
        let check =
            |values: &[f64], weights: &[f64], expected: &[f64]| assert_eq!(non_increasing(values, weights), expected);
        check(&[], &[], &[]);
        check(&[3.0, 2.0, 2.0, 1.0], &[1.0; 4], &[3.0, 2.0, 2.0, 1.0]);
        check(&[4.0, 1.0, 2.0, 6.0], &[1.0; 4], &[4.0, 3.0, 3.0, 3.0]);
        check(&[1.0, 2.0, 6.0], &[4.0, 1.0, 1.0], &[2.0, 2.0, 2.0]);
    }

    #[test]
    fn a_line_through_points_on_it_is_that_line() {
        let (a, b) = line(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]).unwrap();
        assert!((a - 1.0).abs() < 1e-12 && (b - 2.0).abs() < 1e-12);
        assert_eq!(line(&[(1.0, 1.0), (1.0, 2.0)]), None);
        assert_eq!(line(&[]), None);
    }

    proptest! {
        #[test]
        fn a_fit_never_rises_and_leaves_alone_what_falls(values in prop::collection::vec(0.0..5.0f64, 1..20)) {
            let weights = vec![1.0; values.len()];
            let fitted = non_increasing(&values, &weights);
            prop_assert_eq!(fitted.len(), values.len());
            prop_assert!(fitted.windows(2).all(|pair| pair[0] >= pair[1]));
            prop_assert!((fitted.iter().sum::<f64>() - values.iter().sum::<f64>()).abs() < 1e-9);
            let mut sorted = values.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            prop_assert_eq!(non_increasing(&sorted, &weights), sorted);
        }

        #[test]
        fn quantiles_fall_with_the_degrees_of_freedom(df in 1.0..200.0f64, more in 0.0..5.0f64) {
            // The series and the table differ by up to 0.2 % where they meet.
            prop_assert!(student_t(df + more) <= student_t(df) * 1.003);
        }
    }
}
