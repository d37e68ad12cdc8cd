//! Runs of real schedules: two networks on the built-in Xavier.

#![allow(clippy::unwrap_used, reason = "a test that fails to set up should fail")]

use haxconn::artifact::builtin;
use haxconn::group::{AcceleratorRules, GroupSpec, split};
use haxconn::network::{Network, caffe, catalog};
use haxconn::platform::Platform;
use haxconn::problem::{GroupId, PoseOptions, Problem};
use haxconn::profile::model;
use haxconn::run::{RunError, RunLog, RunOptions, run_multi};
use haxconn::schedule::{Decision, evaluate};
use haxconn::units::Nanoseconds;

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
        run_multi(&self.problem, decision, &self.networks.iter().collect::<Vec<_>>(), &self.platform, options)
    }
}

const QUIET: RunOptions = RunOptions { iterations: 1, warm_up: 0, seed: None };

#[test]
fn without_contention_and_noise_a_run_is_the_prediction() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let decision = fixture.whole(&[0, 0]);
    let timeline = evaluate(&fixture.problem, &decision).unwrap();
    let log = fixture.run(&decision, QUIET).unwrap();
    for (spans, predicted) in log.rounds[0].groups.iter().flatten().zip(timeline.groups.iter().flatten()) {
        assert!(spans.start.0.abs_diff(predicted.start.0) <= 20 && spans.end.0.abs_diff(predicted.end.0) <= 20);
    }
}

#[test]
fn accelerators_side_by_side_never_run_faster_than_alone() {
    let fixture = Fixture::new(&["alexnet", "vgg19"]);
    let decision = fixture.whole(&[0, 1]);
    let log = fixture.run(&decision, QUIET).unwrap();
    let mut n_slowed = 0;
    for (task, groups) in log.rounds[0].groups.iter().enumerate() {
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
    let options = RunOptions { iterations: 20, warm_up: 3, seed: Some(7) };
    let log = fixture.run(&decision, options).unwrap();
    assert_eq!(log.rounds.len(), 20);
    assert_eq!(fixture.run(&decision, options).unwrap(), log);
    assert_ne!(fixture.run(&decision, RunOptions { seed: Some(8), ..options }).unwrap().rounds, log.rounds);
    let spread = log.makespan().cv;
    assert!(spread > 0.0 && spread < 0.01, "{spread}");
    let quiet = fixture.run(&decision, QUIET).unwrap().makespan().mean.0;
    assert!((log.makespan().mean.0 / quiet - 1.0).abs() < 0.01);
}

#[test]
fn warm_up_rounds_are_run_but_not_recorded() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let decision = fixture.whole(&[0, 0]);
    let cold = fixture.run(&decision, RunOptions { iterations: 5, warm_up: 0, seed: Some(1) }).unwrap();
    let warm = fixture.run(&decision, RunOptions { iterations: 3, warm_up: 2, seed: Some(1) }).unwrap();
    assert_eq!(warm.rounds, cold.rounds[2..]);
}

#[test]
fn releases_and_edges_between_tasks_hold() {
    let mut fixture = Fixture::new(&["googlenet", "resnet18"]);
    fixture.problem.tasks[0].release = Nanoseconds(3_000_000);
    fixture.problem.tasks[1].after = vec![0];
    let log = fixture.run(&fixture.whole(&[0, 1]), QUIET).unwrap();
    let groups = &log.rounds[0].groups;
    assert_eq!(groups[0][0].start, Nanoseconds(3_000_000));
    assert_eq!(groups[1][0].start, groups[0].last().unwrap().end);
    assert_eq!(log.latency(0).mean, (groups[0].last().unwrap().end - Nanoseconds(3_000_000)).to_milliseconds());
}

#[test]
fn launches_are_paid_once_for_each_run_of_neighbouring_groups() {
    let mut fixture = Fixture::new(&["googlenet", "resnet18"]);
    let before = fixture.run(&fixture.whole(&[0, 0]), QUIET).unwrap().rounds[0].makespan();
    for task in &mut fixture.problem.tasks {
        task.launch[0] = Nanoseconds(1_000_000);
    }
    let after = fixture.run(&fixture.whole(&[0, 0]), QUIET).unwrap().rounds[0].makespan();
    assert!(after.0.abs_diff(before.0 + 2_000_000) <= 5, "{before} {after}");
}

#[test]
fn refuses_what_cannot_be_run() {
    let fixture = Fixture::new(&["googlenet", "resnet18"]);
    let good = fixture.whole(&[0, 0]);
    let googlenet = &fixture.networks[0];
    let run = |networks: &[&Network], decision: &Decision| {
        run_multi(&fixture.problem, decision, networks, &fixture.platform, QUIET).unwrap_err().to_string()
    };
    assert_eq!(run(&[googlenet], &good), "1 network(s) for 2 task(s)");
    assert_eq!(
        run(&[googlenet, googlenet], &good),
        "the groups of task `resnet18` don't end with the last layer of `googlenet`"
    );
    let networks: Vec<&Network> = fixture.networks.iter().collect();
    let mut unsupported = good.clone();
    unsupported.placement[0].fill(1);
    assert_eq!(run(&networks, &unsupported), "task `googlenet`: layers 140-140 can't run on `dla`");
    let mut circle = good.clone();
    circle.order[0].reverse();
    assert!(run(&networks, &circle).ends_with("never start: the schedule's orders wait for each other in a circle"));
    let mut elsewhere = fixture.problem.clone();
    elsewhere.machines[1].name = "npu".into();
    let refusal = run_multi(&elsewhere, &good, &networks, &fixture.platform, QUIET).unwrap_err().to_string();
    assert_eq!(refusal, "platform `xavier_agx` has no accelerator `npu`");
}
