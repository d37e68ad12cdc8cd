//! What `haxconn run-multi` prints: the schedule's prediction beside what the simulator did.

use super::{Align, Table};
use crate::run::{RunLog, Statistics};
use crate::schedule::Timeline;
use crate::units::{Milliseconds, Nanoseconds};

/// Every group's predicted start and duration beside the simulated ones (means over rounds), then each task's latency
/// and the makespan. The error is that of the prediction, as a share of the simulated value.
pub fn predicted_and_simulated(timeline: &Timeline, log: &RunLog) -> String {
    let noise = log.seed.map_or("no noise".to_owned(), |seed| format!("seed {seed}"));
    let tasks = log.tasks.iter().enumerate();
    let tasks: Vec<String> =
        tasks.map(|(task, entry)| format!("{}\n{}", entry.name, groups(timeline, log, task))).collect();
    format!(
        "simulated on {}: {} round(s) after {} of warm-up, {noise}\n\n{}\n{}",
        log.platform,
        log.rounds.len(),
        log.warm_up,
        tasks.join("\n"),
        summary(timeline, log)
    )
}

fn groups(timeline: &Timeline, log: &RunLog, task: usize) -> Table {
    let mut table = Table::new(&[
        ("Layers", Align::Right),
        ("On", Align::Left),
        ("Predicted start [ms]", Align::Right),
        ("Simulated start [ms]", Align::Right),
        ("Predicted time [ms]", Align::Right),
        ("Simulated time [ms]", Align::Right),
        ("Error", Align::Right),
    ]);
    let entry = &log.tasks[task];
    for (group, layers) in entry.layers.iter().enumerate() {
        let predicted = timeline.groups[task][group];
        let duration = (predicted.end - predicted.start).to_milliseconds();
        let simulated = log.group_duration(task, group).mean;
        table.row([
            layers.to_string(),
            entry.accelerators[group].to_uppercase(),
            digits(predicted.start.to_milliseconds()),
            digits(log.group_start(task, group).mean),
            digits(duration),
            digits(simulated),
            error(duration, simulated),
        ]);
    }
    table
}

fn summary(timeline: &Timeline, log: &RunLog) -> Table {
    let mut table = Table::new(&[
        ("", Align::Left),
        ("Predicted [ms]", Align::Right),
        ("Simulated [ms]", Align::Right),
        ("Error", Align::Right),
        ("Median [ms]", Align::Right),
        ("p90 [ms]", Align::Right),
        ("p95 [ms]", Align::Right),
        ("p99 [ms]", Align::Right),
        ("cv", Align::Right),
    ]);
    for (task, entry) in log.tasks.iter().enumerate() {
        let predicted = timeline.end(task) - entry.release;
        table.row(summary_row(format!("latency {}", entry.name), predicted, &log.latency(task)));
    }
    table.row(summary_row("makespan".to_owned(), timeline.makespan(), &log.makespan()));
    table
}

fn summary_row(label: String, predicted: Nanoseconds, simulated: &Statistics) -> [String; 9] {
    let predicted = predicted.to_milliseconds();
    let &Statistics { mean, median, p90, p95, p99, cv } = simulated;
    let [median, p90, p95, p99] = [median, p90, p95, p99].map(digits);
    let cv = format!("{:.1} %", 100.0 * cv);
    [label, digits(predicted), digits(mean), error(predicted, mean), median, p90, p95, p99, cv]
}

fn digits(time: Milliseconds) -> String {
    format!("{:.3}", time.0)
}

fn error(predicted: Milliseconds, simulated: Milliseconds) -> String {
    if simulated.0 > 0.0 { format!("{:+.1} %", 100.0 * (predicted.0 / simulated.0 - 1.0)) } else { "-".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::LayerRange;
    use crate::run::{GroupSpan, Round, TaskLog};
    use crate::schedule::Occupation;

    #[test]
    fn puts_the_simulated_mean_beside_the_prediction_and_says_that_it_is_simulated() {
        let end = Nanoseconds(1_100_000);
        let occupation = Occupation { end, worked: end, ..Occupation::default() };
        let timeline = Timeline { groups: vec![vec![occupation]] };
        let round = |ms: u64| Round { groups: vec![vec![GroupSpan { start: Nanoseconds(0), end: Nanoseconds(ms) }]] };
        let log = RunLog {
            backend: "sim".into(),
            platform: "board".into(),
            warm_up: 2,
            seed: Some(7),
            tasks: vec![TaskLog {
                name: "net".into(),
                title: "Net".into(),
                release: Nanoseconds(0),
                layers: vec![LayerRange { first: 0, last: 5 }],
                accelerators: vec!["gpu".into()],
            }],
            rounds: vec![round(900_000), round(1_100_000)],
        };
        let text = predicted_and_simulated(&timeline, &log);
        let expected = "\
simulated on board: 2 round(s) after 2 of warm-up, seed 7

net
Layers  On   Predicted start [ms]  Simulated start [ms]  Predicted time [ms]  Simulated time [ms]    Error
   0-4  GPU                 0.000                 0.000                1.100                1.000  +10.0 %

             Predicted [ms]  Simulated [ms]    Error  Median [ms]  p90 [ms]  p95 [ms]  p99 [ms]      cv
latency net           1.100           1.000  +10.0 %        1.000     1.100     1.100     1.100  10.0 %
makespan              1.100           1.000  +10.0 %        1.000     1.100     1.100     1.100  10.0 %
";
        assert_eq!(text, expected);
    }
}
