//! Why an executor stops: what failed, where, and who waited for it.

use std::fmt::{self, Debug, Display};
use std::time::Duration;

use thiserror::Error;

use crate::group::LayerRange;

/// What a backend says when it fails: anything that can be shown and sent between threads.
pub trait Cause: Debug + Display + Send + 'static {}

impl<T: Debug + Display + Send + 'static> Cause for T {}

/// A segment by its task, layers and lane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Name of the task.
    pub task: String,
    /// Its layers.
    pub layers: LayerRange,
    /// Name of the lane.
    pub lane: String,
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layers {} of `{}` on `{}`", self.layers, self.task, self.lane)
    }
}

/// Why an executor stopped.
#[derive(Debug, Error)]
pub enum ExecutorError<E: Cause> {
    /// The program isn't one: said before anything runs.
    #[error("{0}")]
    Malformed(String),
    /// The system gives no thread.
    #[error("no thread for `{lane}` ({cause})")]
    NoThread {
        /// Name of the lane.
        lane: String,
        /// What the system says.
        cause: String,
    },
    /// A lane can't be set up.
    #[error("`{lane}` can't be set up: {cause}")]
    SetUp {
        /// Name of the lane.
        lane: String,
        /// What the backend says.
        cause: E,
    },
    /// A lane set up another number of runners than it has segments.
    #[error("`{lane}` set up {n_runners} runner(s) for {n_segments} segment(s)")]
    RunnerCount {
        /// Name of the lane.
        lane: String,
        /// Runners that it made.
        n_runners: usize,
        /// Segments that it has.
        n_segments: usize,
    },
    /// A runner failed.
    #[error("{place}: {cause}")]
    Failed {
        /// Which segment.
        place: Place,
        /// What the backend says.
        cause: E,
    },
    /// A runner panicked, or the setting up of a lane (which has no place).
    #[error("{what} broke off: {message}")]
    Panicked {
        /// The segment, or the lane.
        what: String,
        /// The panic's message.
        message: String,
    },
    /// Something took longer than the limit.
    #[error("{what} after {limit:?}{waiting}")]
    Stalled {
        /// What hadn't ended.
        what: String,
        /// The limit.
        limit: Duration,
        /// Who waited for it, in words.
        waiting: String,
    },
    /// Somebody asked it to stop.
    #[error("stopped on request")]
    Cancelled,
    /// It had failed before.
    #[error("nothing runs after a failure")]
    Dead,
}
