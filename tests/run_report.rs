//! `run-multi` and `report` from the command line: policies in turn, what is refused, and that an earlier log survives.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;

use program::{accepts_in, haxconn_in, json_in, names_in, program, refuses_in, write};
use serde_json::{Value, json};
use tempfile::TempDir;

const RUN: [&str; 7] = ["run-multi", "--dnns", "googlenet,resnet", "--backend", "sim", "--iterations", "5"];

fn run(flags: &[&'static str]) -> Vec<&'static str> {
    [&RUN[..], flags].concat()
}

/// A folder with a log of all policies in `output/run_multi.json`, and the log.
fn logged() -> (TempDir, Value) {
    let folder = TempDir::new().unwrap();
    let log = json_in(folder.path(), &run(&["--policy", "all"]));
    (folder, log)
}

fn policies(log: &Value) -> Vec<&str> {
    log["policies"].as_array().unwrap().iter().map(|policy| policy["policy"].as_str().unwrap()).collect()
}

#[test]
fn without_a_schedule_one_is_looked_for_and_a_file_of_the_usual_name_is_left_alone() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "output/schedule.json", "no schedule");
    let text = accepts_in(folder.path(), &RUN);
    assert!(text.starts_with("simulated on xavier_agx: 5 round(s) after "), "{text}");
    assert!(text.contains("HaX-CoNN: predicted beside simulated") && !text.contains("measured"), "{text}");
    assert_eq!(fs::read_to_string(folder.path().join("output/schedule.json")).unwrap(), "no schedule");
}

#[test]
fn all_policies_run_in_turn_and_are_compared_by_one_figure() {
    let (folder, log) = logged();
    let names = policies(&log);
    assert_eq!(names[0], "haxconn");
    for name in ["gpu-only", "dla-only", "mensa", "herald", "h2h"] {
        assert_eq!(names.iter().filter(|it| **it == name).count(), 1, "{names:?}");
    }
    assert_eq!(names.iter().filter(|it| **it == "gpu-dla").count(), 2, "both orientations: {names:?}");
    for policy in log["policies"].as_array().unwrap() {
        assert_eq!(policy["rounds_ns"].as_array().unwrap().len(), 5);
        assert!(policy["makespan_ms"]["median"].as_f64().unwrap() > 0.0);
    }
    let text = accepts_in(folder.path(), &["report"]);
    let best = text.lines().find(|line| line.contains("simulated gain over the best baseline")).unwrap();
    assert!(best.starts_with("HaX-CoNN: "), "{best}");
    let one = json_in(folder.path(), &run(&["--policy", "gpu-dla", "--out", "two.json"]));
    assert_eq!(policies(&one), ["gpu-dla", "gpu-dla"]);
}

#[test]
fn warm_up_is_virtual_time_and_a_seed_repeats_a_run() {
    let folder = TempDir::new().unwrap();
    let log = |flags: &[&'static str]| json_in(folder.path(), &run(flags));
    let cold = log(&["--warm-up", "0", "--seed", "3"]);
    assert_eq!((&cold["warm_up_ms"], &cold["warm_up_rounds"]), (&json!(0.0), &json!(0)));
    let warm = log(&["--warm-up", "20"]);
    let rounds = warm["warm_up_rounds"].as_u64().unwrap();
    let makespan = warm["policies"][0]["makespan_ms"]["mean"].as_f64().unwrap();
    assert!((rounds as f64 * makespan - 20.0).abs() < 1.1 * makespan && rounds > 1, "{rounds} of {makespan} ms");
    assert_eq!(log(&["--warm-up", "0", "--seed", "3"]), cold);
    assert_ne!(log(&["--warm-up", "0", "--seed", "4"])["policies"], cold["policies"]);
    let quiet = log(&["--no-noise"]);
    assert_eq!((&quiet["seed"], &quiet["policies"][0]["makespan_ms"]["cv"]), (&Value::Null, &json!(0.0)));
}

#[test]
fn a_schedule_runs_beside_the_networks_and_platform_that_it_is_of_and_no_others() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    accepts_in(here, &["schedule", "--dnns", "googlenet,resnet", "--out", "s.json"]);
    accepts_in(here, &["schedule", "--dnns", "googlenet,resnet", "--policy", "mensa", "--out", "mensa.json"]);
    accepts_in(
        here,
        &[
            "run-multi",
            "--backend",
            "sim",
            "--schedule",
            "s.json",
            "--dnns",
            "googlenet,resnet101",
            "--platform",
            "xavier_agx",
        ],
    );
    let from_file = json_in(
        here,
        &["run-multi", "--backend", "sim", "--schedule", "s.json", "--iterations", "5", "--policy", "all"],
    );
    assert_eq!(from_file["policies"], json_in(here, &run(&["--policy", "all"]))["policies"]);
    let mensa = json_in(
        here,
        &["run-multi", "--backend", "sim", "--schedule", "mensa.json", "--policy", "all", "--iterations", "2"],
    );
    assert_eq!((policies(&mensa)[0], &mensa["policies"][0]["label"]), ("schedule", &json!("mensa.json")));
    let text = accepts_in(here, &["report", "--policy", "schedule"]);
    assert!(text.contains("mensa.json: predicted beside simulated"), "{text}");
    let text = accepts_in(here, &["report"]);
    assert!(text.contains("mensa.json: simulated gain over the best baseline (") && text.contains(") -3"), "{text}");
    let others = |flags: &[&str], words: &[&str]| {
        refuses_in(
            here,
            &[&["run-multi", "--backend", "sim", "--schedule", "s.json"], flags].concat(),
            2,
            &[words, &["hint: "]].concat(),
        );
    };
    others(&["--dnns", "googlenet,alexnet"], &["`--dnns` asks for googlenet,alexnet", "of googlenet,resnet101"]);
    others(&["--dnns", "resnet,googlenet"], &["`--dnns` asks for resnet,googlenet"]);
    others(&["--dnns", "googlenet"], &["`--dnns` asks for googlenet, but s.json"]);
    others(&["--platform", "orin_agx"], &["`--platform` asks for orin_agx", "of xavier_agx"]);
    refuses_in(here, &["run-multi", "--backend", "sim", "--schedule", "none.json"], 1, &["none.json: no such file"]);
}

#[test]
fn one_engine_per_network_refuses_what_it_cannot_honour_and_names_the_group() {
    let folder = TempDir::new().unwrap();
    let refused = run(&["--engine-mode", "transition"]);
    let words = ["layers 140-140 of `googlenet` stand between groups of `resnet101` on `gpu`", "hint: "];
    refuses_in(folder.path(), &refused, 1, &words);
    assert_eq!(names_in(folder.path()), [""; 0]);
    let log = json_in(folder.path(), &run(&["--engine-mode", "transition", "--policy", "gpu-only"]));
    assert_eq!((&log["engine_mode"], policies(&log)), (&json!("transition"), vec!["gpu-only"]));
    assert!(accepts_in(folder.path(), &["report"]).contains("one engine per network"));
}

#[test]
fn an_output_that_cannot_be_written_is_an_error_before_anything_runs() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "file", "kept");
    refuses_in(folder.path(), &run(&["--out", "file/log.json"]), 1, &["can't write file"]);
    refuses_in(folder.path(), &run(&["--out", "."]), 1, &["can't write .: is a directory"]);
    assert_eq!(names_in(folder.path()), ["file"]);
}

#[test]
fn a_failed_or_killed_run_leaves_the_earlier_log() {
    let (folder, _) = logged();
    let here = folder.path();
    let path = here.join("output/run_multi.json");
    let before = fs::read_to_string(&path).unwrap();
    write(here, "bad.json", "{");
    refuses_in(here, &["run-multi", "--backend", "sim", "--schedule", "bad.json"], 1, &["bad.json: "]);
    refuses_in(here, &run(&["--engine-mode", "transition"]), 1, &["error: "]);
    let long = ["run-multi", "--dnns", "googlenet,resnet", "--policy", "all", "--warm-up", "600000"];
    let mut child = program(here, &long).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.starts_with("backend: sim"), "{said}");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    assert_eq!(names_in(&here.join("output")), ["run_multi.json"]);
    accepts_in(here, &["report"]);
}

#[test]
fn a_report_needs_the_log_alone_and_says_what_the_run_said() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let printed =
        accepts_in(here, &run(&["--policy", "all", "--trace", "a.json", "--html", "a.html", "--gantt", "a.svg"]));
    let elsewhere = TempDir::new().unwrap();
    fs::copy(here.join("output/run_multi.json"), elsewhere.path().join("log.json")).unwrap();
    let files = ["report", "log.json", "--trace", "a.json", "--html", "a.html", "--gantt", "a.svg"];
    assert_eq!(accepts_in(elsewhere.path(), &files), printed);
    for name in ["a.json", "a.html", "a.svg"] {
        let [first, second] = [here, elsewhere.path()].map(|folder| fs::read_to_string(folder.join(name)).unwrap());
        assert!(first == second && !first.is_empty(), "{name}");
    }
    let page = fs::read_to_string(here.join("a.html")).unwrap();
    assert!(page.contains("none was measured") && page.matches("<figure>").count() == 8, "{}", page.len());
    assert!(!page.contains("<script") && !page.contains("http://") | page.contains("http://www.w3.org/2000/svg"));
    assert!(fs::read_to_string(here.join("a.svg")).unwrap().contains("predicted above simulated"));
    let by_round = accepts_in(elsewhere.path(), &["report", "log.json", "--policy", "haxconn", "--rounds"]);
    assert!(by_round.contains("\n    5  HaX-CoNN  ") && !by_round.contains("gpu-dla"), "{by_round}");
}

#[test]
fn a_trace_has_a_process_for_what_came_out_and_one_for_what_was_predicted() {
    let folder = TempDir::new().unwrap();
    let log = json_in(folder.path(), &run(&["--trace", "trace.json"]));
    let trace: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("trace.json")).unwrap()).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let named = |kind: &str| -> Vec<&str> {
        let of_kind = events.iter().filter(|event| event["name"] == kind);
        of_kind.map(|event| event["args"]["name"].as_str().unwrap()).collect()
    };
    assert_eq!(named("process_name"), ["HaX-CoNN: simulated", "HaX-CoNN: predicted"]);
    assert_eq!(named("thread_name"), ["GPU", "DLA", "GPU", "DLA"]);
    let complete: Vec<&Value> = events.iter().filter(|event| event["ph"] == "X").collect();
    let policy = &log["policies"][0];
    let n_groups: usize =
        policy["tasks"].as_array().unwrap().iter().map(|task| task["groups"].as_array().unwrap().len()).sum();
    assert_eq!(complete.len(), 2 * 5 * n_groups);
    assert_eq!(trace["otherData"]["simulated"], true);
    let second = complete[2 * n_groups];
    let first_end = policy["rounds_ns"][0].as_array().unwrap().iter().flat_map(|task| task.as_array().unwrap());
    let first_end = first_end.map(|span| span[1].as_u64().unwrap()).max().unwrap();
    let begin = first_end.max(policy["predicted_makespan_ns"].as_u64().unwrap());
    assert!((second["ts"].as_f64().unwrap() - begin as f64 / 1e3).abs() < 1e-3, "{second}");
}

/// A log with `forge` done to it is refused with `words`.
fn refuses_log(folder: &Path, log: &Value, forge: impl Fn(&mut Value), words: &[&str]) {
    let mut forged = log.clone();
    forge(&mut forged);
    write(folder, "forged.json", forged.to_string());
    refuses_in(
        folder,
        &["report", "forged.json", "--html", "page.html"],
        1,
        &[&["error: forged.json: "], words].concat(),
    );
    assert!(!folder.join("page.html").exists());
}

#[test]
fn a_log_that_is_none_is_refused() {
    let (folder, log) = logged();
    let here = folder.path();
    refuses_in(here, &["report", "none.json"], 1, &["none.json: no such file"]);
    refuses_in(here, &["report", "--policy", "fun"], 2, &["holds no run of `fun`", "hint: it holds haxconn, gpu-only"]);
    refuses_in(here, &["report", "--html", "x", "--trace", "x"], 2, &["name the same file x"]);
    refuses_log(here, &log, |d| d["schema_version"] = json!(1), &["schema_version 1"]);
    refuses_log(here, &log, |d| d["policies"] = json!([]), &["policies: empty"]);
    refuses_log(
        here,
        &log,
        |d| d["policies"][1]["makespan_ms"]["median"] = json!(1),
        &["policies[1].makespan_ms.median"],
    );
    refuses_log(
        here,
        &log,
        |d| d["policies"][0]["rounds_ns"][2] = json!([]),
        &["rounds_ns[2]: 0 task(s) instead of 2"],
    );
    refuses_log(here, &log, |d| d["simulated"] = json!("no"), &["simulated"]);
    refuses_log(here, &log, |d| d["colour"] = json!(1), &["unknown field `colour`"]);
    let text = fs::read_to_string(here.join("output/run_multi.json")).unwrap();
    for length in [0, 1, text.len() / 3, text.len() - 3] {
        write(here, "cut.json", &text[..length]);
        refuses_in(here, &["report", "cut.json"], 1, &["error: cut.json: "]);
    }
    let ran = haxconn_in(here, &["report", "--format", "json", "--quiet"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
}
