//! What can be shown only from inside: every row holds on evaluated timelines, and both ways of searching agree.

use super::bounds::{PRICE_ONE, Prices};
use super::fitting;
use super::goal::Goal;
use super::plans::{self, PlanTable};
use super::rows::{rounded, rows};
use super::search::{SIZES, Sizes, SolveError, solve_with};
use super::tables::Tables;
use super::{Decision, Objective, ProofState, SolveOptions, Stop, evaluate};
use crate::group::LayerRange;
use crate::platform::{ContentionCurve, Pccs};
use crate::problem::{Cost, Due, Group, GroupId, Machine, Problem, Task};
use crate::units::{MegabytesPerSecond, Milliwatts, Nanoseconds};
use fastrand::Rng;

/// So few plans that the groups are searched.
const FEW: Sizes = Sizes { priced: 4, chosen: 4 };

const OBJECTIVES: [Objective; 4] =
    [Objective::Makespan, Objective::Throughput, Objective::Tardiness, Objective::Energy];

/// Tasks with launches, entries, exits, network input and output, releases and an edge now and then.
pub(super) fn random_problem(rng: &mut Rng, n_tasks: usize, n_groups: usize, n_machines: usize) -> Problem {
    let pccs = |rng: &mut Rng| Pccs {
        normal_bw: 30.0,
        intensive_bw: 60.0 + 20.0 * rng.f64(),
        mrmc: 5.0,
        tbwdc: 80.0,
        cbp: 45.0,
        rate: 0.5 + rng.f64(),
        pbw: 137.0,
    };
    let machines = (0..n_machines).map(|idx| Machine {
        name: format!("a{idx}"),
        curve: ContentionCurve::Pccs(pccs(rng)),
        pays_network_io: rng.u8(..4) == 0,
        power: (rng.u8(..4) > 0).then(|| Milliwatts(rng.u32(..20_000))),
    });
    let machines = machines.collect();
    let mut tasks: Vec<Task> = (0..n_tasks).map(|idx| random_task(rng, idx, n_groups, n_machines)).collect();
    if n_tasks > 1 && rng.u8(..4) == 0 {
        tasks[1] = Task {
            frame_of: Some(0),
            groups: tasks[0].groups.clone(),
            launch: tasks[0].launch.clone(),
            ..tasks[1].clone()
        };
    }
    let latency_cap = (rng.u8(..4) == 0).then(|| Nanoseconds(rng.u64(1_000_000..6_000_000)));
    let idle_power = Milliwatts(if rng.bool() { rng.u32(..3000) } else { 0 });
    Problem {
        latency_cap,
        idle_power,
        machines,
        tasks,
        max_transitions: *rng.choice(&[Some(1), Some(2), None]).expect("not empty"),
    }
}

fn random_task(rng: &mut Rng, idx: usize, n_groups: usize, n_machines: usize) -> Task {
    let group = |rng: &mut Rng, at: usize| Group {
        layers: LayerRange { first: at, last: at + 1 },
        costs: (0..n_machines).map(|machine| (machine == 0 || rng.u8(..8) > 0).then(|| random_cost(rng))).collect(),
        tail: at + 1 == n_groups && rng.bool(),
    };
    Task {
        name: format!("t{idx}"),
        title: String::new(),
        groups: (0..n_groups).map(|at| group(rng, at)).collect(),
        launch: (0..n_machines).map(|_| Nanoseconds(rng.u64(..30_000))).collect(),
        due: rng.bool().then(|| Due { at: Nanoseconds(rng.u64(..4_000_000)), weight: rng.u32(..5) }),
        release: Nanoseconds(if rng.u8(..4) == 0 { rng.u64(..500_000) } else { 0 }),
        after: if idx > 0 && rng.u8(..6) == 0 { vec![idx - 1] } else { vec![] },
        ..Task::default()
    }
}

fn random_cost(rng: &mut Rng) -> Cost {
    Cost {
        work: Nanoseconds(rng.u64(50_000..900_000)),
        demand: MegabytesPerSecond(rng.u32(..90_000)),
        entry: Nanoseconds(rng.u64(..60_000)),
        exit: Nanoseconds(rng.u64(..20_000)),
    }
}

/// A random plan of every task, started in a random order that is possible.
fn random_decision(rng: &mut Rng, tables: &Tables, table: &PlanTable) -> (Vec<usize>, Decision) {
    let combination: Vec<usize> = table.plans.iter().map(|plans| rng.usize(..plans.len())).collect();
    let placed = |&class: &usize| table.plans[class][combination[class]].placement.clone();
    let placement: Vec<Vec<usize>> = tables.class_of.iter().map(placed).collect();
    let mut next = vec![0; tables.n_tasks];
    let mut order = vec![vec![]; tables.n_machines];
    loop {
        let ended = |task: usize, next: &[usize]| next[task] == tables.n_groups(task);
        let can_start = |&task: &usize| {
            !ended(task, &next) && tables.problem.tasks[task].after.iter().all(|&before| ended(before, &next))
        };
        let startable: Vec<usize> = (0..tables.n_tasks).filter(can_start).collect();
        let Some(&task) = rng.choice(&startable) else { break };
        order[placement[task][next[task]]].push(GroupId { task, group: next[task] });
        next[task] += 1;
    }
    (combination, Decision { placement, order })
}

#[test]
fn every_row_and_bound_holds_at_the_achieved_score_of_random_timelines() {
    let mut rng = Rng::with_seed(11);
    for round in 0..300 {
        let problem = random_problem(&mut rng, 2 + round % 2, 5, 2 + round / 2 % 2);
        let tables = Tables::new(&problem).expect("edges go upward");
        let prices = Prices::new(&tables);
        let limit = problem.max_transitions.unwrap_or(usize::MAX);
        for objective in OBJECTIVES {
            let goal = Goal::new(&problem, objective);
            let leaders = tables.classes.iter().map(|class| class[0]);
            let plans = leaders.map(|task| {
                let plans = plans::enumerate(&tables, &prices, goal, task, limit, usize::MAX);
                assert_eq!(plans::count(&tables, task, limit), plans.len() as u64, "task {task} of {problem:#?}");
                plans
            });
            let mut table = PlanTable { plans: plans.collect(), n_vectors: prices.n_vectors() + tables.n_machines };
            let fitted = fitting::of_all(&tables, &prices, &table).expect("there are two or three accelerators");
            table.reprice(&tables, &prices.with(&tables, &fitted));
            for attempt in 0..10 {
                let (combination, decision) = random_decision(&mut rng, &tables, &table);
                let timeline = evaluate(&problem, &decision).expect("the order is possible");
                let score = goal.score(&decision.placement, &timeline);
                assert!(table.bound(&tables, goal, &combination) <= score, "{objective:?}: {problem:#?}");
                check_rows(&tables, goal, &table, score, &combination);
                if attempt == 0 {
                    check_useful(&tables, goal, &table, score, &decision);
                }
                check_fitted_to(&tables, &prices, &decision, timeline.makespan().0);
            }
        }
    }
}

#[test]
fn whatever_works_and_moves_at_once_pays_at_most_one() {
    let mut rng = Rng::with_seed(23);
    for round in 0..200 {
        let n_machines = 2 + round % 4;
        let problem = random_problem(&mut rng, n_machines, 3, n_machines);
        let tables = Tables::new(&problem).expect("edges go upward");
        let prices = Prices::new(&tables);
        for _ in 0..200 {
            let (set, moving) = random_company(&mut rng, &tables);
            for vector in 0..prices.n_vectors() {
                let works =
                    set.iter().map(|&slot| prices.of_slot(slot)[vector] * tables.rate_among(slot, set.iter().copied()));
                let moves = moving.iter().map(|&machine| prices.of_moves(machine)[vector] * 1000);
                let pays = works.chain(moves).sum::<u64>();
                assert!(pays <= PRICE_ONE * 1000, "{set:?} and {moving:?} pay {pays} to {vector} in round {round}");
            }
        }
    }
}

/// Slots of different tasks that work at once, one of an accelerator at most, and accelerators on which another one moves.
fn random_company(rng: &mut Rng, tables: &Tables) -> (Vec<usize>, Vec<usize>) {
    let mut tasks: Vec<usize> = (0..tables.n_tasks).collect();
    rng.shuffle(&mut tasks);
    let (mut set, mut moving) = (vec![], vec![]);
    for (machine, &task) in (0..tables.n_machines).zip(&tasks) {
        let slot = tables.slot(task, rng.usize(..tables.n_groups(task)), machine);
        match rng.u8(..4) {
            0 => {}
            1 => moving.push(machine),
            _ if tables.costs[slot].is_some() => set.push(slot),
            _ => {}
        }
    }
    (set, moving)
}

/// The plans of a schedule are among those that a score as good as its own needs; below the bound of all there are none.
fn check_useful(tables: &Tables, goal: Goal, table: &PlanTable, score: u64, decision: &Decision) {
    let useful = table.below(tables, goal, score.saturating_add(1));
    assert!(useful.combination(tables, &decision.placement).is_some(), "{:?}: {:#?}", goal.objective, tables.problem);
    assert_eq!(table.below(tables, goal, table.root_bound(tables, goal)).combinations(), 0);
}

/// The work of a schedule pays at most its makespan to prices that are fitted to pay more.
fn check_fitted_to(tables: &Tables, prices: &Prices, decision: &Decision, makespan: u64) {
    let placed = decision.placement.iter().enumerate();
    let slots = placed.flat_map(|(task, placement)| {
        placement.iter().enumerate().map(move |(group, &machine)| tables.slot(task, group, machine))
    });
    let works: Vec<(usize, u64)> = slots.map(|slot| (slot, tables.cost(slot).work)).collect();
    let vector = fitting::of_works(tables, prices, &works, 2 * makespan).expect("there are two or three accelerators");
    let pays: u64 = works.iter().map(|&(slot, work)| super::bounds::paid(work, vector[slot])).sum();
    assert!(pays <= makespan, "{pays} are paid in {makespan}: {:#?}", tables.problem);
    let grid = (0..prices.n_vectors()).map(|idx| works.iter().map(|&(slot, work)| prices.of(idx, slot, work)).sum());
    let best: u64 = grid.max().unwrap_or(0);
    assert!(pays >= best, "{pays} are paid where the grid makes it {best}");
}

fn check_rows(tables: &Tables, goal: Goal, table: &PlanTable, score: u64, combination: &[usize]) {
    for (idx, row) in rows(tables, goal, table, score).iter().enumerate() {
        let chosen = combination.iter().zip(&row.weights).map(|(&plan, weights)| weights[plan]);
        assert!(chosen.sum::<u64>() <= row.limit, "row {idx} of {:?} for {combination:?}", goal.objective);
        let (weights, limit) = rounded(row).expect("something satisfies the row");
        let chosen = combination.iter().zip(&weights).map(|(&plan, weights)| weights[plan]);
        assert!(chosen.sum::<i32>() <= limit, "rounded row {idx} of {:?}", goal.objective);
    }
}

#[test]
fn searching_by_groups_proves_what_searching_by_plans_proves() {
    let mut rng = Rng::with_seed(5);
    for round in 0..40 {
        let problem = random_problem(&mut rng, 2, 5, 2 + round % 2);
        for objective in OBJECTIVES {
            let options = SolveOptions { objective, seed: 3, ..SolveOptions::default() };
            let by_plans = solve_with(&problem, &options, &[], SIZES, &mut |_| ());
            let by_groups = solve_with(&problem, &options, &[], FEW, &mut |_| ());
            let (Ok(by_plans), Ok(by_groups)) = (&by_plans, &by_groups) else {
                assert!(
                    matches!(
                        (&by_plans, &by_groups),
                        (Err(SolveError::Infeasible { .. }), Err(SolveError::Infeasible { .. }))
                    ),
                    "{by_plans:?}, {by_groups:?}"
                );
                continue;
            };
            assert_eq!(by_groups.proof.state, ProofState::Optimal);
            assert_eq!(by_plans.proof.state, ProofState::Optimal);
            assert_eq!(by_groups.value, by_plans.value, "{objective:?} in round {round}: {problem:#?}");
            assert_eq!(by_groups.proof.statistics.combinations, by_plans.proof.statistics.combinations);
        }
    }
}

#[test]
fn the_counts_of_a_proof_add_up_to_all_combinations_also_of_a_single_task() {
    let mut rng = Rng::with_seed(17);
    let options = SolveOptions { seed: 3, ..SolveOptions::default() };
    for round in 0..20 {
        let problem = Problem { latency_cap: None, ..random_problem(&mut rng, 1 + round % 3, 4, 2) };
        let proof = solve_with(&problem, &options, &[], SIZES, &mut |_| ()).expect("a schedule exists").proof;
        assert_eq!(proof.state, ProofState::Optimal);
        let counts = proof.statistics;
        let sum = counts.excluded_by_rows + counts.decided_by_oracle + counts.excluded_by_enumeration;
        assert_eq!(sum, counts.combinations, "in round {round}: {counts:?}");
    }
}

#[test]
fn a_search_by_groups_that_stops_at_once_still_has_its_first_bound() {
    let problem = Problem { latency_cap: None, ..random_problem(&mut Rng::with_seed(5), 2, 5, 2) };
    let options = SolveOptions { node_limit: Some(1), seed: 3, ..SolveOptions::default() };
    let stopped = solve_with(&problem, &options, &[], FEW, &mut |_| ()).expect("a schedule exists");
    assert_eq!(stopped.proof.stopped_by, Some(Stop::NodeLimit));
    assert!(stopped.proof.bound > 0 && stopped.proof.statistics.combinations > 0, "{:?}", stopped.proof);
}

/// An hour-long group on either accelerator, at whose demand the other one nearly stops.
fn hour(at: usize) -> Group {
    let work = Nanoseconds(3_600_000_000_000);
    let cost = Cost { work, demand: MegabytesPerSecond(50_000), entry: Nanoseconds(0), exit: Nanoseconds(0) };
    Group { layers: LayerRange { first: at, last: at + 1 }, costs: vec![Some(cost); 2], tail: false }
}

#[test]
fn the_longest_times_that_a_problem_may_have_do_not_overflow() {
    let steep = Pccs { normal_bw: 0.0, intensive_bw: 1.0, mrmc: 0.0, tbwdc: 1.0, cbp: 50.0, rate: 50.0, pbw: 100.0 };
    let machine = |name: &str| Machine {
        name: name.into(),
        curve: ContentionCurve::Pccs(steep),
        pays_network_io: false,
        ..Machine::default()
    };
    let task = |idx: usize| Task {
        name: format!("t{idx}"),
        title: String::new(),
        groups: (0..if idx < 2 { 300 } else { 1 }).map(hour).collect(),
        launch: vec![Nanoseconds(0); 2],
        release: Nanoseconds(0),
        after: if idx < 2 { vec![] } else { vec![0, 1] },
        ..Task::default()
    };
    let tasks: Vec<Task> = (0..24).map(task).collect();
    let problem =
        Problem { machines: vec![machine("a"), machine("b")], tasks, max_transitions: Some(0), ..Problem::default() };
    assert_eq!(problem.validate(), Ok(()));
    let placement: Vec<Vec<usize>> =
        problem.tasks.iter().enumerate().map(|(idx, task)| vec![idx % 2; task.groups.len()]).collect();
    let on = |machine: usize| {
        let tasks = (0..24).filter(move |task| task % 2 == machine);
        let ids =
            tasks.flat_map(|task| (0..problem.tasks[task].groups.len()).map(move |group| GroupId { task, group }));
        ids.collect::<Vec<_>>()
    };
    let warm = Decision { order: vec![on(0), on(1)], placement };
    for objective in [Objective::Makespan, Objective::Throughput] {
        let options = SolveOptions { objective, node_limit: Some(1), seed: 3, ..SolveOptions::default() };
        let solution =
            solve_with(&problem, &options, std::slice::from_ref(&warm), SIZES, &mut |_| ()).expect("a schedule");
        assert!(solution.timeline.makespan() <= evaluate(&problem, &warm).expect("a timeline").makespan());
    }
}

#[test]
fn plans_are_found_at_once_where_nearly_every_beginning_leads_nowhere() {
    let mut problem = random_problem(&mut Rng::with_seed(1), 1, 60, 2);
    for (at, group) in problem.tasks[0].groups.iter_mut().enumerate() {
        *group = hour(at);
        if at >= 40 {
            group.costs[at % 2] = None;
        }
    }
    let tables = Tables::new(&problem).expect("there are no edges");
    let prices = Prices::new(&tables);
    let goal = Goal::new(&problem, Objective::Makespan);
    let placements = plans::enumerate(&tables, &prices, goal, 0, 19, usize::MAX);
    let placements: Vec<Vec<usize>> = placements.into_iter().map(|plan| plan.placement).collect();
    assert_eq!(placements.len(), 1, "everything before the pinned groups is where the first of them is");
    assert!(placements[0][..41].iter().all(|&machine| machine == 1));
}
