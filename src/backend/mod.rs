//! What executes layer groups and builds their engines: the simulator of a board, which stands in where no board can be
//! reached, TensorRT, and ONNX Runtime.

pub mod cuda;
mod foreign;
pub mod fused_names;
pub mod nsight;
pub mod onnxruntime;
mod samples;
pub mod sim;
pub mod tegrastats;
pub mod tensorrt;
pub mod trtexec;

use crate::engine::Device;
use crate::platform::AcceleratorKind;

pub use foreign::{Foreign, ForeignError, read_foreign};
pub use samples::{EngineSamples, LayerSamples, LayersChanged, RunPlan};

impl From<Device> for AcceleratorKind {
    fn from(device: Device) -> Self {
        match device {
            Device::Gpu => Self::Gpu,
            Device::Dla => Self::Dla,
        }
    }
}
