//! The ONNX Runtime backend: this machine as a platform, profiles of it, and schedules that run for real on its cores. Each
//! test says so and passes where there is no library, or one core only.
#![cfg(target_os = "linux")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod models;
mod program;

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use haxconn::backend::onnxruntime::{OnnxRuntime, Tensors, available_cores};
use haxconn::network::{caffe, catalog, onnx};
use haxconn::platform::Provider;
use models::{Builder, value_info};
use program::write;
use serde_json::Value;
use tempfile::TempDir;

/// What `scripts/fetch-onnxruntime.sh` brings, or what the environment names.
fn library() -> Option<PathBuf> {
    let named = env::var_os("ORT_DYLIB_PATH").map(PathBuf::from).filter(|path| path.is_file());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(".deps/onnxruntime");
    let files = fs::read_dir(folder).ok().into_iter().flatten().filter_map(Result::ok).map(|entry| entry.path());
    let fetched = || files.into_iter().find(|path| path.to_string_lossy().contains("libonnxruntime.so"));
    named.or_else(fetched)
}

/// The library and two cores, or a word on what is missing.
fn machine() -> Option<(PathBuf, [usize; 2])> {
    let cores = available_cores();
    match (library(), &*cores) {
        (Some(library), [first, .., last]) => Some((library, [*first, *last])),
        _ if env::var_os("HAXCONN_ONNXRUNTIME").is_some_and(|word| word == "required") => {
            panic!("ONNX Runtime is required, but {:?} and cores {cores:?} are all there is", library())
        }
        _ => {
            eprintln!("skipped: ONNX Runtime (scripts/fetch-onnxruntime.sh) or a second core is missing");
            None
        }
    }
}

fn command(folder: &Path, library: &Path, arguments: &[&str]) -> Command {
    let mut command = program::program(folder, arguments);
    command.env("ORT_DYLIB_PATH", library);
    command
}

/// Norm of the difference over the norm of `expected`.
fn difference(ours: &[f32], expected: &[f32]) -> f64 {
    assert_eq!(ours.len(), expected.len());
    let norm = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|it| f64::from(it).powi(2)).sum::<f64>().sqrt();
    norm(&mut ours.iter().zip(expected).map(|(a, b)| a - b)) / norm(&mut expected.iter().copied())
}

#[test]
fn what_a_deep_network_puts_out_tells_a_wrong_tensor_in_its_middle() {
    let Some((library, cores)) = machine() else { return };
    let runtime = OnnxRuntime::open(&library).unwrap();
    let provider = Provider::on_cores(vec![cores[0]]);
    let entry = catalog::find("resnet50").unwrap();
    let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
    let model = onnx::export(&network, 1).unwrap();
    let cut = 40;
    let parts = [0..cut, cut..network.layers.len()].map(|layers| onnx::cut(&model, layers).unwrap());
    let handed: BTreeSet<String> =
        parts[0].graph.as_ref().unwrap().output.iter().map(|output| output.name.clone()).collect();
    let whole = onnx::with_outputs(&model, &handed).unwrap();
    let session = |proto: &onnx::proto::ModelProto| {
        runtime.session("resnet50", &onnx::encode(proto).unwrap(), &provider).unwrap()
    };
    let [mut first, mut second] = [session(&parts[0]), session(&parts[1])];
    let [alone, ours, other] = [1, 1, 2].map(|seed| {
        let tensors = Tensors::default();
        first.make_up_inputs(&tensors, seed).unwrap();
        tensors
    });
    session(&whole).run(&alone).unwrap();
    // Nothing was computed before: that is said, not run on something else.
    let said = second.run(&ours).unwrap_err().to_string();
    assert!(said.contains("isn't there: no segment before has made it"), "{said}");
    for tensors in [&ours, &other] {
        first.run(tensors).unwrap();
        second.run(tensors).unwrap();
    }
    let names: Vec<String> = alone.written().into_keys().collect();
    assert!(names.len() > 1 && handed.iter().all(|name| names.contains(name)));
    for name in &names {
        let numbers = |tensors: &Tensors| tensors.numbers(name).unwrap();
        let [right, stale] = [&ours, &other].map(|tensors| difference(&numbers(tensors), &numbers(&alone)));
        assert!(right < 1e-4 && stale > 1e-2, "{name}: {right}, and {stale} from what another input left there");
    }
    assert!(first.run(&ours).is_ok() && ours.written().values().collect::<BTreeSet<_>>().len() == 2);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn accepts(folder: &Path, library: &Path, arguments: &[&str]) -> Output {
    let output = command(folder, library, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}\n{}", text(&output.stderr));
    output
}

#[track_caller]
fn refuses(folder: &Path, library: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let output = command(folder, library, arguments).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}\n{said}");
    for word in words {
        assert!(said.contains(word), "{arguments:?}: `{word}` is missing in: {said}");
    }
}

/// A platform of two accelerators that these providers run.
fn platform(folder: &Path, providers: [&str; 2]) {
    let number = |value: &str| format!("{{value: {value}, provenance: assumed, source: a test}}");
    let accelerator = |(idx, provider): (usize, &str)| {
        let cost = ["in_fixed_ms", "in_per_mib_ms", "out_fixed_ms", "out_per_mib_ms"];
        let transition: String = cost.map(|key| format!("      {key}: {}\n", number("0.01"))).concat();
        format!(
            "  - name: cpu{idx}\n    kind: cpu\n    provider: {provider}\n    rules: everything\n    contention: none\n    \
             roofline:\n      compute_gmacs: {}\n      bandwidth_gbps: {}\n      overhead_ms: {}\n    transition:\n{transition}",
            number("40"),
            number("10"),
            number("0.005"),
        )
    };
    let accelerators: String = providers.into_iter().enumerate().map(accelerator).collect();
    let text = format!(
        "schema_version: 1\nname: twocores\ntitle: Two cores\nbytes_per_element: 4\npeak_bandwidth_gbps: {}\n\
         sharing_efficiency: {}\naccelerators:\n{accelerators}",
        number("20"),
        number("1")
    );
    write(folder, "two.yaml", text);
}

fn two_cores(folder: &Path, [first, second]: [usize; 2]) {
    let cores = [first, second].map(|core| format!("{{name: cpu, cores: [{core}]}}"));
    platform(folder, [&cores[0], &cores[1]]);
}

const PROFILE: [&str; 14] = [
    "profile",
    "all",
    "--backend",
    "onnxruntime",
    "--platform",
    "two.yaml",
    "--groups",
    "2",
    "--repeats",
    "1",
    "--iterations",
    "2",
    "--duration",
    "0",
];
const PROFILES: &str = "output/profiles/twocores/resnet18.json";

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn networks_are_profiled_scheduled_and_run_on_two_cores() {
    let Some((library, cores)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    two_cores(folder.path(), cores);
    accepts(folder.path(), &library, &[&PROFILE[..], &["--warm-up", "0", "--dnns", "resnet18"]].concat());
    let results = json(&folder.path().join("output/layer_results.json"));
    let network = &results["networks"][0];
    assert_eq!((results["simulated"].as_bool(), network["accelerators"].as_array().unwrap().len()), (Some(false), 2));
    for accelerator in network["accelerators"].as_array().unwrap() {
        let sum: f64 = accelerator["t_ms"].as_array().unwrap().iter().map(|time| time.as_f64().unwrap()).sum();
        let whole = accelerator["up_to"].as_array().unwrap().last().unwrap()["ms"].as_f64().unwrap();
        assert!(sum > 0.0 && sum <= whole * 1.5, "{accelerator}");
    }
    assert_eq!(network["handovers"].as_array().unwrap().len(), 2);
    // A run that is recorded isn't repeated.
    let log = folder.path().join("output/logs/onnxruntime/twocores/fp32/run1/resnet18_cpu0_layers_0-91.log");
    let before = fs::read_to_string(&log).unwrap();
    accepts(folder.path(), &library, &[&PROFILE[..], &["--warm-up", "0", "--dnns", "resnet18"]].concat());
    assert_eq!(fs::read_to_string(&log).unwrap(), before);
    let run = ["run-multi", "--platform", "two.yaml", "--dnns", "resnet18,resnet18", "--profile", PROFILES];
    let further = ["--policy", "all", "--verify", "--iterations", "3", "--warm-up", "0"];
    let ran = accepts(folder.path(), &library, &[&run[..], &further].concat());
    let said = text(&ran.stderr);
    assert!(said.contains("backend: onnxruntime (the platform names its providers)"), "{said}");
    assert!(said.contains("verified: HaX-CoNN: outputs as of each network alone"), "{said}");
    assert!(said.contains("; what segments hand over, too"), "{said}");
    let log = json(&folder.path().join("output/run_multi.json"));
    assert_eq!((log["backend"].as_str(), log["simulated"].as_bool()), (Some("onnxruntime"), Some(false)));
    let names: Vec<&str> =
        log["references"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["all-cores-serial", "unpinned-concurrent"]);
    for policy in log["policies"].as_array().unwrap() {
        assert_eq!(policy["rounds_ns"].as_array().unwrap().len(), 3);
        assert!(policy["makespan_ms"]["median"].as_f64().unwrap() > 0.1, "{policy}");
    }
    // The names of a board's baselines mean those of these accelerators, too.
    let further = ["--policy", "gpu-only", "--iterations", "2", "--warm-up", "0", "--out", "one.json"];
    accepts(folder.path(), &library, &[&run[..], &further].concat());
    assert_eq!(json(&folder.path().join("one.json"))["policies"][0]["policy"], "cpu0-only");
    let shown = text(&accepts(folder.path(), &library, &["report"]).stdout);
    for words in ["measured on twocores", "Barrier skew: median", "all-cores-serial", "HaX-CoNN: measured gain over"] {
        assert!(shown.contains(words), "`{words}` is missing in {shown}");
    }
}

#[test]
fn what_can_not_run_here_is_refused_before_anything_runs() {
    let Some((library, cores)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    let run = ["run-multi", "--backend", "onnxruntime", "--platform", "two.yaml", "--dnns", "resnet18,resnet18"];
    platform(folder.path(), ["{name: cpu, cores: [0]}", "{name: cpu, cores: [1000]}"]);
    let words =
        ["accelerator `cpu1` of platform `twocores`: this process has no core 1000", "hint: `haxconn platform detect`"];
    refuses(folder.path(), &library, &run, 4, &words);
    platform(folder.path(), ["{name: cpu, cores: [0]}", "{name: qnn}"]);
    refuses(folder.path(), &library, &run, 4, &["accelerator `cpu1`: ", "has no execution provider `qnn`"]);
    platform(folder.path(), ["{name: cpu, cores: [0]}", "{name: cpu, cores: [0]}"]);
    refuses(folder.path(), &library, &run, 1, &["two.yaml: accelerators: `cpu0` and `cpu1` both have core 0"]);
    two_cores(folder.path(), cores);
    let none = Path::new("/nonexistent/libonnxruntime.so");
    refuses(folder.path(), none, &run, 4, &["ORT_DYLIB_PATH is /nonexistent/libonnxruntime.so: no such file"]);
    write(folder.path(), "none.so", "no library");
    refuses(folder.path(), &folder.path().join("none.so"), &run, 4, &["none.so: can't be used as ONNX Runtime"]);
    let xavier = ["run-multi", "--backend", "onnxruntime", "--dnns", "resnet18,resnet18"];
    refuses(folder.path(), &library, &xavier, 4, &["accelerator `gpu` of platform `xavier_agx` has no `provider`"]);
    let whole = [&run[..], &["--engine-mode", "transition"]].concat();
    refuses(folder.path(), &library, &whole, 2, &["`--engine-mode transition`: ONNX Runtime has no model on two"]);
    let simulated = ["run-multi", "--backend", "sim", "--dnns", "resnet18,resnet18", "--verify"];
    refuses(folder.path(), &library, &simulated, 2, &["`--verify`: the simulator computes nothing"]);
    assert!(!folder.path().join("output/run_multi.json").exists());
}

#[test]
fn networks_run_while_the_solver_works_and_ctrl_c_ends_it_with_a_report() {
    let Some((library, cores)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    two_cores(folder.path(), cores);
    write(folder.path(), "s.yaml", "schema_version: 1\nevents:\n  - {at_ms: 1, join: alexnet}\n");
    let run = ["run-multi", "--dynamic", "--platform", "two.yaml", "--dnns", "resnet18,resnet18", "--script", "s.yaml"];
    let further = ["--iterations", "40", "--measure-solver", "--drift", "900%"];
    let shown = text(&accepts(folder.path(), &library, &[&run[..], &further].concat()).stdout);
    for words in ["measured on twocores: 40 round(s)", "alexnet joins (due at 1.0)", "  runs: ", ", loaded in "] {
        assert!(shown.contains(words), "`{words}` is missing in {shown}");
    }
    let has_core = available_cores().iter().any(|core| !cores.contains(core));
    assert_eq!(shown.contains("to itself."), has_core, "{shown}");
    let log = json(&folder.path().join("output/dynamic.json"));
    assert_eq!((log["simulated"].as_bool(), log["solver_core"].is_null()), (Some(false), !has_core));
    let last = log["phases"].as_array().unwrap().last().unwrap();
    let schedule = &log["schedules"][usize::try_from(last["schedule"].as_u64().unwrap()).unwrap()];
    assert_eq!(schedule["tasks"].as_array().unwrap().len(), 3);
    assert!(last["makespan_ms"]["median"].as_f64().unwrap() > 0.1 && last["loaded_in_ms"].as_f64().unwrap() > 0.0);
    write(
        folder.path(),
        "s.yaml",
        "schema_version: 1\nevents:\n  - {at_ms: 1, slow: {accelerator: cpu0, factor: 2}}\n",
    );
    refuses(folder.path(), &library, &run, 2, &["`slow` is the simulator's"]);

    let endless =
        ["run-multi", "--dynamic", "--platform", "two.yaml", "--dnns", "resnet18,resnet18", "--duration", "300s"];
    let mut child = command(folder.path(), &library, &endless).stdout(std::process::Stdio::piped()).spawn().unwrap();
    thread::sleep(Duration::from_secs(4));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(30), "the run goes on");
        thread::sleep(Duration::from_millis(20));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("(ended on request)"), "{}", text(&output.stdout));
    assert_eq!(json(&folder.path().join("output/dynamic.json"))["interrupted"], true);
}

#[test]
fn ctrl_c_ends_a_run_and_leaves_what_was_there() {
    let Some((library, cores)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    two_cores(folder.path(), cores);
    let log = write(folder.path(), "output/run_multi.json", "what was there");
    let arguments =
        ["run-multi", "--platform", "two.yaml", "--dnns", "resnet18,resnet18", "--iterations", "50000", "--quiet"];
    let mut child = command(folder.path(), &library, &arguments).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // Long enough for both networks to be loaded on any machine; a signal before that ends the program as well.
    thread::sleep(Duration::from_secs(4));
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
    let begin = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(begin.elapsed() < Duration::from_secs(20), "it goes on after Ctrl-C");
        thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert_eq!(fs::read_to_string(log).unwrap(), "what was there");
}

#[test]
fn use_of_the_memory_is_derived_from_bytes_over_times() {
    let Some((library, cores)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    two_cores(folder.path(), cores);
    let emc = ["profile", "emc", "--backend", "onnxruntime", "--platform", "two.yaml", "--seconds", "50ms"];
    let further = ["--warm-up", "0", "--dnns", "resnet18", "--on", "cpu1", "--format", "json"];
    let printed = accepts(folder.path(), &library, &[&emc[..], &further].concat());
    let results: Value = serde_json::from_slice(&printed.stdout).unwrap();
    let engine = &results["engines"][0];
    assert_eq!((engine["accelerator"].as_str(), engine["provenance"].as_str()), (Some("cpu1"), Some("derived")));
    // ResNet18 moves at least its weights of 45 MB, in no less than a hundredth and no more than ten seconds.
    let demand = engine["demand_gbps"].as_f64().unwrap();
    assert!((0.0045..20.0).contains(&demand), "{engine}");
    assert_eq!(results["engines"].as_array().unwrap().len(), 1);
    // A model's own file is run as it is, whatever a network knows of its operators; an accelerator that is named twice, once.
    let mut builder = Builder::new("x", &[1, 3, 8, 8]).node("Sin", &["x"], "y", vec![]);
    builder.graph.output.push(value_info("y", &[1, 3, 8, 8]));
    write(folder.path(), "sine.onnx", builder.bytes());
    let further = ["--warm-up", "0", "--dnns", "sine.onnx", "--on", "cpu0,cpu0", "--format", "json"];
    let printed = accepts(folder.path(), &library, &[&emc[..], &further].concat());
    let results: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(results["engines"].as_array().unwrap().len(), 1);
    let refused = [&emc[..], &["--on", "gpu"]].concat();
    refuses(folder.path(), &library, &refused, 2, &["`--on gpu`: `twocores` has these accelerators: cpu0, cpu1"]);
}

/// A model of two nodes, the second of which the library can't run: as it stands, or with the numbers that it gets.
fn faulty(operator: &str, indices: &[i64]) -> Vec<u8> {
    let builder = Builder::new("x", &[1, 3, 8, 8]).node("Relu", &["x"], "r", vec![]);
    let mut builder = builder.whole("i", indices).node(operator, &["r", "i"], "y", vec![]);
    builder.graph.output.push(value_info("y", &[1, 3, 8, 8]));
    builder.bytes()
}

#[test]
fn a_part_that_fails_stops_all_lanes_and_is_named() {
    let Some((library, cores)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    two_cores(folder.path(), cores);
    let log = write(folder.path(), "output/run_multi.json", "what was there");
    let run = ["run-multi", "--platform", "two.yaml", "--iterations", "2", "--warm-up", "0", "--dnns"];
    // Refused when its session is made.
    write(folder.path(), "unknown.onnx", faulty("NoSuchOperator", &[0]));
    let words = ["unknown", "NoSuchOperator", "nothing was written"];
    refuses(folder.path(), &library, &[&run[..], &["alexnet,unknown.onnx"]].concat(), 1, &words);
    // Fails when it runs: there are three channels, and one sample.
    write(folder.path(), "failing.onnx", faulty("Gather", &[7]));
    let words = ["failing", "layers ", "nothing was written"];
    refuses(folder.path(), &library, &[&run[..], &["alexnet,failing.onnx"]].concat(), 1, &words);
    assert_eq!(fs::read_to_string(log).unwrap(), "what was there");
}

#[test]
fn a_killed_run_leaves_what_was_there_and_a_killed_profile_goes_on() {
    let Some((library, cores)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    two_cores(folder.path(), cores);
    let log = write(folder.path(), "output/run_multi.json", "what was there");
    let run =
        ["run-multi", "--platform", "two.yaml", "--dnns", "resnet18,resnet18", "--iterations", "50000", "--quiet"];
    killed_when(&mut command(folder.path(), &library, &run), || false);
    assert_eq!(fs::read_to_string(log).unwrap(), "what was there");
    let first = folder.path().join("output/logs/onnxruntime/twocores/fp32/run1/resnet18_cpu0_layers_0-91.log");
    let profile = [&PROFILE[..], &["--warm-up", "0", "--dnns", "resnet18"]].concat();
    killed_when(&mut command(folder.path(), &library, &profile), || first.is_file());
    let before = fs::read_to_string(&first).unwrap();
    assert!(!folder.path().join(PROFILES).exists());
    accepts(folder.path(), &library, &profile);
    assert_eq!(fs::read_to_string(&first).unwrap(), before);
    assert!(folder.path().join(PROFILES).exists());
}

/// Starts `command` and kills it once `is_time` says so, or after some seconds.
fn killed_when(command: &mut Command, is_time: impl Fn() -> bool) {
    let mut child = command.stderr(std::process::Stdio::null()).stdout(std::process::Stdio::null()).spawn().unwrap();
    let begin = Instant::now();
    while !is_time() && begin.elapsed() < Duration::from_secs(4) {
        thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
}

#[test]
fn this_machine_is_measured_as_a_platform() {
    let Some((library, _)) = machine() else { return };
    let folder = TempDir::new().unwrap();
    accepts(folder.path(), &library, &["platform", "detect", "--point", "3ms", "--quiet"]);
    let shown = text(&accepts(folder.path(), &library, &["platform", "show", "host"]).stdout);
    for words in ["cores (host)", "peak_bandwidth", "cpu0.roofline.compute", "measured"] {
        assert!(shown.contains(words), "`{words}` is missing in {shown}");
    }
    // What is made on first use is made in the command that needs it.
    fs::remove_file(folder.path().join("output/platforms/host.yaml")).unwrap();
    let first = ["run-multi", "--platform", "host", "--dnns", "alexnet,alexnet", "--iterations", "1", "--warm-up", "0"];
    let said = text(&accepts(folder.path(), &library, &first).stderr);
    assert!(said.contains("host.yaml: isn't there yet; this machine is measured for it"), "{said}");
    refuses(
        folder.path(),
        &library,
        &["platform", "detect", "--split", "4000,1"],
        2,
        &["`--split 4000,1`: this process has"],
    );
}
