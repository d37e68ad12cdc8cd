//! Rounds in real time: an executor's programs, one per policy, run in turn and recorded.

use super::executor::{Cause, Executor, ExecutorError, ExecutorOptions, Program};
use super::log::{EngineMode, PolicyRun, Round, WarmUp};
use super::rounds::interleave;
use super::segment::{Segment, segments, whole_networks};
use super::simulated::PolicyPlan;
use crate::problem::Problem;
use crate::units::{Milliseconds, Nanoseconds};

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RealTimeRun {
    /// Every policy with its rounds.
    pub policies: Vec<PolicyRun>,
    /// When every segment of every reference ended, by reference and round.
    pub references: Vec<Vec<Vec<Nanoseconds>>>,
    /// Rounds before the recorded ones.
    pub warm_up: WarmUp,
}

/// Rounds of a program before each one of it that is recorded: what another program did to caches and clocks since its last
/// turn is not this one's doing.
pub const SETTLING_ROUNDS: u64 = 2;

/// Runs `policies` in turn, and `references` after them in every turn: rounds of all for `warm_up`, then `iterations` that are
/// recorded. In each turn a program runs [`SETTLING_ROUNDS`] before the one that counts.
///
/// Each policy comes with its program, whose segments are [`executor::works`](super::executor::works) of the
/// [`segments`] of its decision, in that order, or of its [`whole_networks`] where an engine has a whole network; they are
/// timed as wholes.
pub fn run_real_time<E: Cause>(
    problem: &Problem,
    engine_mode: EngineMode,
    policies: Vec<(PolicyPlan, Program<E>)>,
    references: Vec<Program<E>>,
    iterations: u64,
    warm_up: Milliseconds,
    options: ExecutorOptions,
) -> Result<RealTimeRun, ExecutorError<E>> {
    let (plans, mut programs): (Vec<PolicyPlan>, Vec<Program<E>>) = policies.into_iter().unzip();
    let of_plan = |plan: &PolicyPlan| match engine_mode {
        EngineMode::Segments => segments(plan.decision),
        EngineMode::Transition => whole_networks(plan.decision),
    };
    let segmented: Vec<Vec<Segment>> = plans.iter().map(of_plan).collect();
    for (segments, program) in segmented.iter().zip(&programs) {
        let (expected, n) = (segments.len(), program.segments.len());
        if n != expected {
            return Err(ExecutorError::Malformed(format!("a program of {n} segment(s) for a schedule of {expected}")));
        }
    }
    programs.extend(references);
    let n_programs = programs.len();
    let mut executor = Executor::start(programs, options)?;
    let mut ran = interleave(n_programs, iterations, warm_up, |program, _| {
        for _ in 0..SETTLING_ROUNDS {
            executor.round(program)?;
        }
        executor.round(program).map(|record| match segmented.get(program) {
            Some(segments) => record.into_round(segments),
            // A reference's segments are a task each.
            None => {
                Round { released: record.released, spans: record.spans.into_iter().map(|span| vec![span]).collect() }
            }
        })
    })?;
    let ends = |round: Round| round.spans.iter().flatten().map(|span| span.end).collect();
    let of_references = ran.rounds.split_off(plans.len()).into_iter();
    let references = of_references.map(|rounds| rounds.into_iter().map(ends).collect()).collect();
    let run = |((plan, segments), rounds): ((PolicyPlan, Vec<Segment>), Vec<Round>)| {
        let PolicyPlan { name, label, decision, timeline } = plan;
        PolicyRun { rounds, ..PolicyRun::new(name, label, problem, decision, timeline).timed_by(&segments) }
    };
    let policies = plans.into_iter().zip(segmented).zip(ran.rounds).map(run).collect();
    Ok(RealTimeRun { policies, references, warm_up: WarmUp { time: warm_up, rounds: ran.warm_up_rounds } })
}
