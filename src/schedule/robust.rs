//! How a schedule fares when the numbers that it rests on move: sampled problems near the one that was solved, the schedule
//! and its baselines in each of them, and what a new search would choose there. Says nothing of how far numbers do move.

mod moved;
mod spread;
#[cfg(test)]
mod tests;

use std::time::Duration;

use thiserror::Error;

use super::{Decision, EvaluateError, Objective, ProofState, SolveError, SolveOptions, evaluate, keeps_limits, solve};
use crate::problem::Problem;
use crate::units::SplitMix64;

pub use spread::Spread;

/// What is sampled, and how much a search in each sample may take.
#[derive(Clone, Debug)]
pub struct RobustOptions {
    /// Most that a number moves, as a share of it: above 0 and below 1.
    pub share: f64,
    /// Number of samples, besides two corners for each accelerator.
    pub samples: usize,
    /// Objective, seed and limits of the search in each sample; the seed is that of the samples too.
    pub resolve: SolveOptions,
    /// What the profiles say of their own uncertainty, as a share of their times; `None` where they don't.
    pub profile_uncertainty: Option<f64>,
}

/// Why nothing can be sampled.
#[derive(Clone, Debug, Error)]
pub enum RobustError {
    /// The schedule isn't one of the problem.
    #[error("the schedule whose sensitivity is asked for has no timeline: {0}")]
    Schedule(String),
    /// The search in a sample failed.
    #[error(transparent)]
    Solve(#[from] SolveError),
}

impl From<EvaluateError> for RobustError {
    fn from(error: EvaluateError) -> Self {
        Self::Schedule(error.to_string())
    }
}

/// What sampling says of a schedule. Gains and regrets are shares: 0.05 is 5 %.
#[derive(Clone, Debug, PartialEq)]
pub struct Robustness {
    /// Most that a number moved, as a share of it.
    pub share: f64,
    /// Number of samples.
    pub samples: usize,
    /// Seed of the samples.
    pub seed: u64,
    /// Most nodes of the search in each sample.
    pub node_limit: Option<u64>,
    /// Most time of the search in each sample; with one, other runs may find other regrets.
    pub time_limit: Option<Duration>,
    /// Gain over the best baseline before anything moves; `None` where no baseline keeps the limits.
    pub gain: Option<f64>,
    /// The objective's value.
    pub value: Spread,
    /// Gain over the baseline that is the best one before anything moves.
    pub gain_over_nominal_best: Option<Spread>,
    /// Gain over each sample's own best baseline.
    pub gain_over_best: Option<Spread>,
    /// By how much the schedule is worse than the best one found in each sample, which the schedule itself may be. `None`
    /// where it keeps the limits in no sample.
    pub regret: Option<Spread>,
    /// Samples in which it keeps the limits and no baseline that does is better.
    pub as_good: usize,
    /// Samples in which its placement stays the best known.
    pub placement_stays: usize,
    /// Samples in which it keeps the limits.
    pub within_limits: usize,
    /// Samples whose search ended with a proof; the regret in the others may be larger.
    pub proved: usize,
    /// All numbers of an accelerator moved the same way.
    pub corners: Vec<Corner>,
    /// What the profiles say of their own uncertainty, as a share of their times.
    pub profile_uncertainty: Option<f64>,
}

/// What becomes of the schedule when one accelerator's numbers move together.
#[derive(Clone, Debug, PartialEq)]
pub struct Corner {
    /// The accelerator, with those that are equal to it in every number.
    pub machines: Vec<usize>,
    /// What its numbers are multiplied by.
    pub factor: f64,
    /// The objective's value.
    pub value: u64,
    /// Gain over the best baseline there.
    pub gain: Option<f64>,
    /// By how much it is worse than the best one found there; `None` where it breaks a limit.
    pub regret: Option<f64>,
    /// Whether its placement stays the best known.
    pub placement_stays: bool,
}

/// What the samples say of the gain over the best baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No baseline keeps the limits.
    NoBaseline,
    /// There is no gain before anything moves.
    NoGain,
    /// In one sample of twenty or more a baseline is as good: the gain is smaller than its uncertainty.
    WithinSpread,
    /// The gain is smaller than what the profiles say of their own uncertainty.
    WithinProfile,
    /// None of that.
    Holds,
}

impl Robustness {
    /// What becomes of the gain.
    pub fn verdict(&self) -> Verdict {
        let (Some(gain), Some(spread)) = (self.gain, self.gain_over_best) else { return Verdict::NoBaseline };
        match () {
            () if gain <= 0.0 => Verdict::NoGain,
            () if spread.low <= 0.0 => Verdict::WithinSpread,
            () if self.profile_uncertainty.is_some_and(|uncertainty| gain < uncertainty) => Verdict::WithinProfile,
            () => Verdict::Holds,
        }
    }
}

/// Samples problems in which every profiled number of `problem` (times, demands, costs of entering, leaving and launching)
/// is multiplied by a factor of its own, uniform within `options.share` of 1, and looks at `decision` in each of them.
///
/// `baselines` are the decisions to compare with; those that break a limit in a sample don't count there. `on_sample` is
/// called after each of the samples and corners, of which there are [`n_steps`].
///
/// # Errors
/// Where `decision` isn't one of `problem`, or a search fails for another reason than that nothing keeps the limits.
pub fn robustness(
    problem: &Problem,
    decision: &Decision,
    baselines: &[Decision],
    options: &RobustOptions,
    on_sample: &mut dyn FnMut(),
) -> Result<Robustness, RobustError> {
    let subject = Subject { decision, baselines, resolve: &options.resolve };
    let nominal = subject.values(problem)?;
    let mut random = SplitMix64::new(options.resolve.seed);
    let mut outcomes = Vec::with_capacity(options.samples);
    for _ in 0..options.samples {
        outcomes.push(subject.outcome(&moved::sample(problem, options.share, &mut random))?);
        on_sample();
    }
    let mut corners = Vec::new();
    for machines in moved::kinds(problem) {
        for factor in [1.0 - options.share, 1.0 + options.share] {
            let outcome = subject.outcome(&moved::corner(problem, &machines, factor))?;
            corners.push(outcome.corner(options.resolve.objective, machines.clone(), factor));
            on_sample();
        }
    }
    Ok(summary(options, &nominal, &outcomes, corners))
}

/// How often [`robustness`] reports.
pub fn n_steps(problem: &Problem, samples: usize) -> usize {
    samples + 2 * moved::kinds(problem).len()
}

/// What is looked at in every sample.
struct Subject<'a> {
    decision: &'a Decision,
    baselines: &'a [Decision],
    resolve: &'a SolveOptions,
}

/// Values in one problem.
struct Values {
    value: u64,
    within_limits: bool,
    /// `None` where a baseline breaks a limit.
    baselines: Vec<Option<u64>>,
}

/// What came out in one sample.
struct Outcome {
    values: Values,
    /// Value of the best schedule found; `None` where none keeps the limits.
    best: Option<u64>,
    placement_stays: bool,
    proved: bool,
}

impl Subject<'_> {
    fn values(&self, problem: &Problem) -> Result<Values, RobustError> {
        let objective = self.resolve.objective;
        let timeline = evaluate(problem, self.decision)?;
        let placement = &self.decision.placement;
        let of_baseline = |baseline: &Decision| {
            let timeline = evaluate(problem, baseline).ok()?;
            let keeps = keeps_limits(problem, &baseline.placement, &timeline);
            keeps.then(|| objective.value(problem, &baseline.placement, &timeline))
        };
        Ok(Values {
            value: objective.value(problem, placement, &timeline),
            within_limits: keeps_limits(problem, placement, &timeline),
            baselines: self.baselines.iter().map(of_baseline).collect(),
        })
    }

    /// The values in `problem`, and what a search finds that starts from the schedule and the baselines.
    fn outcome(&self, problem: &Problem) -> Result<Outcome, RobustError> {
        let values = self.values(problem)?;
        let warm: Vec<Decision> = [self.decision].into_iter().chain(self.baselines).cloned().collect();
        let solution = match solve(problem, self.resolve, &warm, &mut |_| ()) {
            Ok(solution) => Some(solution),
            Err(SolveError::Infeasible { .. } | SolveError::NoneFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        let stays = solution.as_ref().is_some_and(|solution| {
            !self.resolve.objective.is_better(solution.value, values.value)
                || solution.decision.placement == self.decision.placement
        });
        Ok(Outcome {
            best: solution.as_ref().map(|solution| solution.value),
            placement_stays: values.within_limits && stays,
            proved: solution.is_some_and(|solution| solution.proof.state == ProofState::Optimal),
            values,
        })
    }
}

impl Values {
    /// The best baseline, and its value.
    fn best_baseline(&self, objective: Objective) -> Option<(usize, u64)> {
        let mut best: Option<(usize, u64)> = None;
        for (idx, value) in self.baselines.iter().enumerate() {
            let Some(value) = *value else { continue };
            if best.is_none_or(|(_, best)| objective.is_better(value, best)) {
                best = Some((idx, value));
            }
        }
        best
    }

    /// Gain over the best baseline.
    fn gain(&self, objective: Objective) -> Option<f64> {
        self.best_baseline(objective).map(|(_, theirs)| objective.gain(self.value, theirs))
    }

    fn is_as_good(&self, objective: Objective) -> bool {
        self.within_limits
            && self.best_baseline(objective).is_none_or(|(_, theirs)| !objective.is_better(theirs, self.value))
    }
}

impl Outcome {
    fn regret(&self, objective: Objective) -> Option<f64> {
        let best = self.best.filter(|_| self.values.within_limits)?;
        Some((-objective.gain(self.values.value, best)).max(0.0))
    }

    fn corner(&self, objective: Objective, machines: Vec<usize>, factor: f64) -> Corner {
        Corner {
            machines,
            factor,
            value: self.values.value,
            gain: self.values.gain(objective),
            regret: self.regret(objective),
            placement_stays: self.placement_stays,
        }
    }
}

fn summary(options: &RobustOptions, nominal: &Values, outcomes: &[Outcome], corners: Vec<Corner>) -> Robustness {
    let RobustOptions { share, samples, resolve, profile_uncertainty } = options;
    let objective = resolve.objective;
    let over_nominal_best = |(idx, _): (usize, u64)| {
        let gain = |values: &Values| Some(objective.gain(values.value, values.baselines[idx]?));
        Spread::of(outcomes.iter().filter_map(|outcome| gain(&outcome.values)))
    };
    let count = |is_one: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is_one(outcome)).count();
    Robustness {
        share: *share,
        samples: *samples,
        seed: resolve.seed,
        node_limit: resolve.node_limit,
        time_limit: resolve.time_limit,
        gain: nominal.gain(objective),
        value: Spread::of(outcomes.iter().map(|outcome| outcome.values.value as f64)).unwrap_or_default(),
        gain_over_nominal_best: nominal.best_baseline(objective).and_then(over_nominal_best),
        gain_over_best: Spread::of(outcomes.iter().filter_map(|outcome| outcome.values.gain(objective))),
        regret: Spread::of(outcomes.iter().filter_map(|outcome| outcome.regret(objective))),
        as_good: count(&|outcome| outcome.values.is_as_good(objective)),
        placement_stays: count(&|outcome| outcome.placement_stays),
        within_limits: count(&|outcome| outcome.values.within_limits),
        proved: count(&|outcome| outcome.proved),
        corners,
        profile_uncertainty: *profile_uncertainty,
    }
}
