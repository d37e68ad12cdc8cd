//! Hand-made problems whose samples can be told beforehand, and what moves together.

use super::moved::{corner, kinds, sample};
use super::{RobustOptions, Robustness, Verdict, robustness};
use crate::group::LayerRange;
use crate::platform::ContentionCurve;
use crate::problem::{Cost, Group, GroupId, Machine, Problem, Task};
use crate::schedule::{Decision, Objective, SolveOptions, evaluate};
use crate::units::{MegabytesPerSecond, Nanoseconds, SplitMix64};

/// One group in each task, without contention; microseconds by task and accelerator.
fn problem(works: &[&[u64]]) -> Problem {
    let machine = |idx: usize| Machine { name: format!("a{idx}"), curve: ContentionCurve::None, ..Machine::default() };
    let cost = |work: &u64| {
        Some(Cost { work: Nanoseconds(1000 * work), demand: MegabytesPerSecond(10_000), ..Cost::default() })
    };
    let task = |(idx, works): (usize, &&[u64])| Task {
        name: format!("t{idx}"),
        title: format!("T{idx}"),
        groups: vec![Group {
            layers: LayerRange { first: 0, last: 1 },
            costs: works.iter().map(cost).collect(),
            tail: false,
        }],
        launch: vec![Nanoseconds::ZERO; works.len()],
        ..Task::default()
    };
    Problem {
        machines: (0..works[0].len()).map(machine).collect(),
        tasks: works.iter().enumerate().map(task).collect(),
        ..Problem::default()
    }
}

/// Every task wholly on one accelerator, in the order of the tasks.
fn whole(on: &[usize], n_machines: usize) -> Decision {
    let ids = |machine: usize| (0..on.len()).filter(move |&task| on[task] == machine);
    Decision {
        placement: on.iter().map(|&machine| vec![machine]).collect(),
        order: (0..n_machines).map(|machine| ids(machine).map(|task| GroupId { task, group: 0 }).collect()).collect(),
    }
}

fn options(share: f64, samples: usize) -> RobustOptions {
    let resolve = SolveOptions { node_limit: Some(10_000), ..SolveOptions::default() };
    RobustOptions { share, samples, resolve, profile_uncertainty: None }
}

fn sampled(problem: &Problem, chosen: &Decision, baselines: &[Decision], options: &RobustOptions) -> Robustness {
    robustness(problem, chosen, baselines, options, &mut || ()).unwrap()
}

/// On accelerator 0 one task takes 1000 us, and 1010 us on the other: a gain of 1 % over the other accelerator.
fn narrow() -> (Problem, Decision, Decision) {
    (problem(&[&[1000, 1010]]), whole(&[0], 2), whole(&[1], 2))
}

#[test]
fn a_share_that_rounds_to_nothing_changes_nothing() {
    let (problem, chosen, other) = narrow();
    let found = sampled(&problem, &chosen, std::slice::from_ref(&other), &options(1e-9, 20));
    assert_eq!((found.value.low, found.value.high), (1_000_000.0, 1_000_000.0));
    let gain = found.gain.unwrap();
    assert!((gain - 10.0 / 1010.0).abs() < 1e-12);
    let spread = found.gain_over_best.unwrap();
    assert_eq!((spread.low, spread.median, spread.high), (gain, gain, gain));
    assert_eq!((found.as_good, found.placement_stays, found.within_limits, found.proved), (20, 20, 20, 20));
    assert!(found.regret.unwrap().high <= 0.0);
    assert_eq!(found.verdict(), Verdict::Holds);
}

#[test]
fn a_gain_smaller_than_what_the_numbers_move_by_is_flagged() {
    let (problem, chosen, other) = narrow();
    let found = sampled(&problem, &chosen, std::slice::from_ref(&other), &options(0.05, 200));
    assert_eq!(found.verdict(), Verdict::WithinSpread);
    // Both times are uniform within 5 %: the other one is the shorter in (0.95 - 0.005)^2 / 2 / 1 of the cases, about 40 %.
    assert!((100..140).contains(&found.as_good), "{}", found.as_good);
    // With one task, the chosen schedule is as good as the baseline exactly where it is the best one.
    assert_eq!(found.placement_stays, found.as_good);
    let regret = found.regret.unwrap();
    assert!(regret.median == 0.0 && (0.03..0.12).contains(&regret.high), "{regret:?}");
    let wide = sampled(&problem, &chosen, std::slice::from_ref(&other), &options(0.004, 200));
    assert_eq!((wide.verdict(), wide.as_good, wide.placement_stays), (Verdict::Holds, 200, 200));
}

#[test]
fn a_gain_below_the_profiles_own_uncertainty_is_flagged() {
    let (problem, chosen, other) = narrow();
    let own = RobustOptions { profile_uncertainty: Some(0.02), ..options(0.001, 10) };
    let found = sampled(&problem, &chosen, std::slice::from_ref(&other), &own);
    assert_eq!(found.verdict(), Verdict::WithinProfile);
    let none = sampled(&problem, &chosen, &[], &own);
    assert_eq!((none.verdict(), none.gain, none.gain_over_best), (Verdict::NoBaseline, None, None));
    let equal = sampled(&problem, &chosen, std::slice::from_ref(&chosen), &own);
    assert_eq!((equal.verdict(), equal.as_good), (Verdict::NoGain, 10));
}

#[test]
fn an_accelerator_that_is_slower_as_a_whole_makes_another_placement_the_best() {
    let (problem, chosen, other) = narrow();
    let found = sampled(&problem, &chosen, &[other], &options(0.05, 1));
    let seen: Vec<_> = found.corners.iter().map(|it| (it.machines[0], it.value, it.placement_stays)).collect();
    assert_eq!(seen, [(0, 950_000, true), (0, 1_050_000, false), (1, 1_000_000, false), (1, 1_000_000, true)]);
    let regrets: Vec<String> = found.corners.iter().map(|it| format!("{:.4}", it.regret.unwrap())).collect();
    assert_eq!(regrets, ["0.0000", "0.0396", "0.0422", "0.0000"]);
}

#[test]
fn the_same_seed_samples_the_same_and_another_one_doesnt() {
    let problem = problem(&[&[1000, 1900], &[800, 900], &[300, 500]]);
    let (chosen, other) = (whole(&[0, 1, 0], 2), whole(&[0, 1, 1], 2));
    let of_seed = |seed: u64| {
        let mut options = options(0.1, 20);
        options.resolve.seed = seed;
        sampled(&problem, &chosen, std::slice::from_ref(&other), &options)
    };
    assert_eq!(of_seed(1), of_seed(1));
    assert_ne!(of_seed(1).value, of_seed(2).value);
}

#[test]
fn every_objective_has_its_own_direction() {
    let (mut problem, chosen, other) = narrow();
    problem.tasks[0].due = Some(crate::problem::Due { at: Nanoseconds(10_000), weight: 3 });
    problem.machines.iter_mut().for_each(|machine| machine.power = Some(crate::units::Milliwatts(1000)));
    for objective in [Objective::Makespan, Objective::Throughput, Objective::Tardiness, Objective::Energy] {
        let mut options = options(0.05, 100);
        options.resolve.objective = objective;
        let found = sampled(&problem, &chosen, std::slice::from_ref(&other), &options);
        assert!(found.gain.unwrap() > 0.009, "{objective:?}");
        assert!(found.regret.unwrap().high > 0.02, "{objective:?}");
        // The draws are the same, and so is which of the two is better.
        assert_eq!(found.as_good, found.placement_stays, "{objective:?}");
    }
}

#[test]
fn a_schedule_that_breaks_the_latency_cap_in_a_sample_is_not_as_good_there() {
    let (mut problem, chosen, other) = narrow();
    problem.latency_cap = Some(Nanoseconds(1_000_000));
    let found = sampled(&problem, &chosen, std::slice::from_ref(&other), &options(0.05, 100));
    assert!((30..70).contains(&found.within_limits), "{}", found.within_limits);
    assert!(found.as_good <= found.within_limits && found.placement_stays <= found.within_limits);
}

#[test]
fn what_is_one_number_of_a_profile_moves_as_one() {
    // Tasks 0 and 2 are the same network; accelerators 1 and 2 are the same core twice.
    let nominal = problem(&[&[1000, 1900, 1900], &[800, 900, 900], &[1000, 1900, 1900]]);
    let moved = sample(&nominal, 0.2, &mut SplitMix64::new(7));
    let work = |task: usize, machine: usize| moved.tasks[task].groups[0].costs[machine].unwrap().work;
    assert_eq!(kinds(&nominal), [vec![0], vec![1, 2]]);
    assert_eq!(kinds(&moved), kinds(&nominal));
    assert_eq!((work(0, 0), work(0, 1)), (work(2, 0), work(2, 1)));
    assert!(work(0, 0) != Nanoseconds(1_000_000) && work(1, 1) != Nanoseconds(900_000));
    for (task, was) in moved.tasks.iter().zip(&nominal.tasks) {
        for (cost, was) in task.groups[0].costs.iter().flatten().zip(was.groups[0].costs.iter().flatten()) {
            let ratio = cost.work.0 as f64 / was.work.0 as f64;
            assert!((0.8..=1.2).contains(&ratio), "{ratio}");
        }
    }
    let slower = corner(&nominal, &[1, 2], 1.1);
    let changed: Vec<u64> = slower.tasks[0].groups[0].costs.iter().flatten().map(|cost| cost.work.0).collect();
    assert_eq!(changed, [1_000_000, 2_090_000, 2_090_000]);
}

#[test]
fn a_schedule_of_another_problem_is_refused() {
    let (problem, _, other) = narrow();
    let foreign = whole(&[0, 1], 2);
    assert!(evaluate(&problem, &foreign).is_err());
    let error = robustness(&problem, &foreign, &[other], &options(0.05, 1), &mut || ()).unwrap_err();
    assert!(error.to_string().contains("has no timeline"), "{error}");
}
