//! Runs of real schedules: two networks on the built-in Xavier.

#![allow(clippy::unwrap_used, reason = "a test that fails to set up should fail")]

use std::time::{Duration, Instant};

use haxconn::artifact::builtin;
use haxconn::group::{AcceleratorRules, GroupSpec, split};
use haxconn::network::{Network, caffe, catalog};
use haxconn::platform::Platform;
use haxconn::problem::{GroupId, PoseOptions, Problem};
use haxconn::profile::model;
use haxconn::run::executor::{ExecutorOptions, Lane, Program, Runner, SetUp, works};
use haxconn::run::{
    EngineMode, PolicyPlan, PolicyRun, Round, RunError, RunLog, RunOptions, Segment, check_one_engine_each, lanes,
    run_multi, run_real_time, segments,
};
use haxconn::schedule::{Decision, Occupation, Timeline, evaluate};
use haxconn::units::{Milliseconds, Nanoseconds};

struct Fixture {
    platform: Platform,
    networks: Vec<Network>,
    problem: Problem,
}

impl Fixture {
    fn new(names: &[&str]) -> Self {
        let platform = builtin::platform("xavier_agx").unwrap();
        let networks: Vec<Network> = names
            .iter()
            .map(|name| {
                let entry = catalog::find(name).unwrap();
                caffe::parse(entry.text, entry.name, entry.title).unwrap()
            })
            .collect();
        let rules: Vec<AcceleratorRules> = platform.accelerators.iter().map(AcceleratorRules::from).collect();
        let profiles: Vec<_> = networks
            .iter()
            .map(|network| model(network, &platform, &split(network, &rules, &GroupSpec::AtMost(5)).unwrap()))
            .collect();
        let problem = Problem::pose(&profiles.iter().collect::<Vec<_>>(), &platform, &PoseOptions::default()).unwrap();
        Self { platform, networks, problem }
    }

    /// Every task on one accelerator as far as that runs it, the rest on the GPU; tasks in order.
    fn whole(&self, machines: &[usize]) -> Decision {
        let mut order = vec![Vec::new(); self.problem.machines.len()];
        let mut placement = Vec::new();
        for (task, &machine) in machines.iter().enumerate() {
            let groups = 0..self.problem.tasks[task].groups.len();
            let place = |group| if self.problem.cost(GroupId { task, group }, machine).is_some() { machine } else { 0 };
            placement.push(groups.clone().map(place).collect::<Vec<usize>>());
            groups.for_each(|group| order[placement[task][group]].push(GroupId { task, group }));
        }
        Decision { placement, order }
    }

    fn run(&self, decision: &Decision, options: RunOptions) -> Result<RunLog, RunError> {
        let networks: Vec<&Network> = self.networks.iter().collect();
        run(&self.problem, decision, &networks, &self.platform, options)
    }

    /// The policy of a run of one round without noise.
    fn quiet(&self, decision: &Decision) -> PolicyRun {
        self.run(decision, QUIET).unwrap().policies.remove(0)
    }

    /// Its round.
    fn round(&self, decision: &Decision) -> Round {
        self.quiet(decision).rounds.remove(0)
    }
}

const QUIET: RunOptions =
    RunOptions { iterations: 1, warm_up: Milliseconds(0.0), seed: None, engine_mode: EngineMode::Segments };

/// Runs `decision`; where it has no timeline, nothing is predicted of it.
fn run(
    problem: &Problem,
    decision: &Decision,
    networks: &[&Network],
    platform: &Platform,
    options: RunOptions,
) -> Result<RunLog, RunError> {
    let timeline = evaluate(problem, decision).unwrap_or_else(|_| Timeline {
        groups: problem.tasks.iter().map(|task| vec![Occupation::default(); task.groups.len()]).collect(),
    });
    let policy = PolicyPlan { name: "haxconn", label: "HaX-CoNN", decision, timeline: &timeline };
    run_multi(problem, &[policy], networks, platform, options)
}

#[test]
fn without_contention_and_noise_a_run_is_the_prediction() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let decision = fixture.whole(&[0, 0]);
    let timeline = evaluate(&fixture.problem, &decision).unwrap();
    let round = fixture.round(&decision);
    for (spans, predicted) in round.spans.iter().flatten().zip(timeline.groups.iter().flatten()) {
        assert!(spans.start.0.abs_diff(predicted.start.0) <= 20 && spans.end.0.abs_diff(predicted.end.0) <= 20);
    }
}

#[test]
fn accelerators_side_by_side_never_run_faster_than_alone() {
    let fixture = Fixture::new(&["alexnet", "vgg19"]);
    let decision = fixture.whole(&[0, 1]);
    let round = fixture.round(&decision);
    let mut n_slowed = 0;
    for (task, groups) in round.spans.iter().enumerate() {
        for (group, span) in groups.iter().enumerate() {
            let machine = decision.placement[task][group];
            let work = fixture.problem.cost(GroupId { task, group }, machine).unwrap().work;
            assert!(span.end.0 - span.start.0 + 5 >= work.0, "task {task} group {group}");
            n_slowed += usize::from(span.end.0 - span.start.0 > work.0 + work.0 / 100);
        }
    }
    assert!(n_slowed > 0, "AlexNet's fully connected layers and the DLA ask for more than the memory delivers");
}

#[test]
fn a_seed_repeats_a_run_and_another_one_does_not() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let decision = fixture.whole(&[1, 0]);
    let options = RunOptions { iterations: 20, warm_up: Milliseconds(30.0), seed: Some(7), ..QUIET };
    let log = fixture.run(&decision, options).unwrap();
    let policy = &log.policies[0];
    assert_eq!(policy.rounds.len(), 20);
    assert_eq!(fixture.run(&decision, options).unwrap(), log);
    let other = fixture.run(&decision, RunOptions { seed: Some(8), ..options }).unwrap();
    assert_ne!(other.policies[0].rounds, policy.rounds);
    let spread = policy.makespan().cv;
    assert!(spread > 0.0 && spread < 0.01, "{spread}");
    let quiet = fixture.quiet(&decision).makespan().mean.0;
    assert!((policy.makespan().mean.0 / quiet - 1.0).abs() < 0.01);
}

#[test]
fn warm_up_rounds_are_run_but_not_recorded() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let decision = fixture.whole(&[0, 0]);
    let seeded = RunOptions { seed: Some(1), ..QUIET };
    let cold = fixture.run(&decision, RunOptions { iterations: 5, ..seeded }).unwrap();
    let two_rounds = Milliseconds(1.5 * cold.policies[0].makespan().mean.0);
    let warm = fixture.run(&decision, RunOptions { iterations: 3, warm_up: two_rounds, ..seeded }).unwrap();
    assert_eq!(warm.warm_up.rounds, 2);
    assert_eq!(warm.policies[0].rounds, cold.policies[0].rounds[2..]);
}

#[test]
fn policies_run_in_turn_have_the_rounds_that_each_has_alone() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let decisions = [fixture.whole(&[0, 1]), fixture.whole(&[1, 0])];
    let timelines = decisions.each_ref().map(|decision| evaluate(&fixture.problem, decision).unwrap());
    let plans: Vec<PolicyPlan> = decisions
        .iter()
        .zip(&timelines)
        .zip(["HaX-CoNN", "other"])
        .map(|((decision, timeline), label)| PolicyPlan { name: label, label, decision, timeline })
        .collect();
    let options = RunOptions { iterations: 4, seed: Some(3), ..QUIET };
    let networks: Vec<&Network> = fixture.networks.iter().collect();
    let both = run_multi(&fixture.problem, &plans, &networks, &fixture.platform, options).unwrap();
    assert_eq!(both.policies.len(), 2);
    assert_eq!(both.policies[0].rounds, fixture.run(&decisions[0], options).unwrap().policies[0].rounds);
    assert_eq!(both.policies[1].rounds.len(), 4);
    assert_ne!(both.policies[0].rounds, both.policies[1].rounds);
}

/// A program of `decision` on the problem's accelerators whose runners spin for a tenth of their predicted time.
fn spinning(problem: &Problem, decision: &Decision, timeline: &Timeline) -> Program<String> {
    let segments = segments(decision);
    let runner = |segment: &Segment| -> Duration {
        let groups = &timeline.groups[segment.task][segment.groups.first..segment.groups.last];
        Duration::from_nanos((groups[groups.len() - 1].end - groups[0].start).0 / 10)
    };
    let times: Vec<Duration> = segments.iter().map(runner).collect();
    let lane = |(machine, order): (usize, &Vec<usize>)| {
        let times: Vec<Duration> = order.iter().map(|&segment| times[segment]).collect();
        let spin = |time: Duration| -> Runner<String> {
            Box::new(move || {
                let begun = Instant::now();
                while begun.elapsed() < time {}
                Ok(())
            })
        };
        let set_up: SetUp<String> = Box::new(move || Ok(times.into_iter().map(spin).collect()));
        Lane { name: problem.machines[machine].name.clone(), segments: order.clone(), set_up }
    };
    let lanes = lanes(decision, &segments).iter().enumerate().map(lane).collect();
    Program { segments: works(problem, &segments), lanes }
}

#[test]
fn a_schedule_runs_in_real_time_segment_by_segment() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let decisions = [fixture.whole(&[1, 0]), fixture.whole(&[0, 1])];
    let timelines = decisions.each_ref().map(|decision| evaluate(&fixture.problem, decision).unwrap());
    let policy = |idx: usize| {
        let (decision, timeline) = (&decisions[idx], &timelines[idx]);
        let plan = PolicyPlan { name: "haxconn", label: "HaX-CoNN", decision, timeline };
        (plan, spinning(&fixture.problem, decision, timeline))
    };
    let policies = vec![policy(0), policy(1)];
    let options = ExecutorOptions::default();
    let (_, reference) = policy(0);
    let mode = EngineMode::Segments;
    let ran = run_real_time(&fixture.problem, mode, policies, vec![reference], 20, Milliseconds(2.0), options).unwrap();
    assert!(ran.policies.len() == 2 && ran.warm_up.rounds > 0);
    let ends = &ran.references[0];
    assert!(ends.len() == 20 && ends.iter().flatten().all(|end| end.0 > 0), "{ends:?}");
    for (run, decision) in ran.policies.iter().zip(&decisions) {
        let n_spans: usize = run.tasks.iter().map(|task| task.spans.len()).sum();
        assert_eq!((n_spans, run.rounds.len()), (segments(decision).len(), 20));
        for round in &run.rounds {
            for (task, spans) in run.tasks.iter().zip(&round.spans) {
                assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start), "{spans:?}");
                for (idx, span) in spans.iter().enumerate() {
                    assert!(span.duration().0 >= task.predicted(idx).duration().0 / 10, "{spans:?}");
                }
            }
        }
    }
}

#[test]
fn one_engine_per_network_pays_no_launch_at_its_transition_and_is_refused_where_groups_interleave() {
    let mut fixture = Fixture::new(&["googlenet", "resnet18"]);
    for task in &mut fixture.problem.tasks {
        task.launch = vec![Nanoseconds(1_000_000); 2];
    }
    let mut decision = fixture.whole(&[1, 0]);
    let tail = GroupId { task: 0, group: decision.placement[0].len() - 1 };
    decision.order[0].retain(|id| *id != tail);
    decision.order[0].push(tail);
    let transition = RunOptions { engine_mode: EngineMode::Transition, ..QUIET };
    let both =
        [QUIET, transition].map(|options| fixture.run(&decision, options).unwrap().policies[0].rounds[0].clone());
    let length = |round: &Round| round.spans[0].iter().map(|span| span.duration().0).sum::<u64>();
    let saved = length(&both[0]).abs_diff(length(&both[1]));
    assert!(saved.abs_diff(1_000_000) < 20_000, "{saved}");
    decision.order[0].retain(|id| *id != tail);
    decision.order[0].insert(2, tail);
    assert_eq!(
        fixture.run(&decision, transition).unwrap_err().to_string(),
        "layers 140-140 of `googlenet` stand between groups of `resnet18` on `gpu`, which run in one engine"
    );
    let mut back_and_forth = fixture.whole(&[0, 0]);
    for group in [1, 3] {
        back_and_forth.placement[0][group] = 1;
    }
    let refusal = check_one_engine_each(&fixture.problem, &back_and_forth).unwrap_err().to_string();
    assert_eq!(refusal, "task `googlenet` changes its accelerator 4 times; one engine has one transition inside");
}

#[test]
fn releases_and_edges_between_tasks_hold() {
    let mut fixture = Fixture::new(&["googlenet", "resnet18"]);
    fixture.problem.tasks[0].release = Nanoseconds(3_000_000);
    fixture.problem.tasks[1].after = vec![0];
    let policy = fixture.quiet(&fixture.whole(&[0, 1]));
    let groups = &policy.rounds[0].spans;
    assert_eq!(groups[0][0].start, Nanoseconds(3_000_000));
    assert_eq!(groups[1][0].start, groups[0].last().unwrap().end);
    assert_eq!(policy.latency(0).mean, (groups[0].last().unwrap().end - Nanoseconds(3_000_000)).to_milliseconds());
}

#[test]
fn launches_are_paid_once_for_each_run_of_neighbouring_groups() {
    let mut fixture = Fixture::new(&["googlenet", "resnet18"]);
    let before = fixture.round(&fixture.whole(&[0, 0])).makespan();
    for task in &mut fixture.problem.tasks {
        task.launch[0] = Nanoseconds(1_000_000);
    }
    let after = fixture.round(&fixture.whole(&[0, 0])).makespan();
    assert!(after.0.abs_diff(before.0 + 2_000_000) <= 5, "{before} {after}");
}

#[test]
fn refuses_what_cannot_be_run() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let good = fixture.whole(&[0, 0]);
    let googlenet = &fixture.networks[0];
    let refusal = |networks: &[&Network], decision: &Decision| {
        run(&fixture.problem, decision, networks, &fixture.platform, QUIET).unwrap_err().to_string()
    };
    assert_eq!(refusal(&[googlenet], &good), "1 network(s) for 2 task(s)");
    assert_eq!(
        refusal(&[googlenet, googlenet], &good),
        "the groups of task `resnet18` don't end with the last layer of `googlenet`"
    );
    let networks: Vec<&Network> = fixture.networks.iter().collect();
    let mut unsupported = good.clone();
    unsupported.placement[0].fill(1);
    assert_eq!(refusal(&networks, &unsupported), "task `googlenet`: layers 140-140 can't run on `dla`");
    let mut circle = good.clone();
    circle.order[0].reverse();
    assert!(
        refusal(&networks, &circle).ends_with("never start: the schedule's orders wait for each other in a circle")
    );
    let mut elsewhere = fixture.problem.clone();
    elsewhere.machines[1].name = "npu".into();
    let refusal = run(&elsewhere, &good, &networks, &fixture.platform, QUIET).unwrap_err().to_string();
    assert_eq!(refusal, "platform `xavier_agx` has no accelerator `npu`");
}
