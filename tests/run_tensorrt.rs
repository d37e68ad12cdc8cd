//! `run-multi --backend tensorrt` up to the CUDA driver: engines are built where TensorRT is at hand (elsewhere those tests say
//! that they skip), and what is missing after that is one sentence. What the driver is used for: `tests/cuda.rs`.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]
#![expect(clippy::print_stderr, reason = "a skipped test says so")]

mod program;

use std::fs;
use std::path::Path;

use haxconn::backend::cuda;
use program::{ACCEPTED_NETWORK, Ran, XAVIER, haxconn_in, names_in, program, refuses_in, write};
use tempfile::TempDir;

/// Whether TensorRT can be opened and no GPU is there; said in words where it isn't so.
fn builds_only(folder: &Path) -> bool {
    let report = haxconn_in(folder, &["doctor"]).stdout;
    if !report.contains("backends: tensorrt builds") {
        eprintln!("skipped: no TensorRT on this machine (`haxconn doctor` says more)");
        return false;
    }
    if cuda::probe().is_ok() {
        eprintln!("skipped: this machine has a CUDA driver, and would run the engines");
        return false;
    }
    true
}

/// A folder with a platform of one GPU, `desk.yaml`, and a network.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let (board, accelerators) = XAVIER.split_once("accelerators:\n").unwrap();
    let gpu = accelerators.split("  - name: dla").next().unwrap();
    let desk = format!("{board}accelerators:\n{gpu}").replace("name: xavier_agx", "name: desk");
    write(folder.path(), "desk.yaml", desk);
    write(folder.path(), "net.prototxt", ACCEPTED_NETWORK);
    folder
}

fn run(folder: &Path, arguments: &str) -> Ran {
    let all = format!("run-multi --backend tensorrt --iterations 2 {arguments}");
    haxconn_in(folder, &all.split(' ').collect::<Vec<_>>())
}

/// Engines that were up to date, and that were built.
fn engines(ran: &Ran) -> [usize; 2] {
    let counts = ran.stderr.lines().find_map(|line| line.strip_prefix("engines in build: ")).unwrap_or(&ran.stderr);
    let (there, built) = counts.strip_suffix(" built").and_then(|counts| counts.split_once(" up to date, ")).unwrap();
    [there, built].map(|count| count.parse().unwrap())
}

const PLAN: &str = "build/tensorrt/desk/fp16/net_transition_plans/net_gpu_transition_at_-1.plan";

#[test]
fn missing_engines_are_built_and_without_a_driver_the_earlier_log_stays() {
    let folder = folder();
    if !builds_only(folder.path()) {
        return;
    }
    write(folder.path(), "output/run_multi.json", "the log of an earlier run");
    let arguments = "--platform desk.yaml --dnns net.prototxt,net.prototxt --policy all --verify";
    let ran = run(folder.path(), arguments);
    assert_eq!((ran.code, ran.stdout.as_str()), (4, ""), "{}", ran.stderr);
    let [0, n_engines] = engines(&ran) else { panic!("{}", ran.stderr) };
    let errors: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("error")).collect();
    assert_eq!(errors, ["error: engines can't be run: no CUDA driver (libcuda)"]);
    assert_eq!(fs::read_to_string(folder.path().join("output/run_multi.json")).unwrap(), "the log of an earlier run");
    assert_eq!(names_in(&folder.path().join("output")), ["run_multi.json"]);
    // The engines are there, and one is built anew only where it doesn't fit.
    let plan = folder.path().join(PLAN);
    let description = plan.with_extension("plan.json");
    assert_eq!(engines(&run(folder.path(), arguments)), [n_engines, 0]);
    fs::write(&plan, "cut off").unwrap();
    assert_eq!(engines(&run(folder.path(), arguments)), [n_engines - 1, 1]);
    fs::remove_file(&plan).unwrap();
    assert_eq!(engines(&run(folder.path(), arguments)), [n_engines - 1, 1]);
    let other = fs::read_to_string(&description).unwrap().replace("\"TensorRT", "\"an earlier TensorRT");
    fs::write(&description, other).unwrap();
    assert_eq!(engines(&run(folder.path(), arguments)), [n_engines - 1, 1]);
}

#[test]
fn interleaved_networks_are_cut_into_engines_of_their_segments() {
    let folder = folder();
    if !builds_only(folder.path()) {
        return;
    }
    let made = "schedule --platform desk.yaml --dnns net.prototxt,net.prototxt --out schedule.json --policy gpu-only";
    assert_eq!(haxconn_in(folder.path(), &made.split(' ').collect::<Vec<_>>()).code, 0);
    let whole = run(folder.path(), "--schedule schedule.json");
    assert_eq!(engines(&whole), [0, 1], "{}", whole.stderr);
    let pinned = "--platform desk.yaml --dnns net.prototxt,net.prototxt --groups legal --policy all";
    let ran = run(folder.path(), pinned);
    let [1, n_built] = engines(&ran) else { panic!("{}", ran.stderr) };
    let segments = folder.path().join("build/tensorrt/desk/fp16/net_segment_plans");
    let n_segments = if segments.exists() { names_in(&segments).len() / 2 } else { 0 };
    assert_eq!(n_segments, n_built, "{}", ran.stderr);
}

#[test]
fn a_schedule_from_a_file_is_run_by_its_own_engines() {
    let folder = folder();
    if !builds_only(folder.path()) {
        return;
    }
    let made = "schedule --platform desk.yaml --dnns net.prototxt,net.prototxt --out schedule.json";
    assert_eq!(haxconn_in(folder.path(), &made.split(' ').collect::<Vec<_>>()).code, 0);
    for mode in ["segments", "transition"] {
        let ran = run(folder.path(), &format!("--schedule schedule.json --engine-mode {mode}"));
        assert_eq!(ran.code, 4, "{}", ran.stderr);
        assert!(ran.stderr.contains("engines can't be run: no CUDA driver"), "{}", ran.stderr);
        assert!(folder.path().join(PLAN).is_file(), "{mode}");
    }
}

#[test]
fn what_this_machine_has_not_is_refused_before_anything_is_built() {
    let folder = folder();
    if !builds_only(folder.path()) {
        return;
    }
    let refuses = |arguments: &str, code: i32, words: &str| {
        let ran = run(folder.path(), arguments);
        assert_eq!(ran.code, code, "{arguments}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{arguments}: {}", ran.stderr);
        assert!(!folder.path().join("build").exists(), "{arguments}");
    };
    let board = XAVIER.replace("name: xavier_agx", "name: board");
    write(folder.path(), "board.yaml", &board);
    refuses("--platform xavier_agx --dnns net.prototxt,net.prototxt", 2, "TensorRT builds for the machine it runs on");
    refuses("--platform board.yaml --dnns alexnet,alexnet --policy gpu-dla --groups 2", 4, "this machine has no DLA");
    write(folder.path(), "cpu.yaml", board.replace("kind: dla", "kind: cpu"));
    let words = "accelerator `dla` of platform `board` is a cpu: TensorRT runs on a GPU and its DLAs";
    refuses("--platform cpu.yaml --dnns alexnet,alexnet --groups 2", 4, words);
    write(folder.path(), "other/net.prototxt", ACCEPTED_NETWORK.replace("num_output: 16", "num_output: 8"));
    refuses("--platform desk.yaml --dnns net.prototxt,other/net.prototxt", 2, "are both called `net`");
}

#[test]
fn without_tensorrt_it_is_refused_before_a_schedule_is_looked_for() {
    let folder = folder();
    let mut command = program(folder.path(), &["run-multi", "--backend", "tensorrt", "--dnns", "vgg19,resnet152"]);
    let output = command.env("HAXCONN_TENSORRT_LIB", "/nonexistent/libnvinfer.so").output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: backend `tensorrt` is not available: "), "{stderr}");
    let simulated = ["run-multi", "--backend", "sim", "--dnns", "net.prototxt,net.prototxt", "--verify"];
    refuses_in(folder.path(), &simulated, 2, &["`--verify`: the simulator computes nothing", "--backend tensorrt"]);
}
