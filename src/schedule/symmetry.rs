//! Which tasks and which accelerators can change places without anything changing, so that one of every set of mirror
//! images is looked at: the one whose placements, read task by task, come first in the dictionary.

use super::plans::PlanTable;
use super::tables::Tables;
use crate::problem::Problem;

/// Pairs of classes of tasks, and of accelerators, that can change places.
pub(super) struct Symmetry {
    /// Of two such classes the first one has the lower plan. Plans are numbered as their placements stand in a dictionary.
    pub(super) classes: Vec<(usize, usize)>,
    /// Of two such accelerators the lower one is used first.
    pub(super) machines: Vec<(usize, usize)>,
    /// Which accelerator of each pair a plan uses first, by class, plan and pair.
    touches: Vec<Vec<Vec<Option<Side>>>>,
}

/// One of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Lower,
    Upper,
}

impl Symmetry {
    pub(super) fn new(tables: &Tables, table: &PlanTable) -> Self {
        let machines = equal_machines(tables.problem);
        let touch = |placement: &[usize]| {
            machines.iter().map(|&pair| first_side(placement, pair)).collect::<Vec<Option<Side>>>()
        };
        let touches = table.plans.iter().map(|plans| plans.iter().map(|plan| touch(&plan.placement)).collect());
        Self { classes: equal_classes(tables), touches: touches.collect(), machines }
    }

    /// Which accelerator of pair `pair` a plan uses first, where it uses one.
    pub(super) fn touch(&self, class: usize, plan: usize, pair: usize) -> Option<Side> {
        self.touches[class][plan][pair]
    }

    /// Whether a combination is the one of its mirror images that is looked at.
    pub(super) fn is_canonical(&self, combination: &[usize]) -> bool {
        let first_used =
            |pair: usize| combination.iter().enumerate().find_map(|(class, &plan)| self.touch(class, plan, pair));
        self.classes.iter().all(|&(first, second)| combination[first] <= combination[second])
            && (0..self.machines.len()).all(|pair| first_used(pair) != Some(Side::Upper))
    }
}

fn first_side(placement: &[usize], (lower, upper): (usize, usize)) -> Option<Side> {
    placement.iter().find_map(|&machine| match machine {
        _ if machine == lower => Some(Side::Lower),
        _ if machine == upper => Some(Side::Upper),
        _ => None,
    })
}

/// Neighbours among the accelerators that are equal in every number.
fn equal_machines(problem: &Problem) -> Vec<(usize, usize)> {
    let equal = |one: usize, other: usize| {
        let (first, second) = (&problem.machines[one], &problem.machines[other]);
        first.pays_network_io == second.pays_network_io && first.power == second.power && problem.cost_alike(one, other)
    };
    let n_machines = problem.machines.len();
    let next = |one: usize| (one + 1..n_machines).find(|&other| equal(one, other)).map(|other| (one, other));
    (0..n_machines).filter_map(next).collect()
}

/// Pairs of classes whose tasks are equal in every number and in what they wait for, frame by frame.
pub(super) fn equal_classes(tables: &Tables) -> Vec<(usize, usize)> {
    let n_classes = tables.classes.len();
    let pairs = (0..n_classes).flat_map(|first| (first + 1..n_classes).map(move |second| (first, second)));
    pairs.filter(|&(first, second)| can_swap(tables, &tables.classes[first], &tables.classes[second])).collect()
}

/// Whether the problem is the same after two classes have changed places.
fn can_swap(tables: &Tables, first: &[usize], second: &[usize]) -> bool {
    let tasks = &tables.problem.tasks;
    let mirror = |task: usize| {
        let swapped = first.iter().zip(second).find_map(|(&one, &other)| match task {
            _ if task == one => Some(other),
            _ if task == other => Some(one),
            _ => None,
        });
        swapped.unwrap_or(task)
    };
    let sorted = |mut tasks: Vec<usize>| {
        tasks.sort_unstable();
        tasks
    };
    let is_kept = |(idx, task): (usize, &crate::problem::Task)| {
        let image = &tasks[mirror(idx)];
        task.groups == image.groups
            && task.launch == image.launch
            && task.release == image.release
            && task.due == image.due
            && sorted(task.after.iter().map(|&before| mirror(before)).collect()) == sorted(image.after.clone())
    };
    first.len() == second.len() && tasks.iter().enumerate().all(is_kept)
}
