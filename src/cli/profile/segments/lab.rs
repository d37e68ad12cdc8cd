//! Runs the parts of one network on every accelerator, each from a log that is kept, so that a killed command goes on.

use std::path::PathBuf;

use anyhow::anyhow;
use indicatif::ProgressBar;

use super::super::arguments::SeriesArguments;
use super::super::characterise::Wanted;
use super::super::measure::{record_log, recorded_log};
use super::{BACKEND, handover};
use crate::artifact::Found;
use crate::backend::onnxruntime::stream::Stream;
use crate::backend::onnxruntime::{OnnxRuntime, measure};
use crate::backend::trtexec::{LoggedDevice, write_log};
use crate::cli::export;
use crate::cli::failure::Failure;
use crate::group::LayerRange;
use crate::network::Network;
use crate::network::onnx::Model;
use crate::platform::{Accelerator, Platform, Provider};
use crate::profile::{Estimate, Handover, SegmentTimes, SegmentedNetwork, demand_that_slows};
use crate::units::{GigabytesPerSecond, Milliseconds};

/// A network with its model, in groups.
pub(super) struct Subject {
    pub(super) network: Found<Network>,
    pub(super) model: Model,
    pub(super) groups: Vec<LayerRange>,
}

impl Subject {
    /// The bytes of the model of consecutive layers.
    pub(super) fn part(&self, layers: LayerRange) -> Result<Vec<u8>, Failure> {
        export::part(&self.network.value, &self.model, layers)
    }

    /// The layers of groups `first..last`.
    pub(super) fn layers(&self, first: usize, last: usize) -> LayerRange {
        LayerRange { first: self.groups[first].first, last: self.groups[last - 1].last }
    }
}

/// A part on an accelerator.
#[derive(Clone, Copy)]
struct Part<'a> {
    subject: &'a Subject,
    accelerator: &'a Accelerator,
    layers: LayerRange,
    /// What reads the memory meanwhile.
    beside: Option<&'a Stream>,
}

/// Where parts are run.
pub(super) struct Lab<'a> {
    pub(super) runtime: &'a OnnxRuntime,
    pub(super) platform: &'a Platform,
    pub(super) arguments: &'a SeriesArguments,
    pub(super) progress: &'a ProgressBar,
}

impl Lab<'_> {
    /// Steps that [`Self::measure`] makes for each repeat.
    pub(super) fn n_steps(platform: &Platform, subject: &Subject, wanted: Wanted) -> usize {
        let (n, n_groups) = (platform.accelerators.len(), subject.groups.len());
        let handovers = if wanted == Wanted::Transitions { n * (n - 1) * handover::at(n_groups).len() } else { 0 };
        n * (2 * n_groups - 1) + if n > 1 { n } else { 0 } + handovers
    }

    /// All that `wanted` needs of a network.
    pub(super) fn measure(&self, subject: &Subject, wanted: Wanted) -> Result<SegmentedNetwork, Failure> {
        let accelerators = || self.platform.accelerators.iter();
        let times = accelerators().map(|accelerator| self.times(subject, accelerator));
        let times: Vec<SegmentTimes> = times.collect::<Result<_, _>>()?;
        let demands = accelerators().zip(&times).map(|(accelerator, times)| self.demand(subject, accelerator, times));
        let demands = demands.collect::<Result<_, _>>()?;
        let mut handovers: Vec<Handover> = Vec::new();
        if wanted == Wanted::Transitions {
            for (from, to) in accelerators().flat_map(|from| accelerators().map(move |to| (from, to))) {
                if from.name != to.name {
                    handovers.extend(handover::measure(self, subject, [from, to], &times)?);
                }
            }
        }
        Ok(SegmentedNetwork { groups: subject.groups.clone(), times, demands, handovers })
    }

    fn times(&self, subject: &Subject, accelerator: &Accelerator) -> Result<SegmentTimes, Failure> {
        let n_groups = subject.groups.len();
        let part = |first, last| Part { subject, accelerator, layers: subject.layers(first, last), beside: None };
        let estimate = |first, last| self.estimate(part(first, last));
        let up_to = (1..=n_groups).map(|last| estimate(0, last)).collect::<Result<_, _>>()?;
        let from = (1..n_groups).map(|first| estimate(first, n_groups)).collect::<Result<_, _>>()?;
        Ok(SegmentTimes { accelerator: accelerator.name.clone(), up_to, from })
    }

    /// What the whole network asks of the memory, as a stream on all other cores shows it.
    fn demand(
        &self,
        subject: &Subject,
        accelerator: &Accelerator,
        times: &SegmentTimes,
    ) -> Result<Option<GigabytesPerSecond>, Failure> {
        let others = || self.platform.accelerators.iter().filter(|other| other.name != accelerator.name);
        let cores: Vec<usize> =
            others().filter_map(|other| other.provider.as_ref()).flat_map(|it| it.cores.clone()).collect();
        let Some(alone) = times.whole().filter(|_| !cores.is_empty()) else { return Ok(None) };
        let stream = Stream { cores, arithmetic: 0 };
        let layers = subject.layers(0, subject.groups.len());
        let beside = self.estimate(Part { subject, accelerator, layers, beside: Some(&stream) })?;
        let external: f64 = others().map(|other| other.roofline.bandwidth.value.0).sum();
        let peak = self.platform.peak_bandwidth.value;
        let external = GigabytesPerSecond(external.min(peak.0));
        Ok(Some(demand_that_slows(&accelerator.contention, alone.value.0 / beside.value.0, external, peak)))
    }

    /// Medians of all repeats of one part.
    fn estimate(&self, part: Part) -> Result<Estimate, Failure> {
        let Part { subject, accelerator, layers, .. } = part;
        let mut model: Option<Vec<u8>> = None;
        let mut medians = Vec::new();
        for repeat in 1..=self.arguments.repeats {
            self.progress.set_message(format!("{} {layers} on {}", subject.network.value.name, accelerator.name));
            let (command, path) = (self.command(part, repeat)?, self.path(part, repeat));
            let log = if let Some(log) = recorded_log(&path, &command) {
                log
            } else {
                let bytes = match model.take() {
                    Some(bytes) => bytes,
                    None => subject.part(layers)?,
                };
                record_log(&path, &command, &self.run(part, &bytes, &command)?)?;
                model = Some(bytes);
                recorded_log(&path, &command)
                    .ok_or_else(|| anyhow!("{}: is not what was written just now", path.display()))?
            };
            let median = log.compute.map(|compute| compute.median.0);
            medians.push(median.ok_or_else(|| anyhow!("{}: holds no compute time", path.display()))?);
            self.progress.inc(1);
        }
        Estimate::of(&medians).ok_or_else(|| anyhow!("`--repeats` is 0").into())
    }

    /// The log of a run of a part, whose model is `bytes`.
    fn run(&self, part: Part, bytes: &[u8], command: &str) -> Result<String, Failure> {
        let Part { subject, accelerator, layers, beside } = part;
        let what = format!("{} {layers}", subject.network.value.name);
        let plan = self.arguments.run_plan_of_models();
        let samples = measure(self.runtime, &what, bytes, provider(accelerator)?, self.arguments.seed, &plan, beside)?;
        let device = LoggedDevice { name: self.platform.title.clone(), compute_capability: None };
        Ok(write_log(&samples, &plan, "haxconn.onnxruntime", Some(&device), command))
    }

    /// What a run depends on, as the log's first line has it.
    fn command(&self, part: Part, repeat: u32) -> Result<String, Failure> {
        let Part { subject, accelerator, layers, beside } = part;
        let plan = self.arguments.run_plan_of_models();
        let Provider { kind, cores, options } = provider(accelerator)?;
        let Milliseconds(warm_up) = plan.warm_up;
        Ok(format!(
            "run --network={} --layers={layers} --provider={} --cores={cores:?} --options={options:?} --onnxruntime={} \
             --iterations={} --warmUp={warm_up} --duration={} --seed={} --repeat={repeat} --beside={:?}",
            subject.network.value.content_hash,
            kind.name(),
            self.runtime.version(),
            plan.iterations,
            plan.duration.0 / 1e3,
            self.arguments.seed,
            beside.map(|stream| &stream.cores),
        ))
    }

    fn path(&self, part: Part, repeat: u32) -> PathBuf {
        let Part { subject, accelerator, layers, beside } = part;
        let folder = self.arguments.out.join("logs").join(BACKEND).join(&self.platform.name).join("fp32");
        let end = if beside.is_some() { "_beside_a_stream" } else { "" };
        let name = format!("{}_{}_layers_{layers}{end}.log", subject.network.value.name, accelerator.name);
        folder.join(format!("run{repeat}")).join(name)
    }
}

/// What executes an accelerator's layers.
pub(super) fn provider(accelerator: &Accelerator) -> Result<&Provider, Failure> {
    let missing = || anyhow!("accelerator `{}` has no `provider` in its platform file", accelerator.name);
    accelerator.provider.as_ref().ok_or_else(|| missing().into())
}
