//! Two rows per accelerator: what was predicted above what came out in a typical round.

use std::fmt::Write as _;

use super::capitalized;
use crate::report::gantt::{axis, letter};
use crate::run::{EngineMode, PolicyRun, RunLog, Span};
use crate::units::Nanoseconds;

/// Columns of time.
const WIDTH: usize = 72;
const IDLE: char = '.';
const TRANSITION: char = '>';
/// Engines that use several accelerators may be over each other.
const SEVERAL: char = '+';

/// A span on an accelerator.
#[derive(Clone, Debug)]
pub(in crate::report) struct Bar {
    pub(in crate::report) task: usize,
    pub(in crate::report) span: usize,
    pub(in crate::report) at: Span,
    /// What of it computes nothing, where that is known: launches, entries and exits.
    pub(in crate::report) overheads: Vec<Span>,
}

/// The round whose makespan is the median one; the earlier half's last where there is an even number.
pub(in crate::report) fn typical_round(policy: &PolicyRun) -> usize {
    let mut rounds: Vec<usize> = (0..policy.rounds.len()).collect();
    rounds.sort_by_key(|&round| policy.rounds[round].makespan());
    rounds.get(rounds.len().saturating_sub(1) / 2).copied().unwrap_or(0)
}

/// What was predicted on an accelerator.
pub(in crate::report) fn predicted_bars(policy: &PolicyRun, accelerator: &str) -> Vec<Bar> {
    bars(policy, accelerator, |task, span| {
        let entry = &policy.tasks[task];
        let groups = entry.groups[entry.spans[span].first..entry.spans[span].last].iter();
        let phases = groups.filter(|group| group.accelerator == accelerator).flat_map(|group| {
            let at = group.predicted;
            [Span { start: at.start, end: at.entered }, Span { start: at.worked, end: at.end }]
        });
        let at = entry.predicted_on(span, accelerator).unwrap_or_default();
        (at, phases.filter(|phase| phase.start < phase.end).collect())
    })
}

/// What came out on an accelerator in a round.
pub(in crate::report) fn measured_bars(policy: &PolicyRun, accelerator: &str, round: usize) -> Vec<Bar> {
    bars(policy, accelerator, |task, span| (policy.rounds[round].spans[task][span], Vec::new()))
}

fn bars(policy: &PolicyRun, accelerator: &str, at: impl Fn(usize, usize) -> (Span, Vec<Span>)) -> Vec<Bar> {
    let mut bars = Vec::new();
    for (task, entry) in policy.tasks.iter().enumerate() {
        for span in (0..entry.spans.len()).filter(|&span| entry.accelerators(span).contains(&accelerator)) {
            let (at, overheads) = at(task, span);
            bars.push(Bar { task, span, at, overheads });
        }
    }
    bars.sort_by_key(|bar| bar.at.start);
    bars
}

/// The chart of a policy, with a key.
pub(super) fn chart(log: &RunLog, policy: &PolicyRun) -> String {
    let round = typical_round(policy);
    let end = policy.predicted_makespan().max(policy.rounds[round].makespan()).0.max(1);
    let word = log.backend.word();
    let names: Vec<String> = log.accelerators.iter().map(|name| name.to_uppercase()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let word_width = word.len().max("predicted".len());
    let mut text = String::new();
    for (accelerator, name) in log.accelerators.iter().zip(&names) {
        let rows =
            [("predicted", predicted_bars(policy, accelerator)), (word, measured_bars(policy, accelerator, round))];
        for (word, bars) in rows {
            // Writing to a string can't fail.
            let _ = writeln!(text, "{name:<width$} {word:<word_width$} |{}|", row(&bars, end));
        }
    }
    let indent = width + 1 + word_width;
    let _ = writeln!(text, "{:indent$} {}", "", axis(WIDTH, end));
    let tasks: Vec<String> =
        policy.tasks.iter().enumerate().map(|(task, entry)| format!("{} {}", letter(task), entry.name)).collect();
    let several = if log.engine_mode == EngineMode::Transition && !log.backend.simulated {
        format!(", {SEVERAL} several engines, each on any of its accelerators")
    } else {
        String::new()
    };
    let _ = writeln!(text, "{:indent$}  {}, {TRANSITION} transition, {IDLE} idle{several}", "", tasks.join(", "));
    let _ = writeln!(
        text,
        "{:indent$}  {} is round {} of {}, whose makespan is the median",
        "",
        capitalized(word),
        round + 1,
        policy.rounds.len()
    );
    text
}

fn row(bars: &[Bar], end: u64) -> String {
    let cell = |column: u64| {
        let middle = Nanoseconds((2 * column + 1) * end / (2 * WIDTH as u64));
        let holds = |span: &Span| span.start <= middle && middle < span.end;
        let mut here = bars.iter().filter(|bar| holds(&bar.at));
        match (here.next(), here.next()) {
            (Some(_), Some(_)) => SEVERAL,
            (Some(bar), None) if bar.overheads.iter().any(holds) => TRANSITION,
            (Some(bar), None) => letter(bar.task),
            (None, _) => IDLE,
        }
    };
    (0..WIDTH as u64).map(cell).collect()
}
