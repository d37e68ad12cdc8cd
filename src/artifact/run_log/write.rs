//! From a run to the fields of its file, with the figures that follow from its rounds.

use super::{
    EngineModeField, GroupField, PolicyField, ReferenceField, RunLogFile, StatisticsField, TaskField, VERSION,
    VersionField,
};
use crate::run::{BackendRecord, EngineMode, GroupPlan, GroupRange, PolicyRun, ReferenceRun, RunLog, Span};
use crate::schedule::Occupation;
use crate::units::Milliseconds;

/// Microseconds in a millisecond.
const MICROSECONDS: f64 = 1e3;

pub(super) fn file(log: &RunLog) -> RunLogFile {
    let BackendRecord { name, simulated, versions } = &log.backend;
    let version = |(name, version): &(String, String)| VersionField { name: name.clone(), version: version.clone() };
    RunLogFile {
        schema_version: VERSION,
        backend: name.clone(),
        simulated: *simulated,
        versions: versions.iter().map(version).collect(),
        platform: log.platform.clone(),
        power_mode: log.conditions.power_mode.clone(),
        clocks: log.conditions.clocks.clone(),
        engine_mode: log.engine_mode.into(),
        warm_up_ms: log.warm_up.time.0,
        warm_up_rounds: log.warm_up.rounds,
        seed: log.seed,
        accelerators: log.accelerators.clone(),
        policies: log.policies.iter().map(policy_field).collect(),
        references: log.references.iter().map(reference_field).collect(),
    }
}

fn reference_field(reference: &ReferenceRun) -> ReferenceField {
    ReferenceField {
        name: reference.name.clone(),
        label: reference.label.clone(),
        makespan_ms: StatisticsField::new(&reference.makespan(), 1.0),
        ends_ns: reference.ends.iter().map(|ends| ends.iter().map(|end| end.0).collect()).collect(),
    }
}

fn policy_field(policy: &PolicyRun) -> PolicyField {
    let makespan = policy.makespan();
    let spans = |groups: &Vec<Span>| groups.iter().map(|span| [span.start.0, span.end.0]).collect();
    PolicyField {
        policy: policy.name.clone(),
        label: policy.label.clone(),
        predicted_makespan_ns: policy.predicted_makespan().0,
        makespan_ms: StatisticsField::new(&makespan, 1.0),
        rounds_per_s: per_second(makespan.mean),
        barrier_skew_us: StatisticsField::new(&policy.skew(), MICROSECONDS),
        tasks: (0..policy.tasks.len()).map(|task| task_field(policy, task)).collect(),
        released_ns: policy.rounds.iter().map(|round| round.released.iter().map(|at| at.0).collect()).collect(),
        rounds_ns: policy.rounds.iter().map(|round| round.spans.iter().map(spans).collect()).collect(),
    }
}

fn task_field(policy: &PolicyRun, idx: usize) -> TaskField {
    let task = &policy.tasks[idx];
    let latency = policy.latency(idx);
    TaskField {
        name: task.name.clone(),
        title: task.title.clone(),
        release_ns: task.release.0,
        after: task.after.iter().map(|&before| policy.tasks[before].name.clone()).collect(),
        predicted_latency_ns: policy.predicted_latency(idx).0,
        latency_ms: StatisticsField::new(&latency, 1.0),
        inferences_per_s: per_second(latency.mean),
        groups: task.groups.iter().map(group_field).collect(),
        spans: task.spans.iter().map(|GroupRange { first, last }| [*first, *last]).collect(),
    }
}

fn group_field(group: &GroupPlan) -> GroupField {
    let Occupation { start, launched, entered, worked, end } = group.predicted;
    GroupField {
        layers: [group.layers.first, group.layers.last],
        accelerator: group.accelerator.clone(),
        predicted_ns: [start, launched, entered, worked, end].map(|moment| moment.0),
    }
}

/// How often something of this length fits into a second; zero where it has none.
fn per_second(time: Milliseconds) -> f64 {
    if time.0 > 0.0 { 1e3 / time.0 } else { 0.0 }
}

impl From<EngineMode> for EngineModeField {
    fn from(mode: EngineMode) -> Self {
        match mode {
            EngineMode::Segments => Self::Segments,
            EngineMode::Transition => Self::Transition,
        }
    }
}
