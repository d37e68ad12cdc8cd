//! Runs a schedule in rounds and records when every group started and ended.
//!
//! Every round starts all lanes at once, as the runtime's barrier does, and keeps the schedule's order on each; rounds
//! don't overlap. Knows nothing of how the schedule was found or what was predicted.

mod log;

use thiserror::Error;

use crate::backend::sim::{
    Kernel, Memory, Noise, Segment, SegmentSpan, Stage, Stuck, crossing_bytes, kernels, simulate, transition_stage,
    within, work_stages,
};
use crate::network::Network;
use crate::platform::Platform;
use crate::problem::{GroupId, Problem};
use crate::schedule::Decision;
use crate::units::{Bytes, Nanoseconds};

pub use log::{GroupSpan, Round, RunLog, Statistics, TaskLog};

/// How often a schedule is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Rounds that are recorded.
    pub iterations: u64,
    /// Rounds before them that aren't.
    pub warm_up: u64,
    /// Seed of the simulator's noise; `None` runs without noise, every round alike.
    pub seed: Option<u64>,
}

/// Why a schedule can't be run.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RunError {
    /// There isn't one network for each task.
    #[error("{n_networks} network(s) for {n_tasks} task(s)")]
    NetworkCount {
        /// Networks given.
        n_networks: usize,
        /// Tasks of the problem.
        n_tasks: usize,
    },
    /// A task's groups don't cover its network.
    #[error("the groups of task `{task}` don't end with the last layer of `{network}`")]
    OtherNetwork {
        /// The task.
        task: String,
        /// The network.
        network: String,
    },
    /// An accelerator of the problem isn't on the platform.
    #[error("platform `{platform}` has no accelerator `{accelerator}`")]
    NoAccelerator {
        /// The platform.
        platform: String,
        /// The accelerator.
        accelerator: String,
    },
    /// A group is placed where it can't run.
    #[error("task `{task}`: layers {layers} can't run on `{accelerator}`")]
    Unsupported {
        /// The task.
        task: String,
        /// The group's layers.
        layers: String,
        /// The accelerator.
        accelerator: String,
    },
    /// The orders make groups wait for each other.
    #[error("{n_waiting} group(s) never start: the schedule's orders wait for each other in a circle")]
    Stuck {
        /// Groups that never start.
        n_waiting: usize,
    },
}

/// Runs `decision` on the simulated `platform`; `networks` are those of the tasks, in their order.
///
/// Standalone times and transitions are the problem's, spread over each group's kernels in the proportions of the cost
/// model: what differs from the prediction is contention, by a law of the simulator's own, and noise.
pub fn run_multi(
    problem: &Problem,
    decision: &Decision,
    networks: &[&Network],
    platform: &Platform,
    options: RunOptions,
) -> Result<RunLog, RunError> {
    let workload = Workload::new(problem, decision, networks, platform)?;
    let rounds = (options.warm_up..options.warm_up.saturating_add(options.iterations))
        .map(|round| workload.round(options.seed.map(|seed| Noise::of_round(seed, round))))
        .collect::<Result<Vec<Round>, Stuck>>()
        .map_err(|stuck| RunError::Stuck { n_waiting: stuck.segments.len() })?;
    Ok(RunLog {
        backend: "sim".to_owned(),
        platform: platform.name.clone(),
        warm_up: options.warm_up,
        seed: options.seed,
        tasks: problem.tasks.iter().enumerate().map(|(idx, _)| task_log(problem, decision, idx)).collect(),
        rounds,
    })
}

fn task_log(problem: &Problem, decision: &Decision, idx: usize) -> TaskLog {
    let task = &problem.tasks[idx];
    TaskLog {
        name: task.name.clone(),
        title: task.title.clone(),
        release: task.release,
        layers: task.groups.iter().map(|group| group.layers).collect(),
        accelerators: decision.placement[idx].iter().map(|&machine| problem.machines[machine].name.clone()).collect(),
    }
}

/// A schedule as segments for the simulated board, one per group, task after task.
struct Workload<'a> {
    problem: &'a Problem,
    segments: Vec<Segment>,
    lanes: Vec<Vec<usize>>,
    memory: Memory,
}

impl<'a> Workload<'a> {
    fn new(
        problem: &'a Problem,
        decision: &Decision,
        networks: &[&Network],
        platform: &Platform,
    ) -> Result<Self, RunError> {
        check_networks(problem, networks)?;
        let builder = SegmentBuilder { problem, decision, platform, accelerators: accelerators(problem, platform)? };
        let mut segments = Vec::new();
        for (task, network) in networks.iter().enumerate() {
            segments.extend(builder.task(task, network)?);
        }
        let lanes = decision.order.iter().map(|order| order.iter().map(|&id| segment_index(problem, id)).collect());
        Ok(Self { problem, segments, lanes: lanes.collect(), memory: Memory::of(platform) })
    }

    fn round(&self, mut noise: Option<Noise>) -> Result<Round, Stuck> {
        let spans = simulate(&self.segments, &self.lanes, self.memory, noise.as_mut())?;
        let mut spans = spans
            .iter()
            .map(|&SegmentSpan { start, end }| GroupSpan { start: start.to_nanoseconds(), end: end.to_nanoseconds() });
        let groups = self.problem.tasks.iter().map(|task| spans.by_ref().take(task.groups.len()).collect());
        Ok(Round { groups: groups.collect() })
    }
}

fn check_networks(problem: &Problem, networks: &[&Network]) -> Result<(), RunError> {
    if networks.len() != problem.tasks.len() {
        return Err(RunError::NetworkCount { n_networks: networks.len(), n_tasks: problem.tasks.len() });
    }
    for (task, network) in problem.tasks.iter().zip(networks) {
        if task.groups.last().is_none_or(|group| group.layers.last != network.layers.len()) {
            return Err(RunError::OtherNetwork { task: task.name.clone(), network: network.name.clone() });
        }
    }
    Ok(())
}

/// Position on the platform of every accelerator of the problem.
fn accelerators(problem: &Problem, platform: &Platform) -> Result<Vec<usize>, RunError> {
    let position = |name: &String| {
        platform
            .accelerator_index(name)
            .ok_or_else(|| RunError::NoAccelerator { platform: platform.name.clone(), accelerator: name.clone() })
    };
    problem.machines.iter().map(|machine| position(&machine.name)).collect()
}

/// Position of a group's segment.
fn segment_index(problem: &Problem, id: GroupId) -> usize {
    problem.tasks[..id.task].iter().map(|task| task.groups.len()).sum::<usize>() + id.group
}

struct SegmentBuilder<'a> {
    problem: &'a Problem,
    decision: &'a Decision,
    platform: &'a Platform,
    accelerators: Vec<usize>,
}

impl SegmentBuilder<'_> {
    fn task(&self, task: usize, network: &Network) -> Result<Vec<Segment>, RunError> {
        let kernels: Vec<Vec<Kernel>> =
            self.accelerators.iter().map(|&accelerator| kernels(network, self.platform, accelerator)).collect();
        let ids = (0..self.problem.tasks[task].groups.len()).map(|group| GroupId { task, group });
        ids.map(|id| {
            let release = self.problem.tasks[task].release.to_milliseconds();
            Ok(Segment { after: self.causes(id), release, stages: self.stages(id, network, &kernels)? })
        })
        .collect()
    }

    /// The group before, or the last groups of the tasks that must have ended.
    fn causes(&self, id: GroupId) -> Vec<usize> {
        if let Some(before) = id.group.checked_sub(1) {
            return vec![segment_index(self.problem, GroupId { group: before, ..id })];
        }
        let tasks = self.problem.tasks[id.task].after.iter();
        let ends = tasks.filter_map(|&task| {
            let group = self.problem.tasks[task].groups.len().checked_sub(1)?;
            Some(segment_index(self.problem, GroupId { task, group }))
        });
        ends.collect()
    }

    /// Launch, entry, work kernel by kernel, exit.
    fn stages(&self, id: GroupId, network: &Network, kernels: &[Vec<Kernel>]) -> Result<Vec<Stage>, RunError> {
        let placement = &self.decision.placement[id.task];
        let machine = placement[id.group];
        let task = &self.problem.tasks[id.task];
        let layers = task.groups[id.group].layers;
        let cost = self.problem.cost(id, machine).ok_or_else(|| RunError::Unsupported {
            task: task.name.clone(),
            layers: layers.to_string(),
            accelerator: self.problem.machines[machine].name.clone(),
        })?;
        let launch = if self.continues(id, machine) { Nanoseconds::ZERO } else { task.launch[machine] };
        let crossing = |cut| crossing_bytes(network, self.platform, cut);
        let mut stages = vec![Stage { time: launch.to_milliseconds(), bytes: Bytes(0) }];
        if self.problem.pays_entry(id, placement) {
            stages.push(transition_stage(cost.entry.to_milliseconds(), crossing(layers.first)));
        }
        let roofline = &self.platform.accelerators[self.accelerators[machine]].roofline;
        let peak = self.platform.peak_bandwidth.value;
        stages.extend(work_stages(within(&kernels[machine], layers), roofline, cost.work.to_milliseconds(), peak));
        if self.problem.pays_exit(id, placement) {
            stages.push(transition_stage(cost.exit.to_milliseconds(), crossing(layers.last)));
        }
        stages.retain(|stage| stage.time.0 > 0.0);
        Ok(stages)
    }

    /// Whether the group goes on in the engine that its accelerator just ran.
    fn continues(&self, id: GroupId, machine: usize) -> bool {
        let order = &self.decision.order[machine];
        let position = order.iter().position(|&other| other == id);
        id.continues(position.and_then(|position| position.checked_sub(1)).map(|before| order[before]))
    }
}
