//! Predicted against what came out: every span, its error, and who ran beside it.

use std::collections::BTreeMap;

use super::log::{PolicyRun, Span};
use super::statistics::Statistics;
use crate::units::{Milliseconds, Nanoseconds};

/// Least share by which a span must take longer than predicted to be called slowed.
const NOTABLE: f64 = 0.01;

/// A span as it was predicted and as it ran.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanComparison {
    /// The task.
    pub task: usize,
    /// Position of the span in the task.
    pub span: usize,
    /// What was predicted.
    pub predicted: Span,
    /// Starts over rounds.
    pub start: Statistics,
    /// Durations over rounds.
    pub duration: Statistics,
    /// Error of the predicted duration in every round.
    pub errors: Vec<f64>,
    /// Median of these.
    pub median_error: f64,
    /// By which share of the predicted duration the median one is longer; negative where it is shorter.
    pub excess: f64,
    /// Who ran on other accelerators meanwhile (or in an engine that uses several), the longest first.
    pub neighbours: Vec<Neighbour>,
}

/// Another task's span beside a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// The task.
    pub task: usize,
    /// Its span.
    pub span: usize,
    /// Share of the time of the span in question, over all rounds, in which this one ran too.
    pub share: f64,
    /// The same share as it was predicted.
    pub predicted_share: f64,
}

impl SpanComparison {
    /// Whether it took notably longer than predicted.
    pub fn is_slowed(&self) -> bool {
        self.excess > NOTABLE
    }
}

/// Error of a prediction as a share of what came out; zero where nothing took any time.
pub fn relative_error(predicted: f64, actual: f64) -> f64 {
    if actual > 0.0 { predicted / actual - 1.0 } else { 0.0 }
}

/// Every span of `policy`, task after task.
pub fn compare(policy: &PolicyRun) -> Vec<SpanComparison> {
    let tasks = policy.tasks.iter().enumerate();
    let spans = tasks.flat_map(|(task, it)| (0..it.spans.len()).map(move |span| (task, span)));
    spans.map(|(task, span)| compare_span(policy, task, span)).collect()
}

fn compare_span(policy: &PolicyRun, task: usize, span: usize) -> SpanComparison {
    let predicted = policy.tasks[task].predicted(span);
    let length = predicted.duration().to_milliseconds().0;
    let duration = Statistics::of(policy.span(task, span).map(Span::duration));
    let errors: Vec<f64> =
        policy.span(task, span).map(|it| relative_error(length, it.duration().to_milliseconds().0)).collect();
    SpanComparison {
        task,
        span,
        predicted,
        start: Statistics::of(policy.span(task, span).map(|it| it.start)),
        duration,
        median_error: median(&errors),
        errors,
        excess: if length > 0.0 { duration.median.0 / length - 1.0 } else { 0.0 },
        neighbours: neighbours(policy, task, span),
    }
}

fn neighbours(policy: &PolicyRun, task: usize, span: usize) -> Vec<Neighbour> {
    let own: Vec<Span> = policy.span(task, span).collect();
    let total: Nanoseconds = own.iter().map(|it| it.duration()).sum();
    let predicted = policy.tasks[task].predicted(span);
    let own_place = policy.tasks[task].accelerators(span);
    let mut found = Vec::new();
    for (other, it) in policy.tasks.iter().enumerate().filter(|(other, _)| *other != task) {
        for idx in (0..it.spans.len()).filter(|&idx| runs_beside(&own_place, &it.accelerators(idx))) {
            let shared: Nanoseconds = policy.span(other, idx).zip(&own).map(|(a, &b)| overlap(a, b)).sum();
            let share = share(shared, total);
            let predicted_share = self::share(overlap(it.predicted(idx), predicted), predicted.duration());
            if share > 0.0 || predicted_share > 0.0 {
                found.push(Neighbour { task: other, span: idx, share, predicted_share });
            }
        }
    }
    found.sort_by(|a, b| b.share.total_cmp(&a.share));
    found
}

/// Whether spans on these accelerators may run at one time: not where both are on the same one only.
fn runs_beside(one: &[&str], other: &[&str]) -> bool {
    one != other || one.len() > 1
}

/// When a round would end in which every span took the median of its times: spans begin in the order in which they were predicted
/// to, as soon as their task and their accelerators allow. By as much as the median makespan is longer, times scatter: who
/// waits for several waits for the latest.
pub fn makespan_of_medians(policy: &PolicyRun) -> Milliseconds {
    let tasks = policy.tasks.iter().enumerate();
    let mut order: Vec<(usize, usize)> =
        tasks.flat_map(|(task, it)| (0..it.spans.len()).map(move |span| (task, span))).collect();
    let predicted = |&(task, span): &(usize, usize)| policy.tasks[task].predicted(span);
    order.sort_by_key(|it| (predicted(it).start, predicted(it).end, *it));
    let mut task_ends = vec![0.0_f64; policy.tasks.len()];
    let mut accelerator_ends: BTreeMap<&str, f64> = BTreeMap::new();
    for (task, span) in order {
        let it = &policy.tasks[task];
        let accelerators = it.accelerators(span);
        let before = accelerators.iter().filter_map(|accelerator| accelerator_ends.get(accelerator));
        let causes = it.after.iter().map(|&after| &task_ends[after]);
        let ready = before.chain(causes).copied().fold(task_ends[task], f64::max);
        let start = ready.max(it.release.to_milliseconds().0);
        let end = start + Statistics::of(policy.span(task, span).map(Span::duration)).median.0;
        task_ends[task] = end;
        accelerator_ends.extend(accelerators.into_iter().map(|accelerator| (accelerator, end)));
    }
    Milliseconds(task_ends.into_iter().fold(0.0, f64::max))
}

fn share(part: Nanoseconds, whole: Nanoseconds) -> f64 {
    if whole == Nanoseconds::ZERO { 0.0 } else { part.0 as f64 / whole.0 as f64 }
}

fn overlap(a: Span, b: Span) -> Nanoseconds {
    Nanoseconds(a.end.min(b.end).0.saturating_sub(a.start.max(b.start).0))
}

/// The median; the mean of the middle two of an even number, zero of none.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n => f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::LayerRange;
    use crate::run::{GroupPlan, GroupRange, Round, TaskRun};
    use crate::schedule::Occupation;

    fn task(name: &str, accelerator: &str, predicted: [u64; 2]) -> TaskRun {
        let [start, end] = predicted.map(Nanoseconds);
        let predicted = Occupation { start, launched: start, entered: start, worked: end, end };
        let layers = LayerRange { first: 0, last: 4 };
        TaskRun {
            name: name.into(),
            title: name.into(),
            release: Nanoseconds::ZERO,
            after: Vec::new(),
            groups: vec![GroupPlan { layers, accelerator: accelerator.into(), predicted }],
            spans: vec![GroupRange { first: 0, last: 1 }],
        }
    }

    fn round(spans: [[u64; 2]; 2]) -> Round {
        let spans = spans.map(|[start, end]| vec![Span { start: Nanoseconds(start), end: Nanoseconds(end) }]);
        Round { released: vec![Nanoseconds(1), Nanoseconds(4)], spans: spans.into() }
    }

    #[test]
    fn what_ran_beside_a_slowed_span_is_named_with_its_share() {
        let policy = PolicyRun {
            name: "haxconn".into(),
            label: "HaX-CoNN".into(),
            tasks: vec![task("a", "gpu", [0, 100]), task("b", "dla", [0, 50])],
            rounds: vec![round([[0, 125], [3, 53]]), round([[0, 125], [1, 76]])],
        };
        let [a, b]: [SpanComparison; 2] = compare(&policy).try_into().unwrap();
        assert!(a.is_slowed() && (a.excess - 0.25).abs() < 1e-12 && (a.median_error + 0.2).abs() < 1e-12);
        let neighbour = Neighbour { task: 1, span: 0, share: 0.5, predicted_share: 0.5 };
        assert_eq!(a.neighbours, [neighbour]);
        assert_eq!(b.errors.len(), 2);
        assert_eq!(b.errors[0].to_bits(), 0.0_f64.to_bits());
        assert!((policy.skew().median.0 - 2e-6).abs() < 1e-12);
        assert_eq!(policy.predicted_makespan(), Nanoseconds(100));
    }

    #[test]
    fn parts_that_scatter_end_later_than_parts_at_their_medians() {
        // Each takes 100 in two rounds of three, and 200 in one: together they take 200 in two of three.
        let policy = |accelerators: [&str; 2]| PolicyRun {
            name: "haxconn".into(),
            label: "HaX-CoNN".into(),
            tasks: vec![task("a", accelerators[0], [0, 100]), task("b", accelerators[1], [0, 90])],
            rounds: vec![round([[0, 100], [0, 200]]), round([[0, 200], [0, 100]]), round([[0, 100], [0, 100]])],
        };
        let check = |policy: &PolicyRun, expected: f64| {
            assert!((makespan_of_medians(policy).0 - expected * 1e-6).abs() < 1e-12, "{policy:?}");
        };
        let apart = policy(["gpu", "dla"]);
        check(&apart, 100.0);
        assert!((apart.makespan().median.0 - 200e-6).abs() < 1e-12);
        // On one accelerator they follow one another.
        check(&policy(["gpu", "gpu"]), 200.0);
        let mut waits = apart;
        waits.tasks[0].after = vec![1];
        waits.tasks[0].groups[0].predicted.start = Nanoseconds(95);
        check(&waits, 200.0);
    }
}
