//! The rule of work: the rates integrated over the printed intervals reach it at its end, and not one nanosecond earlier.
//!
//! Between two moments at which any work starts or ends, every rate is constant. So the integral is a sum of products
//! of integers, and what is done one nanosecond before the end lacks exactly the last rate.

use super::structure::all_groups;
use super::violation::{Report, Rule, exact};
use crate::problem::{GroupId, Problem};
use crate::schedule::{Decision, Timeline};
use crate::units::MegabytesPerSecond;

/// A stretch of work on an accelerator, half-open in nanoseconds.
struct Stretch {
    id: GroupId,
    machine: usize,
    from: u64,
    to: u64,
    demand: u64,
}

/// What is done at the end of a stretch, and in its last nanosecond, in nanosecond-permille.
struct Done {
    in_all: u128,
    last: u128,
}

/// Each group's work is complete at its end and wasn't before.
pub(super) fn work_is_done(report: &mut Report, decision: &Decision, timeline: &Timeline) {
    let problem = report.problem;
    let stretches: Vec<Stretch> =
        all_groups(problem).filter_map(|id| stretch(problem, decision, timeline, id)).collect();
    for stretch in &stretches {
        let Some(cost) = problem.cost(stretch.id, stretch.machine) else { continue };
        let due = u128::from(cost.work.0) * 1000;
        let done = integrate(problem, &stretches, stretch);
        let describe = |what: &str| {
            let name = report.on(stretch.id, stretch.machine);
            let end = exact(timeline.groups[stretch.id.task][stretch.id.group].worked);
            format!("the work of {name} ends at {end}, {what}: {} of {due} ns-permille are done", done.in_all)
        };
        let (short, long) = (describe("before it is done"), describe("later than it is done"));
        report.demand(done.in_all >= due, Rule::WorkShort, || short);
        report.demand(stretch.from == stretch.to || done.in_all - done.last < due, Rule::WorkLong, || long);
    }
}

fn stretch(problem: &Problem, decision: &Decision, timeline: &Timeline, id: GroupId) -> Option<Stretch> {
    let machine = decision.placement[id.task][id.group];
    let demand = u64::from(problem.cost(id, machine)?.demand.0);
    let occupation = &timeline.groups[id.task][id.group];
    let (from, to) = (occupation.entered.0, occupation.worked.0);
    (from <= to).then_some(Stretch { id, machine, from, to, demand })
}

/// Sums rate times length over the pieces of `own` between moments at which other work starts or ends.
fn integrate(problem: &Problem, stretches: &[Stretch], own: &Stretch) -> Done {
    let mut moments: Vec<u64> = stretches.iter().flat_map(|other| [other.from, other.to]).collect();
    moments.retain(|&moment| own.from <= moment && moment <= own.to);
    moments.sort_unstable();
    moments.dedup();
    let mut done = Done { in_all: 0, last: 0 };
    for piece in moments.windows(2) {
        let rate = rate_at(problem, stretches, own, piece[0]);
        done = Done { in_all: done.in_all + rate * u128::from(piece[1] - piece[0]), last: rate };
    }
    done
}

/// The rate of `own` from `moment` on, with the demands of everything that works elsewhere then.
fn rate_at(problem: &Problem, stretches: &[Stretch], own: &Stretch, moment: u64) -> u128 {
    let elsewhere =
        stretches.iter().filter(|other| other.machine != own.machine && other.from <= moment && moment < other.to);
    let external: u64 = elsewhere.map(|other| other.demand).sum();
    let megabytes = |demand: u64| MegabytesPerSecond(u32::try_from(demand).unwrap_or(u32::MAX));
    u128::from(problem.rate(own.machine, megabytes(own.demand), megabytes(external)).0)
}
