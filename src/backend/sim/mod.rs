//! A simulated board: what one kernel costs, how those costs are calibrated to published figures, and how several
//! accelerators share the memory while they run. Knows nothing of schedules or of the contention curves they rest on.

mod board;
mod calibrate;
mod contention;
mod emc;
mod kernel;
mod measure;
mod noise;
mod plan;
mod stages;

pub use board::{Memory, Segment, SegmentSpan, Stage, Stuck, simulate};
pub use calibrate::{CalibrationError, Fit, FittedGroup, Observation, Parameters, calibrate};
pub use contention::contention_grid;
pub use emc::{emc_log, emc_samples};
pub use kernel::{Kernel, Work, crossing_bytes, kernels, output_bytes, within};
pub use measure::{Entry, entries, samples};
pub use noise::Noise;
pub use plan::{PlannedKernel, SimulatedEngine, plan};
pub use stages::{transition_stage, work_stages};
