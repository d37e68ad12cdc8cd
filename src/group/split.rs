//! Dividing a network into layer groups along its legal cuts.
//!
//! The tail is the end of the network that some accelerator can't run while it runs something before (softmax on a DLA).
//! It is a group of its own and isn't counted. The rest is merged pair by pair, neighbours only, until at most N are left
//! and none is negligible. The pair to merge next is the one
//!
//! 1. whose group every accelerator can run that ran the parts, if there is any such pair;
//! 2. that holds the fewest blocks: a block has parallel branches (an inception module, a residual block, a dense layer),
//!    so that the plain layers between blocks go to a block before two blocks go together;
//! 3. whose share of the network is smallest: the larger of its shares of multiply-accumulates and of weights, since
//!    either may be what limits an accelerator;
//! 4. that saves the largest crossing tensor, then the first one.
//!
//! At ten groups this gives the published groups of GoogLeNet.

use std::cmp::Reverse;

use crate::network::Network;

use super::layer_group::between;
use super::spec::PAPER_CUTS;
use super::{AcceleratorRules, GroupError, GroupSpec, LayerGroup, legal_cuts, n_live_tensors};

/// A group is negligible below this fraction (one part in so many) of both the network's multiply-accumulates and bytes.
const NEGLIGIBLE: u64 = 100;

/// Divides `network` as `spec` asks. Groups are in order, without gaps, and begin at legal cuts only.
pub fn split(
    network: &Network,
    accelerators: &[AcceleratorRules],
    spec: &GroupSpec,
) -> Result<Vec<LayerGroup>, GroupError> {
    let cuts: Vec<usize> = legal_cuts(network).iter().map(|cut| cut.layer).collect();
    let starts: Vec<usize> = [0].into_iter().chain(cuts).collect();
    let atoms = between(network, &starts, accelerators);
    let tail = tail_start(&atoms);
    let starts = match spec {
        GroupSpec::AtMost(n_groups) => merged(network, &atoms, tail, *n_groups),
        GroupSpec::Legal => starts,
        GroupSpec::Paper if network.name == "googlenet" => given(network, &PAPER_CUTS, tail)?,
        GroupSpec::Paper => return Err(GroupError::NotPublished { network: network.name.clone() }),
        GroupSpec::Cuts(cuts) => given(network, cuts, tail)?,
    };
    let mut groups = between(network, &starts, accelerators);
    for group in &mut groups {
        group.tail = tail.is_some_and(|tail| group.layers.first >= tail);
    }
    Ok(groups)
}

/// First layer of the tail: of the longest run of atoms at the end that the same accelerators can't run.
fn tail_start(atoms: &[LayerGroup]) -> Option<usize> {
    let last = supporters(atoms.last()?);
    let n_tail = atoms.iter().rev().take_while(|atom| supporters(atom) == last).count();
    let loses = |before: &LayerGroup| supporters(before).iter().zip(&last).any(|(before, last)| *before && !last);
    let before = atoms.len() - n_tail;
    atoms[..before].iter().any(loses).then(|| atoms[before].layers.first)
}

/// Which accelerators run the group, in their order.
fn supporters(group: &LayerGroup) -> Vec<bool> {
    group.support.iter().map(|support| support.blocked_by.is_none()).collect()
}

/// The starts that a list asks for, each a legal cut, with that of the tail.
fn given(network: &Network, cuts: &[usize], tail: Option<usize>) -> Result<Vec<usize>, GroupError> {
    let cuts = cuts.iter().copied().filter(|&cut| cut != 0);
    let mut starts = vec![0];
    for cut in cuts {
        match GroupError::of_cut(network, cut) {
            Some(error) => return Err(error),
            None => starts.push(cut),
        }
    }
    starts.extend(tail);
    starts.sort_unstable();
    starts.dedup();
    Ok(starts)
}

/// Neighbouring atoms on their way to a group.
#[derive(Clone, Debug)]
struct Piece {
    first: usize,
    macs: u64,
    weights: u64,
    bytes: u64,
    crossing_in: u64,
    n_blocks: usize,
    supporters: Vec<bool>,
}

impl Piece {
    fn new(n_live: &[usize], atom: &LayerGroup) -> Self {
        let branches = n_live[atom.layers.first + 1..atom.layers.last].iter().any(|&n_live| n_live > 1);
        Self {
            first: atom.layers.first,
            macs: atom.macs,
            weights: atom.weights.0,
            bytes: atom.bytes().0,
            crossing_in: atom.crossing_in.0,
            n_blocks: usize::from(branches),
            supporters: supporters(atom),
        }
    }

    fn with(&self, next: &Self) -> Self {
        Self {
            first: self.first,
            macs: self.macs + next.macs,
            weights: self.weights + next.weights,
            bytes: self.bytes + next.bytes,
            crossing_in: self.crossing_in,
            n_blocks: self.n_blocks + next.n_blocks,
            supporters: self.supporters.iter().zip(&next.supporters).map(|(a, b)| *a && *b).collect(),
        }
    }

    fn is_negligible(&self, total: &Self) -> bool {
        self.macs * NEGLIGIBLE < total.macs && self.bytes * NEGLIGIBLE < total.bytes
    }
}

/// The order in which pairs are merged: see the top of this file.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Priority {
    loses_support: bool,
    n_blocks: usize,
    share: u128,
    saved: Reverse<u64>,
    index: usize,
}

/// Starts of at most `n_groups` groups and of the tail.
fn merged(network: &Network, atoms: &[LayerGroup], tail: Option<usize>, n_groups: usize) -> Vec<usize> {
    let counted = atoms.iter().filter(|atom| tail.is_none_or(|tail| atom.layers.first < tail));
    let n_live = n_live_tensors(network);
    let mut pieces: Vec<Piece> = counted.map(|atom| Piece::new(&n_live, atom)).collect();
    let Some(total) = pieces.iter().cloned().reduce(|all, piece| all.with(&piece)) else { return Vec::new() };
    while pieces.len() > n_groups.max(1) {
        let pairs = (0..pieces.len() - 1).map(|index| priority(&pieces, index, &total));
        let Some(best) = pairs.min() else { break };
        merge(&mut pieces, best.index);
    }
    while let Some(best) = negligible_pair(&pieces, &total) {
        merge(&mut pieces, best);
    }
    pieces.iter().map(|piece| piece.first).chain(tail).collect()
}

fn priority(pieces: &[Piece], index: usize, total: &Piece) -> Priority {
    let (left, right) = (&pieces[index], &pieces[index + 1]);
    let both = left.with(right);
    let of_macs = u128::from(both.macs) * u128::from(total.weights.max(1));
    let of_weights = u128::from(both.weights) * u128::from(total.macs.max(1));
    Priority {
        loses_support: left.supporters != right.supporters,
        n_blocks: both.n_blocks,
        share: of_macs.max(of_weights),
        saved: Reverse(right.crossing_in),
        index,
    }
}

/// The best pair to merge with a negligible piece in it, support kept.
fn negligible_pair(pieces: &[Piece], total: &Piece) -> Option<usize> {
    let pairs = (0..pieces.len().saturating_sub(1))
        .filter(|&index| pieces[index].is_negligible(total) || pieces[index + 1].is_negligible(total));
    let best = pairs.map(|index| priority(pieces, index, total)).min()?;
    (!best.loses_support).then_some(best.index)
}

fn merge(pieces: &mut Vec<Piece>, index: usize) {
    let right = pieces.remove(index + 1);
    pieces[index] = pieces[index].with(&right);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{chain, dla_rules, inception};
    use super::*;
    use crate::group::LayerRange;
    use crate::platform::SupportRules;

    fn starts(network: &Network, spec: &GroupSpec) -> Vec<usize> {
        let dla = dla_rules();
        let rules = [
            AcceleratorRules { name: "gpu", rules: &SupportRules::Everything },
            AcceleratorRules { name: "dla", rules: &dla },
        ];
        let groups = split(network, &rules, spec).unwrap();
        groups.iter().map(|group| group.layers.first).collect()
    }

    fn refusal(network: &Network, spec: &GroupSpec) -> String {
        split(network, &[], spec).unwrap_err().to_string()
    }

    #[test]
    fn merges_until_at_most_n_are_left() {
        let network = chain(&["conv", "conv", "pool", "conv", "conv", "fc"]);
        assert_eq!(starts(&network, &GroupSpec::Legal), [0, 1, 2, 3, 4, 5]);
        assert_eq!(starts(&network, &GroupSpec::AtMost(3)), [0, 3, 5]);
        assert_eq!(starts(&network, &GroupSpec::AtMost(1)), [0]);
    }

    #[test]
    fn the_softmax_tail_is_never_merged_away_nor_counted() {
        let network = chain(&["conv", "conv", "softmax"]);
        assert_eq!(starts(&network, &GroupSpec::AtMost(1)), [0, 2]);
        assert_eq!(starts(&network, &GroupSpec::Cuts(vec![1])), [0, 1, 2]);
        let everywhere = [AcceleratorRules { name: "gpu", rules: &SupportRules::Everything }];
        assert_eq!(split(&network, &everywhere, &GroupSpec::AtMost(1)).unwrap().len(), 1);
    }

    #[test]
    fn a_network_that_the_dla_cannot_run_at_all_has_no_tail() {
        assert_eq!(starts(&chain(&["softmax", "softmax"]), &GroupSpec::AtMost(1)), [0]);
    }

    #[test]
    fn layers_that_the_dla_cannot_run_stay_apart_while_the_number_allows() {
        let network = chain(&["conv", "conv", "softmax", "conv", "conv"]);
        assert_eq!(starts(&network, &GroupSpec::AtMost(3)), [0, 2, 3]);
        assert_eq!(starts(&network, &GroupSpec::AtMost(1)), [0]);
    }

    #[test]
    fn a_group_with_next_to_no_work_joins_a_neighbour() {
        let mut network = chain(&["conv", "relu", "pool", "conv"]);
        network.layers[0].macs *= 1000;
        network.layers[0].weights = 1_000_000;
        network.layers[3].weights = 1_000_000;
        assert_eq!(starts(&network, &GroupSpec::AtMost(10)), [0, 2]);
        assert_eq!(starts(&network, &GroupSpec::Legal), [0, 2, 3]);
    }

    #[test]
    fn plain_layers_join_a_block_before_blocks_join() {
        assert_eq!(starts(&inception(), &GroupSpec::AtMost(2)), [0, 8]);
    }

    #[test]
    fn a_list_is_taken_with_or_without_its_leading_zero() {
        let network = chain(&["conv", "pool", "conv"]);
        assert_eq!(starts(&network, &GroupSpec::Cuts(vec![0, 2])), [0, 2]);
        assert_eq!(starts(&network, &GroupSpec::Cuts(vec![2])), [0, 2]);
    }

    #[test]
    fn refuses_an_illegal_cut_with_its_reason_and_neighbours() {
        let network = chain(&["conv", "relu", "pool", "fc", "relu"]);
        assert_eq!(
            refusal(&network, &GroupSpec::Cuts(vec![2, 4])),
            "`net` can't be cut before layer 4 (`relu4`): it breaks the fusion `fc3` + `relu4`; the nearest legal cut is 3"
        );
        assert_eq!(
            refusal(&inception(), &GroupSpec::Cuts(vec![4])),
            "`net` can't be cut before layer 4 (`relu4`): 2 tensors are live there (`relu2`, `conv3`); \
             the nearest legal cuts are 1 and 8"
        );
        assert_eq!(
            refusal(&network, &GroupSpec::Cuts(vec![99])),
            "`net` can't be cut before layer 99: cuts lie between layer 1 and layer 4; the nearest legal cut is 3"
        );
    }

    #[test]
    fn refuses_the_papers_groups_for_another_network() {
        assert_eq!(
            refusal(&inception(), &GroupSpec::Paper),
            "`paper` groups are published for `googlenet` only, not for `net`; leave `--groups` out or give a number"
        );
    }

    #[test]
    fn a_group_states_its_work_its_tensors_and_who_runs_it() {
        let network = chain(&["conv", "relu", "pool", "softmax"]);
        let dla = dla_rules();
        let rules = [AcceleratorRules { name: "dla", rules: &dla }];
        let groups = split(&network, &rules, &GroupSpec::AtMost(10)).unwrap();
        let tensor = network.tensors[0].shape.elements() * 2;
        assert_eq!(groups[0].layers, LayerRange { first: 0, last: 2 });
        assert_eq!((groups[0].macs, groups[0].weights.0), (network.macs(), 512));
        assert_eq!(
            (groups[0].activations.0, groups[0].crossing_in.0, groups[0].crossing_out.0),
            (2 * tensor, tensor, tensor)
        );
        assert!(groups[0].runs_on("dla") && !groups[0].runs_on("npu") && !groups[0].tail);
        assert!(!groups[2].runs_on("dla") && groups[2].tail);
        assert_eq!(groups[2].support[0].blocked_by.as_ref().map(|(layer, _)| *layer), Some(3));
    }
}
