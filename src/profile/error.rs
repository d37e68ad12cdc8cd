//! What can be wrong with a profile or with the figures that one is made of.

use thiserror::Error;

use crate::backend::sim::CalibrationError;
use crate::group::LayerRange;

/// Why a profile can't be used or made.
#[derive(Debug, Error, PartialEq)]
pub enum ProfileError {
    /// The profile was made of another definition of the network.
    #[error(
        "the profile of `{network}` was made of another definition of it (content hash `{profiled}`, the network file has `{given}`); profile this one, or leave the profile out"
    )]
    OtherNetwork {
        /// The network that was given.
        network: String,
        /// Hash in the profile.
        profiled: String,
        /// Hash of the network.
        given: String,
    },
    /// The profile is of a network with another name.
    #[error("the profile is one of `{profiled}`, not of `{given}`")]
    OtherName {
        /// The name in the profile.
        profiled: String,
        /// The name of the network.
        given: String,
    },
    /// The groups don't cover the network's layers.
    #[error("the profile of `{network}` covers layers 0 to {last_profiled}, the network has layers 0 to {last_layer}")]
    LayerCount {
        /// The network.
        network: String,
        /// Last layer in the profile.
        last_profiled: usize,
        /// Last layer of the network.
        last_layer: usize,
    },
    /// A wanted group starts inside a group of the profile.
    #[error(
        "layer {layer} starts no group in the profile of `{network}`, so its groups can't be joined to that one; leave out `--groups`, or give some of {}", list(.boundaries)
    )]
    NoBoundary {
        /// The network.
        network: String,
        /// The wanted start.
        layer: usize,
        /// Starts that there are, without 0.
        boundaries: Vec<usize>,
    },
    /// A line of raw figures that isn't one.
    #[error("line {line}: {what}")]
    BadLine {
        /// Line number, from 1.
        line: usize,
        /// What is wrong with it.
        what: String,
    },
    /// A group of which no engine tells the time on the GPU.
    #[error(
        "layers {layers} of `{network}` have no time on the GPU: no engine runs them there; profile `{network}_gpu_transition_at_-1`"
    )]
    NoGpuTime {
        /// The network.
        network: String,
        /// The group.
        layers: LayerRange,
    },
    /// A raw entry that names no layer of the network.
    #[error("entry `{entry}` names no layer of `{network}`")]
    UnknownLayer {
        /// The entry.
        entry: String,
        /// The network.
        network: String,
    },
    /// The platform lacks an accelerator that the figures are of.
    #[error("platform `{platform}` has no accelerator `{accelerator}`")]
    NoAccelerator {
        /// The platform.
        platform: String,
        /// The accelerator.
        accelerator: String,
    },
    /// The figures determine no cost model.
    #[error("accelerator `{accelerator}`")]
    Calibration {
        /// The accelerator.
        accelerator: String,
        /// Why not.
        source: CalibrationError,
    },
}

fn list(numbers: &[usize]) -> String {
    let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    numbers.join(",")
}
