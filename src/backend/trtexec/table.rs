//! The table of layers in a log. Up to TensorRT 8.5 the name comes first and the median is missing before 8.4; from 8.6 on
//! the name comes last.

use super::error::ReadError;
use super::generation::{Generation, Version};
use super::log::REMARK;
use super::profile::{Profile, ProfileEntry};
use crate::units::Milliseconds;

/// Where a table's columns are.
#[derive(Clone, Copy)]
struct Layout {
    name_first: bool,
    has_median: bool,
}

impl Layout {
    fn columns(self) -> usize {
        if self.has_median { 4 } else { 3 }
    }
}

/// A row's numbers: total, mean, median where there is one, percentage; and the mean's number of decimals.
struct Row<'t> {
    name: &'t str,
    total: f64,
    mean: f64,
    median: Option<f64>,
    decimals: usize,
}

/// Reads the table whose title, `=== Profile (N iterations ) ===`, is `lines[first]`. Also returns the index of the line
/// after it.
pub(super) fn read(lines: &[&str], first: usize) -> Result<(Profile, usize), ReadError> {
    let iterations = iterations(first + 1, lines[first])?;
    let layout = layout(first + 2, lines.get(first + 1).copied())?;
    let mut rows: Vec<Row> = Vec::new();
    let mut next = first + 2;
    loop {
        let Some(line) = lines.get(next) else {
            return Err(ReadError::at(
                next + 1,
                "a row of the table, or its `Total`",
                "the end of the log: it was cut off",
            ));
        };
        if *line == REMARK {
            next += 1;
            continue;
        }
        let found = row(line, layout);
        rows.push(found.ok_or_else(|| ReadError::line(next + 1, "a row of the table, or its `Total`", line))?);
        next += 1;
        // A layer may be called `Total`, too; the table's own is the one after which there are no more rows.
        let after = lines[next..].iter().find(|line| **line != REMARK);
        let ends = after.is_none_or(|line| row(line, layout).is_none());
        if ends && rows.last().is_some_and(|row| row.name == "Total") {
            break;
        }
    }
    let total = rows.pop().map(|row| row.time_of_one_run(iterations));
    let Some(total) = total.filter(|_| !rows.is_empty()) else {
        return Err(ReadError::at(first + 3, "at least one layer", "a table without any"));
    };
    let coarse = rows.first().is_some_and(|row| row.decimals <= 2);
    let entries = rows.iter().map(|row| row.entry(iterations)).collect();
    Ok((Profile { generation: generation(layout, coarse), program: None, iterations, entries, total }, next))
}

fn iterations(number: usize, line: &str) -> Result<u64, ReadError> {
    let count = line.strip_prefix("=== Profile (").and_then(|rest| rest.split_once(' '));
    let count = count.and_then(|(count, _)| count.parse().ok()).filter(|&count: &u64| count > 0);
    count.ok_or_else(|| ReadError::line(number, "`=== Profile (N iterations ) ===`, N at least 1", line))
}

fn layout(number: usize, line: Option<&str>) -> Result<Layout, ReadError> {
    let expected = "the headings `Layer`, `Time`, `Avg.` and `Time %` of the table";
    let line = line.ok_or_else(|| ReadError::at(number, expected, "the end of the log: it was cut off"))?;
    let heading = line.trim();
    if !["Layer", "Time", "Avg.", "%"].iter().all(|word| heading.contains(word)) {
        return Err(ReadError::line(number, expected, line));
    }
    Ok(Layout { name_first: heading.starts_with("Layer"), has_median: heading.contains("Median") })
}

fn generation(layout: Layout, coarse: bool) -> Generation {
    match layout {
        Layout { name_first: false, .. } => Generation::since(Version(8, 6)),
        Layout { has_median: true, .. } => Generation::between(Version(8, 4), Version(8, 5)),
        _ if coarse => Generation::between(Version(7, 1), Version(7, 1)),
        _ => Generation::between(Version(7, 2), Version(8, 2)),
    }
}

fn row(line: &str, layout: Layout) -> Option<Row<'_>> {
    let columns = layout.columns();
    let (name, numbers) = if layout.name_first { numbers_last(line, columns)? } else { numbers_first(line, columns)? };
    let number =
        |column: usize| numbers.get(column)?.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    let is_percentage = |text: &str| text.trim_start_matches('-') == "nan" || text.parse::<f64>().is_ok();
    let median = if layout.has_median { Some(number(2)?) } else { None };
    let decimals = numbers[1].split_once('.').map_or(0, |(_, decimals)| decimals.len());
    let row = Row { name, total: number(0)?, mean: number(1)?, median, decimals };
    (!name.is_empty() && is_percentage(numbers[columns - 1])).then_some(row)
}

/// The name and the numbers after it.
fn numbers_last(line: &str, columns: usize) -> Option<(&str, Vec<&str>)> {
    let mut rest = line.trim_end();
    let mut numbers = Vec::new();
    for _ in 0..columns {
        let at = rest.rfind(char::is_whitespace)?;
        let space = rest[at..].chars().next()?.len_utf8();
        numbers.push(&rest[at + space..]);
        rest = rest[..at].trim_end();
    }
    numbers.reverse();
    Some((rest.trim(), numbers))
}

/// The numbers and the name after them.
fn numbers_first(line: &str, columns: usize) -> Option<(&str, Vec<&str>)> {
    let mut rest = line.trim_start();
    let mut numbers = Vec::new();
    for _ in 0..columns {
        let (number, after) = rest.split_once(char::is_whitespace)?;
        numbers.push(number);
        rest = after.trim_start();
    }
    Some((rest.trim_end(), numbers))
}

impl Row<'_> {
    /// The finer of the printed mean and the printed total over its runs, which has two decimals.
    fn time_of_one_run(&self, iterations: u64) -> Milliseconds {
        let printed_is_finer = self.decimals > 2 && iterations < 100;
        Milliseconds(if printed_is_finer { self.mean } else { self.total / iterations as f64 })
    }

    fn entry(&self, iterations: u64) -> ProfileEntry {
        ProfileEntry {
            name: self.name.to_owned(),
            total: Milliseconds(self.total),
            mean: self.time_of_one_run(iterations),
            median: self.median.map(Milliseconds),
        }
    }
}
