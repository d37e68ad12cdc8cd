//! TensorRT: engines from networks through a C++ shim that is compiled against the headers on the machine, and a library
//! that is opened when it is needed. Without headers this room holds the same names, and a sentence.

#[cfg_attr(haxconn_tensorrt, path = "enabled.rs")]
#[cfg_attr(not(haxconn_tensorrt), path = "disabled.rs")]
mod here;

#[cfg(haxconn_tensorrt)]
mod assemble;
pub mod build_log;
#[cfg(haxconn_tensorrt)]
pub mod ffi;
mod lane;
#[cfg(haxconn_tensorrt)]
mod measure;
mod numbers;
mod segment;
#[cfg(haxconn_tensorrt)]
mod sessions;
#[cfg(haxconn_tensorrt)]
mod weights;

pub use here::{Tensorrt, compiled_for, library_candidates};
pub use lane::{EngineRunner, LaneEngine, LaneError};
pub use numbers::{numbers, small_numbers};
pub use segment::{EngineIo, IoFault, SegmentTensors, outputs, segment_tensors};

/// Why TensorRT can't be used on this machine.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// The program was compiled without TensorRT's headers.
    #[error("this program was compiled without TensorRT's headers")]
    NotCompiled,
    /// No library, or none that fits.
    #[error("{0}")]
    Library(String),
    /// The library is there, but makes no builder.
    #[error("TensorRT can't make an engine builder here: {0}")]
    NoBuilder(String),
}

/// Why an engine was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The version has no such precision.
    #[error("{version} has no {precision}")]
    NoPrecision {
        /// Name and number of the version.
        version: String,
        /// What was asked for.
        precision: crate::engine::Precision,
    },
    /// A layer, input or output was refused.
    #[error("TensorRT refuses {what}: {reason}")]
    Refused {
        /// The layer, or what else.
        what: String,
        /// What TensorRT said.
        reason: String,
    },
    /// TensorRT would compute something else than the network says.
    #[error("{0}")]
    Unsupported(String),
    /// The builder gave up.
    #[error("TensorRT built no engine: {0}")]
    NotBuilt(String),
}

/// Why an engine did not run, or was not measured.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The CUDA driver is missing or fails.
    #[error(transparent)]
    Cuda(#[from] crate::backend::cuda::CudaError),
    /// Two engines of a network disagree about a tensor.
    #[error(transparent)]
    Buffers(#[from] crate::backend::cuda::BufferMismatch),
    /// The engine has other inputs or outputs than its layers.
    #[error(transparent)]
    Io(#[from] IoFault),
    /// A call of TensorRT failed.
    #[error("TensorRT refuses {what}: {reason}")]
    Refused {
        /// What it was asked for.
        what: &'static str,
        /// What TensorRT said.
        reason: String,
    },
    /// The profiler reports other layers in one run than in the runs before.
    #[error(transparent)]
    LayersChanged(#[from] crate::backend::LayersChanged),
    /// The profiler says nothing.
    #[error("TensorRT's profiler reports no layers")]
    NoLayers,
}
