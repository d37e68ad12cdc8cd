//! Measured relative speeds on a grid of own and external demand: bilinear between the points, constant beyond them.

use super::CurveError;

/// Measured relative speeds: `speed[i][j]` at own demand `own[i]` and external demand `external[j]`, both in GB/s.
#[derive(Clone, Debug, PartialEq)]
pub struct SlowdownTable {
    /// Own demands, ascending.
    pub own: Vec<f64>,
    /// External demands, ascending, the first one 0.
    pub external: Vec<f64>,
    /// Relative speeds, above 0 and at most 1.
    pub speed: Vec<Vec<f64>>,
}

impl SlowdownTable {
    /// Bilinear between grid points, constant beyond them.
    pub(super) fn relative_speed(&self, x: f64, y: f64) -> f64 {
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

    /// Whether the grids ascend from an external demand of 0 and every row falls from 1 without ever rising.
    pub fn validate(&self) -> Result<(), CurveError> {
        ascends("own", &self.own)?;
        ascends("external", &self.external)?;
        if self.external[0] != 0.0 {
            return Err(CurveError::NoStart { first: self.external[0] });
        }
        let columns = self.external.len();
        if self.speed.len() != self.own.len() || self.speed.iter().any(|row| row.len() != columns) {
            return Err(CurveError::Shape { rows: self.own.len(), columns });
        }
        self.own.iter().zip(&self.speed).try_for_each(|(&own, speeds)| self.validate_row(own, speeds))
    }

    fn validate_row(&self, own: f64, speeds: &[f64]) -> Result<(), CurveError> {
        for (&external, &speed) in self.external.iter().zip(speeds) {
            if !(speed > 0.0 && speed <= 1.0) {
                return Err(CurveError::Speed { speed, own, external });
            }
        }
        if speeds[0] < 1.0 {
            return Err(CurveError::SlowAlone { speed: speeds[0], own });
        }
        match speeds.windows(2).position(|pair| pair[1] > pair[0]) {
            Some(before) => Err(CurveError::Rising { own, external: self.external[before + 1] }),
            None => Ok(()),
        }
    }
}

fn ascends(name: &'static str, grid: &[f64]) -> Result<(), CurveError> {
    let throughputs = grid.iter().all(|point| point.is_finite() && *point >= 0.0);
    let ascending = grid.windows(2).all(|pair| pair[0] < pair[1]);
    if !grid.is_empty() && throughputs && ascending { Ok(()) } else { Err(CurveError::Grid { name }) }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn table() -> SlowdownTable {
        SlowdownTable {
            own: vec![10.0, 50.0],
            external: vec![0.0, 20.0, 60.0],
            speed: vec![vec![1.0, 0.9, 0.8], vec![1.0, 0.7, 0.5]],
        }
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} instead of {expected}");
    }

    #[test]
    fn interpolates_between_points_and_stays_constant_beyond() {
        close(table().relative_speed(10.0, 20.0), 0.9);
        close(table().relative_speed(30.0, 20.0), 0.8);
        close(table().relative_speed(30.0, 40.0), 0.725);
        close(table().relative_speed(0.0, 500.0), 0.8);
        close(table().relative_speed(500.0, 500.0), 0.5);
    }

    #[test]
    fn accepts_a_single_point() {
        let point = SlowdownTable { own: vec![0.0], external: vec![0.0], speed: vec![vec![1.0]] };
        assert_eq!(point.validate(), Ok(()));
        close(point.relative_speed(7.0, 7.0), 1.0);
    }

    #[test]
    fn refuses_what_is_no_slowdown() {
        let refused = |change: fn(&mut SlowdownTable), error: CurveError| {
            let mut broken = table();
            change(&mut broken);
            assert_eq!(broken.validate(), Err(error));
        };
        assert_eq!(table().validate(), Ok(()));
        refused(|table| table.own.clear(), CurveError::Grid { name: "own" });
        refused(|table| table.own[1] = 10.0, CurveError::Grid { name: "own" });
        refused(|table| table.external[2] = 5.0, CurveError::Grid { name: "external" });
        refused(|table| table.external[0] = 1.0, CurveError::NoStart { first: 1.0 });
        refused(|table| table.speed[1].truncate(2), CurveError::Shape { rows: 2, columns: 3 });
        refused(|table| table.speed.truncate(1), CurveError::Shape { rows: 2, columns: 3 });
        refused(|table| table.speed[1][2] = 0.0, CurveError::Speed { speed: 0.0, own: 50.0, external: 60.0 });
        refused(|table| table.speed[0][1] = 1.1, CurveError::Speed { speed: 1.1, own: 10.0, external: 20.0 });
        refused(|table| table.speed[0][0] = 0.95, CurveError::SlowAlone { speed: 0.95, own: 10.0 });
        refused(|table| table.speed[1][2] = 0.75, CurveError::Rising { own: 50.0, external: 60.0 });
    }

    #[test]
    fn refuses_a_speed_that_is_no_number() {
        let mut broken = table();
        broken.speed[0][2] = f64::NAN;
        assert!(matches!(broken.validate(), Err(CurveError::Speed { .. })));
    }

    /// A valid table: steps between grid points and the share of the speed that every step keeps.
    fn any_table() -> impl Strategy<Value = SlowdownTable> {
        (1_usize..5, 1_usize..6).prop_flat_map(|(rows, columns)| {
            let steps = |n| prop::collection::vec(0.1..40.0, n);
            let kept = prop::collection::vec(prop::collection::vec(0.5..=1.0, columns - 1), rows);
            (steps(rows), steps(columns - 1), kept).prop_map(|(own, external, kept)| SlowdownTable {
                own: running(0.0, &own, |sum, step| sum + step)[1..].to_vec(),
                external: running(0.0, &external, |sum, step| sum + step),
                speed: kept.iter().map(|row| running(1.0, row, |speed, share| speed * share)).collect(),
            })
        })
    }

    fn running(first: f64, steps: &[f64], next: fn(f64, f64) -> f64) -> Vec<f64> {
        let mut values = vec![first];
        values.extend(steps.iter().scan(first, |value, &step| {
            *value = next(*value, step);
            Some(*value)
        }));
        values
    }

    proptest! {
        #[test]
        fn a_valid_table_is_one_alone_and_never_rises(
            table in any_table(), x in 0.0..200.0, y in 0.0..200.0, more in 0.0..50.0,
        ) {
            prop_assert_eq!(table.validate(), Ok(()));
            prop_assert!((table.relative_speed(x, 0.0) - 1.0).abs() < 1e-12);
            prop_assert!(table.relative_speed(x, y + more) <= table.relative_speed(x, y) + 1e-12);
        }
    }
}
