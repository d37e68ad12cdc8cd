//! Why profiles and a platform make no problem that can be scheduled, in sentences that name what to change.

use thiserror::Error;

use crate::platform::CurveError;

/// Why a problem can't be posed, or isn't one.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "fields are the names and numbers that the sentence prints")]
pub enum ProblemError {
    /// Nothing to schedule.
    #[error("there is no network to schedule")]
    NoTasks,
    /// Nothing to schedule on.
    #[error("there is no accelerator to schedule on")]
    NoMachines,
    /// More accelerators than the scheduler counts with.
    #[error("there are {count} accelerators, but at most {limit} are supported")]
    TooManyMachines { count: usize, limit: usize },
    /// Two tasks or two accelerators of one name.
    #[error("two {what} are called `{name}`")]
    DuplicateName { what: &'static str, name: String },
    /// A profile of another platform.
    #[error("the profile of `{network}` is of platform `{profile}`, not of `{platform}`: profile it on `{platform}`")]
    OtherPlatform { network: String, profile: String, platform: String },
    /// A profile computed from another version of the platform's file.
    #[error("the profile of `{network}` was made from another version of platform `{platform}`: profile it again")]
    ChangedPlatform { network: String, platform: String },
    /// A frame of something that it isn't a frame of.
    #[error("`{task}` is no frame of the task that it names: frames follow the first one and cost the same")]
    NoFrame { task: String },
    /// Profiles that were not taken under the same conditions.
    #[error(
        "the profiles of `{first}` and `{second}` are of different {what}, `{first_value}` and `{second_value}`: \
         profile both alike"
    )]
    Mixed { what: &'static str, first: String, first_value: String, second: String, second_value: String },
    /// A profile with an accelerator that the platform hasn't.
    #[error("the profile of `{network}` has times for accelerator `{accelerator}`, which `{platform}` doesn't have")]
    UnknownAccelerator { network: String, accelerator: String, platform: String },
    /// A network without groups.
    #[error("`{task}` has no layer groups")]
    NoGroups { task: String },
    /// Groups that overlap, leave a gap or hold no layer.
    #[error("group {layers} of `{task}` doesn't begin at layer {expected}, where the group before it ends")]
    BrokenChain { task: String, layers: String, expected: usize },
    /// A group without layers.
    #[error("a group of `{task}` at layer {layer} holds no layer")]
    EmptyGroup { task: String, layer: usize },
    /// A group that runs nowhere.
    #[error("group {layers} of `{task}` has no time on any accelerator: profile it")]
    NoTime { task: String, layers: String },
    /// A group that pins leave no accelerator.
    #[error("group {layers} of `{task}` may run on no accelerator: its pins exclude every one that can run it")]
    PinnedAway { task: String, layers: String },
    /// A number that is negative, infinite or none at all.
    #[error("{what} is {value}, but must be a number that is not negative")]
    NotANumber { what: String, value: String },
    /// A time that the scheduler doesn't count.
    #[error("{what} is longer than {limit}, the longest time that can be scheduled")]
    TooLong { what: String, limit: String },
    /// All times together are more than the scheduler counts.
    #[error("all groups together take longer than {limit}, the most that can be scheduled")]
    TotalTooLong { limit: String },
    /// A demand that the memory can't serve.
    #[error("{what} is {demand}, above {limit}, the most that the memory delivers")]
    DemandTooHigh { what: String, demand: String, limit: String },
    /// A curve of another kind than the one asked for.
    #[error("accelerator `{accelerator}` of `{platform}` has no contention curve of kind `{kind}`")]
    NoCurve { accelerator: String, platform: String, kind: &'static str },
    /// A curve that is wrong.
    #[error("the contention curve of accelerator `{accelerator}`: {reason}")]
    Curve { accelerator: String, reason: CurveError },
    /// A list that hasn't one entry for each task, group or accelerator.
    #[error("{what} has {found} entries instead of {expected}")]
    Shape { what: String, found: usize, expected: usize },
    /// An edge from a task that isn't there.
    #[error("`{task}` waits for task {before}, but there are only {count}")]
    UnknownEdge { task: String, before: usize, count: usize },
    /// Tasks that wait for each other.
    #[error("tasks wait for each other in a circle: {}", tasks.join(", "))]
    CyclicEdges { tasks: Vec<String> },
    /// A task that can't be placed under the transition limit.
    #[error("`{task}` needs at least {needed} transition(s), more than the limit of {limit}: allow more or unpin")]
    NoPlan { task: String, needed: usize, limit: usize },
}
