//! The document of `haxconn read`: what files of other programs hold. Times in milliseconds; null where a file has no such
//! number.
//!
//! Keys and units are listed in `docs/formats.md`.

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use crate::backend::trtexec::{Distribution, Document, LayerInformation, Log, Profile, Times};

#[derive(Serialize)]
struct Readings<'a> {
    schema_version: u64,
    files: Vec<Reading<'a>>,
}

#[derive(Default, Serialize)]
struct Reading<'a> {
    file: String,
    kind: &'static str,
    program: Option<&'a str>,
    generation: Option<String>,
    command: Option<&'a str>,
    iterations: Option<u64>,
    profiled: Option<bool>,
    compute_mean_ms: Option<f64>,
    compute_median_ms: Option<f64>,
    compute_min_ms: Option<f64>,
    compute_max_ms: Option<f64>,
    compute_percentiles: Vec<PercentileField>,
    latency_mean_ms: Option<f64>,
    enqueue_median_ms: Option<f64>,
    throughput_per_s: Option<f64>,
    layers: Vec<LayerField<'a>>,
    layers_total_ms: Option<f64>,
    layers_iterations: Option<u64>,
    samples: Vec<f64>,
    runs_per_sample: Option<u64>,
    includes_warm_up: Option<bool>,
}

#[derive(Serialize)]
struct PercentileField {
    percent: f64,
    ms: f64,
}

#[derive(Serialize)]
struct LayerField<'a> {
    name: &'a str,
    r#type: Option<&'a str>,
    total_ms: Option<f64>,
    mean_ms: Option<f64>,
    median_ms: Option<f64>,
}

/// The document of files by name.
pub fn documents_to_json<'a>(documents: impl Iterator<Item = (String, &'a Document)>) -> Result<String> {
    let reading = |(file, document): (String, &'a Document)| {
        let reading = match document {
            Document::Log(log) => of_log(log),
            Document::Profile(profile) => of_profile(profile),
            Document::Times(times) => of_times(times),
            Document::LayerInformation(information) => of_information(information),
        };
        Reading { file, ..reading }
    };
    to_json(&Readings { schema_version: SCHEMA_VERSION, files: documents.map(reading).collect() })
}

fn of_log(log: &Log) -> Reading<'_> {
    let layers = log.profile.as_ref().map(of_profile).unwrap_or_default();
    let compute = log.compute.as_ref();
    let mean = |distribution: Option<&Distribution>| distribution.and_then(|it| it.mean).map(|mean| mean.0);
    Reading {
        kind: "log",
        program: log.program.as_deref(),
        generation: Some(log.generation.to_string()),
        command: log.command.as_deref(),
        iterations: log.runs.or(layers.iterations),
        profiled: log.was_profiled(),
        compute_mean_ms: mean(compute),
        compute_median_ms: compute.map(|it| it.median.0),
        compute_min_ms: compute.map(|it| it.min.0),
        compute_max_ms: compute.map(|it| it.max.0),
        compute_percentiles: compute.map(percentiles).unwrap_or_default(),
        latency_mean_ms: mean(log.latency.as_ref()),
        enqueue_median_ms: log.enqueue.as_ref().map(|it| it.median.0),
        throughput_per_s: log.throughput,
        samples: log.averages.iter().map(|average| average.compute.0).collect(),
        runs_per_sample: log.averages.first().map(|average| average.runs),
        ..layers
    }
}

fn percentiles(distribution: &Distribution) -> Vec<PercentileField> {
    distribution.percentiles.iter().map(|(percent, time)| PercentileField { percent: percent.0, ms: time.0 }).collect()
}

fn of_profile(profile: &Profile) -> Reading<'_> {
    let layers = profile.entries.iter().map(|entry| LayerField {
        name: &entry.name,
        r#type: None,
        total_ms: Some(entry.total.0),
        mean_ms: Some(entry.mean.0),
        median_ms: entry.median.map(|median| median.0),
    });
    Reading {
        kind: "profile",
        program: profile.program.as_deref(),
        generation: Some(profile.generation.to_string()),
        iterations: Some(profile.iterations),
        layers: layers.collect(),
        layers_total_ms: Some(profile.total.0),
        layers_iterations: Some(profile.iterations),
        ..Reading::default()
    }
}

fn of_times(times: &Times) -> Reading<'_> {
    let mut samples: Vec<f64> = times.runs.iter().map(|run| run.compute_time.0).collect();
    let in_order = samples.clone();
    samples.sort_by(f64::total_cmp);
    let n = samples.len();
    Reading {
        kind: "times",
        generation: Some(times.generation.to_string()),
        iterations: Some(n as u64),
        compute_mean_ms: Some(samples.iter().sum::<f64>() / n as f64),
        compute_median_ms: Some(f64::midpoint(samples[(n - 1) / 2], samples[n / 2])),
        compute_min_ms: samples.first().copied(),
        compute_max_ms: samples.last().copied(),
        samples: in_order,
        runs_per_sample: Some(1),
        includes_warm_up: times.includes_warm_up,
        ..Reading::default()
    }
}

fn of_information(information: &LayerInformation) -> Reading<'_> {
    let layers = information.layers.iter().map(|layer| LayerField {
        name: &layer.name,
        r#type: layer.kind.as_deref(),
        total_ms: None,
        mean_ms: None,
        median_ms: None,
    });
    Reading {
        kind: "layer_information",
        generation: Some(information.generation.to_string()),
        layers: layers.collect(),
        ..Reading::default()
    }
}
