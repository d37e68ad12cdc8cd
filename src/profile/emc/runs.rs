//! Use of the memory where nothing counts it: what a run is modelled to move, spread over the times that runs took.

use super::EmcSample;
use crate::units::{Bytes, GigabytesPerSecond, Milliseconds, Percent};

/// Samples every `interval` of runs that followed one another and moved `bytes` each, evenly, as shares of `peak`. The rest after
/// the last whole interval is left out, unless it is all there is. None of no runs.
pub fn samples_of_runs(
    bytes: Bytes,
    runs: &[Milliseconds],
    interval: Milliseconds,
    peak: GigabytesPerSecond,
) -> Vec<EmcSample> {
    let mut samples = Vec::new();
    let (mut now, mut since, mut moved) = (0.0, 0.0, 0.0);
    let sample = |since: f64, now: f64, moved: f64| EmcSample {
        at: Milliseconds(now),
        // 1 GB/s is 10^6 bytes a millisecond.
        utilization: Some(Percent(moved / (now - since) / 1e6 / peak.0 * 100.0)),
        clock: None,
    };
    for run in runs.iter().filter(|run| run.0 > 0.0) {
        let end = now + run.0;
        while since + interval.0 <= end {
            let until = since + interval.0;
            moved += bytes.0 as f64 * (until - now) / run.0;
            samples.push(sample(since, until, moved));
            (since, now, moved) = (until, until, 0.0);
        }
        moved += bytes.0 as f64 * (end - now) / run.0;
        now = end;
    }
    if samples.is_empty() && now > 0.0 {
        samples.push(sample(0.0, now, moved));
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(runs: &[f64], expected: &[[f64; 2]]) {
        let runs: Vec<Milliseconds> = runs.iter().copied().map(Milliseconds).collect();
        let samples = samples_of_runs(Bytes(1_000_000), &runs, Milliseconds(2.0), GigabytesPerSecond(4.0));
        let found: Vec<[f64; 2]> = samples.iter().map(|sample| [sample.at.0, sample.utilization.unwrap().0]).collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
    }

    #[test]
    fn bytes_are_spread_over_the_times_of_their_runs() {
        // 1 GB/s of 4 all the time, whatever the intervals cut.
        check(&[1.0; 5], &[[2.0, 25.0], [4.0, 25.0]]);
        // A run of 3 ms moves a third of its bytes in each.
        check(&[1.0, 3.0], &[[2.0, 100.0 / 6.0], [4.0, 100.0 / 12.0]]);
        check(&[10.0], &[[2.0, 2.5], [4.0, 2.5], [6.0, 2.5], [8.0, 2.5], [10.0, 2.5]]);
    }

    #[test]
    fn a_run_shorter_than_an_interval_is_a_sample_by_itself() {
        check(&[0.5], &[[0.5, 50.0]]);
        check(&[], &[]);
        check(&[0.0], &[]);
    }
}
