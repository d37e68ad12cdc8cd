//! A script of timed events: names become positions, and what can't happen is refused before anything runs.

use thiserror::Error;

use crate::problem::instance_name;
use crate::units::Nanoseconds;

/// An event as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct ScriptEvent {
    /// When, from the start of the run.
    pub at: Nanoseconds,
    /// What.
    pub change: ScriptChange,
}

/// What happens, by names.
#[derive(Clone, Debug, PartialEq)]
pub enum ScriptChange {
    /// A network comes: a further instance of it where it is there already.
    Join(String),
    /// A network's instance goes: `alexnet`, or `alexnet#2` for the second one.
    Leave(String),
    /// The work of an accelerator takes `factor` times what its profile says, from now on.
    Slow {
        /// Name of the accelerator.
        accelerator: String,
        /// Above 1 is slower; 1 is as profiled.
        factor: f64,
    },
}

/// The same by positions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event {
    /// When, from the start of the run.
    pub at: Nanoseconds,
    /// What.
    pub change: Change,
}

/// What happens, by positions in the problem of all tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Change {
    /// A task comes.
    Join(usize),
    /// A task goes.
    Leave(usize),
    /// An accelerator's work takes `factor` times what its profile says.
    Slow {
        /// The accelerator.
        machine: usize,
        /// Above 1 is slower.
        factor: f64,
    },
}

/// Who is there when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// The network of every task that is ever there; those that are there at the start come first.
    pub tasks: Vec<String>,
    /// How many are there at the start.
    pub n_start: usize,
    /// What happens, in order.
    pub events: Vec<Event>,
}

/// What a script asks for and can't happen. Events are counted from 1.
#[derive(Clone, Debug, Error, PartialEq)]
#[expect(missing_docs, reason = "fields are the names and numbers that the sentence prints")]
pub enum ScriptError {
    /// Times go backwards.
    #[error("event {number} is at {at}, before the one above it at {before}: write events in the order of their times")]
    Backwards { number: usize, at: Nanoseconds, before: Nanoseconds },
    /// A network leaves that isn't there.
    #[error("event {number}: `{name}` can't leave, it isn't there then; {there} are")]
    NotThere { number: usize, name: String, there: String },
    /// The last network leaves.
    #[error("event {number}: when `{name}` leaves, nothing runs; let another network join first")]
    LeavesNothing { number: usize, name: String },
    /// An accelerator that the platform hasn't.
    #[error("event {number}: there is no accelerator `{name}`; there are {known}")]
    NoAccelerator { number: usize, name: String, known: String },
    /// A factor that no clock has.
    #[error("event {number}: factor {factor} is not between 0.1 and 100")]
    Factor { number: usize, factor: f64 },
}

impl Script {
    /// The script of `events` for a run that starts with `networks` (names, the same one twice is two instances) on accelerators
    /// of these names.
    pub fn new(networks: &[String], events: &[ScriptEvent], accelerators: &[String]) -> Result<Self, ScriptError> {
        let mut tasks = networks.to_vec();
        let mut present: Vec<usize> = (0..tasks.len()).collect();
        let mut resolved = Vec::new();
        let mut before = Nanoseconds::ZERO;
        for (number, ScriptEvent { at, change }) in (1..).zip(events) {
            if *at < before {
                return Err(ScriptError::Backwards { number, at: *at, before });
            }
            before = *at;
            let change = match change {
                ScriptChange::Join(name) => Change::Join(join(&mut tasks, &mut present, name)),
                ScriptChange::Leave(name) => Change::Leave(leave(&tasks, &mut present, name, number)?),
                ScriptChange::Slow { accelerator, factor } => slow(accelerators, accelerator, *factor, number)?,
            };
            resolved.push(Event { at: *at, change });
        }
        Ok(Self { tasks, n_start: networks.len(), events: resolved })
    }
}

/// The first instance of a network that isn't there; a new one where all are.
fn join(tasks: &mut Vec<String>, present: &mut Vec<usize>, name: &str) -> usize {
    let absent = (0..tasks.len()).find(|task| tasks[*task] == name && !present.contains(task));
    let task = absent.unwrap_or_else(|| {
        tasks.push(name.to_owned());
        tasks.len() - 1
    });
    present.push(task);
    task
}

fn leave(tasks: &[String], present: &mut Vec<usize>, name: &str, number: usize) -> Result<usize, ScriptError> {
    let Some(position) = present.iter().position(|&task| task_name(tasks, task) == name) else {
        let there: Vec<String> = present.iter().map(|&task| format!("`{}`", task_name(tasks, task))).collect();
        return Err(ScriptError::NotThere { number, name: name.to_owned(), there: there.join(", ") });
    };
    if present.len() == 1 {
        return Err(ScriptError::LeavesNothing { number, name: name.to_owned() });
    }
    Ok(present.remove(position))
}

fn slow(accelerators: &[String], name: &str, factor: f64, number: usize) -> Result<Change, ScriptError> {
    if !(0.1..=100.0).contains(&factor) {
        return Err(ScriptError::Factor { number, factor });
    }
    let machine = accelerators.iter().position(|known| known == name);
    let unknown = || ScriptError::NoAccelerator { number, name: name.to_owned(), known: accelerators.join(", ") };
    Ok(Change::Slow { machine: machine.ok_or_else(unknown)?, factor })
}

/// `googlenet`, and `googlenet#2` for its second instance, as problems call them.
fn task_name(tasks: &[String], task: usize) -> String {
    let earlier = tasks[..task].iter().filter(|other| **other == tasks[task]).count();
    instance_name(&tasks[task], earlier)
}
