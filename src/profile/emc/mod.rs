//! How busy a network keeps the memory, from samples of the external memory controller (EMC) taken while it runs: their
//! summary inside the run, the throughput that they stand for, and what the characterised convolutions say of others.

mod convolution;
mod error;
mod ratio;
mod runs;
mod summary;
mod timing;

use crate::platform::Provenance;
use crate::units::{GigabytesPerSecond, Megahertz, Milliseconds, Percent};

pub use convolution::{INPUT_SIZES, KERNELS, SingleConvolution};
pub use error::EmcError;
pub use ratio::{nearest_convolution, ratio_rule};
pub use runs::samples_of_runs;
pub use summary::{EmcSummary, Window, inside, summarise};
pub use timing::{SampleTimes, timed};

/// One sample of the memory controller at its time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EmcSample {
    /// When it was taken, from the start of the recording.
    pub at: Milliseconds,
    /// Mean use of the memory since the sample before, as a share of its peak at its clock; `None` where it isn't known.
    pub utilization: Option<Percent>,
    /// The memory's clock, where it is known.
    pub clock: Option<Megahertz>,
}

/// What is used of one network's use of the memory.
#[derive(Clone, Debug, PartialEq)]
pub struct EmcFigure {
    /// The network's short name, or the engine's.
    pub network: String,
    /// The convolution that the network is, where it is one of a single convolution.
    pub convolution: Option<SingleConvolution>,
    /// Name of the accelerator that ran it.
    pub accelerator: String,
    /// Mean use of the memory.
    pub mean: Percent,
    /// The throughput that it stands for, where the memory's clock is known.
    pub demand: Option<GigabytesPerSecond>,
    /// Measured on a board, modelled by the simulator, or derived from measured times and modelled bytes.
    pub provenance: Provenance,
}

impl From<&EmcResult> for EmcFigure {
    fn from(result: &EmcResult) -> Self {
        Self {
            network: result.network.clone(),
            convolution: result.convolution,
            accelerator: result.accelerator.clone(),
            mean: result.summary.mean,
            demand: result.summary.demand,
            provenance: result.provenance,
        }
    }
}

/// What one network did to the memory while one accelerator ran it.
#[derive(Clone, Debug, PartialEq)]
pub struct EmcResult {
    /// The network's short name, or the engine's.
    pub network: String,
    /// The convolution that the network is, where it is one of a single convolution.
    pub convolution: Option<SingleConvolution>,
    /// Name of the accelerator that ran it.
    pub accelerator: String,
    /// What the samples inside the run come to.
    pub summary: EmcSummary,
    /// Measured on a board, modelled by the simulator, or derived from measured times and modelled bytes.
    pub provenance: Provenance,
    /// The samples inside the run.
    pub samples: Vec<EmcSample>,
}
