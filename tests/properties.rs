//! What holds for every timeline of random problems and decisions: the judge accepts it and nothing next to it, and the
//! bounds that any schedule keeps.

mod common;
#[path = "common/decisions.rs"]
mod decisions;

use common::{Shape, random_problem};
use decisions::random_decision;
use fastrand::Rng;
use haxconn::platform::ContentionCurve;
use haxconn::problem::{GroupId, Problem};
use haxconn::schedule::{
    Decision, EvaluateError, Objective, Occupation, Rule, Timeline, baselines, check, check_value, evaluate,
};
use haxconn::units::Nanoseconds;

const SHAPES: [Shape; 4] = [Shape::up_to(2, 6, 2), Shape::up_to(3, 4, 2), Shape::up_to(3, 4, 3), Shape::up_to(4, 3, 4)];

/// Random problems, each with three random decisions and their timelines.
fn for_each_timeline(seeds: u64, mut examine: impl FnMut(&Problem, &Decision, &Timeline)) {
    for shape in SHAPES {
        for seed in 0..seeds {
            let problem = random_problem(seed, shape);
            assert_eq!(problem.validate(), Ok(()), "seed {seed} of {shape:?}");
            let mut rng = Rng::with_seed(seed);
            for _ in 0..3 {
                let decision = random_decision(&mut rng, &problem);
                let timeline = evaluate(&problem, &decision).expect("an order without a circle has a timeline");
                examine(&problem, &decision, &timeline);
            }
        }
    }
}

fn ids(problem: &Problem) -> impl Iterator<Item = GroupId> {
    let groups = |(task, groups): (usize, usize)| (0..groups).map(move |group| GroupId { task, group });
    problem.tasks.iter().map(|task| task.groups.len()).enumerate().flat_map(groups)
}

fn contended(timeline: &Timeline, id: GroupId) -> u64 {
    let Occupation { entered, worked, .. } = timeline.groups[id.task][id.group];
    (worked - entered).0
}

fn moments(occupation: &mut Occupation) -> [&mut Nanoseconds; 5] {
    let Occupation { start, launched, entered, worked, end } = occupation;
    [start, launched, entered, worked, end]
}

#[test]
fn the_judge_accepts_every_evaluated_timeline_and_its_value() {
    for_each_timeline(300, |problem, decision, timeline| {
        assert_eq!(check(problem, decision, timeline), Ok(()), "{problem:?} {decision:?}");
        for objective in [Objective::Makespan, Objective::Throughput, Objective::Tardiness, Objective::Energy] {
            let value = objective.value(problem, &decision.placement, timeline);
            assert_eq!(check_value(problem, decision, timeline, objective, value), Ok(()));
            assert!(check_value(problem, decision, timeline, objective, value + 1).is_err());
        }
    });
}

#[test]
fn the_judge_refuses_every_timeline_with_one_moment_off_by_a_nanosecond() {
    for_each_timeline(20, |problem, decision, timeline| {
        for id in ids(problem) {
            for moment in 0..5 {
                for by in [-1, 1] {
                    let mut forged = timeline.clone();
                    let moved = &mut moments(&mut forged.groups[id.task][id.group])[moment].0;
                    let Some(forged_moment) = moved.checked_add_signed(by) else { continue };
                    *moved = forged_moment;
                    assert!(check(problem, decision, &forged).is_err(), "{id:?} moment {moment} by {by}");
                }
            }
        }
    });
}

/// A timeline that fits in itself, but to another problem: one in which one group takes one nanosecond more.
#[test]
fn the_judge_refuses_the_timeline_of_a_problem_that_differs_by_a_nanosecond() {
    for_each_timeline(20, |problem, decision, _| {
        for id in ids(problem) {
            let mut other = problem.clone();
            let machine = decision.placement[id.task][id.group];
            let cost = other.tasks[id.task].groups[id.group].costs[machine].as_mut().expect("it runs there");
            cost.work += Nanoseconds(1);
            let forged = evaluate(&other, decision).expect("the order has no circle");
            let violations = check(problem, decision, &forged).expect_err("a longer work must be seen");
            assert!(violations.iter().any(|violation| violation.rule == Rule::WorkLong), "{violations:?}");
            assert_eq!(check(&other, decision, &forged), Ok(()));
            let original = evaluate(problem, decision).expect("the order has no circle");
            let violations = check(&other, decision, &original).expect_err("a shorter work must be seen");
            assert!(violations.iter().any(|violation| violation.rule == Rule::WorkShort), "{violations:?}");
        }
    });
}

#[test]
fn the_judge_sees_a_circle_exactly_where_the_evaluator_waits_forever() {
    let mut circles = 0;
    for_each_timeline(100, |problem, decision, timeline| {
        let mut rng = Rng::with_seed(timeline.makespan().0);
        let mut shuffled = decision.clone();
        shuffled.order.iter_mut().for_each(|order| rng.shuffle(order));
        match evaluate(problem, &shuffled) {
            Ok(timeline) => assert_eq!(check(problem, &shuffled, &timeline), Ok(())),
            Err(EvaluateError::Deadlock { .. }) => {
                circles += 1;
                let violations = check(problem, &shuffled, timeline).expect_err("a circle must be seen");
                assert_eq!(violations[0].rule, Rule::Circle);
            }
            Err(other) => panic!("{other}"),
        }
    });
    assert!(circles > 100, "only {circles} circles");
}

#[test]
fn the_same_decision_always_has_the_same_timeline() {
    for_each_timeline(50, |problem, decision, timeline| {
        assert_eq!(evaluate(&problem.clone(), &decision.clone()).as_ref(), Ok(timeline));
    });
}

#[test]
fn without_contention_every_group_takes_its_standalone_time() {
    for_each_timeline(100, |problem, decision, _| {
        let mut blind = problem.clone();
        blind.machines.iter_mut().for_each(|machine| machine.curve = ContentionCurve::None);
        let timeline = evaluate(&blind, decision).expect("the order has no circle");
        assert_eq!(check(&blind, decision, &timeline), Ok(()));
        for id in ids(problem) {
            let cost = problem.cost(id, decision.placement[id.task][id.group]).expect("it runs there");
            assert_eq!(contended(&timeline, id), cost.work.0);
        }
    });
}

#[test]
fn contention_makes_no_group_faster_and_some_slower() {
    let mut slower = 0;
    for_each_timeline(100, |problem, decision, timeline| {
        for id in ids(problem) {
            let work = problem.cost(id, decision.placement[id.task][id.group]).expect("it runs there").work.0;
            assert!(contended(timeline, id) >= work);
            slower += u32::from(contended(timeline, id) > work);
        }
    });
    assert!(slower > 1000, "only {slower} groups are slowed");
}

/// Standalone time, entry and exit of a group where it is placed.
fn occupied(problem: &Problem, decision: &Decision, id: GroupId) -> u64 {
    let placement = &decision.placement[id.task];
    let cost = problem.cost(id, placement[id.group]).expect("it runs there");
    let entry = if problem.pays_entry(id, placement) { cost.entry.0 } else { 0 };
    let exit = if problem.pays_exit(id, placement) { cost.exit.0 } else { 0 };
    entry + cost.work.0 + exit
}

#[test]
fn the_makespan_is_at_least_every_chain_and_every_load() {
    for_each_timeline(100, |problem, decision, timeline| {
        let makespan = timeline.makespan().0;
        for (task, groups) in problem.tasks.iter().enumerate() {
            let chain: u64 =
                (0..groups.groups.len()).map(|group| occupied(problem, decision, GroupId { task, group })).sum();
            assert!(makespan >= groups.release.0 + chain);
        }
        for order in &decision.order {
            assert!(makespan >= order.iter().map(|&id| occupied(problem, decision, id)).sum());
        }
    });
}

#[test]
fn a_later_release_of_everything_moves_the_whole_timeline() {
    for_each_timeline(50, |problem, decision, timeline| {
        let mut later = problem.clone();
        later.tasks.iter_mut().for_each(|task| task.release += Nanoseconds(12_345));
        let moved = evaluate(&later, decision).expect("the order has no circle");
        for id in ids(problem) {
            let (one, other) = (timeline.groups[id.task][id.group], moved.groups[id.task][id.group]);
            assert_eq!((one.start + Nanoseconds(12_345), one.end + Nanoseconds(12_345)), (other.start, other.end));
        }
    });
}

#[test]
fn the_judge_accepts_every_baseline() {
    for shape in SHAPES {
        for seed in 0..50 {
            let problem = random_problem(seed, shape);
            for objective in [Objective::Makespan, Objective::Throughput] {
                let mut unlimited = problem.clone();
                unlimited.max_transitions = None;
                for baseline in baselines(&problem, objective) {
                    assert_eq!(check(&unlimited, &baseline.decision, &baseline.timeline), Ok(()), "{}", baseline.label);
                    let judged = check(&problem, &baseline.decision, &baseline.timeline);
                    assert_eq!(judged.is_ok(), baseline.within_limit, "{}", baseline.label);
                }
            }
        }
    }
}

/// Brute force over all orders of whole tasks on the first accelerator.
#[test]
fn the_serial_baseline_is_the_best_of_all_task_orders() {
    for seed in 0..100 {
        let problem = random_problem(seed, Shape::up_to(3, 4, 2));
        let tasks = 0..problem.tasks.len();
        for objective in [Objective::Makespan, Objective::Throughput] {
            let all = baselines(&problem, objective);
            let serial = all.iter().find(|baseline| baseline.name == "accelerator0-only").expect("it runs everything");
            let best = serial.value(&problem, objective);
            for (a, b, c) in tasks.clone().flat_map(|a| tasks.clone().flat_map(move |b| (0..3).map(move |c| (a, b, c))))
            {
                let mut order = vec![a, b, c];
                order.retain(|&task| task < problem.tasks.len());
                order.dedup();
                if let Some(value) = serial_value(&problem, &order, objective) {
                    assert!(!objective.is_better(value, best), "seed {seed}: {order:?} is better");
                }
            }
        }
    }
}

/// The value of running the tasks one after the other on accelerator 0; none where `order` isn't one of all tasks.
fn serial_value(problem: &Problem, order: &[usize], objective: Objective) -> Option<u64> {
    let mut sorted = order.to_vec();
    sorted.sort_unstable();
    if sorted != (0..problem.tasks.len()).collect::<Vec<_>>() {
        return None;
    }
    let groups = |&task: &usize| (0..problem.tasks[task].groups.len()).map(move |group| GroupId { task, group });
    let mut orders = vec![Vec::new(); problem.machines.len()];
    orders[0] = order.iter().flat_map(groups).collect();
    let placement = problem.tasks.iter().map(|task| vec![0; task.groups.len()]).collect();
    let decision = Decision { placement, order: orders };
    let timeline = evaluate(problem, &decision).ok()?;
    Some(objective.value(problem, &decision.placement, &timeline))
}

/// A file may hold anything: extreme moments, other groups' numbers, lists of any length.
#[test]
fn the_judge_refuses_nonsense_without_losing_its_footing() {
    for_each_timeline(100, |problem, decision, timeline| {
        let mut rng = Rng::with_seed(timeline.makespan().0);
        let (mut decision, mut timeline) = (decision.clone(), timeline.clone());
        for _ in 0..3 {
            match rng.u8(..6) {
                0 => timeline.groups[0][0].worked = Nanoseconds(u64::MAX),
                1 => timeline.groups[0][0] = moments_of(u64::MAX),
                2 => drop(timeline.groups.pop()),
                3 => decision.placement[0][0] = usize::MAX,
                4 => decision.order[0].push(GroupId { task: usize::MAX, group: usize::MAX }),
                _ => timeline.groups.iter_mut().flatten().for_each(|occupation| *occupation = moments_of(7)),
            }
            if timeline.groups.is_empty() || timeline.groups[0].is_empty() {
                break;
            }
        }
        assert!(check(problem, &decision, &timeline).is_err());
    });
}

fn moments_of(moment: u64) -> Occupation {
    let moment = Nanoseconds(moment);
    Occupation { start: moment, launched: moment, entered: moment, worked: moment, end: moment }
}
