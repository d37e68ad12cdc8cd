//! `haxconn run-multi`: runs schedules on a backend, records every round, shows predicted beside what came out.

mod arguments;
mod dynamic;
mod policies;
mod real;
mod tensorrt;
mod verify;

use std::path::Path;

use super::args::{BackendArgument, Format};
use super::failure::Failure;
use super::posing::Posed;
use super::{output, report};
use crate::artifact;
use crate::network::Network;
use crate::run::{self, PolicyPlan, RunLog, RunOptions};
use crate::units::Milliseconds;
use policies::Plans;

pub(super) use arguments::RunMultiArguments;

/// Most spans that a run log takes: some 50 MB, which can be read again.
const MOST_SPANS: usize = 2_000_000;

pub(super) fn run(arguments: &RunMultiArguments) -> Result<(), Failure> {
    if arguments.while_it_runs.dynamic {
        return dynamic::run(arguments);
    }
    let quiet = arguments.output.quiet;
    report::refuse_one_name(&arguments.files, Some(arguments.out()))?;
    if arguments.backend == BackendArgument::Tensorrt {
        tensorrt::check_here()?;
    }
    let plans = Plans::of(arguments)?;
    let policies = plans.policies();
    refuse_too_many(&policies, arguments.iterations())?;
    prepare(arguments.out())?;
    let log = match runs_by(&plans.posed, arguments)? {
        RunsBy::OnnxRuntime => real::run(&plans, &policies, arguments)?,
        RunsBy::Tensorrt => tensorrt::run(&plans, &policies, arguments)?,
        RunsBy::Simulator => simulate(&plans, &policies, arguments)?,
    };
    let json = artifact::write_run_log(&log)?;
    artifact::write_text(arguments.out(), &json)?;
    let n_rounds = arguments.iterations();
    let word = log.backend.word();
    let mut written = vec![format!("wrote {} ({n_rounds} rounds, {word})", arguments.out().display())];
    written.extend(report::write_files(&arguments.files, &log)?);
    match arguments.output.format {
        Format::Json => output::print(&json)?,
        Format::Text => output::print(&crate::report::run::text(&log, false))?,
    }
    for line in &written {
        output::note(quiet, line);
    }
    Ok(())
}

/// Makes the folder that a run is recorded in, before it runs.
fn prepare(out: &Path) -> Result<(), Failure> {
    let folder = out.parent().filter(|folder| !folder.as_os_str().is_empty());
    Ok(artifact::prepare_folder(folder.unwrap_or(Path::new(".")))?)
}

/// What runs the schedules.
#[derive(Clone, Copy, PartialEq, Eq)]
enum RunsBy {
    Simulator,
    OnnxRuntime,
    Tensorrt,
}

/// What runs the schedules: what is asked for; else ONNX Runtime where the platform says how each of its accelerators is run
/// by it.
fn runs_by(posed: &Posed, arguments: &RunMultiArguments) -> Result<RunsBy, Failure> {
    let platform = &posed.platform.value;
    let runs_here = platform.accelerators.iter().all(|accelerator| accelerator.provider.is_some());
    let runs_by = match arguments.backend {
        BackendArgument::Onnxruntime => RunsBy::OnnxRuntime,
        BackendArgument::Auto if runs_here => RunsBy::OnnxRuntime,
        BackendArgument::Tensorrt => RunsBy::Tensorrt,
        BackendArgument::Sim | BackendArgument::Auto => RunsBy::Simulator,
    };
    if arguments.backend == BackendArgument::Auto {
        let why = if runs_here {
            "onnxruntime (the platform names its providers)"
        } else {
            "sim (the platform names no providers)"
        };
        output::note(arguments.output.quiet, &format!("backend: {why}"));
    }
    if arguments.verify && runs_by == RunsBy::Simulator {
        return Err(Failure::usage("`--verify`: the simulator computes nothing")
            .hint("run with `--backend onnxruntime` or `--backend tensorrt`"));
    }
    Ok(runs_by)
}

fn simulate(plans: &Plans, policies: &[PolicyPlan], arguments: &RunMultiArguments) -> Result<RunLog, Failure> {
    let networks: Vec<&Network> = plans.posed.networks.iter().map(|found| &found.value).collect();
    let options = RunOptions {
        iterations: arguments.iterations().into(),
        warm_up: Milliseconds(arguments.warm_up.into()),
        seed: (!arguments.no_noise).then_some(arguments.search.seed),
        engine_mode: arguments.engine_mode.into(),
    };
    Ok(run::run_multi(&plans.posed.problem, policies, &networks, &plans.posed.platform.value, options)?)
}

/// Refuses a run whose log would be larger than what can be read again.
fn refuse_too_many(policies: &[PolicyPlan], iterations: u32) -> Result<(), Failure> {
    let groups: usize = policies.iter().flat_map(|policy| &policy.timeline.groups).map(Vec::len).sum();
    let n_spans = groups.saturating_mul(iterations as usize);
    if n_spans > MOST_SPANS {
        let n_policies = policies.len();
        return Err(Failure::usage(format!(
            "`--iterations {iterations}`: {n_policies} policies with {groups} groups make {n_spans} spans, and a run log \
             takes {MOST_SPANS}"
        ))
        .hint(format!("use at most `--iterations {}`", MOST_SPANS / groups.max(1))));
    }
    Ok(())
}
