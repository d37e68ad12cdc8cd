//! Run logs: what `run-multi` writes as JSON. Times are integer nanoseconds from the start of a round.
//!
//! Keys and units are listed in `docs/formats.md`.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use super::field::{SCHEMA_VERSION, from_json};
use super::json::to_json;
use super::profile::check_range;
use crate::group::LayerRange;
use crate::run::{GroupSpan, Round, RunLog, TaskLog};
use crate::units::Nanoseconds;

/// Reads a run log's `text`; errors begin with `origin`, the path or name that people know the file by.
pub fn read_run_log(text: &str, origin: &str) -> Result<RunLog> {
    from_json::<RunLogFile>(text).and_then(RunLogFile::into_run_log).with_context(|| origin.to_owned())
}

/// The text of the file that holds `log`.
pub fn write_run_log(log: &RunLog) -> Result<String> {
    to_json(&RunLogFile::new(log))
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunLogFile {
    schema_version: u64,
    backend: String,
    platform: String,
    warm_up: u64,
    seed: Option<u64>,
    tasks: Vec<TaskField>,
    /// By round, task and group: `[start, end]`.
    rounds_ns: Vec<Vec<Vec<[u64; 2]>>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskField {
    name: String,
    title: String,
    release_ns: u64,
    groups: Vec<GroupField>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct GroupField {
    layers: [usize; 2],
    accelerator: String,
}

impl RunLogFile {
    fn new(log: &RunLog) -> Self {
        let spans = |groups: &Vec<GroupSpan>| groups.iter().map(|span| [span.start.0, span.end.0]).collect();
        Self {
            schema_version: SCHEMA_VERSION,
            backend: log.backend.clone(),
            platform: log.platform.clone(),
            warm_up: log.warm_up,
            seed: log.seed,
            tasks: log.tasks.iter().map(TaskField::new).collect(),
            rounds_ns: log.rounds.iter().map(|round| round.groups.iter().map(spans).collect()).collect(),
        }
    }

    fn into_run_log(self) -> Result<RunLog> {
        let tasks = self.tasks.into_iter().enumerate().map(|(idx, task)| task.into_task(&format!("tasks[{idx}]")));
        let tasks: Vec<TaskLog> = tasks.collect::<Result<_>>()?;
        let rounds = self.rounds_ns.into_iter().enumerate();
        let rounds = rounds.map(|(idx, round)| into_round(round, &tasks, &format!("rounds_ns[{idx}]")));
        Ok(RunLog {
            rounds: rounds.collect::<Result<_>>()?,
            backend: self.backend,
            platform: self.platform,
            warm_up: self.warm_up,
            seed: self.seed,
            tasks,
        })
    }
}

impl TaskField {
    fn new(task: &TaskLog) -> Self {
        let groups = task.layers.iter().zip(&task.accelerators).map(|(layers, accelerator)| GroupField {
            layers: [layers.first, layers.last],
            accelerator: accelerator.clone(),
        });
        Self {
            name: task.name.clone(),
            title: task.title.clone(),
            release_ns: task.release.0,
            groups: groups.collect(),
        }
    }

    fn into_task(self, at: &str) -> Result<TaskLog> {
        let mut next = 0;
        let mut layers = Vec::with_capacity(self.groups.len());
        let mut accelerators = Vec::with_capacity(self.groups.len());
        for (idx, group) in self.groups.into_iter().enumerate() {
            next = check_range(group.layers, next, &format!("{at}.groups[{idx}].layers"))?;
            layers.push(LayerRange { first: group.layers[0], last: group.layers[1] });
            accelerators.push(group.accelerator);
        }
        let release = Nanoseconds(self.release_ns);
        Ok(TaskLog { name: self.name, title: self.title, release, layers, accelerators })
    }
}

fn into_round(round: Vec<Vec<[u64; 2]>>, tasks: &[TaskLog], at: &str) -> Result<Round> {
    if round.len() != tasks.len() {
        bail!("{at}: {} task(s) instead of {}", round.len(), tasks.len());
    }
    let mut groups = Vec::with_capacity(round.len());
    for (idx, (spans, task)) in round.into_iter().zip(tasks).enumerate() {
        if spans.len() != task.layers.len() {
            bail!("{at}[{idx}]: {} group(s) instead of {}", spans.len(), task.layers.len());
        }
        if let Some([start, end]) = spans.iter().find(|[start, end]| start > end || *start < task.release.0) {
            bail!("{at}[{idx}]: [{start}, {end}] ends before it starts, or starts before its task's release");
        }
        let span = |[start, end]: [u64; 2]| GroupSpan { start: Nanoseconds(start), end: Nanoseconds(end) };
        groups.push(spans.into_iter().map(span).collect());
    }
    Ok(Round { groups })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"{
        "schema_version": 1, "backend": "sim", "platform": "board", "warm_up": 1, "seed": 7,
        "tasks": [{"name": "net", "title": "Net", "release_ns": 5, "groups": [
            {"layers": [0, 3], "accelerator": "gpu"}, {"layers": [3, 4], "accelerator": "dla"}]}],
        "rounds_ns": [[[[5, 10], [10, 12]]]]
    }"#;

    fn refusal(from: &str, to: &str) -> String {
        assert!(SMALL.contains(from), "{from}");
        format!("{:#}", read_run_log(&SMALL.replacen(from, to, 1), "run.json").unwrap_err())
    }

    #[test]
    fn a_log_survives_being_written_and_read() {
        let log = read_run_log(SMALL, "run.json").unwrap();
        assert_eq!(log.tasks[0].layers[1], LayerRange { first: 3, last: 4 });
        assert_eq!(read_run_log(&write_run_log(&log).unwrap(), "again").unwrap(), log);
    }

    #[test]
    fn refuses_what_no_run_leaves_behind() {
        let check =
            |from: &str, to: &str, expected: &str| assert_eq!(refusal(from, to), format!("run.json: {expected}"));
        check(
            "\"schema_version\": 1",
            "\"schema_version\": 2",
            "schema_version 2 is newer than this program reads (1)",
        );
        check(
            "[10, 12]",
            "[12, 10]",
            "rounds_ns[0][0]: [12, 10] ends before it starts, or starts before its task's release",
        );
        check("[5, 10], ", "", "rounds_ns[0][0]: 1 group(s) instead of 2");
        check("[[[[5, 10], [10, 12]]]]", "[[]]", "rounds_ns[0]: 0 task(s) instead of 1");
        check("[3, 4]", "[2, 4]", "tasks[0].groups[1].layers: [2, 4) overlaps the group before it; layer 3 comes next");
    }
}
