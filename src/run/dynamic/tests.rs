use std::time::Duration;

use super::*;
use crate::group::LayerRange;
use crate::problem::{Cost, Group, GroupId, Machine};
use crate::run::log::{BackendRecord, Conditions, GroupRange, Round, Span};
use crate::schedule::{Decision, Objective, Timeline, evaluate};
use crate::units::{Nanoseconds, SplitMix64};

const OPTIONS: DynamicOptions = DynamicOptions { objective: Objective::Makespan, drift: 0.1 };

/// A task whose groups take these times on each accelerator.
fn task(name: &str, works: &[[u64; 2]]) -> Task {
    let cost = |work| Some(Cost { work: Nanoseconds(work), ..Cost::default() });
    let group = |(idx, works): (usize, &[u64; 2])| Group {
        layers: LayerRange { first: idx, last: idx + 1 },
        costs: works.iter().map(|&work| cost(work)).collect(),
        tail: false,
    };
    let groups = works.iter().enumerate().map(group).collect();
    Task { name: name.into(), title: name.into(), groups, launch: vec![Nanoseconds::ZERO; 2], ..Task::default() }
}

fn problem(tasks: Vec<Task>) -> Problem {
    let machine = |name: &str| Machine { name: name.into(), ..Machine::default() };
    Problem { machines: vec![machine("gpu"), machine("dla")], tasks, max_transitions: Some(2), ..Problem::default() }
}

/// `a`, `b` and `c`, of which the first two are there at the start.
fn three() -> Problem {
    let one = |name| task(name, &[[100, 150], [100, 150], [100, 150]]);
    problem(vec![one("a"), one("b"), one("c")])
}

fn script(n_start: usize, events: &[(u64, Change)]) -> Script {
    let events = events.iter().map(|&(at, change)| Event { at: Nanoseconds(at), change }).collect();
    Script { tasks: vec!["a".into(), "b".into(), "c".into()], n_start, events }
}

/// Every placement with the tasks in one order, as decisions.
fn decisions(problem: &Problem) -> Vec<Decision> {
    let n_groups: usize = problem.tasks.iter().map(|task| task.groups.len()).sum();
    let of = |bits: usize, reverse: bool| {
        let mut bits = (0..n_groups).map(|idx| bits >> idx & 1);
        let placement: Vec<Vec<usize>> =
            problem.tasks.iter().map(|task| bits.by_ref().take(task.groups.len()).collect()).collect();
        let mut order = vec![Vec::new(); 2];
        let mut tasks: Vec<usize> = (0..placement.len()).collect();
        if reverse {
            tasks.reverse();
        }
        for task in tasks {
            for (group, &machine) in placement[task].iter().enumerate() {
                order[machine].push(GroupId { task, group });
            }
        }
        Decision { placement, order }
    };
    (0..1 << n_groups).flat_map(|bits| [of(bits, false), of(bits, true)]).collect()
}

/// A problem of two tasks with a schedule that no baseline has found.
fn beatable() -> (Problem, Decision, Timeline) {
    for seed in 0..1000 {
        let mut random = SplitMix64::new(seed);
        let mut works = || [random.next_bits() % 90 + 10, random.next_bits() % 90 + 10];
        let tasks = ["a", "b"].map(|name| task(name, &[works(), works(), works()]));
        let problem = Problem { max_transitions: None, ..problem(tasks.into()) };
        let baselines = crate::schedule::baselines(&problem, Objective::Makespan);
        let best = baselines.iter().map(|it| it.timeline.makespan()).min().unwrap();
        let evaluated = decisions(&problem).into_iter().filter_map(|it| Some((evaluate(&problem, &it).ok()?, it)));
        if let Some((timeline, decision)) = evaluated.min_by_key(|(timeline, _)| timeline.makespan())
            && timeline.makespan() < best
        {
            return (problem, decision, timeline);
        }
    }
    panic!("every baseline is the best");
}

/// A round in which every group on an accelerator takes `factors` of what is predicted of it.
fn round(planned: &Planned, factors: [f64; 2]) -> Round {
    let span = |task: usize, group: usize| {
        let it = planned.timeline.groups[task][group];
        let factor = factors[planned.decision.placement[task][group]];
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small positive test figures")]
        let end = it.start.0 + ((it.end.0 - it.start.0) as f64 * factor) as u64;
        Span { start: it.start, end: Nanoseconds(end) }
    };
    let tasks = planned.timeline.groups.iter().enumerate();
    let spans = tasks.map(|(task, groups)| (0..groups.len()).map(|group| span(task, group)).collect()).collect();
    Round { released: vec![Nanoseconds::ZERO; 2], spans }
}

fn group_spans(planned: &Planned) -> Vec<Vec<GroupRange>> {
    let spans = |groups: &Vec<_>| (0..groups.len()).map(|group| GroupRange { first: group, last: group + 1 }).collect();
    planned.timeline.groups.iter().map(spans).collect()
}

/// `n` boundaries with a round after each, from `now` on; the searches that they ask for.
fn run(controller: &mut Controller, now: &mut u64, n: usize, factors: [f64; 2]) -> Vec<Search> {
    let mut searches = Vec::new();
    let truth = controller.running().map(|it| controller.schedule(it).clone());
    for _ in 0..n {
        searches.extend(controller.consider(Nanoseconds(*now)).unwrap());
        if let Some(wanted) = controller.wanted() {
            controller.switch(wanted, Nanoseconds(*now), None);
        }
        let running = controller.running().unwrap();
        let planned = controller.schedule(running).clone();
        // What a schedule takes doesn't change because something else is predicted of it.
        let same = truth.as_ref().filter(|it| it.decision == planned.decision && it.tasks == planned.tasks);
        controller.record(&round(same.unwrap_or(&planned), factors), &group_spans(&planned), SolverState::Rested);
        *now += 1000;
    }
    searches
}

fn drifts(controller: &Controller) -> Vec<Vec<Correction>> {
    let (_, _, happenings) = controller.clone().into_history();
    let drifted = happenings.into_iter().filter_map(|it| match it.what {
        What::Drifted(corrections) => Some(corrections),
        _ => None,
    });
    drifted.collect()
}

#[test]
fn starts_with_the_best_baseline_and_a_search_from_all_of_them() {
    let mut controller = Controller::new(three(), &script(2, &[]), OPTIONS).unwrap();
    let search = controller.consider(Nanoseconds::ZERO).unwrap().unwrap();
    assert_eq!((search.generation, search.problem.tasks.len(), controller.running()), (1, 2, None));
    assert!(!search.warm.is_empty());
    let wanted = controller.wanted().unwrap();
    assert!(controller.takes(wanted) && matches!(controller.schedule(wanted).source, Source::Baseline(_)));
    controller.switch(wanted, Nanoseconds::ZERO, None);
    assert_eq!((controller.wanted(), controller.takes(wanted)), (None, false));
    assert_eq!(controller.consider(Nanoseconds(5)).unwrap(), None);
}

#[test]
fn a_better_schedule_runs_from_the_first_boundary_after_its_moment_and_a_worse_one_never() {
    let (problem, decision, timeline) = beatable();
    let mut controller = Controller::new(problem, &script(2, &[]), OPTIONS).unwrap();
    let mut now = 0;
    let search = run(&mut controller, &mut now, 1, [1.0; 2]).remove(0);
    let (baseline, generation) = (controller.schedule(0).clone(), search.generation);
    let candidate = |decision: &Decision, timeline: &Timeline, at: u64| Candidate {
        generation,
        decision: decision.clone(),
        timeline: timeline.clone(),
        at: Nanoseconds(at),
        elapsed: Duration::from_nanos(at),
    };
    controller.offer(candidate(&baseline.decision, &baseline.timeline, 1));
    controller.offer(candidate(&decision, &timeline, 2500));
    run(&mut controller, &mut now, 2, [1.0; 2]);
    assert_eq!(controller.running(), Some(0));
    run(&mut controller, &mut now, 1, [1.0; 2]);
    let running = controller.schedule(controller.running().unwrap());
    assert_eq!((&running.decision, &running.source), (&decision, &Source::Solver(Duration::from_nanos(2500))));
    assert_eq!(controller.into_history().1[1].since, Nanoseconds(3000));
}

#[test]
fn a_schedule_that_the_judge_refuses_ends_the_run() {
    let (problem, decision, mut timeline) = beatable();
    let mut controller = Controller::new(problem, &script(2, &[]), OPTIONS).unwrap();
    let generation = controller.consider(Nanoseconds::ZERO).unwrap().unwrap().generation;
    for groups in &mut timeline.groups {
        groups.last_mut().unwrap().end = Nanoseconds(1);
    }
    let [at, elapsed] = [Nanoseconds::ZERO; 2];
    let elapsed = Duration::from_nanos(elapsed.0);
    controller.offer(Candidate { generation, decision, timeline, at, elapsed });
    assert!(matches!(controller.consider(Nanoseconds(1)), Err(DynamicError::Refused(_))));
}

#[test]
fn networks_come_and_go_and_what_is_found_for_the_others_is_passed_over() {
    let events = [(1500, Change::Join(2)), (3500, Change::Leave(0))];
    let mut controller = Controller::new(three(), &script(2, &events), OPTIONS).unwrap();
    let mut now = 0;
    let first = run(&mut controller, &mut now, 2, [1.0; 2]).remove(0);
    let old = controller.schedule(0).clone();
    let second = run(&mut controller, &mut now, 2, [1.0; 2]);
    assert_eq!((second.len(), second[0].problem.tasks.len(), second[0].began), (1, 3, Nanoseconds(2000)));
    assert_eq!(controller.schedule(controller.running().unwrap()).tasks, [0, 1, 2]);
    let Planned { decision, timeline, .. } = old;
    let elapsed = Duration::ZERO;
    controller.offer(Candidate { generation: first.generation, decision, timeline, at: Nanoseconds(2), elapsed });
    assert!(!controller.takes(0));
    let third = run(&mut controller, &mut now, 2, [1.0; 2]);
    assert_eq!((third.len(), controller.schedule(controller.running().unwrap()).tasks.clone()), (1, vec![1, 2]));
    let names: Vec<&str> = third[0].problem.tasks.iter().map(|task| &*task.name).collect();
    assert_eq!((names, drifts(&controller).len()), (vec!["b", "c"], 0));
}

#[test]
fn a_slower_accelerator_is_noticed_once_and_told_of_groups_that_never_ran_there() {
    let mut controller = Controller::new(three(), &script(2, &[]), OPTIONS).unwrap();
    let mut now = 0;
    run(&mut controller, &mut now, 1, [1.0; 2]);
    let before = controller.schedule(0).clone();
    let searches = run(&mut controller, &mut now, WINDOW + 3, [1.5, 1.0]);
    let drifted = drifts(&controller);
    assert_eq!((searches.len(), drifted.len()), (1, 1));
    for it in &drifted[0] {
        let expected = if it.machine == 0 { 1.5 } else { 1.0 };
        assert!((it.ratio - expected).abs() < 0.01 && it.passed == (it.measured && it.machine == 0), "{it:?}");
    }
    // The third task never ran.
    assert!(drifted[0].iter().any(|it| it.task == 2 && it.machine == 0 && !it.measured));
    let (gpu, dla) = (GroupId { task: 0, group: 0 }, 1);
    let work = |machine| searches[0].problem.cost(gpu, machine).unwrap().work;
    assert_eq!((work(0), work(dla)), (Nanoseconds(150), Nanoseconds(150)));
    let running = controller.schedule(controller.running().unwrap());
    assert!(running.timeline.makespan() > before.timeline.makespan() || running.decision != before.decision);
    assert_eq!(run(&mut controller, &mut now, 40, [1.0; 2]).len(), 0, "what is predicted now is what is measured");
}

#[test]
fn what_stays_within_the_threshold_is_no_drift() {
    let mut controller = Controller::new(three(), &script(2, &[]), OPTIONS).unwrap();
    let mut now = 0;
    for turn in 0..50 {
        let factor = if turn % 2 == 0 { 1.09 } else { 0.93 };
        let searches = run(&mut controller, &mut now, 1, [factor; 2]);
        assert_eq!(searches.len(), usize::from(turn == 0));
    }
    assert!(drifts(&controller).is_empty());
}

#[test]
fn what_solving_again_does_not_cure_is_tried_ever_more_rarely() {
    let mut controller = Controller::new(three(), &script(2, &[]), OPTIONS).unwrap();
    let mut now = 0;
    let mut n_searches = 0;
    // Up and down by a quarter, again and again.
    for turn in 0..40 {
        let planned = controller.running().map(|it| controller.schedule(it).clone());
        let factor = if turn % 2 == 0 { 1.25 } else { 0.8 };
        for _ in 0..WINDOW + 3 {
            n_searches += usize::from(controller.consider(Nanoseconds(now)).unwrap().is_some());
            if let Some(wanted) = controller.wanted() {
                controller.switch(wanted, Nanoseconds(now), None);
            }
            let running = controller.schedule(controller.running().unwrap()).clone();
            let truth = planned.as_ref().unwrap_or(&running);
            let spans = group_spans(&running);
            let round =
                if truth.decision == running.decision { round(truth, [factor; 2]) } else { round(&running, [1.0; 2]) };
            controller.record(&round, &spans, SolverState::Rested);
            now += 1000;
        }
    }
    assert!((2..12).contains(&n_searches), "{n_searches} searches in 440 rounds");
}

#[test]
fn a_script_is_resolved_to_instances() {
    let accelerators = ["gpu".to_owned(), "dla".to_owned()];
    let event = |at: u64, change| ScriptEvent { at: Nanoseconds(at), change };
    let join = |name: &str| ScriptChange::Join(name.into());
    let leave = |name: &str| ScriptChange::Leave(name.into());
    let start = ["a".to_owned(), "b".to_owned()];
    let events = [event(1, join("a")), event(2, leave("a")), event(2, join("a")), event(3, leave("a#2"))];
    let script = Script::new(&start, &events, &accelerators).unwrap();
    assert_eq!((script.tasks.len(), script.n_start), (3, 2));
    let changes: Vec<Change> = script.events.iter().map(|event| event.change).collect();
    assert_eq!(changes, [Change::Join(2), Change::Leave(0), Change::Join(0), Change::Leave(2)]);
    let check = |events: &[ScriptEvent], words: &str| {
        let message = Script::new(&start, events, &accelerators).unwrap_err().to_string();
        assert!(message.contains(words), "{message}");
    };
    check(&[event(2, join("c")), event(1, join("d"))], "event 2 is at 0.000 ms, before the one above it");
    check(&[event(2, leave("c"))], "event 1: `c` can't leave, it isn't there then; `a`, `b` are");
    check(&[event(2, leave("a#2"))], "`a#2` can't leave");
    check(&[event(2, leave("a")), event(2, leave("b"))], "event 2: when `b` leaves, nothing runs");
    let slow = |accelerator: &str, factor| ScriptChange::Slow { accelerator: accelerator.into(), factor };
    check(&[event(2, slow("npu", 2.0))], "there is no accelerator `npu`; there are gpu, dla");
    check(&[event(2, slow("gpu", 0.0))], "factor 0 is not between 0.1 and 100");
}

#[test]
fn rounds_with_the_solver_are_compared_with_rounds_of_the_same_schedule_without() {
    let mut controller = Controller::new(three(), &script(2, &[]), OPTIONS).unwrap();
    controller.consider(Nanoseconds::ZERO).unwrap();
    controller.switch(0, Nanoseconds::ZERO, None);
    let planned = controller.schedule(0).clone();
    for (state, factor) in [(SolverState::Ran, 1.02), (SolverState::Mixed, 3.0), (SolverState::Rested, 1.0)] {
        for _ in 0..5 {
            controller.record(&round(&planned, [factor; 2]), &group_spans(&planned), state);
        }
    }
    let (schedules, phases, happenings) = controller.into_history();
    let log = DynamicLog {
        backend: BackendRecord { name: "onnxruntime".into(), simulated: false, versions: Vec::new() },
        platform: "p".into(),
        conditions: Conditions::default(),
        seed: None,
        objective: Objective::Makespan,
        drift: 0.1,
        solver_core: None,
        tasks: Vec::new(),
        accelerators: Vec::new(),
        schedules,
        phases,
        happenings,
        end: Nanoseconds::ZERO,
        interrupted: false,
    };
    let [slowdown] = log.slowdowns().try_into().unwrap();
    assert!((0.004..0.006).contains(&slowdown.share()), "{slowdown:?}");
    assert_eq!((slowdown.n_with, slowdown.n_without, log.n_rounds()), (5, 5, 15));
    assert_eq!(log.times_to_final()[0].1.unwrap().0.to_bits(), 0.0_f64.to_bits());
}
