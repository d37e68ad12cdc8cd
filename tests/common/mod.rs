//! Seeded random problems that tests and benchmarks share. Knows the problem type only.
#![allow(dead_code, unreachable_pub, reason = "every test target compiles this file and uses its own part")]

pub mod brute_force;

use fastrand::Rng;
use haxconn::group::LayerRange;
use haxconn::platform::{ContentionCurve, Pccs};
use haxconn::problem::{Cost, Due, Group, Machine, Problem, Task};
use haxconn::units::{MegabytesPerSecond, Milliwatts, Nanoseconds};

/// How large a random problem is.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Number of tasks.
    pub tasks: usize,
    /// Fewest groups of a task.
    pub min_groups: usize,
    /// Most groups of a task.
    pub max_groups: usize,
    /// Number of accelerators.
    pub machines: usize,
}

impl Shape {
    /// Exactly `groups` groups in each of `tasks` tasks.
    pub const fn exact(tasks: usize, groups: usize, machines: usize) -> Self {
        Self { tasks, min_groups: groups, max_groups: groups, machines }
    }

    /// Between one and `groups` groups in each of `tasks` tasks.
    pub const fn up_to(tasks: usize, groups: usize, machines: usize) -> Self {
        Self { tasks, min_groups: 1, max_groups: groups, machines }
    }
}

/// A valid problem with everything that the model knows: launches, entries and exits, network input and output, groups
/// that an accelerator can't run, tails, releases, edges, equal tasks, and curves of the PCCS type. Accelerator 0 runs
/// every group. The same seed and shape give the same problem.
pub fn random_problem(seed: u64, shape: Shape) -> Problem {
    let mut rng = Rng::with_seed(seed);
    let machines: Vec<Machine> = (0..shape.machines).map(|idx| random_machine(&mut rng, idx)).collect();
    let mut tasks: Vec<Task> = (0..shape.tasks).map(|idx| random_task(&mut rng, idx, shape)).collect();
    make_some_tasks_equal(&mut rng, &mut tasks);
    add_releases_and_edges(&mut rng, &mut tasks);
    let max_transitions = *rng.choice(&[Some(0), Some(1), Some(1), Some(2), Some(2), None]).expect("not empty");
    Problem { machines, tasks, max_transitions, ..Problem::default() }
}

/// The same with what workloads add: deadlines, further frames, a latency cap that may be too short, accelerators that are
/// equal, and powers.
pub fn random_workload(seed: u64, shape: Shape) -> Problem {
    let mut problem = random_problem(seed, shape);
    let mut rng = Rng::with_seed(seed ^ 0x5EED);
    if shape.machines > 1 && rng.u8(..3) == 0 {
        make_last_machines_equal(&mut problem);
    }
    if shape.tasks > 1 && rng.u8(..3) == 0 {
        let first = problem.tasks[0].clone();
        let frame = &mut problem.tasks[1];
        *frame = Task { groups: first.groups, launch: first.launch, frame_of: Some(0), ..frame.clone() };
    }
    for task in &mut problem.tasks {
        task.due = (rng.u8(..3) > 0).then(|| Due { at: Nanoseconds(rng.u64(..3_000_000)), weight: rng.u32(..4) });
    }
    for machine in &mut problem.machines {
        machine.power = machine.power.or_else(|| (rng.u8(..5) > 0).then(|| Milliwatts(rng.u32(..30_000))));
    }
    problem.idle_power = Milliwatts(if rng.bool() { rng.u32(..5000) } else { 0 });
    problem.latency_cap = (rng.u8(..4) == 0).then(|| Nanoseconds(rng.u64(500_000..5_000_000)));
    problem
}

/// Gives every task a deadline a little over its shortest time and every accelerator a power, and draws nothing random.
pub fn add_deadlines_and_powers(problem: &mut Problem) {
    for (idx, task) in problem.tasks.iter_mut().enumerate() {
        let fastest = |group: &Group| group.costs.iter().flatten().map(|cost| cost.work.0).min().unwrap_or(0);
        let shortest: u64 = task.groups.iter().map(fastest).sum();
        task.due = Some(Due { at: Nanoseconds(shortest * 6 / 5), weight: 1 + u32::try_from(idx % 3).unwrap_or(0) });
    }
    for (idx, machine) in problem.machines.iter_mut().enumerate() {
        machine.power = Some(Milliwatts(if idx == 0 { 15_000 } else { 5000 }));
    }
    problem.idle_power = Milliwatts(3000);
}

/// Makes the last accelerator the twin of the one before it.
fn make_last_machines_equal(problem: &mut Problem) {
    let last = problem.machines.len() - 1;
    let power = Some(Milliwatts(9000));
    problem.machines[last - 1].power = power;
    problem.machines[last] =
        Machine { name: problem.machines[last].name.clone(), ..problem.machines[last - 1].clone() };
    for task in &mut problem.tasks {
        task.launch[last] = task.launch[last - 1];
        for group in &mut task.groups {
            group.costs[last] = group.costs[last - 1];
            // Twins that both can't run it would leave some groups nowhere.
            if group.costs.iter().all(Option::is_none) {
                group.costs[0] = Some(Cost { work: Nanoseconds(400_000), ..Cost::default() });
            }
        }
    }
}

/// A problem such as profiles of real networks give: two kinds of accelerator, a tail on the first, small transitions.
pub fn profile_like_problem(seed: u64, shape: Shape, max_transitions: Option<usize>) -> Problem {
    let mut rng = Rng::with_seed(seed);
    let machines = (0..shape.machines).map(|idx| Machine { pays_network_io: false, ..pccs_machine(&mut rng, idx) });
    let machines: Vec<Machine> = machines.collect();
    let tasks = (0..shape.tasks)
        .map(|idx| {
            let mut task = random_task(&mut rng, idx, shape);
            for (group_idx, group) in task.groups.iter_mut().enumerate() {
                *group = profile_like_group(&mut rng, group_idx, shape.machines);
            }
            task.launch = vec![Nanoseconds::ZERO; shape.machines];
            task
        })
        .collect();
    Problem { machines, tasks, max_transitions, ..Problem::default() }
}

fn profile_like_group(rng: &mut Rng, group_idx: usize, machines: usize) -> Group {
    let gpu = rng.u64(100_000..800_000);
    let costs = (0..machines).map(|machine| {
        let factor = if machine == 0 { 1000 } else { rng.u64(1100..2600) };
        let transition = rng.u64(10_000..60_000);
        Some(Cost {
            work: Nanoseconds(gpu * factor / 1000),
            demand: MegabytesPerSecond(rng.u32(25_000..75_000)),
            entry: Nanoseconds(transition),
            exit: Nanoseconds::ZERO,
        })
    });
    Group { layers: layers(group_idx), costs: costs.collect(), tail: false }
}

fn layers(group_idx: usize) -> LayerRange {
    LayerRange { first: group_idx * 10, last: group_idx * 10 + 10 }
}

fn random_machine(rng: &mut Rng, idx: usize) -> Machine {
    let machine = pccs_machine(rng, idx);
    if rng.u8(..10) == 0 { Machine { curve: ContentionCurve::None, ..machine } } else { machine }
}

fn pccs_machine(rng: &mut Rng, idx: usize) -> Machine {
    let normal_bw = 20.0 + 30.0 * rng.f64();
    let pccs = Pccs {
        normal_bw,
        intensive_bw: normal_bw + 60.0 * rng.f64(),
        mrmc: 8.0 * rng.f64(),
        tbwdc: 60.0 + 40.0 * rng.f64(),
        cbp: 30.0 + 50.0 * rng.f64(),
        rate: 0.4 + 0.9 * rng.f64(),
        pbw: 137.0,
    };
    let pays_network_io = rng.u8(..5) == 0;
    Machine {
        name: format!("accelerator{idx}"),
        curve: ContentionCurve::Pccs(pccs),
        pays_network_io,
        ..Machine::default()
    }
}

fn random_task(rng: &mut Rng, idx: usize, shape: Shape) -> Task {
    let n_groups = rng.usize(shape.min_groups..=shape.max_groups);
    let launches = rng.u8(..5) < 2;
    let launch = (0..shape.machines).map(|_| Nanoseconds(if launches { rng.u64(..60_000) } else { 0 })).collect();
    let groups = (0..n_groups).map(|group| random_group(rng, group, group + 1 == n_groups, shape.machines)).collect();
    Task {
        name: format!("task{idx}"),
        title: format!("Task {idx}"),
        groups,
        launch,
        release: Nanoseconds::ZERO,
        after: vec![],
        ..Task::default()
    }
}

fn random_group(rng: &mut Rng, group_idx: usize, is_last: bool, machines: usize) -> Group {
    let tail = is_last && group_idx > 0 && rng.u8(..3) == 0;
    // Multiples of a quarter millisecond make many events coincide.
    let coarse = rng.u8(..4) == 0;
    let costs = (0..machines).map(|machine| {
        let unsupported = machine == 1 && tail || machine > 0 && rng.u8(..12) == 0;
        (!unsupported).then(|| random_cost(rng, coarse))
    });
    Group { layers: layers(group_idx), costs: costs.collect(), tail }
}

fn random_cost(rng: &mut Rng, coarse: bool) -> Cost {
    let work = if coarse { 250_000 * rng.u64(1..4) } else { rng.u64(20_000..900_000) };
    let mut transition = |limit: u64| Nanoseconds(if rng.bool() { rng.u64(..limit) } else { 0 });
    let (entry, exit) = (transition(90_000), transition(40_000));
    Cost { work: Nanoseconds(work), demand: MegabytesPerSecond(rng.u32(..90_000)), entry, exit }
}

fn make_some_tasks_equal(rng: &mut Rng, tasks: &mut [Task]) {
    if tasks.len() > 1 && rng.u8(..6) == 0 {
        let (name, title) = (tasks[1].name.clone(), tasks[1].title.clone());
        tasks[1] = Task { name, title, ..tasks[0].clone() };
    }
}

fn add_releases_and_edges(rng: &mut Rng, tasks: &mut [Task]) {
    for (idx, task) in tasks.iter_mut().enumerate() {
        if rng.u8(..5) == 0 {
            task.release = Nanoseconds(rng.u64(..700_000));
        }
        if idx > 0 && rng.u8(..8) == 0 {
            task.after = vec![rng.usize(..idx)];
        }
    }
}
