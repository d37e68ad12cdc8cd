//! `docs/formats.md` holds every key of every document that a command prints, and no key that none has.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::collections::BTreeSet;
use std::path::Path;

use program::json_in;
use serde_json::Value;

const FORMATS: &str = include_str!("../docs/formats.md");

/// Keys that the document's head explains once for all.
const GENERAL: [&str; 2] = ["schema_version", "provenance"];

/// What `haxconn ARGUMENTS --format json` prints in `folder`.
fn document(folder: &Path, arguments: &str) -> Value {
    json_in(folder, &arguments.split(' ').collect::<Vec<_>>())
}

/// Every key at any depth; the reasons in an `unsupported` table stand under accelerators' names, which are no keys.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| keys(value, found)),
        Value::Object(fields) => {
            for (key, value) in fields {
                found.insert(key.clone());
                if !(key == "unsupported" && value.is_object()) {
                    keys(value, found);
                }
            }
        }
        _ => {}
    }
}

/// The text under `heading`, up to the next heading of its level or a higher one.
fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let level = heading.split(' ').next().expect("a heading begins with its level");
    let (_, rest) = text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no `{heading}`"));
    let ends = (2..=level.len()).filter_map(|level| rest.find(&format!("\n{} ", "#".repeat(level))));
    &rest[..ends.min().unwrap_or(rest.len())]
}

/// The keys that begin the rows of a section's tables.
fn rows(section: &str) -> impl Iterator<Item = &str> {
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next())
}

/// What is wrong with `sections` as the documentation of `value`; the first one documents nothing else.
fn complaints(sections: &[&str], value: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    keys(value, &mut found);
    let documented = |key: &str| sections.iter().any(|section| section.contains(&format!("`{key}`")));
    let missing = found.iter().filter(|key| !GENERAL.contains(&key.as_str()) && !documented(key));
    let unused = rows(sections[0]).filter(|key| !found.contains(*key));
    missing.map(|key| format!("`{key}` isn't documented")).chain(unused.map(|key| format!("no `{key}`"))).collect()
}

#[test]
fn every_key_that_a_command_prints_is_documented_and_every_documented_one_is_printed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let schedule = "schedule --dnns alexnet,googlenet --pin alexnet=gpu";
    let check = |arguments: &str, headings: &[&str]| {
        let sections: Vec<&str> = headings.iter().map(|heading| section(FORMATS, heading)).collect();
        assert_eq!(complaints(&sections, &document(folder.path(), arguments)), [""; 0], "{arguments}");
    };
    check(&format!("{schedule} --out s.json"), &["## Schedule (JSON)"]);
    check(&format!("{schedule} --policy all"), &["### `schedule --policy all`", "## Schedule (JSON)"]);
    let robust = format!("{schedule} --robust 5% --samples 2");
    check(&robust, &["### `schedule --robust`", "## Schedule (JSON)"]);
    let plans = ["### `build-engines`", "## Plan description (JSON)"];
    check("build-engines --backend sim --dnns alexnet --start dla", &plans);
    let plan = "build/sim/xavier_agx/fp16/alexnet_transition_plans/alexnet_dla_transition_at_-1.plan";
    check(&format!("plan {plan}"), &["## Plan description (JSON)"]);
    check("doctor", &["### `doctor`"]);
    check("check s.json", &["### `check`"]);
    check("run-multi --backend sim --schedule s.json --iterations 2", &["## Run log (JSON)"]);
    check("report", &["### `report`", "## Run log (JSON)"]);
    check("profile emc --backend sim --seconds 0.1", &["## Use of the memory (YAML and JSON)"]);
    check("inspect --dnns googlenet", &["### `inspect`"]);
    check("platform list", &["### `platform list`"]);
    check("platform show", &["### `platform show`"]);
    check("platform calibrate", &["### `platform calibrate`"]);
    let few = "--dnns alexnet --backend sim --iterations 5 --repeats 2";
    check(&format!("profile layers {few}"), &["## Layer results (JSON)"]);
    check(&format!("profile transitions {few}"), &["## Transition results (JSON)", "## Layer results (JSON)"]);
    check(&format!("profile all {few}"), &["### `profile all`", "## Profile (JSON)"]);
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/trtexec");
    check(&format!("read {fixtures}/8.5.log {fixtures}/8.2.times"), &["### `read`"]);
    check("profile contention --points 3", &["### `profile contention`"]);
    check("profile contention --points 3 --model table", &["### `profile contention`"]);
    check("reproduce --time-limit 1ms", &["### `reproduce`"]);
}

/// A workload with every key. JSON is YAML.
fn workload() -> Value {
    serde_json::json!({
        "schema_version": 1,
        "platform": "xavier_agx",
        "objective": "tardiness",
        "max_transitions": 1,
        "latency_cap_ms": 50,
        "tasks": [
            {"name": "a", "network": "googlenet", "groups": 2, "instances": 1, "frames": 2, "release_ms": 1, "period_ms": 2,
             "in_flight": 2, "deadline_ms": 9, "weight": 2, "on": ["gpu", "dla"]},
            {"name": "b", "network": "alexnet", "frames": 2, "after": ["a"], "not_on": ["dla"],
             "profile": "output/profiles/xavier_agx/alexnet.json"},
        ],
    })
}

#[test]
fn every_key_of_a_workload_is_documented_and_every_documented_one_is_taken() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let few = "--dnns alexnet --backend sim --iterations 5 --repeats 2";
    document(folder.path(), &format!("profile all {few}"));
    let value = workload();
    assert_eq!(complaints(&[section(FORMATS, "## Workload (YAML)")], &value), [""; 0]);
    program::write(folder.path(), "w.yaml", value.to_string());
    let schedule = document(folder.path(), "schedule --workload w.yaml --node-limit 500");
    assert_eq!(complaints(&[section(FORMATS, "## Schedule (JSON)")], &schedule), [""; 0]);
}

#[test]
fn every_key_of_a_dynamic_run_is_documented_and_every_documented_one_is_there() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = "schema_version: 1\nevents:\n  - {at_ms: 20, join: alexnet}\n  - {at_ms: 60, leave: alexnet}\n  \
                  - {at_ms: 90, slow: {accelerator: gpu, factor: 3}}\n";
    program::write(folder.path(), "script.yaml", script);
    let run = "run-multi --dynamic --backend sim --dnns googlenet,alexnet --script script.yaml --duration 2s";
    let sections = ["## Dynamic run (JSON)", "## Run log (JSON)"].map(|heading| section(FORMATS, heading));
    assert_eq!(complaints(&sections, &document(folder.path(), run)), [""; 0]);
}

#[test]
fn the_comparison_notices_a_missing_key_and_one_too_many() {
    let value = serde_json::json!({"schema_version": 1, "known": [{"new": 1}], "unsupported": {"dla": "why"}});
    let documentation = "| `known` | a list |\n| `old` | gone |\n| `unsupported` | by accelerator |";
    assert_eq!(complaints(&[documentation], &value), ["`new` isn't documented", "no `old`"]);
}

#[test]
fn a_section_ends_where_the_next_one_of_its_level_or_a_higher_one_begins() {
    let text = "\n## A\na\n### B\nb\n### C\nc\n## D\nd\n";
    assert_eq!(section(text, "## A"), "a\n### B\nb\n### C\nc");
    assert_eq!(section(text, "### B"), "b");
    assert_eq!(section(text, "### C"), "c");
    assert_eq!(section(text, "## D"), "d\n");
}
