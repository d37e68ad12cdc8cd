//! One accelerator's lane: its name and load, a block per group, and the strip of time lost to contention.

use std::fmt::Write as _;

use super::escape;
use super::scale::Scale;
use super::style::{Swatch, swatch};
use crate::problem::GroupId;
use crate::report::ScheduleView;
use crate::report::gantt::letter;
use crate::report::schedule::title;
use crate::schedule::Occupation;
use crate::units::Nanoseconds;

/// Height of a lane with its name and strip.
pub(super) const HEIGHT: u32 = 82;
/// From a lane's top to its blocks.
const BLOCK_TOP: u32 = 20;
const BLOCK_HEIGHT: u32 = 40;
/// Height of the strip, which stands for half of the time or more being lost.
const STRIP_HEIGHT: f64 = 12.0;
/// Share of time lost that fills the strip.
const FULL_STRIP: f64 = 0.5;
/// Widest a character of a label gets.
const CHARACTER_WIDTH: f64 = 6.9;

/// The lane of `machine` with its top at `y`.
pub(super) fn draw(view: &ScheduleView, chart_id: &str, scale: &Scale, machine: usize, y: u32) -> String {
    let name = escape(&view.problem.machines[machine].name.to_uppercase());
    let mut svg = format!(
        r#"<text class="lane" x="8" y="{}"><tspan class="name">{name}</tspan> busy {:.0} %</text>"#,
        y + 13,
        100.0 * busy(view, machine)
    );
    for &id in &view.decision.order[machine] {
        svg += &block(view, chart_id, scale, id, y + BLOCK_TOP);
    }
    svg
}

/// Share of the makespan in which the accelerator is occupied.
fn busy(view: &ScheduleView, machine: usize) -> f64 {
    let ids = view.decision.order[machine].iter().map(|&id| view.occupation(id));
    let occupied: Nanoseconds = ids.map(|at| at.end - at.start).sum();
    occupied.0 as f64 / view.timeline.makespan().0.max(1) as f64
}

/// One group: its phases, its share of time lost, and its label where there is room.
fn block(view: &ScheduleView, chart_id: &str, scale: &Scale, id: GroupId, y: u32) -> String {
    let at = view.occupation(id);
    let swatch = swatch(id.task);
    let slowdown = view.slowdown(id.task, id.group, id.group);
    let mut svg = format!("<g><title>{}</title>", escape(&tooltip(view, id, slowdown)));
    let _ = write!(
        svg,
        r#"<rect class="block" x="{:.2}" y="{y}" width="{:.2}" height="{BLOCK_HEIGHT}" fill="{}"/>"#,
        scale.x(at.start),
        scale.x(at.end) - scale.x(at.start),
        swatch.fill
    );
    for (phase, from, to) in phases(at) {
        if from < to {
            svg += &hatch(chart_id, phase, scale.x(from), scale.x(to), y);
        }
    }
    svg += &strip(scale, at, slowdown, y + BLOCK_HEIGHT + 2);
    svg += &label(view, scale, id, slowdown, swatch, y);
    svg + "</g>"
}

/// The phases that compute nothing.
fn phases(at: &Occupation) -> [(&'static str, Nanoseconds, Nanoseconds); 3] {
    [("launch", at.start, at.launched), ("in", at.launched, at.entered), ("out", at.worked, at.end)]
}

fn hatch(chart_id: &str, phase: &str, from: f64, to: f64, y: u32) -> String {
    let width = (to - from).max(1.0);
    format!(
        r#"<rect class="phase" x="{from:.2}" y="{y}" width="{width:.2}" height="{BLOCK_HEIGHT}" fill="url(#{chart_id}-{phase})"/>"#
    )
}

/// A bar below the work whose height is the share of time lost to contention.
fn strip(scale: &Scale, at: &Occupation, slowdown: f64, y: u32) -> String {
    let (from, width) = (scale.x(at.entered), scale.x(at.worked) - scale.x(at.entered));
    let height = STRIP_HEIGHT * ((1.0 - 1.0 / slowdown.max(1.0)) / FULL_STRIP).min(1.0);
    let track = format!(r#"<rect class="track" x="{from:.2}" y="{y}" width="{width:.2}" height="{STRIP_HEIGHT}"/>"#);
    if height < 0.05 {
        return track;
    }
    let top = f64::from(y) + STRIP_HEIGHT - height;
    track + &format!(r#"<rect class="lost" x="{from:.2}" y="{top:.2}" width="{width:.2}" height="{height:.2}"/>"#)
}

/// Letter, layers and slowdown; without room the letter alone, without room for that nothing.
fn label(view: &ScheduleView, scale: &Scale, id: GroupId, slowdown: f64, swatch: Swatch, y: u32) -> String {
    let at = view.occupation(id);
    let room = scale.x(at.worked) - scale.x(at.entered) - 4.0;
    let middle = f64::midpoint(scale.x(at.entered), scale.x(at.worked));
    let letter = letter(id.task).to_string();
    let layers = view.problem.tasks[id.task].groups[id.group].layers;
    let line = |text: &str, y: u32, class: &str| {
        format!(
            r#"<text class="{class}" x="{middle:.2}" y="{y}" text-anchor="middle" fill="{}">{}</text>"#,
            swatch.ink,
            escape(text)
        )
    };
    let long = format!("{letter} {layers}");
    if fits(&long, room) {
        return line(&long, y + 18, "label") + &line(&format!("\u{d7}{slowdown:.2}"), y + 32, "factor");
    }
    if fits(&letter, room) { line(&letter, y + 25, "label") } else { String::new() }
}

fn fits(text: &str, room: f64) -> bool {
    text.chars().count() as f64 * CHARACTER_WIDTH <= room
}

fn tooltip(view: &ScheduleView, id: GroupId, slowdown: f64) -> String {
    let at = view.occupation(id);
    let machine = view.decision.placement[id.task][id.group];
    let mut text = format!(
        "{} {}, layers {}, on {}: {} to {}, slowed {slowdown:.3} times",
        letter(id.task),
        title(view, id.task),
        view.problem.tasks[id.task].groups[id.group].layers,
        view.problem.machines[machine].name.to_uppercase(),
        at.start,
        at.end,
    );
    for (phase, from, to) in phases(at).into_iter().filter(|(_, from, to)| from < to) {
        let _ = write!(text, ", {phase} {}", to - from);
    }
    text
}
