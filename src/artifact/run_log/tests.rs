use proptest::prelude::*;

use super::*;
use crate::artifact::{comparison_to_json, trace_to_json};
use crate::group::LayerRange;
use crate::report;
use crate::run::GroupRange;
use crate::units::Milliseconds;

/// Two tasks of one and two spans in two rounds, as the program writes them.
fn small() -> String {
    let text = r#"{
        "schema_version": 2, "backend": "sim", "simulated": true,
        "versions": [{"name": "haxconn", "version": "0.1.0"}], "platform": "board", "power_mode": null,
        "clocks": "all at 1 GHz", "engine_mode": "segments", "warm_up_ms": 1.5, "warm_up_rounds": 3, "seed": 7,
        "accelerators": ["gpu", "dla"],
        "policies": [{
            "policy": "haxconn", "label": "HaX-CoNN", "predicted_makespan_ns": 12,
            "makespan_ms": {"mean": 12e-6, "median": 12e-6, "p90": 12e-6, "p95": 12e-6, "p99": 12e-6, "cv": 0},
            "rounds_per_s": 83333333.33333333,
            "barrier_skew_us": {"mean": 1e-3, "median": 1e-3, "p90": 1e-3, "p95": 1e-3, "p99": 1e-3, "cv": 0},
            "tasks": [{
                "name": "net", "title": "Net", "release_ns": 2, "after": [], "predicted_latency_ns": 10,
                "latency_ms": {"mean": 10e-6, "median": 10e-6, "p90": 10e-6, "p95": 10e-6, "p99": 10e-6, "cv": 0},
                "inferences_per_s": 100000000,
                "groups": [
                    {"layers": [0, 3], "accelerator": "gpu", "predicted_ns": [2, 2, 3, 9, 9]},
                    {"layers": [3, 4], "accelerator": "dla", "predicted_ns": [9, 9, 10, 12, 12]}],
                "spans": [[0, 1], [1, 2]]}],
            "released_ns": [[0, 1], [0, 1]],
            "rounds_ns": [[[[2, 10], [10, 12]]], [[[2, 10], [10, 12]]]]
        }],
        "references": [{
            "name": "all-cores-serial", "label": "in turn", "ends_ns": [[20], [20]],
            "makespan_ms": {"mean": 20e-6, "median": 20e-6, "p90": 20e-6, "p95": 20e-6, "p99": 20e-6, "cv": 0}}]
    }"#;
    text.to_owned()
}

fn refusal(from: &str, to: &str) -> String {
    assert!(small().contains(from), "{from}");
    format!("{:#}", read_run_log(&small().replacen(from, to, 1), "run.json").unwrap_err())
}

#[test]
fn a_log_survives_being_written_and_read() {
    let log = read_run_log(&small(), "run.json").unwrap();
    let task = &log.policies[0].tasks[0];
    assert_eq!(task.groups[1].layers, LayerRange { first: 3, last: 4 });
    assert_eq!(task.spans[1], GroupRange { first: 1, last: 2 });
    assert_eq!(read_run_log(&write_run_log(&log).unwrap(), "again").unwrap(), log);
}

/// The same as one engine with the transition inside ran it, on a device.
fn in_one_engine() -> String {
    let real = small().replace("\"sim\", \"simulated\": true", "\"tensorrt\", \"simulated\": false");
    let whole = real.replace("\"segments\"", "\"transition\"").replace("[[0, 1], [1, 2]]", "[[0, 2]]");
    whole.replace("[2, 10], [10, 12]", "[2, 12]")
}

#[test]
fn an_engine_that_changes_its_accelerator_is_one_span_over_both_and_says_so() {
    let log = read_run_log(&in_one_engine(), "run.json").unwrap();
    let task = &log.policies[0].tasks[0];
    assert_eq!((task.accelerators(0), task.place(0)), (vec!["gpu", "dla"], "gpu+dla".to_owned()));
    let on_dla = task.predicted_on(0, "dla").unwrap();
    assert_eq!((on_dla.start.0, on_dla.end.0, task.predicted_on(0, "npu")), (9, 12, None));
    assert_eq!(read_run_log(&write_run_log(&log).unwrap(), "again").unwrap(), log);
    let text = report::run::text(&log, false);
    assert!(text.contains("0-3  GPU+DLA") && text.contains("when it changes isn't seen"), "{text}");
    assert!(text.contains("+ several engines, each on any of its accelerators"), "{text}");
    assert!(comparison_to_json(&log).unwrap().contains("\"accelerator\": \"gpu+dla\""));
    // In the trace it stands on both tracks, the prediction on each where its groups are.
    let trace: serde_json::Value = serde_json::from_str(&trace_to_json(&log).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let tracks = |pid: u64| {
        let of_round = events.iter().filter(move |event| event["pid"] == pid && event["args"]["round"] == 1);
        of_round.map(|event| (event["tid"].as_u64(), event["ts"].as_f64())).collect::<Vec<_>>()
    };
    assert_eq!(tracks(1), [(Some(1), Some(0.002)), (Some(2), Some(0.002))]);
    assert_eq!(tracks(2), [(Some(1), Some(0.002)), (Some(2), Some(0.009))]);
    show(&log);
}

#[test]
fn refuses_what_no_run_leaves_behind() {
    let check = |from: &str, to: &str, expected: &str| assert_eq!(refusal(from, to), format!("run.json: {expected}"));
    let round = "policies[0].rounds_ns[0]";
    check("\"schema_version\": 2", "\"schema_version\": 3", "schema_version 3 is newer than this program reads (2)");
    check("\"schema_version\": 2", "\"schema_version\": 1", "schema_version 1 is not one that this program reads (2)");
    let backwards = "ends before it starts, or starts before its task's release or last end";
    check("[10, 12]", "[12, 10]", &format!("{round}[0]: [12, 10] {backwards}"));
    check("[[[[2, 10]", "[[[[1, 10]", &format!("{round}[0]: [1, 10] {backwards}"));
    check("[10, 12]", "[9, 12]", &format!("{round}[0]: [9, 12] {backwards}"));
    check("[2, 10], ", "", &format!("{round}[0]: 1 span(s) instead of 2"));
    check("[[[[2, 10], [10, 12]]], ", "[[], ", &format!("{round}: 0 task(s) instead of 1"));
    check("[[0, 1], [0, 1]],", "[[0, 1]],", "policies[0].released_ns: 1 round(s) instead of 2");
    let far = "2000000000000";
    let late = format!("{far} ns is more than half an hour after the start of a round");
    check("[10, 12]", &format!("[10, {far}]"), &format!("{round}[0]: {late}"));
    check("\"dla\"]", "\"npu\"]", "policies[0].tasks[0].groups[1].accelerator: `dla` is none of `accelerators`");
    check("[[0, 1], [1, 2]]", "[[0, 2]]", "policies[0].tasks[0].spans[0]: its groups are on several accelerators");
    check("[[0, 1], [1, 2]]", "[[0, 1]]", "policies[0].tasks[0].spans: end at group 1 of 2");
    check("[[0, 1], [1, 2]]", "[[1, 2]]", "policies[0].tasks[0].spans[0]: [1, 2] doesn't go on at group 0 of 2");
    check(
        "[2, 2, 3, 9, 9]",
        "[3, 2, 3, 9, 9]",
        "policies[0].tasks[0].groups[0].predicted_ns: the moments don't ascend",
    );
    check("\"after\": []", "\"after\": [\"x\"]", "policies[0].tasks[0].after: there is no task `x`");
    check("\"warm_up_ms\": 1.5", "\"warm_up_ms\": -1", "warm_up_ms: `-1` is negative");
}

#[test]
fn refuses_figures_that_the_rounds_contradict() {
    let check = |from: &str, to: &str, words: &str| {
        let message = refusal(from, to);
        assert!(message.starts_with(&format!("run.json: policies[0].{words}")), "{message}");
    };
    check("\"mean\": 12e-6", "\"mean\": 11e-6", "makespan_ms.mean: is 0.000011, the rounds say 0.000012");
    check("\"p99\": 10e-6", "\"p99\": 1", "tasks[0].latency_ms.p99: is 1, the rounds say 0.00001");
    check("\"median\": 1e-3", "\"median\": 2e-3", "barrier_skew_us.median: is 0.002");
    check("83333333.33333333", "5", "rounds_per_s: is 5, the rounds say 83333333.3");
    check(
        "\"predicted_makespan_ns\": 12",
        "\"predicted_makespan_ns\": 1",
        "predicted_makespan_ns: is 1, the groups say 12",
    );
    check("100000000,", "1,", "tasks[0].inferences_per_s: is 1,");
}

/// Shows a log in every way.
fn show(log: &RunLog) {
    let texts = [report::run::text(log, true), report::svg::compared(log), report::run_page(log)];
    assert!(texts.iter().all(|text| !text.is_empty()));
    assert!(comparison_to_json(log).is_ok() && trace_to_json(log).is_ok());
}

#[test]
fn a_number_that_needs_every_digit_is_the_same_when_it_is_read_again() {
    let mut log = read_run_log(&small(), "run.json").unwrap();
    log.warm_up.time = Milliseconds(9.010_000_000_079_405e16);
    assert_eq!(read_run_log(&write_run_log(&log).unwrap(), "again").unwrap(), log);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC*") {
        prop_assert!(read_run_log(&text, "run.json").is_err());
    }

    /// Numbers of a log replaced by others: refused, or a log that can be shown and written.
    #[test]
    fn what_is_read_can_be_shown(
        digits in prop::collection::vec((0..1000_usize, "-?[0-9]{1,20}(e[0-9]{1,3})?"), 1..4),
    ) {
        let mut text = small();
        for (place, number) in digits {
            let starts: Vec<usize> =
                text.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at).collect();
            let at = starts[place % starts.len()];
            let length = text[at..].find(|c: char| !c.is_ascii_digit()).unwrap_or(0);
            text.replace_range(at..at + length, &number);
        }
        if let Ok(log) = read_run_log(&text, "run.json") {
            show(&log);
            prop_assert_eq!(read_run_log(&write_run_log(&log).unwrap(), "again").unwrap(), log);
        }
    }
}
