//! What the README shows and names must work: its transcript, and every command that it gives.

#![expect(clippy::unwrap_used, reason = "a test ends where the README can't be read")]

use std::path::Path;
use std::process::Command;

/// What the program prints on stdout for a command line as the README writes it.
fn stdout_of(line: &str, folder: &Path) -> String {
    let arguments = line.strip_prefix("haxconn ").unwrap().split(' ');
    let output = Command::new(env!("CARGO_BIN_EXE_haxconn")).args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "`{line}`: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn readme() -> String {
    std::fs::read_to_string("README.md").unwrap()
}

/// The lines of a transcript that every machine prints alike: not the search's counts and time, and not which of several
/// equally good schedules was found.
fn stable(transcript: &str) -> Vec<&str> {
    let of_the_schedule_found = ["A  ", "B  ", "GPU |", "DLA |", "  GoogleNet: latency", "  ResNet101: latency"];
    let of_the_search = ["combinations of plans", "Z3 checks", " starts on ", " runs on "];
    transcript
        .lines()
        .filter(|line| !of_the_schedule_found.iter().any(|start| line.starts_with(start)))
        .filter(|line| !of_the_search.iter().any(|part| line.contains(part)))
        .map(str::trim_end)
        .collect()
}

#[test]
fn the_transcript_is_what_the_program_prints() {
    let readme = readme();
    let transcript = readme.split("```\n$ ").nth(1).unwrap().split("\n```").next().unwrap();
    let (command, shown) = transcript.split_once('\n').unwrap();
    let printed = stdout_of(command, tempfile::tempdir().unwrap().path());
    assert_eq!(stable(&printed), stable(shown));
    assert!(printed.contains("optimal: proved"), "{printed}");
}

#[test]
fn every_command_that_the_readme_gives_runs() {
    let folder = tempfile::tempdir().unwrap();
    stdout_of("haxconn schedule --dnns googlenet,resnet --out", folder.path());
    let readme = readme().replace('\n', " ");
    let commands: Vec<&str> = readme.split('`').filter(|code| code.starts_with("haxconn ")).collect();
    assert!(commands.len() >= 6, "{commands:?}");
    for command in commands {
        stdout_of(command, folder.path());
    }
}

#[test]
fn the_gain_that_the_readme_tells_of_is_what_the_program_prints() {
    let text = readme().replace('\n', " ");
    let (_, rest) = text.split_once("Others do: `").unwrap();
    let (command, rest) = rest.split_once("` ends ").unwrap();
    let (gain, _) = rest.split_once(" before the best baseline").unwrap();
    let printed = stdout_of(command, tempfile::tempdir().unwrap().path());
    assert!(printed.contains(&format!("Gain over the best baseline: {gain} (")), "{printed}");
}

#[test]
fn the_readme_names_every_subcommand() {
    let readme = readme();
    for subcommand in haxconn::cli::command().get_subcommands() {
        let name = subcommand.get_name();
        assert!(readme.contains(&format!("**`haxconn {name}")), "`{name}` has no paragraph");
    }
}
