//! Seeded random placements and orders of a problem. Knows the problem and decision types only.
#![allow(dead_code, unreachable_pub, reason = "every test target compiles this file and uses its own part")]

use fastrand::Rng;
use haxconn::problem::{GroupId, Problem};
use haxconn::schedule::Decision;

/// A decision within the problem's support and transition limit whose orders have no circle.
pub fn random_decision(rng: &mut Rng, problem: &Problem) -> Decision {
    let placement: Vec<Vec<usize>> = (0..problem.tasks.len()).map(|task| placed(rng, problem, task)).collect();
    let order = ordered(rng, problem, &placement);
    Decision { placement, order }
}

/// Draws until a placement is within the limit; everything on accelerator 0 after a hundred that aren't.
fn placed(rng: &mut Rng, problem: &Problem, task: usize) -> Vec<usize> {
    let limit = problem.max_transitions.unwrap_or(usize::MAX);
    let drawn = (0..100).map(|_| draw(rng, problem, task)).find(|placement| {
        let count = problem.counted_transitions(task, placement);
        count <= limit
    });
    drawn.unwrap_or_else(|| vec![0; problem.tasks[task].groups.len()])
}

/// Stays with the accelerator of the group before in half of the groups.
fn draw(rng: &mut Rng, problem: &Problem, task: usize) -> Vec<usize> {
    let mut placement: Vec<usize> = Vec::new();
    for group in 0..problem.tasks[task].groups.len() {
        let id = GroupId { task, group };
        let able: Vec<usize> =
            (0..problem.machines.len()).filter(|&machine| problem.cost(id, machine).is_some()).collect();
        let stays = placement.last().copied().filter(|before| able.contains(before) && rng.bool());
        placement.push(stays.unwrap_or_else(|| *rng.choice(&able).expect("accelerator 0 runs every group")));
    }
    placement
}

/// Hands out a random group whose predecessors are handed out, until none is left.
fn ordered(rng: &mut Rng, problem: &Problem, placement: &[Vec<usize>]) -> Vec<Vec<GroupId>> {
    let mut order = vec![Vec::new(); problem.machines.len()];
    let mut handed_out = vec![0; problem.tasks.len()];
    loop {
        let done = |task: usize| handed_out[task] == problem.tasks[task].groups.len();
        let free = |task: &usize| !done(*task) && problem.tasks[*task].after.iter().all(|&before| done(before));
        let ready: Vec<usize> = (0..problem.tasks.len()).filter(free).collect();
        let Some(&task) = rng.choice(&ready) else { return order };
        let group = handed_out[task];
        order[placement[task][group]].push(GroupId { task, group });
        handed_out[task] += 1;
    }
}
