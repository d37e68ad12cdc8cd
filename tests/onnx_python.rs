//! ONNX files against Python's packages: what is exported is judged by ONNX's checker and run by ONNX Runtime, and what
//! other exporters write is imported, cut and run in parts. `HAXCONN_PYTHON` names the Python that has the packages.
#![expect(clippy::print_stdout, reason = "a skipped test says so")]
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::path::Path;
use std::process::Command;

use haxconn::network::{CONVOLUTIONS, catalog};
use program::{accepts_in, haxconn_in, json_in, write};
use tempfile::TempDir;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/models.py");
const SEMANTICS: &str = include_str!("fixtures/semantics.prototxt");

/// A Python with `packages`; where there is none, the test says that it is skipped.
fn python(packages: &str) -> Option<String> {
    let python = std::env::var("HAXCONN_PYTHON").unwrap_or_else(|_| "python3".into());
    let found = Command::new(&python).args(["-c", &format!("import {packages}")]).output();
    if found.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    println!("skipped: `{python}` has no {packages}; install them, or name another in HAXCONN_PYTHON");
    None
}

/// Runs the script in `folder`; returns what it printed.
#[track_caller]
fn run(python: &str, folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new(python).arg(SCRIPT).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn shipped_networks_are_valid_models_that_run_and_stay_finite() {
    let Some(python) = python("onnx, onnxruntime") else { return };
    let folder = TempDir::new().unwrap();
    for entry in &catalog::ENTRIES {
        accepts_in(folder.path(), &["export", "--dnns", entry.name, "--out", "model.onnx"]);
        let printed = run(&python, folder.path(), &["check", "model.onnx"]);
        let outputs = if entry.name == "vgg19" { "1 100" } else { "1 1000" };
        assert!(printed.starts_with(&format!("model prob {outputs}")), "{}: {printed}", entry.name);
    }
}

#[test]
fn characterised_convolutions_are_valid_models_that_run() {
    let Some(python) = python("onnx, onnxruntime") else { return };
    let folder = TempDir::new().unwrap();
    let names: Vec<String> = CONVOLUTIONS.iter().map(|entry| format!("{}.onnx", entry.name)).collect();
    for (entry, name) in CONVOLUTIONS.iter().zip(&names) {
        write(folder.path(), "network.prototxt", entry.text);
        accepts_in(folder.path(), &["export", "--dnns", "network.prototxt", "--out", name]);
    }
    let arguments: Vec<&str> = ["check"].into_iter().chain(names.iter().map(String::as_str)).collect();
    assert_eq!(run(&python, folder.path(), &arguments).lines().count(), 25);
}

#[test]
fn an_exported_network_computes_what_caffe_does() {
    let Some(python) = python("onnx, onnxruntime") else { return };
    let folder = TempDir::new().unwrap();
    write(folder.path(), "semantics.prototxt", SEMANTICS);
    accepts_in(folder.path(), &["export", "--dnns", "semantics.prototxt", "--out", "model.onnx"]);
    assert_eq!(run(&python, folder.path(), &["caffe", "model.onnx"]).lines().count(), 22);
}

/// Cuts `dnn` before each of `cuts`, runs the parts one after the other, and compares with the whole model.
#[track_caller]
fn check_parts(python: &str, folder: &Path, dnn: &str, cuts: &[usize]) {
    let inspected = json_in(folder, &["inspect", "--dnns", dnn]);
    let n_layers = usize::try_from(inspected["networks"][0]["network"]["n_layers"].as_u64().unwrap()).unwrap();
    accepts_in(folder, &["export", "--dnns", dnn, "--out", "whole.onnx"]);
    let starts = [&[0], cuts].concat();
    let ends = [cuts, &[n_layers]].concat();
    let mut parts = Vec::new();
    for (start, end) in starts.iter().zip(&ends) {
        let part = format!("part{start}.onnx");
        let layers = format!("{start}-{}", end - 1);
        accepts_in(folder, &["export", "--dnns", dnn, "--layers", &layers, "--out", &part]);
        parts.push(part);
    }
    let arguments: Vec<&str> = ["chain", "whole.onnx"].into_iter().chain(parts.iter().map(String::as_str)).collect();
    let printed = run(python, folder, &arguments);
    assert!(printed.lines().count() > 0 && printed.lines().all(|line| line.ends_with("agrees")), "{dnn}: {printed}");
}

#[test]
fn parts_one_after_the_other_compute_what_the_whole_network_does() {
    let Some(python) = python("onnx, onnxruntime") else { return };
    let folder = TempDir::new().unwrap();
    check_parts(&python, folder.path(), "googlenet", &[10, 38, 100]);
    check_parts(&python, folder.path(), "densenet", &[7, 100, 101]);
    check_parts(&python, folder.path(), "inc-res-v2", &[101, 500]);
    // The same once more through a file, as anybody's model.
    accepts_in(folder.path(), &["export", "--dnns", "mobilenet", "--out", "mine.onnx"]);
    check_parts(&python, folder.path(), "mine.onnx", &[1, 50]);
}

#[test]
fn models_of_the_package_onnx_are_imported_and_run_in_parts() {
    let Some(python) = python("onnx, onnxruntime") else { return };
    let folder = TempDir::new().unwrap();
    run(&python, folder.path(), &["helper", "."]);
    let ran = haxconn_in(folder.path(), &["inspect", "--dnns", "encoder.onnx,mobile.onnx"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("note: encoder.onnx: the open batch of input `x` is taken as 1"), "{}", ran.stderr);
    let external = "note: mobile.onnx: weights lie in `mobile.weights`, which only running it reads";
    assert!(ran.stderr.contains(external), "{}", ran.stderr);
    // 10 tokens of 64: the projections, then both products of the attention in 4 heads of 16.
    let inspected = json_in(folder.path(), &["inspect", "--dnns", "encoder.onnx"]);
    let macs = 10 * 64 * (192 + 64 + 128 + 128) + 2 * 4 * 10 * 10 * 16;
    assert_eq!(inspected["networks"][0]["network"]["macs"], macs);
    check_parts(&python, folder.path(), "encoder.onnx", &[5, 15]);
    check_parts(&python, folder.path(), "mobile.onnx", &[2, 8, 14]);
    write(folder.path(), "mobile.weights", "short");
    let refused = haxconn_in(folder.path(), &["export", "--dnns", "mobile.onnx", "--out", "whole.onnx"]);
    assert!(refused.code == 1 && refused.stderr.contains("mobile.weights: has 5 bytes, too few"), "{}", refused.stderr);
}

#[test]
fn models_of_the_package_onnxscript_are_imported_and_run_in_parts() {
    let Some(python) = python("onnx, onnxruntime, onnxscript") else { return };
    let folder = TempDir::new().unwrap();
    run(&python, folder.path(), &["script", "."]);
    check_parts(&python, folder.path(), "script.onnx", &[2, 5]);
}

#[test]
fn models_of_the_package_skl2onnx_are_imported_and_run_in_parts() {
    let Some(python) = python("onnx, onnxruntime, skl2onnx") else { return };
    let folder = TempDir::new().unwrap();
    run(&python, folder.path(), &["sklearn", "."]);
    check_parts(&python, folder.path(), "perceptron.onnx", &[3]);
}

/// The package `onnx` brings networks that two other frameworks exported, with weights that the model makes itself.
#[test]
fn published_networks_of_other_exporters_have_their_published_sizes() {
    let Some(python) = python("onnx, onnxruntime") else { return };
    let place =
        "import onnx, os; print(os.path.join(os.path.dirname(onnx.__file__), 'backend/test/data/light'), end='')";
    let output = Command::new(&python).args(["-c", place]).output().unwrap();
    let light = String::from_utf8(output.stdout).unwrap();
    if !Path::new(&light).join("light_resnet50.onnx").exists() {
        println!("skipped: this version of the package `onnx` brings no networks");
        return;
    }
    let folder = TempDir::new().unwrap();
    for (name, n_layers, macs, parameters) in [
        ("resnet50", 175, 4_089, 25_557),
        ("densenet121", 668, 2_834, 7_979),
        ("squeezenet", 65, 349, 1_235),
        ("bvlc_alexnet", 21, 655, 60_965),
    ] {
        let path = format!("{light}/light_{name}.onnx");
        let inspected = json_in(folder.path(), &["inspect", "--dnns", &path]);
        let network = &inspected["networks"][0]["network"];
        let rounded = |key: &str, unit: u64| (network[key].as_u64().unwrap() + unit / 2) / unit;
        let learnt = rounded("parameters", 1000);
        assert_eq!((network["n_layers"].as_u64(), rounded("macs", 1_000_000)), (Some(n_layers), macs), "{name}");
        // `inspect` counts two numbers a channel of each normalization too.
        assert!(learnt >= parameters && learnt < parameters * 102 / 100, "{name}: {learnt}");
    }
    check_parts(&python, folder.path(), &format!("{light}/light_shufflenet.onnx"), &[10, 55, 100]);
}
