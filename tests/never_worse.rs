//! The promise of the main job: the answer passes the judge and is never worse than any baseline within the limit, even
//! where a node limit ends the search early. `HAXCONN_TEST_LONG=1` tries ten thousand problems instead of two hundred.

mod common;

use common::brute_force::OBJECTIVES;
use common::{Shape, random_problem, random_workload};
use haxconn::platform::ContentionCurve;
use haxconn::problem::Problem;
use haxconn::schedule::{
    Baseline, Decision, Objective, ProofState, Solution, SolveError, SolveOptions, baselines, best_baseline, check,
    check_value, evaluate, solve,
};

/// Sizes of the random problems, in turn: tasks, most groups of a task, accelerators.
const SHAPES: [Shape; 4] = [Shape::up_to(2, 6, 2), Shape::up_to(3, 4, 2), Shape::up_to(3, 3, 3), Shape::up_to(4, 3, 2)];

/// Sizes of the random workloads, in turn.
const WORKLOADS: [Shape; 4] =
    [Shape::up_to(3, 4, 2), Shape::up_to(3, 4, 4), Shape::up_to(6, 3, 3), Shape::up_to(8, 5, 4)];

/// Limit on the oracle's nodes: some of the searches end at it.
const NODES: u64 = 300;

fn problems(seeds: u64) -> impl Iterator<Item = (u64, Problem)> {
    SHAPES.into_iter().cycle().zip(0..seeds).map(|(shape, seed)| (seed, random_problem(seed + 50_000, shape)))
}

fn n_problems() -> u64 {
    if std::env::var_os("HAXCONN_TEST_LONG").is_some_and(|value| value == "1") { 10_000 } else { 200 }
}

fn solved(problem: &Problem, objective: Objective, node_limit: Option<u64>, warm: &[Decision]) -> Solution {
    let options = SolveOptions { objective, node_limit, ..SolveOptions::default() };
    solve(problem, &options, warm, &mut |_| {}).expect("accelerator 0 runs everything")
}

/// The answer is what it says, by the judge and by its own bound.
fn assert_right(problem: &Problem, objective: Objective, solution: &Solution, seed: u64) {
    assert_eq!(check(problem, &solution.decision, &solution.timeline), Ok(()), "seed {seed}");
    assert_eq!(
        check_value(problem, &solution.decision, &solution.timeline, objective, solution.value),
        Ok(()),
        "seed {seed}"
    );
    assert!(!objective.is_better(solution.value, solution.proof.bound), "seed {seed}: better than its bound");
}

#[test]
fn the_answer_is_never_worse_than_a_baseline_within_the_limit() {
    let (mut limited, mut improved) = (0, 0);
    for (seed, problem) in problems(n_problems()) {
        for objective in [Objective::Makespan, Objective::Throughput] {
            let all = baselines(&problem, objective);
            let within = all.iter().filter(|baseline| baseline.within_limit);
            let warm: Vec<Decision> = within.clone().map(|baseline| baseline.decision.clone()).collect();
            let solution = solved(&problem, objective, Some(NODES), &warm);
            assert_right(&problem, objective, &solution, seed);
            for baseline in within {
                let value = baseline.value(&problem, objective);
                assert!(!objective.is_better(value, solution.value), "seed {seed}: {} is better", baseline.label);
                assert!(
                    !objective.is_better(value, solution.proof.bound),
                    "seed {seed}: {} beats the bound",
                    baseline.label
                );
            }
            limited += u32::from(solution.proof.state == ProofState::Feasible);
            let best = best_baseline(&all, objective, &problem).map(|best| best.value(&problem, objective));
            improved += u32::from(best.is_some_and(|best| objective.is_better(solution.value, best)));
        }
    }
    assert!(limited > 0, "no search ended at the node limit, so that nothing was tried there");
    assert!(improved > 0, "no answer is better than its baselines");
}

/// The same with deadlines, frames, equal accelerators, powers and latency caps, by every objective. Where no schedule is
/// found under the cap, no baseline keeps it.
#[test]
fn no_baseline_of_a_workload_is_better() {
    let mut improved = 0;
    for (seed, shape) in (0..n_problems() / 2).zip(WORKLOADS.into_iter().cycle()) {
        let problem = random_workload(seed + 70_000, shape);
        for objective in OBJECTIVES {
            let all = baselines(&problem, objective);
            let within: Vec<&Baseline> = all.iter().filter(|baseline| baseline.within_limit).collect();
            let warm: Vec<Decision> = within.iter().map(|baseline| baseline.decision.clone()).collect();
            let options = SolveOptions { objective, node_limit: Some(NODES), ..SolveOptions::default() };
            let solution = match solve(&problem, &options, &warm, &mut |_| {}) {
                Ok(solution) => solution,
                Err(SolveError::Infeasible { .. } | SolveError::NoneFound { .. }) => {
                    assert!(within.is_empty(), "seed {seed}: {} keeps the cap", within[0].label);
                    continue;
                }
                Err(error) => panic!("seed {seed}: {error}"),
            };
            assert_right(&problem, objective, &solution, seed);
            for baseline in &within {
                let value = baseline.value(&problem, objective);
                assert!(!objective.is_better(value, solution.value), "seed {seed}: {} is better", baseline.label);
            }
            let mut values = within.iter().map(|baseline| baseline.value(&problem, objective));
            improved += u32::from(values.all(|value| objective.is_better(solution.value, value)));
        }
    }
    assert!(improved > 0, "no answer is better than its baselines");
}

/// Without being told of the baselines, a proved answer still is no worse.
#[test]
fn a_proved_answer_needs_no_baselines_to_be_no_worse() {
    for (seed, problem) in problems(n_problems() / 4) {
        for objective in [Objective::Makespan, Objective::Throughput] {
            let solution = solved(&problem, objective, None, &[]);
            assert_eq!(solution.proof.state, ProofState::Optimal, "seed {seed}");
            assert_right(&problem, objective, &solution, seed);
            let all = baselines(&problem, objective);
            let best = best_baseline(&all, objective, &problem).map(|best| best.value(&problem, objective));
            assert!(best.is_none_or(|best| !objective.is_better(best, solution.value)), "seed {seed}");
        }
    }
}

#[test]
fn the_contention_blind_optimum_is_never_better_under_contention() {
    let mut worse = 0;
    for (seed, problem) in problems(n_problems() / 4) {
        let mut blind = problem.clone();
        blind.machines.iter_mut().for_each(|machine| machine.curve = ContentionCurve::None);
        let blind = solved(&blind, Objective::Makespan, None, &[]);
        let real = evaluate(&problem, &blind.decision).expect("contention makes no circle").makespan().0;
        let aware = solved(&problem, Objective::Makespan, None, &[]).value;
        assert!(aware <= real, "seed {seed}: blind {real}, aware {aware}");
        worse += u32::from(aware < real);
    }
    assert!(worse > 0, "knowing of contention never gained anything");
}
