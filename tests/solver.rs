//! The solver against brute force, against its own bounds, and at its limits.

#![expect(clippy::print_stderr, reason = "says which count of problems runs")]

mod common;

use std::time::{Duration, Instant};

use common::brute_force::{OBJECTIVES, brute_force, placements};
use common::{Shape, profile_like_problem, random_problem, random_workload};
use haxconn::platform::ContentionCurve;
use haxconn::problem::{GroupId, Problem};
use haxconn::schedule::{Decision, Objective, ProofState, Solution, SolveError, SolveOptions, Stop, evaluate, solve};

fn options(objective: Objective) -> SolveOptions {
    SolveOptions { objective, ..SolveOptions::default() }
}

fn solved(problem: &Problem, objective: Objective) -> Solution {
    let solution = solve(problem, &options(objective), &[], &mut |_| ()).expect("the problem has a schedule");
    let timeline = evaluate(problem, &solution.decision).expect("the answer has a timeline");
    assert_eq!(timeline, solution.timeline);
    assert_eq!(objective.value(problem, &solution.decision.placement, &timeline), solution.value);
    solution
}

/// Compares both objectives' proved values with those of brute force.
fn check_against_brute_force(seed: u64, shape: Shape) {
    let problem = random_problem(seed, shape);
    let best = brute_force(&problem).expect("accelerator 0 runs everything");
    for (objective, value) in OBJECTIVES.into_iter().zip(best).take(2) {
        let solution = solved(&problem, objective);
        assert_eq!(solution.value, value, "{objective:?} of seed {seed}, {shape:?}: {problem:#?}");
        assert_eq!(solution.proof.state, ProofState::Optimal, "{objective:?} of seed {seed}, {shape:?}");
        assert_eq!(solution.proof.bound, value);
    }
}

/// The same for all objectives with deadlines, frames, equal accelerators, powers and a latency cap, which may be too short.
/// True where the cap can be kept.
fn check_workload_against_brute_force(seed: u64, shape: Shape) -> bool {
    let problem = random_workload(seed, shape);
    assert_eq!(problem.validate(), Ok(()), "seed {seed}");
    let best = brute_force(&problem);
    for (idx, objective) in OBJECTIVES.into_iter().enumerate() {
        let solved = solve(&problem, &options(objective), &[], &mut |_| ());
        let of = format!("{objective:?} of seed {seed}, {shape:?}: {problem:#?}");
        match (best, solved) {
            (Some(best), Ok(solution)) => {
                assert_eq!(solution.value, best[idx], "{of}");
                assert_eq!((solution.proof.state, solution.proof.bound), (ProofState::Optimal, best[idx]), "{of}");
            }
            (None, Err(SolveError::Infeasible { .. })) => {}
            (best, solved) => panic!("brute force {best:?}, solver {solved:?}: {of}"),
        }
    }
    best.is_some()
}

#[test]
fn workloads_equal_brute_force() {
    let n_problems = if is_long() { 1000 } else { 80 };
    eprintln!("comparing {n_problems} workloads of each shape (1000 with HAXCONN_TEST_LONG=1)");
    for (shape, share) in
        [(Shape::up_to(2, 4, 2), 1), (Shape::up_to(2, 3, 3), 1), (Shape::up_to(3, 3, 2), 2), (Shape::up_to(3, 2, 3), 2)]
    {
        let n_kept = (0..n_problems / share).filter(|&seed| check_workload_against_brute_force(seed, shape)).count();
        assert!(n_kept as u64 > n_problems / share / 2, "too few of {shape:?} can keep their cap: {n_kept}");
        assert!((n_kept as u64) < n_problems / share, "every cap of {shape:?} can be kept");
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

/// Whether the long counts were asked for (`make test-long`).
fn is_long() -> bool {
    std::env::var_os("HAXCONN_TEST_LONG").is_some_and(|value| value == "1")
}

#[test]
fn equals_brute_force_up_to_two_by_six_in_the_long_run() {
    let n_problems = if is_long() { 1000 } else { 3 };
    eprintln!("comparing {n_problems} problems up to 2 x 6 (1000 with HAXCONN_TEST_LONG=1)");
    for seed in 1000..1000 + n_problems {
        check_against_brute_force(seed, Shape::up_to(2, 6, 2));
    }
}

/// All tasks on the accelerators that `pick` gives, one task after the other.
fn serial(problem: &Problem, mut pick: impl FnMut(&[usize]) -> usize) -> Decision {
    let placement: Vec<Vec<usize>> = (0..problem.tasks.len())
        .map(|task| placements(problem, task))
        .map(|plans| plans[pick(&(0..plans.len()).collect::<Vec<_>>())].clone())
        .collect();
    let mut order = vec![vec![]; problem.machines.len()];
    for (task, machines) in placement.iter().enumerate() {
        for (group, &machine) in machines.iter().enumerate() {
            order[machine].push(GroupId { task, group });
        }
    }
    Decision { placement, order }
}

#[test]
fn is_never_worse_than_a_given_schedule_however_few_nodes_it_has() {
    let n_problems = if is_long() { 10_000 } else { 200 };
    eprintln!("solving {n_problems} problems with few nodes (10000 with HAXCONN_TEST_LONG=1)");
    for seed in 0..n_problems {
        let problem = random_problem(seed, Shape::up_to(3, 5, 2));
        let mut rng = fastrand::Rng::with_seed(seed);
        let warm: Vec<Decision> =
            (0..4).map(|_| serial(&problem, |plans| *rng.choice(plans).expect("a plan"))).collect();
        for objective in [Objective::Makespan, Objective::Throughput] {
            let options = SolveOptions { node_limit: Some(rng.u64(..50)), ..options(objective) };
            let solution = solve(&problem, &options, &warm, &mut |_| ()).expect("the problem has a schedule");
            for decision in &warm {
                let timeline = evaluate(&problem, decision).expect("serial orders have a timeline");
                assert!(
                    !objective.is_better(objective.value(&problem, &decision.placement, &timeline), solution.value),
                    "seed {seed}"
                );
            }
            assert!(!objective.is_better(solution.value, solution.proof.bound), "bound of seed {seed}");
        }
    }
}

#[test]
fn the_bound_of_a_stopped_search_never_passes_the_optimum() {
    for seed in 0..40 {
        let problem = random_problem(seed, Shape::exact(2, 5, 2));
        for objective in [Objective::Makespan, Objective::Throughput] {
            let optimum = solved(&problem, objective).value;
            let limited = SolveOptions { node_limit: Some(30), ..options(objective) };
            let stopped = solve(&problem, &limited, &[], &mut |progress| {
                assert!(
                    progress.bound.is_some_and(|bound| !objective.is_better(optimum, bound)),
                    "{objective:?}, seed {seed}"
                );
            });
            let stopped = stopped.expect("the problem has a schedule");
            assert_eq!(stopped.proof.state == ProofState::Feasible, stopped.proof.stopped_by.is_some());
            assert!(!objective.is_better(optimum, stopped.proof.bound), "{objective:?}, seed {seed}");
        }
    }
}

#[test]
fn ignoring_contention_never_gives_a_better_schedule() {
    for seed in 0..20 {
        let problem = profile_like_problem(seed, Shape::exact(2, 6, 2), Some(1));
        let mut blind = problem.clone();
        blind.machines.iter_mut().for_each(|machine| machine.curve = ContentionCurve::None);
        let unaware = solved(&blind, Objective::Makespan);
        let seen = evaluate(&problem, &unaware.decision).expect("the same decision has a timeline");
        let aware = solved(&problem, Objective::Makespan);
        assert!(aware.value <= seen.makespan().0, "seed {seed}");
        assert!(unaware.value <= aware.value, "contention never helps, seed {seed}");
    }
}

#[test]
fn equal_tasks_are_solved_as_brute_force_does() {
    for seed in 0..20 {
        let mut problem = random_problem(seed, Shape::exact(2, 4, 2));
        problem.tasks[1] = problem.tasks[0].clone();
        problem.tasks.iter_mut().for_each(|task| task.after.clear());
        let best = brute_force(&problem).expect("accelerator 0 runs everything");
        for (objective, value) in OBJECTIVES.into_iter().zip(best) {
            assert_eq!(solved(&problem, objective).value, value, "{objective:?}, seed {seed}");
        }
    }
}

#[test]
fn the_same_seed_and_node_limit_give_the_same_answer() {
    let problem = profile_like_problem(2, Shape::exact(3, 8, 2), Some(2));
    let limited = SolveOptions { node_limit: Some(20_000), ..options(Objective::Makespan) };
    let run = || {
        let solution = solve(&problem, &limited, &[], &mut |_| ()).expect("the problem has a schedule");
        (solution.decision, solution.value, solution.proof.bound, solution.proof.statistics)
    };
    assert_eq!(run(), run());
}

#[test]
fn a_time_limit_ends_the_search_with_an_answer_and_a_bound() {
    let problem = profile_like_problem(2, Shape::exact(5, 12, 3), Some(2));
    let limited = SolveOptions { time_limit: Some(Duration::from_millis(300)), ..options(Objective::Makespan) };
    let started = Instant::now();
    let solution = solve(&problem, &limited, &[], &mut |_| ()).expect("the problem has a schedule");
    assert!(started.elapsed() < Duration::from_secs(5), "took {:?}", started.elapsed());
    assert_eq!(solution.proof.state, ProofState::Feasible);
    assert_eq!(solution.proof.stopped_by, Some(Stop::TimeLimit));
    assert!(solution.proof.bound < solution.value);
}

#[test]
fn a_cancelled_search_ends_with_an_answer_and_a_bound() {
    let problem = profile_like_problem(2, Shape::exact(5, 12, 3), Some(2));
    let cancelled = options(Objective::Makespan);
    let cancel = cancelled.cancel.clone();
    let (started, asked) = std::thread::scope(|scope| {
        let asking = scope.spawn(move || {
            std::thread::sleep(Duration::from_millis(300));
            cancel.cancel();
            Instant::now()
        });
        let solution = solve(&problem, &cancelled, &[], &mut |_| ()).expect("the problem has a schedule");
        assert_eq!(solution.proof.stopped_by, Some(Stop::Cancelled));
        assert!(!solution.proof.deterministic && solution.proof.bound < solution.value);
        (Instant::now(), asking.join().expect("it only waits"))
    });
    assert!(started - asked < Duration::from_secs(5), "took {:?} after it was cancelled", started - asked);
}

#[test]
fn several_threads_prove_the_same_value() {
    for seed in 0..10 {
        let problem = profile_like_problem(seed, Shape::exact(3, 6, 2), Some(2));
        let threads = SolveOptions { threads: 3, ..options(Objective::Makespan) };
        let solution = solve(&problem, &threads, &[], &mut |_| ()).expect("the problem has a schedule");
        assert_eq!(solution.proof.state, ProofState::Optimal);
        assert_eq!(solution.value, solved(&problem, Objective::Makespan).value, "seed {seed}");
        assert!(!solution.proof.deterministic);
    }
}

#[test]
fn counts_every_combination_once_where_the_optimum_is_proved() {
    let problem = profile_like_problem(1, Shape::exact(2, 8, 2), Some(1));
    let counts = solved(&problem, Objective::Makespan).proof.statistics;
    assert_eq!(counts.combinations, 16 * 16);
    assert_eq!(
        counts.excluded_by_rows + counts.decided_by_oracle + counts.excluded_by_enumeration,
        counts.combinations,
        "{counts:?}"
    );
    assert!(counts.z3_checks > 0);
}

#[test]
fn refuses_problems_without_a_schedule_in_words() {
    let mut problem = random_problem(1, Shape::exact(2, 3, 2));
    problem.tasks[0].after = vec![1];
    problem.tasks[1].after = vec![0];
    assert_eq!(failure(&problem), SolveError::Circle);
    let mut problem = profile_like_problem(1, Shape::exact(2, 3, 2), Some(0));
    problem.tasks[1].groups[0].costs[0] = None;
    problem.tasks[1].groups[1].costs[1] = None;
    let name = problem.tasks[1].name.clone();
    assert_eq!(failure(&problem), SolveError::NoPlan { task: name.clone(), limit: 0 });
    problem.tasks[1].groups[1].costs[0] = None;
    assert_eq!(failure(&problem), SolveError::NoAccelerator { task: name, group: 1 });
}

#[test]
fn refuses_more_groups_than_its_tables_hold() {
    let problem = profile_like_problem(1, Shape::exact(2, 1001, 2), Some(1));
    let what = "groups, each counted once for each accelerator,";
    assert_eq!(failure(&problem), SolveError::TooLarge { what, found: 4004, most: 4000 });
}

fn failure(problem: &Problem) -> SolveError {
    solve(problem, &options(Objective::Makespan), &[], &mut |_| ()).expect_err("there is no schedule")
}

#[test]
fn proves_ten_groups_without_a_limit_on_transitions() {
    let limited = profile_like_problem(1, Shape::exact(2, 10, 2), Some(2));
    let unlimited = Problem { max_transitions: None, ..limited.clone() };
    for objective in [Objective::Makespan, Objective::Throughput] {
        let (few, any) = (solved(&limited, objective), solved(&unlimited, objective));
        assert_eq!(any.proof.state, ProofState::Optimal);
        assert_eq!(any.proof.statistics.combinations, 1024 * 1024);
        assert!(!objective.is_better(few.value, any.value));
    }
}

#[test]
fn equals_brute_force_on_five_accelerators() {
    for seed in 0..5 {
        check_against_brute_force(seed, Shape::exact(2, 2, 5));
    }
}

#[test]
fn one_task_alone_and_many_tasks_are_solved_without_a_crash() {
    for seed in 0..10 {
        check_against_brute_force(seed, Shape::up_to(1, 6, 2));
        let problem = random_problem(seed, Shape::up_to(12, 6, 2));
        let limited = SolveOptions { node_limit: Some(2000), ..options(Objective::Throughput) };
        let solution = solve(&problem, &limited, &[], &mut |_| ()).expect("the problem has a schedule");
        assert!(solution.proof.bound >= solution.value);
    }
}
