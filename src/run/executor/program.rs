//! What an executor runs: segments, what they wait for, and the lanes that own their runners.

use super::error::{Cause, ExecutorError};
use crate::group::LayerRange;
use crate::problem::{Problem, Task};
use crate::run::log::GroupRange;
use crate::run::segment::{Segment, causes};
use crate::units::Nanoseconds;

/// Runs one segment once.
pub type Runner<E> = Box<dyn FnMut() -> Result<(), E>>;

/// Makes a lane's runners, in the order of its segments, on the thread that will call them: the place to bind the thread
/// to cores or to a device. What it makes needn't be able to change threads.
pub type SetUp<E> = Box<dyn FnOnce() -> Result<Vec<Runner<E>>, E> + Send>;

/// What runs in one round.
pub struct Program<E> {
    /// Every segment.
    pub segments: Vec<Work>,
    /// Who runs them.
    pub lanes: Vec<Lane<E>>,
}

/// A segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Work {
    /// Name of its task, for errors.
    pub task: String,
    /// Its layers, for errors.
    pub layers: LayerRange,
    /// Segments that must have ended before it starts.
    pub after: Vec<usize>,
    /// Earliest start in a round.
    pub release: Nanoseconds,
}

/// The segments of a schedule as an executor runs them: each after its causes, none before its task's release.
pub fn works(problem: &Problem, segments: &[Segment]) -> Vec<Work> {
    let work = |(segment, after): (&Segment, Vec<usize>)| {
        let Task { name, groups, release, .. } = &problem.tasks[segment.task];
        let GroupRange { first, last } = segment.groups;
        let layers = LayerRange { first: groups[first].layers.first, last: groups[last - 1].layers.last };
        Work { task: name.clone(), layers, after, release: *release }
    };
    segments.iter().zip(causes(problem, segments)).map(work).collect()
}

/// A whole task as one piece of work.
pub fn whole_work(problem: &Problem, task: usize) -> Work {
    let Task { name, groups, after, release, .. } = &problem.tasks[task];
    let [first, last] = [groups.first().map_or(0, |it| it.layers.first), groups.last().map_or(0, |it| it.layers.last)];
    Work { task: name.clone(), layers: LayerRange { first, last }, after: after.clone(), release: *release }
}

/// A thread that runs segments one after the other.
pub struct Lane<E> {
    /// Name of the accelerator.
    pub name: String,
    /// Its segments in order.
    pub segments: Vec<usize>,
    /// Makes its runners.
    pub set_up: SetUp<E>,
}

impl<E: Cause> Program<E> {
    /// Refuses a segment that isn't on one lane, a cause that isn't there, and orders that go in a circle.
    pub(super) fn check(&self) -> Result<(), ExecutorError<E>> {
        let n_segments = self.segments.len();
        let malformed = |what: String| Err(ExecutorError::Malformed(what));
        if self.lanes.is_empty() {
            return malformed("there is no lane".to_owned());
        }
        let mut counts = vec![0; n_segments];
        for &segment in self.lanes.iter().flat_map(|lane| &lane.segments) {
            match counts.get_mut(segment) {
                Some(count) => *count += 1,
                None => return malformed(format!("segment {segment} isn't there: there are {n_segments}")),
            }
        }
        if let Some(segment) = counts.iter().position(|&count| count != 1) {
            return malformed(format!("segment {segment} is on {} lanes instead of one", counts[segment]));
        }
        let n_waiting = self.n_waiting_forever();
        if n_waiting > 0 {
            return malformed(format!("{n_waiting} segment(s) never start: they wait for each other in a circle"));
        }
        Ok(())
    }

    /// Segments that never start because they wait for each other or for one that isn't there.
    fn n_waiting_forever(&self) -> usize {
        let mut ended = vec![false; self.segments.len()];
        let mut next = vec![0; self.lanes.len()];
        loop {
            let mut moved = false;
            for (lane, next) in self.lanes.iter().zip(&mut next) {
                while let Some(&segment) = lane.segments.get(*next) {
                    let causes = &self.segments[segment].after;
                    if !causes.iter().all(|&cause| ended.get(cause).copied().unwrap_or(false)) {
                        break;
                    }
                    ended[segment] = true;
                    *next += 1;
                    moved = true;
                }
            }
            if !moved {
                return ended.iter().filter(|ended| !**ended).count();
            }
        }
    }
}
