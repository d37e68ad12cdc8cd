//! Rounds in real time: an executor's programs, one per policy, run in turn and recorded.

use super::executor::{Cause, Executor, ExecutorError, ExecutorOptions, Program};
use super::log::{PolicyRun, WarmUp};
use super::rounds::interleave;
use super::segment::{Segment, segments};
use super::simulated::PolicyPlan;
use crate::problem::Problem;
use crate::units::Milliseconds;

/// Runs `policies` in turn: rounds of all of them for `warm_up`, then `iterations` that are recorded.
///
/// Each policy comes with its program, whose segments are [`executor::works`](super::executor::works) of the
/// [`segments`] of its decision, in that order; they are timed as wholes.
pub fn run_real_time<E: Cause>(
    problem: &Problem,
    policies: Vec<(PolicyPlan, Program<E>)>,
    iterations: u64,
    warm_up: Milliseconds,
    options: ExecutorOptions,
) -> Result<(Vec<PolicyRun>, WarmUp), ExecutorError<E>> {
    let (plans, programs): (Vec<PolicyPlan>, Vec<Program<E>>) = policies.into_iter().unzip();
    let segmented: Vec<Vec<Segment>> = plans.iter().map(|plan| segments(plan.decision)).collect();
    for (segments, program) in segmented.iter().zip(&programs) {
        let (expected, n) = (segments.len(), program.segments.len());
        if n != expected {
            return Err(ExecutorError::Malformed(format!("a program of {n} segment(s) for a schedule of {expected}")));
        }
    }
    let mut executor = Executor::start(programs, options)?;
    let ran = interleave(plans.len(), iterations, warm_up, |policy, _| {
        executor.round(policy).map(|record| record.into_round(&segmented[policy]))
    })?;
    let run = |(plan, rounds)| {
        let PolicyPlan { name, label, decision, timeline } = plan;
        let run = PolicyRun::new(name, label, problem, decision, timeline).timed_by_segments(decision);
        PolicyRun { rounds, ..run }
    };
    let runs = plans.into_iter().zip(ran.rounds).map(run).collect();
    Ok((runs, WarmUp { time: warm_up, rounds: ran.warm_up_rounds }))
}
