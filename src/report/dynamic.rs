//! What `haxconn run-multi --dynamic` prints: what happened when, how soon the final schedules came, and what the solver cost.

use super::{Align, Table, readable_value};
use crate::run::dynamic::{
    Correction, DynamicLog, Happening, Phase, Planned, SearchEnd, Slowdown, Source, WINDOW, What,
};
use crate::schedule::{Objective, ProofState};
use crate::units::{Milliseconds, Nanoseconds};

/// Longest label of a baseline in the table.
const LONGEST_LABEL: usize = 80;

/// Everything about a dynamic run, for a terminal.
pub fn dynamic(log: &DynamicLog) -> String {
    let parts = [heading(log), happened(log), reprofiling(log), to_final(log), solver(log)];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

fn heading(log: &DynamicLog) -> String {
    let noise = match (log.backend.simulated, log.seed) {
        (false, _) => String::new(),
        (true, None) => ", no noise".to_owned(),
        (true, Some(seed)) => format!(", seed {seed}"),
    };
    let versions: Vec<String> =
        log.backend.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let end = if log.interrupted { " (ended on request)" } else { "" };
    let clocks = if log.backend.simulated {
        "  rounds are in the simulator's time, the solver's times are this machine's: a schedule found 5 ms after its search\n  \
         began runs from the first boundary on that is 5 ms of simulated time later; a baseline takes no simulated time\n"
    } else {
        ""
    };
    format!(
        "{} on {}: {} round(s) in {}{noise}{end}\n  backend {} ({})\n{clocks}",
        log.backend.word(),
        log.platform,
        log.n_rounds(),
        log.end,
        log.backend.name,
        versions.join(", "),
    )
}

/// A line for everything that happened; a switch with what was predicted of its schedule and what came out.
fn happened(log: &DynamicLog) -> String {
    let word = log.backend.word();
    let measured = format!("{}{} [ms]", word[..1].to_uppercase(), &word[1..]);
    let mut table = Table::new(&[
        ("At [ms]", Align::Right),
        ("What happened", Align::Left),
        ("Predicted [ms]", Align::Right),
        (&measured, Align::Right),
        ("Rounds", Align::Right),
    ]);
    for Happening { at, what } in &log.happenings {
        let at = format!("{:.1}", at.to_milliseconds().0);
        match what {
            What::Switched(phase) => {
                let phase = &log.phases[*phase];
                let planned = &log.schedules[phase.schedule];
                let predicted = format!("{:.3}", planned.timeline.makespan().to_milliseconds().0);
                let median = format!("{:.3}", phase.makespan().median.0);
                let [median, rounds] = match phase.rounds.len() {
                    0 => ["-".to_owned(), "0".to_owned()],
                    n => [median, n.to_string()],
                };
                table.row([at, switch_words(log, planned, phase), predicted, median, rounds]);
            }
            other => table.row([at, words(log, other)]),
        }
    }
    format!("Makespans are medians over the rounds of a line.\n{table}")
}

fn switch_words(log: &DynamicLog, planned: &Planned, phase: &Phase) -> String {
    let source = match &planned.source {
        Source::Baseline(label) => format!("the best baseline: {}", shortened(label)),
        Source::Solver(elapsed) => format!("the solver's, found after {}", milliseconds(elapsed.as_secs_f64())),
        Source::Kept => "the same, predicted anew".to_owned(),
    };
    let loaded = phase.loaded_in.map(|time| format!(", loaded in {}", milliseconds(time.as_secs_f64())));
    let value = match log.objective {
        Objective::Makespan => String::new(),
        objective => format!(", predicted {}", readable_value(objective, planned.value)),
    };
    format!("  runs: {source}{}{value}", loaded.unwrap_or_default())
}

/// A label in at most [`LONGEST_LABEL`] letters: those of many networks don't fit a line.
fn shortened(label: &str) -> String {
    if label.chars().count() <= LONGEST_LABEL {
        return label.to_owned();
    }
    label.chars().take(LONGEST_LABEL - 2).chain("..".chars()).collect()
}

fn milliseconds(seconds: f64) -> String {
    format!("{:.1} ms", seconds * 1e3)
}

fn words(log: &DynamicLog, what: &What) -> String {
    let name = |task: usize| log.tasks[task].clone();
    let late = |asked: Nanoseconds| format!("(due at {:.1})", asked.to_milliseconds().0);
    match what {
        What::Began(tasks) => {
            format!("start: {}", tasks.iter().map(|&task| name(task)).collect::<Vec<_>>().join(", "))
        }
        What::Joined(task, asked) => format!("{} joins {}", name(*task), late(*asked)),
        What::Left(task, asked) => format!("{} leaves {}", name(*task), late(*asked)),
        What::Slowed { machine, factor, asked } => {
            format!("{} takes {factor} times its profile {}", log.accelerators[*machine], late(*asked))
        }
        What::Drifted(corrections) => drift_words(log, corrections),
        What::Solved(end) => solved_words(log.objective, end),
        What::Switched(_) => String::new(),
    }
}

fn solved_words(objective: Objective, end: &SearchEnd) -> String {
    let took = milliseconds(end.elapsed.as_secs_f64());
    let value = readable_value(objective, end.value);
    match (end.state, end.stopped_by) {
        (ProofState::Optimal, _) => format!("the solver proves {value} optimal, after {took}"),
        (ProofState::Feasible, stop) => {
            let stop = stop.map_or_else(|| "itself".to_owned(), |stop| stop.to_string());
            format!(
                "the solver is ended by {stop} after {took}: {value}, bound {}",
                readable_value(objective, end.bound)
            )
        }
    }
}

/// What drifted most.
fn drift_words(log: &DynamicLog, corrections: &[Correction]) -> String {
    let passed: Vec<&Correction> = corrections.iter().filter(|it| it.passed).collect();
    let distance = |it: &Correction| it.ratio.ln().abs();
    let Some(it) = passed.iter().max_by(|a, b| distance(a).total_cmp(&distance(b))) else { return "drift".to_owned() };
    let others = match passed.len() - 1 {
        0 => String::new(),
        n => format!(", {n} more drift"),
    };
    let (task, accelerator) = (&log.tasks[it.task], &log.accelerators[it.machine]);
    format!("drift: {} of {task} on {accelerator} takes {:.2} times its profile{others}", log.layers(it), it.ratio)
}

/// How a profile is corrected, where one was.
fn reprofiling(log: &DynamicLog) -> String {
    let drifted = |happening: &Happening| match &happening.what {
        What::Drifted(corrections) => Some(corrections.iter().filter(|it| !it.measured).count()),
        _ => None,
    };
    let counts: Vec<usize> = log.happenings.iter().filter_map(drifted).collect();
    if counts.is_empty() {
        return String::new();
    }
    let taken_over = match counts.iter().sum::<usize>() {
        0 => String::new(),
        n => format!("; {n} time(s) that weren't measured follow what was on their accelerator"),
    };
    format!(
        "On drift (more than {} %) standalone times are scaled by what was {word} over what was predicted, medians of {WINDOW} \
         rounds: derived\nnumbers, in which an error of the predicted contention stands as well{taken_over}.\n",
        log.drift * 100.0,
        word = log.backend.word(),
    )
}

/// How long after each cause the last better schedule came.
fn to_final(log: &DynamicLog) -> String {
    let line = |(happening, after): (&Happening, Option<Milliseconds>)| {
        let cause = match &happening.what {
            What::Began(_) => "the start".to_owned(),
            What::Joined(task, _) => format!("{} joined", log.tasks[*task]),
            What::Left(task, _) => format!("{} left", log.tasks[*task]),
            _ => "the drift".to_owned(),
        };
        let at = happening.at.to_milliseconds().0;
        match after {
            Some(after) => format!("  {:.1} ms after {cause} (at {at:.1})\n", after.0),
            None => format!("  none after {cause} (at {at:.1}): the next event, or the end, came first\n"),
        }
    };
    let lines: String = log.times_to_final().into_iter().map(line).collect();
    format!("Time to the final schedule\n{lines}")
}

/// What the solver cost the networks.
fn solver(log: &DynamicLog) -> String {
    if log.backend.simulated {
        return "The solver's slowdown of the networks can't be measured here: the simulated board has no core that it takes.\n"
            .to_owned();
    }
    let place = match log.solver_core {
        Some(core) => format!("The solver had core {core} to itself.\n"),
        None => "The platform's partitions leave the solver no core: it took its time from the networks.\n".to_owned(),
    };
    let slowdowns = log.slowdowns();
    if slowdowns.is_empty() {
        return place
            + "No schedule ran at least 5 rounds both with and without the solver: its slowdown of the networks isn't known;\n\
            `--measure-solver` has it search on.\n";
    }
    place + &slowdowns.iter().map(|it| slowdown_line(log, it)).collect::<String>()
}

fn slowdown_line(log: &DynamicLog, it: &Slowdown) -> String {
    let planned = &log.schedules[it.schedule];
    let names: Vec<&str> = planned.tasks.iter().map(|&task| &*log.tasks[task]).collect();
    format!(
        "Rounds of {} took {:+.1} % while it ran: {:.3} ms (median of {}) instead of {:.3} ms ({}); they scatter by {:.1} %\n",
        names.join(", "),
        it.share() * 100.0,
        it.with.median.0,
        it.n_with,
        it.without.median.0,
        it.n_without,
        it.without.cv * 100.0,
    )
}
