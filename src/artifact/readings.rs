//! The document of `haxconn read`: what files of other programs hold. Times in milliseconds; null where a file has no such
//! number.
//!
//! Keys and units are listed in `docs/formats.md`.

use anyhow::Result;
use serde::Serialize;

use super::field::SCHEMA_VERSION;
use super::json::to_json;
use crate::backend::Foreign;
use crate::backend::nsight::KernelTraffic;
use crate::backend::tegrastats::Sample;
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
    device: Option<String>,
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
    emc: Vec<EmcField>,
    kernels: Vec<KernelField<'a>>,
}

#[derive(Serialize)]
struct KernelField<'a> {
    kernel: &'a str,
    ranges: &'a [String],
    bytes: u64,
    counter: &'static str,
}

#[derive(Serialize)]
struct EmcField {
    seconds: Option<f64>,
    percent: Option<f64>,
    clock_mhz: Option<u32>,
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
pub fn readings_to_json<'a>(files: impl Iterator<Item = (String, &'a Foreign)>) -> Result<String> {
    let reading = |(file, content): (String, &'a Foreign)| {
        let reading = match content {
            Foreign::Trtexec(Document::Log(log)) => of_log(log),
            Foreign::Trtexec(Document::Profile(profile)) => of_profile(profile),
            Foreign::Trtexec(Document::Times(times)) => of_times(times),
            Foreign::Trtexec(Document::LayerInformation(information)) => of_information(information),
            Foreign::Tegrastats(samples) => of_tegrastats(samples),
            Foreign::Nsight(kernels) => of_nsight(kernels),
        };
        Reading { file, ..reading }
    };
    to_json(&Readings { schema_version: SCHEMA_VERSION, files: files.map(reading).collect() })
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
        device: log.device.as_ref().map(ToString::to_string),
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
    let compute = times.distribution();
    Reading {
        kind: "times",
        generation: Some(times.generation.to_string()),
        iterations: Some(times.runs.len() as u64),
        compute_mean_ms: compute.mean.map(|mean| mean.0),
        compute_median_ms: Some(compute.median.0),
        compute_min_ms: Some(compute.min.0),
        compute_max_ms: Some(compute.max.0),
        samples: times.runs.iter().map(|run| run.compute_time.0).collect(),
        runs_per_sample: Some(1),
        includes_warm_up: times.includes_warm_up,
        ..Reading::default()
    }
}

fn of_tegrastats<'a>(samples: &[Sample]) -> Reading<'a> {
    let emc = samples.iter().map(|sample| EmcField {
        seconds: sample.arrival.map(|arrival| arrival.0 / 1e3),
        percent: sample.emc.utilization.map(|percent| percent.0),
        clock_mhz: sample.emc.clock.map(|clock| clock.0),
    });
    Reading { kind: "tegrastats", emc: emc.collect(), ..Reading::default() }
}

fn of_nsight(kernels: &[KernelTraffic]) -> Reading<'_> {
    let kernels = kernels.iter().map(|kernel| KernelField {
        kernel: &kernel.kernel,
        ranges: &kernel.ranges,
        bytes: kernel.bytes.0,
        counter: kernel.counter.name(),
    });
    Reading { kind: "nsight", kernels: kernels.collect(), ..Reading::default() }
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
