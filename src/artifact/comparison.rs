//! What `report --format json` prints: predicted beside what came out, span by span and round by round.

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use super::run_log::StatisticsField;
use crate::report;
use crate::run::{Neighbour, PolicyRun, RunLog, SpanComparison, compare, relative_error};
use crate::units::Nanoseconds;

#[derive(Serialize)]
struct Comparison {
    schema_version: u64,
    backend: String,
    simulated: bool,
    platform: String,
    /// The sentence about the gain, and what makes the figures doubtful.
    gain: Option<String>,
    warnings: Vec<String>,
    policies: Vec<PolicyComparison>,
}

#[derive(Serialize)]
struct PolicyComparison {
    policy: String,
    label: String,
    predicted_makespan_ns: u64,
    makespan_ms: StatisticsField,
    makespan_errors: Vec<f64>,
    spans: Vec<SpanField>,
}

#[derive(Serialize)]
struct SpanField {
    task: String,
    layers: [usize; 2],
    accelerator: String,
    predicted_ns: [u64; 2],
    start_ms: StatisticsField,
    time_ms: StatisticsField,
    errors: Vec<f64>,
    median_error: f64,
    excess: f64,
    slowed: bool,
    beside: Vec<NeighbourField>,
}

#[derive(Serialize)]
struct NeighbourField {
    task: String,
    layers: [usize; 2],
    accelerator: String,
    share: f64,
    predicted_share: f64,
}

/// The document of `report`.
pub fn comparison_to_json(log: &RunLog) -> Result<String> {
    to_json(&Comparison {
        schema_version: SCHEMA_VERSION,
        backend: log.backend.name.clone(),
        simulated: log.backend.simulated,
        platform: log.platform.clone(),
        gain: report::run::gain_sentence(log),
        warnings: report::run::warnings(log),
        policies: log.policies.iter().map(policy_comparison).collect(),
    })
}

fn policy_comparison(policy: &PolicyRun) -> PolicyComparison {
    let predicted = policy.predicted_makespan();
    let error = |makespan: Nanoseconds| relative_error(predicted.0 as f64, makespan.0 as f64);
    PolicyComparison {
        policy: policy.name.clone(),
        label: policy.label.clone(),
        predicted_makespan_ns: predicted.0,
        makespan_ms: StatisticsField::new(&policy.makespan(), 1.0),
        makespan_errors: policy.rounds.iter().map(|round| error(round.makespan())).collect(),
        spans: compare(policy).into_iter().map(|it| span_field(policy, it)).collect(),
    }
}

fn span_field(policy: &PolicyRun, it: SpanComparison) -> SpanField {
    let task = &policy.tasks[it.task];
    let layers = task.layers(it.span);
    SpanField {
        task: task.name.clone(),
        layers: [layers.first, layers.last],
        accelerator: task.place(it.span),
        predicted_ns: [it.predicted.start.0, it.predicted.end.0],
        start_ms: StatisticsField::new(&it.start, 1.0),
        time_ms: StatisticsField::new(&it.duration, 1.0),
        median_error: it.median_error,
        excess: it.excess,
        slowed: it.is_slowed(),
        beside: it.neighbours.iter().map(|neighbour| neighbour_field(policy, neighbour)).collect(),
        errors: it.errors,
    }
}

fn neighbour_field(policy: &PolicyRun, neighbour: &Neighbour) -> NeighbourField {
    let Neighbour { task, span, share, predicted_share } = *neighbour;
    let task = &policy.tasks[task];
    let layers = task.layers(span);
    NeighbourField {
        task: task.name.clone(),
        layers: [layers.first, layers.last],
        accelerator: task.place(span),
        share,
        predicted_share,
    }
}
