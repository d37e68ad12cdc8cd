//! The generator of random problems gives what it promises.

mod common;

use common::{Shape, random_problem};
use haxconn::problem::GroupId;

#[test]
fn the_same_seed_gives_the_same_problem_and_another_seed_another_one() {
    let shape = Shape::up_to(3, 4, 2);
    assert_eq!(random_problem(7, shape), random_problem(7, shape));
    assert_ne!(random_problem(7, shape), random_problem(8, shape));
}

#[test]
fn the_first_accelerator_runs_every_group() {
    for seed in 0..100 {
        let problem = random_problem(seed, Shape::up_to(3, 4, 3));
        for (task, groups) in problem.tasks.iter().enumerate() {
            assert!((0..groups.groups.len()).all(|group| problem.cost(GroupId { task, group }, 0).is_some()));
        }
    }
}

#[test]
fn every_feature_of_the_model_occurs_in_a_hundred_problems() {
    let problems: Vec<_> = (0..100).map(|seed| random_problem(seed, Shape::up_to(2, 5, 2))).collect();
    let tasks = || problems.iter().flat_map(|problem| &problem.tasks);
    assert!(tasks().any(|task| !task.after.is_empty()));
    assert!(tasks().any(|task| task.release.0 > 0));
    assert!(tasks().any(|task| task.launch.iter().any(|launch| launch.0 > 0)));
    assert!(tasks().flat_map(|task| &task.groups).any(|group| group.tail));
    assert!(tasks().flat_map(|task| &task.groups).any(|group| !group.tail && group.costs[1].is_none()));
    assert!(problems.iter().any(|problem| problem.tasks[0].groups == problem.tasks.last().expect("a task").groups));
    assert!(problems.iter().any(|problem| problem.machines.iter().any(|machine| machine.pays_network_io)));
}
