//! What an idle accelerator can run beside the running element, and what follows, by the time that one has left.

use super::chains::Element;
use super::function::{Point, value};

/// Cost of a nanosecond beyond the time left at which a choice ends where no schedule below the cutoff goes. Any would hold;
/// a high one keeps functions continuous without looking cheap.
const STEEP: f64 = 10.0;

/// Speeds of two elements beside each other.
#[derive(Clone, Copy)]
pub(super) struct Rates {
    pub(super) own: f64,
    pub(super) other: f64,
}

/// An element to run, and the functions of what follows where the running one or it ends first; `None` where no schedule
/// below the cutoff gets there.
pub(super) struct Choice<F> {
    pub(super) element: Element,
    pub(super) rates: Rates,
    pub(super) runner_first: Option<F>,
    pub(super) element_first: Option<F>,
}

impl<F> Choice<F> {
    /// The same choice with what `get` knows of its functions.
    pub(super) fn map<G>(&self, get: impl Fn(&F) -> G) -> Choice<G> {
        Choice {
            element: self.element,
            rates: self.rates,
            runner_first: self.runner_first.as_ref().map(&get),
            element_first: self.element_first.as_ref().map(&get),
        }
    }
}

impl Choice<&[Point]> {
    /// Fills `found` with the cost of this choice by the time, up to `longest`, that the runner has left; with nothing where
    /// no schedule below the cutoff takes it.
    pub(super) fn draw(&self, longest: f64, found: &mut Vec<Point>) {
        found.clear();
        // With so much time left both end at once.
        let together = self.element.length() * self.rates.other / self.rates.own;
        self.draw_runner_first(together.min(longest), found);
        if together < longest {
            self.draw_element_first(together, longest, found);
        }
    }

    /// The runner has up to `longest` left and ends first: the more it has, the less of the element is left then.
    fn draw_runner_first(&self, longest: f64, found: &mut Vec<Point>) {
        let Some(points) = self.runner_first else { return };
        let Rates { own, other } = self.rates;
        let least = (self.element.length() - longest * own / other).max(0.0);
        let moved = |point: &Point| {
            let time = (self.element.length() - point.left) / own;
            Point { left: time * other, cost: time + point.cost }
        };
        found.extend(points.iter().rev().take_while(|point| point.left > least).map(moved));
        found.push(moved(&Point { left: least, cost: value(points, least) }));
    }

    /// The runner has more than `together` left, so that the element ends first.
    fn draw_element_first(&self, together: f64, longest: f64, found: &mut Vec<Point>) {
        let Some(points) = self.element_first else {
            if let Some(&Point { left, cost }) = found.last() {
                found.push(Point { left: longest, cost: cost + STEEP * (longest - left) });
            }
            return;
        };
        let time = self.element.length() / self.rates.own;
        let moved = |point: &Point| Point { left: point.left + together, cost: point.cost + time };
        let most = longest - together;
        let turn = moved(&Point { left: 0.0, cost: value(points, 0.0) });
        match found.last_mut() {
            // That both end at once costs the same seen from either side, but for tolerances.
            Some(end) => end.cost = end.cost.min(turn.cost),
            None if together > 0.0 => {
                found.extend([Point { left: 0.0, cost: turn.cost + STEEP * together }, turn]);
            }
            None => found.push(turn),
        }
        found.extend(points.iter().filter(|point| point.left > 0.0 && point.left < most).map(moved));
        found.push(moved(&Point { left: most, cost: value(points, most) }));
    }
}

#[cfg(test)]
mod tests {
    use super::super::chains::tests::launch;
    use super::*;

    fn points(all: &[(f64, f64)]) -> Vec<Point> {
        all.iter().map(|&(left, cost)| Point { left, cost }).collect()
    }

    /// Draws an element of 10 at half speed beside a runner at full speed, so that both end at once with 20 left.
    fn check(
        runner_first: Option<&[(f64, f64)]>,
        element_first: Option<&[(f64, f64)]>,
        longest: f64,
        expected: &[(f64, f64)],
    ) {
        let (first, second) = (runner_first.map(points), element_first.map(points));
        let choice = Choice {
            element: launch(10),
            rates: Rates { own: 0.5, other: 1.0 },
            runner_first: first.as_deref(),
            element_first: second.as_deref(),
        };
        let mut found = vec![];
        choice.draw(longest, &mut found);
        assert_eq!(found, points(expected));
    }

    #[test]
    fn whoever_ends_first_decides_what_follows() {
        // After 8 the element has 6 left; after 20 the runner has 4 left.
        check(
            Some(&[(0.0, 1.0), (6.0, 7.0), (10.0, 9.0)]),
            Some(&[(0.0, 1.0), (9.0, 19.0)]),
            24.0,
            &[(0.0, 9.0), (8.0, 15.0), (20.0, 21.0), (24.0, 29.0)],
        );
    }

    #[test]
    fn a_runner_that_never_outlasts_the_element_needs_one_function() {
        check(Some(&[(0.0, 0.0), (10.0, 0.0)]), None, 8.0, &[(0.0, 0.0), (8.0, 8.0)]);
    }

    #[test]
    fn what_is_out_of_reach_becomes_steep() {
        check(Some(&[(0.0, 0.0), (10.0, 0.0)]), None, 22.0, &[(0.0, 0.0), (20.0, 20.0), (22.0, 40.0)]);
        check(None, Some(&[(0.0, 5.0), (9.0, 5.0)]), 22.0, &[(0.0, 225.0), (20.0, 25.0), (22.0, 25.0)]);
        check(None, None, 22.0, &[]);
    }
}
