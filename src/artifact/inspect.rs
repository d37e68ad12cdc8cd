//! An inspection as JSON, for programs.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::group::LayerGroup;
use crate::report::inspect::{AcceleratorView, CutView, Inspection, LayerView, UnsupportedLayer};

/// Version of the document below.
const SCHEMA_VERSION: u32 = 1;

/// What `inspect --format json` prints for one network. Sizes are in bytes (FP16); ranges are half-open.
#[derive(Debug, Serialize)]
pub struct InspectionDocument {
    schema_version: u32,
    network: NetworkEntry,
    platform: String,
    layers: Vec<LayerEntry>,
    cuts: Vec<CutEntry>,
    groups: Vec<GroupEntry>,
    accelerators: Vec<AcceleratorEntry>,
}

#[derive(Debug, Serialize)]
struct NetworkEntry {
    name: String,
    title: String,
    content_hash: String,
    n_layers: usize,
    macs: u64,
    parameters: u64,
}

#[derive(Debug, Serialize)]
struct LayerEntry {
    layer: usize,
    name: String,
    #[serde(rename = "type")]
    kind: String,
    output: [u64; 3],
    macs: u64,
    parameters: u64,
    unsupported: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
struct CutEntry {
    layer: usize,
    tensor: String,
    shape: [u64; 3],
    crossing_bytes: u64,
    macs_before: u64,
}

#[derive(Debug, Serialize)]
struct GroupEntry {
    first: usize,
    last: usize,
    macs: u64,
    weight_bytes: u64,
    tensor_bytes: u64,
    crossing_in_bytes: u64,
    crossing_out_bytes: u64,
    tail: bool,
    runs_on: Vec<String>,
}

#[derive(Debug, Serialize)]
struct AcceleratorEntry {
    name: String,
    n_loadables: usize,
    max_loadables: Option<u32>,
    unsupported: Vec<UnsupportedEntry>,
}

#[derive(Debug, Serialize)]
struct UnsupportedEntry {
    layer: usize,
    name: String,
    reason: String,
    splits_graph: bool,
}

impl From<&Inspection> for InspectionDocument {
    fn from(inspection: &Inspection) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            network: NetworkEntry {
                name: inspection.name.clone(),
                title: inspection.title.clone(),
                content_hash: inspection.content_hash.clone(),
                n_layers: inspection.layers.len(),
                macs: inspection.macs(),
                parameters: inspection.weights(),
            },
            platform: inspection.platform.clone(),
            layers: inspection.layers.iter().enumerate().map(LayerEntry::from).collect(),
            cuts: inspection.cuts.iter().map(CutEntry::from).collect(),
            groups: inspection.groups.iter().map(GroupEntry::from).collect(),
            accelerators: inspection.accelerators.iter().map(AcceleratorEntry::from).collect(),
        }
    }
}

impl From<(usize, &LayerView)> for LayerEntry {
    fn from((layer, view): (usize, &LayerView)) -> Self {
        let shape = view.output;
        Self {
            layer,
            name: view.name.clone(),
            kind: view.kind.clone(),
            output: [shape.channels, shape.height, shape.width],
            macs: view.macs,
            parameters: view.weights,
            unsupported: view.unsupported.iter().cloned().collect(),
        }
    }
}

impl From<&CutView> for CutEntry {
    fn from(cut: &CutView) -> Self {
        Self {
            layer: cut.layer,
            tensor: cut.tensor.clone(),
            shape: [cut.shape.channels, cut.shape.height, cut.shape.width],
            crossing_bytes: cut.crossing.0,
            macs_before: cut.macs_before,
        }
    }
}

impl From<&LayerGroup> for GroupEntry {
    fn from(group: &LayerGroup) -> Self {
        let running = group.support.iter().filter(|support| support.blocked_by.is_none());
        Self {
            first: group.layers.first,
            last: group.layers.last,
            macs: group.macs,
            weight_bytes: group.weights.0,
            tensor_bytes: group.activations.0,
            crossing_in_bytes: group.crossing_in.0,
            crossing_out_bytes: group.crossing_out.0,
            tail: group.tail,
            runs_on: running.map(|support| support.accelerator.clone()).collect(),
        }
    }
}

impl From<&AcceleratorView> for AcceleratorEntry {
    fn from(accelerator: &AcceleratorView) -> Self {
        Self {
            name: accelerator.name.clone(),
            n_loadables: accelerator.n_loadables,
            max_loadables: accelerator.max_loadables,
            unsupported: accelerator.unsupported.iter().map(UnsupportedEntry::from).collect(),
        }
    }
}

impl From<&UnsupportedLayer> for UnsupportedEntry {
    fn from(layer: &UnsupportedLayer) -> Self {
        Self { layer: layer.layer, name: layer.name.clone(), reason: layer.reason.clone(), splits_graph: layer.splits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::testing::{chain, dla_rules};
    use crate::group::{AcceleratorRules, GroupSpec};
    use crate::report::inspect::inspect;

    #[test]
    fn the_document_holds_what_the_text_shows() {
        let dla = dla_rules();
        let rules = [AcceleratorRules::new("dla", &dla)];
        let seen = inspect(&chain(&["conv", "relu", "softmax"]), "board", &rules, &GroupSpec::default()).unwrap();
        let json = serde_json::to_value(InspectionDocument::from(&seen)).unwrap();
        assert_eq!(json["schema_version"], 1);
        assert_eq!(json["network"]["n_layers"], 3);
        assert_eq!(json["layers"][2]["type"], "Softmax");
        assert_eq!(json["layers"][2]["unsupported"]["dla"], "softmax is not supported");
        assert_eq!(json["cuts"][0]["crossing_bytes"], 16 * 64 * 2);
        assert_eq!(json["groups"][0]["last"], 2);
        assert_eq!(json["groups"][1]["tail"], true);
        assert_eq!(json["accelerators"][0]["unsupported"][0]["splits_graph"], false);
    }
}
