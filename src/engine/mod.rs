//! Which engine of a network is meant: where its layers are to run, what it marks as output, how its file is called.
//! Knows what a right request is; builds nothing and knows no backend.

mod build;
mod file_name;
mod placement;
mod request;

use std::fmt;

use crate::group::LayerRange;

pub use build::{BuildOptions, BuiltEngine};
pub use placement::{LayerPlacement, Placement};
pub use request::{SpecError, check};

/// A kind of device that an engine's layers run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Device {
    /// The graphics processor.
    Gpu,
    /// A deep-learning accelerator.
    Dla,
}

impl Device {
    /// The word in flags and file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Dla => "dla",
        }
    }

    /// The device to which a transition goes from this one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Gpu => Self::Dla,
            Self::Dla => Self::Gpu,
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gpu => "GPU",
            Self::Dla => "DLA",
        })
    }
}

/// Precision in which an engine computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Precision {
    /// Single precision.
    Fp32,
    /// Half precision.
    Fp16,
    /// Eight-bit integers, half precision where a layer has none.
    Int8,
}

impl Precision {
    /// The word in flags, files and folder names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fp32 => "fp32",
            Self::Fp16 => "fp16",
            Self::Int8 => "int8",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is special about an engine. Upstream keeps a folder for each of the first two; `None` is the plain engine of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Variant {
    /// Layers from this one on run on the other device.
    Transition(Option<usize>),
    /// The output of this layer is an output of the engine, beside the network's own.
    Mark(Option<usize>),
    /// Only these layers are in the engine, all of them on one device: its inputs and outputs are what crosses the cuts.
    Segment(LayerRange),
}

/// One engine of a network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EngineSpec {
    /// The network's short name.
    pub network: String,
    /// Where its first layer runs.
    pub start: Device,
    /// Transition or marked output.
    pub variant: Variant,
    /// Core that the layers on the DLA use.
    pub dla_core: u32,
}

impl EngineSpec {
    /// Where the layer at `layer` is to run.
    pub fn device_of(&self, layer: usize) -> Device {
        match self.variant {
            Variant::Transition(Some(first)) if layer >= first => self.start.other(),
            _ => self.start,
        }
    }

    /// Whether it has layers for the DLA.
    pub fn uses_dla(&self) -> bool {
        self.start == Device::Dla || matches!(self.variant, Variant::Transition(Some(_)))
    }

    /// The device that all of it is to run on, where it is a plain engine: no transition and no mark.
    pub fn whole_on(&self) -> Option<Device> {
        matches!(self.variant, Variant::Transition(None) | Variant::Mark(None)).then_some(self.start)
    }

    /// The layers that are in it, where these aren't all of its network.
    pub fn segment(&self) -> Option<LayerRange> {
        match self.variant {
            Variant::Segment(layers) => Some(layers),
            Variant::Transition(_) | Variant::Mark(_) => None,
        }
    }

    /// The layer before which it changes from `device` to the other one.
    pub fn leaves_at(&self, device: Device) -> Option<usize> {
        match self.variant {
            Variant::Transition(layer) if self.start == device => layer,
            _ => None,
        }
    }

    /// The layer whose output is marked.
    pub fn marked(&self) -> Option<usize> {
        match self.variant {
            Variant::Mark(layer) => layer,
            Variant::Transition(_) | Variant::Segment(_) => None,
        }
    }
}
