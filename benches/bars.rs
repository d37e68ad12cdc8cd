//! How long a proof takes, or how near one comes in ten seconds, by size: each problem in a fresh process, Z3's start
//! included, on one thread unless told otherwise. `cargo bench --bench bars [-- CASE.. [--threads N] [--seeds A-B]
//! [--harsh]]`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's result")]

#[path = "../tests/common/mod.rs"]
mod common;

use std::process::Command;
use std::time::{Duration, Instant};

use common::{Shape, profile_like_problem};
use haxconn::platform::{ContentionCurve, Pccs};
use haxconn::problem::Problem;
use haxconn::schedule::{
    Decision, Objective, ProofState, SolveOptions, baselines, best_baseline, first_baseline, solve,
};

/// A size that is measured.
struct Case {
    name: &'static str,
    shape: Shape,
    /// Groups that the second task has, where it has fewer.
    second: Option<usize>,
    max_transitions: Option<usize>,
    time_limit: Option<u64>,
    objective: Objective,
}

const fn case(name: &'static str, shape: Shape, max_transitions: Option<usize>) -> Case {
    Case { name, shape, second: None, max_transitions, time_limit: None, objective: Objective::Makespan }
}

const CASES: [Case; 14] = [
    case("2x10-K1", Shape::exact(2, 10, 2), Some(1)),
    case("2x10-K2", Shape::exact(2, 10, 2), Some(2)),
    Case { second: Some(8), ..case("10+8-unlimited", Shape::exact(2, 10, 2), None) },
    case("2x20-K2", Shape::exact(2, 20, 2), Some(2)),
    case("3x10-K1", Shape::exact(3, 10, 2), Some(1)),
    case("3x12-K2", Shape::exact(3, 12, 2), Some(2)),
    case("3x10-3acc-K1", Shape::exact(3, 10, 3), Some(1)),
    Case { time_limit: Some(60), ..case("4x10-K1", Shape::exact(4, 10, 2), Some(1)) },
    Case { time_limit: Some(10), ..case("4x12-3acc-K1-10s", Shape::exact(4, 12, 3), Some(1)) },
    Case { time_limit: Some(10), ..case("4x12-3acc-K2-10s", Shape::exact(4, 12, 3), Some(2)) },
    Case { time_limit: Some(10), ..case("8x20-4acc-K1-10s", Shape::exact(8, 20, 4), Some(1)) },
    Case { objective: Objective::Throughput, ..case("2x10-K1-throughput", Shape::exact(2, 10, 2), Some(1)) },
    Case { objective: Objective::Tardiness, ..case("2x10-K1-tardiness", Shape::exact(2, 10, 2), Some(1)) },
    Case { objective: Objective::Energy, ..case("2x10-K1-energy", Shape::exact(2, 10, 2), Some(1)) },
];

/// A problem such as boards give: a GPU, then two DLA cores of one kind, then another kind of core, with contention as on
/// the AGX Xavier (`platforms/xavier_agx.yaml`); the last kind has the DLA's curve. `harsh` leaves every accelerator a
/// random curve, under which groups slow each other far more.
fn problem(case: &Case, seed: u64, harsh: bool) -> Problem {
    let mut problem = profile_like_problem(seed, case.shape, case.max_transitions);
    if !harsh {
        make_board_like(&mut problem);
    }
    if let Some(groups) = case.second {
        problem.tasks[1].groups.truncate(groups);
    }
    common::add_deadlines_and_powers(&mut problem);
    problem
}

/// The AGX Xavier's published curves, with the assumed splits of its platform file.
const GPU: Pccs =
    Pccs { normal_bw: 38.1, intensive_bw: 96.2, mrmc: 4.9, tbwdc: 87.2, cbp: 45.3, rate: 1.11, pbw: 127.5 };
const DLA: Pccs =
    Pccs { normal_bw: 0.0, intensive_bw: 27.9, mrmc: 0.0, tbwdc: 27.9, cbp: 76.9, rate: 0.35, pbw: 127.5 };

fn make_board_like(problem: &mut Problem) {
    for (idx, machine) in problem.machines.iter_mut().enumerate() {
        machine.curve = ContentionCurve::Pccs(if idx == 0 { GPU } else { DLA });
    }
    if problem.machines.len() < 3 {
        return;
    }
    for group in problem.tasks.iter_mut().flat_map(|task| &mut task.groups) {
        group.costs[2] = group.costs[1];
    }
}

/// What one process prints, and the others read.
struct Outcome {
    milliseconds: f64,
    first: f64,
    proved: bool,
    gap: f64,
    gain: f64,
    nodes: u64,
    memory: f64,
}

/// Solves one problem in this process.
fn solve_one(case: &Case, seed: u64, threads: usize, harsh: bool) {
    let problem = problem(case, seed, harsh);
    let time_limit = Some(Duration::from_secs(case.time_limit.unwrap_or(300)));
    let options = SolveOptions { objective: case.objective, time_limit, threads, ..SolveOptions::default() };
    let started = Instant::now();
    let first = first_baseline(&problem, case.objective).map(|_| started.elapsed());
    let all = baselines(&problem, case.objective);
    let warm: Vec<Decision> = all.iter().filter(|one| one.within_limit).map(|one| one.decision.clone()).collect();
    let solution = solve(&problem, &options, &warm, &mut |_| ());
    let solution = solution.expect("the problem has a schedule");
    let elapsed = started.elapsed();
    let best = best_baseline(&all, case.objective, &problem).map_or(0, |best| best.value(&problem, case.objective));
    let gain = if best == 0 { 0.0 } else { best.abs_diff(solution.value) as f64 / best as f64 };
    println!(
        "{} {} {} {} {gain} {} {}",
        elapsed.as_secs_f64() * 1e3,
        first.unwrap_or_default().as_secs_f64() * 1e3,
        u8::from(solution.proof.state == ProofState::Optimal),
        solution.gap(),
        solution.proof.statistics.oracle_nodes,
        peak_memory()
    );
}

/// Largest resident memory of this process in MiB.
fn peak_memory() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

fn in_fresh_process(case: &Case, seed: u64, threads: usize, harsh: bool) -> Outcome {
    let program = std::env::current_exe().expect("a benchmark has a path");
    let curves = if harsh { "harsh" } else { "board" };
    let arguments = ["--one", case.name, &seed.to_string(), &threads.to_string(), curves].map(str::to_owned);
    let output = Command::new(program).args(arguments).output().expect("a benchmark can start itself");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [milliseconds, first, proved, gap, gain, nodes, memory] = numbers[..] else {
        panic!("{} seed {seed}: {}", case.name, String::from_utf8_lossy(&output.stderr));
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
    Outcome { milliseconds, first, proved: proved > 0.0, gap, gain, nodes: nodes as u64, memory }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measure(case: &Case, seeds: &[u64], threads: usize, harsh: bool) {
    let outcomes: Vec<Outcome> = seeds.iter().map(|&seed| in_fresh_process(case, seed, threads, harsh)).collect();
    let of = |read: fn(&Outcome) -> f64| median(outcomes.iter().map(read).collect());
    let proved = outcomes.iter().filter(|outcome| outcome.proved).count();
    let better = outcomes.iter().filter(|outcome| outcome.gain > 0.0).count();
    let all: Vec<String> = outcomes.iter().map(|outcome| format!("{:.0}", outcome.milliseconds)).collect();
    println!(
        "| {} | {:.1} | {} | {proved}/{} | {:.1} % | {better}/{} | {:.1} % | {:.2} | {} | {:.0} |",
        case.name,
        of(|one| one.milliseconds),
        all.join(" "),
        seeds.len(),
        100.0 * of(|one| one.gap),
        seeds.len(),
        100.0 * of(|one| one.gain),
        of(|one| one.first),
        of(|one| one.nodes as f64),
        of(|one| one.memory),
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let find = |name: &str| CASES.iter().find(|case| case.name == name);
    if let [flag, name, seed, threads, curves] = arguments.as_slice()
        && flag == "--one"
    {
        let case = find(name).expect("a case that the other process named");
        return solve_one(case, seed.parse().expect("a seed"), threads.parse().expect("a number"), curves == "harsh");
    }
    let value_of = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let threads = value_of("--threads").and_then(|value| value.parse().ok()).unwrap_or(1);
    let seeds = value_of("--seeds").and_then(|range| {
        let (first, last) = range.split_once('-')?;
        Some((first.parse().ok()?..=last.parse().ok()?).collect::<Vec<u64>>())
    });
    let seeds = seeds.unwrap_or_else(|| (1..=5).collect());
    let harsh = arguments.iter().any(|argument| argument == "--harsh");
    let named: Vec<&Case> = arguments.iter().filter_map(|name| find(name)).collect();
    let cases = if named.is_empty() { CASES.iter().collect() } else { named };
    eprintln!("seeds {seeds:?}, {threads} thread(s); medians");
    println!("| case | ms | each | proved | gap | better than every baseline | gain | first [ms] | nodes | MiB |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for case in cases {
        measure(case, &seeds, threads, harsh);
    }
}
