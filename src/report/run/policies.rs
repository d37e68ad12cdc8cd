//! All policies of a run side by side, by one figure: the makespan of rounds that were run in turn.

use super::{capitalized, digits, percent};
use crate::report::{Align, Table};
use crate::run::{PolicyRun, RunLog, Statistics, relative_error};

/// Name of the policy that is compared with the baselines, and of a schedule file that is no better than one of them.
const OURS: [&str; 2] = ["haxconn", "schedule"];

/// A row per policy.
pub(in crate::report) fn policies_table(log: &RunLog) -> Table {
    let word = capitalized(log.backend.word());
    let mut table = Table::new(&[
        ("Policy", Align::Left),
        ("Predicted [ms]", Align::Right),
        (&format!("{word} [ms]"), Align::Right),
        ("Error", Align::Right),
        ("Mean [ms]", Align::Right),
        ("p99 [ms]", Align::Right),
        ("cv", Align::Right),
        ("Rounds/s", Align::Right),
        ("Gain over it", Align::Right),
        ("", Align::Left),
    ]);
    for (policy, cells) in log.policies.iter().zip(policy_cells(log)) {
        let label = if policy.name == OURS[0] { String::new() } else { policy.label.clone() };
        table.row([policy.name.clone()].into_iter().chain(cells).chain([label]));
    }
    for reference in &log.references {
        let makespan = reference.makespan();
        let unknown = || "-".to_owned();
        let gain = ours(log).map_or_else(String::new, |ours| percent(gain(ours, &makespan)));
        let cells = [
            reference.name.clone(),
            unknown(),
            digits(makespan.median),
            unknown(),
            digits(makespan.mean),
            digits(makespan.p99),
            format!("{:.1} %", 100.0 * makespan.cv),
            if makespan.mean.0 > 0.0 { format!("{:.1}", 1e3 / makespan.mean.0) } else { unknown() },
            gain,
            reference.label.clone(),
        ];
        table.row(cells);
    }
    table
}

/// For every policy: predicted and median makespan, error, mean, p99, cv, rounds per second, gain of the first over it.
pub(in crate::report) fn policy_cells(log: &RunLog) -> Vec<[String; 8]> {
    let ours = ours(log);
    let cells = |(idx, policy): (usize, &PolicyRun)| {
        let makespan = policy.makespan();
        let predicted = policy.predicted_makespan().to_milliseconds();
        let gain = ours.filter(|_| idx > 0).map_or_else(String::new, |ours| percent(gain(ours, &policy.makespan())));
        let per_second = if makespan.mean.0 > 0.0 { format!("{:.1}", 1e3 / makespan.mean.0) } else { "-".into() };
        [
            digits(predicted),
            digits(makespan.median),
            percent(relative_error(predicted.0, makespan.median.0)),
            digits(makespan.mean),
            digits(makespan.p99),
            format!("{:.1} %", 100.0 * makespan.cv),
            per_second,
            gain,
        ]
    };
    log.policies.iter().enumerate().map(cells).collect()
}

/// The schedule that the run is about, where it isn't a baseline's.
fn ours(log: &RunLog) -> Option<&PolicyRun> {
    log.policies.first().filter(|policy| OURS.contains(&policy.name.as_str()))
}

/// By which share of the other's median makespan ours is shorter; negative where it is longer.
fn gain(ours: &PolicyRun, other: &Statistics) -> f64 {
    let (ours, other) = (ours.makespan().median.0, other.median.0);
    if other > 0.0 { (other - ours) / other } else { 0.0 }
}

/// The gain over the best of all others by what came out; none where nothing else was run.
pub fn gain_sentence(log: &RunLog) -> Option<String> {
    let ours = ours(log)?;
    let baselines = log.policies.iter().skip(1).map(|it| (&it.name, &it.label, it.makespan()));
    let references = log.references.iter().map(|it| (&it.name, &it.label, it.makespan()));
    let (name, label, best) = baselines.chain(references).min_by(|a, b| a.2.median.0.total_cmp(&b.2.median.0))?;
    let gain = gain(ours, &best);
    let spread = ours.makespan().cv.max(best.cv);
    let within = if gain.abs() < spread {
        format!(", less than the rounds scatter (cv {:.1} %)", 100.0 * spread)
    } else {
        String::new()
    };
    let word = log.backend.word();
    let size = percent(gain);
    Some(format!("{}: {word} gain over the best baseline ({name}: {label}) {size}{within}", ours.label))
}
