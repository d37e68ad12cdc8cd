//! The engines that one lane runs, and what it needs to make them ready.

use std::sync::Arc;

use super::{MeasureError, SegmentTensors};
use crate::backend::cuda::{Buffers, Memory};
use crate::units::Milliseconds;

/// An engine for a lane to run.
#[derive(Clone, Debug)]
pub struct LaneEngine {
    /// What it is called in errors: its layers, its network and its file.
    pub what: String,
    /// Its plan.
    pub plan: Arc<Vec<u8>>,
    /// The DLA core of its layers on the DLA, where it has any.
    pub dla_core: Option<u32>,
    /// Its inputs and outputs.
    pub tensors: SegmentTensors,
    /// Where they lie: the same for all engines of a network that hand tensors to each other.
    pub buffers: Buffers<Memory>,
}

/// Runs one engine once, waits for its end, and says how long it took by the device's clock.
pub type EngineRunner = Box<dyn FnMut() -> Result<Milliseconds, MeasureError>>;

/// An engine could not be made ready.
#[derive(Debug, thiserror::Error)]
#[error("{what}: {cause}")]
pub struct LaneError {
    /// Which engine.
    pub what: String,
    /// Why not.
    pub cause: MeasureError,
}
