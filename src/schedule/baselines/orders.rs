//! Orders of given placements: which task orders are tried, and the two ways in which accelerators follow one.

use crate::problem::{Cost, GroupId, Problem};
use crate::schedule::goal::Goal;
use crate::schedule::{Decision, Objective, evaluate};
use crate::units::Nanoseconds;

/// Most tasks of which every order is tried.
const MOST_PERMUTED: usize = 6;

/// Orders of the tasks to try, at most `limit` where that is more than four: all of them, or the order given, its
/// reverse, shortest first and longest first.
pub(super) fn task_orders(problem: &Problem, limit: usize) -> Vec<Vec<usize>> {
    let n_tasks = problem.tasks.len();
    if n_tasks <= MOST_PERMUTED && (1..=n_tasks).product::<usize>() <= limit.max(4) {
        return permutations(n_tasks);
    }
    let given: Vec<usize> = (0..n_tasks).collect();
    let mut by_length = given.clone();
    by_length.sort_by_key(|&task| shortest_chain(problem, task));
    let reversed = |order: &[usize]| order.iter().rev().copied().collect();
    vec![reversed(&given), reversed(&by_length), given, by_length]
}

fn permutations(n: usize) -> Vec<Vec<usize>> {
    let mut orders = vec![Vec::new()];
    for next in 0..n {
        let insert = |order: &Vec<usize>| {
            let order = order.clone();
            (0..=next).map(move |place| {
                let mut longer = order.clone();
                longer.insert(next - place, next);
                longer
            })
        };
        orders = orders.iter().flat_map(insert).collect();
    }
    orders
}

/// Time of the task with every group where it is fastest.
fn shortest_chain(problem: &Problem, task: usize) -> Nanoseconds {
    let fastest = |costs: &[Option<Cost>]| costs.iter().flatten().map(|cost| cost.work).min();
    problem.tasks[task].groups.iter().filter_map(|group| fastest(&group.costs)).sum()
}

/// The best decision with this placement and its score: tasks in each of `orders`, served task by task or as they become
/// ready.
pub(super) fn best_order(
    problem: &Problem,
    objective: Objective,
    placement: &[Vec<usize>],
    orders: &[Vec<usize>],
) -> Option<(Decision, u64)> {
    let goal = Goal::new(problem, objective);
    let mut best: Option<(Decision, u64)> = None;
    for order in orders {
        for decision in [task_by_task(problem, placement, order), as_ready(problem, placement, order)] {
            let Ok(timeline) = evaluate(problem, &decision) else { continue };
            let score = goal.score(&decision.placement, &timeline);
            if best.as_ref().is_none_or(|&(_, best)| score < best) {
                best = Some((decision, score));
            }
        }
    }
    best
}

/// Every accelerator runs all its groups of one task before those of the next.
fn task_by_task(problem: &Problem, placement: &[Vec<usize>], tasks: &[usize]) -> Decision {
    let mut order = vec![Vec::new(); problem.machines.len()];
    for &task in tasks {
        for (group, &machine) in placement[task].iter().enumerate() {
            order[machine].push(GroupId { task, group });
        }
    }
    Decision { placement: placement.to_vec(), order }
}

/// Every accelerator takes the group that could start first, without contention; among equals the earlier task.
fn as_ready(problem: &Problem, placement: &[Vec<usize>], tasks: &[usize]) -> Decision {
    let mut state = Dispatch::new(problem);
    loop {
        let ready = tasks.iter().filter_map(|&task| state.next(task).map(|id| (id, placement[task][id.group])));
        let Some((id, machine)) = ready.min_by_key(|&(id, machine)| state.start(id, machine)) else { break };
        let cost = occupied(problem, id, machine, &placement[id.task], state.order[machine].last().copied());
        state.run(id, machine, cost);
    }
    Decision { placement: placement.to_vec(), order: state.order }
}

/// How long a group occupies its accelerator without contention.
fn occupied(
    problem: &Problem,
    id: GroupId,
    machine: usize,
    placement: &[usize],
    before: Option<GroupId>,
) -> Nanoseconds {
    let Some(cost) = problem.cost(id, machine) else { return Nanoseconds::ZERO };
    let due = |is_due: bool, cost: Nanoseconds| if is_due { cost } else { Nanoseconds::ZERO };
    due(!id.continues(before), problem.tasks[id.task].launch[machine])
        + due(problem.pays_entry(id, placement), cost.entry)
        + cost.work
        + due(problem.pays_exit(id, placement), cost.exit)
}

/// Accelerators and tasks while groups are handed out one by one, without contention.
pub(super) struct Dispatch<'a> {
    problem: &'a Problem,
    /// When each accelerator is free.
    pub(super) free: Vec<Nanoseconds>,
    /// When the last handed out group of each task ends, and how many are.
    tasks: Vec<(Nanoseconds, usize)>,
    /// Groups handed out, by accelerator.
    pub(super) order: Vec<Vec<GroupId>>,
}

impl<'a> Dispatch<'a> {
    pub(super) fn new(problem: &'a Problem) -> Self {
        let n_machines = problem.machines.len();
        Self {
            problem,
            free: vec![Nanoseconds::ZERO; n_machines],
            tasks: problem.tasks.iter().map(|task| (task.release, 0)).collect(),
            order: vec![Vec::new(); n_machines],
        }
    }

    /// The next group of `task`, where everything before it is handed out.
    pub(super) fn next(&self, task: usize) -> Option<GroupId> {
        let done = |task: usize| self.tasks[task].1 == self.problem.tasks[task].groups.len();
        let free = self.problem.tasks[task].after.iter().all(|&before| done(before));
        (free && !done(task)).then(|| GroupId { task, group: self.tasks[task].1 })
    }

    /// How many groups of `task` are handed out.
    pub(super) fn n_handed_out(&self, task: usize) -> usize {
        self.tasks[task].1
    }

    /// When a group that [`Dispatch::next`] gives could start on `machine`.
    pub(super) fn start(&self, id: GroupId, machine: usize) -> Nanoseconds {
        let edges = self.problem.tasks[id.task].after.iter().map(|&before| self.tasks[before].0);
        edges.fold(self.tasks[id.task].0, Nanoseconds::max).max(self.free[machine])
    }

    /// Hands a group out, which occupies its accelerator for `time`.
    pub(super) fn run(&mut self, id: GroupId, machine: usize, time: Nanoseconds) {
        let end = self.start(id, machine) + time;
        self.free[machine] = end;
        self.tasks[id.task] = (end, id.group + 1);
        self.order[machine].push(id);
    }
}
