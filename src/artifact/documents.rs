//! What commands print with `--format json` and no other command reads back.

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::inspect::InspectionDocument;
use super::json::to_json;
use super::schedule::ScheduleFile;
use crate::platform::{Platform, StatedNumber};
use crate::profile::{AcceleratorFit, CoRun, PUBLISHED_CO_RUN, Residue};
use crate::report::Reproduced;

/// The schedules of several policies (`schedule --policy all`).
#[derive(Serialize)]
struct Policies {
    schema_version: u64,
    schedules: Vec<PolicySchedule>,
}

/// One policy's schedule. A baseline's `proof.state` is `optimal` where its value equals the proved bound.
#[derive(Serialize)]
pub struct PolicySchedule {
    /// Name in flags.
    pub policy: String,
    /// The same for people, with the variant.
    pub label: String,
    /// The schedule.
    pub schedule: ScheduleFile,
}

/// The document of `schedule --policy all`.
pub fn policies_to_json(schedules: Vec<PolicySchedule>) -> Result<String> {
    to_json(&Policies { schema_version: SCHEMA_VERSION, schedules })
}

#[derive(Serialize)]
struct Check<'a> {
    schema_version: u64,
    schedule: &'a str,
    right: bool,
    makespan_ns: u64,
    faults: &'a [String],
}

/// The document of `check`: the file, and every fault found in it.
pub fn check_to_json(path: &str, schedule: &ScheduleFile, faults: &[String]) -> Result<String> {
    let right = faults.is_empty();
    to_json(&Check { schema_version: SCHEMA_VERSION, schedule: path, right, makespan_ns: schedule.makespan_ns, faults })
}

#[derive(Serialize)]
struct Inspections {
    schema_version: u64,
    networks: Vec<InspectionDocument>,
}

/// The document of `inspect`.
pub fn inspections_to_json(networks: Vec<InspectionDocument>) -> Result<String> {
    to_json(&Inspections { schema_version: SCHEMA_VERSION, networks })
}

#[derive(Serialize)]
struct Platforms {
    schema_version: u64,
    platforms: Vec<PlatformName>,
}

#[derive(Serialize)]
struct PlatformName {
    name: String,
    title: String,
}

/// The document of `platform list`.
pub fn platforms_to_json(platforms: &[Platform]) -> Result<String> {
    let name = |platform: &Platform| PlatformName { name: platform.name.clone(), title: platform.title.clone() };
    to_json(&Platforms { schema_version: SCHEMA_VERSION, platforms: platforms.iter().map(name).collect() })
}

#[derive(Serialize)]
struct PlatformNumbers {
    schema_version: u64,
    name: String,
    title: String,
    sha256: String,
    numbers: Vec<Number>,
}

#[derive(Serialize)]
struct Number {
    path: String,
    value: String,
    unit: &'static str,
    provenance: &'static str,
    source: String,
}

/// The document of `platform show`: every number with its source.
pub fn platform_to_json(platform: &Platform) -> Result<String> {
    let number = |stated: StatedNumber| Number {
        path: stated.path,
        value: stated.value,
        unit: stated.unit,
        provenance: stated.provenance.name(),
        source: stated.source,
    };
    to_json(&PlatformNumbers {
        schema_version: SCHEMA_VERSION,
        name: platform.name.clone(),
        title: platform.title.clone(),
        sha256: platform.content_hash.clone(),
        numbers: platform.stated_numbers().into_iter().map(number).collect(),
    })
}

#[derive(Serialize)]
struct Calibration {
    schema_version: u64,
    platform: String,
    accelerators: Vec<FittedAccelerator>,
    residues: Vec<ResidueEntry>,
    co_runs: Vec<CoRunEntry>,
}

#[derive(Serialize)]
struct FittedAccelerator {
    accelerator: String,
    compute_gmacs: f64,
    bandwidth_gbps: f64,
    overhead_ms: f64,
    groups: Vec<FittedGroup>,
}

#[derive(Serialize)]
struct FittedGroup {
    label: String,
    published_ms: f64,
    model_ms: f64,
    left_out_ms: Option<f64>,
}

#[derive(Serialize)]
struct ResidueEntry {
    cut: usize,
    summed_ms: f64,
    engine_ms: f64,
}

#[derive(Serialize)]
struct CoRunEntry {
    accelerator: String,
    alone_ms: f64,
    together_ms: f64,
    published_factor: Option<f64>,
}

/// The document of `platform calibrate`.
pub fn calibration_to_json(
    platform: &Platform,
    fits: &[AcceleratorFit],
    residues: &[Residue],
    co_runs: &[CoRun],
) -> Result<String> {
    let residue = |it: &Residue| ResidueEntry { cut: it.cut, summed_ms: it.summed.0, engine_ms: it.engine.0 };
    to_json(&Calibration {
        schema_version: SCHEMA_VERSION,
        platform: platform.name.clone(),
        accelerators: fits.iter().map(fitted).collect(),
        residues: residues.iter().map(residue).collect(),
        co_runs: co_runs.iter().map(co_run).collect(),
    })
}

fn fitted(fit: &AcceleratorFit) -> FittedAccelerator {
    let groups = fit.fit.groups.iter().map(|group| FittedGroup {
        label: group.label.clone(),
        published_ms: group.observed.0,
        model_ms: group.fitted.0,
        left_out_ms: group.left_out.map(|time| time.0),
    });
    FittedAccelerator {
        accelerator: fit.accelerator.clone(),
        compute_gmacs: fit.fit.parameters.compute_gmacs,
        bandwidth_gbps: fit.fit.parameters.bandwidth.0,
        overhead_ms: fit.fit.parameters.overhead.0,
        groups: groups.collect(),
    }
}

fn co_run(run: &CoRun) -> CoRunEntry {
    let published = PUBLISHED_CO_RUN.iter().find(|(name, _)| *name == run.accelerator);
    CoRunEntry {
        accelerator: run.accelerator.clone(),
        alone_ms: run.alone.0,
        together_ms: run.together.0,
        published_factor: published.map(|(_, factor)| *factor),
    }
}

#[derive(Serialize)]
struct Reproduction {
    schema_version: u64,
    pairs: Vec<ReproducedPair>,
}

#[derive(Serialize)]
struct ReproducedPair {
    networks: [&'static str; 2],
    predicted_makespan_ms: f64,
    proof: String,
    best_baseline: Option<String>,
    best_baseline_ms: Option<f64>,
    published_ms: PublishedRuns,
    artifact_gain_percent: f64,
    paper_gain_percent: f64,
}

#[derive(Serialize)]
struct PublishedRuns {
    gpu_only: f64,
    gpu_dla: f64,
    herald: f64,
    h2h: f64,
    haxconn: f64,
}

/// The document of `reproduce`.
pub fn reproduction_to_json(rows: &[Reproduced]) -> Result<String> {
    to_json(&Reproduction { schema_version: SCHEMA_VERSION, pairs: rows.iter().map(reproduced_pair).collect() })
}

fn reproduced_pair(row: &Reproduced) -> ReproducedPair {
    let [gpu_only, gpu_dla, herald, h2h, haxconn] = row.published.runs.map(|time| time.0);
    ReproducedPair {
        networks: row.published.networks,
        predicted_makespan_ms: row.makespan.0,
        proof: row.proof.clone(),
        best_baseline: row.best_baseline.as_ref().map(|(label, _)| label.clone()),
        best_baseline_ms: row.best_baseline.as_ref().map(|(_, time)| time.0),
        published_ms: PublishedRuns { gpu_only, gpu_dla, herald, h2h, haxconn },
        artifact_gain_percent: row.published.artifact_gain,
        paper_gain_percent: row.published.paper_gain,
    }
}
