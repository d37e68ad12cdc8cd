//! The document of `run-multi --dynamic`: what happened when, and every round.

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use super::run_log::StatisticsField;
use super::schedule::{ObjectiveField, StateField};
use crate::run::dynamic::{
    Correction, DynamicLog, Happening, Phase, Planned, SearchEnd, Slowdown, SolverState, Source, What,
};
use crate::schedule::{Objective, ProofState};
use crate::units::{Milliseconds, Nanoseconds};

#[derive(Serialize)]
struct DynamicFile<'a> {
    schema_version: u64,
    backend: &'a str,
    simulated: bool,
    versions: Vec<VersionField<'a>>,
    platform: &'a str,
    power_mode: &'a Option<String>,
    clocks: &'a Option<String>,
    seed: Option<u64>,
    #[serde(with = "ObjectiveField")]
    objective: Objective,
    drift_threshold: f64,
    solver_core: Option<usize>,
    end_ms: f64,
    interrupted: bool,
    rounds: usize,
    happened: Vec<HappeningField>,
    to_final: Vec<ToFinalField>,
    schedules: Vec<ScheduleField<'a>>,
    phases: Vec<PhaseField>,
    solver_slowdown: Vec<SlowdownField>,
}

#[derive(Serialize)]
struct VersionField<'a> {
    name: &'a str,
    version: &'a str,
}

/// What happened; keys that an event hasn't are absent.
#[derive(Default, Serialize)]
struct HappeningField {
    at_ms: f64,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    networks: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    accelerator: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    factor: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    corrections: Option<Vec<CorrectionField>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<SearchField>,
}

#[derive(Serialize)]
struct CorrectionField {
    task: String,
    layers: [usize; 2],
    accelerator: String,
    ratio: f64,
    provenance: &'static str,
    measured: bool,
    passed: bool,
}

#[derive(Serialize)]
struct SearchField {
    #[serde(with = "StateField")]
    proof: ProofState,
    value: u64,
    bound: u64,
    stopped_by: Option<String>,
    seconds: f64,
}

#[derive(Serialize)]
struct ToFinalField {
    at_ms: f64,
    event: &'static str,
    final_after_ms: Option<f64>,
}

#[derive(Serialize)]
struct ScheduleField<'a> {
    generation: u64,
    source: &'static str,
    label: Option<&'a str>,
    found_after_ms: Option<f64>,
    value: u64,
    predicted_makespan_ns: u64,
    tasks: Vec<TaskField<'a>>,
}

#[derive(Serialize)]
struct TaskField<'a> {
    name: &'a str,
    groups: Vec<GroupField<'a>>,
}

#[derive(Serialize)]
struct GroupField<'a> {
    layers: [usize; 2],
    accelerator: &'a str,
    predicted_ns: [u64; 2],
}

#[derive(Serialize)]
struct PhaseField {
    schedule: usize,
    since_ms: f64,
    loaded_in_ms: Option<f64>,
    makespan_ms: StatisticsField,
    makespans_ns: Vec<u64>,
    solver: Vec<&'static str>,
}

#[derive(Serialize)]
struct SlowdownField {
    schedule: usize,
    share: f64,
    with_ms: StatisticsField,
    rounds_with: usize,
    without_ms: StatisticsField,
    rounds_without: usize,
}

/// The document of a dynamic run.
pub fn dynamic_to_json(log: &DynamicLog) -> Result<String> {
    let to_final = |(happening, after): (&Happening, Option<Milliseconds>)| ToFinalField {
        at_ms: milliseconds(happening.at),
        event: word(&happening.what),
        final_after_ms: after.map(|after| after.0),
    };
    to_json(&DynamicFile {
        schema_version: SCHEMA_VERSION,
        backend: &log.backend.name,
        simulated: log.backend.simulated,
        versions: log.backend.versions.iter().map(|(name, version)| VersionField { name, version }).collect(),
        platform: &log.platform,
        power_mode: &log.conditions.power_mode,
        clocks: &log.conditions.clocks,
        seed: log.seed,
        objective: log.objective,
        drift_threshold: log.drift,
        solver_core: log.solver_core,
        end_ms: milliseconds(log.end),
        interrupted: log.interrupted,
        rounds: log.n_rounds(),
        happened: log.happenings.iter().map(|happening| happening_field(log, happening)).collect(),
        to_final: log.times_to_final().into_iter().map(to_final).collect(),
        schedules: log.schedules.iter().map(schedule_field).collect(),
        phases: log.phases.iter().map(phase_field).collect(),
        solver_slowdown: log.slowdowns().iter().map(slowdown_field).collect(),
    })
}

fn milliseconds(moment: Nanoseconds) -> f64 {
    moment.to_milliseconds().0
}

fn word(what: &What) -> &'static str {
    match what {
        What::Began(_) => "start",
        What::Joined(..) => "join",
        What::Left(..) => "leave",
        What::Slowed { .. } => "slow",
        What::Drifted(_) => "drift",
        What::Switched(_) => "switch",
        What::Solved(_) => "solved",
    }
}

fn happening_field(log: &DynamicLog, Happening { at, what }: &Happening) -> HappeningField {
    let field = HappeningField { at_ms: milliseconds(*at), event: word(what), ..HappeningField::default() };
    let names = |tasks: &[usize]| Some(tasks.iter().map(|&task| log.tasks[task].clone()).collect());
    match what {
        What::Began(tasks) => HappeningField { networks: names(tasks), ..field },
        What::Joined(task, asked) | What::Left(task, asked) => {
            HappeningField { networks: names(&[*task]), asked_ms: Some(milliseconds(*asked)), ..field }
        }
        What::Slowed { machine, factor, asked } => HappeningField {
            accelerator: Some(log.accelerators[*machine].clone()),
            factor: Some(*factor),
            asked_ms: Some(milliseconds(*asked)),
            ..field
        },
        What::Drifted(corrections) => HappeningField {
            corrections: Some(corrections.iter().map(|it| correction_field(log, it)).collect()),
            ..field
        },
        What::Switched(phase) => HappeningField { phase: Some(*phase), ..field },
        What::Solved(end) => HappeningField { search: Some(search_field(end)), ..field },
    }
}

fn correction_field(log: &DynamicLog, it: &Correction) -> CorrectionField {
    let layers = log.layers(it);
    CorrectionField {
        task: log.tasks[it.task].clone(),
        layers: [layers.first, layers.last],
        accelerator: log.accelerators[it.machine].clone(),
        ratio: it.ratio,
        provenance: "derived",
        measured: it.measured,
        passed: it.passed,
    }
}

fn search_field(end: &SearchEnd) -> SearchField {
    SearchField {
        proof: end.state,
        value: end.value,
        bound: end.bound,
        stopped_by: end.stopped_by.map(|stop| stop.to_string()),
        seconds: end.elapsed.as_secs_f64(),
    }
}

fn schedule_field(planned: &Planned) -> ScheduleField<'_> {
    let (source, label, found) = match &planned.source {
        Source::Baseline(label) => ("baseline", Some(&**label), None),
        Source::Solver(elapsed) => ("solver", None, Some(elapsed.as_secs_f64() * 1e3)),
        Source::Kept => ("kept", None, None),
    };
    ScheduleField {
        generation: planned.generation,
        source,
        label,
        found_after_ms: found,
        value: planned.value,
        predicted_makespan_ns: planned.timeline.makespan().0,
        tasks: (0..planned.problem.tasks.len()).map(|task| task_field(planned, task)).collect(),
    }
}

fn task_field(planned: &Planned, idx: usize) -> TaskField<'_> {
    let task = &planned.problem.tasks[idx];
    let groups = task.groups.iter().zip(&planned.decision.placement[idx]).zip(&planned.timeline.groups[idx]);
    let group = |((group, &machine), occupation): ((&crate::problem::Group, &usize), &crate::schedule::Occupation)| {
        GroupField {
            layers: [group.layers.first, group.layers.last],
            accelerator: &planned.problem.machines[machine].name,
            predicted_ns: [occupation.start.0, occupation.end.0],
        }
    };
    TaskField { name: &task.name, groups: groups.map(group).collect() }
}

fn phase_field(phase: &Phase) -> PhaseField {
    let state = |state: SolverState| match state {
        SolverState::Ran => "ran",
        SolverState::Rested => "rested",
        SolverState::Mixed => "mixed",
    };
    PhaseField {
        schedule: phase.schedule,
        since_ms: milliseconds(phase.since),
        loaded_in_ms: phase.loaded_in.map(|time| time.as_secs_f64() * 1e3),
        makespan_ms: StatisticsField::new(&phase.makespan(), 1.0),
        makespans_ns: phase.rounds.iter().map(|round| round.makespan.0).collect(),
        solver: phase.rounds.iter().map(|round| state(round.solver)).collect(),
    }
}

fn slowdown_field(it: &Slowdown) -> SlowdownField {
    SlowdownField {
        schedule: it.schedule,
        share: it.share(),
        with_ms: StatisticsField::new(&it.with, 1.0),
        rounds_with: it.n_with,
        without_ms: StatisticsField::new(&it.without, 1.0),
        rounds_without: it.n_without,
    }
}
