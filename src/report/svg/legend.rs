//! The key to a chart: letters and colours of the tasks, hatches of the phases, what the strip says.

use super::style::swatch;
use super::{Chart, escape};
use crate::report::ScheduleView;
use crate::report::gantt::letter;
use crate::report::schedule::title;

const ROW_HEIGHT: u32 = 24;
const SWATCH_WIDTH: f64 = 18.0;
const CHARACTER_WIDTH: f64 = 6.6;
const GAP: f64 = 16.0;

/// One entry: the colour of its swatch, the pattern over it, and what it means.
struct Entry {
    fill: String,
    pattern: Option<String>,
    text: String,
}

/// The key with its top at `y`, in as many rows as it needs, and where it ends.
pub(super) fn draw(view: &ScheduleView, chart: &Chart, y: u32) -> (String, u32) {
    let (mut svg, mut x, mut row) = (String::new(), 8.0, y);
    for entry in entries(view, chart.id) {
        let width = SWATCH_WIDTH + 6.0 + entry.text.chars().count() as f64 * CHARACTER_WIDTH;
        if x > 8.0 && x + width > f64::from(chart.width) - 8.0 {
            (x, row) = (8.0, row + ROW_HEIGHT);
        }
        svg += &draw_entry(&entry, x, row);
        x += width + GAP;
    }
    (svg, row + ROW_HEIGHT + 4)
}

fn entries(view: &ScheduleView, chart_id: &str) -> Vec<Entry> {
    let tasks = (0..view.problem.tasks.len()).map(|task| Entry {
        fill: format!(r#"fill="{}""#, swatch(task).fill),
        pattern: None,
        text: format!("{} {}", letter(task), title(view, task)),
    });
    let phases = paid_phases(view).into_iter().map(|(phase, text)| Entry {
        fill: r#"class="track""#.to_owned(),
        pattern: Some(format!("url(#{chart_id}-{phase})")),
        text: text.to_owned(),
    });
    let lost = Entry {
        fill: r#"class="lost""#.to_owned(),
        pattern: None,
        text: "time lost (full height: half or more)".to_owned(),
    };
    tasks.chain(phases).chain([lost]).collect()
}

/// The phases that occur in the schedule, each with what it means.
fn paid_phases(view: &ScheduleView) -> Vec<(&'static str, &'static str)> {
    let all = || view.timeline.groups.iter().flatten();
    let phases = [
        ("launch", "launch", all().any(|at| at.start < at.launched)),
        ("in", "enters", all().any(|at| at.launched < at.entered)),
        ("out", "leaves", all().any(|at| at.worked < at.end)),
    ];
    phases.into_iter().filter(|(.., paid)| *paid).map(|(phase, text, _)| (phase, text)).collect()
}

fn draw_entry(entry: &Entry, x: f64, y: u32) -> String {
    let rect = |paint: &str| format!(r#"<rect {paint} x="{x:.2}" y="{y}" width="{SWATCH_WIDTH}" height="14"/>"#);
    let pattern = entry.pattern.as_ref().map(|pattern| rect(&format!(r#"fill="{pattern}""#))).unwrap_or_default();
    format!(
        r#"{}{pattern}<text class="key" x="{:.2}" y="{}">{}</text>"#,
        rect(&entry.fill),
        x + SWATCH_WIDTH + 6.0,
        y + 11,
        escape(&entry.text)
    )
}
