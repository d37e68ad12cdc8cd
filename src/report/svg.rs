//! The Gantt chart as SVG: a row per accelerator, a block per layer group, lettered and coloured by network.
//!
//! Nothing is said by colour alone: blocks carry their network's letter, transitions are hatched, and a dark foot whose
//! height is the slowdown shows contention. Every block has a tooltip with its numbers.

use std::fmt::Write as _;

use super::gantt::letter;
use super::markup::{colours, escape};
use super::schedule::title;
use super::{ScheduleView, readable_value};
use crate::problem::GroupId;
use crate::units::Nanoseconds;

/// Left end of the time axis, in the drawing's units.
const LEFT: f64 = 64.0;
/// Length of the time axis.
const LENGTH: f64 = 880.0;
/// Height of an accelerator's row, and the distance between two rows' tops.
const ROW: f64 = 44.0;
const ROW_STEP: f64 = 56.0;
/// Distance between two lines of the legend.
const LEGEND_STEP: f64 = 22.0;

/// A file of its own, readable on light and dark backgrounds.
pub fn svg(view: &ScheduleView) -> String {
    let style = "<style>svg{color:#1b1f24;background:#ffffff}\
        @media (prefers-color-scheme:dark){svg{color:#e6edf3;background:#0d1117}}</style>";
    chart(view, view.timeline.makespan(), "chart", style)
}

/// The chart with a time axis up to at least `until`; `id` keeps apart several charts of one page.
pub(super) fn chart(view: &ScheduleView, until: Nanoseconds, id: &str, style: &str) -> String {
    let n_rows = view.problem.machines.len() as f64;
    let axis_top = 8.0 + n_rows * ROW_STEP;
    let height = axis_top + 36.0 + LEGEND_STEP * (view.problem.tasks.len() + 1) as f64;
    let until = until.max(view.timeline.makespan()).0.max(1);
    let scale = LENGTH / until as f64;
    let parts = [
        head(view, id, height, style),
        axis(until, axis_top),
        (0..view.problem.machines.len()).map(|machine| row(view, machine, scale, id)).collect::<String>(),
        end_mark(view, scale, axis_top),
        legend(view, axis_top + 48.0, id),
        "</svg>\n".to_owned(),
    ];
    parts.concat()
}

fn head(view: &ScheduleView, id: &str, height: f64, style: &str) -> String {
    let (policy, platform) = (escape(view.policy), escape(view.platform));
    let value = readable_value(view.objective, view.value());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 {height:.0}\" role=\"img\" \
         aria-labelledby=\"{id}-title {id}-desc\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         {style}<title id=\"{id}-title\">{policy} on {platform}: predicted {value}</title>\n\
         <desc id=\"{id}-desc\">{}</desc>\n\
         <defs><pattern id=\"{id}-hatch\" width=\"5\" height=\"5\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path d=\"M0 0V5\" stroke=\"#000000\" stroke-width=\"3\"/></pattern></defs>\n",
        escape(super::schedule::placements(view).trim().replace('\n', "; ").as_str()),
    )
}

/// Ticks at round numbers of milliseconds.
fn axis(until: u64, top: f64) -> String {
    let (step, decimals) = tick_step(until);
    let mut axis = format!("<path d=\"M{LEFT} {top:.0}H{:.0}\" stroke=\"currentColor\"/>\n", LEFT + LENGTH);
    for tick in 0..=until / step {
        let at = tick * step;
        let x = LEFT + LENGTH * at as f64 / until as f64;
        // Writing to a string can't fail.
        let _ = writeln!(
            axis,
            "<path d=\"M{x:.2} 4V{:.0}\" stroke=\"currentColor\" stroke-opacity=\"0.25\"/>\
             <text x=\"{x:.2}\" y=\"{:.0}\" text-anchor=\"middle\" fill=\"currentColor\">{:.decimals$}</text>",
            top + 5.0,
            top + 20.0,
            at as f64 / 1e6,
        );
    }
    let _ = writeln!(axis, "<text x=\"8\" y=\"{:.0}\" fill=\"currentColor\">ms</text>", top + 20.0);
    axis
}

/// The smallest of 1, 2, 5 times a power of ten, in nanoseconds, that gives at most ten ticks, and the decimals that it
/// needs in milliseconds.
fn tick_step(until: u64) -> (u64, usize) {
    let mut decade = (1_u64, 6_usize);
    loop {
        let (power, decimals) = decade;
        if let Some(factor) = [1, 2, 5].into_iter().find(|factor| until <= power.saturating_mul(10 * factor)) {
            return (power * factor, decimals);
        }
        decade = (power.saturating_mul(10), decimals.saturating_sub(1));
    }
}

fn row(view: &ScheduleView, machine: usize, scale: f64, id: &str) -> String {
    let top = 8.0 + ROW_STEP * machine as f64;
    let mut row = format!(
        "<text x=\"8\" y=\"{:.1}\" font-weight=\"600\" fill=\"currentColor\">{}</text>\n\
         <rect x=\"{LEFT}\" y=\"{top}\" width=\"{LENGTH}\" height=\"{ROW}\" fill=\"currentColor\" fill-opacity=\"0.06\"/>\n",
        top + ROW / 2.0 + 4.0,
        escape(&view.problem.machines[machine].name.to_uppercase()),
    );
    for &group in &view.decision.order[machine] {
        row.push_str(&block(view, group, machine, top, scale, id));
    }
    row
}

/// One group: hatched launch and transitions around its work.
fn block(view: &ScheduleView, id: GroupId, machine: usize, top: f64, scale: f64, chart: &str) -> String {
    let at = view.occupation(id);
    let (fill, ink) = colours(id.task);
    let x = |moment: Nanoseconds| LEFT + moment.0 as f64 * scale;
    let mut block = format!("<g><title>{}</title>", escape(&tooltip(view, id, machine)));
    for (from, to) in [(at.start, at.entered), (at.worked, at.end)] {
        if from < to {
            let (left, width) = (x(from), x(to) - x(from));
            let area = format!("x=\"{left:.2}\" y=\"{top}\" width=\"{width:.2}\" height=\"{ROW}\"");
            let _ = write!(block, "<rect {area} fill=\"{fill}\"/><rect {area} fill=\"url(#{chart}-hatch)\"/>");
        }
    }
    let (left, width) = (x(at.entered), x(at.worked) - x(at.entered));
    let foot = ROW * (view.slowdown(id.task, id.group, id.group) - 1.0).clamp(0.0, 1.0);
    let _ = write!(
        block,
        "<rect x=\"{left:.2}\" y=\"{top}\" width=\"{width:.2}\" height=\"{ROW}\" fill=\"{fill}\" stroke=\"#ffffff\" \
         stroke-width=\"0.8\"/><rect x=\"{left:.2}\" y=\"{:.2}\" width=\"{width:.2}\" height=\"{foot:.2}\" \
         fill=\"#000000\" fill-opacity=\"0.4\"/>",
        top + ROW - foot,
    );
    block.push_str(&label(id, ink, left + width / 2.0, top + 18.0, width));
    block.push_str("</g>\n");
    block
}

/// `A3` where it fits, the letter alone where that fits, else nothing.
fn label(id: GroupId, ink: &str, middle: f64, y: f64, width: f64) -> String {
    let text = match width {
        width if width >= 30.0 => format!("{}{}", letter(id.task), id.group + 1),
        width if width >= 12.0 => letter(id.task).to_string(),
        _ => return String::new(),
    };
    format!("<text x=\"{middle:.2}\" y=\"{y}\" text-anchor=\"middle\" fill=\"{ink}\">{text}</text>")
}

fn tooltip(view: &ScheduleView, id: GroupId, machine: usize) -> String {
    let at = view.occupation(id);
    let layers = view.problem.tasks[id.task].groups[id.group].layers;
    let ms = |time: Nanoseconds| time.to_milliseconds().0;
    format!(
        "{} group {}, layers {}-{}, on {}: {:.3} to {:.3} ms; work {:.3} ms, {:.3}x its time alone; launch {:.3}, in {:.3}, out {:.3} ms",
        title(view, id.task),
        id.group + 1,
        layers.first,
        layers.last - 1,
        view.problem.machines[machine].name.to_uppercase(),
        ms(at.start),
        ms(at.end),
        ms(at.worked - at.entered),
        view.slowdown(id.task, id.group, id.group),
        ms(at.launched - at.start),
        ms(at.entered - at.launched),
        ms(at.end - at.worked),
    )
}

/// A line at the makespan, with its number.
fn end_mark(view: &ScheduleView, scale: f64, axis_top: f64) -> String {
    let makespan = view.timeline.makespan();
    let x = LEFT + makespan.0 as f64 * scale;
    format!(
        "<path d=\"M{x:.2} 2V{axis_top:.0}\" stroke=\"currentColor\" stroke-width=\"1.5\" stroke-dasharray=\"4 3\"/>\
         <text x=\"{x:.2}\" y=\"{:.0}\" text-anchor=\"end\" font-weight=\"600\" fill=\"currentColor\">{makespan}</text>\n",
        axis_top + 35.0,
    )
}

fn legend(view: &ScheduleView, top: f64, id: &str) -> String {
    let mut legend = String::new();
    for task in 0..view.problem.tasks.len() {
        let y = top + LEGEND_STEP * task as f64;
        let (fill, ink) = colours(task);
        let _ = writeln!(
            legend,
            "<rect x=\"{LEFT}\" y=\"{:.0}\" width=\"22\" height=\"16\" fill=\"{fill}\"/><text x=\"{:.0}\" y=\"{y:.0}\" \
             text-anchor=\"middle\" fill=\"{ink}\">{}</text><text x=\"{:.0}\" y=\"{y:.0}\" fill=\"currentColor\">{}</text>",
            y - 12.5,
            LEFT + 11.0,
            letter(task),
            LEFT + 30.0,
            escape(&title(view, task)),
        );
    }
    let y = top + LEGEND_STEP * view.problem.tasks.len() as f64;
    let _ = writeln!(
        legend,
        "<rect x=\"{LEFT}\" y=\"{0:.0}\" width=\"22\" height=\"16\" fill=\"#999999\"/><rect x=\"{LEFT}\" y=\"{0:.0}\" \
         width=\"22\" height=\"16\" fill=\"url(#{id}-hatch)\"/><text x=\"{1:.0}\" y=\"{y:.0}\" fill=\"currentColor\">\
         hatched: launch and transition; dark foot: slowed by contention (half the height is 1.5x)</text>",
        y - 12.5,
        LEFT + 30.0,
    );
    legend
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_at_most_ten() {
        assert_eq!(tick_step(7_842_000), (1_000_000, 0));
        assert_eq!(tick_step(14_400_000), (2_000_000, 0));
        assert_eq!(tick_step(1_200_000), (200_000, 1));
        assert_eq!(tick_step(1), (1, 6));
        assert!(tick_step(u64::MAX).0 > 1 << 60);
    }
}
