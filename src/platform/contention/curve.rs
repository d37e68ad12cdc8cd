//! The curve of one accelerator, whichever form it has, and what makes one wrong.

use thiserror::Error;

use super::{Pccs, SlowdownTable};
use crate::units::{GigabytesPerSecond, MegabytesPerSecond, Permille};

/// How the traffic of the other accelerators slows one accelerator.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ContentionCurve {
    /// No slowdown, whatever the others do.
    #[default]
    None,
    /// The processor-centric model in three regions (PCCS, MICRO 2021).
    Pccs(Pccs),
    /// Measured relative speeds on a grid.
    Table(SlowdownTable),
}

/// Why a curve can't be used.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum CurveError {
    /// A parameter of the processor-centric model is out of range.
    #[error("parameter `{name}` is {value}, but must be {range}")]
    Parameter {
        /// Name as in platform files.
        name: &'static str,
        /// What it is.
        value: f64,
        /// What it may be, in words.
        range: &'static str,
    },
    /// A grid is empty, not ascending or not a list of throughputs.
    #[error("grid `{name}` must hold throughputs in GB/s that are not negative, each larger than the one before")]
    Grid {
        /// `own` or `external`.
        name: &'static str,
    },
    /// The external grid doesn't begin without contention.
    #[error("grid `external` begins at {first} GB/s, but must begin at 0")]
    NoStart {
        /// First point of the grid.
        first: f64,
    },
    /// The speeds don't fill the grid.
    #[error("`speed` must have one row for each of the {rows} own demands and {columns} values in each row")]
    Shape {
        /// Number of own demands.
        rows: usize,
        /// Number of external demands.
        columns: usize,
    },
    /// A speed is no relative speed.
    #[error("speed {speed} at own demand {own} GB/s and external demand {external} GB/s is not above 0 and at most 1")]
    Speed {
        /// The speed.
        speed: f64,
        /// Own demand.
        own: f64,
        /// External demand.
        external: f64,
    },
    /// A group that nobody disturbs would be slowed.
    #[error("speed {speed} at own demand {own} GB/s without external demand is not 1")]
    SlowAlone {
        /// The speed.
        speed: f64,
        /// Own demand.
        own: f64,
    },
    /// More contention would make a group faster.
    #[error("speed at own demand {own} GB/s rises at external demand {external} GB/s")]
    Rising {
        /// Own demand.
        own: f64,
        /// External demand at which the speed is higher than before.
        external: f64,
    },
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

    /// The parameters, where it is a curve of the processor-centric model.
    pub fn pccs(&self) -> Option<&Pccs> {
        if let Self::Pccs(pccs) = self { Some(pccs) } else { None }
    }

    /// Whether the curve is 1 without contention and never rises with it.
    pub fn validate(&self) -> Result<(), CurveError> {
        match self {
            Self::None => Ok(()),
            Self::Pccs(pccs) => pccs.validate(),
            Self::Table(table) => table.validate(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_at_its_floor_still_moves_by_one_permille() {
        let steep =
            Pccs { normal_bw: 0.0, intensive_bw: 1.0, mrmc: 0.0, tbwdc: 1.0, cbp: 90.0, rate: 50.0, pbw: 100.0 };
        let curve = ContentionCurve::Pccs(steep);
        assert_eq!(curve.permille(MegabytesPerSecond(50_000), MegabytesPerSecond(90_000)), Permille(1));
        assert_eq!(curve.permille(MegabytesPerSecond(50_000), MegabytesPerSecond(0)), Permille::FULL);
    }

    #[test]
    fn without_a_curve_nothing_slows() {
        let full = ContentionCurve::None.permille(MegabytesPerSecond(100_000), MegabytesPerSecond(100_000));
        assert_eq!(full, Permille::FULL);
    }
}
