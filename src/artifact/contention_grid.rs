//! Grids of throughputs as comma-separated lines, for measurements made elsewhere: own demand, external demand, what was
//! reached. `#` begins a remark; points may come in any order, but must fill the grid.

use std::fmt::Write as _;

use anyhow::{Result, anyhow};

use crate::platform::{ContentionGrid, GridError};

/// The first line that is no remark.
const HEADING: &str = "own_gbps,external_gbps,achieved_gbps";

/// More points than any grid holds.
const MOST_POINTS: usize = 2500;

/// One line: its number from 1, and its three throughputs.
struct Point {
    line: usize,
    own: f64,
    external: f64,
    achieved: f64,
}

/// Reads a grid; errors begin with `origin`, the path that people know the file by, and the line.
pub fn read_contention_grid(text: &str, origin: &str) -> Result<ContentionGrid> {
    let points = points(text).map_err(|(line, what)| anyhow!("{origin}:{line}: {what}"))?;
    let own = ascending(points.iter().map(|point| point.own));
    let external = ascending(points.iter().map(|point| point.external));
    let filled = fill(&points, &own, &external).map_err(|(line, what)| anyhow!("{origin}:{line}: {what}"))?;
    let achieved = filled.iter().map(|row| row.iter().map(|point| point.achieved).collect()).collect();
    let line = |error: &GridError| error.point().map(|(row, column)| format!(":{}", filled[row][column].line));
    ContentionGrid::new(own, external, achieved)
        .map_err(|error| anyhow!("{origin}{}: {error}", line(&error).unwrap_or_default()))
}

/// The text that [`read_contention_grid`] takes for `grid`, with `remark` (one line) before it.
pub fn write_contention_grid(grid: &ContentionGrid, remark: &str) -> String {
    let mut text = format!("# {remark}\n{HEADING}\n");
    for (own, achieved) in grid.own().iter().zip(grid.achieved()) {
        for (external, achieved) in grid.external().iter().zip(achieved) {
            writeln!(text, "{own},{external},{achieved}").expect("a string can be written to");
        }
    }
    text
}

fn points(text: &str) -> Result<Vec<Point>, (usize, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().enumerate().map(|(idx, line)| (idx + 1, line.trim()));
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    match lines.next() {
        Some((_, line)) if line.split(',').map(str::trim).eq(HEADING.split(',')) => {}
        Some((line, found)) => {
            return Err((line, format!("expected the heading `{HEADING}`, found `{}`", short(found))));
        }
        None => return Err((1, format!("expected the heading `{HEADING}`, found nothing"))),
    }
    let mut points = Vec::new();
    for (line, text) in lines {
        if points.len() == MOST_POINTS {
            return Err((line, format!("a grid holds at most {MOST_POINTS} points")));
        }
        points.push(point(line, text).map_err(|what| (line, what))?);
    }
    Ok(points)
}

fn point(line: usize, text: &str) -> Result<Point, String> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let [own, external, achieved] = fields[..] else {
        return Err(format!("expected three numbers separated by commas, found `{}`", short(text)));
    };
    Ok(Point { line, own: number(own)?, external: number(external)?, achieved: number(achieved)? })
}

/// A number in GB/s; minus zero is zero.
fn number(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    number.map(|number| number + 0.0).ok_or_else(|| format!("`{}` is not a number in GB/s", short(text)))
}

/// What of a text is shown in an error.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(60).collect()
}

/// The different values, ascending.
fn ascending(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.dedup();
    values
}

/// The points in the order of the grid: a row for each of `own`, an entry for each of `external`.
fn fill<'a>(points: &'a [Point], own: &[f64], external: &[f64]) -> Result<Vec<Vec<&'a Point>>, (usize, String)> {
    let position = |side: &[f64], value: f64| side.partition_point(|&other| other < value);
    let mut filled: Vec<Vec<Option<&Point>>> = vec![vec![None; external.len()]; own.len()];
    for point in points {
        let cell = &mut filled[position(own, point.own)][position(external, point.external)];
        if let Some(Point { line, .. }) = cell {
            let Point { own, external, .. } = point;
            return Err((point.line, format!("own {own} and external {external} stand on line {line} too")));
        }
        *cell = Some(point);
    }
    filled.iter().map(|row| complete(row, external)).collect()
}

fn complete<'a>(row: &[Option<&'a Point>], external: &[f64]) -> Result<Vec<&'a Point>, (usize, String)> {
    let there: Vec<&Point> = row.iter().copied().flatten().collect();
    match (row.iter().position(Option::is_none), there.last()) {
        (Some(missing), Some(Point { line, own, .. })) => {
            let missing = external[missing];
            Err((
                *line,
                format!("own {own} has no line with external {missing}; every own demand needs every external one"),
            ))
        }
        _ => Ok(there),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRID: &str = "# a board, a date
own_gbps, external_gbps, achieved_gbps
40,20,30

10,0,10
40,0,40.0
10,20,9
";

    #[test]
    fn a_grid_in_any_order_is_read_and_written_and_read_again() {
        let grid = read_contention_grid(GRID, "grid.csv").unwrap();
        assert_eq!((grid.own(), grid.external()), (&[10.0, 40.0][..], &[0.0, 20.0][..]));
        assert_eq!(grid.achieved(), [[10.0, 9.0], [40.0, 30.0]]);
        let written = write_contention_grid(&grid, "again");
        assert!(written.starts_with("# again\nown_gbps,external_gbps,achieved_gbps\n10,0,10\n"), "{written}");
        assert_eq!(read_contention_grid(&written, "written").unwrap(), grid);
        let carriage_returns = format!("\u{feff}{}", GRID.replace('\n', "\r\n"));
        assert_eq!(read_contention_grid(&carriage_returns, "windows").unwrap(), grid);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let check = |from: &str, to: &str, message: &str| {
            let text = GRID.replace(from, to);
            assert_ne!(text, GRID);
            assert_eq!(read_contention_grid(&text, "g.csv").unwrap_err().to_string(), message);
        };
        check(GRID, "", "g.csv:1: expected the heading `own_gbps,external_gbps,achieved_gbps`, found nothing");
        check(
            "own_gbps,",
            "own,",
            "g.csv:2: expected the heading `own_gbps,external_gbps,achieved_gbps`, found `own, external_gbps, achieved_gbps`",
        );
        check("40,20,30", "40;20;30", "g.csv:3: expected three numbers separated by commas, found `40;20;30`");
        check("40,20,30", "40,20,fast", "g.csv:3: `fast` is not a number in GB/s");
        check("40,20,30", "40,20,inf", "g.csv:3: `inf` is not a number in GB/s");
        check("40,20,30", "40,0,30", "g.csv:6: own 40 and external 0 stand on line 3 too");
        check(
            "10,20,9\n",
            "",
            "g.csv:5: own 10 has no line with external 20; every own demand needs every external one",
        );
        check("10,20,9", "10,20,0", "g.csv:7: row 1, column 2: 0 is no throughput in GB/s above 0");
        check(
            "10,0,10\n",
            "10,0,10\n10,-1,10\n40,-1,40\n",
            "g.csv: external demand 1 is -1 GB/s, but must be from 0 to 1000000",
        );
        check(
            "40,20,30",
            "40,20,45",
            "g.csv:3: row 2, column 2: 45 GB/s were reached of 40 asked for, more than 5 % above it",
        );
        let endless = (0..3000).fold(GRID.to_owned(), |text, idx| text + &format!("{idx}.5,1,1\n"));
        let message = read_contention_grid(&endless, "g.csv").unwrap_err().to_string();
        assert_eq!(message, "g.csv:2504: a grid holds at most 2500 points");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}", lines in "([0-9.,e-]{1,12}\n){0,12}") {
            let _ = read_contention_grid(&text, "g.csv");
            let _ = read_contention_grid(&format!("{HEADING}\n{lines}"), "g.csv");
        }

        #[test]
        fn what_is_written_is_read_to_the_last_digit(achieved in prop::collection::vec(0.001..10.0, 6)) {
            let rows = achieved.chunks(3).map(<[f64]>::to_vec).collect();
            let grid = ContentionGrid::new(vec![10.0, 11.1], vec![0.0, 0.3, 7.7], rows).unwrap();
            prop_assert_eq!(read_contention_grid(&write_contention_grid(&grid, "r"), "g.csv").unwrap(), grid);
        }
    }
}
