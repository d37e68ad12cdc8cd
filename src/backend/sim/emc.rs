//! What `tegrastats` would print while the simulated board runs one engine over and over: the bytes that its kernels
//! stream within each interval, as a share of the memory's peak.

use super::noise::Noise;
use super::plan::{PlannedKernel, SimulatedEngine};
use crate::backend::tegrastats::{Emc, Sample, write_line};
use crate::platform::Platform;
use crate::units::{Megahertz, Milliseconds, Percent};

/// Use of the memory in each whole `interval` of a loop over `engine` that lasts `duration`, with the end of the interval.
/// Each kernel streams its bytes at its accelerator's rate, then computes; `seed` scatters their times by a percent.
///
/// Empty where the engine takes no time, or no interval is whole.
pub fn emc_samples(
    engine: &SimulatedEngine,
    platform: &Platform,
    duration: Milliseconds,
    interval: Milliseconds,
    seed: u64,
) -> Vec<(Milliseconds, Percent)> {
    let kernels: Vec<Streaming> = engine.kernels.iter().map(|kernel| streaming(kernel, platform)).collect();
    let takes_time = kernels.iter().map(|kernel| kernel.time).sum::<f64>() > 0.0;
    if !takes_time || interval.0 <= 0.0 {
        return Vec::new();
    }
    let mut traffic = Traffic { interval: interval.0, bytes: vec![0.0; n_intervals(duration, interval)] };
    let mut noise = Noise::new(seed);
    let (mut now, end) = (0.0, interval.0 * traffic.bytes.len() as f64);
    while now < end {
        for kernel in &kernels {
            let factor = noise.factor();
            traffic.add(now, factor * kernel.streams, kernel.bytes);
            now += factor * kernel.time;
        }
    }
    let whole = platform.peak_bandwidth.value.0 * 1e6 * interval.0;
    let sample =
        |(idx, bytes): (usize, f64)| (Milliseconds(interval.0 * (idx + 1) as f64), Percent(100.0 * bytes / whole));
    traffic.bytes.into_iter().enumerate().map(sample).collect()
}

/// `samples` of [`emc_samples`] as lines of `tegrastats` with the moments of their arrival, the memory running at `clock`.
/// Their percentages are whole, as its are.
pub fn emc_log(samples: &[(Milliseconds, Percent)], clock: Megahertz) -> String {
    let line = |&(at, percent): &(Milliseconds, Percent)| {
        let emc = Emc { utilization: Some(percent), clock: Some(clock) };
        write_line(&Sample { arrival: Some(at), emc, ..Sample::default() }) + "\n"
    };
    samples.iter().map(line).collect()
}

/// A kernel as the memory sees it, alone; times in milliseconds.
struct Streaming {
    bytes: f64,
    streams: f64,
    time: f64,
}

fn streaming(kernel: &PlannedKernel, platform: &Platform) -> Streaming {
    let bytes = kernel.bytes.0 as f64;
    let rate = platform.first_of(kernel.device.into()).map(|one| one.roofline.bandwidth.value.0);
    let rate = rate.unwrap_or(f64::INFINITY).min(platform.peak_bandwidth.value.0);
    Streaming { bytes, streams: (bytes / (rate * 1e6)).min(kernel.time.0), time: kernel.time.0 }
}

/// The whole intervals in `duration`, as far as their number is one that a recording can have.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped on both sides")]
fn n_intervals(duration: Milliseconds, interval: Milliseconds) -> usize {
    ((duration.0 / interval.0 + 1e-9).floor().clamp(0.0, 1e7)) as usize
}

/// Bytes in each interval.
struct Traffic {
    interval: f64,
    bytes: Vec<f64>,
}

impl Traffic {
    /// Spreads `bytes` evenly over `time` from `start` on.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times aren't negative")]
    fn add(&mut self, start: f64, time: f64, bytes: f64) {
        let end = start + time;
        let first = (start / self.interval) as usize;
        for (idx, sum) in self.bytes.iter_mut().enumerate().skip(first) {
            let (from, to) = (self.interval * idx as f64, self.interval * (idx + 1) as f64);
            if from >= end {
                break;
            }
            let overlap = (end.min(to) - start.max(from)).max(0.0);
            *sum += if time > 0.0 { bytes * overlap / time } else { 0.0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::builtin;
    use crate::backend::sim::plan;
    use crate::backend::tegrastats::read;
    use crate::engine::{Device, EngineSpec, Variant};
    use crate::network::{CONVOLUTIONS, caffe};

    fn engine(name: &str, start: Device, platform: &Platform) -> SimulatedEngine {
        let entry = CONVOLUTIONS.iter().find(|entry| entry.name == name).unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        let spec = EngineSpec { network: name.to_owned(), start, variant: Variant::Transition(None), dla_core: 0 };
        plan(&network, platform, &spec).unwrap()
    }

    fn mean_use(name: &str, start: Device) -> (f64, f64) {
        let platform = builtin::platform("xavier_agx").unwrap();
        let engine = engine(name, start, &platform);
        let samples = emc_samples(&engine, &platform, Milliseconds(200.0), Milliseconds(10.0), 1);
        assert_eq!((samples.len(), samples[19].0), (20, Milliseconds(200.0)));
        let bytes: u64 = engine.kernels.iter().map(|kernel| kernel.bytes.0).sum();
        let time: f64 = engine.kernels.iter().map(|kernel| kernel.time.0).sum();
        let expected = 100.0 * bytes as f64 / (time * 1e6) / platform.peak_bandwidth.value.0;
        (samples.iter().map(|(_, percent)| percent.0).sum::<f64>() / 20.0, expected)
    }

    #[test]
    fn the_mean_is_that_of_the_kernels_bytes_over_their_time() {
        for (name, device) in
            [("conv1_kernel1", Device::Gpu), ("conv5_kernel5", Device::Gpu), ("conv3_kernel2", Device::Dla)]
        {
            let (mean, expected) = mean_use(name, device);
            assert!((mean / expected - 1.0).abs() < 0.01, "{name}: {mean} instead of {expected}");
        }
    }

    #[test]
    fn larger_inputs_and_smaller_kernels_use_more() {
        let used = |name| mean_use(name, Device::Gpu).0;
        assert!(used("conv1_kernel1") > used("conv1_kernel5"));
        assert!(used("conv1_kernel1") > used("conv5_kernel1"));
        assert!(used("conv1_kernel3") > mean_use("conv1_kernel3", Device::Dla).0);
    }

    #[test]
    fn the_log_is_read_back_to_whole_percents_and_the_same_for_the_same_seed() {
        let platform = builtin::platform("xavier_agx").unwrap();
        let engine = engine("conv2_kernel3", Device::Gpu, &platform);
        let samples = |seed| emc_samples(&engine, &platform, Milliseconds(100.0), Milliseconds(1.0), seed);
        let read = read(&emc_log(&samples(3), Megahertz(2133))).unwrap();
        for (line, (at, percent)) in read.iter().zip(samples(3)) {
            assert_eq!(line.arrival, Some(at));
            assert!((line.emc.utilization.unwrap().0 - percent.0).abs() <= 0.5);
        }
        assert_eq!((read.len(), read[0].emc.clock), (100, Some(Megahertz(2133))));
        assert_ne!(samples(3), samples(4));
    }

    #[test]
    fn nothing_streams_where_nothing_runs() {
        let platform = builtin::platform("xavier_agx").unwrap();
        let mut engine = engine("conv2_kernel3", Device::Gpu, &platform);
        assert_eq!(emc_samples(&engine, &platform, Milliseconds(0.5), Milliseconds(1.0), 1), []);
        assert_eq!(emc_samples(&engine, &platform, Milliseconds(5.0), Milliseconds(0.0), 1), []);
        engine.kernels.clear();
        assert_eq!(emc_samples(&engine, &platform, Milliseconds(5.0), Milliseconds(1.0), 1), []);
    }
}
