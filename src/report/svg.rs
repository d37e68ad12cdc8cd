//! The Gantt chart as SVG: a lane per accelerator, a colour and a letter per task, a hatch per phase that computes
//! nothing, and below each lane the share of time that contention takes.
//!
//! Knows shapes and words only; `ScheduleView` knows the numbers. Fetches nothing and runs no script.

mod compared;
mod lane;
mod legend;
mod scale;
mod style;

use std::fmt::Write as _;

use super::ScheduleView;
use super::schedule::title;
use crate::units::Nanoseconds;
use scale::Scale;

pub use compared::compared;
pub(super) use compared::{compared_inline, end as compared_end};
pub(super) use style::THEMED as STYLE;

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chart<'a> {
    /// Begins every id inside the chart, so that several charts can share a page.
    pub id: &'a str,
    /// Width in CSS pixels.
    pub width: u32,
    /// Right end of the axis; two charts with the same end can be compared by eye.
    pub end: Nanoseconds,
    /// Whether the key to colours and hatches follows the axis.
    pub legend: bool,
}

/// The chart of `view` as a file of its own, on a light background.
pub fn gantt(view: &ScheduleView) -> String {
    let chart = Chart { id: "gantt", width: 960, end: view.timeline.makespan(), legend: true };
    let top = 40;
    let (body, height) = body(view, &chart, top);
    let mut svg = open(view, &chart, height);
    let _ = write!(svg, "<style>{}</style>", style::light());
    let _ = write!(svg, r##"<rect width="{}" height="{height}" fill="#ffffff"/>"##, chart.width);
    let _ = write!(svg, r#"<text x="8" y="24" class="heading">{}</text>"#, escape(&summary(view)));
    svg + &body + "</svg>\n"
}

/// The chart of `view` for a page that carries the style sheet of the charts.
pub fn inline(view: &ScheduleView, chart: &Chart) -> String {
    let (body, height) = body(view, chart, 8);
    open(view, chart, height) + &body + "</svg>\n"
}

/// Text that is safe between tags and in quoted attributes; characters that XML can't hold become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' => escaped.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

fn open(view: &ScheduleView, chart: &Chart, height: u32) -> String {
    let Chart { id, width, .. } = chart;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="gantt" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="{id}-title {id}-desc"><title id="{id}-title">{}</title><desc id="{id}-desc">{}</desc>{}"#,
        escape(&summary(view)),
        escape(&description(view)),
        style::patterns(id),
    )
}

/// The lanes, the axis and the key below `top`, and the height of it all.
fn body(view: &ScheduleView, chart: &Chart, top: u32) -> (String, u32) {
    let scale = Scale::new(chart.width, chart.end);
    let lanes_end = top + lane::HEIGHT * u32::try_from(view.problem.machines.len()).unwrap_or(u32::MAX / 1024);
    let mut svg = scale.grid(top, lanes_end);
    for machine in 0..view.problem.machines.len() {
        let y = top + lane::HEIGHT * u32::try_from(machine).unwrap_or(0);
        svg += &lane::draw(view, chart.id, &scale, machine, y);
    }
    svg += &scale.axis(lanes_end);
    svg += &scale.end_mark(view.timeline.makespan(), top, lanes_end);
    let mut height = lanes_end + scale::AXIS_HEIGHT;
    if chart.legend {
        let (legend, legend_end) = legend::draw(view, chart, height);
        svg += &legend;
        height = legend_end;
    }
    (svg, height)
}

fn summary(view: &ScheduleView) -> String {
    let titles: Vec<String> = (0..view.problem.tasks.len()).map(|task| title(view, task)).collect();
    format!(
        "{} on {}: {}, ends at {} (predicted)",
        titles.join(" + "),
        view.platform,
        view.policy,
        view.timeline.makespan()
    )
}

/// The chart in words, for people who don't see it.
fn description(view: &ScheduleView) -> String {
    let segments = (0..view.problem.tasks.len()).flat_map(|task| view.segments(task));
    let sentences = segments.map(|segment| {
        let ends = &view.timeline.groups[segment.task];
        format!(
            "{}, layers {}, on {} from {} to {}, slowed {:.3} times.",
            title(view, segment.task),
            view.layers(&segment),
            view.problem.machines[segment.machine].name.to_uppercase(),
            ends[segment.first].start,
            ends[segment.last].end,
            view.slowdown(segment.task, segment.first, segment.last),
        )
    });
    sentences.collect::<Vec<_>>().join(" ")
}
