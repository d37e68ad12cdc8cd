//! Whether rounds take what their profile says: medians of the last ones beside what is predicted, without what contention and
//! transitions are predicted to cost.

use std::collections::VecDeque;

use crate::problem::{GroupId, HIGHEST_DEMAND, Problem};
use crate::run::log::{GroupRange, Round};
use crate::schedule::{Decision, Timeline};
use crate::units::{MegabytesPerSecond, Nanoseconds};

/// Rounds over which a median is taken.
pub const WINDOW: usize = 8;

/// Rounds after a change of schedule that don't count: caches and clocks follow it.
const SETTLING: u64 = 2;

/// Rounds without a correction after which the threshold halves again.
const QUIET_ROUNDS: u64 = 64;

/// Share of the predicted makespan below which a span's deviation is no reason to solve again.
const LEAST_SHARE: f64 = 0.005;

/// What a ratio may be; beyond, the profile is of something else and a correction would only hide it.
const RATIOS: [f64; 2] = [0.05, 20.0];

/// Groups of a task whose standalone times on an accelerator are `ratio` times what the profile said.
#[derive(Clone, Debug, PartialEq)]
pub struct Correction {
    /// The task.
    pub task: usize,
    /// Its groups.
    pub groups: GroupRange,
    /// The accelerator.
    pub machine: usize,
    /// What was measured over what was predicted, both without contention and transitions.
    pub ratio: f64,
    /// Measured here; else taken over from what else was measured on the accelerator.
    pub measured: bool,
    /// Whether it is what passed the threshold.
    pub passed: bool,
}

/// The last rounds of the present schedule, and how much they must deviate.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    rounds: VecDeque<Round>,
    n_seen: u64,
    /// Each correction doubles the threshold, [`QUIET_ROUNDS`] without one halve it: what isn't cured by solving again (a law of
    /// contention that isn't the curve's, noise) isn't tried for ever.
    level: u32,
    quiet: u64,
}

impl Watch {
    /// Begins anew, for another schedule or another profile.
    pub(super) fn restart(&mut self) {
        self.rounds.clear();
        self.n_seen = 0;
    }

    /// The same where the networks have changed, too.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// A correction was made.
    pub(super) fn corrected(&mut self) {
        self.restart();
        self.level += 1;
        self.quiet = 0;
    }

    pub(super) fn record(&mut self, round: &Round) {
        self.quiet += 1;
        if self.quiet >= QUIET_ROUNDS {
            self.level = self.level.saturating_sub(1);
            self.quiet = 0;
        }
        self.n_seen += 1;
        if self.n_seen <= SETTLING {
            return;
        }
        if self.rounds.len() == WINDOW {
            self.rounds.pop_front();
        }
        self.rounds.push_back(round.clone());
    }

    /// By how much a span must deviate now, where `threshold` is what was asked for.
    pub(super) fn threshold(&self, threshold: f64) -> f64 {
        threshold * f64::from(1_u32 << self.level.min(8))
    }

    /// How the measured spans deviate, where one of them does by more than the threshold; empty otherwise.
    pub(super) fn deviations(
        &self,
        decision: &Decision,
        timeline: &Timeline,
        spans: &[Vec<GroupRange>],
        threshold: f64,
    ) -> Vec<Correction> {
        if self.rounds.len() < WINDOW {
            return Vec::new();
        }
        let threshold = self.threshold(threshold);
        let least = LEAST_SHARE * timeline.makespan().0 as f64;
        let mut found = Vec::new();
        for (task, spans) in spans.iter().enumerate() {
            for (span, &groups) in spans.iter().enumerate() {
                let measured = median(self.rounds.iter().map(|round| round.spans[task][span].duration()).collect());
                let machine = decision.placement[task][groups.first];
                let Some((ratio, difference)) = ratio(timeline, task, groups, measured) else { continue };
                let passed = (ratio - 1.0).abs() > threshold && difference.abs() > least;
                found.push(Correction { task, groups, machine, ratio, measured: true, passed });
            }
        }
        if found.iter().any(|it| it.passed) { found } else { Vec::new() }
    }
}

/// What a span's work took over what it was predicted to, and the difference in nanoseconds. Launch, entry and exit are taken
/// as predicted; dividing by the predicted contended time takes the predicted contention out.
fn ratio(timeline: &Timeline, task: usize, groups: GroupRange, measured: Nanoseconds) -> Option<(f64, f64)> {
    let of_span = &timeline.groups[task][groups.first..groups.last];
    let work: u64 = of_span.iter().map(|it| it.worked.0 - it.entered.0).sum();
    let whole: u64 = of_span.iter().map(|it| it.end.0 - it.start.0).sum();
    if work == 0 {
        return None;
    }
    let difference = measured.0 as f64 - whole as f64;
    let ratio = (work as f64 + difference) / work as f64;
    Some((ratio.clamp(RATIOS[0], RATIOS[1]), difference))
}

fn median(mut durations: Vec<Nanoseconds>) -> Nanoseconds {
    durations.sort_unstable();
    durations.get(durations.len() / 2).copied().unwrap_or_default()
}

/// For the groups of `problem` of which no span was measured on an accelerator: what all that was measured there together
/// deviates by, where that is more than `threshold`. `problem` is that of all tasks, `measured` holds its positions.
pub(super) fn extrapolated(problem: &Problem, measured: &[Correction], threshold: f64) -> Vec<Correction> {
    let mut found = Vec::new();
    for machine in 0..problem.machines.len() {
        let Some(ratio) = of_machine(problem, measured, machine) else { continue };
        if (ratio - 1.0).abs() <= threshold {
            continue;
        }
        let was_measured = |id: GroupId| {
            let holds = |it: &&Correction| (it.groups.first..it.groups.last).contains(&id.group);
            measured.iter().filter(|it| it.machine == machine && it.task == id.task).any(|it| holds(&it))
        };
        for (task, it) in problem.tasks.iter().enumerate() {
            let groups = (0..it.groups.len()).map(|group| GroupId { task, group });
            let missing = groups.filter(|&id| problem.cost(id, machine).is_some() && !was_measured(id));
            found.extend(missing.map(|id| Correction {
                task,
                groups: GroupRange { first: id.group, last: id.group + 1 },
                machine,
                ratio,
                measured: false,
                passed: false,
            }));
        }
    }
    found
}

/// What was measured on an accelerator over what was predicted, weighted by time.
fn of_machine(problem: &Problem, measured: &[Correction], machine: usize) -> Option<f64> {
    let [mut was, mut is] = [0.0, 0.0];
    for it in measured.iter().filter(|it| it.machine == machine) {
        for group in it.groups.first..it.groups.last {
            let work = problem.cost(GroupId { task: it.task, group }, machine).map_or(0.0, |cost| cost.work.0 as f64);
            was += work;
            is += work * it.ratio;
        }
    }
    (was > 0.0).then(|| is / was)
}

/// Scales the standalone times; the bytes stay what they are, so that the demand falls as the time grows.
pub(super) fn apply(problem: &mut Problem, corrections: &[Correction]) {
    for it in corrections {
        for group in &mut problem.tasks[it.task].groups[it.groups.first..it.groups.last] {
            let Some(cost) = &mut group.costs[it.machine] else { continue };
            cost.work = Nanoseconds(scaled(cost.work.0, it.ratio));
            let demand = scaled(cost.demand.0.into(), 1.0 / it.ratio).min(HIGHEST_DEMAND.0.into());
            cost.demand = MegabytesPerSecond(u32::try_from(demand).unwrap_or(u32::MAX));
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a problem's times are hours at most, ratios positive"
)]
fn scaled(value: u64, ratio: f64) -> u64 {
    (value as f64 * ratio).round() as u64
}
