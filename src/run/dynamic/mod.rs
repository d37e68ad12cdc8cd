//! What runs next while the solver works, networks come and go, and times drift (the paper's D-HaX-CoNN).
//!
//! A [`Controller`] is fed with a script's events, measured rounds and the solver's schedules, each with its moment on the run's
//! clock, and decides at every boundary between rounds. It measures nothing, starts no thread and knows no backend.

mod controller;
mod drift;
mod history;
mod script;
#[cfg(test)]
mod tests;

pub use controller::{Candidate, Controller, DynamicError, DynamicOptions, Planned, Search, Source};
pub use drift::{Correction, WINDOW};
pub use history::{DynamicLog, Happening, NotedRound, Phase, SearchEnd, Slowdown, SolverState, What};
pub use script::{Change, Event, Script, ScriptChange, ScriptError, ScriptEvent};

use crate::problem::{Problem, Task};

/// The part of `problem` that has these of its tasks, in this order; edges from tasks that are left out fall away.
pub fn of_tasks(problem: &Problem, tasks: &[usize]) -> Problem {
    let position = |task: usize| tasks.iter().position(|&other| other == task);
    let part = |&task: &usize| {
        let task = &problem.tasks[task];
        Task {
            after: task.after.iter().filter_map(|&before| position(before)).collect(),
            frame_of: task.frame_of.and_then(position),
            ..task.clone()
        }
    };
    Problem { tasks: tasks.iter().map(part).collect(), ..problem.clone() }
}
