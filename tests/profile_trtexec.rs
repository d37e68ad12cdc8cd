//! `haxconn profile` with `--trtexec`: a script stands in for NVIDIA's program and prints what it would, from times of the
//! simulator.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use program::{Ran, names_in, write};
use serde_json::Value;
use tempfile::TempDir;

/// The engines of this command have a plan each.
const SIMULATED: &str = "profile layers --dnns alexnet --backend sim --iterations 20 --repeats 1 --no-noise --out sim";
const MEASURED: &str = "profile layers --dnns alexnet --platform xavier_agx --repeats 1 --trtexec ./trtexec";
const LOGS: &str = "output/logs/tensorrt/xavier_agx/fp16/run1";

/// Takes the options apart and prints the banner of 8.5; says every call to the file `calls`.
const BEGIN: &str = r#"echo "$*" >> calls
echo "&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec $*"
for option; do
    case $option in
        --help) echo '  --loadEngine=<file>  Load a serialized engine'; exit 0 ;;
        --loadEngine=*) stem=$(basename -- "$option" .plan) ;;
        --exportProfile=*) profile=${option#*=} ;;
    esac
done
sim=sim/logs/sim/xavier_agx/fp16/run1/$stem
"#;
/// Gives the simulator's times of the plan in the forms of 8.5.
const RUN: &str = r#"echo '[11/24/2025-10:20:30] [I] Starting inference'
sed -e '1,2d' -e '/=== Profile/,$d' "$sim.log"
[ -n "$profile" ] && sed 's/, "program" : "[a-z.]*"//' "$sim.profile" > "$profile"
echo "&&&& PASSED TensorRT.trtexec [TensorRT v8502] # trtexec $*"
"#;

/// A program that lies ready to be started in `folder`.
fn install(folder: &Path, name: &str, body: &str) {
    let text = write(folder, &format!("{name}.text"), format!("#!/bin/sh\n{body}\n"));
    // Not written here: a program that is open for writing, in a child of another test too, can't be started.
    let status = Command::new("install").args(["-m", "755"]).arg(text).arg(folder.join(name)).status();
    assert!(status.unwrap().success());
}

/// The program in `folder`, where TensorRT can't be opened.
fn command(folder: &Path, line: &str) -> Command {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let mut command = program::program(folder, &arguments);
    command.env("HAXCONN_TENSORRT_LIB", "/nonexistent/libnvinfer.so");
    command
}

fn run(folder: &Path, line: &str) -> Ran {
    let output = command(folder, line).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[track_caller]
fn accepts(folder: &Path, line: &str) -> Ran {
    let ran = run(folder, line);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    ran
}

#[track_caller]
fn refuses(folder: &Path, line: &str, code: i32, words: &[&str]) {
    let ran = run(folder, line);
    assert_eq!((ran.code, &*ran.stdout), (code, ""), "{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "`{word}` is missing in: {}", ran.stderr);
    }
}

/// A folder with plans as TensorRT would have built them, the simulator's times of them, and a `trtexec` of this body.
fn board(body: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    accepts(folder.path(), SIMULATED);
    copy_plans(&folder.path().join("build/sim"), &folder.path().join("build/tensorrt"));
    install(folder.path(), "trtexec", &format!("{BEGIN}{body}"));
    folder
}

fn copy_plans(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names_in(from) {
        let (from, to) = (from.join(&name), to.join(&name));
        match name.rsplit_once('.') {
            None => copy_plans(&from, &to),
            Some((_, "json")) => {
                let description = fs::read_to_string(from).unwrap();
                fs::write(to, description.replace("\"backend\": \"sim\"", "\"backend\": \"tensorrt\"")).unwrap();
            }
            Some(_) => drop(fs::copy(from, to).unwrap()),
        }
    }
}

fn calls(folder: &Path) -> Vec<String> {
    fs::read_to_string(folder.join("calls")).unwrap().lines().map(str::to_owned).collect()
}

fn results(folder: &Path, out: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(out).join("layer_results.json")).unwrap()).unwrap()
}

/// Times of a network's groups on an accelerator, null where there is none.
fn times(results: &Value, accelerator: &str) -> Vec<Option<f64>> {
    let groups = results["networks"][0]["groups"].as_array().unwrap();
    groups.iter().map(|group| group[accelerator]["t_ms"].as_f64()).collect()
}

/// What follows the last dot of a file's name.
fn extension(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, extension)| extension)
}

fn gpu_plan(folder: &Path) -> PathBuf {
    folder.join("build/tensorrt/xavier_agx/fp16/alexnet_transition_plans/alexnet_gpu_transition_at_-1.plan")
}

#[test]
fn times_are_those_that_trtexec_prints() {
    let folder = board(RUN);
    let ran = accepts(folder.path(), MEASURED);
    assert!(ran.stderr.contains("engines are run by ./trtexec (TensorRT 8.5)"), "{}", ran.stderr);
    let (measured, simulated) = (results(folder.path(), "output"), results(folder.path(), "sim"));
    for accelerator in ["gpu", "dla"] {
        assert!(times(&measured, accelerator).iter().any(Option::is_some));
        assert_eq!(times(&measured, accelerator), times(&simulated, accelerator), "{accelerator}");
    }
    let logs = folder.path().join(LOGS);
    let log = fs::read_to_string(logs.join("alexnet_gpu_transition_at_-1.log")).unwrap();
    let mut lines = log.lines();
    assert!(lines.next().unwrap().starts_with("haxconn: run --plan-sha256="), "{log}");
    assert!(lines.next().unwrap().starts_with("&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec"), "{log}");
    assert!(names_in(&logs).iter().all(|name| ["log", "profile"].contains(&extension(name))));
    // Once for its help, and each engine without and with the profiler.
    let calls = calls(folder.path());
    assert_eq!((calls.len(), &*calls[0]), (1 + names_in(&logs).len(), "--help"));
    assert!(calls[1].ends_with("--iterations=10000 --warmUp=5000 --duration=0 --avgRuns=1 --noDataTransfers"));
    assert!(calls[2].starts_with(&calls[1]) && calls[2].contains(" --dumpProfile --exportProfile="), "{}", calls[2]);
    let dla = calls.iter().find(|call| call.contains("alexnet_dla_transition_at_-1.plan")).unwrap();
    assert!(dla.contains(" --useDLACore=0 --allowGPUFallback"), "{dla}");
    let read = accepts(folder.path(), &format!("read {LOGS}/alexnet_gpu_transition_at_-1.log"));
    assert!(read.stdout.contains("log of trtexec, TensorRT 8.5.2"), "{}", read.stdout);
}

#[test]
fn what_was_run_is_not_run_again() {
    let folder = board(RUN);
    accepts(folder.path(), MEASURED);
    let lost = folder.path().join(LOGS).join("alexnet_gpu_transition_at_-1.log");
    fs::remove_file(lost).unwrap();
    let before = calls(folder.path()).len();
    accepts(folder.path(), MEASURED);
    assert_eq!(calls(folder.path()).len(), before + 3);
    // Another plan is another measurement, of this engine only.
    let plan = gpu_plan(folder.path());
    let description = folder.path().join(format!("{}.json", plan.display()));
    let text = fs::read_to_string(&plan).unwrap();
    let sha256 = haxconn::artifact::sha256(text.as_bytes());
    let changed = text.replacen("haxconn", "HAXCONN", 1);
    fs::write(&plan, &changed).unwrap();
    let of_changed = haxconn::artifact::sha256(changed.as_bytes());
    fs::write(&description, fs::read_to_string(&description).unwrap().replace(&sha256, &of_changed)).unwrap();
    accepts(folder.path(), MEASURED);
    assert_eq!(calls(folder.path()).len(), before + 6);
}

#[test]
fn a_command_that_was_killed_goes_on_with_the_engine_that_it_was_at() {
    // The second engine's run with the profiler, which is the fifth call, doesn't end.
    let folder = board(&format!("[ \"$(wc -l < calls)\" -ne 5 ] || exec sleep 30\n{RUN}"));
    let mut child = command(folder.path(), &format!("{MEASURED} --quiet")).spawn().unwrap();
    let begin = Instant::now();
    while fs::read_to_string(folder.path().join("calls")).map_or(0, |calls| calls.lines().count()) < 5 {
        assert!(begin.elapsed() < Duration::from_secs(60));
        thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let logs = folder.path().join(LOGS);
    let there = names_in(&logs);
    assert_eq!(there.iter().filter(|name| extension(name) == "log").count(), 1, "{there:?}");
    accepts(folder.path(), MEASURED);
    assert_eq!(calls(folder.path()).len(), 5 + 1 + names_in(&logs).len() - 2);
    assert_eq!(times(&results(folder.path(), "output"), "gpu"), times(&results(folder.path(), "sim"), "gpu"));
}

#[test]
fn a_failure_is_quoted_and_leaves_nothing() {
    let body = "echo '[11/24/2025-10:20:30] [E] Error Code 1: no memory' >&2\n\
                echo '[11/24/2025-10:20:30] [E] Engine could not be created' >&2\n\
                echo '&&&& FAILED TensorRT.trtexec [TensorRT v8502]'; exit 1";
    let folder = board(body);
    let words = [
        "error: `./trtexec`: build/tensorrt/xavier_agx/fp16/alexnet_transition_plans/alexnet_gpu_transition_at_-1.plan: failed",
        "(exit status: 1): Error Code 1: no memory; Engine could not be created",
    ];
    refuses(folder.path(), MEASURED, 1, &words);
    assert!(!folder.path().join(LOGS).exists());
}

#[test]
fn output_without_a_result_is_refused() {
    let folder = board("echo '[I] Nothing to do'");
    refuses(folder.path(), MEASURED, 1, &["alexnet_gpu_transition_at_-1.plan: its output can't be read: 2: expected"]);
    let folder = board(&RUN.replace("sed 's/", "echo none | sed 's/").replace(" \"$sim.profile\"", ""));
    refuses(folder.path(), MEASURED, 1, &["alexnet_gpu_transition_at_-1.plan: its profile can't be read: 1: expected"]);
}

#[test]
fn a_program_that_hangs_or_floods_is_ended() {
    let begin = Instant::now();
    let folder = board("exec sleep 100");
    refuses(folder.path(), &format!("{MEASURED} --timeout 300ms"), 1, &["did not end within 0.3 s", "hint: give it"]);
    let folder = board("exec yes '[I] Average on 1 runs - GPU latency: 1 ms'");
    refuses(folder.path(), MEASURED, 1, &["printed more than 64 MiB", "larger `--avg-runs`"]);
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_plan_that_is_missing_or_of_something_else_is_named_with_the_command_that_builds_it() {
    let folder = board(RUN);
    let hint = "hint: build it where TensorRT is: `haxconn build-engines --backend tensorrt --platform xavier_agx \
                --dnns alexnet --start gpu --transitions -1 --out build`";
    let plan = gpu_plan(folder.path());
    fs::write(&plan, "cut off").unwrap();
    refuses(folder.path(), MEASURED, 1, &["alexnet_gpu_transition_at_-1.plan: holds 7 bytes", hint]);
    fs::remove_file(&plan).unwrap();
    refuses(folder.path(), MEASURED, 1, &["alexnet_gpu_transition_at_-1.plan: no such file", hint]);
    let sim = "build/sim/xavier_agx/fp16/alexnet_transition_plans/alexnet_gpu_transition_at_-1.plan";
    for end in ["", ".json"] {
        fs::copy(folder.path().join(format!("{sim}{end}")), format!("{}{end}", plan.display())).unwrap();
    }
    refuses(folder.path(), MEASURED, 1, &["alexnet_gpu_transition_at_-1.plan: was built of another backend", hint]);
}

#[test]
fn flags_that_do_not_fit_and_programs_that_are_none_are_refused() {
    let folder = TempDir::new().unwrap();
    install(folder.path(), "other", "echo hello");
    let check = |flags: &str, code: i32, word: &str| {
        refuses(folder.path(), &format!("profile layers --dnns alexnet {flags}"), code, &[word]);
    };
    check("--trtexec ./nowhere", 4, "`./nowhere` can't be started");
    check("--trtexec ./other", 4, "`./other` is no trtexec");
    check("--trtexec ./other --backend sim", 2, "runs TensorRT's engines only");
    check("--trtexec ./other --from x", 2, "cannot be used with");
    check("--timeout 3", 2, "--trtexec <PATH>");
    check("--trtexec ./other --timeout 0", 2, "no time at all");
}

/// A `tegrastats` whose lines say 77 % while an engine runs and 3 % else.
const TEGRASTATS: &str = r"while :; do
    [ -e running ] && used=77 || used=3
    echo RAM 2011/31920MB \(lfb 5000x4MB\) CPU [3%@1190,off] EMC_FREQ $used%@2133 GR3D_FREQ 97%@1377
    sleep 0.01
done";
/// Loads for a while, runs for as long as it is asked to, and takes its time to end.
const WATCHED: &str = r"sleep 0.3; touch running; sleep 0.1
echo '[11/24/2025-10:20:30] [I] Starting inference'; sleep 1
echo '[11/24/2025-10:20:30] [I] Warmup completed 0 queries over 0 ms'; rm running; sleep 0.3
";
const EMC: &str =
    "profile emc --tegrastats ./tegrastats --trtexec ./trtexec --platform xavier_agx --warm-up 0.2s --seconds 0.8s";

#[test]
fn samples_are_those_between_the_first_run_and_the_last() {
    let folder = board(WATCHED);
    install(folder.path(), "tegrastats", TEGRASTATS);
    let plan = gpu_plan(folder.path());
    let plan = plan.strip_prefix(folder.path()).unwrap().display();
    accepts(folder.path(), &format!("{EMC} --engine {plan}"));
    let call = calls(folder.path()).pop().unwrap();
    assert!(call.starts_with(&format!("--loadEngine={plan} --iterations=1 --warmUp=0 --duration=1 ")), "{call}");
    let text = fs::read_to_string(folder.path().join("output/emc_results.json")).unwrap();
    let engine = &serde_json::from_str::<Value>(&text).unwrap()["engines"][0];
    assert_eq!((engine["max_percent"].as_f64(), engine["provenance"].as_str()), (Some(77.0), Some("measured")));
    assert_eq!(engine["p95_percent"].as_f64(), Some(77.0));
    assert!(engine["mean_percent"].as_f64().unwrap() > 75.0, "{engine}");
    let sim = plan.to_string().replace("tensorrt", "sim");
    refuses(folder.path(), &format!("{EMC} --engine {sim}"), 2, &["is a plan of the simulator"]);
    refuses(folder.path(), &format!("{EMC} --engine none.plan"), 1, &["none.plan: no such file"]);
}

#[test]
fn convolutions_without_a_plan_are_named_with_the_command_that_builds_it() {
    let folder = board(WATCHED);
    install(folder.path(), "tegrastats", TEGRASTATS);
    let words =
        ["_gpu_transition_at_-1.plan", "no such file", "haxconn build-engines", "--prototxt conv1_kernel1.prototxt"];
    refuses(folder.path(), &format!("{EMC} --on gpu"), 1, &words);
}
