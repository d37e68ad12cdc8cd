//! Functions of the time that a running element has left: continuous, linear between points. Knows nothing of schedules.

/// A point of a function: nanoseconds left, and what they cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) left: f64,
    pub(super) cost: f64,
}

/// The cost at `left`, beyond the ends that of the nearest end.
pub(super) fn value(points: &[Point], left: f64) -> f64 {
    value_after(points, points.partition_point(|point| point.left < left), left)
}

/// The cost at `left`, where `next` is the first point that isn't before it.
fn value_after(points: &[Point], next: usize, left: f64) -> f64 {
    match (next.checked_sub(1).map(|before| points[before]), points.get(next)) {
        (Some(before), Some(after)) if after.left <= before.left => before.cost.min(after.cost),
        (Some(before), Some(after)) => {
            before.cost + (after.cost - before.cost) * (left - before.left) / (after.left - before.left)
        }
        (Some(end), None) | (None, Some(&end)) => end.cost,
        (None, None) => f64::INFINITY,
    }
}

/// Fills `found` with the lower of two functions that have the same ends.
pub(super) fn lower(one: &[Point], other: &[Point], found: &mut Vec<Point>) {
    found.clear();
    let (mut i, mut j) = (0, 0);
    let mut before: Option<(Point, f64)> = None;
    while let Some(left) = earlier(one.get(i), other.get(j)) {
        let point = Point { left, cost: value_after(one, i, left) };
        let cost = value_after(other, j, left);
        if let Some((last, last_cost)) = before {
            found.extend(crossing((last, last_cost), (point, cost)));
        }
        found.push(Point { left, cost: point.cost.min(cost) });
        before = Some((point, cost));
        i += usize::from(one.get(i).is_some_and(|point| point.left <= left));
        j += usize::from(other.get(j).is_some_and(|point| point.left <= left));
    }
}

fn earlier(one: Option<&Point>, other: Option<&Point>) -> Option<f64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.left.min(other.left)),
        (one, other) => one.or(other).map(|point| point.left),
    }
}

/// Where two lines cross between their ends, each given as a point of the first and the cost of the second.
fn crossing((from, other_from): (Point, f64), (to, other_to): (Point, f64)) -> Option<Point> {
    let (apart, then) = (from.cost - other_from, to.cost - other_to);
    if apart * then >= 0.0 || to.left <= from.left {
        return None;
    }
    let share = apart / (apart - then);
    let between = |start: f64, end: f64| start + (end - start) * share;
    Some(Point { left: between(from.left, to.left), cost: between(from.cost, to.cost) })
}

/// Appends to `found` a function that is never above `points` and at most `tolerance` below, with few points: every line
/// goes as far as some slope allows.
pub(super) fn simplify(points: &[Point], tolerance: f64, found: &mut Vec<Point>) {
    let Some(&first) = points.first() else { return };
    let mut from = Point { cost: first.cost - tolerance / 2.0, ..first };
    let mut reached = from;
    let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
    found.push(from);
    for point in points.iter().filter(|point| point.left > first.left) {
        let slopes = |from: Point| {
            let width = point.left - from.left;
            ((point.cost - tolerance - from.cost) / width, (point.cost - from.cost) / width)
        };
        let (mut low, mut high) = slopes(from);
        if low.max(least) > high.min(most) && reached.left > from.left && reached.left < point.left {
            from = reached;
            found.push(from);
            (least, most) = (f64::NEG_INFINITY, f64::INFINITY);
            (low, high) = slopes(from);
        }
        (least, most) = (least.max(low), most.min(high));
        reached = Point { left: point.left, cost: from.cost + f64::midpoint(least, most) * (point.left - from.left) };
    }
    if reached.left > from.left {
        found.push(reached);
    }
}

/// An upper bound of how far the cost falls within a nanosecond to the left of any point.
pub(super) fn fall(points: &[Point]) -> f64 {
    let of_point = |idx: usize| {
        let point = points[idx];
        let from = point.left - 2.0;
        let within = points[..idx].iter().rev().take_while(|before| before.left > from).map(|before| before.cost);
        let least = within.fold(value(&points[..=idx], from), f64::min);
        point.cost - least
    };
    // A nanosecond that ends between two points lies within the two before the later one, or begins before the earlier one.
    2.0 * (0..points.len()).map(of_point).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;

    fn points(all: &[(f64, f64)]) -> Vec<Point> {
        all.iter().map(|&(left, cost)| Point { left, cost }).collect()
    }

    fn random_function(rng: &mut Rng, end: f64) -> Vec<Point> {
        let mut lefts: Vec<f64> = (0..rng.usize(..12)).map(|_| rng.f64() * end).collect();
        lefts.extend([0.0, end]);
        lefts.sort_by(f64::total_cmp);
        lefts.dedup();
        lefts.into_iter().map(|left| Point { left, cost: 1000.0 * rng.f64() }).collect()
    }

    #[test]
    fn the_lower_of_two_lines_turns_where_they_cross() {
        let mut found = vec![];
        lower(&points(&[(0.0, 0.0), (10.0, 10.0)]), &points(&[(0.0, 4.0), (10.0, 4.0)]), &mut found);
        assert_eq!(found, points(&[(0.0, 0.0), (4.0, 4.0), (10.0, 4.0)]));
    }

    #[test]
    fn a_value_beyond_the_ends_is_that_of_the_end() {
        let line = points(&[(2.0, 5.0), (4.0, 9.0)]);
        for (left, cost) in [(1.0, 5.0), (2.0, 5.0), (3.0, 7.0), (4.0, 9.0), (9.0, 9.0)] {
            assert!((value(&line, left) - cost).abs() < 1e-9, "at {left}");
        }
    }

    #[test]
    fn points_on_a_line_are_left_out() {
        let mut found = vec![];
        simplify(&points(&[(0.0, 0.0), (1.0, 2.0), (2.0, 4.0), (3.0, 6.0)]), 0.5, &mut found);
        assert_eq!(found.iter().map(|point| point.left).collect::<Vec<_>>(), [0.0, 3.0]);
    }

    #[test]
    fn the_fall_is_at_least_that_of_every_nanosecond() {
        let steep = points(&[(0.0, 0.0), (10.0, 10.0), (10.5, 40.0), (20.0, 40.0)]);
        assert!(fall(&steep) >= value(&steep, 10.5) - value(&steep, 9.5));
        assert!(fall(&points(&[(0.0, 9.0), (10.0, 1.0)])) <= 0.0, "it only rises to the left");
    }

    #[test]
    fn random_functions_are_lowered_and_simplified_within_the_tolerance() {
        let mut rng = Rng::with_seed(7);
        for _ in 0..2000 {
            let (one, other) = (random_function(&mut rng, 100.0), random_function(&mut rng, 100.0));
            let (mut least, mut simple) = (vec![], vec![]);
            lower(&one, &other, &mut least);
            let tolerance = 1.0 + 200.0 * rng.f64();
            simplify(&least, tolerance, &mut simple);
            assert!(simple.len() <= least.len(), "simpler than {least:?}");
            let fall = fall(&simple);
            for step in 0..=400 {
                let left = f64::from(step) / 4.0;
                let exact = value(&one, left).min(value(&other, left));
                assert!((value(&least, left) - exact).abs() < 1e-6, "the lower one at {left}");
                let below = exact - value(&simple, left);
                assert!((-1e-6..=tolerance + 1e-6).contains(&below), "{below} below at {left}, {tolerance} allowed");
                let before = value(&simple, (left - 1.0).max(0.0));
                assert!(value(&simple, left) - before <= fall + 1e-6, "falls further at {left}");
            }
        }
    }
}
