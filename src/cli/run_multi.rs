//! `haxconn run-multi`: runs a schedule on a backend and shows predicted beside what came out.

use anyhow::anyhow;

use super::args::{BackendArgument, Format, RunMultiArguments};
use super::failure::Failure;
use super::{output, replay};
use crate::artifact;
use crate::network::Network;
use crate::report;
use crate::run::{self, RunOptions};

pub(super) fn run(arguments: &RunMultiArguments) -> Result<(), Failure> {
    let quiet = arguments.output.quiet;
    match arguments.backend {
        BackendArgument::Auto => output::note(quiet, "backend: sim (no other runs schedules in this version)"),
        BackendArgument::Sim => {}
        BackendArgument::Tensorrt => return Err(not_here("tensorrt")),
        BackendArgument::Onnxruntime => return Err(not_here("onnxruntime")),
    }
    let replay = replay::read(&arguments.schedule)?;
    if let Some(fault) = replay.faults().first() {
        return Err(Failure::from(anyhow!("{}: {fault}", arguments.schedule.display()))
            .hint("`haxconn check` lists every fault; `haxconn schedule --out` makes the schedule anew"));
    }
    let networks: Vec<&Network> = replay.posed.networks.iter().map(|found| &found.value).collect();
    let options = RunOptions {
        iterations: arguments.iterations.into(),
        warm_up: arguments.warm_up.into(),
        seed: (!arguments.no_noise).then_some(arguments.seed),
    };
    let log =
        run::run_multi(&replay.posed.problem, &replay.decision, &networks, &replay.posed.platform.value, options)?;
    let json = artifact::write_run_log(&log)?;
    artifact::write_text(&arguments.out, &json)?;
    match arguments.output.format {
        Format::Json => output::print(&json)?,
        Format::Text => output::print(&report::predicted_and_simulated(&replay.timeline, &log))?,
    }
    output::note(quiet, &format!("wrote {} ({} rounds, simulated)", arguments.out.display(), log.rounds.len()));
    Ok(())
}

fn not_here(backend: &str) -> Failure {
    Failure::no_backend(format!("backend `{backend}` can't run schedules in this version"))
        .hint("run with `--backend sim`")
}
