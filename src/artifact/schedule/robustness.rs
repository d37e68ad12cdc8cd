//! The sensitivity of a schedule in its file. Nobody reads it back but people and scripts.

use serde::{Deserialize, Serialize};

use crate::problem::Problem;
use crate::schedule::{Corner, Robustness, Spread, Verdict};

/// How the schedule fares in samples in which every profiled number moves; gains and regrets are shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RobustnessField {
    share: f64,
    samples: usize,
    seed: u64,
    node_limit: Option<u64>,
    time_limit_seconds: Option<f64>,
    verdict: VerdictField,
    gain: Option<f64>,
    profile_uncertainty: Option<f64>,
    sampled_value: SpreadField,
    gain_over_nominal_best: Option<SpreadField>,
    gain_over_best: Option<SpreadField>,
    regret: Option<SpreadField>,
    as_good_as_baselines: usize,
    placement_stays: usize,
    within_limits: usize,
    proved: usize,
    corners: Vec<CornerField>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum VerdictField {
    NoBaseline,
    NoGain,
    WithinSpread,
    WithinProfile,
    Holds,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpreadField {
    p5: f64,
    median: f64,
    p95: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CornerField {
    accelerators: Vec<String>,
    factor: f64,
    value: u64,
    gain: Option<f64>,
    regret: Option<f64>,
    placement_stays: bool,
}

impl RobustnessField {
    /// The field of `robustness`, of a schedule of `problem`.
    pub fn new(problem: &Problem, robustness: &Robustness) -> Self {
        Self {
            share: robustness.share,
            samples: robustness.samples,
            seed: robustness.seed,
            node_limit: robustness.node_limit,
            time_limit_seconds: robustness.time_limit.map(|limit| limit.as_secs_f64()),
            verdict: robustness.verdict().into(),
            gain: robustness.gain,
            profile_uncertainty: robustness.profile_uncertainty,
            sampled_value: robustness.value.into(),
            gain_over_nominal_best: robustness.gain_over_nominal_best.map(Into::into),
            gain_over_best: robustness.gain_over_best.map(Into::into),
            regret: robustness.regret.map(Into::into),
            as_good_as_baselines: robustness.as_good,
            placement_stays: robustness.placement_stays,
            within_limits: robustness.within_limits,
            proved: robustness.proved,
            corners: robustness.corners.iter().map(|corner| CornerField::new(problem, corner)).collect(),
        }
    }
}

impl CornerField {
    fn new(problem: &Problem, corner: &Corner) -> Self {
        Self {
            accelerators: corner.machines.iter().map(|&machine| problem.machines[machine].name.clone()).collect(),
            factor: corner.factor,
            value: corner.value,
            gain: corner.gain,
            regret: corner.regret,
            placement_stays: corner.placement_stays,
        }
    }
}

impl From<Spread> for SpreadField {
    fn from(spread: Spread) -> Self {
        Self { p5: spread.low, median: spread.median, p95: spread.high }
    }
}

impl From<Verdict> for VerdictField {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::NoBaseline => Self::NoBaseline,
            Verdict::NoGain => Self::NoGain,
            Verdict::WithinSpread => Self::WithinSpread,
            Verdict::WithinProfile => Self::WithinProfile,
            Verdict::Holds => Self::Holds,
        }
    }
}
