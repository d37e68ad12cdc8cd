//! Time to pixels: the axis, its ticks and the mark where the schedule ends.

use std::fmt::Write as _;

use crate::units::Nanoseconds;

/// Space for the tick labels below the lanes.
pub(super) const AXIS_HEIGHT: u32 = 34;
/// Empty space at both sides.
const MARGIN: f64 = 8.0;
/// Least distance of two ticks.
const TICK_DISTANCE: f64 = 64.0;

/// More than the widest chart has.
const MOST_TICKS: u32 = 1000;

/// A linear map of moments to positions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    width: f64,
    end: f64,
}

impl Scale {
    pub(super) fn new(width: u32, end: Nanoseconds) -> Self {
        Self { width: f64::from(width), end: end.0.max(1) as f64 }
    }

    /// Position of a moment.
    pub(super) fn x(&self, at: Nanoseconds) -> f64 {
        MARGIN + at.0 as f64 / self.end * (self.width - 2.0 * MARGIN)
    }

    /// Ticks in milliseconds, at round numbers.
    fn ticks(&self) -> Vec<f64> {
        let step = round_step(self.end / 1e6 * TICK_DISTANCE / (self.width - 2.0 * MARGIN));
        let end = self.end / 1e6;
        (0..MOST_TICKS).map(|idx| f64::from(idx) * step).take_while(|tick| *tick <= end * (1.0 + 1e-9)).collect()
    }

    fn x_of_ms(&self, ms: f64) -> f64 {
        MARGIN + ms * 1e6 / self.end * (self.width - 2.0 * MARGIN)
    }

    /// Faint lines behind the lanes.
    pub(super) fn grid(&self, top: u32, bottom: u32) -> String {
        let mut svg = String::new();
        for x in self.ticks().into_iter().map(|tick| self.x_of_ms(tick)) {
            let _ = write!(svg, r#"<path class="grid" d="M{x:.2} {top}V{bottom}"/>"#);
        }
        svg
    }

    /// The axis line with its labels; the last label carries the unit.
    pub(super) fn axis(&self, y: u32) -> String {
        let end = self.width - MARGIN;
        let mut svg = format!(r#"<path class="axis" d="M{MARGIN} {y}H{end:.2}"/>"#);
        let ticks = self.ticks();
        let decimals = decimals(&ticks);
        for (idx, tick) in ticks.iter().enumerate() {
            let x = self.x_of_ms(*tick);
            let unit = if idx + 1 == ticks.len() { " ms" } else { "" };
            let anchor = if idx == 0 {
                "start"
            } else if x > end - 14.0 {
                "end"
            } else {
                "middle"
            };
            let _ = write!(
                svg,
                r#"<path class="axis" d="M{x:.2} {y}v4"/><text class="tick" x="{x:.2}" y="{}" text-anchor="{anchor}">{tick:.decimals$}{unit}</text>"#,
                y + 17
            );
        }
        svg
    }

    /// A dashed line where the last task ends.
    pub(super) fn end_mark(&self, at: Nanoseconds, top: u32, bottom: u32) -> String {
        let x = self.x(at);
        format!(r#"<path class="end" d="M{x:.2} {top}V{bottom}"><title>end of the last task: {at}</title></path>"#)
    }
}

/// The smallest of 1, 2, 5 times a power of ten that isn't below `least`.
fn round_step(least: f64) -> f64 {
    let power = 10_f64.powf(least.max(1e-9).log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// Digits after the point that tell neighbouring ticks apart.
fn decimals(ticks: &[f64]) -> usize {
    let step = ticks.get(1).copied().unwrap_or(1.0);
    (0..9)
        .find(|digits| (step * 10_f64.powi(*digits) + 1e-6).fract() < 1e-4)
        .map_or(9, |digits| digits.unsigned_abs() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_numbers_and_not_too_close() {
        assert_eq!(Scale::new(960, Nanoseconds(7_842_000)).ticks(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert_eq!(Scale::new(360, Nanoseconds(7_842_000)).ticks(), [0.0, 2.0, 4.0, 6.0]);
        assert_eq!(Scale::new(960, Nanoseconds(0)).ticks().len(), 11);
    }

    #[test]
    fn labels_have_the_digits_that_tell_ticks_apart() {
        assert_eq!((decimals(&[0.0, 2.0]), decimals(&[0.0, 0.5]), decimals(&[0.0, 0.02])), (0, 1, 2));
    }

    #[test]
    fn the_axis_runs_from_margin_to_margin() {
        let scale = Scale::new(400, Nanoseconds(100));
        assert_eq!((scale.x(Nanoseconds(0)).round(), scale.x(Nanoseconds(100)).round()), (8.0, 392.0));
    }
}
