//! The forms of `trtexec`, written from runs that this program measured or simulated: the log and the profile of TensorRT
//! 8.6 and newer.

use std::fmt::Write;

use super::log::{Distribution, LoggedDevice};
use super::times::mean;
use crate::backend::{EngineSamples, RunPlan};
use crate::units::{Milliseconds, Percent};

/// Percentiles that a summary prints.
const PERCENTILES: [Percent; 3] = [Percent(90.0), Percent(95.0), Percent(99.0)];

/// The name by which this program's simulator signs what it writes.
pub const SIMULATOR: &str = "haxconn.simulator";

/// Means over a few runs that are written at the beginning of a log, and as many at its end; what is between is counted, as
/// TensorRT 10 does in a long log.
const AVERAGES_SHOWN: usize = 10_000;

/// The console's log of runs by `plan` that `program` did on `device` for `command`, with the table of layers where there
/// are samples of layers.
pub fn write_log(
    samples: &EngineSamples,
    plan: &RunPlan,
    program: &str,
    device: Option<&LoggedDevice>,
    command: &str,
) -> String {
    let mut log = Lines::default();
    let walltime: f64 = samples.compute.iter().map(|time| time.0).sum();
    log.0 = format!("&&&& RUNNING {program} # {command}\n");
    if let Some(device) = device {
        log.line("=== Device Information ===");
        log.line(&format!("Selected Device: {}", device.name));
        if let Some(capability) = &device.compute_capability {
            log.line(&format!("Compute Capability: {capability}"));
        }
    }
    log.line(&format!("Warmup completed over {} ms", plan.warm_up.0));
    log.line(&format!("Timing trace has {} queries over {} s", samples.compute.len(), significant(walltime / 1e3)));
    averages(samples, plan.average_runs.max(1) as usize, &mut log);
    log.line("");
    log.line("=== Performance summary ===");
    log.line(&format!("Throughput: {} qps", significant(samples.compute.len() as f64 / walltime * 1e3)));
    for (name, times) in
        [("Latency", &samples.compute), ("Enqueue Time", &samples.enqueue), ("GPU Compute Time", &samples.compute)]
    {
        log.line(&format!("{name}: {}", distribution(times)));
    }
    log.line(&format!("Total Host Walltime: {} s", significant(walltime / 1e3)));
    log.line(&format!("Total GPU Compute Time: {} s", significant(walltime / 1e3)));
    if !samples.layers.is_empty() {
        table(samples, &mut log);
    }
    log.0 + &format!("&&&& PASSED {program} # {command}\n")
}

/// `--exportProfile` of the layers of `samples`, signed by `program`.
pub fn write_profile(samples: &EngineSamples, program: &str) -> String {
    let all: f64 = samples.layers.iter().flat_map(|layer| &layer.times).map(|time| time.0).sum();
    let mut text = format!("[\n  {{ \"count\" : {}, \"program\" : \"{program}\" }}\n", profiled_runs(samples));
    for layer in &samples.layers {
        let sum: f64 = layer.times.iter().map(|time| time.0).sum();
        // What TensorRT itself writes is no JSON where a name holds a quote; ours is.
        let name = serde_json::Value::from(&*layer.name);
        let _ = writeln!(
            text,
            ", {{ \"name\" : {name}, \"timeMs\" : {}, \"averageMs\" : {}, \"medianMs\" : {}, \"percentage\" : {} }}",
            significant(sum),
            significant(mean(&layer.times)),
            significant(median(&layer.times)),
            significant(sum / all * 100.0)
        );
    }
    text.push_str("]\n");
    text
}

fn averages(samples: &EngineSamples, runs: usize, log: &mut Lines) {
    let n_averages = samples.compute.len() / runs;
    let omitted = AVERAGES_SHOWN..n_averages.saturating_sub(AVERAGES_SHOWN).max(AVERAGES_SHOWN);
    let pairs = samples.compute.chunks_exact(runs).zip(samples.enqueue.chunks_exact(runs));
    for (idx, (compute, enqueue)) in pairs.enumerate() {
        if omitted.start == idx && !omitted.is_empty() {
            log.line(&format!("... Omitting {} lines", omitted.len()));
        }
        if omitted.contains(&idx) {
            continue;
        }
        let (compute, enqueue) = (significant(mean(compute)), significant(mean(enqueue)));
        log.line(&format!(
            "Average on {runs} runs - GPU latency: {compute} ms - Host latency: {compute} ms (enqueue {enqueue} ms)"
        ));
    }
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, line: &str) {
        self.0.push_str("[I] ");
        self.0.push_str(line);
        self.0.push('\n');
    }
}

fn table(samples: &EngineSamples, log: &mut Lines) {
    let sums: Vec<f64> = samples.layers.iter().map(|layer| layer.times.iter().map(|time| time.0).sum()).collect();
    let all: f64 = sums.iter().sum();
    let runs = profiled_runs(samples);
    log.line("");
    log.line(&format!("=== Profile ({runs} iterations ) ==="));
    log.line("   Time(ms)     Avg.(ms)   Median(ms)   Time(%)   Layer");
    for (layer, &sum) in samples.layers.iter().zip(&sums) {
        let (mean, median) = (mean(&layer.times), median(&layer.times));
        log.line(&format!("{sum:>11.2}{mean:>13.4}{median:>13.4}{:>10.1}   {}", sum / all * 100.0, layer.name));
    }
    let medians: f64 = samples.layers.iter().map(|layer| median(&layer.times)).sum();
    log.line(&format!("{all:>11.2}{:>13.4}{medians:>13.4}{:>10.1}   Total", all / runs.max(1) as f64, 100.0));
    log.line("");
}

fn profiled_runs(samples: &EngineSamples) -> usize {
    samples.layers.iter().map(|layer| layer.times.len()).max().unwrap_or(0)
}

fn distribution(times: &[Milliseconds]) -> String {
    let Distribution { min, max, median, percentiles, .. } = Distribution::of(times, &PERCENTILES);
    let [min, max, mean, median] = [min.0, max.0, mean(times), median.0].map(significant);
    let mut text = format!("min = {min} ms, max = {max} ms, mean = {mean} ms, median = {median} ms");
    for (percent, time) in percentiles {
        let _ = write!(text, ", percentile({}%) = {} ms", percent.0, significant(time.0));
    }
    text
}

fn median(times: &[Milliseconds]) -> f64 {
    Distribution::of(times, &[]).median.0
}

/// Six significant digits, as a C++ stream prints a number, without an exponent.
fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm is far below 2^31")]
    let digits = 5 - value.abs().log10().floor() as i32;
    let decimals = usize::try_from(digits).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
