//! TensorRT through the C++ shim beside this file: raw functions (`sys`), owned handles over them, and what TensorRT
//! says. The only room with `unsafe`; what it offers is safe but for device memory and streams, which it can't see.
#![expect(unsafe_code, reason = "this is the boundary to C++")]

mod builder;
mod device;
mod engine;
mod library;
mod log;
mod sys;

pub use builder::{
    Activation, Builder, Config, DeviceType, ElementType, Elementwise, Network, PrecisionFlags, Refused, Tensor,
    Weights, Window,
};
pub use device::{RunError, Runner, Session, size_of};
pub use engine::{Context, Engine, LayerTime};
pub use library::{Headers, Library, LibraryError, Version, headers};
pub use log::{Message, Severity, first_error, listening};
