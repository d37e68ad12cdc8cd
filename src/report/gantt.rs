//! The Gantt chart as text: a row per accelerator, a letter per task, `>` where a task enters or leaves.

use std::fmt::Write as _;

use super::ScheduleView;
use super::schedule::title;
use crate::problem::GroupId;
use crate::schedule::Occupation;

const IDLE: char = '.';
const TRANSITION: char = '>';

/// The letter of a task: `A`, `B`, ...; `*` beyond `Z`.
pub(super) fn letter(task: usize) -> char {
    u8::try_from(task).ok().filter(|&task| task < 26).map_or('*', |task| char::from(b'A' + task))
}

/// The chart over `width` columns of time, with an axis in milliseconds and a legend.
pub fn gantt(view: &ScheduleView, width: usize) -> String {
    let makespan = view.timeline.makespan().0.max(1);
    let name_width = view.problem.machines.iter().map(|machine| machine.name.chars().count()).max().unwrap_or(0);
    let mut chart = String::new();
    for (machine_idx, machine) in view.problem.machines.iter().enumerate() {
        let row = row(view, machine_idx, width, makespan);
        // Writing to a string can't fail.
        let _ = writeln!(chart, "{:<name_width$} |{row}|", machine.name.to_uppercase());
    }
    let _ = writeln!(chart, "{:name_width$} {}", "", axis(width, makespan));
    let legend: Vec<String> =
        (0..view.problem.tasks.len()).map(|task| format!("{} {}", letter(task), title(view, task))).collect();
    let _ = writeln!(chart, "{:name_width$}  {}, {TRANSITION} transition, {IDLE} idle", "", legend.join(", "));
    chart
}

/// What each column of one accelerator's row shows: the phase at its middle, a transition wherever one begins.
fn row(view: &ScheduleView, machine: usize, width: usize, makespan: u64) -> String {
    let mut cells = vec![IDLE; width];
    for &id in &view.decision.order[machine] {
        draw(&mut cells, view, id, makespan);
    }
    cells.into_iter().collect()
}

fn draw(cells: &mut [char], view: &ScheduleView, id: GroupId, makespan: u64) {
    let &Occupation { start, entered, worked, end, .. } = view.occupation(id);
    let width = cells.len() as u64;
    for (column, cell) in (0..width).zip(cells) {
        let middle = (2 * column + 1) * makespan / (2 * width);
        if (entered.0..worked.0).contains(&middle) {
            *cell = letter(id.task);
        } else if (start.0..end.0).contains(&middle) {
            *cell = TRANSITION;
        }
        let begins_here = |phase: u64| phase * width / makespan == column;
        if (start < entered && begins_here(start.0)) || (worked < end && begins_here(worked.0)) {
            *cell = TRANSITION;
        }
    }
}

/// Zero at the left and the makespan at the right.
pub(super) fn axis(width: usize, makespan: u64) -> String {
    let end = format!("{:.3} ms", makespan as f64 / 1e6);
    format!(" 0{end:>width$}", width = width.saturating_sub(1))
}
