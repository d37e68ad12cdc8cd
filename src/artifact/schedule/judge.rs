//! What a schedule file says of itself, held against its own intervals and against the problem that it is of.

use std::fmt;

use super::{CLASS, DueField, RateField, ScheduleFile, TaskField};
use crate::problem::Problem;
use crate::schedule::{Decision, ProofState, rates_of};

/// Two gaps that differ by less are the same share, written by different arithmetic.
const GAP_TOLERANCE: f64 = 1e-9;

impl ScheduleFile {
    /// What the file says twice and differently, one sentence each: sums that its own intervals deny, and a proof that
    /// contradicts itself.
    pub fn contradictions(&self) -> Vec<String> {
        let ends: Vec<u64> = self.tasks.iter().map(last_end).collect();
        let makespan = ends.iter().copied().max().unwrap_or_default();
        let tasks = self.tasks.iter().zip(&ends).enumerate();
        let mut found: Vec<_> = tasks
            .filter(|(_, (task, end))| task.end_ns != **end)
            .map(|(idx, (task, end))| format!("tasks[{idx}].end_ns: is {}, the last group ends at {end}", task.end_ns))
            .collect();
        if self.makespan_ns != makespan {
            found.push(format!("makespan_ns: is {}, the last task ends at {makespan}", self.makespan_ns));
        }
        let better_than_bound = self.objective.is_better(self.value, self.proof.bound);
        if better_than_bound || (self.proof.state == ProofState::Optimal && self.value != self.proof.bound) {
            let Self { value, proof, .. } = self;
            found.push(format!("proof.bound: is {}, which the value {value} contradicts", proof.bound));
        }
        let gap = self.value.abs_diff(self.proof.bound) as f64 / self.value.max(1) as f64;
        if (self.proof.gap - gap).abs() > GAP_TOLERANCE {
            found.push(format!("proof.gap: is {}, value and bound are {gap} apart", self.proof.gap));
        }
        if self.class != CLASS {
            found.push(format!("class: is `{}`, this program judges `{CLASS}`", self.class));
        }
        found.extend(self.false_rates());
        found
    }

    /// What the file says of its tasks and `problem` or `decision` denies, one sentence each.
    pub fn disagreements(&self, problem: &Problem, decision: &Decision) -> Vec<String> {
        let mut found = Vec::new();
        let cap = problem.latency_cap.map(|cap| cap.0);
        if self.latency_cap_ns != cap {
            found.push(format!("latency_cap_ns: is {}, should be {}", or_null(self.latency_cap_ns), or_null(cap)));
        }
        for (idx, (field, task)) in self.tasks.iter().zip(&problem.tasks).enumerate() {
            let mut differs = |key: &str, said: String, is: String| {
                if said != is {
                    found.push(format!("tasks[{idx}].{key}: is {said}, should be {is}"));
                }
            };
            let after: Vec<_> = task.after.iter().map(|&before| &problem.tasks[before].name).collect();
            let transitions = problem.counted_transitions(idx, &decision.placement[idx]);
            differs("release_ns", field.release_ns.to_string(), task.release.0.to_string());
            differs("after", format!("{:?}", field.after), format!("{after:?}"));
            let due = task.due.map(|due| DueField { at_ns: due.at.0, weight: due.weight });
            let frame_of = task.frame_of.map(|first| &problem.tasks[first].name);
            differs("due", in_words(field.due), in_words(due));
            differs("frame_of", or_null(field.frame_of.as_ref()), or_null(frame_of));
            differs("transitions", field.transitions.to_string(), transitions.to_string());
        }
        found
    }

    /// Rates that the file's own intervals deny. A file that says nothing of them is right.
    fn false_rates(&self) -> Vec<String> {
        let ends: Vec<u64> = self.tasks.iter().map(last_end).collect();
        let first_of = |(idx, task): (usize, &TaskField)| match &task.frame_of {
            Some(first) => self.tasks.iter().position(|other| other.name == *first).unwrap_or(idx),
            None => idx,
        };
        let firsts: Vec<usize> = self.tasks.iter().enumerate().map(first_of).collect();
        let rates = rates_of(&firsts, &ends);
        let is_alike = |said: &RateField| {
            rates.iter().any(|rate| {
                self.tasks[rate.first].name == said.task
                    && rate.n_frames == said.frames
                    && is_close(rate.overall, said.per_second)
                    && is_close(rate.steady.unwrap_or_default(), said.steady_per_second.unwrap_or_default())
            })
        };
        let wrong = self.rates.iter().enumerate().filter(|(_, said)| !is_alike(said));
        wrong.map(|(idx, said)| format!("rates[{idx}]: the ends of the frames of `{}` deny it", said.task)).collect()
    }
}

fn or_null<T: fmt::Display>(value: Option<T>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

fn in_words(due: Option<DueField>) -> String {
    due.map_or_else(|| "null".to_owned(), |due| format!("{} ns with weight {}", due.at_ns, due.weight))
}

/// Whether two rates are one, read from a file and computed anew.
fn is_close(one: f64, other: f64) -> bool {
    (one - other).abs() <= GAP_TOLERANCE * one.abs().max(other.abs())
}

fn last_end(task: &TaskField) -> u64 {
    task.groups.last().map(|group| group.exit[1]).unwrap_or_default()
}
