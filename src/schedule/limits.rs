//! What a search may still use: wall-clock time, oracle nodes, and the patience of whoever asked. Knows which ran out.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Says from another thread that a search shall end. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// The search ends as if its time were over.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether anybody else could still cancel.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// Whether somebody cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The limits of one solve, and what has been used of them. Threads of one solve share it.
pub(super) struct Limits {
    started: Instant,
    deadline: Option<Instant>,
    max_nodes: Option<u64>,
    pub(super) cancel: Cancel,
    nodes: AtomicU64,
    stopped_by: OnceLock<Stop>,
}

/// What ended a search before its proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The wall clock.
    TimeLimit,
    /// The number of nodes of the order oracle.
    NodeLimit,
    /// Whoever asked for it.
    Cancelled,
    /// Z3 answered that it doesn't know.
    Solver,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimeLimit => "time limit",
            Self::NodeLimit => "node limit",
            Self::Cancelled => "cancellation",
            Self::Solver => "Z3, which gave up",
        })
    }
}

impl Limits {
    pub(super) fn new(time_limit: Option<Duration>, max_nodes: Option<u64>, cancel: Cancel) -> Self {
        let started = Instant::now();
        let deadline = time_limit.and_then(|limit| started.checked_add(limit));
        Self { started, deadline, max_nodes, cancel, nodes: AtomicU64::new(0), stopped_by: OnceLock::new() }
    }

    /// Grants up to `wish` nodes of the oracle, which count as visited; none where a limit has been reached.
    pub(super) fn grant_nodes(&self, wish: u64) -> u64 {
        if !self.has_time() {
            return 0;
        }
        let before = self.nodes.fetch_add(wish, Ordering::Relaxed);
        let granted = self.max_nodes.map_or(wish, |max| max.saturating_sub(before).min(wish));
        self.return_nodes(wish - granted);
        if granted == 0 {
            self.stop(Stop::NodeLimit);
        }
        granted
    }

    /// Takes back nodes that were granted and not visited.
    pub(super) fn return_nodes(&self, unused: u64) {
        self.nodes.fetch_sub(unused, Ordering::Relaxed);
    }

    /// Nodes visited so far.
    pub(super) fn nodes(&self) -> u64 {
        self.nodes.load(Ordering::Relaxed)
    }

    /// Whether no limit has been reached; looks at the clock.
    pub(super) fn has_time(&self) -> bool {
        if self.stopped_by.get().is_none() {
            if self.cancel.is_cancelled() {
                self.stop(Stop::Cancelled);
            } else if self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.stop(Stop::TimeLimit);
            }
        }
        self.stopped_by.get().is_none()
    }

    /// Milliseconds until the deadline, at least 1; `None` without one.
    pub(super) fn milliseconds_left(&self) -> Option<u32> {
        let left = self.deadline?.saturating_duration_since(Instant::now()).as_millis();
        Some(u32::try_from(left).unwrap_or(u32::MAX - 1).max(1))
    }

    /// Ends the search, for the first reason that is given.
    pub(super) fn stop(&self, reason: Stop) {
        self.stopped_by.get_or_init(|| reason);
    }

    /// Which limit ended the search, where one did.
    pub(super) fn stopped_by(&self) -> Option<Stop> {
        self.stopped_by.get().copied()
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
