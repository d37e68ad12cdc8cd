//! What an engine's layers are and where they run, from what TensorRT writes while it builds one and from what its
//! inspector says of a finished one. Text in, values out.

use std::collections::HashSet;

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

/// The engine's layers that the builder's messages name, in the forms of TensorRT 7.1 to 11 and TensorRT-RTX: each name
/// once, as the best message has it, and the best messages first.
pub fn layers_of_log<'a>(messages: impl IntoIterator<Item = &'a str>) -> Vec<EngineLayer> {
    let mut named = Vec::new();
    let mut listed = None;
    // An empty message is an empty line: TensorRT 7's list of a device without layers.
    let lines = |message: &'a str| message.lines().chain(message.is_empty().then_some(""));
    for line in messages.into_iter().flat_map(lines).map(str::trim) {
        if let Some((device, rest)) = heading(line) {
            listed = Some(device).filter(|_| rest.is_empty());
            named.extend(list(rest, device));
        } else if let Some(entry) = entry(line) {
            named.push(entry);
            listed = None;
        } else if let Some(device) = listed.take() {
            named.extend(list(line, device));
        }
    }
    named.sort_by_key(|&(evidence, _)| evidence);
    let mut known = HashSet::new();
    named.retain(|(_, layer)| known.insert(layer.name.clone()));
    named.into_iter().map(|(_, layer)| layer).collect()
}

/// What kind of message names a layer, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Evidence {
    /// A list of what runs where.
    List,
    /// A description of the finished engine's layer.
    Description,
    /// A remark that a layer can't run where it was to run.
    Remark,
    /// The memory that a layer needs.
    Memory,
}

type Named = (Evidence, EngineLayer);

fn named(evidence: Evidence, name: &str, device: Option<Device>) -> Named {
    (evidence, EngineLayer { name: name.trim().to_owned(), device })
}

/// `--- Layers running on DLA:`, the heading of TensorRT 7, and what stands after it. That of later versions has no
/// colon; their lines say by themselves what they list.
fn heading(line: &str) -> Option<(Device, &str)> {
    let rest = line.trim_start_matches(['-', ' ']).strip_prefix("Layers running on ")?;
    let (device, rest) = rest.split_once(':')?;
    match device {
        "DLA" => Some((Device::Dla, rest.trim())),
        "GPU" => Some((Device::Gpu, rest.trim())),
        _ => None,
    }
}

/// A line that names one layer.
fn entry(line: &str) -> Option<Named> {
    if let Some(name) = line.strip_prefix("[DlaLayer] ") {
        return Some(named(Evidence::List, before_comma(name), Some(Device::Dla)));
    }
    if let Some(name) = line.strip_prefix("[GpuLayer] ") {
        // `CONVOLUTION: conv1 + relu1`; a node of the compiler stands without a type.
        let typed = name.split_once(": ").filter(|(kind, _)| is_type(kind));
        return Some(named(Evidence::List, before_comma(typed.map_or(name, |(_, name)| name)), Some(Device::Gpu)));
    }
    if let Some(rest) = line.strip_prefix("Layer(") {
        let (kind, rest) = rest.split_once("): ")?;
        let name = rest.split_once(", Tactic: ").map_or(rest, |(name, _)| name);
        return Some(named(Evidence::Description, name, Some(device_of_type(kind))));
    }
    if let Some(rest) = line.strip_prefix("Layer: ") {
        return Some(named(Evidence::Memory, rest.split_once(" Host Persistent: ")?.0, None));
    }
    if let Some(rest) = line.strip_prefix("Name: ") {
        let (name, rest) = rest.split_once(", LayerType: ")?;
        let kind = rest.split(',').next().unwrap_or(rest);
        return Some(named(Evidence::Description, name, Some(device_of_type(kind))));
    }
    Some(named(Evidence::Remark, fallback(line)?, Some(Device::Gpu)))
}

/// Some versions write `{ForeignNode[..]},`.
fn before_comma(name: &str) -> &str {
    name.strip_suffix(',').filter(|node| node.ends_with('}')).unwrap_or(name)
}

/// The layer that a remark says runs on the GPU although it was asked for on the DLA.
fn fallback(line: &str) -> Option<&str> {
    if let Some((before, _)) = line.split_once("Switching this layer's device type to GPU") {
        return before.strip_prefix("Layer '")?.rsplit_once("' (").map(|(name, _)| name);
    }
    FALLBACKS.iter().find_map(|(before, after)| {
        let (_, rest) = line.split_once(before)?;
        rest.strip_suffix('.').unwrap_or(rest).strip_suffix(after)
    })
}

/// What stands before and after a layer's name in such remarks, but for a full stop.
const FALLBACKS: [(&str, &str); 5] = [
    ("Switching to GPU for layer ", ""),
    ("DLA is enabled but layer ", " is not supported on DLA, falling back to GPU"),
    ("DLA is enabled but layer ", " is not running on DLA, falling back to GPU"),
    ("Validation failed for DLA layer: ", ". Switching to GPU fallback"),
    ("precision type. Switching ", " device type to GPU"),
];

fn is_type(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

fn device_of_type(kind: &str) -> Device {
    if kind.trim() == "DLA" { Device::Dla } else { Device::Gpu }
}

/// `{a,b}, {c}, d + e, `, all of TensorRT 7's layers on a device: a comma within brackets, or without a space after it,
/// separates nothing.
fn list(line: &str, device: Device) -> Vec<Named> {
    let (mut names, mut begin, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in line.char_indices() {
        match c {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 && line[at + 1..].chars().next().is_none_or(char::is_whitespace) => {
                names.push(&line[begin..at]);
                begin = at + 1;
            }
            _ => {}
        }
    }
    names.push(&line[begin..]);
    let names = names.into_iter().filter(|name| !name.trim().is_empty());
    names.map(|name| named(Evidence::List, name, Some(device))).collect()
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

/// Where each layer of `network` ended up, by `layers` of which the first goes before the others. A node that tells only
/// its ends covers the layers between them that were to run where it runs and that no other node names.
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
            match *part {
                Part::Layer(idx) => put(idx, layer),
                Part::Range { first, last } => [first, last].into_iter().for_each(|idx| put(idx, layer)),
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
        check(
            &["--- Layers running on DLA: {a}, {b,c},", "Layers running on GPU: PWN(d, e), f,g, "],
            &[("{a}", DLA), ("{b,c}", DLA), ("PWN(d, e)", GPU), ("f,g", GPU)],
        );
    }

    #[test]
    fn an_empty_list_does_not_swallow_the_next_message() {
        let nothing = ["-- Layers running on DLA: ", "", "-- Layers running on GPU: ", "", "Block size 0, total 0"];
        check(&nothing, &[]);
        let nothing = ["-- Layers Running on DLA --", "-- Layers Running on GPU --", "Block size 0, total 0"];
        check(&nothing, &[]);
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
                "[GpuLayer] PLUGIN_V2: c: d",
                "After reformat layers: 9 layers",
            ],
            &[
                ("{ForeignNode[conv1...pool1]}", DLA),
                ("conv3 + relu3", GPU),
                ("{ForeignNode[a: b...prob]}", GPU),
                ("c: d", GPU),
            ],
        );
        check(
            &["--- Layers running on DLA: ", "[DlaLayer] {ForeignNode[a]}, ", "--- Layers running on GPU: "],
            &[("{ForeignNode[a]}", DLA)],
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
                ("conv1_U0_myl0_1", GPU),
                ("{ForeignNode[conv1...prob]}", None),
            ],
        );
    }

    #[test]
    fn a_list_goes_before_descriptions_remarks_and_memory_figures() {
        check(
            &[
                "Layer 'prob' (SOFTMAX): Unsupported on DLA. Switching this layer's device type to GPU.",
                "Layer: {ForeignNode[conv1...pool1]} Host Persistent: 80 Device Persistent: 0 Scratch Memory: 0",
                "Layer(NoOp): fc8, Tactic: 0x0",
                "[DlaLayer] {ForeignNode[conv1...pool1]}",
                "[GpuLayer] SOFTMAX: prob",
            ],
            &[("{ForeignNode[conv1...pool1]}", DLA), ("prob", GPU), ("fc8", GPU)],
        );
    }

    #[test]
    fn lines_that_only_look_like_those_name_nothing() {
        for line in [
            "Name: data, IOMode: Input, DataType: Half",
            "--------------- Timing Runner: {ForeignNode[conv1...prob]} (Myelin[0x80000023])",
            "Layers:",
            "ForeignNode {ForeignNode[conv1...prob]} metadata: ",
            "Splitting DLA subgraph at: conv1 because DLA validation failed for this layer.",
        ] {
            check(&[line], &[]);
        }
    }

    #[test]
    fn remarks_of_fallback_place_a_layer_on_the_gpu() {
        check(
            &[
                "Layer 'prob' (SOFTMAX): Unsupported on DLA. Switching this layer's device type to GPU.",
                "Default DLA is enabled but layer norm1 is not supported on DLA, falling back to GPU.",
                "DLA supports only 8 subgraphs per DLA core. Switching to GPU for layer pool5",
                "Layer 'a' (b)' (LRN): Unsupported on DLA. Switching this layer's device type to GPU.",
                "Default DLA is enabled but layer my layer 3 is not running on DLA, falling back to GPU.",
                "Validation failed for DLA layer: fc6. Switching to GPU fallback.",
                "DLA only supports FP16 and Int8 precision type. Switching fc7 device type to GPU.",
            ],
            &["prob", "norm1", "pool5", "a' (b)", "my layer 3", "fc6", "fc7"].map(|name| (name, GPU)),
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
    fn the_ends_of_a_node_are_placed_wherever_they_were_to_run() {
        let layers = [("{ForeignNode[conv1...fc7]}", DLA), ("{ForeignNode[relu7...fc8]}", GPU), ("norm1", GPU)];
        let fell = alexnet(Device::Dla, Variant::Mark(None), &layers);
        assert_eq!((fell.n_on(Device::Dla), fell.n_unsaid()), (17, 1));
        assert_eq!(fell.fallbacks().len(), 3);
        let one = alexnet(Device::Dla, Variant::Mark(None), &[("{ForeignNode[prob]}", DLA)]);
        assert_eq!((one.layers[20].placed, one.n_unsaid()), (DLA, 20));
    }

    #[test]
    fn a_log_of_tensorrt_rtx_places_every_layer() {
        let messages = [
            "=============== Computing costs for {ForeignNode[conv1...prob]}",
            "After reformat layers: 1 layers",
            "Layer: {ForeignNode[conv1...prob]} Host Persistent: 80 bytes Device Persistent: 0 bytes Scratch Memory: 1024 bytes",
            "Layers:\nName: __myl_ConcTran_myl0_0, LayerType: kgen, Inputs: []\nName: conv1_U0_myl0_1, LayerType: correlation, Inputs: []\nName: norm1_pooling_myl0_2, LayerType: avgpool, Inputs: []\nName: __mye4054_myl0_3, LayerType: signal, Inputs: []\n\nI/O Tensors:\n Name: data, IOMode: Input, DataType: Half",
        ];
        let found = layers_of_log(messages);
        assert_eq!(found.len(), 5);
        let layers: Vec<_> = found.iter().map(|layer| (&*layer.name, layer.device)).collect();
        let placed = alexnet(Device::Gpu, Variant::Transition(None), &layers);
        assert_eq!((placed.n_on(Device::Gpu), placed.n_unsaid()), (21, 0));
        let of = |idx: usize| &*placed.layers[idx].engine_layer;
        assert_eq!([of(0), of(1), of(2)], ["conv1_U0_myl0_1", "{ForeignNode[conv1...prob]}", "norm1_pooling_myl0_2"]);
    }

    #[test]
    fn without_a_device_a_build_with_dla_layers_stays_unsaid() {
        let unsaid = alexnet(Device::Dla, Variant::Mark(None), &[("{ForeignNode[conv1...prob]}", None)]);
        assert_eq!((unsaid.n_unsaid(), unsaid.fallbacks().len()), (21, 0));
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(text in "(Layer\\(|Layer: |Name: |Layers running on (DLA|GPU):|[{]ForeignNode\\[|\\[GpuLayer\\] |Layer '|, Tactic: |[{}(),.'\n a-c]){0,20}") {
            let layers = layers_of_log([text.as_str()]);
            prop_assert!(layers.len() <= text.len());
            layers_of_inspector(&text);
        }
    }
}
