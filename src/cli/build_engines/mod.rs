//! `haxconn build-engines`: plans for GPU, DLA, transitions between them and marked outputs.

mod arguments;
pub(super) mod build;
pub(super) mod request;
pub(super) mod target;

use super::args::Format;
use super::failure::Failure;
use super::output;
use crate::artifact::{self, BuiltPlan};
use crate::engine::{BuildOptions, Device};
use crate::report::plan::{self, PlanRow};

pub(super) use arguments::BuildEnginesArguments;
use build::{Outcome, State};

pub(super) fn run(arguments: &BuildEnginesArguments) -> Result<(), Failure> {
    let quiet = arguments.output.quiet;
    let options = BuildOptions {
        precision: arguments.precision.into(),
        seed: arguments.seed,
        gpu_fallback: !arguments.no_fallback,
        workspace: arguments.workspace << 20,
    };
    let target = target::resolve(target::Wish {
        backend: arguments.backend,
        platform: arguments.platform.as_deref(),
        options,
        quiet,
    })?;
    let request = request::read(arguments, &target)?;
    for remark in &request.remarks {
        output::note(quiet, remark);
    }
    // Known now, not after the first build, which may take many minutes.
    artifact::prepare_folder(&request::platform_folder(&arguments.out, &target))?;
    let settings = build::Settings { out: &arguments.out, jobs: arguments.jobs, rebuild: arguments.rebuild, quiet };
    let (outcomes, failure) = build::build(&request.jobs, &target, &settings);
    for outcome in &outcomes {
        say_fallbacks(quiet, outcome);
    }
    if let Some(error) = failure {
        // What was built before stays, and the next run goes on from there.
        if !outcomes.is_empty() {
            say_written(quiet, &outcomes);
        }
        return Err(error.into());
    }
    match arguments.output.format {
        Format::Json => {
            let plans = outcomes.iter().map(|outcome| BuiltPlan {
                path: outcome.path.display().to_string(),
                state: outcome.state.to_string(),
                description: &outcome.description,
            });
            output::print(&artifact::built_plans_to_json(target.backend_name(), plans.collect())?)?;
        }
        Format::Text => {
            output::print(&plan::built_plans(&outcomes.iter().map(row).collect::<Vec<_>>()))?;
        }
    }
    say_written(quiet, &outcomes);
    Ok(())
}

fn row(outcome: &Outcome) -> PlanRow {
    let description = &outcome.description;
    PlanRow {
        network: description.inputs.network.clone(),
        engine: outcome.path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        n_layers: [Some(Device::Gpu), Some(Device::Dla), None].map(|device| description.placement.n_on(device)),
        n_fallbacks: description.fallbacks.len(),
        bytes: description.plan_bytes,
        seconds: description.build_seconds,
        peak_mib: description.peak_mib,
        state: outcome.state.to_string(),
    }
}

fn say_fallbacks(quiet: bool, outcome: &Outcome) {
    let description = &outcome.description;
    if description.fallbacks.is_empty() {
        return;
    }
    let name = |layer: &usize| format!("`{}`", description.placement.layers[*layer].name);
    let names: Vec<String> = description.fallbacks.iter().take(3).map(name).collect();
    let more = description.fallbacks.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let stem = outcome.path.file_stem().unwrap_or_default().to_string_lossy();
    output::note(quiet, &format!("note: {stem}: on the GPU instead of the DLA: {}{more}", names.join(", ")));
}

/// The last line: how many plans were written, and where.
fn say_written(quiet: bool, outcomes: &[Outcome]) {
    let n_up_to_date = outcomes.iter().filter(|outcome| outcome.state == State::UpToDate).count();
    let n_written = outcomes.len() - n_up_to_date;
    let folder = outcomes.first().and_then(|outcome| outcome.path.parent()?.parent());
    let folder = folder.map(|folder| format!(" in {}", folder.display())).unwrap_or_default();
    let plural = if n_written == 1 { "" } else { "s" };
    output::note(quiet, &format!("wrote {n_written} plan{plural}{folder} ({n_up_to_date} up to date)"));
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Built => f.write_str("built"),
            Self::Rebuilt(reason) => write!(f, "rebuilt: {reason}"),
            Self::UpToDate => f.write_str("up to date"),
        }
    }
}
