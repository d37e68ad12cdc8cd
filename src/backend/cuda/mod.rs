//! The CUDA driver, which `cudarc` opens at run time: what there is ([`probe`]), and what engines run on: the process's context,
//! device memory, streams and events. Only functions that CUDA 10.2 (JetPack 4) has are called, and all are looked for first,
//! as `cudarc` ends the program where the library or a function is missing. Knows nothing of TensorRT.

mod buffers;
mod device;
mod probe;

pub use buffers::{BufferMismatch, Buffers};
pub use device::{CudaError, Event, Memory, PrimaryContext, Queue, Stream};
pub use probe::{Cuda, Gpu, probe};
