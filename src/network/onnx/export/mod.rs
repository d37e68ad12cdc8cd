//! A network of any origin as an ONNX model with seeded weights, for running, not for accuracy.
//!
//! Every layer of the network is one node, or several where ONNX has no single one; names of layers are names of nodes.
//! A blob that several layers write in place is a tensor for each, the last one under the blob's name. Tensors are
//! [1, channels, height, width], and [1, n] behind a fully connected layer.

mod layers;
mod windows;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::model::{Model, TensorType};
use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto};
use super::{OnnxError, cut, element, tensor};
use crate::network::{Layer, Network, Shape, TensorId, mean_squares};

/// Version of the operators: every release of ONNX Runtime since 1.12 knows it.
const OPSET: i64 = 17;

/// Version of the format that came with it.
const IR_VERSION: i64 = 8;

/// The model of `network` with weights from `seed`. Stored means and variances are those that such weights give, so that
/// signals neither grow nor fade with depth.
///
/// # Errors
/// A layer of which the network keeps too little to say it in ONNX.
pub fn export(network: &Network, seed: u64) -> Result<Model, OnnxError> {
    let mut exporter = Exporter::new(network, seed);
    for layer in &network.layers {
        let first = exporter.nodes.len();
        exporter.layer(layer)?;
        exporter.layer_nodes.push((first..exporter.nodes.len()).collect());
    }
    Ok(exporter.finish())
}

struct Exporter<'n> {
    network: &'n Network,
    seed: u64,
    /// For each tensor the mean square of its numbers, about.
    mean_squares: Vec<f64>,
    /// For each tensor its name in the model.
    names: Vec<String>,
    /// Whether each tensor is [1, n].
    flat: Vec<bool>,
    taken: HashSet<String>,
    nodes: Vec<NodeProto>,
    initializers: Vec<TensorProto>,
    layer_nodes: Vec<Vec<usize>>,
    types: BTreeMap<String, TensorType>,
}

impl<'n> Exporter<'n> {
    fn new(network: &'n Network, seed: u64) -> Self {
        let names = names(network);
        let types = network.tensors.iter().zip(&names).filter(|(tensor, _)| tensor.producer.is_none());
        let types = types.map(|(tensor, name)| (name.clone(), tensor_type(image_dims(tensor.shape)))).collect();
        Self {
            network,
            seed,
            mean_squares: mean_squares(network),
            taken: names.iter().cloned().collect(),
            flat: vec![false; names.len()],
            names,
            nodes: Vec::new(),
            initializers: Vec::new(),
            layer_nodes: Vec::new(),
            types,
        }
    }

    fn finish(self) -> Model {
        let network = self.network;
        let ids = || (0..network.tensors.len()).map(TensorId);
        // What only a layer of the network reads, not its nodes, tells a shape and is no less an output.
        let read: HashSet<&str> = self.nodes.iter().flat_map(|node| node.input.iter().map(String::as_str)).collect();
        let is_read = |id: &TensorId| read.contains(self.names[id.0].as_str());
        let info = |id: TensorId| cut::value_info(&self.names[id.0], &self.types[&self.names[id.0]]);
        let is_input = |id: &TensorId| network.tensor(*id).producer.is_none();
        let input = ids().filter(is_input).map(info).collect();
        let output = ids().filter(|id| !is_input(id) && !is_read(id)).map(info).collect();
        let value_info = ids().filter(|id| !is_input(id) && is_read(id)).map(info).collect();
        let graph = GraphProto {
            name: network.name.clone(),
            input,
            output,
            value_info,
            node: self.nodes,
            initializer: self.initializers,
            ..GraphProto::default()
        };
        let proto = ModelProto {
            ir_version: IR_VERSION,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            producer_name: env!("CARGO_PKG_NAME").to_owned(),
            producer_version: env!("CARGO_PKG_VERSION").to_owned(),
            doc_string: format!("{} with random weights of seed {}", network.title, self.seed),
            graph: Some(graph),
            ..ModelProto::default()
        };
        Model { proto, layer_nodes: self.layer_nodes, types: self.types, folded: BTreeMap::new() }
    }

    fn shape(&self, id: TensorId) -> Shape {
        self.network.tensor(id).shape
    }

    fn dims(&self, id: TensorId) -> Vec<u64> {
        if self.flat[id.0] { vec![1, self.shape(id).elements()] } else { image_dims(self.shape(id)) }
    }

    /// A name that nothing else has.
    fn unique(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('\'');
        }
        name
    }

    /// Adds a node in front of a layer's own; returns the name of its output.
    fn helper(
        &mut self,
        layer: &Layer,
        what: &str,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<AttributeProto>,
    ) -> String {
        let output = self.unique(&format!("{}/{what}", layer.name));
        self.nodes.push(node(&output, operator, inputs, &output, attributes));
        output
    }

    /// Adds the node that writes the layer's output.
    fn main(&mut self, layer: &Layer, operator: &str, inputs: &[&str], attributes: Vec<AttributeProto>, flat: bool) {
        let top = layer.tops[0];
        self.flat[top.0] = flat;
        let name = self.names[top.0].clone();
        self.types.insert(name.clone(), tensor_type(self.dims(top)));
        self.nodes.push(node(&layer.name, operator, inputs, &name, attributes));
    }

    /// Adds single-precision numbers; returns their name.
    fn floats(&mut self, layer: &Layer, what: &str, dims: &[u64], values: impl Iterator<Item = f32>) -> String {
        let name = self.unique(&format!("{}/{what}", layer.name));
        let mut raw = Vec::with_capacity(values.size_hint().0 * 4);
        for value in values {
            raw.extend_from_slice(&value.to_le_bytes());
        }
        self.initializers.push(tensor::of_bytes(&name, element::FLOAT, dims, raw.into()));
        name
    }

    /// Adds whole numbers; returns their name.
    fn whole(&mut self, layer: &Layer, what: &str, values: &[i64]) -> String {
        let name = self.unique(&format!("{}/{what}", layer.name));
        let values = tensor::Values::Whole(values.to_vec());
        self.initializers.push(tensor::of_values(&name, element::INT64, &[values.len() as u64], &values));
        name
    }

    /// The name of a tensor with rows and columns, which a flat one gets here.
    fn image(&mut self, layer: &Layer, id: TensorId) -> String {
        let name = self.names[id.0].clone();
        if !self.flat[id.0] {
            return name;
        }
        let axes = self.whole(layer, "axes", &[2, 3]);
        self.helper(layer, "image", "Unsqueeze", &[&name, &axes], Vec::new())
    }

    /// The name of a tensor as [1, n].
    fn matrix(&mut self, layer: &Layer, id: TensorId) -> String {
        let name = self.names[id.0].clone();
        if self.flat[id.0] { name } else { self.helper(layer, "flat", "Flatten", &[&name], Vec::new()) }
    }
}

/// Names of tensors in the model: the blob's for its last writer, with the layer's for those before.
fn names(network: &Network) -> Vec<String> {
    let last: HashMap<&str, usize> =
        network.tensors.iter().enumerate().map(|(idx, tensor)| (tensor.name.as_str(), idx)).collect();
    let mut taken: HashSet<String> = last.keys().map(|name| (*name).to_owned()).collect();
    let name = |(idx, tensor): (usize, &crate::network::Tensor)| {
        if last[tensor.name.as_str()] == idx {
            return tensor.name.clone();
        }
        let layer = tensor.producer.map_or("input", |producer| &network.layers[producer].name);
        let mut name = format!("{} of {layer}", tensor.name);
        while !taken.insert(name.clone()) {
            name.push('\'');
        }
        name
    };
    network.tensors.iter().enumerate().map(name).collect()
}

fn image_dims(shape: Shape) -> Vec<u64> {
    vec![1, shape.channels, shape.height, shape.width]
}

fn tensor_type(dims: Vec<u64>) -> TensorType {
    TensorType { element: element::FLOAT, dims }
}

fn node(name: &str, operator: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> NodeProto {
    NodeProto {
        name: name.to_owned(),
        op_type: operator.to_owned(),
        input: inputs.iter().map(|input| (*input).to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute,
        ..NodeProto::default()
    }
}

/// Kinds of attributes by their numbers in `AttributeProto.AttributeType`.
const FLOAT: i32 = 1;
const INT: i32 = 2;
const INTS: i32 = 7;

fn int(name: &str, value: u64) -> AttributeProto {
    let i = Some(i64::try_from(value).unwrap_or(i64::MAX));
    AttributeProto { name: name.to_owned(), r#type: INT, i, ..AttributeProto::default() }
}

fn ints(name: &str, values: &[u64]) -> AttributeProto {
    AttributeProto { name: name.to_owned(), r#type: INTS, ints: tensor::signed(values), ..AttributeProto::default() }
}

fn float(name: &str, value: f64) -> AttributeProto {
    let f = Some(crate::network::single(value));
    AttributeProto { name: name.to_owned(), r#type: FLOAT, f, ..AttributeProto::default() }
}
