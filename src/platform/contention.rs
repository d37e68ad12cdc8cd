//! Contention curves: how fast an accelerator works while the others use the memory.

use crate::units::{GigabytesPerSecond, MegabytesPerSecond, Permille};

/// How the traffic of the other accelerators slows one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub enum ContentionCurve {
    /// No slowdown, whatever the others do.
    None,
    /// The processor-centric model in three regions (PCCS, MICRO 2021).
    Pccs(Pccs),
    /// Measured relative speeds on a grid.
    Table(SlowdownTable),
}

/// Parameters of the PCCS curve of one accelerator; throughputs in GB/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pccs {
    /// Own demand up to which only the minor region applies.
    pub normal_bw: f64,
    /// Own demand above which slowdown begins with the first external byte.
    pub intensive_bw: f64,
    /// Largest drop in the minor region, percent.
    pub mrmc: f64,
    /// Total demand at which slowdown begins in the normal region.
    pub tbwdc: f64,
    /// External demand from which the drop grows no further.
    pub cbp: f64,
    /// Drop per external GB/s, percent.
    pub rate: f64,
    /// Peak throughput, over which the minor region's drop is spread.
    pub pbw: f64,
}

/// Measured relative speeds: `speed[i][j]` at own demand `own[i]` and external demand `external[j]`, both in GB/s.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowdownTable {
    /// Own demands, ascending.
    pub own: Vec<f64>,
    /// External demands, ascending, the first one 0.
    pub external: Vec<f64>,
    /// Relative speeds between 0 and 1.
    pub speed: Vec<Vec<f64>>,
}

impl ContentionCurve {
    /// Relative speed (0 to 1) of a group that asks for `own` while the other accelerators together ask for `external`.
    pub fn relative_speed(&self, own: GigabytesPerSecond, external: GigabytesPerSecond) -> f64 {
        match self {
            Self::None => 1.0,
            Self::Pccs(pccs) => pccs.relative_speed(own.0, external.0),
            Self::Table(table) => table.relative_speed(own.0, external.0),
        }
    }

    /// The same in whole thousandths, rounded half to even, at least 1: what the scheduler counts with.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a relative speed is within 0 and 1")]
    pub fn permille(&self, own: MegabytesPerSecond, external: MegabytesPerSecond) -> Permille {
        let speed = self.relative_speed(own.to_gigabytes_per_second(), external.to_gigabytes_per_second());
        Permille(((speed * 1e3).round_ties_even() as u32).clamp(1, 1000))
    }
}

impl Pccs {
    /// Relative speed by region of the own demand `x`, at external demand `y`.
    fn relative_speed(&self, x: f64, y: f64) -> f64 {
        1.0 - (self.drop_percent(x, y) / 100.0).clamp(0.0, 1.0)
    }

    /// Drop in percent. The minor term spreads `MRMC` over the peak; the normal region adds the onset at `TBWDC`;
    /// the intensive region grows linearly from 0 to the value that it keeps beyond `CBP`.
    fn drop_percent(&self, x: f64, y: f64) -> f64 {
        let minor = self.mrmc * y / self.pbw;
        let saturated = y.min(self.cbp);
        if x <= self.normal_bw {
            minor
        } else if x <= self.intensive_bw {
            minor.max(self.rate * (x.min(self.tbwdc) + saturated - self.tbwdc).max(0.0))
        } else {
            let at_cbp = self.rate * (x + self.cbp - self.tbwdc).max(0.0);
            if self.cbp > 0.0 { at_cbp * saturated / self.cbp } else { 0.0 }
        }
    }
}

impl SlowdownTable {
    /// Bilinear between grid points, constant beyond them.
    fn relative_speed(&self, x: f64, y: f64) -> f64 {
        let (row, row_share) = locate(&self.own, x);
        let (column, column_share) = locate(&self.external, y);
        let along = |row: usize| {
            let speeds = &self.speed[row];
            let next = (column + 1).min(speeds.len() - 1);
            speeds[column] + column_share * (speeds[next] - speeds[column])
        };
        let next_row = (row + 1).min(self.own.len() - 1);
        along(row) + row_share * (along(next_row) - along(row))
    }
}

/// The grid interval that holds `value`, and how far into it the value lies (0 to 1).
fn locate(grid: &[f64], value: f64) -> (usize, f64) {
    let above = grid.partition_point(|&point| point <= value);
    match above {
        0 => (0, 0.0),
        n if n == grid.len() => (n - 1, 0.0),
        n => (n - 1, (value - grid[n - 1]) / (grid[n] - grid[n - 1])),
    }
}
