//! How an engine is built, and what comes of it.

use super::{Placement, Precision};

/// What holds for every engine of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildOptions {
    /// Precision in which it computes.
    pub precision: Precision,
    /// Seed of the weights, which no network file holds.
    pub seed: u64,
    /// Whether a layer that the DLA can't run may run on the GPU.
    pub gpu_fallback: bool,
    /// Device memory that a layer may use for its work, in bytes.
    pub workspace: u64,
}

/// A built engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltEngine {
    /// What is written to the plan file.
    pub plan: Vec<u8>,
    /// Where every layer ended up.
    pub placement: Placement,
    /// Timings of tactics for the builds to come; `None` where the backend keeps none.
    pub timings: Option<Vec<u8>>,
    /// Warnings of the builder, each once.
    pub warnings: Vec<String>,
    /// Where INT8 ranges come from; `None` in another precision.
    pub calibration: Option<String>,
}
