//! The same problems under this solver, a one-shot Z3 `Optimize` and, by `scripts/peers/cp_sat.py`, OR-tools' CP-SAT; the
//! placement and order that each comes to are judged by the evaluator.
//!
//! `cargo bench --bench peers -- write DIR` writes the problems as JSON for the script, which leaves its answers beside
//! them; `cargo bench --bench peers -- compare DIR [SECONDS]` solves them here (60 s each where nothing is said) and prints
//! the table; `-- evaluate DIR` judges the script's answers only.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's result")]

#[path = "../tests/common/mod.rs"]
mod common;
mod peer;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::{Shape, profile_like_problem};
use haxconn::problem::{Cost, GroupId, Problem};
use haxconn::schedule::{Decision, ProofState, SolveOptions, evaluate, keeps_limits, solve};
use serde_json::{Value, json};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Seed of every problem.
const SEED: u64 = 1;

/// Name, size and transition limit of the problems.
const CASES: [(&str, Shape, usize); 5] = [
    ("2x4-K1", Shape::exact(2, 4, 2), 1),
    ("2x10-K1", Shape::exact(2, 10, 2), 1),
    ("2x10-K2", Shape::exact(2, 10, 2), 2),
    ("3x10-K1", Shape::exact(3, 10, 2), 1),
    ("2x20-K2", Shape::exact(2, 20, 2), 2),
];

/// What somebody came to.
struct Reached {
    /// Makespan of the placement and order under the evaluator, in ms.
    makespan: Option<f64>,
    /// What is proved, in words.
    proof: String,
    time: Duration,
    /// The part of it on the processor, where that is known: the rest was waiting for it on a shared machine.
    on_processor: Option<Duration>,
}

/// Wall-clock time and time on the processor since some moment.
struct Clock {
    started: Instant,
    on_processor: Option<Duration>,
}

impl Clock {
    fn start() -> Self {
        Self { started: Instant::now(), on_processor: on_processor() }
    }

    fn read(&self) -> (Duration, Option<Duration>) {
        let on_processor = on_processor().zip(self.on_processor).map(|(now, then)| now.saturating_sub(then));
        (self.started.elapsed(), on_processor)
    }
}

/// Time of this program's first thread on a processor; only Linux tells.
fn on_processor() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

fn main() -> Result<()> {
    // Cargo adds `--bench`; without a command this is one of all benchmarks and has nothing to do.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["write", folder] => write(Path::new(folder)),
        ["evaluate", folder] => judge(Path::new(folder)),
        ["compare", folder] => compare(Path::new(folder), Duration::from_secs(60)),
        ["compare", folder, seconds] => compare(Path::new(folder), Duration::from_secs(seconds.parse()?)),
        _ => {
            eprintln!("peers: `write DIR`, `evaluate DIR` or `compare DIR [SECONDS]`");
            Ok(())
        }
    }
}

fn problem(shape: Shape, limit: usize) -> Problem {
    profile_like_problem(SEED, shape, Some(limit))
}

fn write(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (name, shape, limit) in CASES {
        let path = folder.join(format!("{name}.json"));
        fs::write(&path, serde_json::to_string(&document(name, &problem(shape, limit)))?)?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

/// Prints what the script's answers are worth.
fn judge(folder: &Path) -> Result<()> {
    for (name, shape, limit) in CASES {
        let reached = cp_sat(folder, name, &problem(shape, limit))?;
        println!("{name}: CP-SAT {}", reached.map_or_else(|| "no answer".to_owned(), |reached| reached.words()));
    }
    Ok(())
}

fn compare(folder: &Path, limit: Duration) -> Result<()> {
    println!("| problem | this solver | one-shot `Optimize` | CP-SAT |\n|---|---|---|---|");
    for (name, shape, transitions) in CASES {
        let problem = problem(shape, transitions);
        let (ours, optimize) = (ours(&problem, limit)?, optimize(&problem, limit));
        let cp_sat = cp_sat(folder, name, &problem)?.map_or_else(|| "no answer".to_owned(), |reached| reached.words());
        println!("| {name} | {} | {} | {cp_sat} |", ours.words(), optimize.words());
    }
    Ok(())
}

fn ours(problem: &Problem, limit: Duration) -> Result<Reached> {
    let options = SolveOptions { time_limit: Some(limit), ..SolveOptions::default() };
    let clock = Clock::start();
    let solution = solve(problem, &options, &[], &mut |_| ())?;
    let (time, on_processor) = clock.read();
    let proof = match solution.proof.state {
        ProofState::Optimal => "proved".to_owned(),
        ProofState::Feasible => format!("not proved, bound {:.3} ms", solution.proof.bound as f64 / 1e6),
    };
    Ok(Reached { makespan: makespan(problem, &solution.decision), proof, time, on_processor })
}

fn optimize(problem: &Problem, limit: Duration) -> Reached {
    let clock = Clock::start();
    let reached = peer::optimize(problem, limit);
    let (time, on_processor) = clock.read();
    let proof = if reached.is_proved { "called its optimum" } else { "not proved" };
    let makespan = reached.makespan.map(|makespan| makespan.to_milliseconds().0);
    Reached { makespan, proof: proof.to_owned(), time, on_processor }
}

/// What the script left in `folder`; `None` where it left nothing.
fn cp_sat(folder: &Path, name: &str, problem: &Problem) -> Result<Option<Reached>> {
    let Ok(text) = fs::read_to_string(folder.join(format!("{name}.cp_sat.json"))) else { return Ok(None) };
    let answer: Value = serde_json::from_str(&text)?;
    let milliseconds = |key: &str| answer[key].as_f64().map(|value| value / 1e3);
    let proof = match (answer["status"].as_str(), milliseconds("value_us"), milliseconds("bound_us")) {
        (Some("OPTIMAL"), Some(value), _) => format!("proved optimal in its model, where it is {value:.3} ms"),
        (_, Some(value), Some(bound)) => format!("not proved: in its model {value:.3} ms, bound {bound:.3} ms"),
        (status, ..) => status.unwrap_or("no status").to_lowercase(),
    };
    let decision = decision(&answer).filter(|decision| {
        evaluate(problem, decision).is_ok_and(|timeline| keeps_limits(problem, &decision.placement, &timeline))
    });
    let makespan = decision.and_then(|decision| makespan(problem, &decision));
    let seconds = |key: &str| Duration::try_from_secs_f64(answer[key].as_f64()?).ok();
    let (time, on_processor) = (seconds("seconds").unwrap_or_default(), seconds("cpu_seconds"));
    Ok(Some(Reached { makespan, proof, time, on_processor }))
}

fn makespan(problem: &Problem, decision: &Decision) -> Option<f64> {
    evaluate(problem, decision).ok().map(|timeline| timeline.makespan().to_milliseconds().0)
}

impl Reached {
    fn words(&self) -> String {
        let makespan = self.makespan.map_or_else(|| "no schedule".to_owned(), |makespan| format!("{makespan:.3} ms"));
        let on_processor = self.on_processor.map(|time| format!(" ({time:.2?} on the processor)"));
        format!("{makespan}, {}, {:.2?}{}", self.proof, self.time, on_processor.unwrap_or_default())
    }
}

/// The problem for scripts. Times in ns, demands in MB/s; a slot is a group on an accelerator, numbered with the accelerators
/// innermost. `rates[a][b]` is the speed of slot `a` in permille while `b` alone works elsewhere, `null` where the two can't
/// work at once or one of them can't at all.
fn document(name: &str, problem: &Problem) -> Value {
    let slots = slots(problem);
    let rates: Vec<Vec<Option<u32>>> =
        slots.iter().map(|&one| slots.iter().map(|&other| rate(problem, one, other)).collect()).collect();
    let cost = |cost: &Option<Cost>| {
        cost.map(|cost| {
            json!({"work_ns": cost.work.0, "demand_mbps": cost.demand.0, "entry_ns": cost.entry.0, "exit_ns": cost.exit.0})
        })
    };
    let tasks = problem.tasks.iter().map(|task| {
        let groups = task
            .groups
            .iter()
            .map(|group| json!({"tail": group.tail, "costs": group.costs.iter().map(cost).collect::<Vec<_>>()}));
        json!({
            "name": task.name,
            "release_ns": task.release.0,
            "after": task.after,
            "launch_ns": task.launch.iter().map(|launch| launch.0).collect::<Vec<_>>(),
            "groups": groups.collect::<Vec<_>>(),
        })
    });
    json!({
        "name": name,
        "seed": SEED,
        "max_transitions": problem.max_transitions,
        "accelerators": problem.machines.iter().map(|machine| &machine.name).collect::<Vec<_>>(),
        "pays_network_io": problem.machines.iter().map(|machine| machine.pays_network_io).collect::<Vec<_>>(),
        "tasks": tasks.collect::<Vec<_>>(),
        "rates": rates,
    })
}

fn slots(problem: &Problem) -> Vec<(GroupId, usize)> {
    let tasks = problem.tasks.iter().enumerate();
    let ids = tasks.flat_map(|(task, it)| (0..it.groups.len()).map(move |group| GroupId { task, group }));
    ids.flat_map(|id| (0..problem.machines.len()).map(move |machine| (id, machine))).collect()
}

fn rate(problem: &Problem, (one, on): (GroupId, usize), (other, elsewhere): (GroupId, usize)) -> Option<u32> {
    if one.task == other.task || on == elsewhere {
        return None;
    }
    let (own, external) = (problem.cost(one, on)?.demand, problem.cost(other, elsewhere)?.demand);
    Some(problem.rate(on, own, external).0)
}

/// Placement and order of an answer: `placement` by task, `order` by accelerator as pairs of task and group.
fn decision(answer: &Value) -> Option<Decision> {
    let whole = |value: &Value| usize::try_from(value.as_u64()?).ok();
    let list = |value: &Value| Some(value.as_array()?.clone());
    let placement = list(&answer["placement"])?;
    let placement = placement.iter().map(|task| list(task)?.iter().map(whole).collect()).collect::<Option<_>>()?;
    let id = |pair: &Value| Some(GroupId { task: whole(&pair[0])?, group: whole(&pair[1])? });
    let order = list(&answer["order"])?;
    let order = order.iter().map(|ids| list(ids)?.iter().map(id).collect()).collect::<Option<_>>()?;
    Some(Decision { placement, order })
}
