//! `doctor` on machines of several kinds: this one, and ones that are made up of an environment and a few scripts.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod program;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use program::{names_in, program, write};
use tempfile::TempDir;

/// What `doctor` prints in `folder`, which also is the whole `PATH`, with further variables; it must succeed.
fn doctor(folder: &Path, variables: &[(&str, &str)]) -> String {
    let mut command = program(folder, &["doctor"]);
    command.env("PATH", folder).env_remove("HAXCONN_TENSORRT_LIB").env_remove("ORT_DYLIB_PATH");
    let output = command.envs(variables.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A program of that name in `folder`.
fn script(folder: &Path, name: &str, text: &str) {
    let path = write(folder, name, format!("#!/bin/sh\n{text}\n"));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

/// The line of a subject.
#[track_caller]
fn line<'a>(report: &'a str, subject: &str) -> &'a str {
    let found = report.lines().find(|line| line.get(9..).is_some_and(|rest| rest.starts_with(subject)));
    found.unwrap_or_else(|| panic!("no line on {subject}: {report}"))
}

#[test]
fn every_subject_has_its_line_and_missing_things_are_no_failure() {
    let folder = TempDir::new().unwrap();
    let report = doctor(folder.path(), &[]);
    for subject in [
        "Board",
        "TensorRT headers",
        "TensorRT library",
        "CUDA driver",
        "GPU",
        "DLA cores",
        "trtexec",
        "tegrastats",
        "Power mode",
        "Clocks",
        "Z3",
        "ONNX Runtime",
    ] {
        line(&report, subject);
    }
    assert!(line(&report, "Z3").starts_with("ok       Z3"), "{report}");
    assert!(report.lines().last().unwrap().starts_with("backends: "), "{report}");
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
fn what_a_jetson_brings_along_is_found_in_the_path() {
    let folder = TempDir::new().unwrap();
    script(folder.path(), "nvpmodel", "echo 'NVPM WARN: fan mode is not set!'; echo 'NV Power Mode: MAXN'; echo 0");
    script(folder.path(), "tegrastats", "exit 0");
    script(folder.path(), "trtexec", "exit 0");
    script(folder.path(), "jetson_clocks", "exit 1");
    let report = doctor(folder.path(), &[]);
    assert!(line(&report, "Power mode").ends_with("MAXN"), "{report}");
    assert!(line(&report, "trtexec").starts_with("ok"), "{report}");
    assert!(!line(&report, "tegrastats").starts_with('-'), "{report}");
    assert!(line(&report, "Clocks").starts_with("ok"), "{report}");
}

#[test]
fn a_program_that_does_not_end_is_ended() {
    let folder = TempDir::new().unwrap();
    script(folder.path(), "nvpmodel", "while :; do :; done");
    let begin = Instant::now();
    let report = doctor(folder.path(), &[]);
    assert!(line(&report, "Power mode").contains("nvpmodel did not end within 5 s"), "{report}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_program_that_leaves_its_output_open_or_prints_without_end_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let begin = Instant::now();
    script(folder.path(), "nvpmodel", "/bin/sleep 60 &");
    let report = doctor(folder.path(), &[]);
    assert!(line(&report, "Power mode").contains("left its output open"), "{report}");
    script(folder.path(), "nvpmodel", "exec /usr/bin/yes 'NV Power Mode: MAXN'");
    let report = doctor(folder.path(), &[]);
    assert!(line(&report, "Power mode").ends_with("MAXN"), "{report}");
    assert!(begin.elapsed() < Duration::from_secs(30));
}

#[test]
fn an_onnx_runtime_is_found_in_the_loaders_folders_and_one_that_is_named_but_not_there_is_said() {
    let folder = TempDir::new().unwrap();
    let report = doctor(folder.path(), &[("ORT_DYLIB_PATH", "/nonexistent/libonnxruntime.so")]);
    write(folder.path(), "lib/libonnxruntime.so.1.20.0", "");
    let library = folder.path().join("lib");
    let found = doctor(folder.path(), &[("LD_LIBRARY_PATH", library.to_str().unwrap())]);
    assert!(line(&found, "ONNX Runtime").ends_with("lib/libonnxruntime.so.1.20.0"), "{found}");
    let said = "ORT_DYLIB_PATH is /nonexistent/libonnxruntime.so: no such file";
    assert!(line(&report, "ONNX Runtime").contains(said), "{report}");
}

#[test]
fn a_library_that_is_none_or_another_is_refused_with_its_name() {
    let folder = TempDir::new().unwrap();
    let text = write(folder.path(), "notes.txt", "no library");
    for (path, reason) in [
        ("/nonexistent/libnvinfer.so.8", "can't be opened as a library (no such file)"),
        (text.to_str().unwrap(), "can't be opened as a library ("),
        ("libm.so.6", "is not TensorRT (it has no `getInferLibVersion`)"),
    ] {
        let report = doctor(folder.path(), &[("HAXCONN_TENSORRT_LIB", path)]);
        let library = line(&report, "TensorRT library");
        // Without the headers no library is of use, and none is opened.
        let without_headers = line(&report, "TensorRT headers").starts_with("missing");
        let expected =
            if without_headers { "not looked for without the headers".to_owned() } else { format!("{path}: {reason}") };
        assert!(library.contains(&expected), "{library}");
        assert!(report.contains("backends: sim builds engines; sim runs schedules"), "{report}");
    }
}
