//! What an engine may be asked for.

use crate::group::{CutFault, LayerRange, cut_fault};
use crate::network::Network;

use super::{EngineSpec, Variant};

/// Why an engine can't be built as asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// A transition that is not a legal cut.
    #[error("{network} can't change accelerators before layer {layer}: {fault}")]
    Transition {
        /// The network's name.
        network: String,
        /// First layer on the other device.
        layer: usize,
        /// What is wrong with the cut.
        fault: CutFault,
    },
    /// A segment that begins or ends elsewhere than at a legal cut, or at the network's.
    #[error("{network} can't be cut before layer {layer}: {fault}")]
    Cut {
        /// The network's name.
        network: String,
        /// First layer after the cut.
        layer: usize,
        /// What is wrong with the cut.
        fault: CutFault,
    },
    /// A segment of no layers.
    #[error("layers {first} to {last} (exclusive) of {network} are no segment of it")]
    Segment {
        /// The network's name.
        network: String,
        /// First layer.
        first: usize,
        /// One past the last layer.
        last: usize,
    },
    /// A mark on no layer.
    #[error("{network} has no layer {layer} to mark: its last one is {last}")]
    Mark {
        /// The network's name.
        network: String,
        /// The layer that was named.
        layer: usize,
        /// The last layer.
        last: usize,
    },
}

impl SpecError {
    /// Whether `--force-cut` lets it pass: the cut is possible, though not clean.
    pub fn can_be_forced(&self) -> bool {
        matches!(self, Self::Transition { fault: CutFault::LiveTensors { .. } | CutFault::BreaksFusion { .. }, .. })
    }
}

/// Refuses a transition elsewhere than at a legal cut (unless `force_cut` allows it) and a mark on no layer.
pub fn check(spec: &EngineSpec, network: &Network, force_cut: bool) -> Result<(), SpecError> {
    let error = match spec.variant {
        Variant::Transition(Some(layer)) => {
            cut_fault(network, layer).map(|fault| SpecError::Transition { network: network.name.clone(), layer, fault })
        }
        Variant::Mark(Some(layer)) if layer >= network.layers.len() => {
            let last = network.layers.len().saturating_sub(1);
            Some(SpecError::Mark { network: network.name.clone(), layer, last })
        }
        Variant::Segment(layers) => segment_fault(network, layers),
        _ => None,
    };
    match error {
        Some(error) if !(force_cut && error.can_be_forced()) => Err(error),
        _ => Ok(()),
    }
}

/// What is wrong with a segment: its ends are the network's own or legal cuts.
fn segment_fault(network: &Network, LayerRange { first, last }: LayerRange) -> Option<SpecError> {
    if first >= last || last > network.layers.len() {
        return Some(SpecError::Segment { network: network.name.clone(), first, last });
    }
    [first, last].into_iter().filter(|&layer| layer != 0 && layer != network.layers.len()).find_map(|layer| {
        cut_fault(network, layer).map(|fault| SpecError::Cut { network: network.name.clone(), layer, fault })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Device;
    use crate::network::{caffe, catalog};

    fn googlenet(variant: Variant, force_cut: bool) -> Result<(), String> {
        let entry = catalog::find("googlenet").unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        let spec = EngineSpec { network: network.name.clone(), start: Device::Gpu, variant, dla_core: 0 };
        check(&spec, &network, force_cut).map_err(|error| error.to_string())
    }

    fn says(variant: Variant, words: &str) {
        let message = googlenet(variant, false).unwrap_err();
        assert!(message.contains(words), "{message}");
    }

    #[test]
    fn transitions_are_taken_at_legal_cuts_only() {
        for layer in [10, 24, 38, 140] {
            assert_eq!(googlenet(Variant::Transition(Some(layer)), false), Ok(()));
        }
        assert_eq!(googlenet(Variant::Transition(None), false), Ok(()));
        says(Variant::Transition(Some(52)), "before layer 52: 4 tensors are live there (`inception_4a/1x1`");
        says(Variant::Transition(Some(1)), "it breaks the fusion `conv1/7x7_s2` + `conv1/relu_7x7`");
        says(Variant::Transition(Some(141)), "cuts lie between layer 1 and layer 140");
        says(Variant::Transition(Some(0)), "cuts lie between layer 1 and layer 140");
    }

    #[test]
    fn a_forced_cut_may_be_unclean_but_must_be_there() {
        assert_eq!(googlenet(Variant::Transition(Some(52)), true), Ok(()));
        assert_eq!(googlenet(Variant::Transition(Some(1)), true), Ok(()));
        assert!(googlenet(Variant::Transition(Some(141)), true).is_err());
        assert!(googlenet(Variant::Transition(Some(0)), true).is_err());
    }

    #[test]
    fn a_segment_lies_between_legal_cuts() {
        let segment = |first, last| Variant::Segment(LayerRange { first, last });
        for (first, last) in [(0, 141), (0, 10), (10, 38), (38, 141)] {
            assert_eq!(googlenet(segment(first, last), false), Ok(()));
        }
        says(segment(10, 52), "googlenet can't be cut before layer 52: 4 tensors are live there");
        says(segment(1, 10), "it breaks the fusion `conv1/7x7_s2` + `conv1/relu_7x7`");
        says(segment(10, 10), "layers 10 to 10 (exclusive) of googlenet are no segment of it");
        says(segment(10, 142), "layers 10 to 142 (exclusive)");
    }

    #[test]
    fn a_mark_needs_its_layer() {
        assert_eq!(googlenet(Variant::Mark(Some(0)), false), Ok(()));
        assert_eq!(googlenet(Variant::Mark(Some(140)), false), Ok(()));
        says(Variant::Mark(Some(141)), "has no layer 141 to mark: its last one is 140");
    }
}
