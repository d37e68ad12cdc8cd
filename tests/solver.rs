//! The solver against brute force, against its own bounds, and at its limits.

mod common;

use common::brute_force::brute_force;
use common::{Shape, random_problem};
use haxconn::problem::Problem;
use haxconn::schedule::{Objective, ProofState, Solution, SolveOptions, evaluate, solve};

fn options(objective: Objective) -> SolveOptions {
    SolveOptions { objective, time_limit: None, node_limit: None, seed: 1 }
}

fn solved(problem: &Problem, objective: Objective) -> Solution {
    let solution = solve(problem, &options(objective), &[], &mut |_| ()).expect("the problem has a schedule");
    let timeline = evaluate(problem, &solution.decision).expect("the answer has a timeline");
    assert_eq!(timeline, solution.timeline);
    assert_eq!(objective.value(problem, &timeline), solution.value);
    solution
}

/// Compares both objectives' proved values with those of brute force.
fn check_against_brute_force(seed: u64, shape: Shape) {
    let problem = random_problem(seed, shape);
    let best = brute_force(&problem).expect("accelerator 0 runs everything");
    for (objective, value) in [(Objective::Makespan, best.makespan), (Objective::Throughput, best.throughput)] {
        let solution = solved(&problem, objective);
        assert_eq!(solution.value, value, "{objective:?} of seed {seed}, {shape:?}: {problem:#?}");
        assert_eq!(solution.proof.state, ProofState::Optimal, "{objective:?} of seed {seed}, {shape:?}");
        assert_eq!(solution.proof.bound, value);
    }
}

#[test]
fn equals_brute_force_on_two_accelerators() {
    let n_pairs = 130;
    for seed in 0..n_pairs {
        check_against_brute_force(seed, Shape::up_to(2, 5, 2));
    }
    for seed in n_pairs..200 {
        check_against_brute_force(seed, Shape::up_to(3, 3, 2));
    }
}

#[test]
fn equals_brute_force_on_three_accelerators() {
    for seed in 0..10 {
        check_against_brute_force(seed, Shape::exact(3, 3, 3));
    }
}
