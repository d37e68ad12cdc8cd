//! `run-multi --dynamic` in the simulator: better schedules take over while the solver works, networks come and go, drift is
//! noticed. What depends on how fast this machine solves is never asserted.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::path::Path;

use program::{accepts_in, haxconn_in, json_in, refuses_in, write};
use serde_json::Value;
use tempfile::TempDir;

/// Contention's own law in the simulator isn't taken for drift.
const QUIET: [&str; 9] =
    ["run-multi", "--dynamic", "--backend", "sim", "--no-noise", "--drift", "60%", "--dnns", "googlenet,alexnet"];

fn run(folder: &Path, further: &[&str]) -> Value {
    json_in(folder, &[&QUIET[..], further].concat())
}

fn list<'a>(log: &'a Value, key: &str) -> &'a Vec<Value> {
    log[key].as_array().unwrap()
}

fn events<'a>(log: &'a Value, event: &str) -> Vec<&'a Value> {
    list(log, "happened").iter().filter(|it| it["event"] == event).collect()
}

/// The schedule of a phase.
fn schedule_of<'a>(log: &'a Value, phase: &Value) -> &'a Value {
    let position = usize::try_from(phase["schedule"].as_u64().unwrap()).unwrap();
    &list(log, "schedules")[position]
}

fn names(schedule: &Value) -> Vec<&str> {
    schedule["tasks"].as_array().unwrap().iter().map(|task| task["name"].as_str().unwrap()).collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

#[test]
fn the_best_baseline_runs_first_and_the_proved_schedule_last() {
    let folder = TempDir::new().unwrap();
    let log = run(folder.path(), &["--duration", "4s"]);
    let phases = list(&log, "phases");
    let [first, last] = [&phases[0], &phases[phases.len() - 1]].map(|phase| schedule_of(&log, phase));
    assert_eq!((number(&phases[0]["since_ms"]).to_bits(), first["source"].as_str()), (0, Some("baseline")));
    assert_eq!(last["source"], "solver");
    assert!(last["value"].as_u64() < first["value"].as_u64());
    let [solved] = events(&log, "solved").try_into().unwrap();
    assert_eq!((solved["search"]["proof"].as_str(), &solved["search"]["value"]), (Some("optimal"), &last["value"]));
    let schedule = json_in(folder.path(), &["schedule", "--dnns", "googlenet,alexnet"]);
    assert_eq!(schedule["value"], last["value"]);
    for phase in phases {
        let schedule = schedule_of(&log, phase);
        if let Some(found) = schedule["found_after_ms"].as_f64() {
            assert!(number(&phase["since_ms"]) >= found, "{phase}");
        }
    }
    // Rounds follow one another without gaps.
    let rounds = phases.iter().flat_map(|phase| phase["makespans_ns"].as_array().unwrap());
    let total: f64 = rounds.map(number).sum();
    assert!((total * 1e-6 - number(&log["end_ms"])).abs() < 1e-6 && number(&log["end_ms"]) >= 4000.0);
    assert_eq!((events(&log, "drift").len(), list(&log, "to_final").len()), (0, 1));
}

#[test]
fn a_network_that_joins_or_leaves_changes_what_runs_at_the_next_boundary() {
    let folder = TempDir::new().unwrap();
    let script = "schema_version: 1\nevents:\n  - {at_ms: 100.5, join: resnet}\n  - {at_ms: 100.5, join: alexnet}\n  \
                  - {at_ms: 300, leave: alexnet}\n  - {at_ms: 9999, leave: googlenet}\n";
    write(folder.path(), "script.yaml", script);
    let arguments = [&QUIET[..], &["--script", "script.yaml", "--duration", "500ms", "--out", "log.json"]].concat();
    let ran = haxconn_in(folder.path(), &arguments);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("note: the run ended before 1 event(s) of the script"), "{}", ran.stderr);
    for words in ["resnet101 joins (due at 100.5)", "alexnet leaves (due at 300.0)", "ms after alexnet left"] {
        assert!(ran.stdout.contains(words), "`{words}` is missing in {}", ran.stdout);
    }
    let log: Value = serde_json::from_str(&std::fs::read_to_string(folder.path().join("log.json")).unwrap()).unwrap();
    let joins: Vec<&str> = events(&log, "join").into_iter().map(|it| it["networks"][0].as_str().unwrap()).collect();
    assert_eq!((joins, events(&log, "leave").len()), (vec!["resnet101", "alexnet#2"], 1));
    let mut sets: Vec<Vec<&str>> = list(&log, "phases").iter().map(|phase| names(schedule_of(&log, phase))).collect();
    sets.dedup();
    let all = vec!["googlenet", "alexnet", "resnet101", "alexnet#2"];
    assert_eq!(sets, [vec!["googlenet", "alexnet"], all, vec!["googlenet", "resnet101", "alexnet#2"]]);
    // Each set begins with a baseline, at the first boundary after its event.
    for event in events(&log, "join").into_iter().chain(events(&log, "leave")) {
        let [at, asked] = [&event["at_ms"], &event["asked_ms"]].map(number);
        let begins = |phase: &&Value| (number(&phase["since_ms"]) - at).abs() < 1e-9;
        let phase = list(&log, "phases").iter().find(begins).unwrap();
        assert_eq!(schedule_of(&log, phase)["source"], "baseline");
        assert!(asked <= at && at < asked + 50.0, "{event}");
    }
}

#[test]
fn a_clock_drop_is_noticed_the_profile_corrected_and_the_problem_solved_again() {
    let folder = TempDir::new().unwrap();
    let script = "schema_version: 1\nevents:\n  - {at_ms: 100, slow: {accelerator: gpu, factor: 2}}\n";
    write(folder.path(), "script.yaml", script);
    let log = run(folder.path(), &["--script", "script.yaml", "--duration", "3s"]);
    let [slow, drift] = [&events(&log, "slow")[..], &events(&log, "drift")[..]].map(|it| {
        assert_eq!(it.len(), 1, "{it:?}");
        it[0]
    });
    assert!(number(&drift["at_ms"]) > number(&slow["at_ms"]));
    for it in drift["corrections"].as_array().unwrap() {
        let expected = if it["accelerator"] == "gpu" { 2.0 } else { 1.0 };
        assert!((number(&it["ratio"]) / expected - 1.0).abs() < 0.4, "{it}");
    }
    let searches = events(&log, "solved");
    assert_eq!(searches.last().unwrap()["search"]["proof"], "optimal");
    // What is predicted at the end is what comes out; before the correction it wasn't.
    let error = |phase: &Value| {
        let predicted = number(&schedule_of(&log, phase)["predicted_makespan_ns"]) * 1e-6;
        let rounds = phase["makespans_ns"].as_array().unwrap();
        (number(rounds.last().unwrap()) * 1e-6 / predicted - 1.0).abs()
    };
    let phases = list(&log, "phases");
    let is_before = |phase: &&Value| number(&phase["since_ms"]) < number(&drift["at_ms"]);
    let [before, after] = [phases.iter().rfind(is_before).unwrap(), phases.last().unwrap()].map(error);
    assert!(after < 0.1 && before > 0.2, "{before} {after}");
}

#[test]
fn a_node_limit_bounds_each_search_and_iterations_the_run() {
    let folder = TempDir::new().unwrap();
    let log = run(folder.path(), &["--node-limit", "1", "--iterations", "7"]);
    let n_rounds: usize = list(&log, "phases").iter().map(|it| it["makespans_ns"].as_array().unwrap().len()).sum();
    assert_eq!((n_rounds, log["rounds"].as_u64()), (7, Some(7)));
    assert!(folder.path().join("output/dynamic.json").exists());
    let shown = accepts_in(folder.path(), &[&QUIET[..], &["--iterations", "3"]].concat());
    for words in
        ["What happened", "the best baseline: ", "slowdown of the networks can't be measured here", "this machine's"]
    {
        assert!(shown.contains(words), "`{words}` is missing in {shown}");
    }
    let throughput = [&QUIET[..], &["--iterations", "3", "--objective", "throughput"]].concat();
    assert!(accepts_in(folder.path(), &throughput).contains(", predicted "));
}

#[test]
fn what_can_not_be_run_is_refused_with_its_place() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let check = |events: &str, words: &[&str]| {
        write(here, "s.yaml", format!("schema_version: 1\nevents:\n{events}"));
        let arguments = [&QUIET[..], &["--script", "s.yaml"]].concat();
        refuses_in(here, &arguments, 1, &[&["s.yaml: "], words].concat());
    };
    check("  - {at_ms: 1, join: resnet1001}\n", &["event 1: no network is called `resnet1001`; nearest: `resnet101`"]);
    check("  - {at_ms: 1, leave: vgg16}\n", &["event 1: `vgg16` can't leave", "`googlenet`, `alexnet` are"]);
    let leave = "  - {at_ms: 1, leave: alexnet}\n";
    check(&format!("{leave}  - {{at_ms: 2, leave: googlenet}}\n"), &["event 2: when `googlenet` leaves, nothing runs"]);
    check(&format!("  - {{at_ms: 2, join: vgg16}}\n{leave}"), &["event 2 is at 1.000 ms, before the one above it"]);
    check(
        "  - {at_ms: 1, slow: {accelerator: npu, factor: 2}}\n",
        &["there is no accelerator `npu`; there are gpu, dla"],
    );
    check("  - {at_ms: 1, slow: {accelerator: gpu, factor: 0}}\n", &["factor 0 is not between 0.1 and 100"]);
    check("  - {at_ms: 1, pause: alexnet}\n", &["pause"]);
    refuses_in(here, &[&QUIET[..], &["--script", "none.yaml"]].concat(), 1, &["none.yaml: no such file"]);
    for (flags, words) in [
        (&["--schedule", "s.json"][..], "--schedule"),
        (&["--policy", "all"], "--policy"),
        (&["--threads", "2"], "--threads"),
        (&["--verify"], "--verify"),
        (&["--duration", "x"], "--duration"),
    ] {
        refuses_in(here, &[&QUIET[..], flags].concat(), 2, &[words]);
    }
    let plain = ["run-multi", "--backend", "sim", "--dnns", "googlenet,alexnet"];
    for flags in [["--script", "s.yaml"], ["--duration", "1s"], ["--drift", "5%"]] {
        refuses_in(here, &[&plain[..], &flags].concat(), 2, &["--dynamic"]);
    }
    let measure = [&QUIET[..], &["--measure-solver"]].concat();
    refuses_in(here, &measure, 2, &["`--measure-solver`: the simulated board has no core that the solver takes"]);
    for drift in ["0%", "-1", "x", "NaN"] {
        refuses_in(here, &[&plain[..], &["--dynamic", "--drift", drift]].concat(), 2, &["--drift"]);
    }
    let capped = [&QUIET[..], &["--latency-cap", "0.01"]].concat();
    refuses_in(here, &capped, 3, &["no baseline of `googlenet`, `alexnet` is within the limits", "`--latency-cap`"]);
    let tensorrt = ["run-multi", "--dynamic", "--backend", "tensorrt", "--dnns", "googlenet,alexnet"];
    refuses_in(here, &tensorrt, 2, &["`--dynamic`: engines of TensorRT take minutes to build"]);
    assert!(!here.join("output/dynamic.json").exists());
}
