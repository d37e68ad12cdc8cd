//! What a change of accelerator costs beyond its two parts alone: both run one after the other on threads of their own, as a
//! schedule runs them.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::anyhow;

use super::lab::{Lab, Subject};
use crate::backend::onnxruntime::{OnnxRuntimeError, Tensors};
use crate::backend::sim::crossing_bytes;
use crate::cli::failure::Failure;
use crate::cli::onnxruntime::{self, Part, SharedSession};
use crate::platform::Accelerator;
use crate::profile::Handover;
use crate::run::Statistics;
use crate::run::executor::{Executor, ExecutorOptions, Lane, Program, Work};
use crate::units::{Milliseconds, Nanoseconds};

/// Rounds of which the median counts, after some that don't.
const ROUNDS: usize = 15;
const WARM_UP: usize = 3;

/// Groups at which changes are measured, of `n_groups`: three, spread over the network.
pub(super) fn at(n_groups: usize) -> BTreeSet<usize> {
    [1, n_groups / 2, n_groups.saturating_sub(1)].into_iter().filter(|&group| (1..n_groups).contains(&group)).collect()
}

/// Changes between all accelerators of the platform, once.
pub(super) fn measure(lab: &Lab, subject: &Subject) -> Result<Vec<Handover>, Failure> {
    let network = &subject.network.value;
    let mut handovers = Vec::new();
    for from in &lab.platform.accelerators {
        for to in lab.platform.accelerators.iter().filter(|to| to.name != from.name) {
            for group in at(subject.groups.len()) {
                let names = format!("{} from {} to {}", network.name, from.name, to.name);
                lab.progress.set_message(format!("{names} before group {}", group + 1));
                handovers.push(Handover {
                    group,
                    from: from.name.clone(),
                    to: to.name.clone(),
                    crossing: crossing_bytes(network, lab.platform, subject.groups[group].first),
                    cost: cost(lab, subject, [from, to], group)?,
                });
                lab.progress.inc(1);
            }
        }
    }
    Ok(handovers)
}

/// Every change at the median of its costs in `repeats`, which hold the same changes in the same order.
pub(super) fn medians(repeats: &[Vec<Handover>]) -> Vec<Handover> {
    let first = repeats.first().into_iter().flatten().enumerate();
    let median = |(idx, handover): (usize, &Handover)| {
        let mut costs: Vec<f64> = repeats.iter().map(|repeat| repeat[idx].cost.0).collect();
        costs.sort_by(f64::total_cmp);
        Handover { cost: Milliseconds(costs[costs.len() / 2]), ..handover.clone() }
    };
    first.map(median).collect()
}

/// From the end of the first part on `from` to the end of the second on `to`, less what the second takes there alone: medians
/// of rounds in turn.
fn cost(lab: &Lab, subject: &Subject, [from, to]: [&Accelerator; 2], group: usize) -> Result<Milliseconds, Failure> {
    let ranges = [subject.layers(0, group), subject.layers(group, subject.groups.len())];
    let name = &subject.network.value.name;
    let inputs = Arc::new(onnxruntime::input_names(&subject.model)?);
    let models = [Arc::new(subject.part(ranges[0])?), Arc::new(subject.part(ranges[1])?)];
    let tensors = Tensors::default();
    let work = |part: usize, after: Vec<usize>| Work {
        task: name.clone(),
        layers: ranges[part],
        after,
        release: Nanoseconds::ZERO,
    };
    let lane = |segment: usize, part: usize, on: &Accelerator| -> Result<Lane<OnnxRuntimeError>, Failure> {
        let model = Part {
            what: format!("{name} {}", ranges[part]),
            model: Arc::clone(&models[part]),
            tensors: tensors.clone(),
            inputs: Arc::clone(&inputs),
            session: SharedSession::default(),
        };
        let provider = onnxruntime::provider(on)?;
        Ok(onnxruntime::lane(&on.name, vec![segment], lab.runtime, provider, vec![model], lab.arguments.seed))
    };
    let both = Program {
        segments: vec![work(0, Vec::new()), work(1, vec![0])],
        lanes: vec![lane(0, 0, from)?, lane(1, 1, to)?],
    };
    // It reads what the first part left when both ran.
    let alone = Program { segments: vec![work(1, Vec::new())], lanes: vec![lane(0, 1, to)?] };
    let options = ExecutorOptions::loading(Arc::default());
    let mut executor = Executor::start(vec![both, alone], options).map_err(failed)?;
    let [mut handed_over, mut by_itself] = [Vec::new(), Vec::new()];
    for round in 0..WARM_UP + ROUNDS {
        let [both, alone] = [executor.round(0).map_err(failed)?, executor.round(1).map_err(failed)?];
        if round >= WARM_UP {
            handed_over.push(both.spans[1].end - both.spans[0].end);
            by_itself.push(alone.spans[0].end - alone.spans[0].start);
        }
    }
    let median = |times: Vec<Nanoseconds>| Statistics::of(times.into_iter()).median;
    Ok(Milliseconds(median(handed_over).0 - median(by_itself).0))
}

fn failed(error: impl std::fmt::Display) -> Failure {
    anyhow!("{error}").into()
}
