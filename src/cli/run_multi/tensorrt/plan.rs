//! Which engines a policy runs, on which lanes, and what they hand to each other: from schedule and networks alone, before
//! anything is built or a device is looked for.

use crate::backend::tensorrt::{SegmentTensors, segment_tensors};
use crate::engine::{Device, EngineSpec, Variant};
use crate::group::LayerRange;
use crate::network::Network;
use crate::platform::{AcceleratorKind, Platform};
use crate::problem::{Machine, Problem};
use crate::run::executor::{Work, whole_work, works};
use crate::run::{RunError, Segment, lanes, segments, starts_of_whole_networks, whole_networks};
use crate::schedule::Decision;
use crate::units::Nanoseconds;

/// An accelerator as engines know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) device: Device,
    /// 0 on the GPU.
    pub(super) dla_core: u32,
}

/// An engine that is run as one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EnginePlan {
    pub(super) task: usize,
    pub(super) spec: EngineSpec,
    pub(super) tensors: SegmentTensors,
}

/// A lane, before its engines are loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LanePlan {
    pub(super) name: String,
    /// What it runs, in order.
    pub(super) order: Vec<usize>,
}

/// What an executor is to run, with the engine of each of its pieces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProgramPlan {
    pub(super) works: Vec<Work>,
    pub(super) engines: Vec<EnginePlan>,
    pub(super) lanes: Vec<LanePlan>,
}

/// Why TensorRT can't run something.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlanError {
    #[error("accelerator `{name}` of platform `{platform}` is a {kind}: TensorRT runs on a GPU and its DLAs")]
    OtherKind { name: String, platform: String, kind: &'static str },
    #[error("accelerator `{name}` of platform `{platform}` is a second GPU: TensorRT runs on the first one only")]
    SecondGpu { name: String, platform: String },
    #[error("platform `{platform}` has no accelerator `{name}`")]
    NotThere { name: String, platform: String },
    #[error("task `{task}` uses two DLA cores, and one engine has one")]
    TwoCores { task: String },
    #[error(transparent)]
    NotWhole(#[from] RunError),
}

/// What each of the problem's accelerators is to TensorRT: the GPU, or a DLA core by its position among the platform's.
pub(super) fn places(platform: &Platform, machines: &[Machine]) -> Result<Vec<Place>, PlanError> {
    let place = |machine: &Machine| {
        let [name, platform_name] = [&machine.name, &platform.name].map(Clone::clone);
        let Some(idx) = platform.accelerator_index(&machine.name) else {
            return Err(PlanError::NotThere { name, platform: platform_name });
        };
        let kind = platform.accelerators[idx].kind;
        let n_before = platform.accelerators[..idx].iter().filter(|it| it.kind == kind).count();
        match kind {
            AcceleratorKind::Gpu if n_before == 0 => Ok(Place { device: Device::Gpu, dla_core: 0 }),
            AcceleratorKind::Gpu => Err(PlanError::SecondGpu { name, platform: platform_name }),
            AcceleratorKind::Dla => {
                Ok(Place { device: Device::Dla, dla_core: u32::try_from(n_before).unwrap_or(u32::MAX) })
            }
            AcceleratorKind::Cpu | AcceleratorKind::Npu => {
                Err(PlanError::OtherKind { name, platform: platform_name, kind: kind.name() })
            }
        }
    };
    machines.iter().map(place).collect()
}

/// The networks of a run, and where its accelerators are.
#[derive(Clone, Copy)]
pub(super) struct Planner<'a> {
    pub(super) problem: &'a Problem,
    /// One for each task.
    pub(super) networks: &'a [&'a Network],
    /// One for each accelerator of the problem.
    pub(super) places: &'a [Place],
}

impl Planner<'_> {
    /// An engine for every segment of `decision`, a lane for every accelerator that it uses.
    pub(super) fn segments(&self, decision: &Decision) -> ProgramPlan {
        let segments = segments(decision);
        let works = works(self.problem, &segments);
        let engine = |(segment, work): (&Segment, &Work)| {
            let Place { device, dla_core } = self.places[segment.machine];
            let whole = work.layers == self.all_layers(segment.task);
            let variant = if whole { Variant::Transition(None) } else { Variant::Segment(work.layers) };
            self.engine(segment.task, device, variant, dla_core)
        };
        let engines = segments.iter().zip(&works).map(engine).collect();
        let names = self.problem.machines.iter().map(|machine| machine.name.clone());
        let lanes = names.zip(lanes(decision, &segments)).filter(|(_, order)| !order.is_empty());
        let lanes = lanes.map(|(name, order)| LanePlan { name, order }).collect();
        ProgramPlan { works, engines, lanes }
    }

    /// An engine for every network, with its change of accelerator inside, each on a lane of its own: the accelerators have no
    /// owner then.
    pub(super) fn whole(&self, decision: &Decision) -> Result<ProgramPlan, PlanError> {
        let starts = starts_of_whole_networks(self.problem, decision)?;
        let whole = whole_networks(decision);
        let mut works = works(self.problem, &whole);
        for (work, tasks) in works.iter_mut().zip(&starts) {
            let further: Vec<usize> = tasks.iter().filter(|task| !work.after.contains(task)).copied().collect();
            work.after.extend(further);
        }
        let engines = (0..whole.len()).map(|task| self.transition_engine(task, &decision.placement[task]));
        let lane = |task: usize| {
            let mut used: Vec<&str> = Vec::new();
            for &machine in &decision.placement[task] {
                let name = self.problem.machines[machine].name.as_str();
                if !used.contains(&name) {
                    used.push(name);
                }
            }
            LanePlan { name: used.join("+"), order: vec![task] }
        };
        let lanes = (0..whole.len()).map(lane).collect();
        Ok(ProgramPlan { works, engines: engines.collect::<Result<_, _>>()?, lanes })
    }

    /// The engine of a whole network that changes its accelerator as `placement` says. A tail that falls back to the GPU does
    /// so by itself.
    fn transition_engine(&self, task: usize, placement: &[usize]) -> Result<EnginePlan, PlanError> {
        let on = |group: usize| self.places[placement[group]];
        let groups = &self.problem.tasks[task].groups;
        let changes = (1..groups.len()).find(|&group| placement[group] != placement[group - 1] && !groups[group].tail);
        let mut cores: Vec<u32> =
            (0..groups.len()).map(on).filter(|it| it.device == Device::Dla).map(|it| it.dla_core).collect();
        cores.dedup();
        if cores.len() > 1 {
            return Err(PlanError::TwoCores { task: self.problem.tasks[task].name.clone() });
        }
        let variant = Variant::Transition(changes.map(|group| groups[group].layers.first));
        Ok(self.engine(task, on(0).device, variant, cores.first().copied().unwrap_or(0)))
    }

    /// Every network whole on the GPU, at one time, each on a stream of its own.
    pub(super) fn streams(&self) -> ProgramPlan {
        let tasks = 0..self.problem.tasks.len();
        let lane = |task: usize| LanePlan {
            name: format!("GPU stream of {}", self.problem.tasks[task].name),
            order: vec![task],
        };
        ProgramPlan {
            works: tasks.clone().map(|task| whole_work(self.problem, task)).collect(),
            engines: tasks.clone().map(|task| self.whole_on_gpu(task)).collect(),
            lanes: tasks.map(lane).collect(),
        }
    }

    /// One network whole on the GPU, with nobody beside it.
    pub(super) fn alone(&self, task: usize) -> ProgramPlan {
        let work = Work { after: Vec::new(), release: Nanoseconds::ZERO, ..whole_work(self.problem, task) };
        ProgramPlan {
            works: vec![work],
            engines: vec![self.whole_on_gpu(task)],
            lanes: vec![LanePlan { name: "gpu".to_owned(), order: vec![0] }],
        }
    }

    fn whole_on_gpu(&self, task: usize) -> EnginePlan {
        self.engine(task, Device::Gpu, Variant::Transition(None), 0)
    }

    fn all_layers(&self, task: usize) -> LayerRange {
        LayerRange { first: 0, last: self.networks[task].layers.len() }
    }

    fn engine(&self, task: usize, start: Device, variant: Variant, dla_core: u32) -> EnginePlan {
        let network = self.networks[task];
        let mut spec = EngineSpec { network: network.name.clone(), start, variant, dla_core };
        if !spec.uses_dla() {
            // The core is nothing to this engine: it has one plan for all of them.
            spec.dla_core = 0;
        }
        EnginePlan { task, tensors: segment_tensors(network, &spec), spec }
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
