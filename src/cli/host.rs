//! This machine's processor as a platform: divided into accelerators of some cores each, and measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, anyhow};
use indicatif::ProgressBar;

use super::board::HOST;
use super::failure::Failure;
use super::{inputs, onnxruntime, output, progress};
use crate::artifact::{self, HostPlatform, Partition};
use crate::backend::RunPlan;
use crate::backend::onnxruntime::stream::{BUFFER, Stream, throughputs};
use crate::backend::onnxruntime::{OnnxRuntime, available_cores, core_groups, measure, measure_grid, n_points};
use crate::network::{CONVOLUTIONS, onnx};
use crate::platform::{ContentionGrid, Provenance, Provider, Sourced};
use crate::profile::{ContentionModel, FittedContention};
use crate::units::{GigabytesPerSecond, Milliseconds};

/// Where the platform of this machine is written on first use.
pub(super) fn path() -> PathBuf {
    Path::new("output/platforms").join(format!("{HOST}.yaml"))
}

/// The convolution whose rate stands for the processor's: the most work of the shipped ones.
const CONVOLUTION: &str = "conv1_kernel5";

/// Time for each point that is measured where nobody asks for another.
pub(super) const POINT: Duration = Duration::from_millis(30);

/// Measures this machine and writes its platform to `out`; `split` are the numbers of cores of the accelerators.
/// Each point takes `point`.
pub(super) fn detect(split: &[usize], point: Duration, out: &Path, quiet: bool) -> Result<(), Failure> {
    let partitions = partitions(&available_cores(), split)?;
    let runtime = onnxruntime::open()?;
    let progress = progress::bar(partitions.len() * (n_points() + 2) + 2, quiet);
    let host = Bench { runtime: &runtime, point, progress: &progress }.measured(&partitions);
    progress.finish_and_clear();
    artifact::write_text(out, &artifact::write_host_platform(&host?)?)?;
    output::note(quiet, &format!("wrote {} (this machine: {})", out.display(), sizes(&partitions)));
    Ok(())
}

/// Cores of each accelerator, the first with the most. Cores that share their units stay together where that is possible.
fn partitions(cores: &[usize], split: &[usize]) -> Result<Vec<Vec<usize>>, Failure> {
    let n_cores = cores.len();
    let split = match split {
        [] if n_cores >= 2 => vec![n_cores - (n_cores / 4).max(1), (n_cores / 4).max(1)],
        [] => {
            return Err(Failure::no_backend("this process may use one core only, which can't be divided"));
        }
        split => split.to_vec(),
    };
    if split.contains(&0) || split.iter().sum::<usize>() > n_cores {
        return Err(Failure::usage(format!("`--split {}`: this process has {n_cores} cores", joined(&split)))
            .hint("give each accelerator at least one of them: `--split 12,4` of 16"));
    }
    // The smaller partitions take whole groups from the end, so that what is left over is the first one's.
    let mut ordered: Vec<usize> = core_groups(cores, siblings).into_iter().flatten().collect();
    let mut found: Vec<Vec<usize>> = split.iter().rev().map(|&n| ordered.split_off(ordered.len() - n)).collect();
    found.reverse();
    for cores in &mut found {
        cores.sort_unstable();
    }
    Ok(found)
}

/// Which cores share a core's units, as Linux lists them.
fn siblings(core: usize) -> Option<String> {
    fs::read_to_string(format!("/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list")).ok()
}

fn joined(numbers: &[usize]) -> String {
    numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn sizes(partitions: &[Vec<usize>]) -> String {
    let sizes: Vec<String> = partitions.iter().map(|cores| cores.len().to_string()).collect();
    format!("{} cores", sizes.join(" + "))
}

/// What a machine is measured with.
struct Bench<'a> {
    runtime: &'a OnnxRuntime,
    /// Time for each point.
    point: Duration,
    progress: &'a ProgressBar,
}

impl Bench<'_> {
    fn measured(&self, partitions: &[Vec<usize>]) -> Result<HostPlatform, Failure> {
        let Self { runtime, point, progress } = *self;
        let stream = |cores: &[usize]| Stream { cores: cores.to_vec(), arithmetic: 0 };
        progress.set_message("memory");
        let all: Vec<usize> = partitions.concat();
        let together: Vec<Stream> = partitions.iter().map(|cores| stream(cores)).collect();
        // What several streams reach is the peak where one over all cores reaches less.
        let sum = throughputs(&together, point * 10)?.iter().map(|it| it.0).sum::<f64>();
        progress.inc(1);
        let peak = throughputs(&[stream(&all)], point * 10)?[0].0.max(sum);
        progress.inc(1);
        let how =
            |what: &str| format!("{what}, each core reading {} MiB over and over, by haxconn", BUFFER.mebibytes());
        let mut measured = Vec::new();
        for (idx, cores) in partitions.iter().enumerate() {
            let name = format!("cpu{idx}");
            progress.set_message(name.clone());
            let others: Vec<usize> = partitions.iter().filter(|other| *other != cores).flatten().copied().collect();
            let bandwidth = throughputs(&[stream(cores)], point * 10)?[0].0;
            progress.inc(1);
            let compute_gmacs = self.convolution_rate(cores)?;
            progress.inc(1);
            let contention = contention(&name, [cores, &others], point, ContentionModel::Table, progress)?;
            measured.push(Partition {
                name,
                cores: cores.clone(),
                bandwidth: sourced(GigabytesPerSecond(bandwidth), how("read by these cores alone")),
                compute_gmacs: sourced(
                    compute_gmacs,
                    format!("{CONVOLUTION} by ONNX Runtime {} on these cores", runtime.version()),
                ),
                contention,
            });
        }
        let model = processor_model();
        Ok(HostPlatform {
            name: HOST.to_owned(),
            title: format!("{model}, {}", sizes(partitions)),
            peak_bandwidth: sourced(GigabytesPerSecond(peak), how("the most that all of the cores read")),
            sharing_efficiency: sourced((sum / peak).min(1.0), how("what the accelerators read together, of that")),
            partitions: measured,
        })
    }

    /// 10^9 multiply-accumulates a second that ONNX Runtime reaches on `cores`, by the median time of a convolution.
    fn convolution_rate(&self, cores: &[usize]) -> Result<f64, Failure> {
        let entry = CONVOLUTIONS.iter().find(|entry| entry.name == CONVOLUTION);
        let network = inputs::parse_builtin(entry.ok_or_else(|| anyhow!("`{CONVOLUTION}` isn't shipped"))?)?;
        let model = onnx::encode(&onnx::export(&network, 1)?.proto)?;
        let run = RunPlan {
            iterations: 5,
            warm_up: Milliseconds(0.0),
            duration: Milliseconds(self.point.as_secs_f64() * 1e4),
            average_runs: 1,
        };
        let provider = Provider::on_cores(cores.to_vec());
        let samples = measure(self.runtime, CONVOLUTION, &model, &provider, 1, &run, None)?;
        let mut times: Vec<f64> = samples.compute.iter().map(|time| time.0).collect();
        times.sort_by(f64::total_cmp);
        Ok(network.macs() as f64 / times[times.len() / 2] / 1e6)
    }
}

/// The contention curve of the accelerator called `name`, which is the first of the two sets of cores: streams on it beside
/// streams on the other, `point` for each point.
pub(super) fn contention(
    name: &str,
    [own, others]: [&[usize]; 2],
    point: Duration,
    model: ContentionModel,
    progress: &ProgressBar,
) -> Result<FittedContention, Failure> {
    progress.set_message(name.to_owned());
    let grid = measure_grid(own, others, point, || progress.inc(1))?;
    let size = format!("{name} of {} cores beside {}", own.len(), others.len());
    let grid = ContentionGrid::new(grid.own, grid.external, grid.achieved)
        .map_err(|error| anyhow!("the measured grid of {size}: {error}; is the machine busy?"))?;
    Ok(FittedContention::new(name, grid, model, Provenance::Measured, &format!("measured here, {size}")))
}

fn sourced<T>(value: T, source: String) -> Sourced<T> {
    Sourced { value, provenance: Provenance::Measured, source }
}

/// Clocks of `cores` at this moment, in words: what the frequency driver says, else Linux's list of processors, which in a virtual
/// machine is what the host states. `None` where neither tells.
pub(super) fn clocks(cores: &[usize]) -> Option<String> {
    let of_driver = |core: &usize| {
        let path = format!("/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq");
        fs::read_to_string(path).ok()?.trim().parse::<f64>().ok().map(|kilohertz| kilohertz / 1e3)
    };
    let driver: Option<Vec<f64>> = cores.iter().map(of_driver).collect();
    if let Some(range) = driver.as_deref().and_then(range) {
        return Some(format!("{range} by the frequency driver"));
    }
    let listed = listed_clocks(&fs::read_to_string("/proc/cpuinfo").ok()?);
    let listed: Option<Vec<f64>> = cores.iter().map(|core| listed.get(core).copied()).collect();
    range(&listed?).map(|range| format!("{range} by /proc/cpuinfo"))
}

/// `cores at 2400 to 2600 MHz`.
fn range(megahertz: &[f64]) -> Option<String> {
    let (lowest, highest) = (megahertz.iter().copied().reduce(f64::min)?, megahertz.iter().copied().reduce(f64::max)?);
    let most = if highest - lowest < 0.5 { String::new() } else { format!(" to {highest:.0}") };
    Some(format!("cores at {lowest:.0}{most} MHz"))
}

/// MHz of each processor in the text of `/proc/cpuinfo`, by its number.
fn listed_clocks(text: &str) -> BTreeMap<usize, f64> {
    let mut found = BTreeMap::new();
    let mut processor: Option<usize> = None;
    for (key, value) in text.lines().filter_map(|line| line.split_once(':')) {
        match key.trim() {
            "processor" => processor = value.trim().parse().ok(),
            "cpu MHz" => found.extend(processor.zip(value.trim().parse().ok())),
            _ => {}
        }
    }
    found
}

/// The processor's name, as Linux says it.
fn processor_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").context("no /proc/cpuinfo").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("model name"));
    let model = line.and_then(|line| line.split_once(": ")).map(|(_, model)| model.trim().to_owned());
    model.unwrap_or_else(|| "this machine's processor".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_of_the_cores_is_the_second_accelerator() {
        let sizes = |n: usize| {
            let cores: Vec<usize> = (0..n).collect();
            partitions(&cores, &[]).unwrap().iter().map(Vec::len).collect::<Vec<_>>()
        };
        assert_eq!([sizes(2), sizes(3), sizes(8), sizes(16)], [[1, 1], [2, 1], [6, 2], [12, 4]]);
        assert!(partitions(&[0], &[]).is_err());
    }

    #[test]
    fn clocks_are_those_of_the_cores() {
        let text = "processor\t: 0\ncpu MHz\t\t: 2400.5\n\nprocessor\t: 3\nmodel name\t: X: Y\ncpu MHz\t\t: 3100.0\n";
        let listed = listed_clocks(text);
        assert_eq!((listed.get(&0), listed.get(&1), listed.get(&3)), (Some(&2400.5), None, Some(&3100.0)));
        assert_eq!(range(&[2400.5, 3100.0]).as_deref(), Some("cores at 2400 to 3100 MHz"));
        assert_eq!(range(&[2400.0, 2400.1]).as_deref(), Some("cores at 2400 MHz"));
        assert_eq!(range(&[]), None);
    }

    #[test]
    fn a_split_is_within_the_cores_and_divides_them() {
        let found = partitions(&[0, 1, 2, 3, 4, 5], &[2, 3]).unwrap();
        let mut all = found.concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!((found[0].len(), found[1].len(), all.len()), (2, 3, 5));
        let refused = partitions(&[0, 1], &[2, 1]).unwrap_err();
        assert_eq!(refused.error.to_string(), "`--split 2,1`: this process has 2 cores");
        assert!(partitions(&[0, 1], &[2, 0]).is_err());
    }
}
