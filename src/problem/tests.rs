//! What posing makes of profiles, and what it refuses.

use super::validate::{HIGHEST_DEMAND, LONGEST, MOST_MACHINES};
use super::*;
use crate::group::LayerRange;
use crate::platform::{
    Accelerator, AcceleratorKind, ContentionCurve, LoadableMemory, Pccs, Platform, Provenance, Roofline, SlowdownTable,
    Sourced, SupportRules, TransitionModel,
};
use crate::profile::{GroupCost, GroupProfile, NetworkProfile, Tagged};
use crate::units::{GigabytesPerSecond, MegabytesPerSecond, Milliseconds, Milliwatts, Nanoseconds};

fn sourced<T>(value: T) -> Sourced<T> {
    Sourced { value, provenance: Provenance::Assumed, source: "chosen for a test".to_owned() }
}

fn tagged<T>(value: T) -> Tagged<T> {
    Tagged { value, provenance: Provenance::Assumed }
}

fn accelerator(name: &str, contention: ContentionCurve) -> Accelerator {
    let time = || sourced(Milliseconds(0.0));
    Accelerator {
        name: name.to_owned(),
        kind: AcceleratorKind::Gpu,
        contention,
        assumed_contention: Vec::new(),
        rules: SupportRules::Everything,
        max_loadables: None,
        loadable_memory: LoadableMemory::default(),
        power: (name == "dla").then_some(Milliwatts(1500)),
        provider: None,
        pays_network_io: name == "dla",
        roofline: Roofline {
            compute_gmacs: sourced(1000.0),
            bandwidth: sourced(GigabytesPerSecond(100.0)),
            overhead: time(),
        },
        transition: TransitionModel { in_fixed: time(), in_per_mib: time(), out_fixed: time(), out_per_mib: time() },
        stated: Vec::new(),
    }
}

fn pccs() -> ContentionCurve {
    let gpu = Pccs { normal_bw: 38.1, intensive_bw: 96.2, mrmc: 4.9, tbwdc: 87.2, cbp: 45.3, rate: 1.11, pbw: 127.5 };
    ContentionCurve::Pccs(gpu)
}

fn table() -> ContentionCurve {
    ContentionCurve::Table(SlowdownTable { own: vec![0.0], external: vec![0.0], speed: vec![vec![1.0]] })
}

fn platform() -> Platform {
    Platform {
        name: "board".to_owned(),
        title: "A board".to_owned(),
        content_hash: "abc".to_owned(),
        peak_bandwidth: sourced(GigabytesPerSecond(136.5)),
        compute_capability: None,
        emc_clock: None,
        idle_power: Some(sourced(Milliwatts(500))),
        sharing_efficiency: sourced(0.9),
        bytes_per_element: 2,
        accelerators: vec![accelerator("gpu", pccs()), accelerator("dla", pccs())],
    }
}

fn cost(time: f64, demand: f64) -> GroupCost {
    GroupCost {
        time: tagged(Milliseconds(time)),
        half_width: None,
        demand: tagged(GigabytesPerSecond(demand)),
        entry: tagged(Milliseconds(0.0625)),
        exit: tagged(Milliseconds(0.0)),
    }
}

fn group(first: usize, last: usize, costs: &[(&str, GroupCost)]) -> GroupProfile {
    let costs = costs.iter().map(|&(name, cost)| (name.to_owned(), cost)).collect();
    GroupProfile { layers: LayerRange { first, last }, costs }
}

/// Three groups, the last of which the DLA can't run.
fn googlenet() -> NetworkProfile {
    NetworkProfile {
        network: "googlenet".to_owned(),
        title: "GoogleNet".to_owned(),
        network_hash: "123".to_owned(),
        platform: "board".to_owned(),
        platform_hash: None,
        backend: "sim".to_owned(),
        precision: "fp16".to_owned(),
        power_mode: None,
        groups: vec![
            group(0, 10, &[("gpu", cost(0.452, 60.0)), ("dla", cost(1.056, 30.0))]),
            group(10, 24, &[("gpu", cost(0.149, 50.0)), ("dla", cost(0.212, 25.0))]),
            group(24, 141, &[("gpu", cost(0.01, 20.0))]),
        ],
        launch: [("dla".to_owned(), tagged(Milliseconds(0.001)))].into(),
        sources: Vec::new(),
    }
}

fn pose(profile: &NetworkProfile) -> Result<Problem, ProblemError> {
    Problem::pose(&[profile], &platform(), &PoseOptions::default())
}

/// The sentence with which posing refuses `googlenet` after `change`.
fn refusal(change: fn(&mut NetworkProfile)) -> String {
    let mut profile = googlenet();
    change(&mut profile);
    pose(&profile).expect_err("must be refused").to_string()
}

fn option_refusal(change: fn(&mut PoseOptions)) -> String {
    let mut options = PoseOptions::default();
    change(&mut options);
    let profile = googlenet();
    Problem::pose(&[&profile, &profile], &platform(), &options).expect_err("must be refused").to_string()
}

fn hand_refusal(change: fn(&mut Problem)) -> String {
    let mut problem = pose(&googlenet()).unwrap();
    assert_eq!(problem.validate(), Ok(()));
    change(&mut problem);
    problem.validate().expect_err("must be refused").to_string()
}

fn first_cost(problem: &mut Problem) -> &mut Cost {
    problem.tasks[0].groups[0].costs[0].as_mut().unwrap()
}

#[test]
fn poses_integers_in_the_platforms_order() {
    let problem = pose(&googlenet()).unwrap();
    let names: Vec<_> = problem.machines.iter().map(|machine| machine.name.as_str()).collect();
    assert_eq!(names, ["gpu", "dla"]);
    let expected = Cost {
        work: Nanoseconds(1_056_000),
        demand: MegabytesPerSecond(30_000),
        entry: Nanoseconds(62_500),
        exit: Nanoseconds(0),
    };
    assert_eq!(problem.tasks[0].groups[0].costs[1], Some(expected));
    assert_eq!(problem.tasks[0].launch, [Nanoseconds(0), Nanoseconds(1000)]);
    assert!(!problem.machines[0].pays_network_io && problem.machines[1].pays_network_io);
    assert_eq!(problem.max_transitions, Some(2));
    assert_eq!((problem.machines[0].power, problem.machines[1].power), (None, Some(Milliwatts(1500))));
    assert_eq!(problem.idle_power, Milliwatts(500));
}

#[test]
fn the_tail_is_what_an_accelerator_cant_run_at_the_end() {
    let tails = |problem: &Problem| problem.tasks[0].groups.iter().map(|group| group.tail).collect::<Vec<_>>();
    assert_eq!(tails(&pose(&googlenet()).unwrap()), [false, false, true]);
    let mut hole = googlenet();
    hole.groups[0].costs.remove("dla");
    assert_eq!(tails(&pose(&hole).unwrap()), [false, false, true]);
    hole.groups[1].costs.remove("dla");
    assert_eq!(tails(&pose(&hole).unwrap()), [false; 3]);
}

#[test]
fn pins_make_no_tail() {
    let profile = googlenet();
    let options =
        PoseOptions { allowed: vec![vec![vec![true, true], vec![true, false], vec![true; 2]]], ..Default::default() };
    let problem = Problem::pose(&[&profile], &platform(), &options).unwrap();
    assert!(problem.tasks[0].groups[1].costs[1].is_none());
    assert!(!problem.tasks[0].groups[1].tail);
}

#[test]
fn instances_of_one_network_are_numbered() {
    let profile = googlenet();
    let problem = Problem::pose(&[&profile, &profile, &profile], &platform(), &PoseOptions::default()).unwrap();
    let names: Vec<_> = problem.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["googlenet", "googlenet#2", "googlenet#3"]);
}

#[test]
fn releases_and_edges_reach_their_tasks() {
    let profile = googlenet();
    let options = PoseOptions {
        releases: vec![Nanoseconds(0), Nanoseconds(7)],
        after: vec![vec![], vec![0]],
        max_transitions: None,
        ..Default::default()
    };
    let problem = Problem::pose(&[&profile, &profile], &platform(), &options).unwrap();
    assert_eq!((problem.tasks[1].release, problem.tasks[1].after.as_slice()), (Nanoseconds(7), &[0][..]));
    assert_eq!(problem.max_transitions, None);
}

#[test]
fn contention_is_the_platforms_the_kind_asked_for_or_none() {
    let profile = googlenet();
    let curves = |platform: &Platform, contention| {
        let options = PoseOptions { contention, ..Default::default() };
        Problem::pose(&[&profile], platform, &options)
            .map(|problem| problem.machines.into_iter().map(|machine| machine.curve).collect::<Vec<_>>())
    };
    assert_eq!(curves(&platform(), Contention::Platform).unwrap(), [pccs(), pccs()]);
    assert_eq!(curves(&platform(), Contention::Pccs).unwrap(), [pccs(), pccs()]);
    assert_eq!(curves(&platform(), Contention::None).unwrap(), [ContentionCurve::None, ContentionCurve::None]);
    let error = curves(&platform(), Contention::Table).unwrap_err();
    assert_eq!(error.to_string(), "accelerator `gpu` of `board` has no contention curve of kind `table`");
    let mut mixed = platform();
    mixed.accelerators[1].contention = table();
    assert_eq!(curves(&mixed, Contention::Platform).unwrap(), [pccs(), table()]);
    let error = curves(&mixed, Contention::Pccs).unwrap_err();
    assert_eq!(error.to_string(), "accelerator `dla` of `board` has no contention curve of kind `pccs`");
}

#[test]
fn names_the_group_that_runs_nowhere() {
    let message = refusal(|profile| profile.groups[1].costs.clear());
    assert_eq!(message, "group 10-23 of `googlenet` has no time on any accelerator: profile it");
}

#[test]
fn refuses_profiles_that_dont_belong_to_the_platform() {
    let message = refusal(|profile| profile.platform = "orin".to_owned());
    assert!(message.starts_with("the profile of `googlenet` is of platform `orin`, not of `board`"), "{message}");
    let message = refusal(|profile| profile.platform_hash = Some("old".to_owned()));
    assert!(message.contains("another version of platform `board`"), "{message}");
    let message = refusal(|profile| {
        let cost = profile.groups[0].costs["gpu"];
        profile.groups[0].costs.insert("npu".to_owned(), cost);
    });
    assert!(message.contains("accelerator `npu`, which `board` doesn't have"), "{message}");
    let mut current = googlenet();
    current.platform_hash = Some("abc".to_owned());
    assert!(pose(&current).is_ok());
}

#[test]
fn refuses_profiles_taken_under_different_conditions() {
    let mixed = |change: fn(&mut NetworkProfile, &str)| {
        let (mut first, mut second) = (googlenet(), googlenet());
        second.network = "alexnet".to_owned();
        change(&mut first, "one");
        change(&mut second, "two");
        Problem::pose(&[&first, &second], &platform(), &PoseOptions::default()).map_err(|error| error.to_string())
    };
    let message = mixed(|profile, value| profile.precision = value.to_owned()).unwrap_err();
    assert!(message.contains("different precisions, `one` and `two`"), "{message}");
    let message = mixed(|profile, value| profile.power_mode = Some(value.to_owned())).unwrap_err();
    assert!(message.contains("different power modes, `one` and `two`"), "{message}");
    let known_once = |profile: &mut NetworkProfile, value: &str| {
        profile.power_mode = Some(value.to_owned()).filter(|value| value == "one");
    };
    assert!(mixed(known_once).is_ok());
}

#[test]
fn refuses_numbers_that_mean_nothing() {
    let message = refusal(|profile| profile.groups[0].costs.get_mut("dla").unwrap().time.value.0 = -0.5);
    assert_eq!(
        message,
        "the time of group 0-9 of `googlenet` on `dla` is -0.5, but must be a number that is not negative"
    );
    let message = refusal(|profile| profile.groups[0].costs.get_mut("gpu").unwrap().entry.value.0 = f64::NAN);
    assert!(message.starts_with("the entry cost of group 0-9"), "{message}");
    let message = refusal(|profile| profile.groups[0].costs.get_mut("gpu").unwrap().exit.value.0 = f64::INFINITY);
    assert!(message.starts_with("the exit cost of group 0-9"), "{message}");
    let message = refusal(|profile| profile.groups[0].costs.get_mut("gpu").unwrap().demand.value.0 = f64::NAN);
    assert!(message.starts_with("the memory demand of group 0-9"), "{message}");
    let message = refusal(|profile| profile.launch.get_mut("dla").unwrap().value.0 = -1.0);
    assert_eq!(message, "the launch cost of `googlenet` on `dla` is -1, but must be a number that is not negative");
}

#[test]
fn refuses_a_demand_above_the_platforms_peak() {
    let message = refusal(|profile| profile.groups[0].costs.get_mut("gpu").unwrap().demand.value.0 = 137.0);
    assert_eq!(
        message,
        "the memory demand of group 0-9 of `googlenet` on `gpu` is 137.0 GB/s, above 136.5 GB/s, the most that the \
         memory delivers"
    );
}

#[test]
fn refuses_times_in_which_sums_could_overflow() {
    let message = refusal(|profile| profile.groups[0].costs.get_mut("gpu").unwrap().time.value.0 = 3_600_001.0);
    assert!(message.contains("is longer than 1 hour(s)"), "{message}");
    let message = hand_refusal(|problem| {
        let mut task = problem.tasks[0].clone();
        let mut group = task.groups[0].clone();
        group.costs[0].as_mut().unwrap().work = LONGEST;
        let chain = (0..1001).map(|first| Group { layers: LayerRange { first, last: first + 1 }, ..group.clone() });
        task.groups = chain.collect();
        problem.tasks[0] = task;
    });
    assert_eq!(message, "all groups together take longer than 1000 hour(s), the most that can be scheduled");
}

#[test]
fn refuses_nothing_to_schedule() {
    let none = Problem::pose(&[], &platform(), &PoseOptions::default());
    assert_eq!(none, Err(ProblemError::NoTasks));
    let mut empty = platform();
    empty.accelerators.clear();
    let mut profile = googlenet();
    profile.groups.clear();
    profile.launch.clear();
    assert_eq!(Problem::pose(&[&profile], &empty, &PoseOptions::default()), Err(ProblemError::NoMachines));
    assert_eq!(refusal(|profile| profile.groups.clear()), "`googlenet` has no layer groups");
}

#[test]
fn refuses_groups_that_dont_follow_each_other() {
    let message = refusal(|profile| profile.groups[1].layers.first = 11);
    assert!(message.starts_with("group 11-23 of `googlenet` doesn't begin at layer 10"), "{message}");
    let message = refusal(|profile| profile.groups[1].layers.last = 10);
    assert_eq!(message, "a group of `googlenet` at layer 10 holds no layer");
}

#[test]
fn refuses_pins_that_leave_a_group_nowhere() {
    let message = option_refusal(|options| {
        options.allowed = vec![vec![vec![true; 2]; 3]; 2];
        options.allowed[1][2] = vec![false, true];
    });
    assert_eq!(
        message,
        "group 24-140 of `googlenet#2` may run on no accelerator: its pins exclude every one that can run it"
    );
}

#[test]
fn refuses_lists_of_another_length() {
    let message = option_refusal(|options| options.allowed = vec![vec![vec![true; 2]; 3]]);
    assert_eq!(message, "the list of pins has 1 entries instead of 2");
    let message = option_refusal(|options| options.allowed = vec![vec![vec![true; 2]; 2]; 2]);
    assert_eq!(message, "the list of pins of `googlenet` has 2 entries instead of 3");
    let message = option_refusal(|options| options.allowed = vec![vec![vec![true; 3]; 3]; 2]);
    assert_eq!(message, "the list of pins of group 0-9 of `googlenet` has 3 entries instead of 2");
    let message = option_refusal(|options| options.releases = vec![Nanoseconds(1)]);
    assert_eq!(message, "the list of releases has 1 entries instead of 2");
    let message = option_refusal(|options| options.after = vec![vec![]; 3]);
    assert_eq!(message, "the list of edges has 3 entries instead of 2");
    let message = hand_refusal(|problem| problem.tasks[0].launch.truncate(1));
    assert_eq!(message, "the list of launch costs of `googlenet` has 1 entries instead of 2");
    let message = hand_refusal(|problem| problem.tasks[0].groups[1].costs.truncate(1));
    assert_eq!(message, "the list of costs of group 10-23 of `googlenet` has 1 entries instead of 2");
}

#[test]
fn refuses_edges_that_go_nowhere_or_in_a_circle() {
    let message = option_refusal(|options| options.after = vec![vec![1], vec![0]]);
    assert_eq!(message, "tasks wait for each other in a circle: googlenet, googlenet#2");
    let message = option_refusal(|options| options.after = vec![vec![0], vec![]]);
    assert_eq!(message, "tasks wait for each other in a circle: googlenet");
    let message = option_refusal(|options| options.after = vec![vec![2], vec![]]);
    assert_eq!(message, "`googlenet` waits for task 2, but there are only 2");
}

#[test]
fn refuses_a_task_that_no_plan_under_the_limit_can_place() {
    let message = option_refusal(|options| {
        options.max_transitions = Some(0);
        options.allowed = vec![vec![vec![true, false], vec![false, true], vec![true; 2]]; 2];
    });
    assert_eq!(message, "`googlenet` needs at least 1 transition(s), more than the limit of 0: allow more or unpin");
}

#[test]
fn a_forced_tail_needs_no_counted_transition() {
    let mut profile = googlenet();
    profile.groups[0].costs.remove("gpu");
    let options = PoseOptions { max_transitions: Some(0), ..Default::default() };
    let problem = Problem::pose(&[&profile], &platform(), &options).unwrap();
    assert_eq!(problem.fewest_transitions(0), Some(0));
}

#[test]
fn refuses_problems_built_wrong_by_hand() {
    assert_eq!(hand_refusal(|problem| problem.tasks.clear()), "there is no network to schedule");
    let message = hand_refusal(|problem| problem.machines[1].name = "gpu".to_owned());
    assert_eq!(message, "two accelerators are called `gpu`");
    let message = hand_refusal(|problem| problem.tasks.push(problem.tasks[0].clone()));
    assert_eq!(message, "two tasks are called `googlenet`");
    let message = hand_refusal(|problem| problem.machines = vec![problem.machines[0].clone(); MOST_MACHINES + 1]);
    assert_eq!(message, "there are 33 accelerators, but at most 32 are supported");
    let message = hand_refusal(|problem| first_cost(problem).demand = MegabytesPerSecond(HIGHEST_DEMAND.0 + 1));
    assert!(
        message.starts_with("the memory demand of group 0-9 of `googlenet` on `gpu` is 100000.0 GB/s"),
        "{message}"
    );
    let message = hand_refusal(|problem| first_cost(problem).exit = LONGEST + Nanoseconds(1));
    assert!(message.starts_with("the exit cost of group 0-9 of `googlenet` on `gpu` is longer"), "{message}");
    let message = hand_refusal(|problem| problem.tasks[0].release = LONGEST + Nanoseconds(1));
    assert!(message.starts_with("the release of `googlenet` is longer"), "{message}");
    let message = hand_refusal(|problem| problem.tasks[0].groups[0].costs = vec![None, None]);
    assert!(message.starts_with("group 0-9 of `googlenet` has no time"), "{message}");
    let message = hand_refusal(|problem| {
        if let ContentionCurve::Pccs(pccs) = &mut problem.machines[0].curve {
            pccs.pbw = 0.0;
        }
    });
    assert_eq!(
        message,
        "the contention curve of accelerator `gpu`: parameter `pbw` is 0, but must be a number above 0"
    );
}
