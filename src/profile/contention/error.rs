//! How far a curve lies from the grid that it was made of, and which of its regions the grid's points are in.

use crate::platform::{ContentionCurve, ContentionGrid, Pccs};
use crate::units::{GigabytesPerSecond, Percent};

/// Distance between a curve's speeds and a grid's, in percentage points of speed, over all points of the grid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FitError {
    /// Root mean square.
    pub rms: Percent,
    /// The largest one, without its sign.
    pub worst: Percent,
}

/// How many points of a grid lie in each region of a curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// Own demand up to `normal_bw`.
    pub minor: usize,
    /// Own demand up to `intensive_bw`.
    pub normal: usize,
    /// Own demand above it.
    pub intensive: usize,
}

impl FitError {
    /// The distance between `curve` and `grid`.
    pub fn of(grid: &ContentionGrid, curve: &ContentionCurve) -> Self {
        let residuals = residuals(grid, curve);
        let n_points = grid.own().len() * grid.external().len();
        let (squares, worst) =
            residuals.fold((0.0, 0.0), |(sum, worst): (f64, f64), error| (sum + error * error, worst.max(error.abs())));
        Self { rms: Percent(100.0 * (squares / n_points as f64).sqrt()), worst: Percent(100.0 * worst) }
    }
}

/// Speed on the grid less the curve's, at every point.
fn residuals(grid: &ContentionGrid, curve: &ContentionCurve) -> impl Iterator<Item = f64> {
    let row = move |(row, &own): (usize, &f64)| {
        let fitted = move |external: f64| curve.relative_speed(GigabytesPerSecond(own), GigabytesPerSecond(external));
        let columns = grid.external().iter().enumerate();
        columns.map(move |(column, &external)| grid.speed(row, column) - fitted(external))
    };
    grid.own().iter().enumerate().flat_map(row)
}

/// Sum of the squared differences between the grid's speeds and the curve's.
pub(super) fn squared_error(grid: &ContentionGrid, pccs: Pccs) -> f64 {
    residuals(grid, &ContentionCurve::Pccs(pccs)).map(|error| error * error).sum()
}

impl Regions {
    /// Where the points of `grid` lie in `pccs`.
    pub fn of(grid: &ContentionGrid, pccs: &Pccs) -> Self {
        let rows_up_to = |demand: f64| grid.own().partition_point(|&own| own <= demand);
        let columns = grid.external().len();
        let (minor, not_intensive) = (rows_up_to(pccs.normal_bw), rows_up_to(pccs.intensive_bw));
        Self {
            minor: columns * minor,
            normal: columns * (not_intensive - minor),
            intensive: columns * (grid.own().len() - not_intensive),
        }
    }
}
