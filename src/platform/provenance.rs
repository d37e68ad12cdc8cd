//! Numbers with their origin: every figure of a platform says what kind of number it is and where it was read.

use std::fmt;

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provenance {
    /// Timed or sampled on the hardware that it speaks of.
    Measured,
    /// Printed in a paper, an artifact or a data sheet.
    Published,
    /// Computed from published or measured numbers.
    Derived,
    /// Comes from the simulator's cost model.
    Modelled,
    /// Nobody's figure: chosen, with the reason in its source.
    Assumed,
}

impl Provenance {
    /// Every provenance, best first.
    pub const ALL: [Self; 5] = [Self::Measured, Self::Published, Self::Derived, Self::Modelled, Self::Assumed];

    /// The word in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Published => "published",
            Self::Derived => "derived",
            Self::Modelled => "modelled",
            Self::Assumed => "assumed",
        }
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A number with its provenance and source.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced<T> {
    /// The number.
    pub value: T,
    /// What kind of number it is.
    pub provenance: Provenance,
    /// Where it was read, or why it was chosen.
    pub source: String,
}

/// One number of a platform as people read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatedNumber {
    /// Where it stands, by names (`gpu.contention.rate`).
    pub path: String,
    /// The number; a list or a window in the notation of the platform file.
    pub value: String,
    /// Its unit; empty where it is a plain count or share.
    pub unit: &'static str,
    /// What kind of number it is.
    pub provenance: Provenance,
    /// Where it was read, or why it was chosen.
    pub source: String,
}

impl<T> Sourced<T> {
    /// The same number as `meaning` of its value.
    pub fn map<U>(self, meaning: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced { value: meaning(self.value), provenance: self.provenance, source: self.source }
    }

    /// The line that a table shows of it, with `value` in `unit`.
    pub fn state(&self, path: String, value: &impl ToString, unit: &'static str) -> StatedNumber {
        let Self { provenance, source, .. } = self;
        StatedNumber { path, value: value.to_string(), unit, provenance: *provenance, source: source.clone() }
    }
}
