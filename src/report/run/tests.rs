use super::*;
use crate::group::LayerRange;
use crate::run::{BackendRecord, GroupPlan, GroupRange, Round, Span, TaskRun, WarmUp};
use crate::schedule::Occupation;

fn span(start: u64, end: u64) -> Span {
    Span { start: Nanoseconds(start), end: Nanoseconds(end) }
}

fn task(name: &str, accelerator: &str, end: u64) -> TaskRun {
    let end = Nanoseconds(end);
    let predicted = Occupation { end, worked: end, ..Occupation::default() };
    let layers = LayerRange { first: 0, last: 5 };
    TaskRun {
        name: name.into(),
        title: name.into(),
        release: Nanoseconds::ZERO,
        after: Vec::new(),
        groups: vec![GroupPlan { layers, accelerator: accelerator.into(), predicted }],
        spans: vec![GroupRange { first: 0, last: 1 }],
    }
}

/// `net` on the GPU, `other` on the DLA, predicted to end after 1.0 and 0.5 ms; rounds by the ends of both.
fn policy(name: &str, label: &str, rounds: &[[u64; 2]]) -> PolicyRun {
    let round = |ends: &[u64; 2]| Round {
        released: vec![Nanoseconds::ZERO; 2],
        spans: ends.iter().map(|&end| vec![span(0, end)]).collect(),
    };
    PolicyRun {
        name: name.into(),
        label: label.into(),
        tasks: vec![task("net", "gpu", 1_000_000), task("other", "dla", 500_000)],
        rounds: rounds.iter().map(round).collect(),
    }
}

fn log(policies: Vec<PolicyRun>) -> RunLog {
    RunLog {
        backend: BackendRecord {
            name: "sim".into(),
            simulated: true,
            versions: vec![("haxconn".into(), "1.2.3".into())],
        },
        platform: "board".into(),
        conditions: Conditions::default(),
        engine_mode: EngineMode::Segments,
        warm_up: WarmUp { time: Milliseconds(1.0), rounds: 2 },
        seed: Some(7),
        accelerators: vec!["gpu".into(), "dla".into()],
        policies,
        references: Vec::new(),
    }
}

#[test]
fn puts_what_came_out_beside_the_prediction_and_says_that_it_is_simulated() {
    let text = text(&log(vec![policy("haxconn", "HaX-CoNN", &[[1_250_000, 500_000]])]), false);
    let expected = "\
simulated on board: 1 round(s) after 2 of warm-up, seed 7
  backend sim (haxconn 1.2.3)

HaX-CoNN: predicted beside simulated, medians over rounds

net
Layers  On   Predicted start [ms]  Simulated start [ms]  Predicted time [ms]  Simulated time [ms]    Error
   0-4  GPU                 0.000                 0.000                1.000                1.250  -20.0 %

other
Layers  On   Predicted start [ms]  Simulated start [ms]  Predicted time [ms]  Simulated time [ms]   Error
   0-4  DLA                 0.000                 0.000                0.500                0.500  +0.0 %

               Predicted [ms]  Simulated [ms]    Error  Mean [ms]  p90 [ms]  p95 [ms]  p99 [ms]     cv  Per second
latency net             1.000           1.250  -20.0 %      1.250     1.250     1.250     1.250  0.0 %       800.0
latency other           0.500           0.500   +0.0 %      0.500     0.500     0.500     0.500  0.0 %      2000.0
makespan                1.000           1.250  -20.0 %      1.250     1.250     1.250     1.250  0.0 %       800.0

GPU predicted |AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA..............|
GPU simulated |AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|
DLA predicted |BBBBBBBBBBBBBBBBBBBBBBBBBBBBB...........................................|
DLA simulated |BBBBBBBBBBBBBBBBBBBBBBBBBBBBB...........................................|
               0                                                               1.250 ms
               A net, B other, > transition, . idle
               Simulated is round 1 of 1, whose makespan is the median

Longer than predicted, the most time lost first:
  layers 0-4 of net on GPU took +25.0 % (+0.250 ms) beside layers 0-4 of other on DLA (40 % of its time, 50 % predicted)
";
    assert_eq!(text, expected);
}

#[test]
fn what_was_measured_is_called_measured() {
    let mut log = log(vec![policy("haxconn", "HaX-CoNN", &[[1_000_000, 500_000]])]);
    log.backend = BackendRecord { name: "onnxruntime".into(), simulated: false, versions: Vec::new() };
    log.seed = None;
    let text = text(&log, true);
    assert!(text.starts_with("measured on board: 1 round(s) after 2 of warm-up\n"), "{text}");
    assert!(text.contains("power mode not known, clocks not known") && text.contains("Measured time [ms]"), "{text}");
    assert!(text.contains("Barrier skew: median 0.0 µs, p99 0.0 µs\n"), "{text}");
    assert!(text.contains("No group took more than 1 % longer than predicted"), "{text}");
    assert!(!text.to_lowercase().contains("simulated"), "{text}");
    assert!(text.ends_with("    1  HaX-CoNN           1.000          1.000  +0.0 %\n"), "{text}");
}

#[test]
fn the_gain_is_stated_against_the_best_baseline_and_negative_where_it_is() {
    let baseline = |ends| policy("gpu-dla", "net on gpu", &[ends]);
    let sentence = |ours, theirs: &[[u64; 2]]| {
        let baselines = theirs.iter().map(|&ends| baseline(ends));
        let ours = policy("haxconn", "HaX-CoNN", &[ours]);
        gain_sentence(&log([ours].into_iter().chain(baselines).collect()))
    };
    let start = "HaX-CoNN: simulated gain over the best baseline (gpu-dla: net on gpu)";
    assert_eq!(sentence([900_000, 1], &[[1_000_000, 1], [2_000_000, 1]]), Some(format!("{start} +10.0 %")));
    assert_eq!(sentence([1_100_000, 1], &[[2_000_000, 1], [1_000_000, 1]]), Some(format!("{start} -10.0 %")));
    assert_eq!(sentence([1, 1], &[]), None);
    assert_eq!(gain_sentence(&log(vec![baseline([1, 1]), baseline([2, 1])])), None);
}

#[test]
fn a_wide_spread_is_a_warning() {
    let rounds = [[1_000_000, 1], [1_100_000, 1]];
    let wide = log(vec![policy("haxconn", "HaX-CoNN", &rounds), policy("mensa", "Mensa", &[[1_000_000, 1]])]);
    assert_eq!(warnings(&wide), ["the makespan of HaX-CoNN scatters by 4.8 % (cv), more than 2.5 %"]);
    assert!(text(&wide, false).ends_with("more than 2.5 %\n"));
    assert!(gain_sentence(&wide).unwrap().ends_with("-5.0 %"), "{:?}", gain_sentence(&wide));
    let narrow = log(vec![policy("haxconn", "HaX-CoNN", &[[1_000_000, 1], [1_010_000, 1]])]);
    assert_eq!(warnings(&narrow), [""; 0]);
}
