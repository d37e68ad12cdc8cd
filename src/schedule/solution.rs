//! What solving a problem yields: a decision with its timeline, and how much of an optimum has been proved.

use std::time::Duration;

use super::{Cancel, Decision, Objective, Stop, Timeline};

/// What the solver is asked for.
#[derive(Clone, Debug)]
pub struct SolveOptions {
    /// What is optimised.
    pub objective: Objective,
    /// Wall-clock limit; the incumbent is returned when it is reached.
    pub time_limit: Option<Duration>,
    /// Limit on the nodes of the order oracle in all; makes a limited search deterministic.
    pub node_limit: Option<u64>,
    /// Seed of everything that is random.
    pub seed: u64,
    /// Threads that search for orders; 0 counts as 1. With one, a search without a time limit is deterministic.
    pub threads: usize,
    /// Ends the search from another thread.
    pub cancel: Cancel,
}

impl Default for SolveOptions {
    /// The best makespan on one thread, without limits.
    fn default() -> Self {
        Self {
            objective: Objective::Makespan,
            time_limit: None,
            node_limit: None,
            seed: 1,
            threads: 1,
            cancel: Cancel::default(),
        }
    }
}

/// How much is proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofState {
    /// Every other placement and order is proved no better.
    Optimal,
    /// A checked schedule, with a bound that the best one can't pass.
    Feasible,
}

/// What the solver proved, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// How much is proved.
    pub state: ProofState,
    /// No schedule is better than this, in the objective's unit: a lower bound, for the throughput an upper one. Equal to
    /// the value where the state is optimal.
    pub bound: u64,
    /// Wall-clock time of the solve.
    pub elapsed: Duration,
    /// What ended the search, where it wasn't the proof.
    pub stopped_by: Option<Stop>,
    /// Whether the same search would come to the same schedule again: on one thread, ended by its proof or a node limit.
    pub deterministic: bool,
    /// Counts of the search.
    pub statistics: SearchStatistics,
}

/// Counts of one search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchStatistics {
    /// Combinations of plans that exist under the limits.
    pub combinations: u64,
    /// Combinations that Z3's rows excluded without being looked at.
    pub excluded_by_rows: u64,
    /// Combinations that the order oracle decided.
    pub decided_by_oracle: u64,
    /// Combinations that enumeration around Z3's answers excluded by their linear bound.
    pub excluded_by_enumeration: u64,
    /// Satisfiability checks that Z3 made.
    pub z3_checks: u64,
    /// Nodes that the order oracle visited.
    pub oracle_nodes: u64,
}

/// A schedule and its proof.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// Placement and order.
    pub decision: Decision,
    /// The evaluator's timeline of the decision.
    pub timeline: Timeline,
    /// The objective's value.
    pub value: u64,
    /// What is proved.
    pub proof: Proof,
}

/// Where a running search stands.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'p> {
    /// The best schedule so far.
    pub decision: &'p Decision,
    /// Its timeline.
    pub timeline: &'p Timeline,
    /// Its value; `None` where it breaks the latency cap.
    pub incumbent: Option<u64>,
    /// Proved bound so far; `None` where it says nothing yet.
    pub bound: Option<u64>,
    /// Time since the start of the search.
    pub elapsed: Duration,
}

impl Solution {
    /// Distance of the bound from the value, as a share of the value; zero where the optimum is proved.
    pub fn gap(&self) -> f64 {
        if self.value == 0 { 0.0 } else { self.value.abs_diff(self.proof.bound) as f64 / self.value as f64 }
    }
}
