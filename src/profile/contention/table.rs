//! A table of speeds from a grid: 1 without external demand, and never rising with it.

use crate::platform::{ContentionGrid, SlowdownTable};
use crate::profile::non_increasing;

/// Speeds are written to a ten-thousandth.
const RESOLUTION: f64 = 1e4;

/// The table nearest to `grid` that `validate` accepts: rows made non-increasing by isotonic regression, 1 at external
/// demand 0, which is added where the grid begins above it.
pub fn fit_table(grid: &ContentionGrid) -> SlowdownTable {
    let measured = usize::from(grid.external()[0] == 0.0);
    let row = |row: usize| {
        let speeds = grid.speeds(row).split_off(measured);
        let speeds = non_increasing(&speeds, &vec![1.0; speeds.len()]);
        std::iter::once(1.0).chain(speeds.into_iter().map(rounded)).collect()
    };
    SlowdownTable {
        own: grid.own().to_vec(),
        external: std::iter::once(0.0).chain(grid.external()[measured..].iter().copied()).collect(),
        speed: (0..grid.own().len()).map(row).collect(),
    }
}

fn rounded(speed: f64) -> f64 {
    (speed * RESOLUTION).round().clamp(1.0, RESOLUTION) / RESOLUTION
}
