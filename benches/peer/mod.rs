//! The obvious encoding: start and end of every group as reals in microseconds, pairwise overlaps, one call of Z3's
//! `Optimize`. Two accelerators; no launches, releases or edges. Its orders are judged by the evaluator.

use std::time::Duration;

use haxconn::problem::{GroupId, Problem};
use haxconn::schedule::{Decision, evaluate};
use haxconn::units::Nanoseconds;
use z3::ast::{Bool, Int, Real};
use z3::{Model, Optimize, Params, SatResult};

/// What the encoding reached.
pub(crate) struct Reached {
    /// Makespan of its best model's placement and order under the evaluator.
    pub(crate) makespan: Option<Nanoseconds>,
    /// Whether it proved its own optimum.
    pub(crate) is_proved: bool,
}

/// Variables of a group.
struct Vars {
    id: GroupId,
    /// True on accelerator 1.
    second: Bool,
    start: Real,
    end: Real,
}

/// Solves `problem` in one call, for at most `time`.
pub(crate) fn optimize(problem: &Problem, time: Duration) -> Reached {
    let solver = Optimize::new();
    let mut params = Params::new();
    params.set_u32("timeout", u32::try_from(time.as_millis()).unwrap_or(u32::MAX));
    solver.set_params(&params);
    let groups = variables(problem);
    let makespan = Real::new_const("makespan");
    for (idx, group) in groups.iter().enumerate() {
        solver.assert(group.start.ge(real(0)));
        solver.assert(group.end.le(&makespan));
        let before = idx.checked_sub(1).map(|before| &groups[before]).filter(|before| before.id.task == group.id.task);
        assert_duration(&solver, problem, &groups, group, before);
    }
    for task in 0..problem.tasks.len() {
        assert_transition_limit(&solver, problem, &groups, task);
    }
    assert_exclusivity(&solver, &groups);
    solver.minimize(&makespan);
    let is_proved = solver.check(&[]) == SatResult::Sat;
    let decision = solver.get_model().and_then(|model| decision(problem, &groups, &model));
    let timeline = decision.and_then(|decision| evaluate(problem, &decision).ok());
    Reached { makespan: timeline.map(|timeline| timeline.makespan()), is_proved }
}

fn variables(problem: &Problem) -> Vec<Vars> {
    let tasks = problem.tasks.iter().enumerate();
    let ids = tasks.flat_map(|(task, groups)| (0..groups.groups.len()).map(move |group| GroupId { task, group }));
    let name = |what: &str, id: GroupId| format!("{what}_{}_{}", id.task, id.group);
    ids.map(|id| Vars {
        id,
        second: Bool::new_const(name("second", id)),
        start: Real::new_const(name("start", id)),
        end: Real::new_const(name("end", id)),
    })
    .collect()
}

/// A whole number as a real.
fn real(number: i64) -> Real {
    Int::from_i64(number).to_real()
}

fn microseconds(time: Nanoseconds) -> i64 {
    i64::try_from(time.0 / 1000).unwrap_or(i64::MAX)
}

/// `1000 (end - start - entry) >= 1000 work + sum of overlap * loss in permille`, after the group before it.
fn assert_duration(solver: &Optimize, problem: &Problem, groups: &[Vars], group: &Vars, before: Option<&Vars>) {
    let zero = real(0);
    let cost = |machine: usize| problem.cost(group.id, machine).expect("the peer's problems run everywhere");
    let by_machine = |of: &dyn Fn(usize) -> i64| group.second.ite(&real(of(1)), &real(of(0)));
    let mut terms = vec![by_machine(&|machine| 1000 * microseconds(cost(machine).work))];
    if let Some(before) = before {
        solver.assert(group.start.ge(&before.end));
        let entry = by_machine(&|machine| 1000 * microseconds(cost(machine).entry));
        terms.push(before.second.eq(&group.second).ite(&zero, &entry));
    }
    for other in groups.iter().filter(|other| other.id.task != group.id.task) {
        let shared = overlap(group, other);
        let lost = |machine: usize| {
            let demand = problem.cost(other.id, 1 - machine).expect("the peer's problems run everywhere").demand;
            let loss = 1000 - i64::from(problem.rate(machine, cost(machine).demand, demand).0);
            Real::mul(&[shared.clone(), real(loss)])
        };
        let overlap = group.second.ite(&lost(1), &lost(0));
        terms.push(group.second.eq(&other.second).ite(&zero, &overlap));
    }
    let length = Real::mul(&[real(1000), Real::sub(&[group.end.clone(), group.start.clone()])]);
    solver.assert(length.ge(Real::add(&terms)));
}

/// `max(0, min of the ends - max of the starts)`.
fn overlap(one: &Vars, other: &Vars) -> Real {
    let end = one.end.le(&other.end).ite(&one.end, &other.end);
    let start = one.start.ge(&other.start).ite(&one.start, &other.start);
    let difference = Real::sub(&[end, start]);
    difference.ge(real(0)).ite(&difference, &real(0))
}

fn assert_transition_limit(solver: &Optimize, problem: &Problem, groups: &[Vars], task: usize) {
    let Some(limit) = problem.max_transitions else { return };
    let chain: Vec<&Vars> = groups.iter().filter(|group| group.id.task == task).collect();
    let changes: Vec<Bool> = chain.windows(2).map(|pair| pair[0].second.eq(&pair[1].second).not()).collect();
    let terms: Vec<(&Bool, i32)> = changes.iter().map(|change| (change, 1)).collect();
    solver.assert(Bool::pb_le(&terms, i32::try_from(limit).unwrap_or(i32::MAX)));
}

/// Groups of different tasks on one accelerator don't overlap.
fn assert_exclusivity(solver: &Optimize, groups: &[Vars]) {
    for (idx, one) in groups.iter().enumerate() {
        for other in groups[idx + 1..].iter().filter(|other| other.id.task != one.id.task) {
            let apart = one.second.eq(&other.second).not();
            solver.assert(Bool::or(&[apart, one.end.le(&other.start), other.end.le(&one.start)]));
        }
    }
}

/// Placement and order by start of a model.
fn decision(problem: &Problem, groups: &[Vars], model: &Model) -> Option<Decision> {
    let mut placement: Vec<Vec<usize>> = problem.tasks.iter().map(|task| vec![0; task.groups.len()]).collect();
    let mut order = vec![vec![]; 2];
    for group in groups {
        let machine = usize::from(model.eval(&group.second, true)?.as_bool()?);
        placement[group.id.task][group.id.group] = machine;
        order[machine].push((model.eval(&group.start, true)?.approx_f64(), group.id));
    }
    for ids in &mut order {
        ids.sort_unstable_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    }
    Some(Decision {
        placement,
        order: order.into_iter().map(|ids| ids.into_iter().map(|(_, id)| id).collect()).collect(),
    })
}
