//! Construction of a processor-centric curve from a grid, in the steps that PCCS (MICRO 2021) takes: where the regions
//! end, then the drop of the minor region, the onset, the knee and the rate. What follows refines it.

use crate::platform::{ContentionGrid, Pccs};

/// An accelerator whose smallest demand drops by this many percent under the largest external one has no minor region.
const NO_MINOR_REGION: f64 = 10.0;

/// A drop below this many percent may be noise.
const NOTICEABLE: f64 = 2.0;

/// A row's drop has stopped growing where its slope is below this share of the slopes before.
const FLAT: f64 = 1.0 / 3.0;

/// What the parameters may be, so that no grid makes a curve that isn't one.
pub(super) const LEAST_CBP: f64 = 1e-3;
pub(super) const LARGEST_RATE: f64 = 1e4;

/// Which rows of a grid lie in which region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Split {
    /// Number of rows in the minor region: the first of the normal one.
    pub(super) minor: usize,
    /// First row of the intensive region.
    pub(super) intensive: usize,
}

/// The regions by thresholds: the normal one begins where the largest external demand drops a row by more than twice
/// what it drops the first one, the intensive one where the smallest external demand does.
pub(super) fn threshold_split(grid: &ContentionGrid) -> Split {
    let rows = grid.own().len();
    let last = grid.external().len() - 1;
    let first_external = usize::from(grid.external()[0] == 0.0);
    let from = |first: usize, column: usize| {
        (first..rows).find(|&row| drop_percent(grid, row, column) >= threshold(grid)).unwrap_or(rows)
    };
    let minor = if has_minor_region(grid) { from(1, last) } else { 0 };
    Split { minor, intensive: from(minor, first_external) }
}

/// `split` and all divisions that differ from it in where the intensive region begins.
pub(super) fn other_intensive(grid: &ContentionGrid, split: Split) -> impl Iterator<Item = Split> {
    (split.minor..=grid.own().len()).map(move |intensive| Split { intensive, ..split })
}

/// `split` and all divisions that differ from it in where the minor region ends; it has a row only where there is one.
pub(super) fn other_minor(split: Split) -> impl Iterator<Item = Split> {
    let minor = if split.minor == 0 { 0..=0 } else { 1..=split.intensive };
    minor.map(move |minor| Split { minor, ..split })
}

/// The parameters that the steps give for `split`.
pub(super) fn construct(grid: &ContentionGrid, split: Split) -> Pccs {
    let pbw = grid.achieved().iter().flatten().copied().fold(0.0, f64::max);
    let tbwdc = onset(grid, split);
    let cbp = knee(grid, split, tbwdc).max(LEAST_CBP);
    Pccs {
        normal_bw: boundary(grid, split.minor, 0.0),
        intensive_bw: boundary(grid, split.intensive, pbw),
        mrmc: minor_drop(grid, split, pbw),
        tbwdc,
        cbp,
        rate: rate(grid, split, tbwdc, cbp).clamp(0.0, LARGEST_RATE),
        pbw,
    }
}

pub(super) fn drop_percent(grid: &ContentionGrid, row: usize, column: usize) -> f64 {
    100.0 * (1.0 - grid.speed(row, column))
}

fn has_minor_region(grid: &ContentionGrid) -> bool {
    drop_percent(grid, 0, grid.external().len() - 1) < NO_MINOR_REGION
}

/// The drop from which a row counts as slowed: twice the first row's, where that one only has the minor drop.
fn threshold(grid: &ContentionGrid) -> f64 {
    let first = drop_percent(grid, 0, grid.external().len() - 1);
    if has_minor_region(grid) { (2.0 * first).max(NOTICEABLE) } else { NOTICEABLE }
}

/// The own demand that ends a region of `rows` rows: halfway to the next row; beyond the last one at least `peak`.
fn boundary(grid: &ContentionGrid, rows: usize, peak: f64) -> f64 {
    match grid.own() {
        _ if rows == 0 => 0.0,
        own if rows == own.len() => own[rows - 1].max(peak),
        own => f64::midpoint(own[rows - 1], own[rows]),
    }
}

/// `MRMC`: the drop of the last minor row under the largest external demand, spread over the peak.
fn minor_drop(grid: &ContentionGrid, split: Split, pbw: f64) -> f64 {
    let last = grid.external().len() - 1;
    let Some(row) = split.minor.checked_sub(1) else { return 0.0 };
    (drop_percent(grid, row, last) * pbw / grid.external()[last]).clamp(0.0, 100.0)
}

/// `TBWDC`: the mean total demand at which the normal rows' drop passes the threshold; without such a row, the own
/// demand at which the intensive region begins.
fn onset(grid: &ContentionGrid, split: Split) -> f64 {
    let first =
        |row: usize| (0..grid.external().len()).find(|&column| drop_percent(grid, row, column) >= threshold(grid));
    let totals = (split.minor..split.intensive).filter_map(|row| Some(total(grid, row, first(row)?)));
    mean(totals).unwrap_or_else(|| grid.own()[split.intensive.min(grid.own().len() - 1)])
}

/// `CBP`: the mean external demand at which the drop of a row that isn't minor stops growing.
fn knee(grid: &ContentionGrid, split: Split, tbwdc: f64) -> f64 {
    let last = grid.external()[grid.external().len() - 1];
    let knees = (split.minor..grid.own().len()).filter_map(|row| row_knee(grid, row, tbwdc));
    mean(knees).unwrap_or(last)
}

/// The external demand after which a row's slope falls below a third of its mean so far; the largest where none does.
fn row_knee(grid: &ContentionGrid, row: usize, tbwdc: f64) -> Option<f64> {
    let mut before: Vec<f64> = Vec::new();
    for column in past_onset(grid, row, tbwdc) {
        let slope = slope(grid, row, column);
        if mean(before.iter().copied()).is_some_and(|mean| slope < FLAT * mean) {
            return Some(grid.external()[column - 1]);
        }
        before.push(slope);
    }
    (!before.is_empty()).then(|| grid.external()[grid.external().len() - 1])
}

/// `Rate`: the mean slope up to the knee; that of an intensive row as the normal region would have it.
fn rate(grid: &ContentionGrid, split: Split, tbwdc: f64, cbp: f64) -> f64 {
    let row_rates = (split.minor..grid.own().len()).flat_map(|row| {
        let steepened = (grid.own()[row] + cbp - tbwdc) / cbp;
        let factor = if row < split.intensive { 1.0 } else { 1.0 / steepened.max(0.1) };
        let columns = past_onset(grid, row, tbwdc).filter(|&column| grid.external()[column] <= cbp);
        columns.map(move |column| factor * slope(grid, row, column))
    });
    mean(row_rates).unwrap_or(0.0)
}

/// Columns, from the second on, at which the total demand has reached the onset.
fn past_onset(grid: &ContentionGrid, row: usize, tbwdc: f64) -> impl Iterator<Item = usize> {
    (1..grid.external().len()).filter(move |&column| total(grid, row, column) >= tbwdc)
}

fn total(grid: &ContentionGrid, row: usize, column: usize) -> f64 {
    grid.own()[row] + grid.external()[column]
}

/// Growth of the drop from the column before, percent per GB/s.
fn slope(grid: &ContentionGrid, row: usize, column: usize) -> f64 {
    let grown = drop_percent(grid, row, column) - drop_percent(grid, row, column - 1);
    grown / (grid.external()[column] - grid.external()[column - 1])
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0_usize, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / n as f64)
}
