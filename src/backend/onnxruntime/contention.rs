//! How one set of cores slows while another uses the memory: a grid of its own demand and the external one, measured with
//! kernels that stream.

use std::time::Duration;

use super::OnnxRuntimeError;
use super::stream::{Background, Stream};

/// Rounds of arithmetic on a cache line, from the smallest demand to the largest.
const ARITHMETIC: [u32; 8] = [96, 48, 24, 12, 6, 3, 1, 0];

/// How often each point is measured; the median counts.
const REPEATS: usize = 3;

/// Two demands that differ by less than this share are one.
const APART: f64 = 0.04;

/// What was measured: demands reached alone, ascending, and for each own one what it reached beside each external one. All in
/// GB/s; the first external demand is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredGrid {
    /// Own demands.
    pub own: Vec<f64>,
    /// External demands.
    pub external: Vec<f64>,
    /// A row for each own demand.
    pub achieved: Vec<Vec<f64>>,
}

/// Measures a stream on `own` cores beside one on `other` cores, `time` for every point; `progress` is called after each.
///
/// # Errors
/// Where threads can't be bound to the cores.
pub fn measure_grid(
    own: &[usize],
    other: &[usize],
    time: Duration,
    mut progress: impl FnMut(),
) -> Result<MeasuredGrid, OnnxRuntimeError> {
    let stream = |cores: &[usize], arithmetic| Stream { cores: cores.to_vec(), arithmetic };
    let mut median = |streams: &[Stream]| {
        let background = Background::start(streams)?;
        let mut reached: Vec<f64> = (0..REPEATS).map(|_| background.throughputs(time)[0].0).collect();
        progress();
        reached.sort_by(f64::total_cmp);
        Ok::<f64, OnnxRuntimeError>(reached[REPEATS / 2])
    };
    let mut alone = |cores: &[usize]| {
        let mut demands: Vec<(u32, f64)> = Vec::new();
        for arithmetic in ARITHMETIC {
            let demand = median(&[stream(cores, arithmetic)])?;
            if demands.last().is_none_or(|(_, before)| demand > before * (1.0 + APART)) {
                demands.push((arithmetic, demand));
            }
        }
        Ok::<_, OnnxRuntimeError>(demands)
    };
    let (owns, others) = (alone(own)?, alone(other)?);
    let mut grid = MeasuredGrid { own: Vec::new(), external: vec![0.0], achieved: Vec::new() };
    grid.external.extend(others.iter().map(|(_, demand)| demand));
    for &(arithmetic, demand) in &owns {
        let mut row = vec![demand];
        for &(beside, _) in &others {
            row.push(median(&[stream(own, arithmetic), stream(other, beside)])?);
        }
        // More than it reached alone is noise of that measurement: what it can reach is the most that it did.
        let most = row.iter().copied().fold(demand, f64::max);
        row[0] = most;
        grid.own.push(most);
        grid.achieved.push(row);
    }
    Ok(ascending(grid))
}

/// Points that are measured, and for which `progress` is called, at most.
pub fn n_points() -> usize {
    2 * ARITHMETIC.len() + ARITHMETIC.len() * ARITHMETIC.len()
}

/// Without the rows whose demand isn't above the one before.
fn ascending(grid: MeasuredGrid) -> MeasuredGrid {
    let mut kept = MeasuredGrid { own: Vec::new(), achieved: Vec::new(), ..grid };
    for (own, row) in grid.own.into_iter().zip(grid.achieved) {
        if kept.own.last().is_none_or(|before| own > *before) {
            kept.own.push(own);
            kept.achieved.push(row);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demands_ascend_in_a_grid() {
        let grid = MeasuredGrid {
            own: vec![1.0, 3.0, 2.0, 4.0],
            external: vec![0.0, 5.0],
            achieved: vec![vec![1.0, 0.9], vec![3.0, 2.0], vec![2.0, 1.0], vec![4.0, 2.0]],
        };
        let kept = ascending(grid);
        assert_eq!(kept.own, [1.0, 3.0, 4.0]);
        assert_eq!(kept.achieved, [[1.0, 0.9], [3.0, 2.0], [4.0, 2.0]]);
    }
}
