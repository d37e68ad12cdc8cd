//! What a network looks like to the scheduler: layers, cuts, groups, and what an accelerator can't run and why.

mod text;

use crate::group::{
    AcceleratorRules, GroupError, GroupSpec, LayerGroup, legal_cuts, loadables, split, splitting_layers, support,
};
use crate::network::{Network, Shape};
use crate::units::Bytes;

pub use text::{accelerators_text, cuts_table, groups_table, layers_table, summary, text};

/// Everything that `inspect` shows of one network on one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspection {
    /// Short name of the network.
    pub name: String,
    /// Name for people.
    pub title: String,
    /// Content hash of the network.
    pub content_hash: String,
    /// What people call the platform.
    pub platform: String,
    /// Every layer.
    pub layers: Vec<LayerView>,
    /// Every legal cut.
    pub cuts: Vec<CutView>,
    /// The groups.
    pub groups: Vec<LayerGroup>,
    /// Every accelerator, in the platform's order.
    pub accelerators: Vec<AcceleratorView>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerView {
    /// Its name.
    pub name: String,
    /// Caffe's name of its type.
    pub kind: String,
    /// Shape of its first output.
    pub output: Shape,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Learnt parameters.
    pub weights: u64,
    /// Accelerators that can't run it, each with the reason.
    pub unsupported: Vec<(String, String)>,
}

/// One legal cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutView {
    /// First layer after the cut.
    pub layer: usize,
    /// Name of the tensor that crosses.
    pub tensor: String,
    /// Its shape.
    pub shape: Shape,
    /// Its size in FP16.
    pub crossing: Bytes,
    /// Multiply-accumulates before the cut.
    pub macs_before: u64,
}

/// What one accelerator makes of the network when it is given all of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceleratorView {
    /// Its name.
    pub name: String,
    /// Layers that it can't run.
    pub unsupported: Vec<UnsupportedLayer>,
    /// Number of pieces that it gets.
    pub n_loadables: usize,
    /// Most pieces at a time; `None` where there is no such limit.
    pub max_loadables: Option<u32>,
}

/// A layer that an accelerator can't run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnsupportedLayer {
    /// The layer.
    pub layer: usize,
    /// Its name.
    pub name: String,
    /// Why.
    pub reason: String,
    /// Whether it splits the accelerator's graph: layers before and after it could run there.
    pub splits: bool,
}

impl Inspection {
    /// Multiply-accumulates of the whole network.
    pub fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.macs).sum()
    }

    /// Learnt parameters of the whole network.
    pub fn weights(&self) -> u64 {
        self.layers.iter().map(|layer| layer.weights).sum()
    }
}

/// Gathers what there is to see of `network` on a platform called `platform`, in the groups that `spec` asks for.
pub fn inspect(
    network: &Network,
    platform: &str,
    accelerators: &[AcceleratorRules],
    spec: &GroupSpec,
) -> Result<Inspection, GroupError> {
    let groups = split(network, accelerators, spec)?;
    Ok(Inspection {
        name: network.name.clone(),
        title: network.title.clone(),
        content_hash: network.content_hash.clone(),
        platform: platform.to_string(),
        layers: (0..network.layers.len()).map(|layer| layer_view(network, accelerators, layer)).collect(),
        cuts: cut_views(network),
        groups,
        accelerators: accelerators.iter().map(|accelerator| accelerator_view(network, accelerator)).collect(),
    })
}

fn layer_view(network: &Network, accelerators: &[AcceleratorRules], index: usize) -> LayerView {
    let layer = &network.layers[index];
    let refusal = |accelerator: &AcceleratorRules| {
        let reason = support(network, index, accelerator.rules).err()?;
        Some((accelerator.name.to_string(), reason.to_string()))
    };
    let nothing = Shape { channels: 0, height: 0, width: 0 };
    LayerView {
        name: layer.name.clone(),
        kind: layer.kind.caffe_name().to_string(),
        output: layer.tops.first().map_or(nothing, |&top| network.tensor(top).shape),
        macs: layer.macs,
        weights: layer.weights,
        unsupported: accelerators.iter().filter_map(refusal).collect(),
    }
}

fn cut_views(network: &Network) -> Vec<CutView> {
    let before = |layer: usize| network.layers[..layer].iter().map(|layer| layer.macs).sum();
    let cuts = legal_cuts(network).into_iter();
    cuts.map(|cut| CutView {
        layer: cut.layer,
        tensor: network.tensor(cut.tensor).name.clone(),
        shape: network.tensor(cut.tensor).shape,
        crossing: cut.crossing,
        macs_before: before(cut.layer),
    })
    .collect()
}

fn accelerator_view(network: &Network, accelerator: &AcceleratorRules) -> AcceleratorView {
    let splitting = splitting_layers(network, accelerator.rules);
    let unsupported = (0..network.layers.len()).filter_map(|layer| {
        let reason = support(network, layer, accelerator.rules).err()?.to_string();
        let name = network.layers[layer].name.clone();
        Some(UnsupportedLayer { layer, name, reason, splits: splitting.contains(&layer) })
    });
    AcceleratorView {
        name: accelerator.name.to_string(),
        unsupported: unsupported.collect(),
        n_loadables: loadables(network, accelerator.rules, |_| true).len(),
        max_loadables: accelerator.max_loadables,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::{chain, dla_rules};
    use crate::platform::SupportRules;

    pub(super) fn example(words: &[&str]) -> Inspection {
        let dla = dla_rules();
        let limited = AcceleratorRules { name: "dla", rules: &dla, max_loadables: Some(1) };
        let gpu = AcceleratorRules::new("gpu", &SupportRules::Everything);
        inspect(&chain(words), "Jetson AGX Xavier", &[gpu, limited], &GroupSpec::default()).unwrap()
    }

    #[test]
    fn an_inspection_counts_what_the_network_holds() {
        let seen = example(&["conv", "relu", "softmax", "conv"]);
        assert_eq!((seen.layers.len(), seen.macs(), seen.weights()), (4, 2 * 16 * 16 * 64, 512));
        assert_eq!(seen.cuts.iter().map(|cut| cut.layer).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(seen.cuts[0].macs_before, 16 * 16 * 64);
        assert_eq!(seen.layers[2].unsupported, [("dla".to_string(), "softmax is not supported".to_string())]);
    }

    #[test]
    fn the_layer_that_splits_an_accelerators_graph_is_named() {
        let seen = example(&["conv", "softmax", "conv", "softmax"]);
        let dla = &seen.accelerators[1];
        assert_eq!(
            dla.unsupported.iter().map(|layer| (layer.layer, layer.splits)).collect::<Vec<_>>(),
            [(1, true), (3, false)]
        );
        assert_eq!((dla.n_loadables, dla.max_loadables), (2, Some(1)));
    }

    #[test]
    fn refuses_groups_that_cannot_be_had() {
        let refused = inspect(&chain(&["conv", "relu"]), "board", &[], &GroupSpec::Cuts(vec![1]));
        assert!(refused.unwrap_err().to_string().contains("it breaks the fusion `conv0` + `relu1`"));
    }
}
