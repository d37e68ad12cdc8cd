//! Files that go from one command to another: `check` and `run-multi` refuse a schedule that is broken, forged or made
//! of what has changed since, and `schedule` refuses a profile that isn't one.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::path::Path;

use program::{ACCEPTED_NETWORK, XAVIER, accepts_in, haxconn_in, names_in, refuses_in, write};
use serde_json::{Value, json};
use tempfile::TempDir;

const PROFILE: &str = include_str!("../profiles/googlenet_xavier_agx.json");

/// A folder with a right schedule of `googlenet,resnet` in `schedule.json`, and its text.
fn scheduled() -> (TempDir, String) {
    let folder = TempDir::new().unwrap();
    accepts_in(folder.path(), &["schedule", "--dnns", "googlenet,resnet", "--out", "schedule.json"]);
    let text = std::fs::read_to_string(folder.path().join("schedule.json")).unwrap();
    (folder, text)
}

/// Both readers of a schedule refuse `text` with exit code 1, saying `words`, and write nothing.
#[track_caller]
fn refuses_schedule(folder: &Path, text: &str, words: &[&str]) {
    write(folder, "schedule.json", text);
    refuses_in(folder, &["check", "schedule.json"], 1, &[&["error: schedule.json: "], words].concat());
    let run = ["run-multi", "--backend", "sim", "--schedule", "schedule.json"];
    refuses_in(folder, &run, 1, &["error: schedule.json: "]);
    assert_eq!(names_in(folder), ["schedule.json"]);
}

/// Where googlenet and resnet101 stand in `tasks`.
const GOOGLENET: usize = 0;
const RESNET: usize = 1;

/// Moves all phases of a group by `by` nanoseconds.
fn shift(group: &mut Value, by: i64) {
    for phase in ["launch", "in", "work", "out"] {
        for end in [0, 1] {
            group[phase][end] = json!(group[phase][end].as_i64().unwrap() + by);
        }
    }
}

fn last_group(document: &mut Value, task: usize) -> &mut Value {
    document["tasks"][task]["groups"].as_array_mut().unwrap().last_mut().unwrap()
}

/// A forgery, and words that its refusal must hold.
type Forgery = (&'static str, fn(&mut Value), &'static [&'static str]);

const FORGERIES: &[Forgery] = &[
    ("a group starts later", |d| shift(last_group(d, RESNET), 1000), &["end_ns"]),
    ("a group starts earlier", |d| shift(&mut d["tasks"][RESNET]["groups"][1], -1000), &["resnet101"]),
    (
        "all starts later",
        |d| {
            for group in d["tasks"][RESNET]["groups"].as_array_mut().unwrap() {
                shift(group, 9);
            }
        },
        &[],
    ),
    (
        "work one nanosecond short",
        |d| {
            let group = &mut d["tasks"][GOOGLENET]["groups"][2];
            for (phase, end) in [("work", 1), ("out", 0), ("out", 1)] {
                group[phase][end] = json!(group[phase][end].as_u64().unwrap() - 1);
            }
        },
        &["googlenet"],
    ),
    (
        "a transition unpaid",
        |d| {
            let group = last_group(d, GOOGLENET);
            let paid = group["in"][1].as_i64().unwrap() - group["in"][0].as_i64().unwrap();
            assert!(paid > 0);
            shift(group, -paid);
            group["launch"] = json!([group["in"][1], group["in"][1]]);
            group["in"][0] = group["in"][1].clone();
        },
        &["googlenet"],
    ),
    ("phases that leave a gap", |d| d["tasks"][0]["groups"][0]["work"][0] = json!(1), &["tasks[0].groups[0]"]),
    (
        "an order swapped",
        |d| d["order"][0]["groups"].as_array_mut().unwrap().swap(0, 1),
        &["the orders make tasks wait for each other in a circle"],
    ),
    ("a group twice in the order", |d| d["order"][0]["groups"][0] = d["order"][0]["groups"][1].clone(), &["order"]),
    ("a group not in the order", |d| drop(d["order"][0]["groups"].as_array_mut().unwrap().pop()), &[]),
    ("an order of no such group", |d| d["order"][0]["groups"][0]["group"] = json!(999), &["order[0].groups[0]"]),
    ("the softmax on the dla", |d| last_group(d, GOOGLENET)["accelerator"] = json!("dla"), &[]),
    ("a group on another accelerator", |d| d["tasks"][1]["groups"][3]["accelerator"] = json!("dla"), &[]),
    ("an accelerator that isn't there", |d| d["tasks"][0]["groups"][0]["accelerator"] = json!("tpu"), &["`tpu`"]),
    ("a makespan forged", |d| d["makespan_ns"] = json!(1), &["makespan_ns: is 1, "]),
    (
        "a value and a bound forged",
        |d| {
            d["value"] = json!(1);
            d["proof"]["bound"] = json!(1);
        },
        &["1"],
    ),
    ("a bound above the value", |d| d["proof"]["bound"] = json!(1_u64 << 40), &["proof.bound"]),
    ("a gap forged", |d| d["proof"]["gap"] = json!(0.5), &["proof.gap"]),
    ("another end of a task", |d| d["tasks"][0]["end_ns"] = json!(5), &["tasks[0].end_ns: is 5, "]),
    (
        "a release that isn't kept",
        |d| d["tasks"][0]["release_ns"] = json!(1),
        &["`googlenet` starts at", "its release"],
    ),
    ("another number of transitions", |d| d["tasks"][0]["transitions"] = json!(7), &["tasks[0].transitions: is 7"]),
    (
        "a precedence that isn't kept",
        |d| d["tasks"][0]["after"] = json!(["resnet101"]),
        &["wait for each other in a circle"],
    ),
    ("another class", |d| d["class"] = json!("B"), &["class: is `B`"]),
    ("another objective", |d| d["objective"] = json!("throughput"), &[]),
    ("another contention", |d| d["contention"] = json!("none"), &[]),
    ("a contention that isn't there", |d| d["contention"] = json!("fun"), &["contention: `fun`"]),
    (
        "a pin that doesn't hold",
        |d| {
            d["pins"] = json!([{"network": "resnet101", "layers": [0, 449], "accelerator": "dla"}]);
        },
        &["resnet101"],
    ),
    (
        "a pin of no layers",
        |d| d["pins"] = json!([{"network": "resnet101", "layers": [9, 0], "accelerator": "gpu"}]),
        &["pins[0].layers: [9, 0]"],
    ),
    ("another network", |d| d["tasks"][0]["network"] = json!("alexnet"), &["alexnet"]),
    ("a network that isn't there", |d| d["tasks"][0]["network"] = json!("nope"), &["`nope`"]),
    ("a file that isn't there", |d| d["tasks"][0]["network"] = json!("../nope.prototxt"), &["../nope.prototxt"]),
    ("another network's hash", |d| d["tasks"][0]["network_hash"] = json!("ab"), &["network `googlenet` has changed"]),
    ("another platform's hash", |d| d["platform"]["sha256"] = json!("ab"), &["platform `xavier_agx` has changed"]),
    ("another platform", |d| d["platform"]["name"] = json!("orin_agx"), &["platform"]),
    ("a platform that isn't there", |d| d["platform"]["name"] = json!("nope"), &["`nope`"]),
    ("another profile's hash", |d| d["profiles"][1]["sha256"] = json!("ab"), &["profile of `resnet101`", "changed"]),
    ("no profiles", |d| d["profiles"] = json!([]), &["profiles: there is none for `googlenet`"]),
    ("one task less", |d| drop(d["tasks"].as_array_mut().unwrap().pop()), &[]),
    ("no tasks", |d| d["tasks"] = json!([]), &["tasks: empty"]),
    ("a group less", |d| drop(d["tasks"][0]["groups"].as_array_mut().unwrap().remove(3)), &["tasks[0].groups"]),
    ("a newer version", |d| d["schema_version"] = json!(2), &["schema_version 2 is newer than this program reads (1)"]),
    ("no version", |d| drop(d.as_object_mut().unwrap().remove("schema_version")), &["schema_version: missing"]),
    ("an unknown key", |d| d["colour"] = json!("red"), &["unknown field `colour`"]),
    ("a missing key", |d| drop(d.as_object_mut().unwrap().remove("order")), &["missing field `order`"]),
    ("a negative moment", |d| d["tasks"][0]["groups"][0]["launch"][0] = json!(-1), &["tasks[0].groups[0].launch"]),
    (
        "a moment beyond all counting",
        |d| d["tasks"][0]["groups"][0]["out"][1] = json!(u64::MAX),
        &["tasks[0].groups[0]"],
    ),
    ("a word for a number", |d| d["makespan_ns"] = json!("soon"), &["makespan_ns", "soon"]),
    ("a limit below none", |d| d["max_transitions"] = json!(-1), &["max_transitions"]),
];

#[test]
fn a_forged_schedule_is_refused() {
    let (folder, text) = scheduled();
    for (what, forge, words) in FORGERIES {
        let mut document: Value = serde_json::from_str(&text).unwrap();
        forge(&mut document);
        assert_ne!(document, serde_json::from_str::<Value>(&text).unwrap(), "{what} changes nothing");
        write(folder.path(), "schedule.json", document.to_string());
        let accepted = haxconn_in(folder.path(), &["check", "schedule.json"]).code == 0;
        assert!(!accepted, "{what} is accepted");
        refuses_schedule(folder.path(), &document.to_string(), words);
    }
}

#[test]
fn text_that_is_no_schedule_is_refused_at_its_place() {
    let (folder, text) = scheduled();
    for length in [1, 2, text.len() / 4, text.len() / 2, text.len() - 3] {
        refuses_schedule(folder.path(), &text[..length], &["line ", "column "]);
    }
    for garbage in ["", "null", "[]", "{}", "12", "\u{feff}{}", "schedule"] {
        refuses_schedule(folder.path(), garbage, &[]);
    }
    refuses_schedule(folder.path(), &format!("{text}{text}"), &["line "]);
    refuses_schedule(folder.path(), &text.replacen("\"objective\"", "\"value\": 1, \"objective\"", 1), &["`value`"]);
    refuses_schedule(folder.path(), &"[".repeat(100_000), &[]);
    refuses_in(folder.path(), &["check", "none.json"], 1, &["none.json: no such file"]);
    refuses_in(folder.path(), &["check", "."], 1, &[".: is a directory"]);
}

#[test]
fn check_lists_every_fault_for_programs_too() {
    let (folder, text) = scheduled();
    let mut document: Value = serde_json::from_str(&text).unwrap();
    document["makespan_ns"] = json!(1);
    document["tasks"][0]["end_ns"] = json!(2);
    write(folder.path(), "schedule.json", document.to_string());
    let ran = haxconn_in(folder.path(), &["check", "schedule.json", "--format", "json"]);
    let judged: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &judged["right"]), (1, &json!(false)));
    assert_eq!(judged["faults"].as_array().unwrap().len(), 2, "{judged}");
}

#[test]
fn a_schedule_of_files_that_have_changed_is_refused() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let profile = PROFILE.replacen("1.0559", "1.0560", 1);
    assert_ne!(profile, PROFILE);
    let files = [("net.prototxt", ACCEPTED_NETWORK), ("mine.yaml", XAVIER), ("mine.json", &profile)];
    for (name, text) in files {
        write(here, name, text);
    }
    let flags = ["--platform", "mine.yaml", "--profile", "mine.json", "--out", "schedule.json"];
    accepts_in(here, &[&["schedule", "--dnns", "googlenet,net.prototxt"], &flags[..]].concat());
    accepts_in(here, &["check", "schedule.json"]);
    let changes = [("num_output: 16", "num_output: 17"), ("{value: 137", "{value: 138"), ("1.0560", "1.0561")];
    for ((name, text), (from, to)) in files.into_iter().zip(changes) {
        assert!(text.contains(from));
        write(here, name, text.replacen(from, to, 1));
        refuses_in(here, &["check", "schedule.json"], 1, &["changed since the schedule was made", "hint: "]);
        std::fs::remove_file(here.join(name)).unwrap();
        refuses_in(here, &["check", "schedule.json"], 1, &[&format!("{name}: no such file")]);
        write(here, name, text);
    }
    accepts_in(here, &["check", "schedule.json"]);
}

/// Refuses the shipped profile after `from` became `to`.
#[track_caller]
fn refuses_profile(from: &str, to: &str, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    assert!(PROFILE.contains(from), "{from}");
    write(folder.path(), "mine.json", PROFILE.replacen(from, to, 1));
    let arguments = ["schedule", "--dnns", "googlenet,resnet", "--profile", "mine.json", "--out", "schedule.json"];
    refuses_in(folder.path(), &arguments, 1, &[&["error: mine.json: "], words].concat());
    assert_eq!(names_in(folder.path()), ["mine.json"]);
}

#[test]
fn wrong_profiles_are_refused_with_the_path_of_the_field() {
    for wrong in ["-1.0559", "1e999", "null", "\"1\"", "[1]"] {
        refuses_profile("1.0559", wrong, &["groups[0].costs.dla.t_ms.value"]);
    }
    refuses_profile("1.0559", "NaN", &["groups", "line 21 column 20"]);
    refuses_profile("\"schema_version\": 1", "\"schema_version\": 3", &["schema_version 3 is newer"]);
    refuses_profile("\"layers\": [0, 10]", "\"layers\": [0, 9]", &["groups[1]"]);
    refuses_profile("\"derived\"", "\"guessed\"", &["guessed"]);
    refuses_profile("\"name\": \"googlenet\"", "\"name\": \"alexnet\"", &["`alexnet`", "none of the networks"]);
    refuses_profile("\"hash\": \"", "\"hash\": \"0", &["`googlenet` was made of another definition"]);
    let folder = TempDir::new().unwrap();
    for name in ["a.json", "b.json"] {
        write(folder.path(), name, PROFILE);
    }
    let twice = ["schedule", "--dnns", "googlenet,resnet", "--profile", "a.json,b.json"];
    refuses_in(folder.path(), &twice, 2, &["`--profile`: a.json and b.json are both of `googlenet`"]);
    refuses_profile("{", "", &["line 2 column 18"]);
    refuses_profile("}", "", &["line "]);
}

#[test]
fn the_shipped_profile_is_as_fine_as_its_groups() {
    let folder = TempDir::new().unwrap();
    let schedule = ["schedule", "--dnns", "googlenet,googlenet", "--groups"];
    accepts_in(folder.path(), &[&schedule[..], &["paper"]].concat());
    accepts_in(folder.path(), &[&schedule[..], &["0,38,140"]].concat());
    refuses_in(folder.path(), &[&schedule[..], &["legal"]].concat(), 2, &["`--groups`", "googlenet"]);
}

#[test]
fn a_schedule_with_a_whole_network_pinned_is_right_where_its_tail_cant_run_there() {
    let folder = TempDir::new().unwrap();
    let pinned = ["schedule", "--dnns", "googlenet,resnet", "--pin", "googlenet=dla", "--out"];
    accepts_in(folder.path(), &pinned);
    let checked = accepts_in(folder.path(), &["check", "output/schedule.json"]);
    assert!(checked.contains("right, makespan"), "{checked}");
}

#[test]
fn a_schedule_of_a_profile_with_cuts_of_its_own_is_right() {
    let folder = TempDir::new().unwrap();
    let shipped = include_str!("../profiles/googlenet_xavier_agx.json");
    let moved = shipped.replace("[38, 53]", "[38, 52]").replace("[53, 67]", "[52, 67]");
    assert_ne!(moved, shipped);
    write(folder.path(), "mine.json", moved);
    accepts_in(
        folder.path(),
        &["schedule", "--dnns", "googlenet,resnet", "--profile", "mine.json", "--pin", "googlenet:0-9=gpu", "--out"],
    );
    let checked = accepts_in(folder.path(), &["check", "output/schedule.json"]);
    assert!(checked.contains("right, makespan"), "{checked}");
}
