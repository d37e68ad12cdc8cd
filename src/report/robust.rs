//! How a schedule fares when the numbers that it rests on move, in words and tables.

use super::run::{capitalized, percent as signed};
use super::{Align, ScheduleView, Table, objective_words, readable_value};
use crate::schedule::{Corner, Robustness, Spread, Verdict};

/// Everything about the sensitivity of a schedule, for a terminal.
pub fn text(view: &ScheduleView, robustness: &Robustness) -> String {
    let mut spreads = Table::new(&[
        ("", Align::Left),
        ("5th percentile", Align::Right),
        ("Median", Align::Right),
        ("95th percentile", Align::Right),
    ]);
    for row in spread_rows(view, robustness) {
        spreads.row(row);
    }
    let headings = corner_headings(view);
    let columns: Vec<(&str, Align)> = headings.iter().map(|(heading, align)| (&**heading, *align)).collect();
    let mut corners = Table::new(&columns);
    for row in corner_rows(view, robustness) {
        corners.row(row);
    }
    let sentences = sentences(robustness).join("\n  ");
    format!(
        "Sensitivity: {}\n{spreads}  {sentences}\n{}\n\n{}\n{corners}",
        what_moved(robustness),
        verdict(robustness),
        CORNERS
    )
}

/// What the table of corners shows.
pub(super) const CORNERS: &str = "All numbers of one accelerator moved together";

/// What was done, and that nothing of it was measured.
pub(super) fn what_moved(robustness: &Robustness) -> String {
    format!(
        "every profiled number moved by up to {}, each by itself: {} samples (seed {}), not measurements",
        percent(robustness.share),
        robustness.samples,
        robustness.seed
    )
}

/// One row for each sampled figure: its name, 5th percentile, median and 95th percentile.
pub(super) fn spread_rows(view: &ScheduleView, robustness: &Robustness) -> Vec<Vec<String>> {
    let (name, unit) = objective_words(view.objective);
    let best = view.best_baseline().map_or("the best baseline", |best| &best.name);
    let row = |name: String, spread: Option<Spread>, write: &dyn Fn(f64) -> String| {
        let spread = spread?;
        Some(vec![name, write(spread.low), write(spread.median), write(spread.high)])
    };
    let rows = [
        row(format!("{} [{unit}]", capitalized(name)), Some(robustness.value), &|value| number(view, value)),
        row(format!("Gain over {best}"), robustness.gain_over_nominal_best, &signed),
        row("Gain over each sample's best baseline".to_owned(), robustness.gain_over_best, &signed),
        row("Worse than the best schedule found".to_owned(), robustness.regret, &percent),
    ];
    rows.into_iter().flatten().collect()
}

/// In how many samples what holds, and what the searches in them could find.
pub(super) fn sentences(robustness: &Robustness) -> Vec<String> {
    let Robustness { samples, as_good, placement_stays, within_limits, proved, .. } = robustness;
    let limits = [
        robustness.node_limit.map(|nodes| format!("{nodes} nodes")),
        robustness.time_limit.map(|time| format!("{:.3} s", time.as_secs_f64())),
    ];
    let limits: Vec<String> = limits.into_iter().flatten().collect();
    let limits = if limits.is_empty() { String::new() } else { format!(" with at most {}", limits.join(" and ")) };
    let mut sentences = vec![
        format!("at least as good as every baseline in {as_good} of {samples} samples"),
        format!("its placement stays the best known in {placement_stays} of {samples} samples"),
    ];
    if within_limits < samples {
        sentences.push(format!("within the latency cap in {within_limits} of {samples} samples"));
    }
    let rest = if proved < samples { "; in the others it may be worse than said" } else { "" };
    sentences.push(format!("each sample was solved again{limits}: {proved} of {samples} to a proof{rest}"));
    sentences
}

/// What becomes of the gain, in words.
pub(super) fn verdict(robustness: &Robustness) -> String {
    let gain = percent(robustness.gain.unwrap_or_default().abs());
    match robustness.verdict() {
        Verdict::NoBaseline => "no baseline keeps the limits, so there is no gain that could be lost".to_owned(),
        Verdict::NoGain => "there is no gain over the best baseline that could be lost".to_owned(),
        Verdict::WithinSpread => format!(
            "warning: the gain of {gain} is smaller than its uncertainty: in one sample of twenty or more a baseline is as \
             good or better"
        ),
        Verdict::WithinProfile => format!(
            "warning: the gain of {gain} is smaller than the profiles' own uncertainty of {}",
            percent(robustness.profile_uncertainty.unwrap_or_default())
        ),
        Verdict::Holds => match robustness.profile_uncertainty {
            Some(own) => format!("the gain of {gain} holds; the profiles' own uncertainty is {}", percent(own)),
            None => format!("the gain of {gain} holds; the profiles don't say how uncertain their times are"),
        },
    }
}

/// Headings of the corners' table.
pub(super) fn corner_headings(view: &ScheduleView) -> [(String, Align); 6] {
    let (name, unit) = objective_words(view.objective);
    [
        ("Accelerator".to_owned(), Align::Left),
        ("Moved by".to_owned(), Align::Right),
        (format!("{} [{unit}]", capitalized(name)), Align::Right),
        ("Gain over the best baseline".to_owned(), Align::Right),
        ("Worse than the best found".to_owned(), Align::Right),
        ("Placement".to_owned(), Align::Left),
    ]
}

/// One row for each corner.
pub(super) fn corner_rows(view: &ScheduleView, robustness: &Robustness) -> Vec<Vec<String>> {
    let or_none = |share: Option<f64>, write: fn(f64) -> String| share.map_or_else(|| "none".to_owned(), write);
    let row = |corner: &Corner| {
        let names = corner.machines.iter().map(|&machine| view.problem.machines[machine].name.to_uppercase());
        vec![
            names.collect::<Vec<_>>().join(" and "),
            signed(corner.factor - 1.0),
            number(view, corner.value as f64),
            or_none(corner.gain, signed),
            or_none(corner.regret, percent),
            if corner.placement_stays { "stays the best known" } else { "another one is better" }.to_owned(),
        ]
    };
    robustness.corners.iter().map(row).collect()
}

/// The objective's value without its unit.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a value of a sample, a whole number")]
fn number(view: &ScheduleView, value: f64) -> String {
    let readable = readable_value(view.objective, value as u64);
    readable.split(' ').next().unwrap_or_default().to_owned()
}

/// A share in hundredths, with as many digits as small ones need.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 || percent >= 0.1 { format!("{percent:.1} %") } else { format!("{percent:.3} %") }
}
