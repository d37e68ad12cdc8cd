//! What an engine's layers are and where they run, from what TensorRT writes while it builds one and from what its
//! inspector says of a finished one. Text in, values out.

use serde_json::Value;

use crate::backend::fused_names::{LayerNames, Part, Role};
use crate::engine::{Device, EngineSpec, Placement};
use crate::network::Network;

/// One layer of an engine, as TensorRT names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineLayer {
    /// TensorRT's name; often several of the network's names in one.
    pub name: String,
    /// Where it runs; `None` where the text names the layer only.
    pub device: Option<Device>,
}

/// The engine's layers that the builder's messages name, in the forms of TensorRT 7.1 to 11 and TensorRT-RTX.
pub fn layers_of_log<'a>(messages: impl IntoIterator<Item = &'a str>) -> Vec<EngineLayer> {
    let mut layers = Vec::new();
    let mut listed = None;
    for line in messages.into_iter().flat_map(str::lines).map(str::trim) {
        if let Some(device) = heading(line) {
            listed = Some(device);
        } else if let Some(layer) = entry(line) {
            layers.push(layer);
        } else if let Some(device) = listed.take_if(|_| !line.is_empty()) {
            // TensorRT 7 lists all layers of a device in the one line after its heading.
            let names = list(line).into_iter().filter(|name| !name.is_empty());
            layers.extend(names.map(|name| EngineLayer { name: name.to_owned(), device: Some(device) }));
        }
    }
    layers
}

/// `--- Layers running on DLA:`, in the spelling of any version.
fn heading(line: &str) -> Option<Device> {
    let words = line.trim_matches(['-', ' ', ':']).to_ascii_lowercase();
    match words.strip_prefix("layers running on ")? {
        "dla" => Some(Device::Dla),
        "gpu" => Some(Device::Gpu),
        _ => None,
    }
}

/// A line that names one layer.
fn entry(line: &str) -> Option<EngineLayer> {
    let layer = |name: &str, device| Some(EngineLayer { name: name.trim().to_owned(), device });
    if let Some(name) = line.strip_prefix("[DlaLayer] ") {
        return layer(name, Some(Device::Dla));
    }
    if let Some(name) = line.strip_prefix("[GpuLayer] ") {
        // `CONVOLUTION: conv1 + relu1`; a node of the compiler stands without a type.
        let typed = name.split_once(": ").filter(|(kind, _)| is_type(kind));
        return layer(typed.map_or(name, |(_, name)| name), Some(Device::Gpu));
    }
    if let Some(rest) = line.strip_prefix("Layer(") {
        let (kind, rest) = rest.split_once("): ")?;
        let name = rest.split_once(", Tactic: ").map_or(rest, |(name, _)| name);
        return layer(name, Some(device_of_type(kind)));
    }
    if let Some(rest) = line.strip_prefix("Layer: ") {
        return layer(rest.split_once(" Host Persistent: ")?.0, None);
    }
    if let Some(rest) = line.strip_prefix("Name: ") {
        let (name, rest) = rest.split_once(", LayerType: ")?;
        let kind = rest.split(',').next().unwrap_or(rest);
        return layer(name, Some(device_of_type(kind)));
    }
    layer(fallback(line)?, Some(Device::Gpu))
}

/// The layer that a remark says runs on the GPU although it was asked for on the DLA.
fn fallback(line: &str) -> Option<&str> {
    if let Some((_, name)) = line.split_once("Switching to GPU for layer ") {
        return Some(name.trim_end_matches('.'));
    }
    if let Some((before, _)) = line.split_once("is not supported on DLA, falling back to GPU") {
        return before.rsplit_once("layer ").map(|(_, name)| name);
    }
    let (before, _) = line.split_once("Switching this layer's device type to GPU")?;
    let name = before.strip_prefix("Layer '")?;
    name.split_once("' (").map(|(name, _)| name)
}

fn is_type(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

fn device_of_type(kind: &str) -> Device {
    if kind.trim() == "DLA" { Device::Dla } else { Device::Gpu }
}

/// `{a,b}, {c}, d + e, `: commas within brackets separate nothing.
fn list(line: &str) -> Vec<&str> {
    let (mut names, mut begin, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in line.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                names.push(line[begin..at].trim());
                begin = at + 1;
            }
            _ => {}
        }
    }
    names.push(line[begin..].trim());
    names
}

/// The engine's layers in the JSON of the engine inspector; `None` where it is no such JSON, or where the plan was built
/// without details and holds names only.
pub fn layers_of_inspector(json: &str) -> Option<Vec<EngineLayer>> {
    let document: Value = serde_json::from_str(json).ok()?;
    let layer = |layer: &Value| {
        let name = layer.get("Name")?.as_str()?.to_owned();
        Some(EngineLayer { name, device: Some(device_of_type(layer.get("LayerType")?.as_str()?)) })
    };
    document.get("Layers")?.as_array()?.iter().map(layer).collect()
}

/// Where each layer of `network` ended up. A node that tells only its ends covers the layers between them that were to
/// run where it runs and that no other node names.
pub fn placement(network: &Network, spec: &EngineSpec, source: &str, layers: &[EngineLayer]) -> Placement {
    let names = LayerNames::of(network);
    let mut placement = Placement::requested(spec, network.layers.len(), source);
    let nodes: Vec<_> = layers.iter().map(|layer| (layer, names.split(&layer.name))).collect();
    let work = || nodes.iter().filter(|(_, name)| name.role == Role::Work);
    let mut put = |idx: usize, layer: &EngineLayer| {
        let slot = &mut placement.layers[idx];
        if slot.engine_layer.is_empty() {
            slot.engine_layer.clone_from(&layer.name);
        }
        // Without a layer for the DLA there is nowhere else to run.
        let device = if spec.uses_dla() { layer.device } else { Some(Device::Gpu) };
        slot.placed = slot.placed.or(device);
    };
    for (layer, name) in work() {
        for part in &name.parts {
            if let Part::Layer(idx) = *part {
                put(idx, layer);
            }
        }
    }
    for (layer, name) in work() {
        for part in &name.parts {
            if let Part::Range { first, last } = *part {
                let fits = |idx: &usize| layer.device.is_none_or(|device| device == spec.device_of(*idx));
                (first..=last).filter(fits).for_each(|idx| put(idx, layer));
            }
        }
    }
    placement
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::engine::Variant;
    use crate::network::{caffe, catalog};

    const DLA: Option<Device> = Some(Device::Dla);
    const GPU: Option<Device> = Some(Device::Gpu);

    #[track_caller]
    fn check(messages: &[&str], expected: &[(&str, Option<Device>)]) {
        let found = layers_of_log(messages.iter().copied());
        let found: Vec<_> = found.iter().map(|layer| (&*layer.name, layer.device)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn version_7_lists_a_device_in_a_line() {
        let messages = [
            "",
            "--------------- Layers running on DLA: ",
            "{conv1,relu1,pool1}, {conv2,relu2}, ",
            "--------------- Layers running on GPU: ",
            "conv3 + relu3, prob, ",
            "After reformat layers: 9 layers",
        ];
        let expected = [("{conv1,relu1,pool1}", DLA), ("{conv2,relu2}", DLA), ("conv3 + relu3", GPU), ("prob", GPU)];
        check(&messages, &expected);
        check(&[&messages.join("\n")], &expected);
    }

    #[test]
    fn version_8_and_later_list_a_layer_in_a_line() {
        check(
            &[
                "---------- Layers Running on DLA ----------",
                "[DlaLayer] {ForeignNode[conv1...pool1]}",
                "---------- Layers Running on GPU ----------",
                "[GpuLayer] CONVOLUTION: conv3 + relu3",
                "[GpuLayer] {ForeignNode[a: b...prob]}",
            ],
            &[("{ForeignNode[conv1...pool1]}", DLA), ("conv3 + relu3", GPU), ("{ForeignNode[a: b...prob]}", GPU)],
        );
    }

    #[test]
    fn layer_information_and_memory_figures_name_layers() {
        check(
            &[
                "Engine Layer Information:\nLayer(DLA): {ForeignNode[conv1...pool1]}, Tactic: 0x0000000000000003, data (Half[1,3,8,8]) -> x (Half[1,4,4,4])\nLayer(CaskConvolution): conv3 + relu3, Tactic: 0x00a1, x (Half[]) -> y (Half[])",
                "Layer: {ForeignNode[conv1...prob]} Host Persistent: 80 bytes Device Persistent: 0 bytes Scratch Memory: 34054144 bytes",
                "Layers:\nName: conv1_U0_myl0_1, LayerType: correlation, Inputs: [ { Name: data, Dimensions: [1,3] }]",
            ],
            &[
                ("{ForeignNode[conv1...pool1]}", DLA),
                ("conv3 + relu3", GPU),
                ("{ForeignNode[conv1...prob]}", None),
                ("conv1_U0_myl0_1", GPU),
            ],
        );
    }

    #[test]
    fn remarks_of_fallback_place_a_layer_on_the_gpu() {
        check(
            &[
                "Layer 'prob' (SOFTMAX): Unsupported on DLA. Switching this layer's device type to GPU.",
                "Default DLA is enabled but layer norm1 is not supported on DLA, falling back to GPU.",
                "DLA supports only 8 subgraphs per DLA core. Switching to GPU for layer pool5",
            ],
            &[("prob", GPU), ("norm1", GPU), ("pool5", GPU)],
        );
    }

    #[test]
    fn the_inspector_gives_names_and_types_where_the_plan_holds_them() {
        let json = r#"{"Layers": [{"Name": "{ForeignNode[conv1...pool1]}", "LayerType": "DLA"},
            {"Name": "prob", "LayerType": "SoftMax"}], "Bindings": ["data", "prob"]}"#;
        let found: Vec<_> = layers_of_inspector(json).unwrap().into_iter().map(|layer| layer.device).collect();
        assert_eq!(found, [DLA, GPU]);
        for other in ["", "{}", "[1]", r#"{"Layers": ["conv1", "prob"]}"#, r#"{"Layers": 3}"#] {
            assert_eq!(layers_of_inspector(other), None, "{other}");
        }
    }

    fn alexnet(start: Device, variant: Variant, layers: &[(&str, Option<Device>)]) -> Placement {
        let entry = catalog::find("alexnet").unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        let spec = EngineSpec { network: network.name.clone(), start, variant, dla_core: 0 };
        let layers: Vec<_> =
            layers.iter().map(|(name, device)| EngineLayer { name: (*name).to_owned(), device: *device }).collect();
        placement(&network, &spec, "builder's log", &layers)
    }

    #[test]
    fn a_node_covers_what_lies_between_its_ends_on_its_device() {
        let whole = alexnet(Device::Gpu, Variant::Transition(None), &[("{ForeignNode[conv1...prob]}", None)]);
        assert_eq!((whole.n_on(Device::Gpu), whole.n_unsaid()), (21, 0));
        assert_eq!(whole.layers[20].engine_layer, "{ForeignNode[conv1...prob]}");
        let layers = [
            ("prob", GPU),
            ("{ForeignNode[pool5...fc8]}", DLA),
            ("conv1 + relu1", GPU),
            ("{ForeignNode[norm1...relu5]}", GPU),
        ];
        let split = alexnet(Device::Gpu, Variant::Transition(Some(14)), &layers);
        assert_eq!(split.layers[14].placed, DLA);
        assert_eq!(split.layers[5].placed, GPU);
        assert_eq!(split.fallbacks(), [20]);
        assert_eq!(split.n_unsaid(), 0);
    }

    #[test]
    fn without_a_device_a_build_with_dla_layers_stays_unsaid() {
        let unsaid = alexnet(Device::Dla, Variant::Mark(None), &[("{ForeignNode[conv1...prob]}", None)]);
        assert_eq!((unsaid.n_unsaid(), unsaid.fallbacks().len()), (21, 0));
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(text in "(Layer\\(|Layer: |Name: |\\[GpuLayer\\] |Layer '|, Tactic: |[{}(),.'\n a-c]){0,20}") {
            let layers = layers_of_log([text.as_str()]);
            prop_assert!(layers.len() <= text.len());
            layers_of_inspector(&text);
        }
    }
}
