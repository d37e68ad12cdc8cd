//! Run logs: what `run-multi` writes as JSON and `report` reads. Moments are whole nanoseconds from the start of a round.
//!
//! The figures beside the rounds (latencies, makespans) are for other readers: they follow from the rounds, and a file in
//! which they don't is refused. Keys and units are listed in `docs/formats.md`.

mod read;
mod write;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::field::from_json_of;
use super::json::to_json;
use crate::run::{RunLog, Statistics};

/// The version of run logs: since 2 they hold several policies and what was predicted of them.
const VERSION: u64 = 2;

/// Reads a run log's `text`; errors begin with `origin`, the path or name that people know the file by.
pub fn read_run_log(text: &str, origin: &str) -> Result<RunLog> {
    from_json_of(text, VERSION).and_then(|file| read::into_run_log(&file)).with_context(|| origin.to_owned())
}

/// The text of the file that holds `log`.
pub fn write_run_log(log: &RunLog) -> Result<String> {
    to_json(&write::file(log))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunLogFile {
    schema_version: u64,
    backend: String,
    simulated: bool,
    versions: Vec<VersionField>,
    platform: String,
    power_mode: Option<String>,
    clocks: Option<String>,
    engine_mode: EngineModeField,
    warm_up_ms: f64,
    warm_up_rounds: u64,
    seed: Option<u64>,
    accelerators: Vec<String>,
    policies: Vec<PolicyField>,
    references: Vec<ReferenceField>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceField {
    name: String,
    label: String,
    makespan_ms: StatisticsField,
    /// By round and task.
    ends_ns: Vec<Vec<u64>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VersionField {
    name: String,
    version: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum EngineModeField {
    Segments,
    Transition,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyField {
    policy: String,
    label: String,
    predicted_makespan_ns: u64,
    makespan_ms: StatisticsField,
    rounds_per_s: f64,
    barrier_skew_us: StatisticsField,
    tasks: Vec<TaskField>,
    /// By round and lane.
    released_ns: Vec<Vec<u64>>,
    /// By round, task and span: `[start, end]`.
    rounds_ns: Vec<Vec<Vec<[u64; 2]>>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskField {
    name: String,
    title: String,
    release_ns: u64,
    after: Vec<String>,
    predicted_latency_ns: u64,
    latency_ms: StatisticsField,
    inferences_per_s: f64,
    groups: Vec<GroupField>,
    /// By span: `[first, last]` group, half-open.
    spans: Vec<[usize; 2]>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupField {
    layers: [usize; 2],
    accelerator: String,
    /// Start, launched, entered, worked, end.
    predicted_ns: [u64; 5],
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StatisticsField {
    mean: f64,
    median: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    cv: f64,
}

impl StatisticsField {
    /// The statistics with times in a unit of which a millisecond has `per_ms`.
    pub(super) fn new(statistics: &Statistics, per_ms: f64) -> Self {
        let Statistics { mean, median, p90, p95, p99, cv } = *statistics;
        let [mean, median, p90, p95, p99] = [mean, median, p90, p95, p99].map(|time| time.0 * per_ms);
        Self { mean, median, p90, p95, p99, cv }
    }

    fn figures(&self) -> [(&'static str, f64); 6] {
        let Self { mean, median, p90, p95, p99, cv } = *self;
        [("mean", mean), ("median", median), ("p90", p90), ("p95", p95), ("p99", p99), ("cv", cv)]
    }
}

#[cfg(test)]
mod tests;
