//! The chart of a run: per accelerator a row of what was predicted above a row of what came out in a typical round.

use std::fmt::Write as _;

use super::scale::{self, Scale};
use super::style::{self, swatch};
use super::{Chart, escape};
use crate::report::gantt::letter;
use crate::report::run::{Bar, measured_bars, predicted_bars, typical_round};
use crate::run::{PolicyRun, RunLog, Span};
use crate::units::Nanoseconds;

const ROW_HEIGHT: u32 = 30;
const NAME_HEIGHT: u32 = 20;
/// A lane: its name, two rows and a gap.
const LANE_HEIGHT: u32 = NAME_HEIGHT + 2 * (ROW_HEIGHT + 3) + 12;
const KEY_HEIGHT: u32 = 24;
/// Widest a character of a label gets.
const CHARACTER_WIDTH: f64 = 6.9;

/// The chart of the first policy of `log` as a file of its own, on a light background.
pub fn compared(log: &RunLog) -> String {
    let Some(policy) = log.policies.first() else { return String::new() };
    let chart = Chart { id: "run", width: 960, end: end(policy), legend: true };
    let top = 40;
    let (body, height) = body(log, policy, &chart, top);
    let mut svg = open(log, policy, &chart, height);
    let _ = write!(svg, "<style>{}</style>", style::light());
    let _ = write!(svg, r##"<rect width="{}" height="{height}" fill="#ffffff"/>"##, chart.width);
    let _ = write!(svg, r#"<text x="8" y="24" class="heading">{}</text>"#, escape(&summary(log, policy)));
    svg + &body + "</svg>\n"
}

/// The chart of `policy` for a page that carries the style sheet of the charts.
pub(in crate::report) fn compared_inline(log: &RunLog, policy: &PolicyRun, chart: &Chart) -> String {
    let (body, height) = body(log, policy, chart, 8);
    open(log, policy, chart, height) + &body + "</svg>\n"
}

/// Where the chart of a policy ends.
pub(in crate::report) fn end(policy: &PolicyRun) -> Nanoseconds {
    let round = policy.rounds.get(typical_round(policy)).map(crate::run::Round::makespan);
    policy.predicted_makespan().max(round.unwrap_or_default())
}

fn open(log: &RunLog, policy: &PolicyRun, chart: &Chart, height: u32) -> String {
    let Chart { id, width, .. } = chart;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="gantt" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="{id}-title"><title id="{id}-title">{}</title>{}"#,
        escape(&summary(log, policy)),
        style::patterns(id),
    )
}

fn summary(log: &RunLog, policy: &PolicyRun) -> String {
    let round = typical_round(policy);
    let actual = policy.rounds.get(round).map(crate::run::Round::makespan).unwrap_or_default();
    format!(
        "{} on {}: predicted to end at {}, {} {actual} (round {} of {}, the median)",
        policy.label,
        log.platform,
        policy.predicted_makespan(),
        log.backend.word(),
        round + 1,
        policy.rounds.len()
    )
}

fn body(log: &RunLog, policy: &PolicyRun, chart: &Chart, top: u32) -> (String, u32) {
    let scale = Scale::new(chart.width, chart.end);
    let lanes_end = top + LANE_HEIGHT * u32::try_from(log.accelerators.len()).unwrap_or(u32::MAX / 1024);
    let mut svg = scale.grid(top, lanes_end);
    let mut y = top;
    for accelerator in &log.accelerators {
        svg += &lane(log, policy, chart, &scale, accelerator, y);
        y += LANE_HEIGHT;
    }
    svg += &scale.axis(lanes_end);
    let mut height = lanes_end + scale::AXIS_HEIGHT;
    if chart.legend {
        for (task, entry) in policy.tasks.iter().enumerate() {
            svg += &key(task, &entry.name, height);
            height += KEY_HEIGHT;
        }
    }
    (svg, height)
}

/// Two rows of an accelerator; their labels stand in the line of its name.
fn lane(log: &RunLog, policy: &PolicyRun, chart: &Chart, scale: &Scale, accelerator: &str, y: u32) -> String {
    let word = log.backend.word();
    let mut svg = format!(
        r#"<text class="lane" x="8" y="{}"><tspan class="name">{}</tspan> predicted above {word}</text>"#,
        y + 13,
        escape(&accelerator.to_uppercase())
    );
    let rows = [
        ("predicted", predicted_bars(policy, accelerator)),
        (word, measured_bars(policy, accelerator, typical_round(policy))),
    ];
    let mut top = y + NAME_HEIGHT;
    for (word, bars) in rows {
        for bar in &bars {
            svg += &block(policy, chart, scale, bar, word, top);
        }
        top += ROW_HEIGHT + 3;
    }
    svg
}

fn block(policy: &PolicyRun, chart: &Chart, scale: &Scale, bar: &Bar, word: &str, y: u32) -> String {
    let task = &policy.tasks[bar.task];
    let layers = task.layers(bar.span);
    let swatch = swatch(bar.task);
    let (from, width) = extent(scale, bar.at);
    let title = format!("{}, layers {layers}, {word}: {} to {}", task.name, bar.at.start, bar.at.end);
    let mut svg = format!(
        r#"<g><title>{}</title><rect class="block" x="{from:.2}" y="{y}" width="{width:.2}" height="{ROW_HEIGHT}" fill="{}"/>"#,
        escape(&title),
        swatch.fill
    );
    for &overhead in &bar.overheads {
        let (from, width) = extent(scale, overhead);
        let _ = write!(
            svg,
            r#"<rect class="phase" x="{from:.2}" y="{y}" width="{:.2}" height="{ROW_HEIGHT}" fill="url(#{}-in)"/>"#,
            width.max(1.0),
            chart.id
        );
    }
    let long = format!("{} {layers}", letter(bar.task));
    let short = letter(bar.task).to_string();
    let fits = |text: &String| text.chars().count() as f64 * CHARACTER_WIDTH <= width - 4.0;
    if let Some(text) = [long, short].into_iter().find(fits) {
        let _ = write!(
            svg,
            r#"<text class="label" x="{:.2}" y="{}" text-anchor="middle" fill="{}">{}</text>"#,
            from + width / 2.0,
            y + 19,
            swatch.ink,
            escape(&text)
        );
    }
    svg + "</g>"
}

fn extent(scale: &Scale, at: Span) -> (f64, f64) {
    (scale.x(at.start), scale.x(at.end) - scale.x(at.start))
}

fn key(task: usize, name: &str, y: u32) -> String {
    format!(
        r#"<rect fill="{}" x="8" y="{y}" width="18" height="14"/><text class="key" x="32" y="{}">{} {}</text>"#,
        swatch(task).fill,
        y + 11,
        letter(task),
        escape(name)
    )
}
