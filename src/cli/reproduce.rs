//! `haxconn reproduce`: schedules the paper's pairs of networks and prints ours beside the published figures.

use super::args::{Format, ReproduceArguments};
use super::failure::Failure;
use super::posing::{self, ProfileWish, TaskWish, Terms, Timing};
use super::schedule::Prediction;
use super::{inputs, output};
use crate::artifact;
use crate::problem::Contention;
use crate::report::{self, PUBLISHED, PublishedPair, Reproduced};
use crate::schedule::{ProofState, SolveOptions, best_baseline};

/// The board of the published figures.
const PLATFORM: &str = "xavier_agx";

/// Changes of accelerator per network in the published schedules.
const MAX_TRANSITIONS: usize = 1;

pub(super) fn run(arguments: &ReproduceArguments) -> Result<(), Failure> {
    let mut rows = Vec::new();
    for pair in PUBLISHED {
        output::note(arguments.output.quiet, &format!("scheduling {}", pair.networks.join(" and ")));
        rows.push(reproduce(pair, arguments)?);
    }
    match arguments.output.format {
        Format::Json => output::print(&artifact::reproduction_to_json(&rows)?),
        Format::Text => output::print(&report::reproduction(&rows)),
    }
}

fn reproduce(published: PublishedPair, arguments: &ReproduceArguments) -> Result<Reproduced, Failure> {
    let wish = |name: &&str| -> Result<TaskWish, Failure> {
        Ok(TaskWish {
            network: inputs::network(name)?,
            groups: None,
            profile: ProfileWish::Any,
            timing: Timing::default(),
        })
    };
    let wishes = published.networks.iter().map(wish).collect::<Result<_, _>>()?;
    let (max_transitions, contention) = (Some(MAX_TRANSITIONS), Contention::Platform);
    let terms = Terms { pins: Vec::new(), max_transitions, latency_cap: None, contention };
    let posed = posing::pose(wishes, inputs::platform(PLATFORM)?, terms)?;
    for remark in &posed.remarks {
        output::note(arguments.output.quiet, &format!("note: {remark}"));
    }
    let options = SolveOptions { time_limit: Some(arguments.time_limit), ..SolveOptions::default() };
    let Prediction { posed, baselines, solution, .. } = Prediction::of(posed, &options, arguments.output.quiet)?;
    let best = best_baseline(&baselines, options.objective, &posed.problem);
    let proof = match solution.proof.state {
        ProofState::Optimal => "optimal".to_owned(),
        ProofState::Feasible => format!("feasible, gap {:.1} %", 100.0 * solution.gap()),
    };
    let best_baseline =
        best.map(|best| (format!("{}: {}", best.name, best.label), best.timeline.makespan().to_milliseconds()));
    Ok(Reproduced { published, makespan: solution.timeline.makespan().to_milliseconds(), best_baseline, proof })
}
