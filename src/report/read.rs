//! What other programs wrote, as tables.

use super::table::{Align, Table};
use crate::backend::Foreign;
use crate::backend::nsight::KernelTraffic;
use crate::backend::tegrastats::Sample;
use crate::backend::trtexec::{Distribution, Document, Generation, LayerInformation, Log, Profile, Times};
use crate::units::Milliseconds;

/// What is to be said of a file, and the table of its layers where it has some: a profile may have half a million.
pub fn head_and_table(file: &Foreign) -> (String, Option<Table>) {
    match file {
        Foreign::Trtexec(Document::Log(log)) => (log_head(log), log.profile.as_ref().map(layers)),
        Foreign::Trtexec(Document::Profile(profile)) => (profile_head(profile), Some(layers(profile))),
        Foreign::Trtexec(Document::Times(times)) => (times_head(times), None),
        Foreign::Trtexec(Document::LayerInformation(information)) => {
            (information_head(information), Some(engine_layers(information)))
        }
        Foreign::Tegrastats(samples) => (tegrastats_head(samples), None),
        Foreign::Nsight(kernels) => {
            (format!("table of Nsight Compute, {} kernels", kernels.len()), Some(traffic(kernels)))
        }
    }
}

fn profile_head(profile: &Profile) -> String {
    format!("profile of {} runs{}", profile.iterations, written(&profile.generation, profile.program.as_deref()))
}

/// Who wrote it: a program that names itself, in a form of TensorRT's.
fn written(generation: &Generation, program: Option<&str>) -> String {
    match program {
        Some(program) if !program.starts_with("TensorRT.") => format!(", by {program} in the form of {generation}"),
        _ => format!(", {generation}"),
    }
}

fn log_head(log: &Log) -> String {
    let mut lines = vec![format!("log of trtexec{}", written(&log.generation, log.program.as_deref()))];
    lines.extend(
        log.command.as_ref().filter(|command| !command.is_empty()).map(|command| format!("command: {command}")),
    );
    lines.extend(log.device.as_ref().map(|device| format!("device: {device}")));
    lines.extend(log.runs.map(|runs| format!("counted runs: {runs}")));
    for (name, distribution) in [("compute", &log.compute), ("latency", &log.latency), ("enqueue", &log.enqueue)] {
        lines.extend(distribution.as_ref().map(|distribution| format!("{name}: {}", distribution_text(distribution))));
    }
    if log.compute.is_some() {
        lines.push(match log.was_profiled() {
            Some(true) => "these runs had the profiler, which makes them slower".to_owned(),
            Some(false) => "these runs had no profiler".to_owned(),
            None => "nothing says whether these runs had the profiler".to_owned(),
        });
    }
    lines.extend(log.throughput.map(|throughput| format!("throughput: {throughput} runs per second")));
    lines.extend(
        (!log.averages.is_empty()).then(|| format!("means of {} runs: {}", log.averages[0].runs, log.averages.len())),
    );
    lines.extend(log.profile.as_ref().map(|profile| format!("profiled runs: {}", profile.iterations)));
    lines.join("\n")
}

fn distribution_text(distribution: &Distribution) -> String {
    let Distribution { min, max, mean, median, percentiles } = distribution;
    let mean = mean.map(|mean| format!("mean {} ms, ", mean.0)).unwrap_or_default();
    let percentiles: Vec<String> =
        percentiles.iter().map(|(percent, time)| format!(", {} % {} ms", percent.0, time.0)).collect();
    format!("{mean}median {} ms, from {} to {} ms{}", median.0, min.0, max.0, percentiles.concat())
}

/// The table of layers, with what its rows leave of the total.
fn layers(profile: &Profile) -> Table {
    let mut table = Table::new(&[
        ("Total [ms]", Align::Right),
        ("Mean [ms]", Align::Right),
        ("Median [ms]", Align::Right),
        ("Share", Align::Right),
        ("Layer", Align::Left),
    ]);
    let share = |time: Milliseconds| format!("{:.1} %", 100.0 * time.0 / profile.total.0.max(f64::MIN_POSITIVE));
    for entry in &profile.entries {
        let median = entry.median.map_or_else(|| "-".to_owned(), |median| format!("{:.4}", median.0));
        table.row([
            format!("{:.2}", entry.total.0),
            format!("{:.4}", entry.mean.0),
            median,
            share(entry.mean),
            entry.name.clone(),
        ]);
    }
    let unlisted = profile.unlisted();
    if unlisted.0.abs() > 1e-3 * profile.total.0 {
        table.row([
            String::new(),
            format!("{:.4}", unlisted.0),
            "-".to_owned(),
            share(unlisted),
            "(in the total, but in no row)".to_owned(),
        ]);
    }
    let all = profile.total.0 * profile.iterations as f64;
    table.row([
        format!("{all:.2}"),
        format!("{:.4}", profile.total.0),
        "-".to_owned(),
        share(profile.total),
        "(total)".to_owned(),
    ]);
    table
}

fn times_head(times: &Times) -> String {
    let warm_up = match times.includes_warm_up {
        Some(true) => "warm-up runs are among them",
        Some(false) => "warm-up runs aren't among them",
        None => "up to TensorRT 8.4 warm-up runs are among them",
    };
    let (n_runs, compute) = (times.runs.len(), distribution_text(&times.distribution()));
    format!("times of {n_runs} runs, {}\ncompute: {compute}\n{warm_up}", times.generation)
}

/// What `tegrastats` says, line after line, in all.
fn tegrastats_head(samples: &[Sample]) -> String {
    let known: Vec<f64> = samples.iter().filter_map(|sample| sample.emc.utilization).map(|percent| percent.0).collect();
    let mut lines = vec![format!("log of tegrastats, {} lines", samples.len())];
    lines.push(if known.is_empty() {
        "memory controller: no line says how busy it is; only `sudo tegrastats` does".to_owned()
    } else {
        let mean = known.iter().sum::<f64>() / known.len() as f64;
        let largest = known.iter().copied().fold(0.0, f64::max);
        format!("memory controller: mean {mean:.1} %, largest {largest} %, in {} lines", known.len())
    });
    let mut clocks: Vec<u32> = samples.iter().filter_map(|sample| sample.emc.clock).map(|clock| clock.0).collect();
    clocks.sort_unstable();
    clocks.dedup();
    let clocks: Vec<String> = clocks.iter().map(ToString::to_string).collect();
    lines.extend((!clocks.is_empty()).then(|| format!("its clocks [MHz]: {}", clocks.join(", "))));
    lines.join("\n")
}

fn information_head(information: &LayerInformation) -> String {
    let LayerInformation { generation, layers, bindings } = information;
    format!("layer information of {} layers, {generation}\ninputs and outputs: {}", layers.len(), bindings.join(", "))
}

fn traffic(kernels: &[KernelTraffic]) -> Table {
    let mut table = Table::new(&[
        ("MiB", Align::Right),
        ("Counted at", Align::Left),
        ("NVTX range", Align::Left),
        ("Kernel", Align::Left),
    ]);
    for kernel in kernels {
        let range = kernel.ranges.last().cloned().unwrap_or_else(|| "-".to_owned());
        let megabytes = format!("{:.3}", kernel.bytes.mebibytes());
        table.row([megabytes, kernel.counter.name().to_owned(), range, kernel.kernel.clone()]);
    }
    table
}

fn engine_layers(information: &LayerInformation) -> Table {
    let mut table = Table::new(&[("Type", Align::Left), ("Layer", Align::Left)]);
    for layer in &information.layers {
        table.row([layer.kind.clone().unwrap_or_else(|| "-".to_owned()), layer.name.clone()]);
    }
    table
}
