//! Workload files: YAML in, a [`Workload`] out, or the path of the key that is wrong. Which networks are meant is for the
//! caller to look up.
//!
//! Keys and units are listed in `docs/formats.md`.

use std::fmt;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Deserializer, de};

use super::field::{check_amount, from_yaml};
use super::schedule::TransitionLimit;
use crate::units::{Milliseconds, Nanoseconds};

/// What is to be scheduled, and what a user would otherwise say by flags.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Name or path of the platform.
    pub platform: Option<String>,
    /// What is optimised.
    pub objective: Option<WorkloadObjective>,
    /// Most counted changes of accelerator per task.
    pub max_transitions: Option<TransitionLimit>,
    /// Longest time from a frame's release to its end.
    pub latency_cap: Option<Nanoseconds>,
    /// At least one.
    pub tasks: Vec<WorkloadTask>,
}

/// What a workload may ask to be optimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadObjective {
    /// End of the last frame.
    Makespan,
    /// Sum of 1/latency.
    Throughput,
    /// Frames per second of streams: the makespan of their frames.
    Rate,
    /// Weighted tardiness.
    Tardiness,
    /// Energy.
    Energy,
}

/// A network of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadTask {
    /// What it is called; by its network's name where nothing is said.
    pub name: Option<String>,
    /// The network: a name or a path.
    pub network: String,
    /// Instances beside each other, at least one.
    pub n_instances: usize,
    /// Frames of each, at least one.
    pub n_frames: usize,
    /// Time between releases of frames.
    pub period: Option<Nanoseconds>,
    /// Frames of an instance that may run at a time, at least one.
    pub n_in_flight: usize,
    /// Earliest start of the first frame.
    pub release: Nanoseconds,
    /// When a frame should have ended, from its release.
    pub deadline: Option<Nanoseconds>,
    /// What tardiness costs.
    pub weight: u32,
    /// Names of the tasks that it follows frame by frame.
    pub after: Vec<String>,
    /// The accelerators that it may use where they can run it; empty is all.
    pub on: Vec<String>,
    /// The accelerators that it may not use.
    pub not_on: Vec<String>,
    /// Path of its profile.
    pub profile: Option<String>,
    /// Its groups, as `--groups` takes them.
    pub groups: Option<String>,
}

/// Reads a workload file's `text`; errors begin with `origin`, the path that people know the file by.
pub fn read_workload(text: &str, origin: &str) -> Result<Workload> {
    from_yaml::<WorkloadFile>(text).and_then(WorkloadFile::into_workload).with_context(|| origin.to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WorkloadFile {
    #[serde(rename = "schema_version")]
    _schema_version: u64,
    platform: Option<String>,
    objective: Option<WorkloadObjective>,
    max_transitions: Option<TransitionLimit>,
    latency_cap_ms: Option<f64>,
    tasks: Vec<TaskFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TaskFile {
    name: Option<String>,
    network: String,
    #[serde(default = "one")]
    instances: usize,
    #[serde(default = "one")]
    frames: usize,
    period_ms: Option<f64>,
    #[serde(default = "one")]
    in_flight: usize,
    #[serde(default)]
    release_ms: f64,
    deadline_ms: Option<f64>,
    weight: Option<u32>,
    #[serde(default)]
    after: Vec<String>,
    #[serde(default)]
    on: Vec<String>,
    #[serde(default)]
    not_on: Vec<String>,
    profile: Option<String>,
    groups: Option<GroupsField>,
}

fn one() -> usize {
    1
}

impl WorkloadFile {
    fn into_workload(self) -> Result<Workload> {
        if self.tasks.is_empty() {
            bail!("tasks: empty; a workload has at least one task");
        }
        let tasks = self.tasks.into_iter().enumerate();
        Ok(Workload {
            platform: self.platform,
            objective: self.objective,
            max_transitions: self.max_transitions,
            latency_cap: above_zero(self.latency_cap_ms, "latency_cap_ms")?,
            tasks: tasks.map(|(idx, task)| task.into_task(&format!("tasks[{idx}]"))).collect::<Result<_>>()?,
        })
    }
}

impl TaskFile {
    fn into_task(self, at: &str) -> Result<WorkloadTask> {
        check_task_name(self.name.as_deref(), &format!("{at}.name"))?;
        if self.network.trim().is_empty() {
            bail!("{at}.network: is empty, must be a network's name or the path of its file");
        }
        for (key, count) in [("instances", self.instances), ("frames", self.frames), ("in_flight", self.in_flight)] {
            if count == 0 {
                bail!("{at}.{key}: is 0, must be at least 1");
            }
        }
        check_amount(self.release_ms, &format!("{at}.release_ms"))?;
        let deadline = above_zero(self.deadline_ms, &format!("{at}.deadline_ms"))?;
        if self.weight == Some(0) {
            bail!("{at}.weight: is 0, must be at least 1; without a deadline nothing is late");
        }
        if self.weight.is_some() && deadline.is_none() {
            bail!("{at}.weight: weighs how late the task is, which needs `deadline_ms`");
        }
        if let Some(both) = self.on.iter().find(|name| self.not_on.contains(name)) {
            bail!("{at}.not_on: bars `{both}`, which `on` asks for");
        }
        Ok(WorkloadTask {
            name: self.name,
            network: self.network,
            n_instances: self.instances,
            n_frames: self.frames,
            period: above_zero(self.period_ms, &format!("{at}.period_ms"))?,
            n_in_flight: self.in_flight,
            release: Milliseconds(self.release_ms).to_nanoseconds(),
            deadline,
            weight: self.weight.unwrap_or(1),
            after: self.after,
            on: self.on,
            not_on: self.not_on,
            profile: self.profile,
            groups: self.groups.map(|GroupsField(text)| text),
        })
    }
}

/// A name that can't be taken for another task's frame.
fn check_task_name(name: Option<&str>, path: &str) -> Result<()> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    match name {
        Some(name) if name.is_empty() || !name.chars().all(is_plain) => {
            bail!("{path}: `{name}` is not made of letters, digits, `_`, `-` and `.`")
        }
        _ => Ok(()),
    }
}

fn above_zero(milliseconds: Option<f64>, path: &str) -> Result<Option<Nanoseconds>> {
    let Some(value) = milliseconds else { return Ok(None) };
    check_amount(value, path)?;
    let time = Milliseconds(value).to_nanoseconds();
    if time == Nanoseconds::ZERO {
        bail!("{path}: is zero, must be above");
    }
    Ok(Some(time))
}

/// Groups as `--groups` takes them: a number, a word or a list of first layers in one string.
struct GroupsField(String);

impl<'de> Deserialize<'de> for GroupsField {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(GroupsVisitor)
    }
}

struct GroupsVisitor;

impl de::Visitor<'_> for GroupsVisitor {
    type Value = GroupsField;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of groups, `legal`, `paper` or first layers as in `10,24`")
    }

    fn visit_u64<E>(self, n_groups: u64) -> Result<Self::Value, E> {
        Ok(GroupsField(n_groups.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(GroupsField(text.to_owned()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::artifact) const WHOLE: &str = "schema_version: 1
platform: orin_agx
objective: tardiness
max_transitions: 1
latency_cap_ms: 20
tasks:
  - name: detect
    network: googlenet
    instances: 2
    frames: 3
    period_ms: 33.3
    in_flight: 2
    release_ms: 1.5
    deadline_ms: 10
    weight: 4
    on: [gpu]
    not_on: [dla]
    profile: here.json
    groups: 8
  - {network: resnet, after: [detect], groups: '10,24'}
";

    fn refusal(from: &str, to: &str) -> String {
        assert!(WHOLE.contains(from), "{from}");
        format!("{:#}", read_workload(&WHOLE.replacen(from, to, 1), "w.yaml").unwrap_err())
    }

    #[test]
    fn every_key_is_read_and_what_is_missing_has_its_default() {
        let workload = read_workload(WHOLE, "w.yaml").unwrap();
        let [detect, resnet] = &workload.tasks[..] else { panic!("{workload:?}") };
        assert_eq!(workload.objective, Some(WorkloadObjective::Tardiness));
        assert_eq!(workload.max_transitions, Some(TransitionLimit(Some(1))));
        assert_eq!(workload.latency_cap, Some(Nanoseconds(20_000_000)));
        assert_eq!((detect.n_instances, detect.n_frames, detect.n_in_flight, detect.weight), (2, 3, 2, 4));
        assert_eq!((detect.period, detect.release), (Some(Nanoseconds(33_300_000)), Nanoseconds(1_500_000)));
        assert_eq!((detect.groups.as_deref(), resnet.groups.as_deref()), (Some("8"), Some("10,24")));
        assert_eq!((resnet.n_instances, resnet.n_frames, resnet.n_in_flight, resnet.weight), (1, 1, 1, 1));
        assert_eq!(
            (resnet.name.clone(), resnet.after.clone(), resnet.deadline),
            (None, vec!["detect".to_owned()], None)
        );
    }

    #[test]
    fn what_is_wrong_is_named_by_its_key() {
        let table = [
            ("schema_version: 1", "schema_version: 2", "schema_version 2 is newer than this program reads (1)"),
            ("platform:", "plattform:", "plattform: unknown field `plattform`"),
            ("tardiness", "speed", "objective: unknown variant `speed`"),
            ("max_transitions: 1", "max_transitions: few", "max_transitions: invalid value: string \"few\""),
            ("latency_cap_ms: 20", "latency_cap_ms: 0", "latency_cap_ms: is zero, must be above"),
            ("name: detect", "name: a[0]", "tasks[0].name: `a[0]` is not made of letters"),
            ("network: googlenet", "network: ''", "tasks[0].network: is empty"),
            ("instances: 2", "instances: 0", "tasks[0].instances: is 0, must be at least 1"),
            ("frames: 3", "frames: -1", "tasks[0].frames: invalid "),
            ("in_flight: 2", "in_flight: 0", "tasks[0].in_flight: is 0, must be at least 1"),
            ("period_ms: 33.3", "period_ms: 0", "tasks[0].period_ms: is zero, must be above"),
            ("release_ms: 1.5", "release_ms: -1", "tasks[0].release_ms: `-1` is negative"),
            ("release_ms: 1.5", "release_ms: .nan", "tasks[0].release_ms: `NaN` is not a finite number"),
            ("weight: 4", "weight: 0", "tasks[0].weight: is 0, must be at least 1"),
            ("weight: 4", "weight: 0.5", "tasks[0].weight: invalid type: floating point `0.5`"),
            ("    deadline_ms: 10\n", "", "tasks[0].weight: weighs how late the task is, which needs `deadline_ms`"),
            ("not_on: [dla]", "not_on: [gpu]", "tasks[0].not_on: bars `gpu`, which `on` asks for"),
            ("groups: 8", "groups: [8]", "tasks[0].groups: invalid type: sequence, expected a number of groups"),
            ("after: [detect]", "after: detect", "tasks[1].after: invalid type: string"),
        ];
        for (from, to, expected) in table {
            let found = refusal(from, to);
            assert!(found.starts_with(&format!("w.yaml: {expected}")), "{found}\ninstead of\n{expected}");
        }
        let empty = format!("{:#}", read_workload("schema_version: 1\ntasks: []\n", "w.yaml").unwrap_err());
        assert_eq!(empty, "w.yaml: tasks: empty; a workload has at least one task");
    }
}
