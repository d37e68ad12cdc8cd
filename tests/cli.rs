//! The main jobs through the program: what they print, what they write, and that both agree.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::io::Read;
use std::path::Path;
use std::process::Stdio;

use program::{ACCEPTED_NETWORK, XAVIER, accepts, accepts_in, haxconn_in, names_in, program, write};
use serde_json::Value;
use tempfile::TempDir;

const NETWORKS: &str =
    "alexnet,vgg16,vgg19,googlenet,resnet18,resnet50,resnet101,resnet152,mobilenet,densenet,inception_v4,inc-res-v2";

/// The one JSON document that a command prints; anything before or after it is refused.
#[track_caller]
fn json(folder: &Path, arguments: &[&str]) -> Value {
    let stdout = accepts_in(folder, &[arguments, &["--format", "json"]].concat());
    let document: Value = serde_json::from_str(&stdout).unwrap();
    // A run log is of its second version.
    let version = if arguments[0] == "run-multi" { 2 } else { 1 };
    assert_eq!(document["schema_version"], version, "{arguments:?}");
    document
}

fn schedule_json(flags: &[&str]) -> Value {
    json(TempDir::new().unwrap().path(), &[&["schedule", "--dnns", "googlenet,resnet"], flags].concat())
}

/// The number before `ms` in the line of `text` that begins with `start`.
fn milliseconds(text: &str, start: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(start)).unwrap();
    line[start.len()..].split_whitespace().next().unwrap().to_owned()
}

#[test]
fn text_and_json_tell_the_same_makespan_and_no_baseline_beats_it() {
    let text = accepts(&["schedule", "--dnns", "googlenet,resnet"]);
    let document = schedule_json(&[]);
    let makespan = document["makespan_ns"].as_u64().unwrap();
    assert_eq!(milliseconds(&text, "Predicted makespan"), format!("{:.3}", makespan as f64 / 1e6));
    assert_eq!(document["proof"]["state"], "optimal");
    assert_eq!(document["proof"]["bound"].as_u64(), Some(makespan));
    assert_eq!(document["value"].as_u64(), Some(makespan));
    let baselines = document["baselines"].as_array().unwrap();
    assert!(baselines.len() >= 6, "{baselines:?}");
    for baseline in baselines.iter().filter(|baseline| baseline["within_limit"] == true) {
        assert!(baseline["makespan_ns"].as_u64().unwrap() >= makespan, "{baseline}");
    }
}

#[test]
fn the_throughput_is_maximised_and_no_baseline_has_more() {
    let document = schedule_json(&["--objective", "throughput"]);
    assert_eq!((&document["objective"], &document["proof"]["state"]), (&"throughput".into(), &"optimal".into()));
    let value = document["value"].as_u64().unwrap();
    let latency = |task: &Value| task["end_ns"].as_u64().unwrap() - task["release_ns"].as_u64().unwrap();
    let sum: u64 = document["tasks"].as_array().unwrap().iter().map(|task| 10_u64.pow(15) / latency(task)).sum();
    assert_eq!(value, sum);
    for baseline in document["baselines"].as_array().unwrap() {
        assert!(baseline["within_limit"] == false || baseline["value"].as_u64().unwrap() <= value, "{baseline}");
    }
}

#[test]
fn contention_and_the_transition_limit_only_ever_cost_time() {
    let makespan = |flags: &[&str]| schedule_json(flags)["makespan_ns"].as_u64().unwrap();
    let usual = makespan(&[]);
    assert!(makespan(&["--contention", "none"]) <= usual);
    assert!(makespan(&["--max-transitions", "unlimited"]) <= usual);
    assert!(makespan(&["--max-transitions", "0"]) >= usual);
    assert!(makespan(&["--groups", "1"]) >= usual);
    assert_eq!(makespan(&["--contention", "pccs"]), usual);
    assert_eq!(schedule_json(&["--max-transitions", "unlimited"])["max_transitions"], "unlimited");
}

#[test]
fn pins_hold() {
    let document = schedule_json(&["--pin", "googlenet:0-52=gpu", "--pin", "resnet=dla", "--max-transitions", "1"]);
    let groups = |task: usize| document["tasks"][task]["groups"].as_array().unwrap();
    for group in groups(0).iter().filter(|group| group["layers"][0].as_u64().unwrap() <= 52) {
        assert_eq!(group["accelerator"], "gpu", "{group}");
    }
    // The softmax runs on no DLA: the pin of a whole network leaves it where it can run.
    assert!(groups(1).iter().rev().skip(1).all(|group| group["accelerator"] == "dla"));
    assert_eq!(document["pins"].as_array().unwrap().len(), 2);
}

#[test]
fn every_policy_has_its_schedule() {
    for policy in ["haxconn", "gpu-only", "gpu-dla", "mensa", "herald", "h2h"] {
        let document = schedule_json(&["--policy", policy, "--max-transitions", "unlimited"]);
        assert!(document["makespan_ns"].as_u64().unwrap() > 0);
        if policy == "gpu-only" {
            let tasks = document["tasks"].as_array().unwrap();
            let mut groups = tasks.iter().flat_map(|task| task["groups"].as_array().unwrap());
            assert!(groups.all(|group| group["accelerator"] == "gpu"));
        }
    }
    let all = schedule_json(&["--policy", "all"]);
    let text = accepts(&["schedule", "--dnns", "googlenet,resnet", "--policy", "all"]);
    let schedules = all["schedules"].as_array().unwrap();
    assert!(schedules.len() >= 7);
    assert_eq!(text.matches("Predicted makespan").count(), schedules.len());
}

#[test]
fn a_written_schedule_is_right_and_runs_the_same_every_time() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let ran = haxconn_in(here, &["schedule", "--dnns", "googlenet,resnet", "--out", "--quiet"]);
    assert_eq!((ran.code, &*ran.stderr), (0, ""));
    assert!(accepts_in(here, &["check", "output/schedule.json"]).contains("right"));
    let judged = json(here, &["check", "output/schedule.json"]);
    assert_eq!((&judged["right"], &judged["faults"]), (&true.into(), &Value::Array(Vec::new())));
    for out in ["one.json", "two.json"] {
        let run =
            ["run-multi", "--backend", "sim", "--schedule", "output/schedule.json", "--iterations", "7", "--out", out];
        let text = accepts_in(here, &run);
        assert!(text.contains("simulated on xavier_agx: 7 round(s)"), "{text}");
    }
    let run =
        ["run-multi", "--schedule", "output/schedule.json", "--iterations", "7", "--seed", "2", "--out", "3.json"];
    let other = json(here, &run);
    let [one, two, three] = ["one.json", "two.json", "3.json"].map(|name| std::fs::read_to_string(here.join(name)));
    assert_eq!(one.as_ref().unwrap(), two.as_ref().unwrap());
    assert_ne!(one.unwrap(), *three.as_ref().unwrap());
    assert_eq!(serde_json::from_str::<Value>(&three.unwrap()).unwrap(), other);
    assert_eq!(names_in(here), ["3.json", "one.json", "output", "two.json"]);
    assert_eq!(names_in(&here.join("output")), ["schedule.json"]);
}

#[test]
fn the_same_network_twice_is_two_instances() {
    let document = json(TempDir::new().unwrap().path(), &["schedule", "--dnns", "googlenet,googlenet"]);
    let names: Vec<&Value> = document["tasks"].as_array().unwrap().iter().map(|task| &task["name"]).collect();
    assert_eq!(names, ["googlenet", "googlenet#2"]);
}

#[test]
fn three_networks_by_name_by_alias_and_by_file() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "my nets/ünï.prototxt", ACCEPTED_NETWORK.replace('\n', "\r\n"));
    let document = json(folder.path(), &["schedule", "--dnns", "resnet, alexnet", "--dnns", "my nets/ünï.prototxt"]);
    let networks: Vec<&Value> = document["tasks"].as_array().unwrap().iter().map(|task| &task["network"]).collect();
    assert_eq!(networks, ["resnet101", "alexnet", "my nets/ünï.prototxt"]);
}

#[test]
fn files_above_the_working_folder_are_found_and_a_schedule_of_them_is_right() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "net.prototxt", ACCEPTED_NETWORK);
    write(folder.path(), "mine.yaml", XAVIER.replace("name: xavier_agx", "name: mine"));
    let work = folder.path().join("work");
    std::fs::create_dir(&work).unwrap();
    let dnns = "../net.prototxt,alexnet";
    accepts_in(&work, &["schedule", "--dnns", dnns, "--platform", "../mine.yaml", "--out", "s.json"]);
    accepts_in(&work, &["check", "s.json"]);
    accepts_in(&work, &["run-multi", "--schedule", "s.json", "--iterations", "1"]);
}

#[test]
fn two_files_of_one_name_are_two_networks() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "one/deploy.prototxt", ACCEPTED_NETWORK);
    write(folder.path(), "two/deploy.prototxt", ACCEPTED_NETWORK.replace("num_output: 16", "num_output: 64"));
    accepts_in(folder.path(), &["schedule", "--dnns", "one/deploy.prototxt,two/deploy.prototxt", "--out", "s.json"]);
    accepts_in(folder.path(), &["check", "s.json"]);
}

#[test]
fn a_users_files_win_over_the_shipped_ones_and_are_announced() {
    let folder = TempDir::new().unwrap();
    let schedule = ["schedule", "--dnns", "alexnet,resnet", "--format", "json"];
    let shipped = haxconn_in(folder.path(), &schedule);
    assert_eq!(shipped.stderr, "");
    write(
        folder.path(),
        "platforms/xavier_agx.yaml",
        XAVIER.replace("overhead_ms: {value: 0.01407", "overhead_ms: {value: 0.02"),
    );
    write(folder.path(), "prototxt_input_files/alexnet.prototxt", ACCEPTED_NETWORK);
    let mine = haxconn_in(folder.path(), &schedule);
    assert_eq!(mine.code, 0, "{}", mine.stderr);
    for file in ["platforms/xavier_agx.yaml", "prototxt_input_files/alexnet.prototxt"] {
        assert!(mine.stderr.contains(&format!("{file} is used instead of the built-in one")), "{}", mine.stderr);
    }
    let makespan = |text: &str| serde_json::from_str::<Value>(text).unwrap()["makespan_ns"].clone();
    assert_ne!(makespan(&mine.stdout), makespan(&shipped.stdout));
    let quiet = haxconn_in(folder.path(), &[&schedule[..], &["--quiet"]].concat());
    assert_eq!((quiet.code, &*quiet.stderr), (0, ""));
}

#[test]
fn a_time_limit_gives_the_best_so_far_with_its_bound() {
    let folder = TempDir::new().unwrap();
    let big = ["schedule", "--dnns", "inception,resnet152,densenet", "--groups", "legal", "--time-limit", "1ms"];
    let document = json(folder.path(), &[&big[..], &["--max-transitions", "unlimited", "--out", "s.json"]].concat());
    let proof = &document["proof"];
    assert_eq!(proof["state"], "feasible", "{proof}");
    assert!(proof["bound"].as_u64().unwrap() < document["value"].as_u64().unwrap(), "{proof}");
    assert!(proof["gap"].as_f64().unwrap() > 0.0 && proof["stopped_by"].is_string(), "{proof}");
    accepts_in(folder.path(), &["check", "s.json"]);
}

#[test]
fn every_network_can_be_inspected_on_every_platform() {
    for platform in ["xavier_agx", "orin_agx", "orin_agx_2dla"] {
        let arguments = ["inspect", "--dnns", NETWORKS, "--platform", platform];
        let document = json(TempDir::new().unwrap().path(), &arguments);
        assert_eq!(document["networks"].as_array().unwrap().len(), 12);
        let text = accepts(&arguments);
        for network in document["networks"].as_array().unwrap() {
            assert!(network["network"]["n_layers"].as_u64().unwrap() > 8);
            let title = network["network"]["title"].as_str().unwrap();
            assert!(text.contains(title), "{title}");
        }
    }
}

#[test]
fn platforms_are_listed_shown_and_calibrated() {
    let here = TempDir::new().unwrap();
    let list = accepts(&["platform", "list"]);
    for name in ["xavier_agx", "orin_agx", "orin_agx_2dla"] {
        assert!(list.contains(name), "{list}");
        assert!(accepts(&["platform", "show", name]).contains(&format!("({name})")));
        assert_eq!(json(here.path(), &["platform", "show", name])["name"], name);
    }
    json(here.path(), &["platform", "list"]);
    assert!(accepts(&["platform", "calibrate"]).contains("leave-one-out"));
    json(here.path(), &["platform", "calibrate"]);
}

#[test]
fn the_papers_pairs_are_scheduled_beside_the_published_figures() {
    let text = accepts(&["reproduce", "--time-limit", "1ms"]);
    for pair in ["googlenet + resnet101", "inception_v4 + resnet152", "alexnet + resnet101", "vgg19 + resnet152"] {
        assert_eq!(text.matches(pair).count(), 2, "{text}");
    }
    json(TempDir::new().unwrap().path(), &["reproduce", "--time-limit", "1ms"]);
}

#[test]
fn every_subcommand_has_help_that_ends_with_an_example() {
    let commands: [&[&str]; 10] = [
        &["inspect"],
        &["profile", "emc"],
        &["schedule"],
        &["check"],
        &["run-multi"],
        &["report"],
        &["reproduce"],
        &["platform", "list"],
        &["platform", "show"],
        &["platform", "calibrate"],
    ];
    for command in commands {
        for flag in ["-h", "--help"] {
            let help = accepts(&[command, &[flag]].concat());
            let example = help.lines().last().unwrap().strip_prefix("Example: haxconn ");
            assert!(example.is_some_and(|example| example.starts_with(&command.join(" "))), "{help}");
        }
    }
    assert!(accepts(&["--help"]).contains("Exit codes: 0 done, 1 failed, 2 bad usage"));
    assert!(accepts(&["--version"]).starts_with("haxconn "));
    let bare = haxconn_in(Path::new("/"), &[]);
    assert_eq!((bare.code, &*bare.stdout), (2, ""));
}

#[test]
fn nothing_is_coloured_and_no_progress_is_drawn_where_no_terminal_looks() {
    for arguments in [&["schedule", "--dnns", "googlenet,resnet"][..], &["schedule"], &["--help"]] {
        let ran = haxconn_in(TempDir::new().unwrap().path(), arguments);
        assert!(!ran.stdout.contains('\x1b') && !ran.stderr.contains(['\x1b', '\r']), "{ran:?}");
    }
}

#[test]
fn a_closed_pipe_ends_the_program_quietly() {
    for arguments in [&["inspect", "--dnns", NETWORKS][..], &["--help"], &["platform", "show"]] {
        let mut child =
            program(Path::new("/"), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), &*stderr), (Some(0), ""), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_is_an_error_and_stays_a_device() {
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = program(Path::new("/"), &["schedule", "--dnns", "googlenet,resnet"]);
    let output = command.stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("error: can't write to stdout"));
    let folder = TempDir::new().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.path().join("full")).unwrap();
    let ran = haxconn_in(folder.path(), &["schedule", "--dnns", "googlenet,resnet", "--out", "full"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stderr.contains("error: can't write full: "), "{}", ran.stderr);
}

#[test]
fn outputs_that_cannot_be_written_are_named_and_nothing_is_left() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "file", "kept");
    for (flag, out) in [("--out", "file/s.json"), ("--gantt", "file/s.svg"), ("--html", "file/s.html"), ("--out", ".")]
    {
        let ran = haxconn_in(folder.path(), &["schedule", "--dnns", "googlenet,resnet", flag, out]);
        assert_eq!(ran.code, 1, "{flag} {out}");
        assert!(ran.stderr.contains(&format!("error: can't write {out}: ")), "{}", ran.stderr);
    }
    assert_eq!(names_in(folder.path()), ["file"]);
    assert_eq!(std::fs::read_to_string(folder.path().join("file")).unwrap(), "kept");
}

#[test]
fn a_prediction_says_whether_its_cost_model_is_calibrated_or_assumed() {
    let xavier = accepts(&["schedule", "--dnns", "alexnet,resnet18"]);
    assert!(xavier.contains("AlexNet: modelled; `haxconn platform calibrate`"), "{xavier}");
    let orin = accepts(&["schedule", "--dnns", "alexnet,resnet18", "--platform", "orin_agx"]);
    assert!(orin.contains("AlexNet: modelled from assumed parameters"), "{orin}");
}
