//! Baselines of problems small enough to work out by hand, without contention.

use super::*;
use crate::group::LayerRange;
use crate::problem::{Cost, Group, GroupId, Machine, Task};
use crate::units::{MegabytesPerSecond, Nanoseconds};

fn cost(work: u64, entry: u64) -> Cost {
    Cost {
        work: Nanoseconds(work),
        demand: MegabytesPerSecond(40_000),
        entry: Nanoseconds(entry),
        exit: Nanoseconds::ZERO,
    }
}

/// A task of groups with times on two accelerators, entering either of which costs `entry`.
fn task(name: &str, entry: u64, groups: &[(u64, u64)]) -> Task {
    let group = |(first, &(gpu, dla)): (usize, &(u64, u64))| Group {
        layers: LayerRange { first, last: first + 1 },
        costs: vec![Some(cost(gpu, entry)), Some(cost(dla, entry))],
        tail: false,
    };
    Task {
        name: name.to_owned(),
        title: name.to_owned(),
        groups: groups.iter().enumerate().map(group).collect(),
        launch: vec![Nanoseconds::ZERO; 2],
        release: Nanoseconds::ZERO,
        after: Vec::new(),
        ..Task::default()
    }
}

fn problem(tasks: Vec<Task>) -> Problem {
    let machine = |name: &str| Machine {
        name: name.to_owned(),
        curve: ContentionCurve::None,
        pays_network_io: false,
        ..Machine::default()
    };
    Problem { machines: vec![machine("gpu"), machine("dla")], tasks, max_transitions: Some(1), ..Problem::default() }
}

fn found(problem: &Problem, objective: Objective, name: &str) -> Vec<(String, u64)> {
    let of_name = baselines(problem, objective).into_iter().filter(|baseline| baseline.name == name);
    of_name.map(|baseline| (baseline.label.clone(), baseline.value(problem, objective))).collect()
}

fn placement(problem: &Problem, name: &str) -> Vec<Vec<usize>> {
    let baselines = baselines(problem, Objective::Makespan);
    baselines.into_iter().find(|baseline| baseline.name == name).unwrap().decision.placement
}

#[test]
fn one_accelerator_runs_everything_in_the_best_serial_order() {
    let problem = problem(vec![task("a", 5, &[(100, 300), (100, 300)]), task("b", 5, &[(50, 90)])]);
    assert_eq!(found(&problem, Objective::Makespan, "gpu-only"), [("a, then b on gpu".to_owned(), 250)]);
    assert_eq!(found(&problem, Objective::Makespan, "dla-only"), [("a, then b on dla".to_owned(), 690)]);
    let best_first = 1_000_000_000_000_000 / 50 + 1_000_000_000_000_000 / 250;
    assert_eq!(found(&problem, Objective::Throughput, "gpu-only"), [("b, then a on gpu".to_owned(), best_first)]);
}

#[test]
fn both_orientations_are_whole_networks_on_different_accelerators() {
    let problem = problem(vec![task("a", 5, &[(100, 300), (100, 300)]), task("b", 5, &[(50, 90)])]);
    let expected = [("a on gpu, b on dla".to_owned(), 200), ("a on dla, b on gpu".to_owned(), 600)];
    assert_eq!(found(&problem, Objective::Makespan, "gpu-dla"), expected);
}

#[test]
fn an_unsupported_tail_falls_back_to_the_gpu_between_the_others_groups() {
    let mut problem = problem(vec![task("a", 5, &[(100, 100), (30, 0)]), task("b", 5, &[(80, 300), (80, 300)])]);
    problem.tasks[0].groups[1].costs[1] = None;
    problem.tasks[0].groups[1].tail = true;
    problem.max_transitions = Some(0);
    let baselines = baselines(&problem, Objective::Throughput);
    let baseline = baselines.iter().find(|baseline| baseline.label == "a on dla, b on gpu").unwrap();
    assert!(baseline.within_limit && baseline.transitions == 0);
    assert_eq!(baseline.timeline.end(0), Nanoseconds(160 + 5 + 30));
    assert_eq!(baseline.timeline.groups[0][1].entered, Nanoseconds(165));
    assert_eq!(baseline.timeline.end(1), Nanoseconds(160));
    let last = problem.tasks[1].groups[1].clone();
    problem.tasks[1].groups.push(last);
    let between = GroupId { task: 0, group: 1 };
    let order = &super::baselines(&problem, Objective::Makespan);
    let order = &order.iter().find(|baseline| baseline.label == "a on dla, b on gpu").unwrap().decision.order[0];
    assert_eq!(order.iter().position(|&id| id == between), Some(2));
}

#[test]
fn an_accelerator_that_runs_nothing_of_a_network_is_no_baseline_for_it() {
    let mut problem = problem(vec![task("a", 5, &[(100, 0)]), task("b", 5, &[(50, 90)])]);
    problem.tasks[0].groups[0].costs[1] = None;
    assert_eq!(found(&problem, Objective::Makespan, "dla-only"), []);
    assert_eq!(found(&problem, Objective::Makespan, "gpu-dla"), [("a on gpu, b on dla".to_owned(), 100)]);
}

#[test]
fn mensa_moves_only_for_more_than_the_transfer() {
    let mut problem = problem(vec![task("a", 50, &[(100, 200), (100, 49), (10, 10)])]);
    assert_eq!(placement(&problem, "mensa"), [[0, 1, 1]]);
    problem.tasks[0] = task("a", 50, &[(100, 200), (100, 50), (10, 10)]);
    assert_eq!(placement(&problem, "mensa"), [[0, 0, 0]]);
    problem.tasks[0].groups[1].costs[0] = None;
    assert_eq!(placement(&problem, "mensa"), [[0, 1, 1]]);
}

#[test]
fn herald_fills_the_accelerator_that_finishes_first() {
    let problem = problem(vec![task("a", 0, &[(100, 150), (100, 110)]), task("b", 0, &[(100, 150)])]);
    assert_eq!(placement(&problem, "herald"), [vec![0, 0], vec![1]]);
    assert_eq!(found(&problem, Objective::Makespan, "herald")[0].1, 200);
}

#[test]
fn h2h_moves_a_group_back_to_its_predecessor() {
    let problem = problem(vec![task("a", 50, &[(100, 300), (100, 90)])]);
    assert_eq!(placement(&problem, "herald"), [[0, 1]]);
    assert_eq!(found(&problem, Objective::Makespan, "herald")[0].1, 100 + 50 + 90);
    assert_eq!(placement(&problem, "h2h"), [[0, 0]]);
    assert_eq!(found(&problem, Objective::Makespan, "h2h")[0].1, 200);
}

#[test]
fn a_baseline_beyond_the_limit_is_shown_and_never_the_best() {
    let mut problem = problem(vec![task("a", 0, &[(100, 300), (300, 100), (100, 300)])]);
    let all = baselines(&problem, Objective::Makespan);
    let mensa = all.iter().find(|baseline| baseline.name == "mensa").unwrap();
    assert_eq!((mensa.transitions, mensa.within_limit, mensa.timeline.makespan()), (2, false, Nanoseconds(300)));
    let best = best_baseline(&all, Objective::Makespan, &problem).unwrap();
    assert_eq!((best.name.as_str(), best.timeline.makespan()), ("gpu-only", Nanoseconds(500)));
    problem.max_transitions = None;
    let all = baselines(&problem, Objective::Makespan);
    assert_eq!(best_baseline(&all, Objective::Makespan, &problem).unwrap().timeline.makespan(), Nanoseconds(300));
}

#[test]
fn many_networks_have_few_assignments_shown_and_few_orders_tried() {
    let tasks = (0..9_u64).map(|idx| task(&format!("t{idx}"), 5, &[(100 + idx, 150)])).collect();
    let problem = problem(tasks);
    assert_eq!(found(&problem, Objective::Makespan, "gpu-dla").len(), 6);
    assert_eq!(found(&problem, Objective::Makespan, "gpu-only")[0].1, 936);
}

#[test]
fn every_order_of_a_few_tasks_is_tried() {
    let problem = problem((0..4).map(|idx| task(&format!("t{idx}"), 0, &[(1, 1)])).collect());
    let mut orders = orders::task_orders(&problem, 1000);
    assert_eq!(orders[0], [0, 1, 2, 3]);
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), 24);
    assert_eq!(orders::task_orders(&problem, 10).len(), 4);
}

#[test]
fn more_networks_than_can_be_counted_still_have_baselines() {
    let problem = problem((0..70).map(|idx| task(&format!("t{idx}"), 0, &[(100, 150)])).collect());
    let shown = found(&problem, Objective::Makespan, "gpu-dla");
    assert_eq!(shown.len(), 6);
    assert!(shown.iter().all(|&(_, makespan)| makespan < 7000), "{shown:?}");
}

#[test]
fn every_baseline_places_the_frames_of_an_instance_alike() {
    let first = task("a[0]", 5, &[(100, 110), (100, 300)]);
    let second = Task { name: "a[1]".to_owned(), frame_of: Some(0), ..first.clone() };
    let third = Task { name: "a[2]".to_owned(), frame_of: Some(0), after: vec![0], ..first.clone() };
    let problem = problem(vec![first, second, third, task("b", 5, &[(50, 90)])]);
    problem.validate().unwrap();
    let baselines = baselines(&problem, Objective::Makespan);
    assert_eq!(found(&problem, Objective::Makespan, "gpu-dla").len(), 2);
    for baseline in baselines {
        let [one, two, three, _] = &baseline.decision.placement[..] else { panic!("{baseline:?}") };
        assert!(one == two && two == three, "{}: {:?}", baseline.name, baseline.decision.placement);
    }
}
