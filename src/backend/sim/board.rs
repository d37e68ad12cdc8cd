//! The simulated chip: segments of work run on lanes in virtual time and share the memory.
//!
//! A stage either streams bytes at the rate that it has alone, or computes. As long as one lane streams, it gets what it
//! asks for. When several stream, the memory delivers `shared` in all, divided max-min fairly: nobody gets more than it
//! asks for, and what one leaves goes to the others. A streaming stage slows by what it lacks; a computing one doesn't.

use thiserror::Error;

use super::noise::Noise;
use crate::platform::Platform;
use crate::units::{Bytes, GigabytesPerSecond, Milliseconds};

/// A stretch of a segment with one behaviour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// How long it takes alone.
    pub time: Milliseconds,
    /// Bytes that it streams at an even rate; none while it computes or waits.
    pub bytes: Bytes,
}

/// Work that occupies one lane from its start to its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Segments that must have ended before.
    pub after: Vec<usize>,
    /// Earliest start.
    pub release: Milliseconds,
    /// What it does, in order.
    pub stages: Vec<Stage>,
}

/// When a segment ran.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SegmentSpan {
    /// Start.
    pub start: Milliseconds,
    /// End.
    pub end: Milliseconds,
}

/// The memory that lanes share.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// What it delivers in all when several lanes stream at once.
    pub shared: GigabytesPerSecond,
}

impl Memory {
    /// The memory of `platform`: the share of its peak that several streams get together.
    pub fn of(platform: &Platform) -> Self {
        let shared = platform.peak_bandwidth.value.0 * platform.sharing_efficiency.value;
        Self { shared: GigabytesPerSecond(shared) }
    }
}

/// The segments wait for each other.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{} segment(s) never start: the lanes wait for each other in a circle", .segments.len())]
pub struct Stuck {
    /// Those that never start.
    pub segments: Vec<usize>,
}

/// Runs `segments` in the order of `lanes` (indices of segments) from time zero, every stage lengthened by its own draw
/// from `noise` (`None` runs without any).
pub fn simulate(
    segments: &[Segment],
    lanes: &[Vec<usize>],
    memory: Memory,
    noise: Option<&mut Noise>,
) -> Result<Vec<SegmentSpan>, Stuck> {
    let mut board = Board::new(segments, lanes, memory, noise);
    board.run();
    board.spans()
}

/// A stage in progress.
#[derive(Clone, Copy, Debug)]
struct Active {
    segment: usize,
    stage: usize,
    /// Standalone time that is left [ms].
    left: f64,
    /// What it streams alone [GB/s].
    demand: f64,
    /// Progress per unit of time, at most 1.
    rate: f64,
}

struct Board<'a> {
    segments: &'a [Segment],
    lanes: &'a [Vec<usize>],
    memory: Memory,
    /// Factor of every stage's time.
    factors: Vec<Vec<f64>>,
    now: f64,
    next: Vec<usize>,
    active: Vec<Option<Active>>,
    started: Vec<Option<f64>>,
    ended: Vec<Option<f64>>,
}

impl<'a> Board<'a> {
    fn new(segments: &'a [Segment], lanes: &'a [Vec<usize>], memory: Memory, mut noise: Option<&mut Noise>) -> Self {
        let mut draw = || noise.as_mut().map_or(1.0, |noise| noise.factor());
        let factors = segments.iter().map(|segment| segment.stages.iter().map(|_| draw()).collect()).collect();
        Self {
            segments,
            lanes,
            memory,
            factors,
            now: 0.0,
            next: vec![0; lanes.len()],
            active: vec![None; lanes.len()],
            started: vec![None; segments.len()],
            ended: vec![None; segments.len()],
        }
    }

    fn run(&mut self) {
        loop {
            while self.end_stages() | self.start_segments() {}
            self.share_memory();
            let Some(length) = self.time_to_next_event() else { return };
            self.now += length;
            for active in self.active.iter_mut().flatten() {
                let left = active.left - active.rate * length;
                active.left = if left <= 1e-12 { 0.0 } else { left };
            }
        }
    }

    fn end_stages(&mut self) -> bool {
        let mut moved = false;
        for lane in 0..self.active.len() {
            while let Some(active) = self.active[lane].filter(|active| active.left <= 0.0) {
                self.active[lane] = self.stage(active.segment, active.stage + 1);
                if self.active[lane].is_none() {
                    self.ended[active.segment] = Some(self.now);
                }
                moved = true;
            }
        }
        moved
    }

    fn start_segments(&mut self) -> bool {
        let mut started = false;
        for lane in 0..self.active.len() {
            let Some(&segment) = self.lanes[lane].get(self.next[lane]) else { continue };
            if self.active[lane].is_some() || !self.is_ready(segment) {
                continue;
            }
            self.next[lane] += 1;
            self.started[segment] = Some(self.now);
            self.active[lane] = self.stage(segment, 0);
            if self.active[lane].is_none() {
                self.ended[segment] = Some(self.now);
            }
            started = true;
        }
        started
    }

    fn is_ready(&self, segment: usize) -> bool {
        let Segment { after, release, .. } = &self.segments[segment];
        release.0 <= self.now && after.iter().all(|&before| self.ended[before].is_some())
    }

    fn stage(&self, segment: usize, stage: usize) -> Option<Active> {
        let Stage { time, bytes } = *self.segments[segment].stages.get(stage)?;
        let left = time.0 * self.factors[segment][stage];
        Some(Active { segment, stage, left, demand: bytes.over(Milliseconds(left)).0, rate: 1.0 })
    }

    fn share_memory(&mut self) {
        let demands: Vec<f64> = self.active.iter().map(|active| active.map_or(0.0, |active| active.demand)).collect();
        let shares = max_min_shares(&demands, self.memory.shared.0);
        for (active, (demand, share)) in self.active.iter_mut().zip(demands.into_iter().zip(shares)) {
            if let Some(active) = active {
                active.rate = if demand > 0.0 { share / demand } else { 1.0 };
            }
        }
    }

    fn time_to_next_event(&self) -> Option<f64> {
        let ends = self.active.iter().flatten().map(|active| active.left / active.rate);
        let waits = self.segments.iter().zip(&self.started).filter(|(_, started)| started.is_none());
        let releases = waits.map(|(segment, _)| segment.release.0 - self.now).filter(|&wait| wait > 0.0);
        ends.chain(releases).min_by(f64::total_cmp)
    }

    fn spans(&self) -> Result<Vec<SegmentSpan>, Stuck> {
        let times = self.started.iter().zip(&self.ended);
        let spans: Option<Vec<SegmentSpan>> = times
            .map(|(start, end)| Some(SegmentSpan { start: Milliseconds((*start)?), end: Milliseconds((*end)?) }))
            .collect();
        spans.ok_or_else(|| {
            let waiting = (0..self.ended.len()).filter(|&segment| self.ended[segment].is_none());
            Stuck { segments: waiting.collect() }
        })
    }
}

/// What each streaming lane gets of `capacity`: all that it asks for while it streams alone, else a max-min fair share.
fn max_min_shares(demands: &[f64], capacity: f64) -> Vec<f64> {
    let mut streaming: Vec<usize> = (0..demands.len()).filter(|&lane| demands[lane] > 0.0).collect();
    let mut shares = demands.to_vec();
    if streaming.len() < 2 {
        return shares;
    }
    streaming.sort_by(|&a, &b| demands[a].total_cmp(&demands[b]));
    let mut left = capacity;
    for (position, &lane) in streaming.iter().enumerate() {
        shares[lane] = demands[lane].min(left / (streaming.len() - position) as f64);
        left -= shares[lane];
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEMORY: Memory = Memory { shared: GigabytesPerSecond(100.0) };

    /// A segment of one stage that takes `time` ms and streams at `demand` GB/s.
    fn segment(time: f64, demand: u64, after: &[usize]) -> Segment {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive test figures")]
        let bytes = Bytes((time * 1e6) as u64 * demand);
        let stages = vec![Stage { time: Milliseconds(time), bytes }];
        Segment { after: after.to_vec(), release: Milliseconds(0.0), stages }
    }

    fn ends(segments: &[Segment], lanes: &[Vec<usize>]) -> Vec<f64> {
        simulate(segments, lanes, MEMORY, None).unwrap().iter().map(|span| span.end.0).collect()
    }

    fn check(actual: &[f64], expected: &[f64]) {
        assert_eq!(actual.len(), expected.len());
        for (actual, expected) in actual.iter().zip(expected) {
            assert!((actual - expected).abs() < 1e-9, "{actual} is not {expected}");
        }
    }

    #[test]
    fn a_lane_that_streams_alone_gets_what_it_asks_for() {
        check(&ends(&[segment(2.0, 120, &[])], &[vec![0]]), &[2.0]);
    }

    #[test]
    fn lanes_within_the_capacity_do_not_slow_each_other() {
        check(&ends(&[segment(2.0, 60, &[]), segment(3.0, 40, &[])], &[vec![0], vec![1]]), &[2.0, 3.0]);
    }

    #[test]
    fn beyond_the_capacity_only_the_greedier_lane_slows() {
        check(&ends(&[segment(1.0, 90, &[]), segment(9.0, 40, &[])], &[vec![0], vec![1]]), &[1.5, 9.0]);
    }

    #[test]
    fn equal_lanes_share_equally_until_one_ends() {
        check(&ends(&[segment(1.0, 100, &[]), segment(2.0, 100, &[])], &[vec![0], vec![1]]), &[2.0, 3.0]);
    }

    #[test]
    fn a_segment_waits_for_its_causes_and_its_release() {
        let mut segments = vec![segment(1.0, 0, &[]), segment(1.0, 0, &[0]), segment(0.5, 0, &[])];
        segments[2].release = Milliseconds(4.0);
        let spans = simulate(&segments, &[vec![0], vec![1, 2]], MEMORY, None).unwrap();
        let starts: Vec<f64> = spans.iter().map(|span| span.start.0).collect();
        check(&starts, &[0.0, 1.0, 4.0]);
    }

    #[test]
    fn lanes_that_wait_for_each_other_are_refused() {
        let segments = [segment(1.0, 0, &[1]), segment(1.0, 0, &[0])];
        let stuck = simulate(&segments, &[vec![0], vec![1]], MEMORY, None).unwrap_err();
        assert_eq!(stuck.segments, [0, 1]);
    }

    #[test]
    fn shares_never_pass_the_capacity_or_a_demand() {
        let shares = max_min_shares(&[10.0, 0.0, 80.0, 50.0], 100.0);
        assert_eq!(shares, [10.0, 0.0, 45.0, 45.0]);
    }
}
