//! The scheduling problem: tasks made of layer groups, accelerators with contention curves, limits. All integers.
//!
//! Posed from profiles and a platform, or built by hand and validated. Knows nothing of devices or files.

mod error;
mod pose;
mod stream;
#[cfg(test)]
mod tests;
mod types;
mod validate;

pub use error::ProblemError;
pub use pose::{Contention, PoseOptions};
pub use stream::{Frame, Stream, StreamError, unroll};
pub use types::{Cost, Due, Group, GroupId, Machine, Problem, Task};
