//! Layer groups: where a network may be cut, what TensorRT fuses, what an accelerator can run.

mod cut;
mod fusion;
mod layer_group;
mod loadables;
mod pin;
mod spec;
mod split;
mod support;

use std::fmt;

use cut::n_live_tensors;
pub use cut::{Cut, CutFault, FP16_BYTES, cut_fault, legal_cuts, single_tensor_cuts};
pub use fusion::{FusedUnit, fused_units};
pub use layer_group::{GroupSupport, LayerGroup, between};
pub use loadables::{loadables, splitting_layers};
pub use pin::{Pin, PinError, allowed, check_pinned_networks};
pub use spec::{DEFAULT_GROUPS, GroupError, GroupSpec, IllegalCut, PAPER_CUTS};
pub use split::split;
pub use support::{AcceleratorRules, Unsupported, first_unsupported, support};

/// Layers `first..last` of a network by TensorRT 7.1 index, half-open; people read it closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerRange {
    /// First layer.
    pub first: usize,
    /// One past the last layer.
    pub last: usize,
}

impl fmt::Display for LayerRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last.saturating_sub(1))
    }
}

impl LayerRange {
    /// Whether it holds no layer.
    pub fn is_empty(self) -> bool {
        self.first >= self.last
    }

    /// Whether the layer at `index` belongs to it.
    pub fn contains(self, index: usize) -> bool {
        (self.first..self.last).contains(&index)
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
pub(crate) mod testing;
