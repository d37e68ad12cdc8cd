//! Runs schedules in rounds and records when everything started and ended.
//!
//! Every round starts all lanes at once and keeps the schedule's order on each; rounds don't overlap. The simulator runs
//! in virtual time ([`run_multi`]); the [`executor`] whatever can be called, in real time ([`run_real_time`]). Knows nothing of how a
//! schedule was found.

mod comparison;
pub mod dynamic;
mod error;
pub mod executor;
mod log;
mod real_time;
mod rounds;
mod segment;
mod simulated;
mod statistics;

pub use comparison::{Neighbour, SpanComparison, compare, makespan_of_medians, relative_error};
pub use error::RunError;
pub use log::{
    BackendRecord, Conditions, EngineMode, GroupPlan, GroupRange, PolicyRun, ReferenceRun, Round, RunLog, Span,
    TaskRun, WarmUp,
};
pub use real_time::{RealTimeRun, SETTLING_ROUNDS, run_real_time};
pub use rounds::{Interleaved, interleave};
pub use segment::{Segment, causes, check_one_engine_each, lanes, segments, starts_of_whole_networks, whole_networks};
pub use simulated::{PolicyPlan, RunOptions, SimulatedSchedule, run_multi};
pub use statistics::{SPREAD_LIMIT, Statistics};
