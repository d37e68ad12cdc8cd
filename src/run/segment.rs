//! Segments: what one engine runs of a task, and what each of them waits for.

use super::error::RunError;
use super::log::GroupRange;
use crate::problem::{GroupId, Problem};
use crate::schedule::Decision;

/// Groups that follow each other in their task and on one accelerator, with no other task's group between them there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The task.
    pub task: usize,
    /// Its groups.
    pub groups: GroupRange,
    /// The accelerator, by its position in the problem; the first one where an engine changes it inside.
    pub machine: usize,
}

/// The segments of `decision`, each as long as it can be: task after task, in the order of their groups.
pub fn segments(decision: &Decision) -> Vec<Segment> {
    let mut segments: Vec<Segment> = Vec::new();
    for (task, placement) in decision.placement.iter().enumerate() {
        for (group, &machine) in placement.iter().enumerate() {
            match segments.last_mut() {
                Some(segment) if goes_on(decision, GroupId { task, group }) => segment.groups.last = group + 1,
                _ => segments.push(Segment { task, groups: GroupRange { first: group, last: group + 1 }, machine }),
            }
        }
    }
    segments
}

/// Every task as one segment: what is run where an engine has a whole network.
pub fn whole_networks(decision: &Decision) -> Vec<Segment> {
    let whole = |(task, placement): (usize, &Vec<usize>)| {
        let machine = *placement.first()?;
        Some(Segment { task, groups: GroupRange { first: 0, last: placement.len() }, machine })
    };
    decision.placement.iter().enumerate().filter_map(whole).collect()
}

/// For every task, the tasks whose engine must have ended before its own begins, where an engine has a whole network and the
/// order of `decision` is kept from outside of it: the one whose last group stands before its first. After that the devices
/// serve whoever comes first.
///
/// # Errors
/// Where one engine per network can't run it (see [`check_one_engine_each`]), and where a task begins when another one changes
/// its accelerator, which isn't seen from outside.
pub fn starts_of_whole_networks(problem: &Problem, decision: &Decision) -> Result<Vec<Vec<usize>>, RunError> {
    check_one_engine_each(problem, decision)?;
    let before = |id: GroupId| {
        let order = &decision.order[decision.placement[id.task][id.group]];
        let position = order.iter().position(|&other| other == id)?;
        position.checked_sub(1).map(|before| order[before])
    };
    let starts = |task: usize| match before(GroupId { task, group: 0 }) {
        None => Ok(Vec::new()),
        Some(last) if last.group + 1 == problem.tasks[last.task].groups.len() => Ok(vec![last.task]),
        Some(inside) => Err(RunError::StartsInside {
            task: problem.tasks[task].name.clone(),
            layers: problem.tasks[inside.task].groups[inside.group].layers.to_string(),
            other: problem.tasks[inside.task].name.clone(),
        }),
    };
    (0..problem.tasks.len()).map(starts).collect()
}

/// Whether a group's accelerator runs it right after the group before it.
fn goes_on(decision: &Decision, id: GroupId) -> bool {
    let order = &decision.order[decision.placement[id.task][id.group]];
    let position = order.iter().position(|&other| other == id);
    id.continues(position.and_then(|position| position.checked_sub(1)).map(|before| order[before]))
}

/// For every accelerator, its segments in the order in which it starts them (positions in `segments`).
pub fn lanes(decision: &Decision, segments: &[Segment]) -> Vec<Vec<usize>> {
    let begins =
        |id: GroupId| segments.iter().position(|segment| segment.task == id.task && segment.groups.first == id.group);
    decision.order.iter().map(|order| order.iter().filter_map(|&id| begins(id)).collect()).collect()
}

/// For every segment, those that must have ended before it: its task's one before, or the last ones of the tasks that its
/// task waits for (positions in `segments`).
pub fn causes(problem: &Problem, segments: &[Segment]) -> Vec<Vec<usize>> {
    let last_of = |task: usize| segments.iter().rposition(|segment| segment.task == task);
    let of_segment = |(idx, segment): (usize, &Segment)| match segment.groups.first {
        0 => problem.tasks[segment.task].after.iter().filter_map(|&task| last_of(task)).collect(),
        _ => vec![idx - 1],
    };
    segments.iter().enumerate().map(of_segment).collect()
}

/// Whether one engine per network, with one transition inside, can run `decision`: no task changes its accelerator more
/// than once (its tail, which falls back, not counted), and no group of another task stands between two of its own on an
/// accelerator. The error names the first one that does.
pub fn check_one_engine_each(problem: &Problem, decision: &Decision) -> Result<(), RunError> {
    for (task, placement) in decision.placement.iter().enumerate() {
        let transitions = problem.counted_transitions(task, placement);
        if transitions > 1 {
            return Err(RunError::Transitions { task: problem.tasks[task].name.clone(), transitions });
        }
    }
    let mut found: Vec<(GroupId, usize, usize)> = Vec::new();
    for (machine, order) in decision.order.iter().enumerate() {
        found.extend(first_between(order).map(|(id, around)| (id, around, machine)));
    }
    let Some((id, around, machine)) = found.into_iter().min_by_key(|(id, ..)| *id) else { return Ok(()) };
    Err(RunError::Interleaved {
        layers: problem.tasks[id.task].groups[id.group].layers.to_string(),
        task: problem.tasks[id.task].name.clone(),
        around: problem.tasks[around].name.clone(),
        accelerator: problem.machines[machine].name.clone(),
    })
}

/// The first group of an order with groups of one other task before and after it, and that task.
fn first_between(order: &[GroupId]) -> Option<(GroupId, usize)> {
    order.iter().enumerate().find_map(|(position, id)| {
        let before = order[..position].iter().map(|other| other.task).filter(|&task| task != id.task);
        let returns = |task: &usize| order[position..].iter().any(|other| other.task == *task);
        before.into_iter().find(returns).map(|around| (*id, around))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(task: usize, group: usize) -> GroupId {
        GroupId { task, group }
    }

    /// Task 0 moves from 0 to 1; task 1 stays on 0, around task 0's second group.
    fn interleaved() -> Decision {
        Decision {
            placement: vec![vec![0, 0, 1, 1], vec![0, 0]],
            order: vec![vec![id(0, 0), id(1, 0), id(0, 1), id(1, 1)], vec![id(0, 2), id(0, 3)]],
        }
    }

    #[test]
    fn a_segment_ends_where_the_accelerator_changes_or_another_task_comes_between() {
        let decision = interleaved();
        let segments = segments(&decision);
        let found: Vec<[usize; 4]> =
            segments.iter().map(|it| [it.task, it.groups.first, it.groups.last, it.machine]).collect();
        assert_eq!(found, [[0, 0, 1, 0], [0, 1, 2, 0], [0, 2, 4, 1], [1, 0, 1, 0], [1, 1, 2, 0]]);
        assert_eq!(lanes(&decision, &segments), [vec![0, 3, 1, 4], vec![2]]);
    }

    #[test]
    fn groups_without_anyone_between_them_are_one_segment() {
        let decision = Decision {
            placement: vec![vec![0, 0, 0], vec![0]],
            order: vec![vec![id(0, 0), id(0, 1), id(0, 2), id(1, 0)], vec![]],
        };
        assert_eq!(segments(&decision).len(), 2);
    }

    #[test]
    fn the_first_group_between_two_of_another_task_is_found() {
        assert_eq!(first_between(&interleaved().order[0]), Some((id(1, 0), 0)));
        assert_eq!(first_between(&[id(0, 0), id(0, 1), id(1, 0), id(1, 1)]), None);
        assert_eq!(first_between(&[]), None);
    }
}
