//! Runs the built program in a folder and looks at all that it leaves: exit code, both outputs, files.
#![allow(dead_code, unreachable_pub, reason = "every test target compiles this file and uses its own part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

/// A small network that is accepted; what is wrong in a test is one change away from it.
pub const ACCEPTED_NETWORK: &str = r#"name: "accepted"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 3 dim: 32 dim: 32 } } }
layer { name: "c1" type: "Convolution" bottom: "data" top: "c1" convolution_param { num_output: 16 kernel_size: 3 } }
layer { name: "r1" type: "ReLU" bottom: "c1" top: "c1" }
layer { name: "c2" type: "Convolution" bottom: "c1" top: "c2" convolution_param { num_output: 16 kernel_size: 3 } }
layer { name: "p" type: "Softmax" bottom: "c2" top: "p" }
"#;

/// The Xavier's platform file as it ships.
pub const XAVIER: &str = include_str!("../../platforms/xavier_agx.yaml");

/// Flags of the simulator's shortest measurement of engines, without noise.
pub const SHORT: [&str; 7] = ["--backend", "sim", "--iterations", "20", "--repeats", "1", "--no-noise"];

/// What came of one run.
#[derive(Debug)]
pub struct Ran {
    /// The exit code.
    pub code: i32,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

/// The program, to be run in `folder` without colours.
pub fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_haxconn"));
    command.args(arguments).current_dir(folder).env("NO_COLOR", "1");
    command
}

/// Runs the program in `folder`.
pub fn haxconn_in(folder: &Path, arguments: &[&str]) -> Ran {
    let Output { status, stdout, stderr } = program(folder, arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    // A signal, such as that of an abort, has no code.
    Ran { code: status.code().unwrap(), stdout: text(stdout), stderr: text(stderr) }
}

/// Runs the program in an empty folder.
pub fn haxconn(arguments: &[&str]) -> Ran {
    haxconn_in(TempDir::new().unwrap().path(), arguments)
}

/// Runs the program in `folder`, where it must succeed; returns what it printed on stdout.
#[track_caller]
pub fn accepts_in(folder: &Path, arguments: &[&str]) -> String {
    let ran = haxconn_in(folder, arguments);
    assert_eq!(ran.code, 0, "{arguments:?}\n{}", ran.stderr);
    ran.stdout
}

/// What it prints as JSON, where it must succeed.
#[track_caller]
pub fn json_in(folder: &Path, arguments: &[&str]) -> Value {
    let printed = accepts_in(folder, &[arguments, &["--quiet", "--format", "json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{arguments:?}: {error}"))
}

/// The same in an empty folder.
#[track_caller]
pub fn accepts(arguments: &[&str]) -> String {
    accepts_in(TempDir::new().unwrap().path(), arguments)
}

/// A command must end with `code`, say each of `words` on stderr and print nothing on stdout.
#[track_caller]
pub fn refuses_in(folder: &Path, arguments: &[&str], code: i32, words: &[&str]) {
    let ran = haxconn_in(folder, arguments);
    assert_eq!(ran.code, code, "{arguments:?}\n{}", ran.stderr);
    assert_eq!(ran.stdout, "", "{arguments:?}");
    assert!(ran.stderr.starts_with("error: "), "{arguments:?}\n{}", ran.stderr);
    for word in words {
        assert!(ran.stderr.contains(word), "{arguments:?}: `{word}` is missing in: {}", ran.stderr);
    }
}

/// The same in an empty folder.
#[track_caller]
pub fn refuses(arguments: &[&str], code: i32, words: &[&str]) {
    refuses_in(TempDir::new().unwrap().path(), arguments, code, words);
}

/// Writes `bytes` to `folder`/`name`, with the folders above it.
pub fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, bytes).unwrap();
    path
}

/// What is in `folder`, in alphabetical order.
pub fn names_in(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
