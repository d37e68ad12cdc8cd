//! Why a schedule can't be run.

use thiserror::Error;

/// Why a schedule can't be run.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum RunError {
    /// There isn't one network for each task.
    #[error("{n_networks} network(s) for {n_tasks} task(s)")]
    NetworkCount {
        /// Networks given.
        n_networks: usize,
        /// Tasks of the problem.
        n_tasks: usize,
    },
    /// A task's groups don't cover its network.
    #[error("the groups of task `{task}` don't end with the last layer of `{network}`")]
    OtherNetwork {
        /// The task.
        task: String,
        /// The network.
        network: String,
    },
    /// An accelerator of the problem isn't on the platform.
    #[error("platform `{platform}` has no accelerator `{accelerator}`")]
    NoAccelerator {
        /// The platform.
        platform: String,
        /// The accelerator.
        accelerator: String,
    },
    /// A group is placed where it can't run.
    #[error("task `{task}`: layers {layers} can't run on `{accelerator}`")]
    Unsupported {
        /// The task.
        task: String,
        /// The group's layers.
        layers: String,
        /// The accelerator.
        accelerator: String,
    },
    /// The orders make groups wait for each other.
    #[error("{n_waiting} group(s) never start: the schedule's orders wait for each other in a circle")]
    Stuck {
        /// Groups that never start.
        n_waiting: usize,
    },
    /// A task changes its accelerator more often than one engine can.
    #[error("task `{task}` changes its accelerator {transitions} times; one engine has one transition inside")]
    Transitions {
        /// The task.
        task: String,
        /// Counted changes.
        transitions: usize,
    },
    /// A task begins where another one, whose engine isn't seen from outside, goes to another accelerator.
    #[error(
        "task `{task}` begins after layers {layers} of `{other}`, whose engine goes on elsewhere then: nobody sees when"
    )]
    StartsInside {
        /// The task.
        task: String,
        /// The group before its first one.
        layers: String,
        /// Its task.
        other: String,
    },
    /// A group stands between two of another task, whose engine can't be stopped there.
    #[error(
        "layers {layers} of `{task}` stand between groups of `{around}` on `{accelerator}`, which run in one engine"
    )]
    Interleaved {
        /// The group's layers.
        layers: String,
        /// Its task.
        task: String,
        /// The task around it.
        around: String,
        /// The accelerator.
        accelerator: String,
    },
}
