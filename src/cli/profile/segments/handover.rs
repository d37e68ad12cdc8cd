//! What a change of accelerator costs beyond its two parts alone: both run one after the other on threads of their own, as a
//! schedule runs them.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::anyhow;

use super::lab::{Lab, Subject, provider};
use crate::backend::onnxruntime::{OnnxRuntimeError, Tensors};
use crate::backend::sim::crossing_bytes;
use crate::cli::failure::Failure;
use crate::cli::onnxruntime::{self, Part};
use crate::platform::Accelerator;
use crate::profile::{Handover, SegmentTimes};
use crate::run::Statistics;
use crate::run::executor::{Executor, Lane, Program, Work};
use crate::units::{Milliseconds, Nanoseconds};

/// Rounds of which the median counts, after some that don't.
const ROUNDS: usize = 30;
const WARM_UP: usize = 5;

/// Groups at which changes are measured, of `n_groups`: three, spread over the network.
pub(super) fn at(n_groups: usize) -> BTreeSet<usize> {
    [1, n_groups / 2, n_groups.saturating_sub(1)].into_iter().filter(|&group| (1..n_groups).contains(&group)).collect()
}

/// Changes from the one to the other accelerator, whose `times` alone are known.
pub(super) fn measure(
    lab: &Lab,
    subject: &Subject,
    [from, to]: [&Accelerator; 2],
    times: &[SegmentTimes],
) -> Result<Vec<Handover>, Failure> {
    let entered = times.iter().find(|times| times.accelerator == to.name);
    let Some(entered) = entered else { return Ok(Vec::new()) };
    let mut handovers = Vec::new();
    for group in at(subject.groups.len()) {
        let name = &subject.network.value.name;
        lab.progress.set_message(format!("{name} from {} to {} before group {}", from.name, to.name, group + 1));
        let alone = entered.from[group - 1].value.0;
        let mut costs = Vec::new();
        for _ in 0..lab.arguments.repeats {
            costs.push(both(lab, subject, [from, to], group)?.0 - alone);
            lab.progress.inc(1);
        }
        costs.sort_by(f64::total_cmp);
        handovers.push(Handover {
            group,
            from: from.name.clone(),
            to: to.name.clone(),
            crossing: crossing_bytes(&subject.network.value, lab.platform, subject.groups[group].first),
            cost: Milliseconds(costs[costs.len() / 2]),
        });
    }
    Ok(handovers)
}

/// Median time from the end of the first part to the end of the second.
fn both(lab: &Lab, subject: &Subject, [from, to]: [&Accelerator; 2], group: usize) -> Result<Milliseconds, Failure> {
    let ranges = [subject.layers(0, group), subject.layers(group, subject.groups.len())];
    let name = &subject.network.value.name;
    let tensors = Tensors::default();
    let work = |part: usize| Work {
        task: name.clone(),
        layers: ranges[part],
        after: if part == 0 { Vec::new() } else { vec![0] },
        release: Nanoseconds::ZERO,
    };
    let inputs = Arc::new(onnxruntime::input_names(&subject.model)?);
    let lane = |part: usize, accelerator: &Accelerator| -> Result<Lane<OnnxRuntimeError>, Failure> {
        let model = Part {
            what: format!("{name} {}", ranges[part]),
            model: Arc::new(subject.part(ranges[part])?),
            tensors: tensors.clone(),
            inputs: Arc::clone(&inputs),
        };
        let provider = provider(accelerator)?;
        Ok(onnxruntime::lane(&accelerator.name, vec![part], lab.runtime, provider, vec![model], lab.arguments.seed))
    };
    let program = Program { segments: vec![work(0), work(1)], lanes: vec![lane(0, from)?, lane(1, to)?] };
    let mut executor = Executor::start(vec![program], onnxruntime::executor_options(Arc::default())).map_err(failed)?;
    let mut times = Vec::new();
    for round in 0..WARM_UP + ROUNDS {
        let record = executor.round(0).map_err(failed)?;
        if round >= WARM_UP {
            times.push(record.spans[1].end - record.spans[0].end);
        }
    }
    Ok(Statistics::of(times.into_iter()).median)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    anyhow!("{error}").into()
}
