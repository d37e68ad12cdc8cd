//! What a schedule file says of itself, held against its own intervals and against the problem that it is of.

use super::{CLASS, ScheduleFile, TaskField};
use crate::problem::Problem;
use crate::schedule::{Decision, ProofState};

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
        found
    }

    /// What the file says of its tasks and `problem` or `decision` denies, one sentence each.
    pub fn disagreements(&self, problem: &Problem, decision: &Decision) -> Vec<String> {
        let mut found = Vec::new();
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
            differs("transitions", field.transitions.to_string(), transitions.to_string());
        }
        found
    }
}

fn last_end(task: &TaskField) -> u64 {
    task.groups.last().map(|group| group.exit[1]).unwrap_or_default()
}
