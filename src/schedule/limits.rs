//! What a search may still use: wall-clock time and oracle nodes. Knows which of them ran out.

use std::time::{Duration, Instant};

/// The limits of one solve, and what has been used of them.
pub(super) struct Limits {
    started: Instant,
    deadline: Option<Instant>,
    max_nodes: Option<u64>,
    /// Oracle nodes visited so far.
    pub(super) nodes: u64,
    stopped_by: Option<&'static str>,
}

impl Limits {
    pub(super) fn new(time_limit: Option<Duration>, max_nodes: Option<u64>) -> Self {
        let started = Instant::now();
        let deadline = time_limit.and_then(|limit| started.checked_add(limit));
        Self { started, deadline, max_nodes, nodes: 0, stopped_by: None }
    }

    /// Counts a node of the oracle; false where a limit has been reached. Looks at the clock every 256 nodes.
    pub(super) fn visit_node(&mut self) -> bool {
        if self.stopped_by.is_some() {
            return false;
        }
        if self.max_nodes.is_some_and(|max| self.nodes >= max) {
            self.stopped_by = Some("node limit");
            return false;
        }
        self.nodes += 1;
        !self.nodes.is_multiple_of(256) || self.has_time()
    }

    /// Whether no limit has been reached; looks at the clock.
    pub(super) fn has_time(&mut self) -> bool {
        if self.stopped_by.is_none() && self.deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            self.stopped_by = Some("time limit");
        }
        self.stopped_by.is_none()
    }

    /// Milliseconds until the deadline, at least 1; `None` without one.
    pub(super) fn milliseconds_left(&self) -> Option<u32> {
        let left = self.deadline?.saturating_duration_since(Instant::now()).as_millis();
        Some(u32::try_from(left).unwrap_or(u32::MAX - 1).max(1))
    }

    /// Records that Z3 gave up, where no limit of ours explains it.
    pub(super) fn stop(&mut self, reason: &'static str) {
        self.stopped_by.get_or_insert(reason);
    }

    /// Which limit ended the search, where one did.
    pub(super) fn stopped_by(&self) -> Option<String> {
        self.stopped_by.map(str::to_owned)
    }

    /// Time since the start.
    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
