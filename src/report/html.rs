//! One self-contained HTML page about a schedule: the result in words, two Gantt charts on one scale, tables.
//!
//! Fetches nothing and runs no script. Follows the reader's light or dark theme, and prints.

mod run;
mod tables;

use super::ScheduleView;
use super::readable_value;
use super::robust;
use super::run::capitalized;
use super::schedule::{gain_sentence, placements, title};
use super::svg::{self, Chart, escape};
use crate::schedule::{Objective, Proof, ProofState};
use crate::units::Nanoseconds;

pub use run::run_page;

const STYLE: &str = include_str!("html/style.css");

/// The page about `view`.
pub fn page(view: &ScheduleView) -> String {
    let heading = escape(&networks(view));
    let sections = [
        headline(view),
        charts(view),
        placement(view),
        latencies(view),
        baselines(view),
        sensitivity(view),
        proof(view),
        inputs(view),
    ];
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{heading}: predicted schedule</title>\n\
         <style>\n{STYLE}{}\n</style>\n</head>\n<body>\n<main>\n{}</main>\n</body>\n</html>\n",
        svg::STYLE,
        sections.concat()
    )
}

fn networks(view: &ScheduleView) -> String {
    (0..view.problem.tasks.len()).map(|task| title(view, task)).collect::<Vec<_>>().join(" + ")
}

fn section(id: &str, heading: &str, body: &str) -> String {
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n{body}</section>\n")
}

/// What was scheduled, the value, the gain, what is proved, and that nothing of it was measured.
fn headline(view: &ScheduleView) -> String {
    let what = match view.objective {
        Objective::Makespan => "until the last network ends",
        Objective::Throughput | Objective::Tardiness => "summed over the networks",
        Objective::Energy => "until the last network ends, by the platform's powers",
    };
    let moves = list("moves", placements(view).lines());
    format!(
        "<header>\n<p class=\"where\">{} on {}</p>\n<h1>{}</h1>\n\
         <p class=\"value\"><strong>{}</strong> <span>{what}</span></p>\n\
         {}<p>{}</p>\n{moves}\
         <p class=\"note\">Every number on this page is predicted by the scheduler's model, not measured on a board.</p>\n</header>\n",
        escape(view.policy),
        escape(view.platform),
        escape(&networks(view)),
        readable_value(view.objective, view.value()),
        gain(view),
        escape(&proof_in_words(view)),
    )
}

/// The gain over the best baseline, where there is anything to compare with.
fn gain(view: &ScheduleView) -> String {
    if view.baselines.is_empty() {
        return String::new();
    }
    format!("<p class=\"gain\">{}.</p>\n", escape(&gain_sentence(view)))
}

/// What is proved about the schedule.
fn proof_in_words(view: &ScheduleView) -> String {
    let Some(Proof { state, bound, stopped_by, .. }) = view.proof else {
        return "Nothing is proved about this schedule: it is a baseline's.".to_owned();
    };
    let limit = match view.problem.max_transitions {
        Some(1) => "with at most 1 transition per network".to_owned(),
        Some(limit) => format!("with at most {limit} transitions per network"),
        None => "with any number of transitions".to_owned(),
    };
    match state {
        ProofState::Optimal => format!("Proved optimal: no other placement and order {limit} is better."),
        ProofState::Feasible => {
            let stopped =
                stopped_by.as_ref().map(|limit| format!(" The search was stopped by {limit}.")).unwrap_or_default();
            let bound_value = readable_value(view.objective, *bound);
            let gap = 100.0 * view.value().abs_diff(*bound) as f64 / view.value().max(1) as f64;
            format!(
                "Not proved optimal: {limit}, a better one may exist, but none better than {bound_value} (gap {gap:.1} %).{stopped}"
            )
        }
    }
}

/// This schedule and, below it on the same scale, the best baseline.
fn charts(view: &ScheduleView) -> String {
    let Some(best) = view.best_baseline() else {
        return section("chart", "Timeline", &figure(view, "ours", view.timeline.makespan()));
    };
    let end = view.timeline.makespan().max(best.timeline.makespan());
    let policy = format!("{}: {}", best.name, best.label);
    let theirs = ScheduleView {
        decision: &best.decision,
        timeline: &best.timeline,
        proof: None,
        policy: &policy,
        ..view.clone()
    };
    let body = figure(view, "ours", end) + &figure(&theirs, "best", end);
    section("chart", "Timeline, beside the best baseline on the same scale", &body)
}

/// The chart twice, for wide and for narrow screens; the style sheet shows one of them.
fn figure(view: &ScheduleView, id: &str, end: Nanoseconds) -> String {
    let chart = |size: &str, width: u32| {
        let id = format!("{id}-{size}");
        format!("<div class=\"{size}\">{}</div>\n", svg::inline(view, &Chart { id: &id, width, end, legend: true }))
    };
    format!(
        "<figure>\n<figcaption><strong>{}</strong> ends at {}</figcaption>\n{}{}</figure>\n",
        escape(view.policy),
        view.timeline.makespan(),
        chart("wide", 960),
        chart("narrow", 360)
    )
}

fn placement(view: &ScheduleView) -> String {
    let body =
        tables::segments(view) + "<details>\n<summary>Every group</summary>\n" + &tables::groups(view) + "</details>\n";
    section("placement", "Placement", &body)
}

fn latencies(view: &ScheduleView) -> String {
    section("latency", "Latency per network", &tables::latencies(view))
}

/// How the schedule fares when its numbers move, where that was asked.
fn sensitivity(view: &ScheduleView) -> String {
    let Some(robustness) = view.robustness else { return String::new() };
    let sentences = list("sensitivity", robust::sentences(robustness).iter().map(String::as_str));
    let body = format!(
        "<p>{}.</p>\n<p>{}.</p>\n{}{sentences}\n<h3>{}</h3>\n{}",
        escape(&capitalized(&robust::verdict(robustness))),
        escape(&capitalized(&robust::what_moved(robustness))),
        tables::spreads(view, robustness),
        robust::CORNERS,
        tables::corners(view, robustness)
    );
    section("sensitivity-heading", "Sensitivity", &body)
}

fn baselines(view: &ScheduleView) -> String {
    if view.baselines.is_empty() {
        return String::new();
    }
    section("baselines", "Baselines", &tables::baselines(view))
}

fn proof(view: &ScheduleView) -> String {
    view.proof.map(|proof| section("proof", "Proof", &tables::proof(view, proof))).unwrap_or_default()
}

/// What the prediction rests on.
fn inputs(view: &ScheduleView) -> String {
    let body = format!(
        "<p>Platform: {}. Contention: {}.</p>\n{}{}",
        escape(view.platform),
        escape(view.contention),
        list("sources", view.sources.iter().map(String::as_str)),
        list("warnings", view.warnings.iter().map(String::as_str))
    );
    section("inputs", "What this rests on", &body)
}

/// A list of sentences; nothing where there are none.
fn list<'a>(class: &str, items: impl Iterator<Item = &'a str>) -> String {
    let items: Vec<String> = items.map(|item| format!("<li>{}</li>\n", escape(item))).collect();
    if items.is_empty() { String::new() } else { format!("<ul class=\"{class}\">\n{}</ul>\n", items.concat()) }
}
