//! Whether a schedule's engines fit an accelerator: how many loadables it has at a time, and the memory that each gets.

use super::failure::Failure;
use super::posing::Posed;
use crate::group::{self, LayerRange};
use crate::network::{Network, TensorId};
use crate::platform::{Accelerator, LoadableMemory};
use crate::schedule::Decision;
use crate::units::Bytes;

const HINT: &str = "keep some of its layers on another accelerator with `--pin`, or allow more changes of accelerator";

/// Refuses a schedule that asks an accelerator for more loadables than it takes at a time, or for one that is larger than
/// the memory that it gets. Further frames run the engines of the first one.
pub(super) fn fit(posed: &Posed, decision: &Decision) -> Result<(), Failure> {
    for (machine, accelerator) in posed.platform.value.accelerators.iter().enumerate() {
        if accelerator.max_loadables.is_none() && accelerator.loadable_memory == LoadableMemory::default() {
            continue;
        }
        let tasks = 0..posed.problem.tasks.len();
        let engines = tasks.filter(|&task| posed.problem.leader(task) == task);
        let mut needed = 0;
        for task in engines {
            let loadables = loadables_of(posed, decision, task, machine, accelerator);
            needed += loadables.len();
            for layers in loadables {
                fits_memory(posed, task, &layers, accelerator)?;
            }
        }
        if let Some(most) = accelerator.max_loadables.filter(|&most| needed > most as usize) {
            let name = &accelerator.name;
            return Err(Failure::no_schedule(format!(
                "the schedule needs {needed} loadables on `{name}`, which takes {most}"
            ))
            .hint("allow fewer changes of accelerator with `--max-transitions`, or pin layers to another one"));
        }
    }
    Ok(())
}

fn loadables_of(
    posed: &Posed,
    decision: &Decision,
    task: usize,
    machine: usize,
    accelerator: &Accelerator,
) -> Vec<Vec<usize>> {
    let groups = posed.problem.tasks[task].groups.iter().zip(&decision.placement[task]);
    let placed: Vec<LayerRange> = groups.filter(|(_, on)| **on == machine).map(|(group, _)| group.layers).collect();
    let on_it = |layer| placed.iter().any(|layers| layers.contains(layer));
    group::loadables(&posed.networks[task].value, &accelerator.rules, on_it)
}

/// Refuses a loadable of these layers of a task that can't have its weights, or the tensors around one of its layers, in
/// the memory that it gets.
fn fits_memory(posed: &Posed, task: usize, layers: &[usize], accelerator: &Accelerator) -> Result<(), Failure> {
    let network = &posed.networks[task].value;
    let LoadableMemory { weights, tensors } = accelerator.loadable_memory;
    let bytes = |elements: u64| Bytes(elements.saturating_mul(posed.platform.value.bytes_per_element));
    let needs = [
        ("weights", weights, bytes(layers.iter().map(|&layer| network.layers[layer].weights).sum())),
        ("tensors between its layers", tensors, bytes(largest_tensors(network, layers))),
    ];
    for (what, limit, needed) in needs {
        let Some(limit) = limit.filter(|&limit| needed > limit) else { continue };
        let (first, last) = (layers.first().copied().unwrap_or(0), layers.last().copied().unwrap_or(0));
        return Err(Failure::no_schedule(format!(
            "layers {first}-{last} of `{}` are one loadable on `{}`, with {:.1} MiB of {what}, and it gets {:.1} MiB",
            posed.problem.tasks[task].name,
            accelerator.name,
            needed.mebibytes(),
            limit.mebibytes()
        ))
        .hint(HINT));
    }
    Ok(())
}

/// Most elements that lie at a time between layers of a loadable, at least: those that one of its layers reads and writes.
fn largest_tensors(network: &Network, layers: &[usize]) -> u64 {
    let is_inside = |&tensor: &TensorId| {
        let producer = network.tensor(tensor).producer;
        producer.is_some_and(|producer| layers.contains(&producer))
            && layers.iter().any(|&layer| network.layers[layer].bottoms.contains(&tensor))
    };
    let around = |&layer: &usize| {
        let layer = &network.layers[layer];
        let inside = layer.bottoms.iter().chain(&layer.tops).filter(|tensor| is_inside(tensor));
        inside.map(|&tensor| network.tensor(tensor).shape.elements()).sum()
    };
    layers.iter().map(around).max().unwrap_or(0)
}
