//! How one set of cores slows while another uses the memory: a grid of its own demand and the external one, measured with
//! kernels that stream.

use std::time::Duration;

use super::OnnxRuntimeError;
use super::stream::{BUSY, Background, Stream};

/// Rounds of arithmetic on a cache line, from the smallest demand to the largest.
const ARITHMETIC: [u32; 9] = [BUSY, 96, 48, 24, 12, 6, 3, 1, 0];

/// Less than this is said as this: the least demand of a grid, in GB/s.
const LEAST: f64 = 0.001;

/// How often each point is measured; the median counts.
const REPEATS: usize = 3;

/// Two demands that differ by less than this share are one.
const APART: f64 = 0.04;

/// What was measured: demands reached alone, ascending, and for each own one what it reached beside each external one. All in
/// GB/s; the first external demand is 0, the second one next to nothing: what the other cores cost by being busy at all.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredGrid {
    /// Own demands.
    pub own: Vec<f64>,
    /// External demands.
    pub external: Vec<f64>,
    /// A row for each own demand.
    pub achieved: Vec<Vec<f64>>,
}

/// Measures a stream on `own` cores beside one on `other` cores, `time` for every point and for the stream alone before it;
/// `progress` is called after each.
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
    let mut demands = |cores: &[usize]| {
        let mut demands: Vec<(u32, f64)> = Vec::new();
        for arithmetic in ARITHMETIC {
            let background = Background::start(&[stream(cores, arithmetic)])?;
            let demand = median((0..REPEATS).map(|_| background.throughputs(time)[0].0).collect()).max(LEAST);
            progress();
            if demands.last().is_none_or(|(_, before)| demand > before * (1.0 + APART)) {
                demands.push((arithmetic, demand));
            }
        }
        Ok::<_, OnnxRuntimeError>(demands)
    };
    let (owns, others) = (demands(own)?, demands(other)?);
    let mut grid = MeasuredGrid { own: Vec::new(), external: vec![0.0], achieved: Vec::new() };
    grid.external.extend(others.iter().map(|(_, demand)| demand));
    for &(arithmetic, demand) in &owns {
        let mut row = vec![demand];
        for &(beside, _) in &others {
            row.push(demand * relative_speed(&[stream(own, arithmetic), stream(other, beside)], time)?);
            progress();
        }
        grid.own.push(demand);
        grid.achieved.push(row);
    }
    Ok(grid)
}

/// What the first of two streams reaches beside the other, as a share of what it reaches alone right before, so that a machine
/// whose speed drifts doesn't count as contention. At most 1.
fn relative_speed(pair: &[Stream; 2], time: Duration) -> Result<f64, OnnxRuntimeError> {
    let background = Background::start(pair)?;
    let once = |_| {
        let [alone, beside] = [true, false].map(|rests| {
            background.rest(1, rests);
            background.throughputs(time)[0].0
        });
        beside / alone
    };
    Ok(median((0..REPEATS).map(once).collect()).min(1.0))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Points that are measured, and for which `progress` is called, at most.
pub fn n_points() -> usize {
    2 * ARITHMETIC.len() + ARITHMETIC.len() * ARITHMETIC.len()
}

#[cfg(test)]
mod tests {
    use super::super::available_cores;
    use super::*;

    #[test]
    fn a_grid_is_of_ascending_demands_and_nothing_beside_one_slows_nothing() {
        let cores = available_cores();
        let [own, other] = [[cores[0]], [cores[cores.len() - 1]]];
        let mut n_steps = 0;
        let grid = measure_grid(&own, &other, Duration::from_millis(2), || n_steps += 1).unwrap();
        assert!(n_steps <= n_points(), "{n_steps}");
        for axis in [&grid.own, &grid.external] {
            assert!(axis.windows(2).all(|pair| pair[0] < pair[1]), "{grid:?}");
        }
        for (own, row) in grid.own.iter().zip(&grid.achieved) {
            assert_eq!((row.len(), row[0]), (grid.external.len(), *own), "{grid:?}");
            assert!(row.iter().all(|reached| *reached > 0.0 && reached <= own), "{grid:?}");
        }
    }
}
