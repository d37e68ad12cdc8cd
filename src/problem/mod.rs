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
pub use validate::HIGHEST_DEMAND;

/// Name of an instance of a network, counted from 0: `googlenet`, and `googlenet#2` for the second one.
pub fn instance_name(network: &str, instance: usize) -> String {
    if instance == 0 { network.to_owned() } else { format!("{network}#{}", instance + 1) }
}
