//! What `haxconn run-multi` and `haxconn report` print: what was predicted beside what came out, called simulated or
//! measured as the log says.

mod chart;
mod policies;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::{Align, Table};
use crate::run::{
    Conditions, EngineMode, Neighbour, PolicyRun, RunLog, SETTLING_ROUNDS, SPREAD_LIMIT, SpanComparison, Statistics,
    compare, makespan_of_medians, relative_error,
};
use crate::units::{Milliseconds, Nanoseconds};

pub(super) use chart::{Bar, measured_bars, predicted_bars, typical_round};
pub use policies::gain_sentence;
use policies::policies_table;
pub(super) use policies::policy_cells;

/// Least share of a slowed span's time in which a neighbour that is named ran too.
const NOTABLE_SHARE: f64 = 0.01;

/// Most neighbours of a slowed span that are named.
const MOST_NEIGHBOURS: usize = 3;

/// Everything about a run, for a terminal: the first policy in full, all of them side by side. `rounds` adds a line for
/// each round.
pub fn text(log: &RunLog, rounds: bool) -> String {
    let Some(first) = log.policies.first() else { return heading(log) };
    let word = log.backend.word();
    let comparisons = compare(first);
    let mut parts = vec![heading(log), format!("{}: predicted beside {word}, medians over rounds\n", first.label)];
    parts.extend(
        (0..first.tasks.len())
            .map(|task| format!("{}\n{}", first.tasks[task].name, spans_table(first, task, &comparisons, word))),
    );
    parts.push(summary_table(first, word).to_string());
    parts.extend(scatter_sentence(first).map(|sentence| sentence + "\n"));
    parts.extend((!log.backend.simulated).then(|| skew_sentence(first) + "\n"));
    parts.push(chart::chart(log, first));
    parts.push(slowed(first, &comparisons));
    if log.policies.len() > 1 {
        parts.push(policies_table(log).to_string());
    }
    parts.extend(gain_sentence(log).map(|sentence| sentence + "\n"));
    parts.extend(rounds.then(|| rounds_table(log).to_string()));
    parts.push(lines("warning: ", &warnings(log)));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// What executed the run, how long, and under which conditions.
pub(super) fn heading(log: &RunLog) -> String {
    let n_rounds = log.policies.first().map_or(0, |policy| policy.rounds.len());
    let noise = match (log.backend.simulated, log.seed) {
        (false, _) => String::new(),
        (true, None) => ", no noise".to_owned(),
        (true, Some(seed)) => format!(", seed {seed}"),
    };
    let each = if log.policies.len() > 1 { " of each policy in turn" } else { "" };
    let versions: Vec<String> =
        log.backend.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let Conditions { power_mode, clocks } = &log.conditions;
    let known = |value: &Option<String>| value.clone().unwrap_or_else(|| "not known".to_owned());
    let mut text = format!(
        "{} on {}: {n_rounds} round(s){each} after {} of warm-up{noise}\n  backend {} ({})\n",
        log.backend.word(),
        log.platform,
        log.warm_up.rounds,
        log.backend.name,
        versions.join(", ")
    );
    if !log.backend.simulated {
        if log.policies.len() > 1 {
            let settling = "  before each round that counts, a policy runs";
            let _ = writeln!(text, "{settling} {SETTLING_ROUNDS} that don't, after the others' rounds");
        }
        // Writing to a string can't fail.
        let _ = writeln!(text, "  power mode {}, clocks {}", known(power_mode), known(clocks));
    }
    if log.engine_mode == EngineMode::Transition {
        text.push_str("  one engine per network, with the transition inside\n");
        if !log.backend.simulated {
            text.push_str("  an engine is one span over its accelerators: when it changes isn't seen\n");
        }
    }
    text
}

fn spans_table(policy: &PolicyRun, task: usize, comparisons: &[SpanComparison], word: &str) -> Table {
    let word = capitalized(word);
    let mut table = Table::new(&[
        ("Layers", Align::Right),
        ("On", Align::Left),
        ("Predicted start [ms]", Align::Right),
        (&format!("{word} start [ms]"), Align::Right),
        ("Predicted time [ms]", Align::Right),
        (&format!("{word} time [ms]"), Align::Right),
        ("Error", Align::Right),
    ]);
    for it in comparisons.iter().filter(|it| it.task == task) {
        table.row([
            policy.tasks[task].layers(it.span).to_string(),
            policy.tasks[task].place(it.span).to_uppercase(),
            digits(it.predicted.start.to_milliseconds()),
            digits(it.start.median),
            digits(it.predicted.duration().to_milliseconds()),
            digits(it.duration.median),
            percent(it.median_error),
        ]);
    }
    table
}

fn summary_table(policy: &PolicyRun, word: &str) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("Predicted [ms]", Align::Right),
        (&format!("{} [ms]", capitalized(word)), Align::Right),
        ("Error", Align::Right),
        ("Mean [ms]", Align::Right),
        ("p90 [ms]", Align::Right),
        ("p95 [ms]", Align::Right),
        ("p99 [ms]", Align::Right),
        ("cv", Align::Right),
        ("Per second", Align::Right),
    ]);
    for (task, entry) in policy.tasks.iter().enumerate() {
        let label = format!("latency {}", entry.name);
        table.row(summary_row(label, policy.predicted_latency(task), &policy.latency(task)));
    }
    table.row(summary_row("makespan".to_owned(), policy.predicted_makespan(), &policy.makespan()));
    table
}

fn summary_row(label: String, predicted: Nanoseconds, actual: &Statistics) -> [String; 10] {
    let predicted = predicted.to_milliseconds();
    let &Statistics { mean, median, p90, p95, p99, cv } = actual;
    let error = percent(relative_error(predicted.0, median.0));
    let per_second = if mean.0 > 0.0 { format!("{:.1}", 1e3 / mean.0) } else { "-".to_owned() };
    let cv = format!("{:.1} %", 100.0 * cv);
    let [median, mean, p90, p95, p99] = [median, mean, p90, p95, p99].map(digits);
    [label, digits(predicted), median, error, mean, p90, p95, p99, cv, per_second]
}

/// Least share of the makespan by which scatter must lengthen it to be spoken of.
const SCATTER_SHOWN: f64 = 0.01;

/// How much of a makespan's error is none of its parts'; nothing where that is next to none.
fn scatter_sentence(policy: &PolicyRun) -> Option<String> {
    let (predicted, actual) = (policy.predicted_makespan().to_milliseconds(), policy.makespan().median);
    let of_medians = makespan_of_medians(policy);
    let error = |actual: Milliseconds| percent(relative_error(predicted.0, actual.0));
    (relative_error(of_medians.0, actual.0).abs() > SCATTER_SHOWN).then(|| {
        format!(
            "With every part at its median a round would take {} ms ({} predicted, error {}). That it takes {} ms (error {}) is \
             scatter: who waits for several waits for the latest",
            digits(of_medians),
            digits(predicted),
            error(of_medians),
            digits(actual),
            error(actual)
        )
    })
}

/// How far apart lanes start, as the run measured it.
pub(super) fn skew_sentence(policy: &PolicyRun) -> String {
    let skew = policy.skew();
    let [median, p99] = [skew.median, skew.p99].map(|time| 1e3 * time.0);
    format!("Barrier skew: median {median:.1} µs, p99 {p99:.1} µs")
}

/// A sentence for every span that took notably longer than predicted, with who ran beside it.
pub(super) fn slowed_sentences(policy: &PolicyRun, comparisons: &[SpanComparison]) -> Vec<String> {
    let mut slowed: Vec<&SpanComparison> = comparisons.iter().filter(|it| it.is_slowed()).collect();
    slowed.sort_by(|a, b| lost(b).total_cmp(&lost(a)));
    slowed.into_iter().map(|it| slowed_sentence(policy, it)).collect()
}

/// Milliseconds beyond the prediction.
fn lost(it: &SpanComparison) -> f64 {
    it.duration.median.0 - it.predicted.duration().to_milliseconds().0
}

fn slowed_sentence(policy: &PolicyRun, it: &SpanComparison) -> String {
    let named = |task: usize, span: usize| {
        let entry = &policy.tasks[task];
        format!("layers {} of {} on {}", entry.layers(span), entry.name, entry.place(span).to_uppercase())
    };
    let beside = |neighbour: &Neighbour| {
        let Neighbour { task, span, share, predicted_share } = *neighbour;
        format!(
            "{} ({:.0} % of its time, {:.0} % predicted)",
            named(task, span),
            100.0 * share,
            100.0 * predicted_share
        )
    };
    let met: Vec<&Neighbour> = it.neighbours.iter().filter(|neighbour| neighbour.share >= NOTABLE_SHARE).collect();
    let neighbours: Vec<String> = met.iter().take(MOST_NEIGHBOURS).map(|neighbour| beside(neighbour)).collect();
    let who = if neighbours.is_empty() { "nobody".to_owned() } else { neighbours.join(", ") };
    let more = match met.len().saturating_sub(MOST_NEIGHBOURS) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    format!("{} took {} ({:+.3} ms) beside {who}{more}", named(it.task, it.span), percent(it.excess), lost(it))
}

fn slowed(policy: &PolicyRun, comparisons: &[SpanComparison]) -> String {
    let sentences = slowed_sentences(policy, comparisons);
    if sentences.is_empty() {
        return "No group took more than 1 % longer than predicted\n".to_owned();
    }
    format!("Longer than predicted, the most time lost first:\n{}", lines("  ", &sentences))
}

/// Every sentence on a line of its own.
fn lines(start: &str, sentences: &[String]) -> String {
    sentences.iter().flat_map(|sentence| [start, sentence, "\n"]).collect()
}

/// Every round's makespan, policy after policy in the order in which they ran.
fn rounds_table(log: &RunLog) -> Table {
    let word = capitalized(log.backend.word());
    let mut table = Table::new(&[
        ("Round", Align::Right),
        ("Policy", Align::Left),
        ("Predicted [ms]", Align::Right),
        (&format!("{word} [ms]"), Align::Right),
        ("Error", Align::Right),
    ]);
    let n_rounds = log.policies.iter().map(|policy| policy.rounds.len()).max().unwrap_or(0);
    for idx in 0..n_rounds {
        for policy in &log.policies {
            let Some(round) = policy.rounds.get(idx) else { continue };
            let [predicted, actual] = [policy.predicted_makespan(), round.makespan()].map(Nanoseconds::to_milliseconds);
            let error = percent(relative_error(predicted.0, actual.0));
            table.row([(idx + 1).to_string(), policy.label.clone(), digits(predicted), digits(actual), error]);
        }
    }
    table
}

/// What makes the run's figures doubtful.
pub fn warnings(log: &RunLog) -> Vec<String> {
    let unsteady = log.policies.iter().filter(|policy| policy.makespan().cv > SPREAD_LIMIT);
    let sentence = |policy: &PolicyRun| {
        let cv = 100.0 * policy.makespan().cv;
        format!("the makespan of {} scatters by {cv:.1} % (cv), more than {:.1} %", policy.label, 100.0 * SPREAD_LIMIT)
    };
    unsteady.map(sentence).collect()
}

pub(super) fn digits(time: Milliseconds) -> String {
    format!("{:.3}", time.0)
}

/// A share with its sign, in percent.
pub(super) fn percent(share: f64) -> String {
    // Zero has no sign here.
    format!("{:+.1} %", (1000.0 * share).round() / 10.0 + 0.0)
}

pub(super) fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + letters.as_str())
}
