//! The command line: arguments, printing, progress, exit codes. Everything that reads the environment is here.

mod args;
mod board;
mod build_engines;
mod check;
mod doctor;
mod export;
mod failure;
mod host;
mod inputs;
mod inspect;
mod interrupt;
mod loadables;
mod memory;
mod onnxruntime;
mod output;
mod plan;
mod platform;
mod posing;
mod profile;
mod progress;
mod read;
mod replay;
mod report;
mod reproduce;
mod robust;
mod run_multi;
mod schedule;
mod tensorrt;
mod workload;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Arguments, Command};
use failure::Failure;

/// Runs the program with the process's arguments.
///
/// Exit codes: 0 done, 1 failed, 2 bad usage, 3 no schedule within the limits, 4 backend not available.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return output::clap_message(&error),
    };
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::report_failure(&failure),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    match arguments.command {
        Command::BuildEngines(arguments) => build_engines::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Profile(arguments) => profile::run(&arguments),
        Command::Schedule(arguments) => schedule::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::RunMulti(arguments) => run_multi::run(&arguments),
        Command::Report(arguments) => report::run(&arguments),
        Command::Read(arguments) => read::run(&arguments),
        Command::Platform(arguments) => platform::run(&arguments),
        Command::Reproduce(arguments) => reproduce::run(&arguments),
    }
}

/// The command line's own description, for tests and shell completion.
pub fn command() -> clap::Command {
    Arguments::command()
}
