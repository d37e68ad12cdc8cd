//! What `haxconn schedule` prints for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::gantt::{gantt, letter};
use super::{Align, ScheduleView, Table, readable_value};
use crate::problem::GroupId;
use crate::schedule::{Objective, Proof, ProofState, SearchStatistics};

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
    if view.objective == Objective::Throughput {
        let _ = writeln!(text, "Predicted throughput  {}", readable_value(view.objective, view.value()));
    }
    for task in 0..view.problem.tasks.len() {
        let slowdown = view.slowdown(task, 0, view.problem.tasks[task].groups.len().saturating_sub(1));
        let _ = writeln!(
            text,
            "  {}: latency {}, slowed {slowdown:.3}x by contention",
            title(view, task),
            view.latency(task)
        );
    }
    text
}

fn baselines_table(view: &ScheduleView) -> Table {
    let value = match view.objective {
        Objective::Makespan => "Makespan [ms]",
        Objective::Throughput => "Throughput [inferences/s]",
    };
    let columns = [
        ("Baseline", Align::Left),
        (value, Align::Right),
        ("Transitions", Align::Right),
        ("Gain over it", Align::Right),
        ("", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for baseline in view.baselines {
        let value = view.objective.value(view.problem, &baseline.timeline);
        let number = readable_value(view.objective, value);
        table.row([
            baseline.name.clone(),
            number.split(' ').next().unwrap_or_default().to_owned(),
            baseline.transitions.to_string(),
            format!("{:+.1} %", 100.0 * view.gain_over(baseline)),
            if baseline.within_limit {
                baseline.label.clone()
            } else {
                format!("{} (outside the transition limit)", baseline.label)
            },
        ]);
    }
    table
}

/// The gain over the best baseline within the limit, in words.
pub fn gain_sentence(view: &ScheduleView) -> String {
    let Some(best) = view.best_baseline() else { return "No baseline respects the transition limit".to_owned() };
    let gain = 100.0 * view.gain_over(best);
    let size = if gain.abs() < 0.05 { "less than 0.1 %".to_owned() } else { format!("{:.1} %", gain.abs()) };
    let what = if view.value() == view.objective.value(view.problem, &best.timeline) {
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
    let search =
        format!("{}\n  {} Z3 checks, solved in {}", counts(proof), proof.statistics.z3_checks, seconds(proof.elapsed));
    match proof.state {
        ProofState::Optimal => format!("optimal: proved that no other placement and order is better\n  {search}"),
        ProofState::Feasible => {
            let gap = 100.0 * value.abs_diff(proof.bound) as f64 / value.max(1) as f64;
            let side = match objective {
                Objective::Makespan => "less",
                Objective::Throughput => "more",
            };
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
