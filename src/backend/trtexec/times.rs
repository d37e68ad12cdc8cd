//! Times of single runs: `--exportTimes`.

use super::error::ReadError;
use super::generation::{Generation, Version};
use super::log::Distribution;
use super::scanner::{Scanner, Value};
use crate::units::{Milliseconds, Percent};

/// Every run of an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct Times {
    /// Which TensorRT may have written it.
    pub generation: Generation,
    /// The runs, in their order.
    pub runs: Vec<Run>,
    /// Whether runs of the warm-up are among them: TensorRT wrote them up to 8.4. `None` where the form doesn't tell.
    pub includes_warm_up: Option<bool>,
}

/// One run of an engine; moments are counted from the program's first run.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Run {
    /// When the host began and ended handing it to the device.
    pub enqueue: [Milliseconds; 2],
    /// When its input was copied to the device.
    pub input: [Milliseconds; 2],
    /// When the device computed. Six digits are written, so that late moments are coarse: see `compute_time`.
    pub compute: [Milliseconds; 2],
    /// Time of its computation.
    pub compute_time: Milliseconds,
    /// Time of input copy, computation and output copy.
    pub latency: Milliseconds,
}

impl Times {
    /// How the compute times of all runs are distributed.
    pub fn distribution(&self) -> Distribution {
        Distribution::of(&self.runs.iter().map(|run| run.compute_time).collect::<Vec<_>>(), &[])
    }

    /// Compute times of the runs that begin at `warm_up` or later.
    pub fn compute_after(&self, warm_up: Milliseconds) -> Vec<Milliseconds> {
        self.runs.iter().filter(|run| run.compute[0] >= warm_up).map(|run| run.compute_time).collect()
    }

    /// Compute times of the last `runs` runs, or of all where there are fewer.
    pub fn last_compute(&self, runs: u64) -> Vec<Milliseconds> {
        let skipped = self.runs.len().saturating_sub(usize::try_from(runs).unwrap_or(usize::MAX));
        self.runs[skipped..].iter().map(|run| run.compute_time).collect()
    }
}

impl Distribution {
    /// How `times` are distributed, with these percentiles: of each, the longest time but for the share above it, rounded
    /// down. All are zero where there are no times.
    pub(super) fn of(times: &[Milliseconds], percentiles: &[Percent]) -> Self {
        let mut sorted = times.to_vec();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        let n = sorted.len();
        let at = |idx: usize| sorted.get(idx).copied().unwrap_or_default();
        let percentile = |percent: &Percent| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
            let excluded = ((1.0 - percent.0 / 100.0) * n as f64) as usize;
            (*percent, at(n.saturating_sub(1 + excluded)))
        };
        Self {
            min: at(0),
            max: at(n.saturating_sub(1)),
            mean: Some(Milliseconds(mean(&sorted))),
            median: Milliseconds(f64::midpoint(at(n.saturating_sub(1) / 2).0, at(n / 2).0)),
            percentiles: percentiles.iter().map(percentile).collect(),
        }
    }
}

/// The mean of `times` [ms]; zero where there are none.
pub(super) fn mean(times: &[Milliseconds]) -> f64 {
    times.iter().map(|time| time.0).sum::<f64>() / times.len().max(1) as f64
}

/// Reads `--exportTimes`: a list of objects of numbers.
pub(super) fn read(text: &str) -> Result<Times, ReadError> {
    let mut scanner = Scanner::new(text);
    scanner.expect('[', "`[`, with which times begin")?;
    let mut form = Form::default();
    let mut runs = Vec::new();
    loop {
        runs.push(run(&mut scanner, &mut form)?);
        if !scanner.take(',') {
            break;
        }
    }
    scanner.expect(']', "a further run, or `]` at the end of the times")?;
    scanner.end()?;
    Ok(Times { generation: form.generation(), runs, includes_warm_up: form.includes_warm_up() })
}

/// Which keys there are.
#[derive(Clone, Copy, Default)]
struct Form {
    has_inputs: bool,
    has_end_to_end: bool,
}

impl Form {
    /// Up to TensorRT 7 the input's copy is `startInMs`, from 8 on `startH2dMs`; up to 8.2 there is `endToEndMs`.
    fn generation(self) -> Generation {
        match (self.has_inputs, self.has_end_to_end) {
            (true, _) => Generation::between(Version(7, 1), Version(7, 2)),
            (false, true) => Generation::between(Version(8, 0), Version(8, 2)),
            (false, false) => Generation::since(Version(8, 4)),
        }
    }

    fn includes_warm_up(self) -> Option<bool> {
        (self.has_inputs || self.has_end_to_end).then_some(true)
    }
}

fn run(scanner: &mut Scanner, form: &mut Form) -> Result<Run, ReadError> {
    let begin = scanner.position();
    let mut run = Run::default();
    let mut n_computes = 0;
    let mut is_wrong = false;
    scanner.object(&mut |key, value| {
        let Value::Number(number) = value else { return };
        let time = Milliseconds(number);
        is_wrong |= !number.is_finite();
        match key {
            "startEnqMs" => run.enqueue[0] = time,
            "endEnqMs" => run.enqueue[1] = time,
            "startInMs" | "startH2dMs" => run.input[0] = time,
            "endInMs" | "endH2dMs" => run.input[1] = time,
            "startComputeMs" => run.compute[0] = time,
            "endComputeMs" => run.compute[1] = time,
            "computeMs" => run.compute_time = time,
            "latencyMs" => run.latency = time,
            _ => {}
        }
        form.has_inputs |= key == "startInMs";
        form.has_end_to_end |= key == "endToEndMs";
        n_computes += usize::from(matches!(key, "startComputeMs" | "endComputeMs" | "computeMs"));
    })?;
    if n_computes != 3 || is_wrong || run.compute_time.0 < 0.0 {
        return scanner
            .refuse_at(begin, "a run with `startComputeMs`, `endComputeMs` and a `computeMs` that is a time");
    }
    if form.has_inputs {
        // TensorRT 7 writes the input's copy under the names of the enqueueing, and the other way round.
        std::mem::swap(&mut run.enqueue, &mut run.input);
    }
    Ok(run)
}
