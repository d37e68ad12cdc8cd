//! Where a network may be cut in two engines: before a layer, by its TensorRT 7.1 index.

use crate::network::{Network, TensorId};
use crate::units::Bytes;

use super::fusion::{readers, unit_of_layers};

/// Bytes of one tensor element in FP16, the precision in which crossing tensors and groups are stated.
pub const FP16_BYTES: u64 = 2;

/// A place where a network may be cut without breaking a fusion and with one tensor to hand over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The first layer after the cut.
    pub layer: usize,
    /// The only tensor that the layers after the cut need from those before it.
    pub tensor: TensorId,
    /// Size of that tensor in FP16.
    pub crossing: Bytes,
}

/// Why a network can't be cut before a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CutFault {
    /// The index names no layer, or the first one.
    #[error("cuts lie between layer 1 and layer {last}")]
    OutOfRange {
        /// The last layer's index.
        last: usize,
    },
    /// More than one tensor (or none) would have to be handed over.
    #[error("{} tensors are live there ({})", .tensors.len(), quoted(.tensors))]
    LiveTensors {
        /// Names of the tensors.
        tensors: Vec<String>,
    },
    /// TensorRT runs layers on both sides as one.
    #[error("it breaks the fusion `{before}` + `{after}`")]
    BreaksFusion {
        /// Name of the last layer of the fusion before the cut.
        before: String,
        /// Name of its first layer after the cut.
        after: String,
    },
}

/// Every legal cut, ascending: exactly one live tensor, and no fusion broken.
pub fn legal_cuts(network: &Network) -> Vec<Cut> {
    let units = unit_of_layers(network);
    let straddled = straddled(&units);
    single_tensor_cuts(network).into_iter().filter(|cut| !straddled[cut.layer]).collect()
}

/// Every place with exactly one live tensor, fusions ignored, ascending.
pub fn single_tensor_cuts(network: &Network) -> Vec<Cut> {
    let cut = |(layer, live): (usize, Vec<TensorId>)| {
        let [tensor] = live.as_slice() else { return None };
        let crossing = Bytes(network.tensor(*tensor).shape.elements() * FP16_BYTES);
        Some(Cut { layer, tensor: *tensor, crossing })
    };
    live_tensors(network).into_iter().enumerate().skip(1).filter_map(cut).collect()
}

/// Why the network can't be cut before `layer`; `None` where it can.
pub fn cut_fault(network: &Network, layer: usize) -> Option<CutFault> {
    let last = network.layers.len().saturating_sub(1);
    if layer == 0 || layer > last {
        return Some(CutFault::OutOfRange { last });
    }
    let live = &live_tensors(network)[layer];
    if live.len() != 1 {
        let tensors = live.iter().map(|&tensor| network.tensor(tensor).name.clone()).collect();
        return Some(CutFault::LiveTensors { tensors });
    }
    let units = unit_of_layers(network);
    let after = (layer..=last).find(|&after| units[..layer].contains(&units[after]))?;
    let before = units[..layer].iter().rposition(|&unit| unit == units[after])?;
    let name = |layer: usize| network.layers[layer].name.clone();
    Some(CutFault::BreaksFusion { before: name(before), after: name(after) })
}

/// For each layer, how many tensors would cross a cut before it.
pub(super) fn n_live_tensors(network: &Network) -> Vec<usize> {
    live_tensors(network).iter().map(Vec::len).collect()
}

/// For each layer, the tensors made before it (or fed from outside) that it or a later layer reads.
fn live_tensors(network: &Network) -> Vec<Vec<TensorId>> {
    let mut live: Vec<Vec<TensorId>> = vec![Vec::new(); network.layers.len()];
    for (tensor, readers) in readers(network).iter().enumerate() {
        let Some(&reader) = readers.last() else { continue };
        let first = network.tensors[tensor].producer.map_or(0, |producer| producer + 1);
        for tensors in &mut live[first..=reader] {
            tensors.push(TensorId(tensor));
        }
    }
    live
}

/// For each layer, whether a fused unit has layers both before it and from it on.
fn straddled(units: &[usize]) -> Vec<bool> {
    let mut straddled = vec![false; units.len()];
    let mut first = vec![usize::MAX; units.len()];
    for (layer, &unit) in units.iter().enumerate() {
        first[unit] = first[unit].min(layer);
        straddled[first[unit] + 1..=layer].fill(true);
    }
    straddled
}

fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{chain, inception, residual};
    use super::*;

    fn layers(cuts: &[Cut]) -> Vec<usize> {
        cuts.iter().map(|cut| cut.layer).collect()
    }

    #[test]
    fn a_chain_is_cut_everywhere_but_inside_fusions() {
        let network = chain(&["conv", "relu", "lrn", "pool", "fc", "relu", "softmax"]);
        assert_eq!(layers(&legal_cuts(&network)), [2, 3, 4, 6]);
        assert_eq!(layers(&single_tensor_cuts(&network)), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_residual_block_is_cut_only_at_its_ends() {
        assert_eq!(layers(&legal_cuts(&residual())), [2]);
        assert_eq!(layers(&legal_cuts(&inception())), [1, 8]);
    }

    #[test]
    fn the_crossing_tensor_is_stated_in_half_precision() {
        let network = chain(&["conv", "pool"]);
        let cut = legal_cuts(&network)[0];
        assert_eq!(cut.crossing, Bytes(network.tensor(cut.tensor).shape.elements() * 2));
        assert_eq!(network.tensor(cut.tensor).producer, Some(0));
    }

    #[test]
    fn says_why_a_cut_is_illegal() {
        let check = |network: &Network, layer, why: &str| {
            assert_eq!(cut_fault(network, layer).map(|fault| fault.to_string()).as_deref(), Some(why));
        };
        check(&chain(&["conv", "relu", "pool"]), 1, "it breaks the fusion `conv0` + `relu1`");
        check(&chain(&["conv", "relu", "pool"]), 3, "cuts lie between layer 1 and layer 2");
        check(&chain(&["conv", "relu", "pool"]), 0, "cuts lie between layer 1 and layer 2");
        check(&residual(), 4, "2 tensors are live there (`conv2`, `conv3`)");
        assert_eq!(cut_fault(&residual(), 2), None);
    }
}
