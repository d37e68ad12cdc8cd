//! Schedule files: what `schedule` decides, proves and predicts, as JSON that `run-multi` and `check` take.
//!
//! All moments are whole nanoseconds from the start of a round. Keys are listed in `docs/formats.md`.

mod judge;
mod read;
mod robustness;
mod write;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::group::Pin;
use crate::schedule::{Objective, ProofState};

pub use read::read_schedule;
pub use robustness::RobustnessField;

/// The class of schedules that is searched: list schedules in which every group starts as soon as it can.
pub const CLASS: &str = "A (list, as soon as possible)";

/// A schedule file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScheduleFile {
    /// Version of the format.
    pub schema_version: u64,
    /// The platform that it was made for.
    pub platform: Reference,
    /// Names of the accelerators, in the platform's order.
    pub accelerators: Vec<String>,
    /// What was optimised.
    #[serde(with = "ObjectiveField")]
    pub objective: Objective,
    /// Most counted changes of accelerator per task.
    pub max_transitions: TransitionLimit,
    /// Longest time from a task's release to its end; `None` is unlimited.
    #[serde(default)]
    pub latency_cap_ns: Option<u64>,
    /// Contention model: `pccs`, `table` or `none`.
    pub contention: String,
    /// Class of schedules: [`CLASS`].
    pub class: String,
    /// The profiles that it rests on, one per task.
    pub profiles: Vec<Reference>,
    /// Layers that the user bound to an accelerator.
    pub pins: Vec<PinField>,
    /// Tasks with their groups.
    pub tasks: Vec<TaskField>,
    /// Order of the groups on every accelerator.
    pub order: Vec<OrderField>,
    /// End of the last task.
    pub makespan_ns: u64,
    /// The objective's value: nanoseconds of the makespan or of weighted tardiness, the sum of `floor(10^15 / latency_ns)`
    /// for the throughput, picojoules of energy.
    pub value: u64,
    /// Frames per second of every instance with several frames; empty in a file that says nothing of it.
    #[serde(default)]
    pub rates: Vec<RateField>,
    /// What is proved.
    pub proof: ProofField,
    /// What others would do.
    pub baselines: Vec<BaselineField>,
    /// How it fares when profiled numbers move, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub robustness: Option<RobustnessField>,
}

/// Something that a schedule rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Name of the platform, or of the network that is profiled.
    pub name: String,
    /// Where it was found: a built-in, a path, or the model that produced it.
    pub origin: String,
    /// SHA-256 of its text in hexadecimal.
    pub sha256: String,
}

/// Most counted changes of accelerator per task: a number, or the word `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransitionLimit(pub Option<usize>);

/// Layers bound to an accelerator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PinField {
    /// The network.
    pub network: String,
    /// First layer, and one past the last; `None` for the whole network, whose groups that can't run there stay free.
    pub layers: Option<[usize; 2]>,
    /// The accelerator.
    pub accelerator: String,
}

impl From<&Pin> for PinField {
    fn from(pin: &Pin) -> Self {
        let layers = pin.layers.map(|(first, last)| [first, last + 1]);
        Self { network: pin.network.clone(), layers, accelerator: pin.accelerator.clone() }
    }
}

impl From<&PinField> for Pin {
    /// The pin of a file that has been read: one that holds no layer has been refused.
    fn from(field: &PinField) -> Self {
        let layers = field.layers.map(|[first, last]| (first, last - 1));
        Self { network: field.network.clone(), layers, accelerator: field.accelerator.clone() }
    }
}

/// One task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskField {
    /// Name that is unique in the file.
    pub name: String,
    /// The network as users call it: a name or a path.
    pub network: String,
    /// The network's name for people.
    pub title: String,
    /// SHA-256 of the network's definition in hexadecimal.
    pub network_hash: String,
    /// Earliest start.
    pub release_ns: u64,
    /// Names of the tasks that must end before.
    pub after: Vec<String>,
    /// When it should have ended.
    #[serde(default)]
    pub due: Option<DueField>,
    /// Name of the first frame of the same instance, unless it is that one.
    #[serde(default)]
    pub frame_of: Option<String>,
    /// The accelerators that it may use where they can run it; empty is all.
    #[serde(default)]
    pub on: Vec<String>,
    /// The accelerators that it may not use.
    #[serde(default)]
    pub not_on: Vec<String>,
    /// End of the task.
    pub end_ns: u64,
    /// Counted changes of accelerator.
    pub transitions: usize,
    /// Groups in the order of their layers.
    pub groups: Vec<GroupField>,
}

/// When a task should have ended, and what a nanosecond of tardiness costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DueField {
    /// The moment.
    pub at_ns: u64,
    /// The cost, beside that of other tasks.
    pub weight: u32,
}

/// Frames per second of one instance; see [`crate::schedule::StreamRate`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateField {
    /// Name of the first frame.
    pub task: String,
    /// Its frames.
    pub frames: usize,
    /// All of them over the makespan.
    pub per_second: f64,
    /// Those after the middle one over the time since that one ended; `None` where they end at once.
    pub steady_per_second: Option<f64>,
}

/// One layer group: where it runs, and the four phases of its occupation, each beginning where the one before ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupField {
    /// First layer, and one past the last.
    pub layers: [usize; 2],
    /// The accelerator.
    pub accelerator: String,
    /// Start and end of starting an engine.
    pub launch: [u64; 2],
    /// Start and end of entering the accelerator.
    #[serde(rename = "in")]
    pub entry: [u64; 2],
    /// Start and end of the work.
    pub work: [u64; 2],
    /// Start and end of leaving the accelerator.
    #[serde(rename = "out")]
    pub exit: [u64; 2],
}

/// The order on one accelerator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrderField {
    /// The accelerator.
    pub accelerator: String,
    /// Its groups, the first one first.
    pub groups: Vec<GroupReference>,
}

/// A group of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupReference {
    /// Name of the task.
    pub task: String,
    /// Position of the group in the task, from 0.
    pub group: usize,
}

/// What is proved, and what it took.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofField {
    /// How much is proved.
    #[serde(with = "StateField")]
    pub state: ProofState,
    /// No schedule is better than this, in the unit of `value`.
    pub bound: u64,
    /// Distance of the bound from the value, as a share of the value.
    pub gap: f64,
    /// Wall-clock time of the solve.
    pub seconds: f64,
    /// What limit ended the search, where one did.
    pub stopped_by: Option<String>,
    /// Whether the same search would come to the same schedule again: on one thread, ended by its proof or a node limit.
    #[serde(default)]
    pub deterministic: bool,
    /// Counts of the search.
    pub statistics: StatisticsField,
}

/// Counts of one search; see [`crate::schedule::SearchStatistics`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatisticsField {
    /// Combinations of plans that exist under the limits.
    pub combinations: u64,
    /// Combinations that Z3's rows excluded.
    pub excluded_by_rows: u64,
    /// Combinations that the order oracle decided.
    pub decided_by_oracle: u64,
    /// Combinations that enumeration excluded by their bound.
    pub excluded_by_enumeration: u64,
    /// Satisfiability checks that Z3 made.
    pub z3_checks: u64,
    /// Nodes that the order oracle visited.
    pub oracle_nodes: u64,
}

/// What another scheduler would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaselineField {
    /// Name in flags.
    pub name: String,
    /// What people read, with the variant.
    pub label: String,
    /// End of the last task.
    pub makespan_ns: u64,
    /// The objective's value.
    pub value: u64,
    /// Most counted changes of accelerator of a task.
    pub transitions: usize,
    /// Whether it respects `max_transitions`.
    pub within_limit: bool,
}

/// What a solution doesn't know of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleContext {
    /// The platform.
    pub platform: Reference,
    /// What was optimised.
    pub objective: Objective,
    /// Contention model: `pccs`, `table` or `none`.
    pub contention: String,
    /// The profiles, one per task.
    pub profiles: Vec<Reference>,
    /// Layers bound by the user.
    pub pins: Vec<PinField>,
    /// The network of every task, in the problem's order.
    pub networks: Vec<TaskNetwork>,
}

/// The accelerators that a task may use where they can run it (empty is all), and those that it may not use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Those that it may use.
    pub on: Vec<String>,
    /// Those that it may not use.
    pub not_on: Vec<String>,
}

/// The network of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskNetwork {
    /// As users call it: a name or a path.
    pub name: String,
    /// SHA-256 of its definition in hexadecimal.
    pub hash: String,
    /// Where it may run.
    pub places: Places,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Objective", rename_all = "lowercase")]
pub(in crate::artifact) enum ObjectiveField {
    Makespan,
    Throughput,
    Tardiness,
    Energy,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ProofState", rename_all = "lowercase")]
pub(in crate::artifact) enum StateField {
    Optimal,
    Feasible,
}

impl Serialize for TransitionLimit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(limit) => limit.serialize(serializer),
            None => serializer.serialize_str("unlimited"),
        }
    }
}

impl<'de> Deserialize<'de> for TransitionLimit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LimitVisitor)
    }
}

struct LimitVisitor;

impl de::Visitor<'_> for LimitVisitor {
    type Value = TransitionLimit;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number from 0 or `unlimited`")
    }

    fn visit_u64<E: de::Error>(self, limit: u64) -> Result<Self::Value, E> {
        let limit = usize::try_from(limit).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(limit), &self))?;
        Ok(TransitionLimit(Some(limit)))
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
        if word == "unlimited" {
            Ok(TransitionLimit(None))
        } else {
            Err(E::invalid_value(de::Unexpected::Str(word), &self))
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
