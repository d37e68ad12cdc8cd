//! Seeded random problems that tests and benchmarks share. Knows the problem type only.
#![allow(dead_code, unreachable_pub, reason = "every test target compiles this file and uses its own part")]

pub mod brute_force;

use fastrand::Rng;
use haxconn::group::LayerRange;
use haxconn::platform::{ContentionCurve, Pccs};
use haxconn::problem::{Cost, Group, Machine, Problem, Task};
use haxconn::units::{MegabytesPerSecond, Nanoseconds};

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
    Problem { machines, tasks, max_transitions }
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
    Problem { machines, tasks, max_transitions }
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
    Machine { name: format!("accelerator{idx}"), curve: ContentionCurve::Pccs(pccs), pays_network_io }
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
