//! The page's tables: units in the headings, numbers to the right, names escaped.

use crate::problem::GroupId;
use crate::report::gantt::letter;
use crate::report::run::capitalized;
use crate::report::schedule::title;
use crate::report::svg::escape;
use crate::report::{Align, ScheduleView, objective_words, readable_value, robust};
use crate::schedule::{Proof, ProofState, Robustness};
use crate::units::Nanoseconds;

/// A table in a box that scrolls sideways on its own; a heading that begins with `>` stands over numbers.
pub(super) fn table(label: &str, headings: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let class = |heading: &str| if heading.starts_with('>') { " class=\"n\"" } else { "" };
    let head = headings
        .iter()
        .map(|heading| format!("<th scope=\"col\"{}>{}</th>", class(heading), escape(heading.trim_start_matches('>'))));
    let head = head.collect::<Vec<_>>().concat();
    let row = |cells: Vec<String>| {
        let cells = cells.iter().zip(headings).enumerate().map(|(column, (cell, heading))| match column {
            0 => format!("<th scope=\"row\">{}</th>", escape(cell)),
            _ => format!("<td{}>{}</td>", class(heading), escape(cell)),
        });
        format!("<tr>{}</tr>\n", cells.collect::<String>())
    };
    let body: String = rows.into_iter().map(row).collect();
    format!(
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{label}\"><table>\n\
         <thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table></div>\n"
    )
}

fn ms(time: Nanoseconds) -> String {
    format!("{:.3}", time.to_milliseconds().0)
}

fn times(slowdown: f64) -> String {
    format!("\u{d7}{slowdown:.3}")
}

/// A row per run of neighbouring groups on one accelerator.
pub(super) fn segments(view: &ScheduleView) -> String {
    let segments = (0..view.problem.tasks.len()).flat_map(|task| view.segments(task));
    let rows = segments.map(|segment| {
        let at = |group| view.occupation(GroupId { task: segment.task, group });
        vec![
            format!("{} {}", letter(segment.task), title(view, segment.task)),
            view.layers(&segment),
            segment.groups(),
            view.problem.machines[segment.machine].name.to_uppercase(),
            ms(at(segment.first).start),
            ms(at(segment.last).end),
            times(view.slowdown(segment.task, segment.first, segment.last)),
        ]
    });
    let headings = ["Network", ">Layers", ">Groups", "On", ">Start [ms]", ">End [ms]", ">Slowdown"];
    table("Placement", &headings, rows)
}

/// A row per group with its phases.
pub(super) fn groups(view: &ScheduleView) -> String {
    let tasks = view.problem.tasks.iter().enumerate();
    let ids = tasks.flat_map(|(task, it)| (0..it.groups.len()).map(move |group| GroupId { task, group }));
    let rows = ids.map(|id| {
        let at = view.occupation(id);
        vec![
            format!("{} {}", letter(id.task), view.problem.tasks[id.task].groups[id.group].layers),
            view.problem.machines[view.decision.placement[id.task][id.group]].name.to_uppercase(),
            ms(at.start),
            ms(at.launched - at.start),
            ms(at.entered - at.launched),
            ms(at.worked - at.entered),
            ms(at.end - at.worked),
            ms(at.end),
            times(view.slowdown(id.task, id.group, id.group)),
        ]
    });
    let headings = [
        "Layers",
        "On",
        ">Start [ms]",
        ">Launch [ms]",
        ">Enter [ms]",
        ">Work [ms]",
        ">Leave [ms]",
        ">End [ms]",
        ">Slowdown",
    ];
    table("Every group", &headings, rows)
}

/// A row per task.
pub(super) fn latencies(view: &ScheduleView) -> String {
    let rows = view.problem.tasks.iter().enumerate().map(|(idx, task)| {
        vec![
            format!("{} {}", letter(idx), title(view, idx)),
            format!("{:.3}", view.latency(idx).0),
            view.problem.counted_transitions(idx, &view.decision.placement[idx]).to_string(),
            times(view.slowdown(idx, 0, task.groups.len().saturating_sub(1))),
        ]
    });
    table("Latency per network", &["Network", ">Latency [ms]", ">Transitions", ">Slowdown"], rows)
}

/// A row per baseline.
pub(super) fn baselines(view: &ScheduleView) -> String {
    let (name, unit) = objective_words(view.objective);
    let value = format!(">{} [{unit}]", capitalized(name));
    let number = |value| readable_value(view.objective, value).split(' ').next().unwrap_or_default().to_owned();
    let rows = view.baselines.iter().map(|baseline| {
        vec![
            format!("{}: {}", baseline.name, baseline.label),
            number(baseline.value(view.problem, view.objective)),
            format!("{:+.1} %", 100.0 * view.gain_over(baseline)),
            baseline.transitions.to_string(),
            if baseline.within_limit { "yes" } else { "no" }.to_owned(),
        ]
    });
    table("Baselines", &["Baseline", &value, ">Our gain", ">Transitions", "Within limit"], rows)
}

/// The sampled figures.
pub(super) fn spreads(view: &ScheduleView, robustness: &Robustness) -> String {
    let headings = ["Figure", ">5th percentile", ">Median", ">95th percentile"];
    table("Sampled figures", &headings, robust::spread_rows(view, robustness))
}

/// What happens when one accelerator's numbers move together.
pub(super) fn corners(view: &ScheduleView, robustness: &Robustness) -> String {
    let heading =
        |(heading, align): (String, Align)| if align == Align::Right { format!(">{heading}") } else { heading };
    let headings = robust::corner_headings(view).map(heading);
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    table("Corners", &headings, robust::corner_rows(view, robustness))
}

/// What the search counted.
pub(super) fn proof(view: &ScheduleView, proof: &Proof) -> String {
    let statistics = &proof.statistics;
    let counted = statistics.excluded_by_rows + statistics.decided_by_oracle + statistics.excluded_by_enumeration;
    let state = match proof.state {
        ProofState::Optimal => "optimal",
        ProofState::Feasible => "feasible",
    };
    let rows = [
        ("State", state.to_owned()),
        ("Value", readable_value(view.objective, view.value())),
        ("Bound", readable_value(view.objective, proof.bound)),
        ("Combinations of plans", statistics.combinations.to_string()),
        ("Excluded by Z3's rows", statistics.excluded_by_rows.to_string()),
        ("Decided by the order search", statistics.decided_by_oracle.to_string()),
        ("Excluded by enumeration", statistics.excluded_by_enumeration.to_string()),
        ("Excluded together, or not decided one by one", statistics.combinations.saturating_sub(counted).to_string()),
        ("Z3 checks", statistics.z3_checks.to_string()),
        ("Nodes of the order search", statistics.oracle_nodes.to_string()),
        ("Time to solve", format!("{:.3} s", proof.elapsed.as_secs_f64())),
    ];
    table("Proof", &["What", ">Figure"], rows.map(|(what, figure)| vec![what.to_owned(), figure]))
}
