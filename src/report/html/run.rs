//! One self-contained page about a run: predicted beside what came out, for every policy.

use super::tables::table;
use super::{STYLE, list, section};
use crate::report::run::{
    capitalized, digits, gain_sentence, heading, percent, policy_cells, skew_sentence, slowed_sentences, warnings,
};
use crate::report::svg::{self, Chart, escape};
use crate::run::{PolicyRun, RunLog, SpanComparison, compare, relative_error};
use crate::units::Nanoseconds;

/// The page about `log`.
pub fn run_page(log: &RunLog) -> String {
    let networks: Vec<&str> =
        log.policies.first().iter().flat_map(|policy| &policy.tasks).map(|task| task.title.as_str()).collect();
    let title = escape(&networks.join(" + "));
    let mut sections = vec![header(log, &title)];
    if log.policies.len() > 1 {
        sections.push(section("policies", "Policies side by side", &policies(log)));
    }
    sections.extend(log.policies.iter().enumerate().map(|(idx, policy)| policy_section(log, idx, policy)));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}: {} run</title>\n\
         <style>\n{STYLE}{}\n</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        log.backend.word(),
        svg::STYLE,
        sections.concat()
    )
}

/// What was run, what came out, and whether anything was measured.
fn header(log: &RunLog, title: &str) -> String {
    let Some(first) = log.policies.first() else { return String::new() };
    let word = log.backend.word();
    let nature = if log.backend.simulated {
        "Every time called simulated on this page comes from a simulator of the board, none was measured on one."
    } else {
        "Times called measured on this page were taken on the machine that it names."
    };
    let gain = gain_sentence(log).map(|gain| format!("<p class=\"gain\">{}</p>\n", escape(&gain))).unwrap_or_default();
    let skew = if log.backend.simulated {
        "In virtual time all lanes start at once.".to_owned()
    } else {
        skew_sentence(first) + "."
    };
    format!(
        "<header>\n<p class=\"where\">{}</p>\n<h1>{title}</h1>\n\
         <p class=\"value\"><strong>{} ms</strong> <span>median {word} makespan, predicted {}</span></p>\n\
         {gain}{}<p>{skew}</p>\n<p class=\"note\">{nature}</p>\n</header>\n",
        escape(&heading(log)),
        digits(first.makespan().median),
        first.predicted_makespan(),
        list("warnings", warnings(log).iter().map(String::as_str)),
    )
}

fn policies(log: &RunLog) -> String {
    let word = capitalized(log.backend.word());
    let actual = format!(">{word} [ms]");
    let headings = [
        "Policy",
        ">Predicted [ms]",
        &actual,
        ">Error",
        ">Mean [ms]",
        ">p99 [ms]",
        ">cv",
        ">Rounds/s",
        ">Gain over it",
    ];
    let rows = log
        .policies
        .iter()
        .zip(policy_cells(log))
        .map(|(policy, cells)| [format!("{}: {}", policy.name, policy.label)].into_iter().chain(cells).collect());
    table("Policies", &headings, rows)
}

fn policy_section(log: &RunLog, idx: usize, policy: &PolicyRun) -> String {
    let comparisons = compare(policy);
    let figure = |size: &str, width: u32| {
        let id = format!("run{idx}-{size}");
        let chart = Chart { id: &id, width, end: svg::compared_end(policy), legend: true };
        format!("<div class=\"{size}\">{}</div>\n", svg::compared_inline(log, policy, &chart))
    };
    let sentences = slowed_sentences(policy, &comparisons);
    let slowed = if sentences.is_empty() {
        "<p>No group took more than 1 % longer than predicted.</p>\n".to_owned()
    } else {
        format!("<p>Longer than predicted:</p>\n{}", list("moves", sentences.iter().map(String::as_str)))
    };
    let body = format!(
        "<figure>\n{}{}</figure>\n{slowed}{}{}<details>\n<summary>Every round</summary>\n{}</details>\n",
        figure("wide", 960),
        figure("narrow", 360),
        latencies(log, policy),
        spans(log, policy, &comparisons),
        rounds(log, policy)
    );
    section(&format!("policy{idx}"), &escape(&format!("{}: {}", policy.name, policy.label)), &body)
}

fn latencies(log: &RunLog, policy: &PolicyRun) -> String {
    let actual = format!(">{} [ms]", capitalized(log.backend.word()));
    let headings =
        ["Network", ">Predicted [ms]", &actual, ">Error", ">Mean [ms]", ">p90 [ms]", ">p95 [ms]", ">p99 [ms]", ">cv"];
    let rows = policy.tasks.iter().enumerate().map(|(idx, task)| {
        let latency = policy.latency(idx);
        let predicted = policy.predicted_latency(idx).to_milliseconds();
        let [median, mean, p90, p95, p99] =
            [latency.median, latency.mean, latency.p90, latency.p95, latency.p99].map(digits);
        let error = percent(relative_error(predicted.0, latency.median.0));
        let cv = format!("{:.1} %", 100.0 * latency.cv);
        vec![task.name.clone(), digits(predicted), median, error, mean, p90, p95, p99, cv]
    });
    table("Latency per network", &headings, rows)
}

fn spans(log: &RunLog, policy: &PolicyRun, comparisons: &[SpanComparison]) -> String {
    let word = capitalized(log.backend.word());
    let [start, time] = ["start", "time"].map(|what| format!(">{word} {what} [ms]"));
    let headings =
        ["Network", ">Layers", "On", ">Predicted start [ms]", &start, ">Predicted time [ms]", &time, ">Error"];
    let rows = comparisons.iter().map(|it| {
        let task = &policy.tasks[it.task];
        vec![
            task.name.clone(),
            task.layers(it.span).to_string(),
            task.place(it.span).to_uppercase(),
            digits(it.predicted.start.to_milliseconds()),
            digits(it.start.median),
            digits(it.predicted.duration().to_milliseconds()),
            digits(it.duration.median),
            percent(it.median_error),
        ]
    });
    table("Every group", &headings, rows)
}

fn rounds(log: &RunLog, policy: &PolicyRun) -> String {
    let actual = format!(">{} [ms]", capitalized(log.backend.word()));
    let predicted = policy.predicted_makespan().to_milliseconds();
    let rows = policy.rounds.iter().enumerate().map(|(idx, round)| {
        let makespan = Nanoseconds::to_milliseconds(round.makespan());
        let error = percent(relative_error(predicted.0, makespan.0));
        vec![(idx + 1).to_string(), digits(predicted), digits(makespan), error]
    });
    table("Every round", &["Round", ">Predicted [ms]", &actual, ">Error"], rows)
}
