//! A curve with the grid that it was made of and what is to be said of it in a platform file.

use super::{FitError, fit_pccs, fit_table};
use crate::platform::{ContentionCurve, ContentionGrid, Provenance};

/// The form of a curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentionModel {
    /// Parameters of the processor-centric model.
    Pccs,
    /// Relative speeds on the grid.
    Table,
}

/// The contention curve of one accelerator, and what it rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedContention {
    /// Name of the accelerator.
    pub accelerator: String,
    /// Throughputs that the curve was made of.
    pub grid: ContentionGrid,
    /// The curve.
    pub curve: ContentionCurve,
    /// Distance between the two.
    pub error: FitError,
    /// What kind of numbers the curve's are.
    pub provenance: Provenance,
    /// Where they come from, one sentence.
    pub source: String,
}

impl FittedContention {
    /// Makes a curve of the form `model` from `grid`, whose origin `from` says (`on the simulator of xavier_agx`).
    pub fn new(
        accelerator: &str,
        grid: ContentionGrid,
        model: ContentionModel,
        provenance: Provenance,
        from: &str,
    ) -> Self {
        let curve = match model {
            ContentionModel::Pccs => ContentionCurve::Pccs(fit_pccs(&grid)),
            ContentionModel::Table => ContentionCurve::Table(fit_table(&grid)),
        };
        let error = FitError::of(&grid, &curve);
        let source = source(&grid, model, error, from);
        Self { accelerator: accelerator.to_owned(), grid, curve, error, provenance, source }
    }
}

fn source(grid: &ContentionGrid, model: ContentionModel, error: FitError, from: &str) -> String {
    let (size, FitError { rms, worst }) = (grid.size(), error);
    match model {
        ContentionModel::Pccs => format!(
            "least squares of a {size} grid {from}; error {:.2} percentage points of speed root mean square, {:.2} at most",
            rms.0, worst.0
        ),
        ContentionModel::Table => format!(
            "{size} grid {from}, made non-increasing along the external demand; largest correction {:.2} percentage points of speed",
            worst.0
        ),
    }
}
