//! Refinement of a constructed curve: the parameters that lie nearest to the grid in the program's own semantics. A
//! coordinate search without chance, in a bounded number of steps.

use super::construct::{LARGEST_RATE, LEAST_CBP, Split, construct, other_intensive, other_minor, threshold_split};
use super::error::squared_error;
use crate::platform::{ContentionGrid, Pccs};

/// Most rounds over all directions: to compare divisions of the rows into regions, and for the one that is taken.
const COMPARING_ROUNDS: usize = 40;
const ROUNDS: usize = 400;

/// Squared errors that differ by less say nothing of the divisions.
const NO_DIFFERENCE: f64 = 1e-9;

/// Steps, as shares of a parameter's scale.
const FIRST_STEP: f64 = 0.25;
const LAST_STEP: f64 = 1e-7;

/// Digits that a parameter keeps.
const DIGITS: i32 = 6;

/// A point of the search: `mrmc`, `tbwdc`, `cbp`, `rate`.
type Parameters = [f64; 4];

/// What is changed together: each parameter, and the onset with the knee, whose difference is what most points show.
const DIRECTIONS: [Parameters; 5] =
    [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]];

/// The curve whose speeds on `grid` have the smallest squared error found, never a larger one than that of the curve
/// that the published steps construct; `validate` accepts it.
pub fn fit_pccs(grid: &ContentionGrid) -> Pccs {
    let split = threshold_split(grid);
    let constructed = rounded(construct(grid, split));
    let split = nearest(grid, split, other_intensive(grid, split));
    let split = nearest(grid, split, other_minor(split));
    let split = nearest(grid, split, other_intensive(grid, split));
    let refined = rounded(refine(grid, construct(grid, split), ROUNDS));
    if squared_error(grid, refined) < squared_error(grid, constructed) { refined } else { constructed }
}

/// The division whose curve, somewhat refined, lies nearest to the grid; `kept` unless another is nearer by more than 1 %.
fn nearest(grid: &ContentionGrid, kept: Split, others: impl Iterator<Item = Split>) -> Split {
    let error = |split| squared_error(grid, refine(grid, construct(grid, split), COMPARING_ROUNDS));
    let nearer = |(best, least), split| {
        let error = error(split);
        if error < 0.99 * least - NO_DIFFERENCE { (split, error) } else { (best, least) }
    };
    others.fold((kept, error(kept)), nearer).0
}

fn refine(grid: &ContentionGrid, start: Pccs, rounds: usize) -> Pccs {
    let scale = scales(grid, start);
    let error = |parameters: Parameters| squared_error(grid, with(start, parameters));
    let mut best = [start.mrmc, start.tbwdc, start.cbp, start.rate];
    let mut least = error(best);
    let mut steps = [FIRST_STEP; DIRECTIONS.len()];
    for _ in 0..rounds {
        let before = best;
        for (direction, step) in DIRECTIONS.iter().zip(&mut steps) {
            let sides = [*step, -*step].map(|step| moved(best, scale, *direction, step));
            let errors = sides.map(error);
            let nearer = usize::from(errors[1] < errors[0]);
            if errors[nearer] < least {
                (best, least) = (sides[nearer], errors[nearer]);
                *step = (*step * 1.5).min(FIRST_STEP);
            } else {
                *step *= 0.5;
            }
        }
        let onward = std::array::from_fn(|idx| 2.0 * best[idx] - before[idx]);
        let error = error(onward);
        if error < least {
            (best, least) = (onward, error);
        }
        if steps.iter().all(|&step| step < LAST_STEP) {
            break;
        }
    }
    with(start, best)
}

/// By how much a parameter is moved at a step of 1; `mrmc` stays 0 where there is no minor region.
fn scales(grid: &ContentionGrid, start: Pccs) -> Parameters {
    let demand = start.pbw.max(grid.external()[grid.external().len() - 1]);
    let minor = if start.normal_bw > 0.0 { start.mrmc.max(5.0) } else { 0.0 };
    [minor, demand, demand, start.rate.max(10.0 / demand)]
}

fn moved(parameters: Parameters, scale: Parameters, direction: Parameters, step: f64) -> Parameters {
    std::array::from_fn(|idx| parameters[idx] + step * scale[idx] * direction[idx])
}

/// `curve` with other parameters, each brought to where it makes a curve.
fn with(curve: Pccs, [mrmc, tbwdc, cbp, rate]: Parameters) -> Pccs {
    Pccs {
        mrmc: mrmc.clamp(0.0, 100.0),
        tbwdc: tbwdc.max(0.0),
        cbp: cbp.max(LEAST_CBP),
        rate: rate.clamp(0.0, LARGEST_RATE),
        ..curve
    }
}

/// Every parameter to the digits that are written, which keeps their order.
pub(super) fn rounded(curve: Pccs) -> Pccs {
    let Pccs { normal_bw, intensive_bw, mrmc, tbwdc, cbp, rate, pbw } = curve;
    let [normal_bw, intensive_bw, mrmc, tbwdc, cbp, rate, pbw] =
        [normal_bw, intensive_bw, mrmc, tbwdc, cbp, rate, pbw].map(significant);
    Pccs { normal_bw, intensive_bw, mrmc, tbwdc, cbp, rate, pbw }
}

/// `value` in six digits; what is below a millionth is 0.
#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a number from 10^-6 on is small")]
fn significant(value: f64) -> f64 {
    if value < 1e-6 {
        return 0.0;
    }
    let places = DIGITS - 1 - value.log10().floor() as i32;
    let factor = 10_f64.powi(places.abs());
    if places < 0 { (value / factor).round() * factor } else { (value * factor).round() / factor }
}
