//! Frames per second of streams, derived from when their frames end.

use super::Timeline;
use crate::problem::Problem;

/// How fast an instance with several frames runs in a schedule of all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StreamRate {
    /// The task that is its first frame.
    pub first: usize,
    /// Its frames.
    pub n_frames: usize,
    /// Its frames per second over the makespan: what the schedule achieves, with its beginning and its end.
    pub overall: f64,
    /// Frames per second between the end of the middle frame and that of the last: what a longer stream would come near to,
    /// if it went on so. `None` where they end at once.
    pub steady: Option<f64>,
}

/// The rate of every instance of `problem` that has several frames.
pub fn rates(problem: &Problem, timeline: &Timeline) -> Vec<StreamRate> {
    let n_tasks = problem.tasks.len();
    let firsts: Vec<usize> = (0..n_tasks).map(|task| problem.leader(task)).collect();
    let ends: Vec<u64> = (0..n_tasks).map(|task| timeline.end(task).0).collect();
    rates_of(&firsts, &ends)
}

/// The same from the first frame of every task's instance (its own position where it is that one) and the tasks' ends in
/// nanoseconds.
pub fn rates_of(firsts: &[usize], ends: &[u64]) -> Vec<StreamRate> {
    let makespan = ends.iter().max().copied().unwrap_or_default();
    let rate = |first: usize| {
        let frames = firsts.iter().zip(ends).filter(|(of, _)| **of == first);
        let mut ends: Vec<u64> = frames.map(|(_, &end)| end).collect();
        ends.sort_unstable();
        let n_frames = ends.len();
        let middle = n_frames.checked_sub(1)? / 2;
        let steady = per_second(n_frames - 1 - middle, ends[n_frames - 1] - ends[middle]);
        (n_frames > 1).then(|| StreamRate {
            first,
            n_frames,
            overall: per_second(n_frames, makespan).unwrap_or_default(),
            steady,
        })
    };
    (0..firsts.len()).filter_map(rate).collect()
}

fn per_second(count: usize, nanoseconds: u64) -> Option<f64> {
    (nanoseconds > 0).then(|| count as f64 * 1e9 / nanoseconds as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_measured_over_the_makespan_and_from_its_middle_frame_on() {
        let [rate] = rates_of(&[0, 0, 0, 0, 4], &[400, 500, 700, 900, 1000])[..] else { panic!() };
        assert_eq!((rate.first, rate.n_frames), (0, 4));
        assert!((rate.overall - 4e6).abs() < 1e-3, "{rate:?}");
        // Two frames in 400 ns after the second one.
        assert!((rate.steady.unwrap() - 5e6).abs() < 1e-3, "{rate:?}");
    }

    #[test]
    fn frames_that_end_at_once_have_no_steady_state() {
        assert_eq!(rates_of(&[0, 0], &[7, 7])[0].steady, None);
        assert_eq!(rates_of(&[0, 1], &[7, 7]), []);
        assert_eq!(rates_of(&[], &[]), []);
    }
}
