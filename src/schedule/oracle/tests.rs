//! Costs to go against searches that know nothing of them.

use fastrand::Rng;

use super::super::tests::random_problem;
use super::*;
use crate::problem::Problem;
use crate::units::Nanoseconds;

/// How far below the best order the costs may be for every phase of a group, in nanoseconds.
const BELOW: u64 = 40;

/// A problem on two accelerators without releases, some groups of which take no time.
fn problem_for_costs(rng: &mut Rng) -> Problem {
    let (n_tasks, n_groups) = (rng.usize(1..=3), rng.usize(1..=4));
    let mut problem = random_problem(rng, n_tasks, n_groups, 2);
    problem.latency_cap = None;
    let launches = rng.bool();
    for task in &mut problem.tasks {
        task.release = Nanoseconds::ZERO;
        if !launches {
            task.launch.fill(Nanoseconds::ZERO);
        }
        for cost in task.groups.iter_mut().flat_map(|group| &mut group.costs).flatten() {
            if rng.u8(..12) == 0 {
                cost.work = Nanoseconds::ZERO;
            }
        }
    }
    problem
}

/// A random accelerator for every group, as bit sets.
fn random_placement(rng: &mut Rng, problem: &Problem) -> Vec<u64> {
    let mut place = |costs: &[Option<crate::problem::Cost>]| {
        let supported: Vec<usize> = (0..costs.len()).filter(|&machine| costs[machine].is_some()).collect();
        1 << rng.choice(&supported).expect("every group runs somewhere")
    };
    problem.tasks.iter().flat_map(|task| &task.groups).map(|group| place(&group.costs)).collect()
}

/// The best makespan below `cutoff` by the given way of searching; `None` where there is none.
fn search_below(oracle: &mut Oracle, cutoff: u64, search: impl Fn(&mut Oracle, &Limits) -> bool) -> Option<u64> {
    let limits = Limits::new(None, None, crate::schedule::Cancel::default());
    (oracle.cutoff, oracle.best) = (cutoff, None);
    assert!(search(oracle, &limits), "nothing stops the search");
    oracle.best.take().map(|_| oracle.cutoff)
}

#[test]
fn costs_to_go_lead_to_the_best_order_and_are_never_above_it() {
    let mut rng = Rng::with_seed(11);
    for round in 0..3000 {
        let problem = problem_for_costs(&mut rng);
        let Some(tables) = Tables::new(&problem) else { continue };
        let allowed = random_placement(&mut rng, &problem);
        let (goal, prices) = (Goal::new(&problem, Objective::Makespan), Prices::new(&tables));
        let remaining = Remaining::new(&tables, &prices, goal, &allowed);
        let mut oracle = Oracle::new(&tables, goal, 1);
        let best =
            search_below(&mut oracle, u64::MAX, |oracle, limits| oracle.explore_plainly(&remaining, u64::MAX, limits));
        let best = best.expect("there is an order");

        let limits = Limits::new(None, None, crate::schedule::Cancel::default());
        for cutoff in [u64::MAX, best + 1] {
            let costs = CostToGo::new(&tables, &remaining, &prices, cutoff, &limits);
            let least = costs.expect("the problem has the right shape").least().expect("nothing stops it");
            let most = BELOW * 4 * allowed.len() as u64;
            assert!(least <= best && best - least <= most, "round {round}: {least} for {best} below {cutoff}");
        }
        let by_costs = |oracle: &mut Oracle, limits: &Limits| oracle.explore_by_costs(&remaining, u64::MAX, limits);
        assert_eq!(search_below(&mut oracle, best + 1 + rng.u64(..1000), by_costs), Some(best), "round {round}");
        assert_eq!(search_below(&mut oracle, best, by_costs), None, "round {round}");
    }
}

#[test]
fn costs_to_go_end_at_a_limit_and_are_not_for_everything() {
    let mut rng = Rng::with_seed(12);
    let mut problem = problem_for_costs(&mut rng);
    problem.tasks.truncate(1);
    problem.tasks[0].after.clear();
    let allowed = random_placement(&mut rng, &problem);
    let least_of = |problem: &Problem, max_nodes: Option<u64>| {
        let tables = Tables::new(problem).expect("no circle");
        let prices = Prices::new(&tables);
        let goal = Goal::new(problem, Objective::Makespan);
        let remaining = Remaining::new(&tables, &prices, goal, &allowed);
        let limits = Limits::new(None, max_nodes, crate::schedule::Cancel::default());
        CostToGo::new(&tables, &remaining, &prices, u64::MAX, &limits).map(|mut costs| costs.least())
    };
    assert!(matches!(least_of(&problem, None), Some(Some(_))));
    assert_eq!(least_of(&problem, Some(0)), Some(None), "no node was granted");
    problem.tasks[0].release = Nanoseconds(5);
    assert_eq!(least_of(&problem, None), None, "what comes then isn't independent of the time");
}
