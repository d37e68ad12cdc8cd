//! How many pieces a DLA gets: a maximal connected run of its layers is one loadable, and a core holds only so many.

use crate::network::Network;
use crate::platform::SupportRules;

use super::support;

/// The loadables of an accelerator with these rules when the layers for which `placed` holds are given to it; layers that
/// it can't run fall back to the GPU. Each loadable lists its layers, ascending; loadables are in the order of their first.
///
/// Two of its layers share a loadable when a tensor goes from one to the other and no path leads from the loadable out to
/// the GPU and back in.
pub fn loadables(network: &Network, rules: &SupportRules, placed: impl Fn(usize) -> bool) -> Vec<Vec<usize>> {
    let runs: Vec<bool> =
        (0..network.layers.len()).map(|layer| placed(layer) && support(network, layer, rules).is_ok()).collect();
    let depths = depths(network, &runs);
    let mut loadable_of: Vec<usize> = (0..network.layers.len()).collect();
    for layer in (0..network.layers.len()).filter(|&layer| runs[layer]) {
        for producer in producers(network, layer) {
            if runs[producer] && depths[producer] == depths[layer] {
                join(&mut loadable_of, producer, layer);
            }
        }
    }
    collect(&loadable_of, &runs)
}

/// Layers that split the graph: those that the accelerator can't run although it runs some layer before them, from which
/// they are fed, and some layer after them, which they feed.
pub fn splitting_layers(network: &Network, rules: &SupportRules) -> Vec<usize> {
    let n_layers = network.layers.len();
    let runs: Vec<bool> = (0..n_layers).map(|layer| support(network, layer, rules).is_ok()).collect();
    let mut fed = vec![false; n_layers];
    let mut feeds = vec![false; n_layers];
    for layer in 0..n_layers {
        fed[layer] = producers(network, layer).any(|producer| runs[producer] || fed[producer]);
    }
    for layer in (0..n_layers).rev() {
        for producer in producers(network, layer) {
            feeds[producer] |= runs[layer] || feeds[layer];
        }
    }
    (0..n_layers).filter(|&layer| !runs[layer] && fed[layer] && feeds[layer]).collect()
}

fn producers(network: &Network, layer: usize) -> impl Iterator<Item = usize> + '_ {
    network.layers[layer].bottoms.iter().filter_map(|&tensor| network.tensor(tensor).producer)
}

/// How often the longest way to each layer has come back from another accelerator to this one.
fn depths(network: &Network, runs: &[bool]) -> Vec<usize> {
    let mut depths: Vec<usize> = vec![0; runs.len()];
    for layer in 0..runs.len() {
        let enters = |producer: usize| usize::from(runs[layer] && !runs[producer]);
        depths[layer] = producers(network, layer).map(|by| depths[by] + enters(by)).max().unwrap_or(0);
    }
    depths
}

/// Puts everything in the loadables of `a` and `b` into the earlier of the two.
fn join(loadable_of: &mut [usize], a: usize, b: usize) {
    let (a, b) = (loadable_of[a], loadable_of[b]);
    for loadable in loadable_of.iter_mut().filter(|loadable| **loadable == a.max(b)) {
        *loadable = a.min(b);
    }
}

fn collect(loadable_of: &[usize], runs: &[bool]) -> Vec<Vec<usize>> {
    let own = |first: usize| (first..runs.len()).filter(move |&layer| runs[layer] && loadable_of[layer] == first);
    (0..runs.len()).map(|first| own(first).collect()).filter(|layers: &Vec<usize>| !layers.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Builder, chain, dla_rules, inception};
    use super::*;

    #[test]
    fn a_network_that_runs_whole_is_one_loadable() {
        let whole = loadables(&inception(), &dla_rules(), |_| true);
        assert_eq!(whole, [(0..9).collect::<Vec<_>>()]);
        assert_eq!(splitting_layers(&inception(), &dla_rules()), Vec::<usize>::new());
    }

    #[test]
    fn a_layer_that_cannot_run_splits_what_lies_around_it() {
        let network = chain(&["conv", "softmax", "conv", "pool", "softmax"]);
        assert_eq!(loadables(&network, &dla_rules(), |_| true), [vec![0], vec![2, 3]]);
        assert_eq!(splitting_layers(&network, &dla_rules()), [1]);
    }

    #[test]
    fn only_placed_layers_count() {
        let network = chain(&["conv", "pool", "conv", "pool", "conv"]);
        assert_eq!(loadables(&network, &dla_rules(), |layer| layer != 2), [[0, 1], [3, 4]]);
        assert!(loadables(&network, &dla_rules(), |_| false).is_empty());
    }

    #[test]
    fn a_path_out_to_the_gpu_and_back_separates_connected_layers() {
        // conv0 -> relu1 and conv0 -> softmax2; sum3 reads both.
        let mut builder = Builder::new();
        let input = builder.input(8);
        let conv = builder.add("conv", &[input]);
        let relu = builder.add("relu", &[conv]);
        let softmax = builder.add("softmax", &[conv]);
        builder.add("sum", &[relu, softmax]);
        let network = builder.build();
        assert_eq!(loadables(&network, &dla_rules(), |_| true), [vec![0, 1], vec![3]]);
        assert_eq!(splitting_layers(&network, &dla_rules()), [2]);
    }

    #[test]
    fn branches_that_meet_later_are_one_loadable() {
        let network = inception();
        assert_eq!(loadables(&network, &dla_rules(), |layer| layer != 0), [(1..9).collect::<Vec<_>>()]);
        let without_concat = loadables(&network, &dla_rules(), |layer| layer != 7 && layer != 0);
        assert_eq!(without_concat, [vec![1, 2], vec![3, 4, 5, 6], vec![8]]);
    }
}
