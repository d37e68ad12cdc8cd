//! Isotonic regression: the nearest sequence that never rises.

/// The sequence that never rises and has the smallest squared distance to `values`: neighbours that rise are pooled to
/// their mean until none do.
pub(super) fn non_increasing(values: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for &value in values {
        let mut pool = (value, 1);
        while let Some(&(sum, n)) = pools.last().filter(|(sum, n)| sum / (*n as f64) < pool.0 / pool.1 as f64) {
            pool = (sum + pool.0, n + pool.1);
            pools.pop();
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(sum, n)| std::iter::repeat_n(sum / n as f64, n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rises_is_pooled_to_its_mean() {
        let check = |values: &[f64], expected: &[f64]| assert_eq!(non_increasing(values), expected);
        check(&[], &[]);
        check(&[3.0, 2.0, 2.0, 1.0], &[3.0, 2.0, 2.0, 1.0]);
        check(&[3.0, 1.0, 2.0, 0.0], &[3.0, 1.5, 1.5, 0.0]);
        check(&[1.0, 2.0, 6.0], &[3.0, 3.0, 3.0]);
        check(&[4.0, 1.0, 2.0, 6.0], &[4.0, 3.0, 3.0, 3.0]);
    }
}
