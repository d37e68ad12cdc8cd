//! `haxconn profile emc`: on the simulator, from recordings, and what it says of a `tegrastats` that tells nothing.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use program::{accepts_in, haxconn_in, names_in, refuses, refuses_in, write};
use serde_json::Value;
use tempfile::TempDir;

const SIMULATED: [&str; 4] = ["profile", "emc", "--backend", "sim"];

/// A line as JetPack 4 prints it on an AGX Xavier, as root.
fn line(emc: &str) -> String {
    format!("RAM 2011/31920MB (lfb 5000x4MB) CPU [3%@1190,off] {emc} GR3D_FREQ 97%@1377 APE 150 AO@39.5C GPU 5210/3020")
}

/// A recording with these uses of the memory, 10 ms apart.
fn recording(uses: &[u32]) -> String {
    let mut text = String::new();
    for (idx, used) in uses.iter().enumerate() {
        writeln!(text, "0.{:03} {}", 10 * (idx + 1), line(&format!("EMC_FREQ {used}%@2133"))).unwrap();
    }
    text
}

fn results(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("output/emc_results.json")).unwrap()).unwrap()
}

#[test]
fn the_simulator_characterises_all_convolutions_on_both_accelerators() {
    let folder = TempDir::new().unwrap();
    let arguments = [&SIMULATED[..], &["--svg", "emc.svg", "--seconds", "0.2", "--warm-up", "0.1"]].concat();
    let text = accepts_in(folder.path(), &arguments);
    assert_eq!(text.matches("  modelled\n").count(), 50);
    assert_eq!(text.matches("Largest use of the memory [%]").count(), 2);
    assert_eq!(names_in(&folder.path().join("output")), ["emc_results.json", "emc_results.yaml", "emc_samples"]);
    assert_eq!(names_in(&folder.path().join("output/emc_samples")).len(), 50);
    let results = results(folder.path());
    let engines = results["engines"].as_array().unwrap();
    assert!(engines.iter().all(|engine| engine["n_samples"] == 20 && engine["provenance"] == "modelled"));
    let svg = std::fs::read_to_string(folder.path().join("emc.svg")).unwrap();
    assert_eq!(svg.matches("<rect class=\"cell\"").count(), 50);
}

#[test]
fn json_is_what_the_file_holds_and_the_same_every_time() {
    let folder = TempDir::new().unwrap();
    let arguments = [&SIMULATED[..], &["--on", "dla", "--seconds", "0.1", "--format", "json"]].concat();
    let printed = accepts_in(folder.path(), &arguments);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), results(folder.path()));
    assert_eq!(printed, accepts_in(folder.path(), &arguments));
    let yaml = std::fs::read_to_string(folder.path().join("output/emc_results.yaml")).unwrap();
    assert_eq!(yaml.matches("\n- network: conv").count(), 25);
}

#[test]
fn a_plan_of_the_simulator_is_one_engine() {
    let folder = TempDir::new().unwrap();
    accepts_in(
        folder.path(),
        &["build-engines", "--backend", "sim", "--dnns", "googlenet", "--start", "gpu", "--transitions", "38"],
    );
    let plan = "build/sim/xavier_agx/fp16/googlenet_transition_plans/googlenet_gpu_transition_at_38.plan";
    let text = accepts_in(folder.path(), &[&SIMULATED[..], &["--engine", plan, "--seconds", "0.1"]].concat());
    assert_eq!(text.matches("  modelled\n").count(), 1);
    assert!(text.contains("googlenet_gpu_transition_at_38  -"), "{text}");
    refuses_in(
        folder.path(),
        &[&SIMULATED[..], &["--engine", plan, "--platform", "orin_agx"]].concat(),
        2,
        &["is a plan for `xavier_agx`"],
    );
}

#[test]
fn recordings_are_summarised_after_the_warm_up() {
    let folder = TempDir::new().unwrap();
    let warm = [1, 50, 100];
    let uses: Vec<u32> = warm.into_iter().chain(61..=80).collect();
    write(folder.path(), "logs/conv1_kernel3_gpu.tegrastats", recording(&uses));
    write(folder.path(), "logs/my_net_dla.tegrastats", recording(&[20; 23]));
    let text = accepts_in(folder.path(), &["profile", "emc", "--from", "logs", "--warm-up", "30ms"]);
    let row: Vec<&str> = text.lines().nth(2).unwrap().split_whitespace().collect();
    assert_eq!(row, ["conv1_kernel3", "224x112", "3x3", "GPU", "80", "70.5", "79", "20", "2133", "96.6", "measured"]);
    let row: Vec<&str> = text.lines().nth(3).unwrap().split_whitespace().collect();
    assert_eq!(row, ["my_net", "-", "-", "DLA", "20", "20.0", "20", "20", "2133", "27.4", "measured"]);
    let csv = std::fs::read_to_string(folder.path().join("output/emc_samples/conv1_kernel3_gpu.csv")).unwrap();
    assert!(csv.starts_with("seconds,utilization_percent,clock_mhz\n0.040,61,2133\n"), "{csv}");
}

#[test]
fn lines_without_times_are_taken_to_be_the_interval_apart() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "logs/a_gpu.tegrastats", format!("{}\n", line("EMC_FREQ 7%@2133")).repeat(30));
    let ran = haxconn_in(folder.path(), &["profile", "emc", "--from", "logs", "--interval", "100"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("a_gpu.tegrastats: its lines are taken to be 100 ms apart (`--interval`)"),
        "{}",
        ran.stderr
    );
    assert_eq!(results(folder.path())["engines"][0]["n_samples"], 20);
}

#[track_caller]
fn refuses_recording(name: &str, text: &str, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), &format!("logs/{name}"), text);
    refuses_in(folder.path(), &["profile", "emc", "--from", "logs", "--warm-up", "0"], 1, words);
}

#[test]
fn recordings_that_say_nothing_are_refused_with_the_reason() {
    let without_root = format!("{}\n", line("EMC_FREQ 0%")).repeat(5);
    refuses_recording(
        "a_gpu.tegrastats",
        &without_root,
        &["logs/a_gpu.tegrastats: none of 4 sample(s)", "without root", "hint: record as root: `sudo tegrastats"],
    );
    let clock_only = format!("{}\n", line("EMC_FREQ @2133")).repeat(5);
    refuses_recording("a_gpu.tegrastats", &clock_only, &["prints its clock only"]);
    refuses_recording("a_gpu.tegrastats", &recording(&[5]), &["no sample lies between 0.000 and 0.010 s"]);
    refuses_recording(
        "a_gpu.tegrastats",
        &(recording(&[5, 6]) + "hello\n"),
        &["logs/a_gpu.tegrastats: line 3: expected `RAM`"],
    );
    refuses_recording("a_gpu.tegrastats", &recording(&[5, 6]).repeat(2), &["line 3: goes back in time"]);
    refuses_recording("a_npu.tegrastats", &recording(&[5, 6]), &["doesn't end in `_` and one of gpu, dla"]);
    refuses_recording("other.txt", "", &["holds no *.tegrastats"]);
}

#[test]
fn flags_that_do_not_fit_are_refused() {
    let plan = ["profile", "emc", "--backend", "onnxruntime", "--platform", "xavier_agx", "--engine", "x.plan"];
    refuses(&plan, 2, &["`--engine`: ONNX Runtime runs no plans"]);
    refuses(&[&SIMULATED[..], &["--on", "npu"]].concat(), 2, &["`--on npu`", "gpu, dla"]);
    refuses(&["profile", "emc", "--backend", "tensorrt", "--tegrastats", "/nonexistent/t"], 4, &["can't be started"]);
    let folder = TempDir::new().unwrap();
    let file = program::XAVIER.lines().filter(|line| !line.starts_with("emc_clock_mhz")).collect::<Vec<_>>().join("\n");
    write(folder.path(), "mine.yaml", file);
    refuses_in(folder.path(), &[&SIMULATED[..], &["--platform", "mine.yaml"]].concat(), 2, &["add `emc_clock_mhz`"]);
}

#[cfg(unix)]
#[test]
fn a_board_whose_tegrastats_needs_root_is_told_so_before_anything_runs() {
    let check = |body: &str, code: i32, words: &[&str]| {
        let folder = TempDir::new().unwrap();
        let text = write(folder.path(), "text", format!("#!/bin/sh\n{body}\n"));
        let install =
            Command::new("install").args(["-m", "755"]).arg(text).arg(folder.path().join("tegrastats")).status();
        assert!(install.unwrap().success());
        let arguments = [
            "profile",
            "emc",
            "--backend",
            "tensorrt",
            "--tegrastats",
            "./tegrastats",
            "--trtexec",
            "./nowhere",
            "--prototxt",
            "n.prototxt",
        ];
        write(folder.path(), "n.prototxt", program::ACCEPTED_NETWORK);
        refuses_in(folder.path(), &arguments, code, words);
    };
    let endless = |emc: &str| format!("while :; do echo '{}'; sleep 0.01; done", line(emc));
    check(&endless("EMC_FREQ 0%"), 1, &["what a user without root gets", "sudo"]);
    check(&endless("EMC_FREQ @2133"), 1, &["prints its clock only"]);
    check(&endless("EMC_FREQ 3%@2133"), 4, &["`./nowhere` can't be started", "`--trtexec PATH`"]);
    check("echo 'cannot open /dev/x' >&2; exit 3", 1, &["ended without a line: cannot open /dev/x"]);
}

#[test]
fn a_recording_that_ends_within_its_warm_up_is_refused_by_that() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "recorded/conv1_kernel3_gpu.tegrastats", recording(&[60; 5]));
    let words = ["the run ends at 0.050 s of the recording, before its warm-up does at 1.000 s", "`--warm-up`"];
    refuses_in(folder.path(), &["profile", "emc", "--from", "recorded", "--warm-up", "1"], 1, &words);
}
