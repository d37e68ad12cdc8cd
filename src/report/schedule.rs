//! What `haxconn schedule` prints for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::gantt::{gantt, letter};
use super::run::capitalized;
use super::{Align, ScheduleView, Table, objective_words, readable_value};
use crate::problem::GroupId;
use crate::schedule::{Objective, Proof, ProofState, SearchStatistics, StreamRate, rates};
use crate::units::{Milliwatts, Nanoseconds};

/// Columns of time in the Gantt chart.
const CHART_WIDTH: usize = 72;

/// Everything about one schedule, for a terminal.
pub fn text(view: &ScheduleView) -> String {
    let parts = [
        heading(view),
        placements(view),
        segments_table(view).to_string(),
        gantt(view, CHART_WIDTH),
        result(view),
        baselines_table(view).to_string(),
        gain_sentence(view) + "\n",
        proof(view),
        view.robustness.map(|robustness| super::robust::text(view, robustness)).unwrap_or_default(),
    ];
    parts.into_iter().filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

/// The platform, that everything is predicted, and where the numbers come from.
fn heading(view: &ScheduleView) -> String {
    let mut text = format!("{} on {}: predicted, contention by {}\n", view.policy, view.platform, view.contention);
    for line in view.sources.iter().map(|source| format!("  {source}")) {
        text.push_str(&line);
        text.push('\n');
    }
    for warning in view.warnings {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  warning: {warning}");
    }
    text
}

/// One sentence per task: `GoogleNet starts on GPU, moves to DLA after layer 52`.
pub fn placements(view: &ScheduleView) -> String {
    (0..view.problem.tasks.len()).map(|task| placement(view, task) + "\n").collect()
}

fn placement(view: &ScheduleView, task: usize) -> String {
    let segments = view.segments(task);
    let title = title(view, task);
    let accelerator = |machine: usize| view.problem.machines[machine].name.to_uppercase();
    let [first, moves @ ..] = segments.as_slice() else { return title };
    if moves.is_empty() {
        return format!("{title} runs on {}", accelerator(first.machine));
    }
    let groups = &view.problem.tasks[task].groups;
    let moves = moves.iter().map(|segment| {
        let first = &groups[segment.first];
        let tail = if first.tail { " for its tail" } else { "" };
        format!(", moves to {} after layer {}{tail}", accelerator(segment.machine), first.layers.first - 1)
    });
    format!("{title} starts on {}{}", accelerator(first.machine), moves.collect::<String>())
}

/// The task's title; with its number where several instances have the same one.
pub fn title(view: &ScheduleView, task: usize) -> String {
    let tasks = &view.problem.tasks;
    let same = |idx: &usize| tasks[*idx].title == tasks[task].title;
    if (0..tasks.len()).filter(same).count() < 2 {
        return tasks[task].title.clone();
    }
    format!("{} #{}", tasks[task].title, (0..=task).filter(same).count())
}

fn segments_table(view: &ScheduleView) -> Table {
    let columns = [
        ("", Align::Left),
        ("Network", Align::Left),
        ("Groups", Align::Right),
        ("Layers", Align::Right),
        ("On", Align::Left),
        ("Start [ms]", Align::Right),
        ("End [ms]", Align::Right),
        ("Slowdown", Align::Right),
    ];
    let mut table = Table::new(&columns);
    for segment in (0..view.problem.tasks.len()).flat_map(|task| view.segments(task)) {
        let at = |group| view.occupation(GroupId { task: segment.task, group });
        table.row([
            letter(segment.task).to_string(),
            title(view, segment.task),
            segment.groups(),
            view.layers(&segment),
            view.problem.machines[segment.machine].name.to_uppercase(),
            format!("{:.3}", at(segment.first).start.to_milliseconds().0),
            format!("{:.3}", at(segment.last).end.to_milliseconds().0),
            format!("{:.3}x", view.slowdown(segment.task, segment.first, segment.last)),
        ]);
    }
    table
}

/// The objective's value, then each task's latency and the slowdown that it suffers.
fn result(view: &ScheduleView) -> String {
    let mut text = format!("Predicted makespan  {}\n", view.timeline.makespan());
    if view.objective != Objective::Makespan {
        let (name, _) = objective_words(view.objective);
        let _ = writeln!(text, "Predicted {name}  {}", readable_value(view.objective, view.value()));
    }
    for task in 0..view.problem.tasks.len() {
        let slowdown = view.slowdown(task, 0, view.problem.tasks[task].groups.len().saturating_sub(1));
        let _ = writeln!(
            text,
            "  {}: latency {}, slowed {slowdown:.3}x by contention{}",
            title(view, task),
            view.latency(task),
            deadline(view, task)
        );
    }
    text + &rate_lines(view) + &energy_lines(view)
}

/// Where the energy goes, where it is what is optimised.
fn energy_lines(view: &ScheduleView) -> String {
    if view.objective != Objective::Energy {
        return String::new();
    }
    let mut text = String::new();
    for (idx, machine) in view.problem.machines.iter().enumerate() {
        let occupied: Nanoseconds =
            view.decision.order[idx].iter().map(|&id| view.occupation(id)).map(|at| at.end - at.start).sum();
        let name = machine.name.to_uppercase();
        let energy = machine.power.map_or_else(
            || "its power isn't known, not counted".to_owned(),
            |power| format!("{} at {} W", millijoules(power, occupied), power.to_watts()),
        );
        let _ = writeln!(text, "  {name}: occupied for {occupied}, {energy}");
    }
    let (idle, makespan) = (view.problem.idle_power, view.timeline.makespan());
    let _ = writeln!(text, "  idle power: {} at {} W until the end", millijoules(idle, makespan), idle.to_watts());
    text
}

fn millijoules(power: Milliwatts, time: Nanoseconds) -> String {
    format!("{:.3} mJ", f64::from(power.0) * time.0 as f64 / 1e9)
}

/// Whether a task meets its deadline, and by how much.
fn deadline(view: &ScheduleView, task: usize) -> String {
    let Some(due) = view.problem.tasks[task].due else { return String::new() };
    let end = view.timeline.end(task);
    if end > due.at {
        format!(", deadline missed by {}", end - due.at)
    } else {
        format!(", deadline met by {}", due.at - end)
    }
}

/// One line for each instance with several frames: what the schedule achieves, and what a longer stream would come near to.
fn rate_lines(view: &ScheduleView) -> String {
    let mut text = String::new();
    for rate in rates(view.problem, view.timeline) {
        let StreamRate { first, n_frames, overall, steady } = rate;
        let steady =
            steady.map(|steady| format!(", {steady:.1} frames/s from the middle one on (steady state, derived)"));
        let steady = steady.unwrap_or_default();
        let title = stream_title(view, first);
        let _ = writeln!(text, "  {title}: {n_frames} frames at {overall:.1} frames/s over the makespan{steady}");
    }
    text
}

/// The title of an instance: that of its first frame without the frame's number.
fn stream_title(view: &ScheduleView, first: usize) -> String {
    title(view, first).trim_end_matches(" [0]").to_owned()
}

fn baselines_table(view: &ScheduleView) -> Table {
    let (name, unit) = objective_words(view.objective);
    let value = format!("{} [{unit}]", capitalized(name));
    let columns = [
        ("Baseline", Align::Left),
        (&value, Align::Right),
        ("Transitions", Align::Right),
        ("Gain over it", Align::Right),
        ("", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for baseline in view.baselines {
        let value = baseline.value(view.problem, view.objective);
        let number = readable_value(view.objective, value);
        table.row([
            baseline.name.clone(),
            number.split(' ').next().unwrap_or_default().to_owned(),
            baseline.transitions.to_string(),
            format!("{:+.1} %", 100.0 * view.gain_over(baseline)),
            if baseline.within_limit {
                baseline.label.clone()
            } else {
                format!("{} (outside the limits)", baseline.label)
            },
        ]);
    }
    table
}

/// The gain over the best baseline within the limit, in words.
pub fn gain_sentence(view: &ScheduleView) -> String {
    let Some(best) = view.best_baseline() else { return "No baseline keeps the limits".to_owned() };
    let gain = 100.0 * view.gain_over(best);
    let size = if gain.abs() < 0.05 { "less than 0.1 %".to_owned() } else { format!("{:.1} %", gain.abs()) };
    let what = if view.value() == best.value(view.problem, view.objective) {
        "Equal to the best baseline".to_owned()
    } else if gain > 0.0 {
        format!("Gain over the best baseline: {size}")
    } else {
        format!("Worse than the best baseline by {size}")
    };
    format!("{what} ({}: {})", best.name, best.label)
}

fn proof(view: &ScheduleView) -> String {
    view.proof.map(|proof| proof_sentence(view.objective, view.value(), proof) + "\n").unwrap_or_default()
}

/// What is proved, and by what.
pub fn proof_sentence(objective: Objective, value: u64, proof: &Proof) -> String {
    let again = if proof.deterministic { "" } else { "; another run may find another schedule" };
    let (counts, elapsed) = (counts(proof), seconds(proof.elapsed));
    let search = format!("{counts}\n  {} Z3 checks, solved in {elapsed}{again}", proof.statistics.z3_checks);
    match proof.state {
        ProofState::Optimal => format!("optimal: proved that no other placement and order is better\n  {search}"),
        ProofState::Feasible => {
            let gap = 100.0 * value.abs_diff(proof.bound) as f64 / value.max(1) as f64;
            let side = if objective.is_maximised() { "more" } else { "less" };
            let stopped = proof.stopped_by.as_ref().map(|limit| format!(", stopped by {limit}")).unwrap_or_default();
            format!(
                "feasible{stopped}: no schedule has {side} than {} (gap {gap:.1} %)\n  {search}",
                readable_value(objective, proof.bound)
            )
        }
    }
}

/// How the combinations of plans were decided.
fn counts(proof: &Proof) -> String {
    let SearchStatistics { combinations, excluded_by_rows, decided_by_oracle, excluded_by_enumeration, .. } =
        proof.statistics;
    let counted = excluded_by_rows + decided_by_oracle + excluded_by_enumeration;
    let rest = match (proof.state, combinations.saturating_sub(counted)) {
        (_, 0) => String::new(),
        (ProofState::Optimal, rest) => format!(", {rest} excluded by rows and clauses over groups"),
        (ProofState::Feasible, rest) => format!(", {rest} not decided one by one"),
    };
    format!(
        "{combinations} combinations of plans: {excluded_by_rows} excluded by Z3's rows, {decided_by_oracle} decided by \
         the order search, {excluded_by_enumeration} excluded by enumeration{rest}"
    )
}

fn seconds(elapsed: Duration) -> String {
    if elapsed < Duration::from_secs(1) {
        format!("{} ms", elapsed.as_millis())
    } else {
        format!("{:.2} s", elapsed.as_secs_f64())
    }
}
