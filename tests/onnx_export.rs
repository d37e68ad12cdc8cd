//! Networks written as ONNX models: what is read again is the same, and parts hand over what the next ones take.
#![expect(clippy::unwrap_used, reason = "a test ends where its model can't be made")]

use std::collections::BTreeSet;

use haxconn::network::onnx::proto::ModelProto;
use haxconn::network::onnx::{self, Imported, Model};
use haxconn::network::{CONVOLUTIONS, Network, caffe, catalog};
use proptest::prelude::*;

fn exported(network: &Network) -> Model {
    onnx::export(network, 1).unwrap_or_else(|error| panic!("{}: {error}", network.name))
}

fn built_in(entry: &catalog::Entry) -> Network {
    caffe::parse(entry.text, entry.name, entry.title).unwrap_or_else(|error| panic!("{}: {error}", entry.name))
}

/// Bottoms, tops and costs of every layer, names and types left out.
fn costs(network: &Network) -> Vec<(Vec<String>, Vec<String>, u64, u64)> {
    let shapes =
        |ids: &[haxconn::network::TensorId]| ids.iter().map(|id| network.tensor(*id).shape.to_string()).collect();
    let layer =
        |layer: &haxconn::network::Layer| (shapes(&layer.bottoms), shapes(&layer.tops), layer.macs, layer.weights);
    network.layers.iter().map(layer).collect()
}

#[test]
fn every_shipped_network_is_the_same_after_export_and_import() {
    for entry in catalog::ENTRIES.iter().chain(&CONVOLUTIONS) {
        let network = built_in(entry);
        let model = exported(&network);
        let Imported { network: again, model: read, notes } =
            onnx::parse(onnx::encode(&model.proto).unwrap(), entry.name, entry.title).unwrap();
        assert_eq!(costs(&again), costs(&network), "{}", entry.name);
        let names = |network: &Network| network.layers.iter().map(|layer| layer.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&again), names(&network), "{}", entry.name);
        assert_eq!((read.layer_nodes.len(), notes), (network.layers.len(), Vec::<String>::new()), "{}", entry.name);
        assert_eq!(
            read.types.len(),
            read.types.iter().filter(|(name, is)| model.types.get(*name).is_none_or(|it| it == *is)).count()
        );
    }
}

/// Caffe's layers on a blob of rows and columns, each in place of `%` reading blob `@`, with shapes that fit each other.
const LAYERS: [&str; 14] = [
    "type: 'Convolution' bottom: '@' convolution_param { num_output: 6 kernel_size: 3 pad: 1 }",
    "type: 'Convolution' bottom: '@' convolution_param { num_output: 4 kernel_size: 1 bias_term: false }",
    "type: 'Deconvolution' bottom: '@' convolution_param { num_output: 4 kernel_size: 2 stride: 2 }",
    "type: 'Pooling' bottom: '@' pooling_param { kernel_size: 3 stride: 2 pad: 1 }",
    "type: 'Pooling' bottom: '@' pooling_param { pool: AVE kernel_size: 3 stride: 1 pad: 1 }",
    "type: 'InnerProduct' bottom: '@' inner_product_param { num_output: 8 }",
    "type: 'ReLU' bottom: '@'",
    "type: 'BatchNorm' bottom: '@'",
    "type: 'Scale' bottom: '@' scale_param { bias_term: false }",
    "type: 'Softmax' bottom: '@'",
    "type: 'Eltwise' bottom: '@' bottom: '@'",
    "type: 'Concat' bottom: '@' bottom: '@'",
    "type: 'Permute' bottom: '@' permute_param { order: 0 order: 2 order: 3 order: 1 }",
    "type: 'Reduction' bottom: '@' reduction_param { operation: MEAN axis: 2 }",
];

/// A chain of layers, which ends at one that TensorRT's rules refuse there, and at a blob of one element: a permutation of that
/// is no layer of a model.
fn chain_of(choice: &[usize]) -> Network {
    let mut text = "layer { name: 'b0' type: 'Input' top: 'b0' input_param { shape { dim: [1, 4, 8, 9] } } }\n\
                    layer { name: 'b1' type: 'Convolution' bottom: 'b0' top: 'b1' \
                    convolution_param { num_output: 4 kernel_size: 2 } }\n"
        .to_owned();
    let mut network = caffe::parse(&text, "chain", "Chain").unwrap();
    for (bottom, layer) in choice.iter().enumerate() {
        let bottom = bottom + 1;
        let reading = LAYERS[*layer].replace('@', &format!("b{bottom}"));
        let one = format!("layer {{ name: 'b{0}' top: 'b{0}' {reading} }}\n", bottom + 1);
        let Ok(longer) = caffe::parse(&format!("{text}{one}"), "chain", "Chain") else { break };
        text += &one;
        network = longer;
        if network.layers.last().is_some_and(|layer| network.tensor(layer.tops[0]).shape.elements() == 1) {
            break;
        }
    }
    network
}

/// Every part takes what earlier parts or the model's inputs give, and the last ones give the model's outputs.
#[track_caller]
fn check_parts(model: &Model, cuts: &[usize]) {
    let graph = model.graph().unwrap();
    let mut given: BTreeSet<String> = graph.input.iter().map(|input| input.name.clone()).collect();
    let mut n_nodes = 0;
    let starts = std::iter::once(0).chain(cuts.iter().copied());
    let ends = cuts.iter().copied().chain([model.layer_nodes.len()]);
    for (start, end) in starts.zip(ends) {
        let ModelProto { graph: Some(part), .. } = onnx::cut(model, start..end).unwrap() else { panic!("no graph") };
        for input in &part.input {
            assert!(given.contains(&input.name), "layers {start} to {end} take `{}`", input.name);
        }
        given.extend(part.output.iter().map(|output| output.name.clone()));
        n_nodes += part.node.iter().filter(|node| node.op_type != "Flatten").count();
    }
    assert!(graph.output.iter().all(|output| given.contains(&output.name)));
    assert_eq!(n_nodes, graph.node.iter().filter(|node| node.op_type != "Flatten").count());
}

#[test]
fn parts_hand_over_what_the_next_ones_take() {
    for name in ["googlenet", "resnet18", "densenet"] {
        let network = built_in(catalog::find(name).unwrap());
        let model = exported(&network);
        let imported = onnx::parse(onnx::encode(&model.proto).unwrap(), name, name).unwrap();
        let n_layers = network.layers.len();
        for cuts in
            [vec![], vec![1], vec![n_layers - 1], vec![n_layers / 3, n_layers / 2], (1..n_layers).step_by(7).collect()]
        {
            check_parts(&model, &cuts);
            check_parts(&imported.model, &cuts);
        }
    }
    let model = exported(&built_in(catalog::find("alexnet").unwrap()));
    assert_eq!(onnx::cut(&model, 3..3).unwrap_err().to_string(), "layers 3 to 3 are none of the network's 21");
    assert_eq!(onnx::cut(&model, 3..22).unwrap_err().to_string(), "layers 3 to 22 are none of the network's 21");
}

#[test]
fn a_scale_of_one_channel_stays_one() {
    let network = chain_of(&[5, 12, 8]);
    assert_eq!(network.layers.last().unwrap().kind.caffe_name(), "Scale");
    let again = onnx::parse(onnx::encode(&exported(&network).proto).unwrap(), "chain", "Chain").unwrap().network;
    assert_eq!(costs(&again), costs(&network));
    assert_eq!(again.layers.last().unwrap().kind.caffe_name(), "Scale");
}

proptest! {
    #[test]
    fn any_chain_of_layers_is_the_same_after_export_and_import(
        choice in proptest::collection::vec(0..LAYERS.len(), 0..7),
    ) {
        let network = chain_of(&choice);
        let model = exported(&network);
        let again = onnx::parse(onnx::encode(&model.proto).unwrap(), "chain", "Chain").unwrap().network;
        prop_assert_eq!(costs(&again), costs(&network));
        for (read, written) in again.layers.iter().zip(&network.layers) {
            let shape = again.tensor(read.bottoms[0]).shape;
            // The channels go last here: the elements stay in order where there is one channel, or one row and column.
            let moves_nothing = shape.channels == 1 || shape.height * shape.width == 1;
            let [read, written] = [read, written].map(|layer| layer.kind.caffe_name());
            prop_assert!(read == written || read == "Transpose" && written == "Permute" && moves_nothing);
        }
    }
}
