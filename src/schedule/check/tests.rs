//! One schedule with every feature of the model, and what the judge says to each way of breaking it.

use super::*;
use crate::group::LayerRange;
use crate::platform::{ContentionCurve, SlowdownTable};
use crate::problem::{Cost, Due, Group, GroupId, Machine, Task};
use crate::schedule::{Occupation, evaluate};
use crate::units::{MegabytesPerSecond, Milliwatts, Nanoseconds};

const GPU: usize = 0;
const DLA: usize = 1;

fn machine(name: &str, slowest: f64) -> Machine {
    let table = SlowdownTable { own: vec![0.0], external: vec![0.0, 60.0], speed: vec![vec![1.0, slowest]] };
    Machine {
        name: name.to_owned(),
        curve: ContentionCurve::Table(table),
        pays_network_io: name == "dla",
        ..Machine::default()
    }
}

fn cost(work: u64) -> Cost {
    Cost { work: Nanoseconds(work), demand: MegabytesPerSecond(30_000), entry: Nanoseconds(11), exit: Nanoseconds(5) }
}

fn group(first: usize, gpu: Cost, dla: Option<Cost>, tail: bool) -> Group {
    Group { layers: LayerRange { first, last: first + 10 }, costs: vec![Some(gpu), dla], tail }
}

fn task(name: &str, groups: Vec<Group>) -> Task {
    Task {
        name: name.to_owned(),
        title: name.to_owned(),
        groups,
        launch: vec![Nanoseconds(3), Nanoseconds(7)],
        release: Nanoseconds::ZERO,
        after: Vec::new(),
        ..Task::default()
    }
}

/// `alexnet` waits for its release, `vgg` for `googlenet`; the tail of `googlenet` can't run on the DLA.
fn problem() -> Problem {
    let googlenet = vec![
        group(0, cost(100), Some(cost(151)), false),
        group(10, cost(200), Some(cost(333)), false),
        group(20, cost(30), None, true),
    ];
    let alexnet = vec![group(0, cost(250), Some(cost(400)), false), group(10, cost(70), Some(cost(90)), false)];
    let vgg = vec![group(0, cost(55), Some(cost(99)), false)];
    Problem {
        machines: vec![machine("gpu", 0.6), machine("dla", 0.7)],
        tasks: vec![
            task("googlenet", googlenet),
            Task { release: Nanoseconds(20), ..task("alexnet", alexnet) },
            Task { after: vec![0], due: Some(Due { at: Nanoseconds(10), weight: 3 }), ..task("vgg", vgg) },
        ],
        max_transitions: Some(1),
        idle_power: Milliwatts(700),
        ..Problem::default()
    }
}

fn id(task: usize, group: usize) -> GroupId {
    GroupId { task, group }
}

fn decision() -> Decision {
    Decision {
        placement: vec![vec![GPU, DLA, GPU], vec![GPU, GPU], vec![DLA]],
        order: vec![vec![id(0, 0), id(1, 0), id(1, 1), id(0, 2)], vec![id(0, 1), id(2, 0)]],
    }
}

/// The rules that a schedule breaks, after `change` to a right one.
fn broken(change: impl FnOnce(&mut Problem, &mut Decision, &mut Timeline)) -> Vec<Violation> {
    let (mut problem, mut decision) = (problem(), decision());
    let mut timeline = evaluate(&problem, &decision).unwrap();
    change(&mut problem, &mut decision, &mut timeline);
    check(&problem, &decision, &timeline).expect_err("must be refused")
}

fn refused(rule: Rule, message: &str, change: impl FnOnce(&mut Problem, &mut Decision, &mut Timeline)) {
    let violations = broken(change);
    let found = violations.iter().find(|violation| violation.rule == rule);
    let found = found.unwrap_or_else(|| panic!("{rule:?} is not among {violations:?}"));
    assert!(found.message.contains(message), "{} doesn't say `{message}`", found.message);
}

fn shift(occupation: &mut Occupation, by: i64) {
    let Occupation { start, launched, entered, worked, end } = occupation;
    for moment in [start, launched, entered, worked, end] {
        moment.0 = moment.0.checked_add_signed(by).unwrap();
    }
}

#[test]
fn accepts_what_the_evaluator_says() {
    let timeline = evaluate(&problem(), &decision()).unwrap();
    assert_eq!(check(&problem(), &decision(), &timeline), Ok(()));
    let dla = timeline.groups[0][1];
    let gpu = timeline.groups[1][0];
    assert!(dla.entered < gpu.worked && gpu.entered < dla.worked, "the example has contention");
    assert!(dla.worked - dla.entered > Nanoseconds(333));
}

#[test]
fn refuses_lists_of_the_wrong_length() {
    refused(Rule::Shape, "the placement has [2, 2, 1]", |_, decision, _| decision.placement[0].truncate(2));
    refused(Rule::Shape, "the timeline has [3, 2]", |_, _, timeline| timeline.groups.truncate(2));
    refused(Rule::Shape, "1 orders for 2", |_, decision, _| decision.order.truncate(1));
    refused(Rule::Shape, "accelerator 2, but there are only 2", |_, decision, _| decision.placement[1][1] = 2);
    refused(Rule::Shape, "group 1 of task 2", |_, decision, _| decision.order[1].push(id(2, 1)));
}

#[test]
fn refuses_a_missing_group() {
    refused(Rule::Order, "group 0-9 of `vgg` on `dla` stands 0 time(s)", |_, decision, _| {
        decision.order[DLA].truncate(1);
    });
}

#[test]
fn refuses_a_group_that_stands_twice() {
    refused(Rule::Order, "group 0-9 of `vgg` on `dla` stands 2 time(s)", |_, decision, _| {
        decision.order[DLA].push(id(2, 0));
    });
    refused(Rule::Order, "stands 1 time(s) in the order of `gpu` instead of 0", |_, decision, _| {
        decision.order[GPU].push(id(2, 0));
    });
}

#[test]
fn refuses_a_group_where_it_cant_run() {
    refused(Rule::Support, "group 20-29 of `googlenet` can't run on `dla`", |_, decision, _| {
        decision.placement[0][2] = DLA;
        decision.order = vec![vec![id(0, 0), id(1, 0), id(1, 1)], vec![id(0, 1), id(0, 2), id(2, 0)]];
    });
}

#[test]
fn refuses_too_many_transitions_but_not_the_tails() {
    refused(
        Rule::TransitionLimit,
        "`googlenet` changes accelerator 1 time(s), more than the limit of 0",
        |problem, _, _| {
            problem.max_transitions = Some(0);
        },
    );
    refused(Rule::TransitionLimit, "`googlenet` changes accelerator 2 time(s)", |problem, _, _| {
        problem.tasks[0].groups[2].tail = false;
    });
}

#[test]
fn refuses_orders_that_go_in_a_circle() {
    refused(Rule::Circle, "wait for each other in a circle", |_, decision, _| decision.order[DLA].reverse());
    refused(Rule::Circle, "never starts", |problem, decision, timeline| {
        for task in &mut problem.tasks {
            task.release = Nanoseconds::ZERO;
            task.launch = vec![Nanoseconds::ZERO; 2];
            for cost in task.groups.iter_mut().flat_map(|group| &mut group.costs).flatten() {
                *cost = Cost { work: Nanoseconds(0), entry: Nanoseconds(0), exit: Nanoseconds(0), ..*cost };
            }
        }
        *timeline = evaluate(problem, decision).unwrap();
        assert_eq!((timeline.makespan(), check(problem, decision, timeline)), (Nanoseconds(0), Ok(())));
        decision.order[DLA].reverse();
    });
}

#[test]
fn refuses_two_groups_at_a_time() {
    refused(
        Rule::Exclusivity,
        "group 0-9 of `alexnet` on `gpu` starts at 0.000107 ms, while group 0-9",
        |_, _, timeline| {
            shift(&mut timeline.groups[1][0], -1);
        },
    );
}

#[test]
fn refuses_another_order_than_the_printed_one() {
    refused(Rule::OrderRespected, "before group 20-29 of `googlenet`", |_, decision, _| {
        decision.order[GPU].swap(2, 3);
    });
}

#[test]
fn refuses_a_group_before_its_predecessor_has_left() {
    refused(Rule::Precedence, "group 10-19 of `googlenet` starts at 0.000107 ms", |_, _, timeline| {
        shift(&mut timeline.groups[0][1], -1);
    });
}

#[test]
fn refuses_a_start_before_the_release() {
    refused(Rule::Release, "`alexnet` starts at 0.000108 ms, before its release at", |problem, _, _| {
        problem.tasks[1].release = Nanoseconds(109);
    });
}

#[test]
fn refuses_a_start_before_the_tasks_that_it_waits_for() {
    refused(Rule::Edge, "`vgg` starts at", |_, _, timeline| shift(&mut timeline.groups[2][0], -1));
    refused(Rule::Edge, "but `googlenet` ends at", |_, _, timeline| shift(&mut timeline.groups[2][0], -100));
}

#[test]
fn refuses_a_start_later_than_its_causes() {
    for (task, group) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)] {
        refused(Rule::Idle, "later than the last of its causes", |_, _, timeline| {
            shift(&mut timeline.groups[task][group], 1);
        });
    }
}

#[test]
fn refuses_costs_that_arent_paid_exactly() {
    refused(Rule::Launch, "the launch of group 0-9 of `googlenet` on `gpu`", |_, _, timeline| {
        timeline.groups[0][0].launched = Nanoseconds(0);
    });
    refused(Rule::Launch, "takes 0.000000 ms, but costs 0.000003 ms", |_, _, timeline| {
        timeline.groups[0][2].launched = timeline.groups[0][2].start;
    });
    refused(Rule::Launch, "the launch of group 10-19 of `alexnet` on `gpu`", |_, _, timeline| {
        shift(&mut timeline.groups[1][1], 3);
        timeline.groups[1][1].start.0 -= 3;
    });
    refused(Rule::Entry, "takes 0.000010 ms, but costs 0.000011 ms", |_, _, timeline| {
        timeline.groups[0][1].entered.0 -= 1;
    });
    refused(Rule::Entry, "the entry of group 20-29 of `googlenet` on `gpu`", |_, _, timeline| {
        timeline.groups[0][2].entered = timeline.groups[0][2].launched;
    });
    refused(Rule::Exit, "takes 0.000000 ms, but costs 0.000005 ms", |_, _, timeline| {
        timeline.groups[0][0].end = timeline.groups[0][0].worked;
    });
    refused(Rule::Exit, "the exit of group 0-9 of `vgg` on `dla`", |_, _, timeline| {
        timeline.groups[2][0].end.0 += 1;
    });
}

#[test]
fn refuses_phases_that_run_backwards() {
    refused(Rule::Phases, "the phases of group 0-9 of `vgg` on `dla`", |_, _, timeline| {
        timeline.groups[2][0].end = Nanoseconds(0);
    });
}

/// Every group's work, in contention or alone, is exact to the nanosecond.
#[test]
fn refuses_work_one_nanosecond_short_or_long() {
    for (task, group) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)] {
        let moved = |by: i64| {
            move |_: &mut Problem, _: &mut Decision, timeline: &mut Timeline| {
                let occupation = &mut timeline.groups[task][group];
                occupation.worked.0 = occupation.worked.0.checked_add_signed(by).unwrap();
                occupation.end.0 = occupation.end.0.checked_add_signed(by).unwrap();
            }
        };
        refused(Rule::WorkShort, "before it is done", moved(-1));
        refused(Rule::WorkLong, "later than it is done", moved(1));
    }
}

#[test]
fn refuses_a_timeline_that_ignores_contention() {
    refused(Rule::WorkShort, "ns-permille are done", |problem, decision, timeline| {
        let mut blind = problem.clone();
        blind.machines.iter_mut().for_each(|machine| machine.curve = ContentionCurve::None);
        *timeline = evaluate(&blind, decision).unwrap();
    });
}

#[test]
fn refuses_a_forged_value() {
    let timeline = evaluate(&problem(), &decision()).unwrap();
    for objective in [Objective::Makespan, Objective::Throughput, Objective::Tardiness, Objective::Energy] {
        let value = objective.value(&problem(), &decision().placement, &timeline);
        assert_eq!(check_value(&problem(), &decision(), &timeline, objective, value), Ok(()));
        for forged in [value - 1, value + 1] {
            let violation = check_value(&problem(), &decision(), &timeline, objective, forged).unwrap_err();
            assert_eq!(violation.rule, Rule::Value);
            assert!(violation.message.contains(&format!("is {value}, but {forged} is claimed")), "{violation}");
        }
    }
}
