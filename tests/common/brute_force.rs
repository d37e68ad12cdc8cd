//! Brute force: every placement within the transition limit and every order, through the evaluator. Plain on purpose.

use haxconn::problem::{GroupId, Problem};
use haxconn::schedule::{Decision, Objective, Timeline, evaluate};

/// All objectives.
pub const OBJECTIVES: [Objective; 4] =
    [Objective::Makespan, Objective::Throughput, Objective::Tardiness, Objective::Energy];

/// The best value of every objective over all schedules, in the order of [`OBJECTIVES`]; `None` where no schedule keeps
/// the limits.
pub fn brute_force(problem: &Problem) -> Option<[u64; 4]> {
    let mut best: Option<[u64; 4]> = None;
    for_every_schedule(problem, &mut |decision, timeline| {
        if !keeps_cap(problem, timeline) {
            return;
        }
        let values = OBJECTIVES.map(|objective| objective.value(problem, &decision.placement, timeline));
        let known = best.get_or_insert(values);
        for (objective, (known, value)) in OBJECTIVES.into_iter().zip(known.iter_mut().zip(values)) {
            if objective.is_better(value, *known) {
                *known = value;
            }
        }
    });
    best
}

fn keeps_cap(problem: &Problem, timeline: &Timeline) -> bool {
    let latency = |task: usize| timeline.end(task) - problem.tasks[task].release;
    problem.latency_cap.is_none_or(|cap| (0..problem.tasks.len()).all(|task| latency(task) <= cap))
}

/// Calls `visit` with every placement and order that has a timeline.
pub fn for_every_schedule(problem: &Problem, visit: &mut dyn FnMut(&Decision, &Timeline)) {
    let placements: Vec<Vec<Vec<usize>>> = (0..problem.tasks.len()).map(|task| placements(problem, task)).collect();
    let is_alike = |combination: &Vec<Vec<usize>>| {
        problem
            .tasks
            .iter()
            .zip(combination)
            .all(|(task, placement)| task.frame_of.is_none_or(|first| combination[first] == *placement))
    };
    for combination in product(&placements).into_iter().filter(is_alike) {
        let queues: Vec<Vec<Vec<GroupId>>> =
            (0..problem.machines.len()).map(|machine| orders(&combination, machine)).collect();
        for order in product(&queues) {
            let decision = Decision { placement: combination.clone(), order };
            if let Ok(timeline) = evaluate(problem, &decision) {
                visit(&decision, &timeline);
            }
        }
    }
}

/// All placements of a task within the limit.
pub fn placements(problem: &Problem, task: usize) -> Vec<Vec<usize>> {
    let groups = &problem.tasks[task].groups;
    let machines: Vec<Vec<usize>> = groups
        .iter()
        .map(|group| (0..problem.machines.len()).filter(|&machine| group.costs[machine].is_some()).collect())
        .collect();
    let within = |placement: &Vec<usize>| {
        problem.max_transitions.is_none_or(|limit| problem.counted_transitions(task, placement) <= limit)
    };
    product(&machines).into_iter().filter(within).collect()
}

/// All ways to take one item of every list.
fn product<T: Clone>(lists: &[Vec<T>]) -> Vec<Vec<T>> {
    lists.iter().fold(vec![vec![]], |prefixes, items| {
        let extend = |prefix: &Vec<T>| {
            let prefix = prefix.clone();
            items.iter().map(move |item| [prefix.clone(), vec![item.clone()]].concat())
        };
        prefixes.iter().flat_map(extend).collect()
    })
}

/// All orders of one accelerator's groups that keep every task's own order.
fn orders(placement: &[Vec<usize>], machine: usize) -> Vec<Vec<GroupId>> {
    let chains: Vec<Vec<GroupId>> = placement
        .iter()
        .enumerate()
        .map(|(task, machines)| {
            let here = (0..machines.len()).filter(|&group| machines[group] == machine);
            here.map(|group| GroupId { task, group }).collect()
        })
        .collect();
    let mut found = vec![];
    merge(&chains, &mut vec![0; chains.len()], &mut vec![], &mut found);
    found
}

fn merge(chains: &[Vec<GroupId>], taken: &mut [usize], prefix: &mut Vec<GroupId>, found: &mut Vec<Vec<GroupId>>) {
    if prefix.len() == chains.iter().map(Vec::len).sum::<usize>() {
        found.push(prefix.clone());
    }
    for task in 0..chains.len() {
        if let Some(&id) = chains[task].get(taken[task]) {
            taken[task] += 1;
            prefix.push(id);
            merge(chains, taken, prefix, found);
            prefix.pop();
            taken[task] -= 1;
        }
    }
}
