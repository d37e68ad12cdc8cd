//! Runs the parts of one network on every accelerator, each from a log that is kept, so that a killed command goes on.

use std::collections::{BTreeMap, BTreeSet};
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
use crate::backend::trtexec::{Log, LoggedDevice, write_log};
use crate::cli::failure::Failure;
use crate::cli::{export, onnxruntime};
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

/// Consecutive groups of a network on an accelerator, by their numbers. In this order they are measured: what is compared
/// follows on one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    first: usize,
    /// One past the last.
    last: usize,
    accelerator: usize,
    /// Whether a stream reads the memory meanwhile, on the cores of all other accelerators.
    beside: bool,
}

/// The median of every repeat of every part.
type Medians = BTreeMap<Part, Vec<f64>>;

/// Where parts are run.
pub(super) struct Lab<'a> {
    pub(super) runtime: &'a OnnxRuntime,
    pub(super) platform: &'a Platform,
    pub(super) arguments: &'a SeriesArguments,
    pub(super) progress: &'a ProgressBar,
}

impl Lab<'_> {
    /// Steps that [`Self::measure`] makes for each repeat.
    pub(super) fn n_steps(&self, subject: &Subject, wanted: Wanted) -> usize {
        let n = self.platform.accelerators.len();
        let handovers =
            if wanted == Wanted::Transitions { n * (n - 1) * handover::at(subject.groups.len()).len() } else { 0 };
        self.parts(subject).len() + handovers
    }

    /// All that `wanted` needs of each network. All of it is measured once before any of it is measured again, so that a
    /// machine whose speed drifts drifts as much under the one part as under the other.
    pub(super) fn measure(&self, subjects: &[Subject], wanted: Wanted) -> Result<Vec<SegmentedNetwork>, Failure> {
        let mut medians = vec![Medians::new(); subjects.len()];
        let mut handovers = vec![Vec::new(); subjects.len()];
        for repeat in 1..=self.arguments.repeats {
            for (idx, subject) in subjects.iter().enumerate() {
                self.repeat(subject, repeat, &mut medians[idx])?;
                if wanted == Wanted::Transitions {
                    handovers[idx].push(handover::measure(self, subject)?);
                }
            }
        }
        let measured = subjects.iter().zip(&medians).zip(&handovers);
        Ok(measured.map(|((subject, medians), handovers)| self.segmented(subject, medians, handovers)).collect())
    }

    /// Every part of a network, in order.
    fn parts(&self, subject: &Subject) -> BTreeSet<Part> {
        let (n_accelerators, n_groups) = (self.platform.accelerators.len(), subject.groups.len());
        let ranges = (1..=n_groups).map(|last| (0, last)).chain((1..n_groups).map(|first| (first, n_groups)));
        let parts = ranges.flat_map(|(first, last)| {
            (0..n_accelerators).map(move |accelerator| Part { first, last, accelerator, beside: false })
        });
        let streamed = (0..n_accelerators).filter(|&accelerator| self.stream_beside(accelerator).is_some());
        let streamed = streamed.map(|accelerator| Part { first: 0, last: n_groups, accelerator, beside: true });
        parts.chain(streamed).collect()
    }

    /// Runs every part of a network once, unless there is a log of that.
    fn repeat(&self, subject: &Subject, repeat: u32, medians: &mut Medians) -> Result<(), Failure> {
        let mut cut: Option<(LayerRange, Vec<u8>)> = None;
        for part in self.parts(subject) {
            let layers = subject.layers(part.first, part.last);
            let accelerator = &self.platform.accelerators[part.accelerator];
            self.progress.set_message(format!("{} {layers} on {}", subject.network.value.name, accelerator.name));
            let run = Run { subject, accelerator, layers, repeat, beside: self.stream_of(part) };
            let log = if let Some(log) = self.recorded(&run)? {
                log
            } else {
                let (_, bytes) = match cut.take().filter(|(is, _)| *is == layers) {
                    Some(cut) => cut,
                    None => (layers, subject.part(layers)?),
                };
                self.record(&run, &bytes)?;
                cut = Some((layers, bytes));
                self.recorded(&run)?
                    .ok_or_else(|| anyhow!("{}: is not what was written just now", self.path(&run).display()))?
            };
            let median = log.compute.map(|compute| compute.median.0);
            let median = median.ok_or_else(|| anyhow!("{}: holds no compute time", self.path(&run).display()))?;
            medians.entry(part).or_default().push(median);
            self.progress.inc(1);
        }
        Ok(())
    }

    fn segmented(&self, subject: &Subject, medians: &Medians, handovers: &[Vec<Handover>]) -> SegmentedNetwork {
        let n_groups = subject.groups.len();
        let accelerators = || self.platform.accelerators.iter().enumerate();
        let estimate = |first: usize, last: usize, accelerator: usize| {
            let part = Part { first, last, accelerator, beside: false };
            medians.get(&part).and_then(|repeats| Estimate::of(repeats))
        };
        let times = accelerators().map(|(idx, accelerator)| SegmentTimes {
            accelerator: accelerator.name.clone(),
            up_to: (1..=n_groups).filter_map(|last| estimate(0, last, idx)).collect(),
            from: (1..n_groups).filter_map(|first| estimate(first, n_groups, idx)).collect(),
        });
        SegmentedNetwork {
            groups: subject.groups.clone(),
            times: times.collect(),
            demands: accelerators().map(|(idx, _)| self.demand(n_groups, idx, medians)).collect(),
            handovers: handover::medians(handovers),
        }
    }

    /// What the whole network asks of the memory, as a stream on all other cores shows it: by the median of how much slower it
    /// was in each repeat.
    fn demand(&self, n_groups: usize, accelerator: usize, medians: &Medians) -> Option<GigabytesPerSecond> {
        let whole = |beside: bool| medians.get(&Part { first: 0, last: n_groups, accelerator, beside });
        let mut speeds: Vec<f64> =
            whole(false)?.iter().zip(whole(true)?).map(|(alone, beside)| alone / beside).collect();
        speeds.sort_by(f64::total_cmp);
        let speed = *speeds.get(speeds.len() / 2)?;
        let others = self.platform.accelerators.iter().enumerate().filter(|(idx, _)| *idx != accelerator);
        let external: f64 = others.map(|(_, other)| other.roofline.bandwidth.value.0).sum();
        let peak = self.platform.peak_bandwidth.value;
        let external = GigabytesPerSecond(external.min(peak.0));
        Some(demand_that_slows(&self.platform.accelerators[accelerator].contention, speed, external, peak))
    }

    /// A stream on the cores of all accelerators but one; `None` where they have none.
    fn stream_beside(&self, accelerator: usize) -> Option<Stream> {
        let others = self.platform.accelerators.iter().enumerate().filter(|(idx, _)| *idx != accelerator);
        let providers = others.filter_map(|(_, other)| other.provider.as_ref());
        let cores: Vec<usize> = providers.flat_map(|it| it.cores.clone()).collect();
        (!cores.is_empty()).then_some(Stream { cores, arithmetic: 0 })
    }

    fn stream_of(&self, part: Part) -> Option<Stream> {
        if part.beside { self.stream_beside(part.accelerator) } else { None }
    }

    fn recorded(&self, run: &Run) -> Result<Option<Log>, Failure> {
        Ok(recorded_log(&self.path(run), &self.command(run)?))
    }

    fn record(&self, run: &Run, bytes: &[u8]) -> Result<(), Failure> {
        let command = self.command(run)?;
        record_log(&self.path(run), &command, &self.run(run, bytes, &command)?)
    }

    /// The log of a run whose model is `bytes`.
    fn run(&self, run: &Run, bytes: &[u8], command: &str) -> Result<String, Failure> {
        let Run { subject, accelerator, layers, beside, .. } = run;
        let what = format!("{} {layers}", subject.network.value.name);
        let plan = self.arguments.run_plan_of_models();
        let samples = measure(
            self.runtime,
            &what,
            bytes,
            onnxruntime::provider(accelerator)?,
            self.arguments.seed,
            &plan,
            beside.as_ref(),
        )?;
        let device = LoggedDevice { name: self.platform.title.clone(), compute_capability: None };
        Ok(write_log(&samples, &plan, "haxconn.onnxruntime", Some(&device), command))
    }

    /// What a run depends on, as the log's first line has it.
    fn command(&self, run: &Run) -> Result<String, Failure> {
        let Run { subject, accelerator, layers, repeat, beside } = run;
        let plan = self.arguments.run_plan_of_models();
        let Provider { kind, cores, options } = onnxruntime::provider(accelerator)?;
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
            beside.as_ref().map(|stream| &stream.cores),
        ))
    }

    fn path(&self, run: &Run) -> PathBuf {
        let Run { subject, accelerator, layers, repeat, beside } = run;
        let folder = self.arguments.out.join("logs").join(BACKEND).join(&self.platform.name).join("fp32");
        let end = if beside.is_some() { "_beside_a_stream" } else { "" };
        let name = format!("{}_{}_layers_{layers}{end}.log", subject.network.value.name, accelerator.name);
        folder.join(format!("run{repeat}")).join(name)
    }
}

/// One run of a part, to be recorded.
struct Run<'a> {
    subject: &'a Subject,
    accelerator: &'a Accelerator,
    layers: LayerRange,
    repeat: u32,
    beside: Option<Stream>,
}
