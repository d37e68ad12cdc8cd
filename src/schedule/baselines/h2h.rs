//! H2H (Zhang et al., DAC 2022) and Herald, ported: H2H's mapping of computation, and its remapping for locality.
//!
//! The port has accelerators of one type and measured times; costs of transition stand for H2H's transfers of
//! activations, and shared memory leaves nothing to gain from binding weights. `Herald` is H2H stopped before its
//! locality steps, as HaX-CoNN's artifact has it. Both are blind to contention.

use super::orders::Dispatch;
use super::{Baseline, without_contention};
use crate::problem::{GroupId, Problem};
use crate::schedule::{Decision, evaluate};
use crate::units::Nanoseconds;

/// Most groups that are mapped at once: combinations grow with the power of it.
const MOST_AT_ONCE: usize = 4;

/// Passes of remapping over all networks.
const PASSES: usize = 2;

/// Herald: computation-prioritised mapping alone.
pub(super) fn herald(problem: &Problem) -> Option<Baseline> {
    let label = "groups mapped for the earliest finish, transfers always paid";
    Baseline::new(problem, "herald", label.to_owned(), map_computation(problem))
}

/// H2H: computation-prioritised mapping, then groups moved next to their neighbours where that ends earlier.
pub(super) fn h2h(problem: &Problem) -> Option<Baseline> {
    let label = "Herald's mapping, groups moved to their neighbours where that ends earlier";
    let decision = remap(&without_contention(problem), map_computation(problem));
    Baseline::new(problem, "h2h", label.to_owned(), decision)
}

/// Maps the groups without unmapped predecessors, as many at once as there are accelerators, to wherever the last
/// accelerator finishes first; then the next ones. Every group pays its transfers in and out.
fn map_computation(problem: &Problem) -> Decision {
    let mut dispatch = Dispatch::new(problem);
    let mut placement: Vec<Vec<usize>> = problem.tasks.iter().map(|task| vec![0; task.groups.len()]).collect();
    loop {
        let frontier = frontier(problem, &dispatch);
        let is_free = |id: GroupId, machine: usize| {
            let leader = problem.leader(id.task);
            leader == id.task || placement[leader][id.group] == machine
        };
        let Some(mapped) = best_mapping(problem, &dispatch, &frontier, &is_free) else { break };
        for (id, machine) in mapped {
            placement[id.task][id.group] = machine;
            dispatch.run(id, machine, with_transfers(problem, id, machine));
        }
    }
    Decision { placement, order: dispatch.order }
}

/// The groups that can be mapped next. Those of further frames wait for the first frame's, whose accelerator they get.
fn frontier(problem: &Problem, dispatch: &Dispatch) -> Vec<GroupId> {
    let leads = |id: &GroupId| {
        let leader = problem.leader(id.task);
        leader == id.task || dispatch.n_handed_out(leader) > id.group
    };
    (0..problem.tasks.len()).filter_map(|task| dispatch.next(task)).filter(leads).collect()
}

/// The mapping of as many frontier groups as accelerators after which the last accelerator finishes first; the first
/// one among equals.
fn best_mapping(
    problem: &Problem,
    dispatch: &Dispatch,
    frontier: &[GroupId],
    is_free: &dyn Fn(GroupId, usize) -> bool,
) -> Option<Vec<(GroupId, usize)>> {
    let at_once = problem.machines.len().min(frontier.len()).min(MOST_AT_ONCE);
    let mut mappings = Vec::new();
    let may_run = |id: GroupId, machine: usize| problem.cost(id, machine).is_some() && is_free(id, machine);
    extend_mappings(problem.machines.len(), &may_run, frontier, at_once, &mut Vec::new(), &mut mappings);
    mappings.retain(|mapping| !mapping.is_empty());
    mappings.into_iter().min_by_key(|mapping| last_finish(problem, dispatch, mapping))
}

/// All ways to choose `at_once` of the frontier's groups, in its order, each with an accelerator that can run it.
fn extend_mappings(
    n_machines: usize,
    may_run: &dyn Fn(GroupId, usize) -> bool,
    frontier: &[GroupId],
    at_once: usize,
    chosen: &mut Vec<(GroupId, usize)>,
    mappings: &mut Vec<Vec<(GroupId, usize)>>,
) {
    if at_once == 0 {
        mappings.push(chosen.clone());
        return;
    }
    for (position, &id) in frontier.iter().enumerate().take((frontier.len() + 1).saturating_sub(at_once)) {
        for machine in (0..n_machines).filter(|&machine| may_run(id, machine)) {
            chosen.push((id, machine));
            extend_mappings(n_machines, may_run, &frontier[position + 1..], at_once - 1, chosen, mappings);
            chosen.pop();
        }
    }
}

/// When the last accelerator is free after `mapping`. Groups of one frontier don't wait for each other.
fn last_finish(problem: &Problem, dispatch: &Dispatch, mapping: &[(GroupId, usize)]) -> Nanoseconds {
    let mut free = dispatch.free.clone();
    for &(id, machine) in mapping {
        let start = dispatch.start(id, machine).max(free[machine]);
        free[machine] = start + with_transfers(problem, id, machine);
    }
    free.into_iter().max().unwrap_or_default()
}

fn with_transfers(problem: &Problem, id: GroupId, machine: usize) -> Nanoseconds {
    problem.cost(id, machine).map_or(Nanoseconds::ZERO, |cost| cost.entry + cost.work + cost.exit)
}

/// Along each network, twice: moves a group to the accelerator of its predecessor, then of its successor, and keeps
/// what ends earlier.
fn remap(blind: &Problem, mut decision: Decision) -> Decision {
    for _ in 0..PASSES {
        for (task, groups) in blind.tasks.iter().enumerate() {
            for group in 0..groups.groups.len() {
                let id = GroupId { task, group };
                for neighbour in [group.checked_sub(1), Some(group + 1).filter(|&next| next < groups.groups.len())] {
                    let neighbour = neighbour.map(|group| GroupId { task, group });
                    decision = neighbour.and_then(|to| moved(blind, &decision, id, to)).unwrap_or(decision);
                }
            }
        }
    }
    decision
}

/// The decision with `id` next to `neighbour`, in all frames alike, where it can run there and everything ends earlier.
fn moved(blind: &Problem, decision: &Decision, id: GroupId, neighbour: GroupId) -> Option<Decision> {
    let machine = decision.placement[neighbour.task][neighbour.group];
    let stays = decision.placement[id.task][id.group] == machine || blind.cost(id, machine).is_none();
    if stays || blind.leader(id.task) != id.task {
        return None;
    }
    let mut candidate = decision.clone();
    for task in (0..blind.tasks.len()).filter(|&task| blind.leader(task) == id.task) {
        let (id, neighbour) = (GroupId { task, ..id }, GroupId { task, ..neighbour });
        candidate.placement[task][id.group] = machine;
        for order in &mut candidate.order {
            order.retain(|&other| other != id);
        }
        let beside = candidate.order[machine].iter().position(|&other| other == neighbour)?;
        candidate.order[machine].insert(beside + usize::from(neighbour < id), id);
    }
    let (before, after) = (evaluate(blind, decision).ok()?, evaluate(blind, &candidate).ok()?);
    (after.makespan() < before.makespan()).then_some(candidate)
}
