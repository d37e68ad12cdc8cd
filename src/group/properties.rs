//! What holds for every network, on random ones.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::testing::{Builder, dla_rules};
use super::{AcceleratorRules, GroupSpec, cut_fault, fused_units, legal_cuts, loadables, split, support};
use crate::network::{Network, TensorId};
use crate::platform::SupportRules;

const WORDS: [&str; 11] = ["conv", "conv", "bn", "scale", "relu", "pool", "lrn", "fc", "sum", "concat", "softmax"];

/// Random networks: each layer reads the newest tensor or, rarely, older ones.
fn networks() -> impl Strategy<Value = Network> {
    let layer = (0..WORDS.len(), 0..4_usize, 0..6_usize);
    prop::collection::vec(layer, 1..24).prop_map(|layers| {
        let mut builder = Builder::new();
        let mut tensors = vec![builder.input(8)];
        for (word, back, other) in layers {
            let at = |distance: usize| tensors[tensors.len() - 1 - distance.min(tensors.len() - 1)];
            let joins = matches!(WORDS[word], "sum" | "concat");
            let bottoms: Vec<TensorId> =
                if joins { vec![at(0), at(1 + other)] } else { vec![at(back.saturating_sub(2))] };
            let top = builder.add(WORDS[word], &bottoms);
            tensors.push(top);
        }
        builder.build()
    })
}

fn specs() -> impl Strategy<Value = GroupSpec> {
    prop_oneof![(1..12_usize).prop_map(GroupSpec::AtMost), Just(GroupSpec::Legal)]
}

/// Tensors that layers from `cut` on read and layers before it, or nobody, make: straight from the definition.
fn crossing(network: &Network, cut: usize) -> BTreeSet<TensorId> {
    let read = network.layers[cut..].iter().flat_map(|layer| layer.bottoms.clone());
    read.filter(|&tensor| network.tensor(tensor).producer.is_none_or(|by| by < cut)).collect()
}

proptest! {
    #[test]
    fn every_layer_is_in_exactly_one_fused_unit(network in networks()) {
        let mut layers: Vec<usize> = fused_units(&network).into_iter().flat_map(|unit| unit.layers).collect();
        layers.sort_unstable();
        prop_assert_eq!(layers, (0..network.layers.len()).collect::<Vec<_>>());
    }

    #[test]
    fn a_cut_is_legal_exactly_where_one_tensor_crosses_and_no_unit_lies_on_both_sides(network in networks()) {
        let legal: Vec<usize> = legal_cuts(&network).iter().map(|cut| cut.layer).collect();
        let units = fused_units(&network);
        for cut in 1..network.layers.len() {
            let split = units.iter().any(|unit| {
                unit.layers.iter().any(|&layer| layer < cut) && unit.layers.iter().any(|&layer| layer >= cut)
            });
            prop_assert_eq!(legal.contains(&cut), crossing(&network, cut).len() == 1 && !split);
            prop_assert_eq!(legal.contains(&cut), cut_fault(&network, cut).is_none());
        }
    }

    #[test]
    fn groups_partition_the_layers_along_legal_cuts(network in networks(), spec in specs()) {
        let dla = dla_rules();
        let rules = [AcceleratorRules::new("gpu", &SupportRules::Everything), AcceleratorRules::new("dla", &dla)];
        let groups = split(&network, &rules, &spec).unwrap();
        prop_assert_eq!(groups[0].layers.first, 0);
        prop_assert_eq!(groups.last().unwrap().layers.last, network.layers.len());
        for pair in groups.windows(2) {
            prop_assert_eq!(pair[0].layers.last, pair[1].layers.first);
            prop_assert_eq!(cut_fault(&network, pair[1].layers.first), None);
            prop_assert!(pair[0].crossing_out >= pair[1].crossing_in);
        }
        prop_assert_eq!(groups.iter().map(|group| group.macs).sum::<u64>(), network.macs());
        if let GroupSpec::AtMost(n_groups) = spec {
            prop_assert!(groups.iter().filter(|group| !group.tail).count() <= n_groups);
            prop_assert!(groups.iter().filter(|group| group.tail).count() <= 1);
        }
        for group in &groups {
            prop_assert!(group.runs_on("gpu"));
            let runs = (group.layers.first..group.layers.last).all(|layer| support(&network, layer, &dla).is_ok());
            prop_assert_eq!(group.runs_on("dla"), runs);
            prop_assert!(!group.tail || !runs);
        }
    }

    #[test]
    fn loadables_partition_the_layers_that_run(network in networks(), gap in 0..24_usize) {
        let dla = dla_rules();
        let mut layers = loadables(&network, &dla, |layer| layer != gap).concat();
        layers.sort_unstable();
        let run = |&layer: &usize| layer != gap && support(&network, layer, &dla).is_ok();
        prop_assert_eq!(layers, (0..network.layers.len()).filter(run).collect::<Vec<_>>());
    }

    #[test]
    fn asking_for_the_groups_by_their_cuts_gives_the_same_groups(network in networks(), n_groups in 1..12_usize) {
        let dla = dla_rules();
        let rules = [AcceleratorRules::new("dla", &dla)];
        let groups = split(&network, &rules, &GroupSpec::AtMost(n_groups)).unwrap();
        let cuts = GroupSpec::Cuts(groups.iter().map(|group| group.layers.first).collect());
        prop_assert_eq!(split(&network, &rules, &cuts).unwrap(), groups);
    }
}
