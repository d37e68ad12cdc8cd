//! Rounds in the simulator of a board: virtual time, in which every lane leaves the barrier at zero.

use super::error::RunError;
use super::log::{BackendRecord, Conditions, EngineMode, PolicyRun, Round, RunLog, Span, WarmUp};
use super::rounds::interleave;
use super::segment::check_one_engine_each;
use crate::backend::sim::{
    Kernel, Memory, Noise, Segment, SegmentSpan, Stage, Stuck, crossing_bytes, kernels, simulate, transition_stage,
    within, work_stages,
};
use crate::network::Network;
use crate::platform::Platform;
use crate::problem::{GroupId, Problem};
use crate::schedule::{Decision, Timeline};
use crate::units::{Bytes, Milliseconds, Nanoseconds, hash_of_name};

/// How a run is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunOptions {
    /// Rounds of every policy that are recorded.
    pub iterations: u64,
    /// Virtual time of the rounds before them.
    pub warm_up: Milliseconds,
    /// Seed of the simulator's noise; `None` runs without noise, every round alike.
    pub seed: Option<u64>,
    /// How networks are made into engines.
    pub engine_mode: EngineMode,
}

/// A schedule to be run, and whose it is.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyPlan<'a> {
    /// Name in flags.
    pub name: &'a str,
    /// What people read.
    pub label: &'a str,
    /// Placement and order.
    pub decision: &'a Decision,
    /// What is predicted of it.
    pub timeline: &'a Timeline,
}

/// Runs `policies` in turn on the simulated `platform`; `networks` are those of the tasks, in their order.
///
/// Standalone times and transitions are the problem's, spread over each group's kernels in the proportions of the cost
/// model: what differs from the prediction is contention, by a law of the simulator's own, and noise.
pub fn run_multi(
    problem: &Problem,
    policies: &[PolicyPlan],
    networks: &[&Network],
    platform: &Platform,
    options: RunOptions,
) -> Result<RunLog, RunError> {
    let schedule = |policy: &PolicyPlan| SimulatedSchedule::new(problem, policy, networks, platform, options);
    let schedules: Vec<SimulatedSchedule> = policies.iter().map(schedule).collect::<Result<_, _>>()?;
    let ran =
        interleave(schedules.len(), options.iterations, options.warm_up, |policy, turn| schedules[policy].round(turn))?;
    let run = |(policy, rounds): (&PolicyPlan, Vec<Round>)| {
        let PolicyPlan { name, label, decision, timeline } = policy;
        PolicyRun { rounds, ..PolicyRun::new(name, label, problem, decision, timeline) }
    };
    Ok(RunLog {
        backend: BackendRecord {
            name: "sim".to_owned(),
            simulated: true,
            versions: vec![("haxconn".to_owned(), env!("CARGO_PKG_VERSION").to_owned())],
        },
        platform: platform.name.clone(),
        conditions: Conditions::default(),
        engine_mode: options.engine_mode,
        warm_up: WarmUp { time: options.warm_up, rounds: ran.warm_up_rounds },
        seed: options.seed,
        accelerators: problem.machines.iter().map(|machine| machine.name.clone()).collect(),
        policies: policies.iter().zip(ran.rounds).map(run).collect(),
        references: Vec::new(),
    })
}

/// A schedule as segments for the simulated board, one per group, task after task.
#[derive(Clone, Debug)]
pub struct SimulatedSchedule {
    /// Groups of every task.
    n_groups: Vec<usize>,
    segments: Vec<Segment>,
    lanes: Vec<Vec<usize>>,
    memory: Memory,
    /// Seed of this schedule's noise.
    seed: Option<u64>,
}

impl SimulatedSchedule {
    /// `policy` on the simulated `platform`; `networks` are those of the tasks, in their order. Of `options`, the engine mode and
    /// the noise count.
    pub fn new(
        problem: &Problem,
        policy: &PolicyPlan,
        networks: &[&Network],
        platform: &Platform,
        options: RunOptions,
    ) -> Result<Self, RunError> {
        check_networks(problem, networks)?;
        let PolicyPlan { decision, label, .. } = *policy;
        let RunOptions { engine_mode, seed, .. } = options;
        if engine_mode == EngineMode::Transition {
            check_one_engine_each(problem, decision)?;
        }
        let accelerators = accelerators(problem, platform)?;
        let builder = SegmentBuilder { problem, decision, platform, accelerators, engine_mode };
        let mut segments = Vec::new();
        for (task, network) in networks.iter().enumerate() {
            segments.extend(builder.task(task, network)?);
        }
        let lanes = decision.order.iter().map(|order| order.iter().map(|&id| segment_index(problem, id)).collect());
        let seed = seed.map(|seed| hash_of_name(seed, label));
        let n_groups = problem.tasks.iter().map(|task| task.groups.len()).collect();
        Ok(Self { n_groups, segments, lanes: lanes.collect(), memory: Memory::of(platform), seed })
    }

    /// One round, with the noise of this turn.
    pub fn round(&self, turn: u64) -> Result<Round, RunError> {
        let mut noise = self.seed.map(|seed| Noise::of_round(seed, turn));
        let stuck = |stuck: Stuck| RunError::Stuck { n_waiting: stuck.segments.len() };
        let spans = simulate(&self.segments, &self.lanes, self.memory, noise.as_mut()).map_err(stuck)?;
        let mut spans = spans
            .iter()
            .map(|&SegmentSpan { start, end }| Span { start: start.to_nanoseconds(), end: end.to_nanoseconds() });
        let groups = self.n_groups.iter().map(|&n_groups| spans.by_ref().take(n_groups).collect());
        Ok(Round { released: vec![Nanoseconds::ZERO; self.lanes.len()], spans: groups.collect() })
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
    engine_mode: EngineMode,
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

    /// Whether the group goes on in an engine that runs already.
    fn continues(&self, id: GroupId, machine: usize) -> bool {
        if self.engine_mode == EngineMode::Transition {
            return id.group > 0;
        }
        let order = &self.decision.order[machine];
        let position = order.iter().position(|&other| other == id);
        id.continues(position.and_then(|position| position.checked_sub(1)).map(|before| order[before]))
    }
}
