//! The console's log of `trtexec`: its summary, its averages, and the table of layers where it holds one.

use std::fmt;

use super::error::ReadError;
use super::generation::{Generation, Version};
use super::profile::Profile;
use super::table;
use crate::units::{Milliseconds, Percent};

/// What a log says.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    /// Which TensorRT may have written it.
    pub generation: Generation,
    /// The program, where the log names it: `TensorRT.trtexec`, or this one.
    pub program: Option<String>,
    /// The command line, where the log repeats it.
    pub command: Option<String>,
    /// On what it ran, where the log says it.
    pub device: Option<LoggedDevice>,
    /// Whether layers were profiled, whether the profile was exported, and whether both happened in runs of their own, where
    /// the log lists its options.
    pub(super) profile_option: Option<bool>,
    pub(super) export_option: Option<bool>,
    pub(super) separate_option: Option<bool>,
    /// Counted runs.
    pub runs: Option<u64>,
    /// Time from the first kernel's start to the last one's end.
    pub compute: Option<Distribution>,
    /// Time of input copy, computation and output copy.
    pub latency: Option<Distribution>,
    /// Time that the host took to hand a run to the device.
    pub enqueue: Option<Distribution>,
    /// Means over a few runs each, in their order.
    pub averages: Vec<Average>,
    /// Runs per second.
    pub throughput: Option<f64>,
    /// The table of layers.
    pub profile: Option<Profile>,
}

/// The device of a run, as TensorRT 7.2 and newer name it before they run anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoggedDevice {
    /// As the CUDA driver calls it.
    pub name: String,
    /// Major and minor number, `8.7`.
    pub compute_capability: Option<String>,
}

impl fmt::Display for LoggedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name)?;
        self.compute_capability.as_ref().map_or(Ok(()), |capability| write!(f, " (compute capability {capability})"))
    }
}

/// How a time is distributed over runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The shortest.
    pub min: Milliseconds,
    /// The longest.
    pub max: Milliseconds,
    /// The mean; absent of the enqueue time in TensorRT 7.
    pub mean: Option<Milliseconds>,
    /// The median.
    pub median: Milliseconds,
    /// Percentiles, in the order in which they are printed.
    pub percentiles: Vec<(Percent, Milliseconds)>,
}

/// The mean over some consecutive runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Average {
    /// Number of runs.
    pub runs: u64,
    /// Mean compute time.
    pub compute: Milliseconds,
}

impl Log {
    /// Runs that were in flight at a time, by the command line; such runs slow each other.
    pub fn streams(&self) -> u32 {
        let words = self.command.iter().flat_map(|command| command.split_whitespace());
        let value = |word: &str| {
            ["--streams=", "--infStreams="].iter().find_map(|option| word.strip_prefix(option)?.parse().ok())
        };
        words.filter_map(value).next_back().unwrap_or(1)
    }

    /// Whether `trtexec` was told to print its table of layers, which it does at its end.
    fn asked_for_table(&self) -> bool {
        let has_option = |command: &String| command.split_whitespace().any(|word| word == "--dumpProfile");
        self.command.as_ref().map_or(self.profile_option == Some(true), has_option)
    }

    /// Whether the summary was taken while the profiler was attached, which makes runs slower; `None` where nothing
    /// tells. TensorRT 7.1 attaches it for `--dumpProfile` and for `--exportTimes`; later ones for `--dumpProfile` and
    /// `--exportProfile`, unless `--separateProfileRun` is given. From 8.4 on such runs have no summary at all.
    pub fn was_profiled(&self) -> Option<bool> {
        if self.generation.first >= Version(8, 4) {
            return Some(false);
        }
        if let Some(command) = &self.command {
            let has = |option: &str| command.contains(option);
            let is_oldest = self.generation.last <= Some(Version(7, 1)) && self.generation.last.is_some();
            return Some(if is_oldest {
                has("--dumpProfile") || has("--exportTimes")
            } else {
                (has("--dumpProfile") || has("--exportProfile")) && !has("--separateProfileRun")
            });
        }
        let options = self.profile_option.or(self.export_option).map(|_| {
            let profiles = self.profile_option == Some(true) || self.export_option == Some(true);
            profiles && self.separate_option != Some(true)
        });
        options.or_else(|| self.profile.is_none().then_some(false))
    }
}

/// What the summary's lines are looked for by, and where it goes.
struct Summary<'t> {
    /// Heading of the block that lines belong to, up to TensorRT 7.
    block: Option<(&'t str, usize, Block)>,
    log: Log,
    /// Line of the compute time's summary.
    compute_line: Option<usize>,
}

/// A block of `min: .. ms` lines as far as it is read.
#[derive(Default)]
struct Block {
    min: Option<Milliseconds>,
    max: Option<Milliseconds>,
    mean: Option<Milliseconds>,
    median: Option<Milliseconds>,
    percentiles: Vec<(Percent, Milliseconds)>,
}

const BLOCKS: [&str; 3] = ["Host Latency", "Enqueue Time", "GPU Compute"];

/// Reads a log.
pub(super) fn read(text: &str) -> Result<Log, ReadError> {
    let lines: Vec<&str> = text.lines().map(without_remark).collect();
    let generation = Generation::since(Version(7, 1));
    let log = Log {
        generation,
        program: None,
        command: None,
        device: None,
        profile_option: None,
        export_option: None,
        separate_option: None,
        runs: None,
        compute: None,
        latency: None,
        enqueue: None,
        averages: Vec::new(),
        throughput: None,
        profile: None,
    };
    let mut summary = Summary { block: None, log, compute_line: None };
    let mut next = 0;
    while let Some(line) = lines.get(next) {
        if line.starts_with("=== Profile (") {
            summary.close_block()?;
            if summary.log.profile.is_some() {
                return Err(second(next + 1, "table of layers"));
            }
            let (profile, after) = table::read(&lines, next)?;
            summary.narrow(profile.generation.clone());
            summary.log.profile = Some(profile);
            next = after;
        } else {
            summary.line(next + 1, line)?;
            next += 1;
        }
    }
    summary.close_block()?;
    finished(summary.log, &lines)
}

fn second(line: usize, what: &str) -> ReadError {
    ReadError::at(line, "one run of trtexec", format!("a second {what}: logs of several runs are mixed"))
}

/// A log without a result is none, or that of a failure, or cut off. So is one that lacks its end, or the table that it was
/// asked for.
fn finished(log: Log, lines: &[&str]) -> Result<Log, ReadError> {
    let last = lines.len().max(1);
    let begins = |words: &str| lines.iter().position(|line| line.starts_with(words));
    let has_result = log.compute.is_some() || log.profile.is_some();
    let expected = "a summary with the GPU's compute time, or a table of layers";
    if let Some(idx) = begins("&&&& FAILED") {
        return Err(ReadError::line(idx + 1, "the log of a run that passed", lines[idx]));
    }
    let has_end = begins("&&&& PASSED").is_some();
    let cut_off = log.command.is_some() && !has_end;
    match (has_result, cut_off) {
        (false, false) if log.command.is_none() => {
            Err(ReadError::at(last, expected, "nothing of it: no log of trtexec, or one of another language"))
        }
        (false, _) => {
            Err(ReadError::at(last, expected, "the end of the log: it was cut off, or trtexec ran no inference"))
        }
        (true, true) => {
            Err(ReadError::at(last, "`&&&& PASSED ..`, with which a log ends", "the end of the log: it was cut off"))
        }
        (true, false) if log.profile.is_none() && log.asked_for_table() => {
            Err(ReadError::at(last, "the table of layers that was asked for", "the end of the log: it was cut off"))
        }
        (true, false) => Ok(log),
    }
}

impl<'t> Summary<'t> {
    fn narrow(&mut self, other: Generation) {
        self.log.generation = self.log.generation.clone().and(other);
    }

    fn line(&mut self, number: usize, line: &'t str) -> Result<(), ReadError> {
        if let Some(block) = BLOCKS.iter().find(|block| line == **block) {
            self.close_block()?;
            self.narrow(Generation::between(Version(7, 1), Version(7, 2)));
            self.block = Some((block, number, Block::default()));
            return Ok(());
        }
        if let Some((_, _, block)) = &mut self.block
            && block.take(number, line)?
        {
            return Ok(());
        }
        if let Some((name, rest)) = line.split_once(": ") {
            self.named(number, name, rest)?;
        }
        self.other(number, line)
    }

    /// Lines `NAME: ..`, from TensorRT 8 on.
    fn named(&mut self, number: usize, name: &str, rest: &str) -> Result<(), ReadError> {
        match name {
            "GPU Compute Time" if rest.starts_with("min") => {
                let distribution = distribution(number, rest)?;
                self.set_compute(number, distribution)?;
                self.narrow(Generation::since(Version(8, 0)));
                let many = self.log.compute.as_ref().is_some_and(|compute| compute.percentiles.len() > 1);
                if many {
                    self.narrow(Generation::since(Version(8, 5)));
                }
            }
            "Latency" if rest.starts_with("min") => self.log.latency = Some(distribution(number, rest)?),
            "Enqueue Time" if rest.starts_with("min") => self.log.enqueue = Some(distribution(number, rest)?),
            "End-to-End Host Latency" if rest.starts_with("min") => {
                self.narrow(Generation::between(Version(8, 0), Version(8, 2)));
            }
            // The verbose log explains each figure under the same name.
            "Throughput" | "throughput" if rest.starts_with(|c: char| c.is_ascii_digit()) => {
                self.log.throughput = Some(number_before(number, rest, "qps")?);
            }
            "Profile" | "Dump profile" => self.log.profile_option = enabled(rest),
            "Separate profiling" => self.log.separate_option = enabled(rest),
            "Export profile to JSON file" => self.log.export_option = Some(!rest.trim().is_empty()),
            "Selected Device" => {
                self.log.device = Some(LoggedDevice { name: rest.trim().to_owned(), compute_capability: None });
            }
            "Compute Capability" => {
                if let Some(device) = &mut self.log.device {
                    device.compute_capability = Some(rest.trim().to_owned());
                }
            }
            "TensorRT version" => {
                if let Some(exact) = Generation::of_number(rest.trim()) {
                    self.narrow(exact);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Lines of other forms.
    fn other(&mut self, number: usize, line: &'t str) -> Result<(), ReadError> {
        if let Some(rest) = line.strip_prefix("&&&& RUNNING ") {
            let (banner, command) = rest.split_once(" # ").unwrap_or((rest, ""));
            if self.log.command.is_some() {
                return Err(second(number, "beginning of one"));
            }
            self.log.command = Some(command.to_owned());
            let (program, version) = banner.split_once(" [TensorRT v").unwrap_or((banner, ""));
            self.log.program = Some(program.to_owned());
            if let Some(exact) = version.split_once(']').and_then(|(version, _)| Generation::of_number(version)) {
                self.narrow(exact);
            }
        } else if let Some(rest) = line.strip_prefix("Timing trace has ") {
            let runs = rest.split_once(' ').and_then(|(count, _)| count.parse().ok());
            self.log.runs = Some(runs.ok_or_else(|| ReadError::line(number, "a number of queries", line))?);
        } else if let Some(rest) = line.strip_prefix("Average on ") {
            self.log.averages.push(average(number, line, rest)?);
        }
        Ok(())
    }

    fn set_compute(&mut self, number: usize, distribution: Distribution) -> Result<(), ReadError> {
        if self.compute_line.replace(number).is_some() {
            return Err(second(number, "summary of the compute time"));
        }
        self.log.compute = Some(distribution);
        Ok(())
    }

    fn close_block(&mut self) -> Result<(), ReadError> {
        let Some((name, line, block)) = self.block.take() else { return Ok(()) };
        let distribution = block.distribution(name, line)?;
        match name {
            "GPU Compute" => self.set_compute(line, distribution)?,
            "Host Latency" => self.log.latency = Some(distribution),
            _ => self.log.enqueue = Some(distribution),
        }
        Ok(())
    }
}

impl Block {
    /// Takes a line of the block; `false` where it isn't one.
    fn take(&mut self, number: usize, line: &str) -> Result<bool, ReadError> {
        let Some((name, rest)) = line.split_once(": ") else { return Ok(false) };
        let slot = match name {
            "min" => &mut self.min,
            "max" => &mut self.max,
            "mean" => &mut self.mean,
            "median" => &mut self.median,
            "percentile" => {
                let at = rest.split_once(" ms at ").and_then(|(_, rest)| rest.split_once('%'));
                let percent = at.and_then(|(percent, _)| percent.parse().ok());
                let percent = percent.ok_or_else(|| ReadError::line(number, "`percentile: X ms at P%`", line))?;
                self.percentiles.push((Percent(percent), time(number, rest)?));
                return Ok(true);
            }
            _ => return Ok(false),
        };
        if slot.replace(time(number, rest)?).is_some() {
            return Err(second(number, &format!("`{name}` in one block")));
        }
        Ok(true)
    }

    fn distribution(self, name: &str, line: usize) -> Result<Distribution, ReadError> {
        let missing = |what| ReadError::at(line, format!("`{what}: X ms` in the block `{name}`"), "a block without it");
        let needs_mean = name != "Enqueue Time";
        Ok(Distribution {
            min: self.min.ok_or_else(|| missing("min"))?,
            max: self.max.ok_or_else(|| missing("max"))?,
            mean: if needs_mean { Some(self.mean.ok_or_else(|| missing("mean"))?) } else { self.mean },
            median: self.median.ok_or_else(|| missing("median"))?,
            percentiles: self.percentiles,
        })
    }
}

/// `min = A ms, max = B ms, mean = C ms, median = D ms, percentile(P%) = E ms, ..`
fn distribution(number: usize, text: &str) -> Result<Distribution, ReadError> {
    let mut block = Block::default();
    for part in text.split(", ") {
        let malformed = || ReadError::line(number, "`NAME = X ms`", part);
        let (name, value) = part.split_once(" = ").ok_or_else(malformed)?;
        let value = time(number, value)?;
        match name.trim() {
            "min" => block.min = Some(value),
            "max" => block.max = Some(value),
            "mean" => block.mean = Some(value),
            "median" => block.median = Some(value),
            name => {
                let percent = name.strip_prefix("percentile(").and_then(|rest| rest.strip_suffix("%)"));
                let percent = percent.and_then(|percent| percent.parse().ok()).ok_or_else(malformed)?;
                block.percentiles.push((Percent(percent), value));
            }
        }
    }
    block.distribution("summary", number)
}

/// `Average on N runs - GPU latency: X ms - ..`, less its first words.
fn average(number: usize, line: &str, rest: &str) -> Result<Average, ReadError> {
    let malformed = || ReadError::line(number, "`Average on N runs - GPU latency: X ms - ..`", line);
    let (runs, rest) = rest.split_once(" runs - GPU latency: ").ok_or_else(malformed)?;
    let runs = runs.parse().ok().filter(|&runs| runs > 0).ok_or_else(malformed)?;
    Ok(Average { runs, compute: time(number, rest)? })
}

/// What an option's line says.
fn enabled(text: &str) -> Option<bool> {
    match text.trim() {
        "Enabled" => Some(true),
        "Disabled" => Some(false),
        _ => None,
    }
}

/// The time with which `text` begins, `X ms`.
fn time(number: usize, text: &str) -> Result<Milliseconds, ReadError> {
    number_before(number, text, "ms").map(Milliseconds)
}

fn number_before(number: usize, text: &str, unit: &str) -> Result<f64, ReadError> {
    let mut words = text.split_whitespace();
    let value =
        words.next().and_then(|word| word.parse().ok()).filter(|value: &f64| value.is_finite() && *value >= 0.0);
    match (value, words.next()) {
        (Some(value), Some(word)) if word.trim_end_matches([',', ')']) == unit => Ok(value),
        _ => Err(ReadError::line(number, format!("a number, with a decimal point, in {unit}"), text)),
    }
}

/// A line as [`without_prefix`] leaves it; of a warning or a verbose remark, which may come anywhere and says nothing of
/// times, nothing.
fn without_remark(line: &str) -> &str {
    let start = line.trim_start();
    let after_date = start.split_once("] ").map_or("", |(_, rest)| rest);
    let has_level =
        |level: &&str| start.starts_with(*level) || (start.starts_with('[') && after_date.starts_with(*level));
    if ["[W]", "[V]"].iter().any(has_level) { REMARK } else { without_prefix(line) }
}

/// What stands for a line that says nothing.
pub(super) const REMARK: &str = "\u{0}";

/// A line without `[MM/DD/YYYY-HH:MM:SS] [I] ` and `[TRT] `.
fn without_prefix(line: &str) -> &str {
    let mut rest = line.trim_end();
    // A log that was pasted elsewhere is indented; the rows of its table are, too, but after their prefix.
    if rest.trim_start().starts_with('[') {
        rest = rest.trim_start();
    }
    if let Some(after) = rest.strip_prefix('[')
        && after.starts_with(|c: char| c.is_ascii_digit())
        && let Some((_, after)) = after.split_once("] ")
    {
        rest = after;
    }
    for level in ["[I]", "[W]", "[E]", "[F]", "[V]"] {
        if let Some(after) = rest.strip_prefix(level) {
            rest = after.strip_prefix(' ').unwrap_or(after);
        }
    }
    rest.strip_prefix("[TRT] ").unwrap_or(rest)
}
