//! Workload files through the program: what they mean, what is refused, and that a written schedule is the same problem to
//! `check` and `run-multi`.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::path::Path;

use program::{ACCEPTED_NETWORK, XAVIER, accepts_in, haxconn_in, json_in, refuses, refuses_in, write};
use serde_json::{Value, json};
use tempfile::TempDir;

const SHIPPED: [(&str, &str); 4] = [
    ("same_network_twice", include_str!("../workloads/same_network_twice.yaml")),
    ("two_networks", include_str!("../workloads/two_networks.yaml")),
    ("pipeline", include_str!("../workloads/pipeline.yaml")),
    ("hybrid", include_str!("../workloads/hybrid.yaml")),
];

/// Two small streams, quickly proved: `b` follows `a` frame by frame.
const PIPELINE: &str = "schema_version: 1
tasks:
  - {name: a, network: googlenet, groups: 3, frames: 2, period_ms: 2, deadline_ms: 9, weight: 2}
  - {name: b, network: alexnet, groups: 2, frames: 2, after: [a]}
";

/// The schedule of a workload's text, as JSON; written to `s.json` in `folder`.
#[track_caller]
fn scheduled(folder: &Path, workload: &str, flags: &[&str]) -> Value {
    write(folder, "w.yaml", workload);
    let command = ["schedule", "--workload", "w.yaml", "--node-limit", "3000", "--out", "s.json"];
    json_in(folder, &[&command, flags].concat())
}

/// The same in a folder of its own.
#[track_caller]
fn schedule(workload: &str, flags: &[&str]) -> Value {
    scheduled(TempDir::new().unwrap().path(), workload, flags)
}

/// A workload must be refused with `code` and `words`.
#[track_caller]
fn refuse(workload: &str, flags: &[&str], code: i32, words: &[&str]) {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "w.yaml", workload);
    let command = ["schedule", "--workload", "w.yaml", "--node-limit", "3000"];
    refuses_in(folder.path(), &[&command, flags].concat(), code, words);
}

fn task<'a>(schedule: &'a Value, name: &str) -> &'a Value {
    schedule["tasks"].as_array().unwrap().iter().find(|task| task["name"] == name).unwrap()
}

/// The accelerators of a task's groups.
fn places(task: &Value) -> Vec<&str> {
    task["groups"].as_array().unwrap().iter().map(|group| group["accelerator"].as_str().unwrap()).collect()
}

fn start(task: &Value) -> u64 {
    task["groups"][0]["launch"][0].as_u64().unwrap()
}

fn end(task: &Value) -> u64 {
    task["end_ns"].as_u64().unwrap()
}

#[test]
fn every_shipped_workload_is_scheduled_judged_and_run() {
    for (name, text) in SHIPPED {
        let folder = TempDir::new().unwrap();
        let here = folder.path();
        let document = scheduled(here, text, &[]);
        assert!(accepts_in(here, &["check", "s.json"]).contains("right"), "{name}");
        let command = ["run-multi", "--schedule", "s.json", "--backend", "sim", "--iterations", "3", "--policy", "all"];
        let log = json_in(here, &command);
        let names = |tasks: &Value| -> Vec<Value> {
            tasks.as_array().unwrap().iter().map(|task| task["name"].clone()).collect()
        };
        assert_eq!(names(&log["policies"][0]["tasks"]), names(&document["tasks"]), "{name}");
    }
}

#[test]
fn frames_are_placed_alike_and_wait_for_their_release_and_for_each_other() {
    let document = schedule(PIPELINE, &[]);
    let names: Vec<&str> =
        document["tasks"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["a[0]", "a[1]", "b[0]", "b[1]"]);
    let [a0, a1, b0, b1] = ["a[0]", "a[1]", "b[0]", "b[1]"].map(|name| task(&document, name));
    assert_eq!((places(a0), places(b0)), (places(a1), places(b1)));
    assert_eq!((&a0["release_ns"], &a1["release_ns"]), (&json!(0), &json!(2_000_000)));
    assert!(start(a1) >= 2_000_000.max(end(a0)) && start(b0) >= end(a0) && start(b1) >= end(a1).max(end(b0)));
    assert_eq!(a1["due"], json!({"at_ns": 11_000_000, "weight": 2}));
    assert_eq!((&a1["frame_of"], &a0["frame_of"], &b0["due"]), (&json!("a[0]"), &Value::Null, &Value::Null));
    assert_eq!(b1["after"], json!(["b[0]", "a[1]"]));
}

#[test]
fn rates_are_those_of_the_timeline_in_text_and_json() {
    let folder = TempDir::new().unwrap();
    let document = scheduled(folder.path(), PIPELINE, &["--objective", "rate"]);
    assert_eq!((&document["objective"], &document["value"]), (&json!("makespan"), &document["makespan_ns"]));
    let makespan = document["makespan_ns"].as_f64().unwrap();
    let [a, b] = &document["rates"].as_array().unwrap()[..] else { panic!("{document}") };
    assert_eq!((&a["task"], &b["task"], &a["frames"]), (&json!("a[0]"), &json!("b[0]"), &json!(2)));
    let is_close = |rate: &Value, expected: f64| (rate.as_f64().unwrap() / expected - 1.0).abs() < 1e-9;
    assert!(is_close(&a["per_second"], 2e9 / makespan), "{a}");
    let apart = end(task(&document, "b[1]")) - end(task(&document, "b[0]"));
    assert!(is_close(&b["steady_per_second"], 1e9 / apart as f64), "{b}");
    let command = ["schedule", "--workload", "w.yaml", "--node-limit", "3000"];
    let text = accepts_in(folder.path(), &command);
    assert!(text.contains(&format!("  b: 2 frames at {:.1} frames/s over the makespan", 2e9 / makespan)), "{text}");
    assert!(text.contains("(steady state, derived)") && text.contains("  a [1]: latency "), "{text}");
    assert!(text.contains(", deadline m"), "{text}");
}

#[test]
fn instances_have_numbers_and_double_buffering_frees_a_frame_of_the_one_before() {
    let text = PIPELINE.replace("frames: 2", "frames: 3, instances: 2, in_flight: 2").replace("groups: 3", "groups: 1");
    let document = schedule(&text.replace("groups: 2", "groups: 1"), &[]);
    assert_eq!(document["tasks"].as_array().unwrap().len(), 12);
    assert_eq!(task(&document, "a#2[1]")["after"], json!([]));
    assert_eq!(task(&document, "a#2[2]")["after"], json!(["a#2[0]"]));
    assert_eq!(task(&document, "b#2[2]")["after"], json!(["b#2[0]", "a#2[2]"]));
    assert_eq!(task(&document, "b#2[2]")["title"], "b #2 [2]");
}

#[test]
fn a_task_stays_on_what_it_is_given_and_off_what_it_is_barred_from() {
    let text =
        "schema_version: 1\ntasks:\n  - {network: googlenet, on: [dla]}\n  - {network: alexnet, not_on: [dla]}\n";
    let folder = TempDir::new().unwrap();
    let document = scheduled(folder.path(), text, &[]);
    let googlenet = places(task(&document, "googlenet"));
    // Its softmax runs on no DLA: what none of `on` can run stays free.
    assert!(googlenet[..googlenet.len() - 1].iter().all(|place| *place == "dla"), "{googlenet:?}");
    assert!(places(task(&document, "alexnet")).iter().all(|place| *place == "gpu"));
    assert_eq!(task(&document, "googlenet")["on"], json!(["dla"]));
    assert!(accepts_in(folder.path(), &["check", "s.json"]).contains("right"));
    refuse(&text.replace("not_on: [dla]", "not_on: [gpu]"), &[], 3, &["alexnet", "no accelerator"]);
    refuse(&text.replace("not_on: [dla]", "not_on: [npu]"), &[], 2, &["`not_on` of `alexnet`", "`npu`", "gpu, dla"]);
}

#[test]
fn flags_win_over_the_file_and_what_the_file_sets_is_said() {
    let text = format!("platform: orin_agx\nobjective: tardiness\nmax_transitions: 1\nlatency_cap_ms: 50\n{PIPELINE}");
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    let document = scheduled(here, &text, &[]);
    assert_eq!((&document["platform"]["name"], &document["objective"]), (&json!("orin_agx"), &json!("tardiness")));
    assert_eq!((&document["max_transitions"], &document["latency_cap_ns"]), (&json!(1), &json!(50_000_000)));
    let flags =
        ["--platform", "xavier_agx", "--objective", "makespan", "--max-transitions", "0", "--latency-cap", "60"];
    let document = scheduled(here, &text, &flags);
    assert_eq!((&document["platform"]["name"], &document["objective"]), (&json!("xavier_agx"), &json!("makespan")));
    assert_eq!((&document["max_transitions"], &document["latency_cap_ns"]), (&json!(0), &json!(60_000_000)));
    let said = |flags: &[&str]| {
        haxconn_in(here, &[&["schedule", "--workload", "w.yaml", "--node-limit", "9"], flags].concat()).stderr
    };
    let all = "w.yaml sets platform orin_agx, objective tardiness, max_transitions 1, latency cap 50.000 ms";
    assert!(said(&[]).contains(all), "{}", said(&[]));
    assert!(said(&flags[..6]).contains("w.yaml sets latency cap 50.000 ms"), "{}", said(&flags[..6]));
    assert!(!said(&flags).contains("sets"), "{}", said(&flags));
}

#[test]
fn paths_in_a_workload_are_relative_to_its_folder() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    write(here, "loads/nets/tiny.prototxt", ACCEPTED_NETWORK);
    write(here, "loads/board.yaml", XAVIER.replace("name: xavier_agx", "name: board"));
    let text = "schema_version: 1\nplatform: ./board.yaml\ntasks:\n  - {network: nets/tiny.prototxt, instances: 2}\n";
    write(here, "loads/w.yaml", text);
    let document = json_in(here, &["schedule", "--workload", "loads/w.yaml", "--out", "s.json"]);
    assert_eq!(document["tasks"][1]["name"], "tiny#2");
    assert_eq!(document["platform"]["name"], "board");
    assert!(accepts_in(here, &["check", "s.json"]).contains("right"));
}

#[test]
fn a_workload_that_makes_no_sense_is_refused_in_words() {
    let change = |from: &str, to: &str, code: i32, words: &[&str]| {
        assert!(PIPELINE.contains(from), "{from}");
        refuse(&PIPELINE.replacen(from, to, 1), &[], code, words);
    };
    change("after: [a]", "after: [c]", 1, &["w.yaml: tasks[1].after[0]: there is no task `c`; there are a, b"]);
    change("after: [a]", "after: [b]", 1, &["circle", "b[0]"]);
    change("name: b", "name: a", 1, &["tasks[1].name: `a` is what tasks[0] is called too"]);
    change("frames: 2, after", "frames: 3, after", 1, &["each frame after the same one", "3 frame(s)", "`a` has 2"]);
    change("frames: 2, after", "frames: 2, instances: 2, after", 1, &["2 instance(s)", "`a` has 1"]);
    let many = ["34 frames in all", "a: 1 instance of 32 frames", "at most 32", "hint:"];
    change("frames: 2, period", "frames: 32, period", 1, &many);
    change("network: alexnet", "network: alexnot", 1, &["w.yaml: tasks[1].network", "alexnot", "alexnet"]);
    change("network: alexnet", "network: ./nope.prototxt", 1, &["nope.prototxt", "no such file"]);
    change("groups: 2", "groups: some", 1, &["w.yaml: tasks[1].groups", "some"]);
    change("groups: 2", "profile: nope.json", 1, &["nope.json: no such file"]);
    change("weight: 2", "weigth: 2", 1, &["w.yaml: tasks[0].weigth: unknown field"]);
    change("period_ms: 2", "period_ms: 1e9", 1, &["the release of `a[1]` is longer than 1 hour"]);
}

#[test]
fn flags_that_do_not_go_with_a_workload_are_refused() {
    let dnns = ["schedule", "--workload", "w.yaml", "--dnns", "googlenet,resnet"];
    refuses(&dnns, 2, &["--workload", "cannot be used with", "--dnns"]);
    let file = ["run-multi", "--workload", "w.yaml", "--schedule", "s.json"];
    refuses(&file, 2, &["--schedule", "cannot be used with", "--workload"]);
    refuses(&["schedule"], 2, &["--dnns"]);
    refuses(&["schedule", "--workload", "w.yaml"], 1, &["w.yaml: no such file"]);
    let pair = ["schedule", "--dnns", "googlenet,alexnet"];
    let with = |flags: &[&'static str]| [&pair[..], flags].concat();
    refuses(&with(&["--objective", "rate"]), 2, &["`rate` needs a task with several frames", "frames: 2"]);
    refuses(&with(&["--objective", "tardiness"]), 2, &["`tardiness` needs a task with a deadline", "deadline_ms"]);
    refuses(&with(&["--objective", "energy"]), 2, &["`energy` needs the power", "xavier_agx", "power_w"]);
    for cap in ["0", "-1", "NaN", "soon"] {
        refuses(&[&pair[..], &["--latency-cap", cap]].concat(), 2, &["--latency-cap"]);
    }
    refuses(&with(&["--latency-cap", "0.5"]), 3, &["no schedule", "latency cap of 0.500 ms"]);
}

#[test]
fn a_latency_cap_holds_for_every_task() {
    let document = schedule(PIPELINE, &["--latency-cap", "9"]);
    for task in document["tasks"].as_array().unwrap() {
        assert!(end(task) - task["release_ns"].as_u64().unwrap() <= 9_000_000, "{task}");
    }
}

#[test]
fn a_workload_runs_as_its_schedule_does() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    scheduled(here, PIPELINE, &[]);
    let flags = ["--backend", "sim", "--iterations", "3", "--no-noise"];
    let ran = json_in(here, &[&["run-multi", "--schedule", "s.json"], &flags[..]].concat());
    let searched = ["run-multi", "--workload", "w.yaml", "--node-limit", "3000"];
    let searched = json_in(here, &[&searched[..], &flags].concat());
    assert_eq!(ran["policies"], searched["policies"]);
}

/// A change to a right schedule that the judge must find.
type Forgery = (&'static str, fn(&mut Value), &'static [&'static str]);

const FORGERIES: [Forgery; 8] = [
    ("a frame of nobody", |d| d["tasks"][1]["frame_of"] = json!("c"), &["tasks[1].frame_of: `c` is none of"]),
    ("a frame of another network", |d| d["tasks"][2]["frame_of"] = json!("a[0]"), &["`b[0]` is no frame"]),
    ("a release that comes too late", |d| d["tasks"][0]["release_ns"] = json!(4_000_000), &["a"]),
    ("an edge that nobody keeps", |d| d["tasks"][0]["after"] = json!(["b[1]"]), &["a[0]"]),
    ("a cap that nobody keeps", |d| d["latency_cap_ns"] = json!(1), &["latency"]),
    ("a place that isn't there", |d| d["tasks"][0]["on"] = json!(["npu"]), &["tasks[0].on[0]: `npu` is none of"]),
    ("a rate that is none", |d| d["rates"][0]["per_second"] = json!(1.0), &["rates[0]: the ends of the frames"]),
    ("a deadline beyond all counting", |d| d["tasks"][0]["due"]["at_ns"] = json!(u64::MAX), &["tasks[0].due.at_ns"]),
];

#[test]
fn what_a_schedule_says_of_its_workload_is_judged() {
    let folder = TempDir::new().unwrap();
    let document = scheduled(folder.path(), PIPELINE, &[]);
    for (what, change, words) in FORGERIES {
        let mut forged = document.clone();
        change(&mut forged);
        write(folder.path(), "forged.json", forged.to_string());
        let ran = haxconn_in(folder.path(), &["check", "forged.json"]);
        assert_ne!(ran.code, 0, "{what}: {}", ran.stdout);
        for word in words {
            assert!(ran.stderr.contains(word), "{what}: `{word}` is missing in {}", ran.stderr);
        }
    }
}

#[test]
fn a_schedule_without_the_keys_of_workloads_is_still_read() {
    let folder = TempDir::new().unwrap();
    let pair = ["schedule", "--dnns", "googlenet,alexnet", "--groups", "2"];
    let mut document = json_in(folder.path(), &pair);
    for key in ["latency_cap_ns", "rates"] {
        document.as_object_mut().unwrap().remove(key).unwrap();
    }
    for task in document["tasks"].as_array_mut().unwrap() {
        for key in ["due", "frame_of", "on", "not_on"] {
            task.as_object_mut().unwrap().remove(key).unwrap();
        }
    }
    write(folder.path(), "old.json", document.to_string());
    assert!(accepts_in(folder.path(), &["check", "old.json"]).contains("right"));
}

/// The Xavier's board under another name, with `n_dlas` cores that are like its one, and powers.
fn board(n_dlas: usize) -> String {
    let (gpu, dla) = XAVIER.split_once("  - name: dla\n").unwrap();
    let power = |watts: u32| format!("    power_w: {{value: {watts}, provenance: assumed, source: \"a test\"}}\n");
    let gpu = gpu
        .replace("name: xavier_agx", "name: board")
        .replace(
            "accelerators:\n",
            "idle_power_w: {value: 2, provenance: assumed, source: \"a test\"}\naccelerators:\n",
        )
        .replace("    kind: gpu\n", &format!("    kind: gpu\n{}", power(10)));
    let dla = dla.replace("    kind: dla\n", &format!("    kind: dla\n{}", power(1)));
    let cores: Vec<String> = (0..n_dlas).map(|core| format!("  - name: dla{core}\n{dla}")).collect();
    gpu + &cores.concat()
}

#[test]
fn the_orins_two_cores_run_an_instance_each() {
    let folder = TempDir::new().unwrap();
    let text = "schema_version: 1
platform: orin_agx_2dla
tasks:
  - {network: googlenet, instances: 2, groups: 2, not_on: [], on: [dla0, dla1]}
  - {network: alexnet, groups: 2, on: [gpu]}
";
    let document = scheduled(folder.path(), text, &[]);
    assert_eq!(document["accelerators"], json!(["gpu", "dla0", "dla1"]));
    let used: Vec<&str> = ["googlenet", "googlenet#2"].map(|name| places(task(&document, name))[0]).into();
    assert!(used.contains(&"dla0") && used.contains(&"dla1"), "{used:?}");
    assert!(accepts_in(folder.path(), &["check", "s.json"]).contains("right"));
    let command = ["run-multi", "--schedule", "s.json", "--backend", "sim", "--iterations", "3"];
    assert_eq!(json_in(folder.path(), &command)["accelerators"], document["accelerators"]);
}

#[test]
fn two_and_three_cores_of_one_kind_are_scheduled_judged_and_run() {
    for n_dlas in [2, 3] {
        let folder = TempDir::new().unwrap();
        write(folder.path(), "board.yaml", board(n_dlas));
        let text = format!(
            "schema_version: 1\nplatform: board.yaml\ntasks:\n  - {{network: googlenet, instances: {n_dlas}, \
                            groups: 2, not_on: [], on: [dla0, dla1]}}\n  - {{network: alexnet, groups: 2}}\n"
        );
        let document = scheduled(folder.path(), &text, &[]);
        assert_eq!(document["accelerators"].as_array().unwrap().len(), n_dlas + 1);
        assert!(accepts_in(folder.path(), &["check", "s.json"]).contains("right"));
        let command = ["run-multi", "--schedule", "s.json", "--backend", "sim", "--iterations", "3"];
        assert_eq!(json_in(folder.path(), &command)["accelerators"], document["accelerators"]);
    }
}

const ENERGY: &str = "schema_version: 1
platform: board.yaml
objective: energy
tasks:
  - {network: googlenet, groups: 2}
  - {network: alexnet, groups: 2}
";

#[test]
fn energy_is_that_of_the_occupied_accelerators_and_of_the_idle_chip() {
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    write(here, "board.yaml", board(1));
    let document = scheduled(here, ENERGY, &[]);
    let groups = document["tasks"].as_array().unwrap().iter().flat_map(|task| task["groups"].as_array().unwrap());
    let energy = |group: &Value| {
        let milliwatts = if group["accelerator"] == "gpu" { 10_000 } else { 1000 };
        milliwatts * (group["out"][1].as_u64().unwrap() - group["launch"][0].as_u64().unwrap())
    };
    let occupied: u64 = groups.map(energy).sum();
    let value = document["value"].as_u64().unwrap();
    assert_eq!(value, occupied + 2000 * document["makespan_ns"].as_u64().unwrap());
    for baseline in document["baselines"].as_array().unwrap().iter().filter(|baseline| baseline["within_limit"] == true)
    {
        assert!(baseline["value"].as_u64().unwrap() >= value, "{baseline}");
    }
    assert!(accepts_in(here, &["check", "s.json"]).contains("right"));
    let text = accepts_in(here, &["schedule", "--workload", "w.yaml", "--node-limit", "3000"]);
    assert!(text.contains(" at 10 W\n") && text.contains("  idle power: ") && text.contains(" mJ at 2 W"), "{text}");
    let makespan = document["makespan_ns"].as_u64().unwrap();
    let cap = format!("{}", (makespan - makespan / 10) as f64 / 1e6);
    let capped = scheduled(here, ENERGY, &["--latency-cap", &cap]);
    assert!(
        capped["makespan_ns"].as_u64().unwrap() < makespan && capped["value"].as_u64().unwrap() > value,
        "{capped}"
    );
}

#[test]
fn a_loadable_that_does_not_fit_its_memory_is_refused_with_both_numbers() {
    let folder = TempDir::new().unwrap();
    let limit = XAVIER.find("loadable_weights_mib: {value: 512").unwrap();
    let (before, after) = XAVIER.split_at(limit);
    let limited = |line: &str| format!("{before}{line}{}", after.split_once("{value: 512").unwrap().1);
    write(
        folder.path(),
        "weights.yaml",
        limited("loadable_weights_mib: {value: 10").replace("name: xavier_agx", "name: board"),
    );
    write(
        folder.path(),
        "tensors.yaml",
        limited("loadable_tensors_mib: {value: 1").replace("name: xavier_agx", "name: board"),
    );
    let pair = ["schedule", "--dnns", "alexnet,googlenet", "--groups", "2", "--pin", "alexnet=dla", "--platform"];
    // 61 million parameters of two bytes.
    let words = ["`alexnet` are one loadable on `dla`", "116.3 MiB of weights", "it gets 10.0 MiB", "hint:"];
    refuses_in(folder.path(), &[&pair[..], &["weights.yaml"]].concat(), 3, &words);
    let pair = ["schedule", "--dnns", "alexnet,googlenet", "--groups", "2", "--pin", "googlenet=dla", "--platform"];
    let words = ["`googlenet` are one loadable on `dla`", "MiB of tensors between its layers", "it gets 1.0 MiB"];
    refuses_in(folder.path(), &[&pair[..], &["tensors.yaml"]].concat(), 3, &words);
}

#[test]
fn a_cap_that_no_schedule_was_found_for_is_said_to_be_open_or_impossible() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "w.yaml", PIPELINE);
    let command = ["schedule", "--workload", "w.yaml", "--max-transitions", "0", "--latency-cap"];
    refuses_in(folder.path(), &[&command[..], &["0.1"]].concat(), 3, &["error: no schedule", "proved", "0.100 ms"]);
    let optimum = scheduled(folder.path(), PIPELINE, &["--max-transitions", "0", "--objective", "tardiness"]);
    let latency = |task: &Value| end(task) - task["release_ns"].as_u64().unwrap();
    let longest = optimum["tasks"].as_array().unwrap().iter().map(latency).max().unwrap();
    let cap = format!("{}", longest as f64 / 1e6);
    let within = [&command[..], &[&cap, "--node-limit", "3000"]].concat();
    assert_eq!(haxconn_in(folder.path(), &within).code, 0);
}
