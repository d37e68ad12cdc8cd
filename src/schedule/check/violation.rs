//! Broken rules, in sentences that name task, layers, accelerator and times.

use std::fmt;

use crate::problem::{GroupId, Problem};
use crate::units::Nanoseconds;

/// What a schedule must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Lists have one entry for each task, group and accelerator.
    Shape,
    /// Every group stands in the order of its accelerator, once, and nowhere else.
    Order,
    /// Every group runs where it can.
    Support,
    /// No task changes accelerator more often than allowed.
    TransitionLimit,
    /// Frames of a stream are placed alike.
    Frames,
    /// No task takes longer than the latency cap.
    LatencyCap,
    /// Nobody waits for themselves.
    Circle,
    /// Phases follow each other.
    Phases,
    /// A launch takes exactly its cost where it is due.
    Launch,
    /// Entering an accelerator takes exactly its cost where it is due.
    Entry,
    /// Leaving an accelerator takes exactly its cost where it is due.
    Exit,
    /// An accelerator does one thing at a time.
    Exclusivity,
    /// Groups on an accelerator run in its order.
    OrderRespected,
    /// A group starts after the group before it in its task.
    Precedence,
    /// A task starts after its release.
    Release,
    /// A task starts after the tasks that it waits for.
    Edge,
    /// A group starts as soon as its causes allow.
    Idle,
    /// The rates reach the work at its end.
    WorkShort,
    /// The rates reach the work not one nanosecond before its end.
    WorkLong,
    /// The objective has the claimed value.
    Value,
}

/// A rule that a schedule breaks, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// What is wrong, in a sentence.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Violation {}

/// Violations found so far.
pub(super) struct Report<'a> {
    pub(super) problem: &'a Problem,
    violations: Vec<Violation>,
}

impl<'a> Report<'a> {
    pub(super) fn new(problem: &'a Problem) -> Self {
        Self { problem, violations: Vec::new() }
    }

    /// Notes a violation of `rule` unless it `holds`.
    pub(super) fn demand(&mut self, holds: bool, rule: Rule, message: impl FnOnce() -> String) {
        if !holds {
            self.violations.push(Violation { rule, message: message() });
        }
    }

    pub(super) fn done(self) -> Result<(), Vec<Violation>> {
        if self.violations.is_empty() { Ok(()) } else { Err(self.violations) }
    }

    /// ``group 10-23 of `googlenet` on `gpu` ``.
    pub(super) fn on(&self, id: GroupId, machine: usize) -> String {
        format!("{} on `{}`", self.problem.describe(id), self.problem.machines[machine].name)
    }
}

/// Milliseconds with all their nanoseconds.
pub(super) fn exact(time: Nanoseconds) -> String {
    format!("{}.{:06} ms", time.0 / 1_000_000, time.0 % 1_000_000)
}
