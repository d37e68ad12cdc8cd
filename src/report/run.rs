//! What `haxconn run-multi` prints: the schedule's prediction beside what the simulator did.

use std::fmt::Write;

use crate::run::{RunLog, Statistics};
use crate::schedule::Timeline;
use crate::units::{Milliseconds, Nanoseconds};

/// Every group's predicted start and duration beside the simulated ones (means over rounds), then each task's latency
/// and the makespan. The error is that of the prediction, as a share of the simulated value.
pub fn predicted_and_simulated(timeline: &Timeline, log: &RunLog) -> String {
    let noise = log.seed.map_or("no noise".to_owned(), |seed| format!("seed {seed}"));
    let mut text = format!(
        "simulated on {}: {} round(s) after {} of warm-up, {noise}\n",
        log.platform,
        log.rounds.len(),
        log.warm_up
    );
    for task in 0..log.tasks.len() {
        text += &groups(timeline, log, task);
    }
    text += &summary(timeline, log);
    text
}

fn groups(timeline: &Timeline, log: &RunLog, task: usize) -> String {
    let entry = &log.tasks[task];
    let mut text = format!(
        "\n{:<24}{:<12}{:>16}{:>16}{:>16}{:>16}\n",
        entry.name, "", "predicted", "simulated", "predicted", "simulated"
    );
    let _ = writeln!(
        text,
        "{:<24}{:<12}{:>16}{:>16}{:>16}{:>16}{:>9}",
        "layers", "accelerator", "start [ms]", "start [ms]", "takes [ms]", "takes [ms]", "error"
    );
    for (group, layers) in entry.layers.iter().enumerate() {
        let predicted = timeline.groups[task][group];
        let duration = (predicted.end - predicted.start).to_milliseconds();
        let simulated = log.group_duration(task, group).mean;
        let _ = writeln!(
            text,
            "{:<24}{:<12}{:>16.3}{:>16.3}{:>16.3}{:>16.3}{:>9}",
            layers.to_string(),
            entry.accelerators[group],
            predicted.start.to_milliseconds().0,
            log.group_start(task, group).mean.0,
            duration.0,
            simulated.0,
            error(duration, simulated)
        );
    }
    text
}

fn summary(timeline: &Timeline, log: &RunLog) -> String {
    let mut text = format!(
        "\n{:<24}{:>16}{:>16}{:>9}{:>12}{:>10}{:>10}{:>10}{:>8}\n",
        "", "predicted [ms]", "simulated [ms]", "error", "median [ms]", "p90 [ms]", "p95 [ms]", "p99 [ms]", "cv"
    );
    for (task, entry) in log.tasks.iter().enumerate() {
        let predicted = timeline.end(task) - entry.release;
        text += &summary_line(&format!("latency {}", entry.name), predicted, &log.latency(task));
    }
    text += &summary_line("makespan", timeline.makespan(), &log.makespan());
    text
}

fn summary_line(label: &str, predicted: Nanoseconds, simulated: &Statistics) -> String {
    let predicted = predicted.to_milliseconds();
    let Statistics { mean, median, p90, p95, p99, cv } = simulated;
    format!(
        "{label:<24}{:>16.3}{:>16.3}{:>9}{:>12.3}{:>10.3}{:>10.3}{:>10.3}{:>8}\n",
        predicted.0,
        mean.0,
        error(predicted, *mean),
        median.0,
        p90.0,
        p95.0,
        p99.0,
        format!("{:.1}%", 100.0 * cv)
    )
}

fn error(predicted: Milliseconds, simulated: Milliseconds) -> String {
    if simulated.0 > 0.0 { format!("{:+.1}%", 100.0 * (predicted.0 / simulated.0 - 1.0)) } else { "-".to_owned() }
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
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.starts_with("simulated on board: 2 round(s) after 2 of warm-up, seed 7\n"), "{text}");
        assert!(squeezed.contains("0-4 gpu 0.000 0.000 1.100 1.000 +10.0%"), "{text}");
        assert!(squeezed.contains("makespan 1.100 1.000 +10.0% 1.000 1.100 1.100 1.100 10.0%"), "{text}");
    }
}
