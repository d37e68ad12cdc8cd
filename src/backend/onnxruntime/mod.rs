//! ONNX Runtime: its library is opened at run time, sessions of models or parts of them run on execution providers, and what
//! they hand to each other stays where it is. Knows nothing of schedules.

mod contention;
mod cores;
mod error;
mod measure;
mod session;
pub mod stream;
mod tensors;

pub use contention::{MeasuredGrid, measure_grid, n_points};
pub use cores::{available_cores, bind_thread, core_groups};
pub use error::OnnxRuntimeError;
pub use measure::measure;
pub use session::{OnnxRuntime, Session};
pub use tensors::{Port, Tensors};
