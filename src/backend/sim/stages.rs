//! From a group's kernels and its standalone time to what the simulated board runs: per kernel, the bytes that it
//! streams, then the rest of its time.

use super::board::Stage;
use super::kernel::{Kernel, Work};
use crate::platform::Roofline;
use crate::units::{Bytes, GigabytesPerSecond, Milliseconds};

/// The stages of a group that takes `time` alone: `time` is spread over `kernels` in the proportions of the cost model,
/// and each kernel streams its bytes first. Nothing streams faster than `peak`, unless all of `time` is too short for it.
pub fn work_stages<'a>(
    kernels: impl IntoIterator<Item = &'a Kernel>,
    roofline: &Roofline,
    time: Milliseconds,
    peak: GigabytesPerSecond,
) -> Vec<Stage> {
    let kernels: Vec<&Kernel> = kernels.into_iter().collect();
    let modelled = Work::of(kernels.iter().copied()).time(roofline);
    if modelled.0 <= 0.0 {
        return vec![Stage { time, bytes: Bytes(0) }];
    }
    let scale = time.0 / modelled.0;
    kernels.into_iter().flat_map(|kernel| kernel_stages(kernel, roofline, scale, peak)).collect()
}

fn kernel_stages(kernel: &Kernel, roofline: &Roofline, scale: f64, peak: GigabytesPerSecond) -> [Stage; 2] {
    let whole = scale * Work::of([kernel]).time(roofline).0;
    let gigabytes = kernel.bytes.0 as f64 / 1e9;
    let at_model = scale * gigabytes / roofline.bandwidth.value.0 * 1e3;
    let streaming = at_model.max(gigabytes / peak.0 * 1e3).min(whole);
    [
        Stage { time: Milliseconds(streaming), bytes: kernel.bytes },
        Stage { time: Milliseconds(whole - streaming), bytes: Bytes(0) },
    ]
}

/// A change of accelerator that takes `time` alone: the crossing tensor is read and written once.
pub fn transition_stage(time: Milliseconds, crossing: Bytes) -> Stage {
    Stage { time, bytes: Bytes(2 * crossing.0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::{Provenance, Sourced};

    fn roofline() -> Roofline {
        fn sourced<T>(value: T) -> Sourced<T> {
            Sourced { value, provenance: Provenance::Assumed, source: "a test".to_owned() }
        }
        Roofline {
            compute_gmacs: sourced(1000.0),
            bandwidth: sourced(GigabytesPerSecond(50.0)),
            overhead: sourced(Milliseconds(0.01)),
        }
    }

    fn kernels() -> [Kernel; 2] {
        [
            Kernel { layers: vec![0], macs: 90_000_000, bytes: Bytes(5_000_000) },
            Kernel { layers: vec![1], macs: 0, bytes: Bytes(1_000_000) },
        ]
    }

    fn sum(stages: &[Stage]) -> f64 {
        stages.iter().map(|stage| stage.time.0).sum()
    }

    #[test]
    fn a_group_keeps_its_time_and_its_bytes() {
        let stages = work_stages(&kernels(), &roofline(), Milliseconds(0.46), GigabytesPerSecond(100.0));
        assert!((sum(&stages) - 0.46).abs() < 1e-12);
        assert_eq!(stages.iter().map(|stage| stage.bytes).sum::<Bytes>(), Bytes(6_000_000));
        // Twice the model's 0.20 + 0.03 ms; half the model's throughput.
        assert!((stages[0].time.0 - 0.2).abs() < 1e-12 && (stages[1].time.0 - 0.2).abs() < 1e-12, "{stages:?}");
    }

    #[test]
    fn nothing_streams_faster_than_the_peak() {
        let stages = work_stages(&kernels(), &roofline(), Milliseconds(0.115), GigabytesPerSecond(70.0));
        assert!((sum(&stages) - 0.115).abs() < 1e-12);
        assert!(stages.iter().all(|stage| stage.bytes.over(stage.time).0 <= 70.0 + 1e-9 || stage.bytes.0 == 0));
    }

    #[test]
    fn a_group_without_kernels_only_waits() {
        let stages = work_stages(&[], &roofline(), Milliseconds(0.1), GigabytesPerSecond(60.0));
        assert_eq!(stages, [Stage { time: Milliseconds(0.1), bytes: Bytes(0) }]);
    }

    #[test]
    fn a_transition_moves_its_tensor_twice() {
        assert_eq!(transition_stage(Milliseconds(0.1), Bytes(7)).bytes, Bytes(14));
    }
}
