//! Fits the simulator's cost model to what is published of Xavier, and checks it against a figure that it didn't see.

use super::{NetworkProfile, ProfileError};
use crate::backend::sim::{
    Fit, Memory, Observation, Parameters, Segment, SegmentSpan, Work, calibrate, kernels, simulate, within, work_stages,
};
use crate::group::LayerRange;
use crate::network::Network;
use crate::platform::{Platform, Roofline};
use crate::units::Milliseconds;

/// AlexNet's time by accelerator: sums of the group times in `ismetdagli/HaX-CoNN`, `src/z3_solver_multi_dnn.py`.
/// Unverified: the groups there are inconsistent, so that only their sums are used.
pub const UNVERIFIED_ALEXNET: [(&str, Milliseconds); 2] = [("gpu", Milliseconds(1.79)), ("dla", Milliseconds(4.41))];

/// How much slower GoogleNet on each accelerator is beside GoogleNet on the other, by `ismetdagli/HaX-CoNN`'s README:
/// 3.303 ms instead of 1.96 on the GPU, 4.678 ms instead of 3.66 on the DLA. Never fitted.
pub const PUBLISHED_CO_RUN: [(&str, f64); 2] = [("gpu", 1.69), ("dla", 1.28)];

/// What the calibration rests on.
#[derive(Clone, Copy, Debug)]
pub struct CalibrationSources<'a> {
    /// Network of the published profile.
    pub googlenet: &'a Network,
    /// The published profile.
    pub googlenet_profile: &'a NetworkProfile,
    /// Network of [`UNVERIFIED_ALEXNET`].
    pub alexnet: &'a Network,
}

/// The calibrated cost model of one accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct AcceleratorFit {
    /// Name of the accelerator.
    pub accelerator: String,
    /// Parameters and errors.
    pub fit: Fit,
}

/// One side of two copies of a network that run beside each other, each on its own accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct CoRun {
    /// The accelerator.
    pub accelerator: String,
    /// Time alone.
    pub alone: Milliseconds,
    /// Time beside the other.
    pub together: Milliseconds,
}

impl CoRun {
    /// How many times longer it takes together.
    pub fn factor(&self) -> f64 {
        self.together.0 / self.alone.0
    }
}

/// Fits every accelerator that has published times to them. The tail that only the GPU runs is left out.
pub fn calibrate_platform(
    platform: &Platform,
    sources: CalibrationSources<'_>,
) -> Result<Vec<AcceleratorFit>, ProfileError> {
    UNVERIFIED_ALEXNET
        .iter()
        .map(|&(name, alexnet_time)| {
            let accelerator = position(platform, name)?;
            let mut observations = googlenet_observations(platform, sources, accelerator);
            observations.push(alexnet_observation(platform, sources.alexnet, accelerator, alexnet_time));
            let fit = calibrate(&observations)
                .map_err(|source| ProfileError::Calibration { accelerator: name.to_owned(), source })?;
            Ok(AcceleratorFit { accelerator: name.to_owned(), fit })
        })
        .collect()
}

fn googlenet_observations(platform: &Platform, sources: CalibrationSources, accelerator: usize) -> Vec<Observation> {
    let kernels = kernels(sources.googlenet, platform, accelerator);
    let name = &platform.accelerators[accelerator].name;
    let everywhere = |costs: usize| platform.accelerators.len() == costs;
    let groups = sources.googlenet_profile.groups.iter().filter(|group| everywhere(group.costs.len()));
    groups
        .filter_map(|group| {
            let cost = group.costs.get(name)?;
            Some(Observation {
                label: format!("GoogleNet {}", group.layers),
                work: Work::of(within(&kernels, group.layers)),
                time: cost.time.value,
            })
        })
        .collect()
}

/// All of AlexNet but its softmax, which ends it.
fn alexnet_observation(platform: &Platform, alexnet: &Network, accelerator: usize, time: Milliseconds) -> Observation {
    let body = LayerRange { first: 0, last: alexnet.layers.len().saturating_sub(1) };
    let kernels = kernels(alexnet, platform, accelerator);
    Observation { label: format!("AlexNet {body} (unverified)"), work: Work::of(within(&kernels, body)), time }
}

/// Runs `network` on the first two accelerators of `profile` at once, once each, in the simulator without noise; what
/// an accelerator can't run is left out.
pub fn co_run(
    platform: &Platform,
    network: &Network,
    profile: &NetworkProfile,
    accelerators: [&str; 2],
) -> Result<Vec<CoRun>, ProfileError> {
    let mut segments = Vec::new();
    for name in accelerators {
        segments.push(whole_network(platform, network, profile, position(platform, name)?));
    }
    let together = spans(&segments, &[vec![0], vec![1]], Memory::of(platform));
    let one_by_one = spans(&segments, &[vec![0, 1]], Memory::of(platform));
    Ok(accelerators
        .iter()
        .zip(one_by_one.iter().zip(together))
        .map(|(name, (alone, together))| CoRun {
            accelerator: (*name).to_owned(),
            alone: Milliseconds(alone.end.0 - alone.start.0),
            together: Milliseconds(together.end.0 - together.start.0),
        })
        .collect())
}

fn spans(segments: &[Segment], lanes: &[Vec<usize>], memory: Memory) -> Vec<SegmentSpan> {
    simulate(segments, lanes, memory, None).expect("segments without causes never wait for each other")
}

fn whole_network(platform: &Platform, network: &Network, profile: &NetworkProfile, accelerator: usize) -> Segment {
    let kernels = kernels(network, platform, accelerator);
    let roofline = &platform.accelerators[accelerator].roofline;
    let name = &platform.accelerators[accelerator].name;
    let stages = profile.groups.iter().filter_map(|group| Some((group, group.costs.get(name)?)));
    let stages = stages.flat_map(|(group, cost)| {
        work_stages(within(&kernels, group.layers), roofline, cost.time.value, platform.peak_bandwidth.value)
    });
    Segment { after: Vec::new(), release: Milliseconds(0.0), stages: stages.collect() }
}

/// Position of the accelerator that figures are of.
pub(super) fn position(platform: &Platform, accelerator: &str) -> Result<usize, ProfileError> {
    platform.accelerator_index(accelerator).ok_or_else(|| ProfileError::NoAccelerator {
        platform: platform.name.clone(),
        accelerator: accelerator.to_owned(),
    })
}

impl AcceleratorFit {
    /// Largest relative distance between the fitted parameters and those of `roofline`.
    pub fn distance(&self, roofline: &Roofline) -> f64 {
        let Parameters { compute_gmacs, bandwidth, overhead } = self.fit.parameters;
        let pairs = [
            (compute_gmacs, roofline.compute_gmacs.value),
            (bandwidth.0, roofline.bandwidth.value.0),
            (overhead.0, roofline.overhead.value.0),
        ];
        pairs.iter().map(|(fitted, stated)| (stated / fitted - 1.0).abs()).fold(0.0, f64::max)
    }
}
