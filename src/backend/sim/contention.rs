//! How the simulated board slows one accelerator while another stream uses the memory: a grid of its own demand and the
//! external one, as a measurement on a board would give it.

use super::board::{Memory, Segment, Stage, simulate};
use crate::platform::{ContentionGrid, GridError, Platform};
use crate::units::{Bytes, Milliseconds};

/// How long the observed kernel streams alone. Bytes are whole, so this bounds the rounding of a demand to 10^-7 GB/s.
const ALONE: Milliseconds = Milliseconds(10.0);

/// Runs a streaming kernel on `accelerator` (a position in the platform) beside another stream, at `points` own demands
/// up to its roofline's bandwidth and `points` external ones from 0 up to what the others' bandwidths sum to, both evenly
/// spaced; nobody asks for more than the memory's peak.
pub fn contention_grid(platform: &Platform, accelerator: usize, points: usize) -> Result<ContentionGrid, GridError> {
    let peak = platform.peak_bandwidth.value.0;
    let bandwidth = |idx: usize| platform.accelerators[idx].roofline.bandwidth.value.0;
    let others = (0..platform.accelerators.len()).filter(|&idx| idx != accelerator);
    let own = spaced(bandwidth(accelerator).min(peak), 1, points);
    let external = spaced(others.map(bandwidth).sum::<f64>().min(peak), 0, points);
    let memory = Memory::of(platform);
    let row = |&own: &f64| external.iter().map(|&external| own * relative_speed(own, external, memory)).collect();
    let achieved = own.iter().map(row).collect();
    ContentionGrid::new(own, external, achieved)
}

/// `points` demands in steps of whole MB/s that end at `largest` and begin at 0 or, with `skipped` 1, one step above.
fn spaced(largest: f64, skipped: usize, points: usize) -> Vec<f64> {
    let last = (points + skipped).saturating_sub(1).max(1);
    let demand = |step: usize| (1e3 * largest * step as f64 / last as f64).round() / 1e3;
    (skipped..points + skipped).map(demand).collect()
}

/// Time alone over time beside the other stream, which is still there when the observed kernel ends.
fn relative_speed(own: f64, external: f64, memory: Memory) -> f64 {
    let longest = Milliseconds(ALONE.0 * (1.0 + 2.0 * own / memory.shared.0));
    let observed = stream(own, ALONE);
    let alone = observed_time(std::slice::from_ref(&observed), memory);
    let beside = observed_time(&[observed, stream(external, longest)], memory);
    alone / beside
}

/// A kernel that streams at `demand` for `time` where nobody disturbs it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a demand is not negative and below a peak"
)]
fn stream(demand: f64, time: Milliseconds) -> Segment {
    let bytes = Bytes((demand * time.0 * 1e6).round() as u64);
    Segment { after: Vec::new(), release: Milliseconds(0.0), stages: vec![Stage { time, bytes }] }
}

/// How long the first of `segments` takes, each on a lane of its own.
fn observed_time(segments: &[Segment], memory: Memory) -> f64 {
    let lanes: Vec<Vec<usize>> = (0..segments.len()).map(|segment| vec![segment]).collect();
    let spans = simulate(segments, &lanes, memory, None).expect("segments without causes never wait for each other");
    spans[0].end.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::GigabytesPerSecond;

    const MEMORY: Memory = Memory { shared: GigabytesPerSecond(100.0) };

    #[test]
    fn a_stream_slows_by_what_it_lacks_of_its_fair_share() {
        let check = |own, external, speed: f64| {
            let found = relative_speed(own, external, MEMORY);
            assert!((found - speed).abs() < 1e-6, "{found} instead of {speed} at {own} beside {external}");
        };
        check(90.0, 0.0, 1.0);
        check(60.0, 40.0, 1.0);
        check(90.0, 30.0, 70.0 / 90.0);
        check(40.0, 130.0, 1.0);
        check(130.0, 130.0, 50.0 / 130.0);
    }

    #[test]
    fn demands_are_evenly_spaced_up_to_the_largest() {
        assert_eq!(spaced(90.0, 1, 3), [30.0, 60.0, 90.0]);
        assert_eq!(spaced(90.0, 0, 3), [0.0, 45.0, 90.0]);
    }
}
