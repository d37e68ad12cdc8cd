//! `haxconn schedule --robust`: what becomes of the schedule when the numbers of its profiles move.

use super::args::{Policy, ScheduleArguments};
use super::failure::Failure;
use super::progress;
use super::schedule::Prediction;
use crate::schedule::{self, Baseline, Decision, RobustOptions, Robustness, SolveOptions};

/// Most nodes of the search in each sample: enough for a proof where two networks have ten groups and two transitions.
const NODES: u64 = 20_000;

/// Refuses `--robust` beside a policy whose schedule nobody searched for.
pub(super) fn refuse_policy(arguments: &ScheduleArguments) -> Result<(), Failure> {
    if arguments.robust.is_some() && !matches!(arguments.policy, Policy::Haxconn | Policy::All) {
        return Err(Failure::usage(
            "`--robust` is about the solver's schedule: leave out `--policy`, or give it `all`",
        ));
    }
    Ok(())
}

/// Samples numbers around those that `prediction` rests on, where the flags ask for it.
///
/// The search in each sample has the limits of the whole one, at most [`NODES`] nodes, and its share of the time limit.
pub(super) fn sample(
    prediction: &Prediction,
    arguments: &ScheduleArguments,
    options: &SolveOptions,
) -> Result<Option<Robustness>, Failure> {
    let Some(share) = arguments.robust else { return Ok(None) };
    let problem = &prediction.posed.problem;
    let samples = arguments.samples as usize;
    let n_steps = schedule::n_steps(problem, samples);
    let resolve = SolveOptions {
        node_limit: Some(options.node_limit.unwrap_or(NODES).min(NODES)),
        time_limit: options.time_limit.map(|limit| limit.div_f64(n_steps as f64)),
        ..options.clone()
    };
    let within = prediction.baselines.iter().filter(|baseline| baseline.within_limit);
    let baselines: Vec<Decision> = within.map(|baseline: &Baseline| baseline.decision.clone()).collect();
    let options = RobustOptions { share, samples, resolve, profile_uncertainty: profile_uncertainty(prediction) };
    let bar = progress::bar(n_steps, arguments.output.quiet);
    bar.set_message("sampling profiled numbers");
    let decision = &prediction.solution.decision;
    let robustness = schedule::robustness(problem, decision, &baselines, &options, &mut || bar.inc(1));
    bar.finish_and_clear();
    Ok(Some(robustness.map_err(anyhow::Error::new)?))
}

/// The largest uncertainty that a profile states of its times.
fn profile_uncertainty(prediction: &Prediction) -> Option<f64> {
    let stated = prediction.posed.profiles.iter().filter_map(|used| used.profile.time_uncertainty());
    stated.max_by(f64::total_cmp)
}
