//! The text of one small schedule, whose every number follows by hand, and what changes in it when the schedule does.

use std::time::Duration;

use super::schedule::{gain_sentence, placements, proof_sentence, text, title};
use super::{ScheduleView, gantt, readable_value};
use crate::group::LayerRange;
use crate::platform::{ContentionCurve, SlowdownTable};
use crate::problem::{Cost, Group, GroupId, Machine, Problem, Task};
use crate::schedule::{
    Baseline, Decision, Objective, Proof, ProofState, SearchStatistics, Stop, Timeline, check, evaluate,
};
use crate::units::{MegabytesPerSecond, Nanoseconds};

/// Two networks on a GPU, and on a DLA that runs at half its speed while the GPU works.
struct Example {
    problem: Problem,
    decision: Decision,
    timeline: Timeline,
    baselines: Vec<Baseline>,
    proof: Proof,
    sources: [String; 1],
    warnings: [String; 1],
}

fn microseconds(count: u64) -> Nanoseconds {
    Nanoseconds(1000 * count)
}

/// Work, entry and exit in microseconds, and demand in gigabytes per second.
fn cost([work, entry, exit]: [u64; 3], demand: u32) -> Cost {
    let demand = MegabytesPerSecond(1000 * demand);
    Cost { work: microseconds(work), demand, entry: microseconds(entry), exit: microseconds(exit) }
}

fn group([first, last]: [usize; 2], on_gpu: u64, on_dla: Option<u64>) -> Group {
    let gpu = cost([on_gpu, 100, 100], 50);
    let dla = on_dla.map(|work| cost([work, 200, 100], 20));
    Group { layers: LayerRange { first, last }, costs: vec![Some(gpu), dla], tail: on_dla.is_none() }
}

fn task(title: &str, groups: Vec<Group>) -> Task {
    let launch = vec![Nanoseconds::ZERO; 2];
    Task { name: title.to_lowercase(), title: title.into(), groups, launch, ..Task::default() }
}

fn problem() -> Problem {
    let half = SlowdownTable { own: vec![0.0], external: vec![0.0, 50.0], speed: vec![vec![1.0, 0.5]] };
    let gpu =
        Machine { name: "gpu".into(), curve: ContentionCurve::None, pays_network_io: false, ..Machine::default() };
    let dla = Machine {
        name: "dla".into(),
        curve: ContentionCurve::Table(half),
        pays_network_io: true,
        ..Machine::default()
    };
    let googlenet =
        vec![group([0, 10], 1000, Some(1600)), group([10, 20], 1000, Some(1500)), group([20, 21], 50, None)];
    let resnet = vec![group([0, 30], 1200, Some(1000)), group([30, 60], 1000, Some(1400))];
    Problem {
        machines: vec![gpu, dla],
        tasks: vec![task("GoogleNet", googlenet), task("ResNet101", resnet)],
        max_transitions: Some(1),
        ..Problem::default()
    }
}

/// The decision that runs these groups, each `(task, group)`, on the GPU and on the DLA.
fn decision(on_gpu: &[(usize, usize)], on_dla: &[(usize, usize)]) -> Decision {
    let mut placement = vec![vec![0; 3], vec![0; 2]];
    for &(task, group) in on_dla {
        placement[task][group] = 1;
    }
    let order = [on_gpu, on_dla].map(|ids| ids.iter().map(|&(task, group)| GroupId { task, group }).collect());
    Decision { placement, order: order.into() }
}

fn example() -> Example {
    let problem = problem();
    let baseline = |name: &str, label: &str, decision: Decision, within_limit: bool| {
        let timeline = evaluate(&problem, &decision).unwrap();
        let transitions = if within_limit { 0 } else { 2 };
        Baseline { name: name.into(), label: label.into(), decision, timeline, transitions, within_limit }
    };
    let own = decision(&[(0, 0), (1, 1), (0, 2)], &[(1, 0), (0, 1)]);
    let one_after_the_other = decision(&[(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)], &[]);
    let baselines = vec![
        baseline("gpu-only", "googlenet, then resnet101 on gpu", one_after_the_other, true),
        baseline("mensa", "each group where it is fastest", own.clone(), false),
    ];
    let timeline = evaluate(&problem, &own).unwrap();
    assert_eq!(check(&problem, &own, &timeline), Ok(()));
    let statistics = SearchStatistics {
        combinations: 16,
        excluded_by_rows: 10,
        decided_by_oracle: 4,
        excluded_by_enumeration: 2,
        z3_checks: 3,
        oracle_nodes: 99,
    };
    let bound = timeline.makespan().0;
    let elapsed = Duration::from_millis(73);
    let proof = Proof { state: ProofState::Optimal, bound, elapsed, stopped_by: None, deterministic: true, statistics };
    let sources = ["GoogleNet: a hand-made profile".to_owned()];
    let warnings = ["contention of DLA rests on assumed cbp".to_owned()];
    Example { problem, decision: own, timeline, baselines, proof, sources, warnings }
}

impl Example {
    fn view(&self) -> ScheduleView<'_> {
        ScheduleView {
            problem: &self.problem,
            decision: &self.decision,
            timeline: &self.timeline,
            objective: Objective::Makespan,
            proof: Some(&self.proof),
            policy: "HaX-CoNN",
            baselines: &self.baselines,
            robustness: None,
            platform: "NVIDIA Jetson AGX Xavier (xavier_agx)",
            contention: "table",
            sources: &self.sources,
            warnings: &self.warnings,
        }
    }
}

const TEXT: &str = "\
HaX-CoNN on NVIDIA Jetson AGX Xavier (xavier_agx): predicted, contention by table
  GoogleNet: a hand-made profile
  warning: contention of DLA rests on assumed cbp

GoogleNet starts on GPU, moves to DLA after layer 9, moves to GPU after layer 19 for its tail
ResNet101 starts on DLA, moves to GPU after layer 29

   Network    Groups  Layers  On   Start [ms]  End [ms]  Slowdown
A  GoogleNet       1     0-9  GPU       0.000     1.100    1.000x
A  GoogleNet       2   10-19  DLA       1.700     3.950    1.300x
A  GoogleNet       3      20  GPU       3.950     4.100    1.000x
B  ResNet101       1    0-29  DLA       0.000     1.700    1.400x
B  ResNet101       2   30-59  GPU       1.700     2.800    1.000x

GPU |AAAAAAAAAAAAAAAAA>>..........>>>BBBBBBBBBBBBBBBBB....................>>A|
DLA |>>>>BBBBBBBBBBBBBBBBBBBBBBBB>>>>>AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>>...|
     0                                                               4.100 ms
     A GoogleNet, B ResNet101, > transition, . idle

Predicted makespan  4.100 ms
  GoogleNet: latency 4.100 ms, slowed 1.176x by contention
  ResNet101: latency 2.800 ms, slowed 1.200x by contention

Baseline  Makespan [ms]  Transitions  Gain over it
gpu-only          4.250            0        +3.5 %  googlenet, then resnet101 on gpu
mensa             4.100            2        +0.0 %  each group where it is fastest (outside the limits)

Gain over the best baseline: 3.5 % (gpu-only: googlenet, then resnet101 on gpu)

optimal: proved that no other placement and order is better
  16 combinations of plans: 10 excluded by Z3's rows, 4 decided by the order search, 2 excluded by enumeration
  3 Z3 checks, solved in 73 ms
";

#[test]
fn the_text_says_everything_about_a_schedule() {
    assert_eq!(text(&example().view()), TEXT);
}

#[test]
fn a_column_of_the_chart_shows_work_by_its_letter_and_what_else_takes_the_accelerator() {
    let expected = "\
GPU |AAAAAAAAAA>......>BBBBBBBBBB...........>A|
DLA |>>BBBBBBBBBBBBBB>>>AAAAAAAAAAAAAAAAAAA>..|
     0                                4.100 ms
     A GoogleNet, B ResNet101, > transition, . idle
";
    assert_eq!(gantt(&example().view(), 41), expected);
}

#[test]
fn a_transition_shorter_than_a_column_is_still_drawn() {
    let chart = gantt(&example().view(), 5);
    assert_eq!(chart.lines().take(2).collect::<Vec<_>>(), ["GPU |A>>.>|", "DLA |>>>A>|"]);
}

#[test]
fn throughput_is_shown_per_second_and_less_of_it_is_a_loss() {
    let example = example();
    let view = ScheduleView { objective: Objective::Throughput, proof: None, ..example.view() };
    let text = text(&view);
    assert!(text.contains("Predicted makespan  4.100 ms\nPredicted throughput  601.0 inferences/s\n"), "{text}");
    assert!(text.contains("Baseline  Throughput [inferences/s]  Transitions  Gain over it\n"), "{text}");
    assert!(text.contains("gpu-only                      723.1            0       -16.9 %  googlenet, then"), "{text}");
    let last = "Worse than the best baseline by 16.9 % (gpu-only: googlenet, then resnet101 on gpu)\n";
    assert!(text.ends_with(last), "nothing is said of a proof that there isn't: {text}");
}

#[test]
fn equality_and_gains_too_small_for_a_digit_are_said_in_words() {
    let example = example();
    let of_baseline = |end: u64| {
        let mut baseline = example.baselines[0].clone();
        baseline.timeline.groups[1][1].end = Nanoseconds(end);
        gain_sentence(&ScheduleView { baselines: &[baseline], ..example.view() })
    };
    let own = example.timeline.makespan().0;
    let label = "(gpu-only: googlenet, then resnet101 on gpu)";
    assert_eq!(of_baseline(own), format!("Equal to the best baseline {label}"));
    assert_eq!(of_baseline(own + 1), format!("Gain over the best baseline: less than 0.1 % {label}"));
    assert_eq!(of_baseline(own - 1), format!("Worse than the best baseline by less than 0.1 % {label}"));
    assert_eq!(of_baseline(own / 2), format!("Worse than the best baseline by 100.0 % {label}"));
}

#[test]
fn a_baseline_outside_the_transition_limit_is_no_match() {
    let example = example();
    let view = ScheduleView { baselines: &example.baselines[1..], ..example.view() };
    assert_eq!(gain_sentence(&view), "No baseline keeps the limits");
}

#[test]
fn a_bound_that_is_not_met_says_how_far_it_is_and_what_stopped_the_search() {
    let Example { proof, .. } = example();
    let statistics = SearchStatistics { decided_by_oracle: 1, excluded_by_enumeration: 0, ..proof.statistics };
    let stopped_by = Some(Stop::TimeLimit);
    let elapsed = Duration::from_millis(1500);
    let proof =
        Proof { state: ProofState::Feasible, bound: 3_690_000, stopped_by, deterministic: false, elapsed, statistics };
    let search = "16 combinations of plans: 10 excluded by Z3's rows, 1 decided by the order search, 0 excluded by \
                  enumeration, 5 not decided one by one\n  3 Z3 checks, solved in 1.50 s; another run may find another schedule";
    assert_eq!(
        proof_sentence(Objective::Makespan, 4_100_000, &proof),
        format!("feasible, stopped by time limit: no schedule has less than 3.690 ms (gap 10.0 %)\n  {search}")
    );
    let more = Proof { bound: 600_000_000, stopped_by: None, ..proof };
    assert_eq!(
        proof_sentence(Objective::Throughput, 500_000_000, &more),
        format!("feasible: no schedule has more than 600.0 inferences/s (gap 20.0 %)\n  {search}")
    );
}

#[test]
fn instances_of_one_network_are_numbered_wherever_they_are_named() {
    let mut example = example();
    example.problem.tasks[1].title = "GoogleNet".into();
    let view = example.view();
    assert_eq!([0, 1].map(|task| title(&view, task)), ["GoogleNet #1", "GoogleNet #2"]);
    let text = text(&view);
    for line in [
        "GoogleNet #2 starts on DLA, moves to GPU after layer 29\n",
        "B  GoogleNet #2       2   30-59  GPU ",
        "     A GoogleNet #1, B GoogleNet #2, > transition, . idle\n",
        "  GoogleNet #2: latency 2.800 ms, ",
    ] {
        assert!(text.contains(line), "{line}\nis not in\n{text}");
    }
}

#[test]
fn a_network_that_stays_on_one_accelerator_runs_there() {
    let example = example();
    let Baseline { decision, timeline, .. } = &example.baselines[0];
    let view = ScheduleView { decision, timeline, ..example.view() };
    assert_eq!(placements(&view), "GoogleNet runs on GPU\nResNet101 runs on GPU\n");
    assert_eq!(view.segments(0).len(), 1);
    assert_eq!((view.segments(0)[0].groups(), view.layers(&view.segments(0)[0])), ("1-3".into(), "0-20".into()));
}

#[test]
fn latency_counts_from_the_release_and_slowdown_counts_work_alone() {
    let mut example = example();
    example.problem.tasks[1].release = microseconds(300);
    let view = example.view();
    assert_eq!([0, 1].map(|task| view.latency(task).to_string()), ["4.100 ms", "2.500 ms"]);
    assert!((view.slowdown(0, 1, 1) - 1.3).abs() < 1e-9 && (view.slowdown(1, 0, 1) - 1.2).abs() < 1e-9);
    let mut idle = example.problem.clone();
    idle.tasks[0].groups[2].costs[0].as_mut().unwrap().work = Nanoseconds::ZERO;
    let view = ScheduleView { problem: &idle, ..example.view() };
    assert!((view.slowdown(0, 2, 2) - 1.0).abs() < 1e-9, "a group without work isn't slowed");
}

#[test]
fn values_have_the_unit_of_their_objective() {
    assert_eq!(readable_value(Objective::Makespan, 4_100_400), "4.100 ms");
    assert_eq!(readable_value(Objective::Throughput, 601_045_296), "601.0 inferences/s");
}
