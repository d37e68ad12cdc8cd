//! What a contention curve is made of: the throughput that an accelerator reached on a grid of its own demand and the
//! others'. Where it was measured or simulated, a grid knows nothing of.

use thiserror::Error;

/// Most demands along one side of a grid.
const LARGEST_SIDE: usize = 50;

/// Own demands in GB/s that a grid may hold; the smallest is what the scheduler tells apart.
const DEMANDS: std::ops::RangeInclusive<f64> = 0.001..=1e6;

/// A speed above 1 by up to this share is taken for noise of the measurement.
const NOISE: f64 = 0.05;

/// Throughputs reached beside other traffic, in GB/s: at least 2 x 2, and plausible.
#[derive(Clone, Debug, PartialEq)]
pub struct ContentionGrid {
    own: Vec<f64>,
    external: Vec<f64>,
    achieved: Vec<Vec<f64>>,
}

/// Why figures are no grid. Rows (own demands) and columns (external demands) are counted from 1.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum GridError {
    /// A side is too short or too long.
    #[error("the grid has {rows} own and {columns} external demands, but must have from 2 to {LARGEST_SIDE} of each")]
    Size {
        /// Number of own demands.
        rows: usize,
        /// Number of external demands.
        columns: usize,
    },
    /// A demand is none.
    #[error("{name} demand {position} is {value} GB/s, but must be {range}")]
    Demand {
        /// `own` or `external`.
        name: &'static str,
        /// Which one.
        position: usize,
        /// What it is.
        value: f64,
        /// What it may be, in words.
        range: &'static str,
    },
    /// A demand isn't above the one before.
    #[error("{name} demand {position} is {value} GB/s, which is not above {before} before it")]
    NotAscending {
        /// `own` or `external`.
        name: &'static str,
        /// Which one.
        position: usize,
        /// What it is.
        value: f64,
        /// The one before.
        before: f64,
    },
    /// Throughputs don't fill the grid.
    #[error("there are {found} rows of throughputs for {rows} own demands")]
    Rows {
        /// Rows that there are.
        found: usize,
        /// Number of own demands.
        rows: usize,
    },
    /// A row has too few or too many throughputs.
    #[error("row {row} holds {found} throughputs for {columns} external demands")]
    Columns {
        /// The row.
        row: usize,
        /// Throughputs in it.
        found: usize,
        /// Number of external demands.
        columns: usize,
    },
    /// A throughput is none.
    #[error("row {row}, column {column}: {value} is no throughput in GB/s above 0")]
    NotPositive {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// What it is.
        value: f64,
    },
    /// More was reached than was asked for.
    #[error(
        "row {row}, column {column}: {value} GB/s were reached of {own} asked for, more than {} % above it", 100.0 * NOISE
    )]
    TooFast {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// Throughput that was reached.
        value: f64,
        /// Own demand.
        own: f64,
    },
}

impl GridError {
    /// Row and column, from 0, where the error is one of a single point.
    pub fn point(&self) -> Option<(usize, usize)> {
        match self {
            Self::NotPositive { row, column, .. } | Self::TooFast { row, column, .. } => Some((row - 1, column - 1)),
            _ => None,
        }
    }
}

impl ContentionGrid {
    /// A grid of `own` and `external` demands, each ascending, with a row of `achieved` throughputs for each own demand
    /// and one entry for each external one; all in GB/s. Speeds up to 5 % above 1 pass as noise.
    pub fn new(own: Vec<f64>, external: Vec<f64>, achieved: Vec<Vec<f64>>) -> Result<Self, GridError> {
        let (rows, columns) = (own.len(), external.len());
        if rows.min(columns) < 2 || rows.max(columns) > LARGEST_SIDE {
            return Err(GridError::Size { rows, columns });
        }
        check_side("own", &own, *DEMANDS.start(), "from 0.001 to 1000000")?;
        check_side("external", &external, 0.0, "from 0 to 1000000")?;
        if achieved.len() != rows {
            return Err(GridError::Rows { found: achieved.len(), rows });
        }
        for (idx, (&own, achieved)) in own.iter().zip(&achieved).enumerate() {
            check_row(idx + 1, own, achieved, columns)?;
        }
        Ok(Self { own, external, achieved })
    }

    /// Own demands in GB/s, ascending.
    pub fn own(&self) -> &[f64] {
        &self.own
    }

    /// External demands in GB/s, ascending.
    pub fn external(&self) -> &[f64] {
        &self.external
    }

    /// Throughputs in GB/s: a row for each own demand, an entry for each external one.
    pub fn achieved(&self) -> &[Vec<f64>] {
        &self.achieved
    }

    /// Relative speed at `row` and `column`, from 0; up to 1.05 where it is noisy.
    pub fn speed(&self, row: usize, column: usize) -> f64 {
        self.achieved[row][column] / self.own[row]
    }

    /// Relative speeds of `row` in the order of the external demands.
    pub fn speeds(&self, row: usize) -> Vec<f64> {
        (0..self.external.len()).map(|column| self.speed(row, column)).collect()
    }

    /// `10 x 10`: own by external demands.
    pub fn size(&self) -> String {
        format!("{} x {}", self.own.len(), self.external.len())
    }
}

fn check_side(name: &'static str, side: &[f64], least: f64, range: &'static str) -> Result<(), GridError> {
    for (idx, &value) in side.iter().enumerate() {
        if !(least..=*DEMANDS.end()).contains(&value) {
            return Err(GridError::Demand { name, position: idx + 1, value, range });
        }
        if idx > 0 && side[idx - 1] >= value {
            return Err(GridError::NotAscending { name, position: idx + 1, value, before: side[idx - 1] });
        }
    }
    Ok(())
}

fn check_row(row: usize, own: f64, achieved: &[f64], columns: usize) -> Result<(), GridError> {
    if achieved.len() != columns {
        return Err(GridError::Columns { row, found: achieved.len(), columns });
    }
    for (idx, &value) in achieved.iter().enumerate() {
        let column = idx + 1;
        if !(value.is_finite() && value > 0.0) {
            return Err(GridError::NotPositive { row, column, value });
        }
        if value > own * (1.0 + NOISE) {
            return Err(GridError::TooFast { row, column, value, own });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(own: &[f64], external: &[f64], achieved: &[&[f64]]) -> Result<ContentionGrid, GridError> {
        let achieved = achieved.iter().map(|row| row.to_vec()).collect();
        ContentionGrid::new(own.to_vec(), external.to_vec(), achieved)
    }

    #[test]
    fn speeds_are_shares_of_the_own_demand() {
        let grid = grid(&[10.0, 40.0], &[0.0, 20.0], &[&[10.0, 9.0], &[40.5, 30.0]]).unwrap();
        assert_eq!(grid.speeds(0), [1.0, 0.9]);
        assert_eq!(grid.speeds(1), [1.0125, 0.75]);
        assert_eq!(grid.size(), "2 x 2");
    }

    #[test]
    fn refuses_what_is_no_grid_and_says_where() {
        let check = |own: &[f64], external: &[f64], achieved: &[&[f64]], message: &str| {
            assert_eq!(grid(own, external, achieved).unwrap_err().to_string(), message);
        };
        let fine: [&[f64]; 2] = [&[10.0, 9.0], &[20.0, 15.0]];
        check(
            &[1.0],
            &[0.0, 1.0],
            &[&[1.0, 1.0]],
            "the grid has 1 own and 2 external demands, but must have from 2 to 50 of each",
        );
        check(&[10.0, 10.0], &[0.0, 1.0], &fine, "own demand 2 is 10 GB/s, which is not above 10 before it");
        check(&[10.0, 20.0], &[5.0, 1.0], &fine, "external demand 2 is 1 GB/s, which is not above 5 before it");
        check(&[0.0, 20.0], &[0.0, 1.0], &fine, "own demand 1 is 0 GB/s, but must be from 0.001 to 1000000");
        check(&[10.0, f64::NAN], &[0.0, 1.0], &fine, "own demand 2 is NaN GB/s, but must be from 0.001 to 1000000");
        check(&[10.0, 20.0], &[-1.0, 1.0], &fine, "external demand 1 is -1 GB/s, but must be from 0 to 1000000");
        check(&[10.0, 20.0], &[0.0, 1.0], &fine[..1], "there are 1 rows of throughputs for 2 own demands");
        check(&[10.0, 20.0], &[0.0, 1.0], &[&[10.0, 9.0], &[20.0]], "row 2 holds 1 throughputs for 2 external demands");
        check(
            &[10.0, 20.0],
            &[0.0, 1.0],
            &[&[10.0, 9.0], &[20.0, 0.0]],
            "row 2, column 2: 0 is no throughput in GB/s above 0",
        );
        check(
            &[10.0, 20.0],
            &[0.0, 1.0],
            &[&[10.0, f64::INFINITY], &[20.0, 9.0]],
            "row 1, column 2: inf is no throughput in GB/s above 0",
        );
        check(
            &[10.0, 20.0],
            &[0.0, 1.0],
            &[&[10.6, 9.0], &[20.0, 15.0]],
            "row 1, column 1: 10.6 GB/s were reached of 10 asked for, more than 5 % above it",
        );
    }

    #[test]
    fn noise_above_the_demand_is_no_error() {
        assert!(grid(&[10.0, 20.0], &[0.0, 1.0], &[&[10.4, 9.0], &[20.0, 15.0]]).is_ok());
    }
}
