//! `haxconn check`: judges a schedule file from the numbers that it was made of.

use anyhow::anyhow;

use super::args::{CheckArguments, Format};
use super::failure::Failure;
use super::{output, replay};
use crate::artifact;
use crate::schedule::ProofState;

pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    let replay = replay::read(&arguments.schedule)?;
    let path = arguments.schedule.display();
    let faults = replay.faults();
    if arguments.output.format == Format::Json {
        output::print(&artifact::check_to_json(&path.to_string(), &replay.file, &faults)?)?;
    }
    if !faults.is_empty() {
        let n = faults.len();
        return Err(anyhow!("{path}: {n} fault(s)\n  {}", faults.join("\n  ")).into());
    }
    if arguments.output.format == Format::Text {
        let proof = match replay.file.proof.state {
            ProofState::Optimal => "the file claims a proved optimum, which a judge of one schedule can't confirm",
            ProofState::Feasible => "the file claims no optimum",
        };
        output::print(&format!("{path}: right, makespan {}; {proof}\n", replay.timeline.makespan()))?;
    }
    Ok(())
}
