//! What solving a problem yields: a decision with its timeline, and how much of an optimum has been proved.

use std::time::Duration;

use super::{Decision, Objective, Timeline};

/// What the solver is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct SolveOptions {
    /// What is optimised.
    pub objective: Objective,
    /// Wall-clock limit; the incumbent is returned when it is reached.
    pub time_limit: Option<Duration>,
    /// Limit on the nodes of the order oracle in all; makes a limited search deterministic.
    pub node_limit: Option<u64>,
    /// Seed of everything that is random.
    pub seed: u64,
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
    /// No schedule is better than this: nanoseconds for the makespan (a lower bound), the objective's own unit for the
    /// throughput (an upper bound). Equal to the value where the state is optimal.
    pub bound: u64,
    /// Wall-clock time of the solve.
    pub elapsed: Duration,
    /// What limit ended the search, in words, where one did.
    pub stopped_by: Option<String>,
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
    /// The objective's value: nanoseconds for the makespan, the sum of `floor(10^15 / latency_ns)` for the throughput.
    pub value: u64,
    /// What is proved.
    pub proof: Proof,
}

/// Where a running search stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Value of the best schedule so far.
    pub incumbent: u64,
    /// Proved bound so far.
    pub bound: u64,
}

impl Solution {
    /// Distance of the bound from the value, as a share of the value; zero where the optimum is proved.
    pub fn gap(&self) -> f64 {
        if self.value == 0 { 0.0 } else { self.value.abs_diff(self.proof.bound) as f64 / self.value as f64 }
    }
}
