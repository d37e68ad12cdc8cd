//! One self-contained HTML page about a schedule: no scripts, no fonts, nothing fetched.
//!
//! Readable on a phone and on paper, in light and dark.

use std::fmt::Write as _;

use super::gantt::letter;
use super::markup::escape;
use super::schedule::{gain_sentence, placements, proof_sentence, title};
use super::svg::chart;
use super::{ScheduleView, readable_value};
use crate::problem::GroupId;
use crate::schedule::{Baseline, Objective, ProofState};
use crate::units::Nanoseconds;

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--paper:#ffffff;--line:#d1d9e0;--card:#f6f8fa;--mark:#0072b2}\
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--line:#3d444d;--card:#151b23;--mark:#56b4e9}}\
*{box-sizing:border-box}\
body{margin:0 auto;padding:1.5rem 1rem 4rem;max-width:66rem;font:1rem/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}\
h1{font-size:1.5rem;line-height:1.25;margin:0}h2{font-size:1.1rem;margin:2.25rem 0 .5rem}\
p{margin:.4rem 0}.soft{color:var(--soft)}\
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:.75rem;margin:1.25rem 0}\
.fact{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:.8rem 1rem}\
.fact b{display:block;font-size:1.5rem;line-height:1.3;font-variant-numeric:tabular-nums}\
.scroll{overflow-x:auto}figure{margin:.75rem 0}figure svg{display:block;width:100%;min-width:44rem;height:auto}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}\
th,td{padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}td:not(.n){white-space:normal}\
th{font-weight:600;color:var(--soft)}.n{text-align:right}\
.warning{border-left:.25rem solid #d55e00;padding-left:.75rem}.best td{font-weight:600}\
@media print{body{max-width:none;padding:0}.scroll{overflow:visible}figure svg{min-width:0}figure,tr,.fact{break-inside:avoid}}";

/// The whole page.
pub fn page(view: &ScheduleView) -> String {
    let heading = format!("{} on {}", networks(view), view.platform);
    let parts = [
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n\
             <title>{0}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{0}</h1>\n",
            escape(&heading)
        ),
        introduction(view),
        facts(view),
        charts(view),
        section("Placement", &placement_table(view)),
        section("Networks", &networks_table(view)),
        section("Baselines", &baselines_table(view)),
        section("Proof", &proof(view)),
        section("Inputs", &inputs(view)),
        "</main>\n</body>\n</html>\n".to_owned(),
    ];
    parts.concat()
}

fn networks(view: &ScheduleView) -> String {
    (0..view.problem.tasks.len()).map(|task| title(view, task)).collect::<Vec<_>>().join(" + ")
}

fn introduction(view: &ScheduleView) -> String {
    let about = format!("{}: predicted, not measured; contention by {}.", view.policy, view.contention);
    let mut text = format!("<p class=\"soft\">{}</p>\n", escape(&about));
    for line in placements(view).lines() {
        let _ = writeln!(text, "<p>{}.</p>", escape(line));
    }
    text
}

/// The three numbers that a reader came for.
fn facts(view: &ScheduleView) -> String {
    let what = match view.objective {
        Objective::Makespan => "predicted makespan",
        Objective::Throughput => "predicted throughput",
    };
    let gain = view.best_baseline().map_or("none".to_owned(), |best| percent(view.gain_over(best)));
    let proof = match view.proof.map(|proof| proof.state) {
        Some(ProofState::Optimal) => "optimal",
        Some(ProofState::Feasible) => "feasible",
        None => "not asked for",
    };
    let cards = [
        (readable_value(view.objective, view.value()), what.to_owned()),
        (gain, gain_sentence(view)),
        (proof.to_owned(), "proof".to_owned()),
    ];
    let cards = cards.map(|(number, words)| {
        format!("<div class=\"fact\"><b>{}</b><span class=\"soft\">{}</span></div>\n", escape(&number), escape(&words))
    });
    format!("<div class=\"facts\">\n{}</div>\n", cards.concat())
}

/// This schedule, and the best baseline below it on the same scale.
fn charts(view: &ScheduleView) -> String {
    let best = view.best_baseline();
    let until = best.map(|best| best.timeline.makespan()).unwrap_or_default().max(view.timeline.makespan());
    let mut text = section("Timeline", &figure(view, until, "ours"));
    if let Some(best) = best {
        let heading = format!("Best baseline: {}", best.label);
        text.push_str(&section(&heading, &figure(&of_baseline(view, best), until, "baseline")));
    }
    text
}

fn of_baseline<'a>(view: &ScheduleView<'a>, baseline: &'a Baseline) -> ScheduleView<'a> {
    ScheduleView {
        decision: &baseline.decision,
        timeline: &baseline.timeline,
        proof: None,
        policy: &baseline.label,
        ..view.clone()
    }
}

fn figure(view: &ScheduleView, until: Nanoseconds, id: &str) -> String {
    format!("<figure class=\"scroll\" tabindex=\"0\">\n{}</figure>\n", chart(view, until, id, ""))
}

fn section(heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!("<section>\n<h2>{}</h2>\n{content}</section>\n", escape(heading))
}

/// A column's heading and whether it holds numbers.
type Column = (&'static str, bool);

/// A table that scrolls by itself on narrow screens; each row with its class.
fn table(columns: &[Column], rows: &[(&str, Vec<String>)]) -> String {
    let class = |number: bool| if number { " class=\"n\"" } else { "" };
    let mut text = "<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>".to_owned();
    for &(heading, number) in columns {
        let _ = write!(text, "<th scope=\"col\"{}>{}</th>", class(number), escape(heading));
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    for (row_class, cells) in rows {
        let _ = write!(text, "<tr class=\"{row_class}\">");
        for (cell, &(_, number)) in cells.iter().zip(columns) {
            let _ = write!(text, "<td{}>{}</td>", class(number), escape(cell));
        }
        text.push_str("</tr>\n");
    }
    text + "</tbody></table></div>\n"
}

fn placement_table(view: &ScheduleView) -> String {
    let columns = [
        ("", false),
        ("Network", false),
        ("Groups", true),
        ("Layers", true),
        ("On", false),
        ("Start [ms]", true),
        ("End [ms]", true),
        ("Slowdown", true),
    ];
    let rows = (0..view.problem.tasks.len()).flat_map(|task| view.segments(task)).map(|segment| {
        let at = |group| view.occupation(GroupId { task: segment.task, group });
        let cells = vec![
            letter(segment.task).to_string(),
            title(view, segment.task),
            segment.groups(),
            view.layers(&segment),
            view.problem.machines[segment.machine].name.to_uppercase(),
            milliseconds(at(segment.first).start),
            milliseconds(at(segment.last).end),
            format!("{:.3}x", view.slowdown(segment.task, segment.first, segment.last)),
        ];
        ("", cells)
    });
    table(&columns, &rows.collect::<Vec<_>>())
}

fn networks_table(view: &ScheduleView) -> String {
    let rows = (0..view.problem.tasks.len()).map(|task| {
        let last = view.problem.tasks[task].groups.len().saturating_sub(1);
        let slowdown = format!("{:.3}x", view.slowdown(task, 0, last));
        ("", vec![title(view, task), format!("{:.3}", view.latency(task).0), slowdown])
    });
    table(&[("Network", false), ("Latency [ms]", true), ("Slowdown", true)], &rows.collect::<Vec<_>>())
}

fn baselines_table(view: &ScheduleView) -> String {
    if view.baselines.is_empty() {
        return String::new();
    }
    let value = match view.objective {
        Objective::Makespan => "Makespan [ms]",
        Objective::Throughput => "Throughput [inferences/s]",
    };
    let columns = [("Baseline", false), (value, true), ("Transitions", true), ("Gain over it", true), ("", false)];
    let best = view.best_baseline();
    let rows = view.baselines.iter().map(|baseline| {
        let value = readable_value(view.objective, view.objective.value(view.problem, &baseline.timeline));
        let is_best = best.is_some_and(|best| std::ptr::eq(best, baseline));
        let note = match (is_best, baseline.within_limit) {
            (true, _) => "best",
            (false, true) => "",
            (false, false) => "outside the transition limit",
        };
        let cells = vec![
            baseline.label.clone(),
            value.split(' ').next().unwrap_or_default().to_owned(),
            baseline.transitions.to_string(),
            percent(view.gain_over(baseline)),
            note.to_owned(),
        ];
        (if is_best { "best" } else { "" }, cells)
    });
    table(&columns, &rows.collect::<Vec<_>>())
}

fn proof(view: &ScheduleView) -> String {
    let Some(proof) = view.proof else { return String::new() };
    let text = proof_sentence(view.objective, view.value(), proof);
    text.lines().map(|line| format!("<p>{}</p>\n", escape(line.trim()))).collect::<Vec<_>>().concat()
}

fn inputs(view: &ScheduleView) -> String {
    let limit = view.problem.max_transitions.map_or("unlimited".to_owned(), |limit| limit.to_string());
    let mut text = format!(
        "<p>Platform: {}. Contention: {}. Most transitions per network: {limit}.</p>\n",
        escape(view.platform),
        escape(view.contention)
    );
    for source in view.sources {
        let _ = writeln!(text, "<p>{}</p>", escape(source));
    }
    for warning in view.warnings {
        let _ = writeln!(text, "<p class=\"warning\">Warning: {}</p>", escape(warning));
    }
    text
}

fn milliseconds(time: Nanoseconds) -> String {
    format!("{:.3}", time.to_milliseconds().0)
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", 100.0 * share)
}
