//! A model together with which of its nodes belong to which layer of its network.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use prost::Message;
use sha2::{Digest, Sha256};

use super::OnnxError;
use super::graph::name_of;
use super::guard::LARGEST_MODEL;
use super::proto::{AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto};
use super::tensor::{self, is_external};
use crate::network::hash;

/// Type and sides of a tensor that is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorType {
    /// Element type by its number in `TensorProto.DataType`; see [`super::element`].
    pub element: i32,
    /// Its sides, the batch among them.
    pub dims: Vec<u64>,
}

/// An ONNX model of a network: either read from a file, or made of a network from another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// The model, its nodes in an order in which they can run; no side of an input is unknown.
    pub proto: ModelProto,
    /// For each layer of the network, its nodes, ascending. Nodes that no layer owns (constants, arithmetic on shapes,
    /// and what gives a tensor another shape) belong to whoever reads them.
    pub layer_nodes: Vec<Vec<usize>>,
    /// Every tensor that is computed, by name.
    pub types: BTreeMap<String, TensorType>,
    /// Tensors that nodes compute from shapes alone: what they always are.
    pub(super) folded: BTreeMap<String, TensorProto>,
}

/// A part of a file beside the model in which the bytes of a constant lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExternalData {
    /// Which constant it is, in words: an initializer, or the value of a node.
    pub constant: String,
    /// The file, relative to the model's folder and inside it.
    pub location: PathBuf,
    /// The first byte.
    pub offset: u64,
    /// Number of bytes, which the tensor's type and shape ask for.
    pub length: u64,
}

impl Model {
    /// The graph of the model.
    pub fn graph(&self) -> Result<&GraphProto, OnnxError> {
        graph_of(&self.proto)
    }

    /// Which parts of other files the model's constants need before it can run.
    ///
    /// # Errors
    /// A location that leads out of the model's folder, and numbers that can't be.
    pub fn external_data(&self) -> Result<Vec<ExternalData>, OnnxError> {
        let mut found = Vec::new();
        external(self.graph()?, &mut found);
        found.into_iter().map(|(constant, tensor)| external_data(&constant, tensor)).collect()
    }

    /// Puts the bytes of external constants into the model, so that it needs no other file. `read` takes what
    /// [`Self::external_data`] says.
    pub fn embed<E>(&mut self, mut read: impl FnMut(&ExternalData) -> Result<Vec<u8>, E>) -> Result<(), E>
    where
        E: From<OnnxError>,
    {
        let mut read = |constant: &str, tensor: &mut TensorProto| {
            let part = external_data(constant, tensor)?;
            tensor.raw_data = Some(read(&part)?.into());
            tensor.external_data = Vec::new();
            tensor.data_location = None;
            Ok(())
        };
        embed(self.proto.graph.get_or_insert_default(), &mut read)
    }

    /// Names of external files, each once.
    pub fn external_files(&self) -> Result<BTreeSet<PathBuf>, OnnxError> {
        Ok(self.external_data()?.into_iter().map(|part| part.location).collect())
    }
}

pub(super) fn graph_of(model: &ModelProto) -> Result<&GraphProto, OnnxError> {
    model.graph.as_ref().ok_or_else(|| OnnxError::new("holds no graph; is it an ONNX model?"))
}

/// The bytes of a model's file.
///
/// # Errors
/// A model of 2 GiB or more, which the format can't hold.
pub fn encode(model: &ModelProto) -> Result<Vec<u8>, OnnxError> {
    let length = model.encoded_len() as u64;
    if length > LARGEST_MODEL {
        return Err(OnnxError::new(format!("would be {length} bytes, and an ONNX file holds less than 2 GiB")));
    }
    Ok(model.encode_to_vec())
}

/// The constants of a graph, and of those inside its nodes, whose bytes lie in other files, each with what it is.
fn external<'g>(graph: &'g GraphProto, found: &mut Vec<(String, &'g TensorProto)>) {
    let initializers = graph.initializer.iter().filter(|tensor| is_external(tensor));
    found.extend(initializers.map(|tensor| (initializer(tensor), tensor)));
    for node in &graph.node {
        for attribute in &node.attribute {
            let tensors = attribute.t.as_deref().into_iter().chain(&attribute.tensors);
            found.extend(tensors.filter(|tensor| is_external(tensor)).map(|tensor| (value_of(node), tensor)));
            attribute.g.as_deref().into_iter().chain(&attribute.graphs).for_each(|graph| external(graph, found));
        }
    }
}

/// Calls `read` for each of them, in the same order.
fn embed<E>(graph: &mut GraphProto, read: &mut impl FnMut(&str, &mut TensorProto) -> Result<(), E>) -> Result<(), E> {
    for tensor in graph.initializer.iter_mut().filter(|tensor| is_external(tensor)) {
        read(&initializer(tensor), tensor)?;
    }
    for node in &mut graph.node {
        let constant = value_of(node);
        for attribute in &mut node.attribute {
            let tensors = attribute.t.as_deref_mut().into_iter().chain(&mut attribute.tensors);
            for tensor in tensors.filter(|tensor| is_external(tensor)) {
                read(&constant, tensor)?;
            }
            for graph in attribute.g.as_deref_mut().into_iter().chain(&mut attribute.graphs) {
                embed(graph, read)?;
            }
        }
    }
    Ok(())
}

fn initializer(tensor: &TensorProto) -> String {
    format!("initializer `{}`", tensor.name)
}

fn value_of(node: &NodeProto) -> String {
    format!("node `{}` ({})", name_of(node), node.op_type)
}

fn external_data(constant: &str, tensor: &TensorProto) -> Result<ExternalData, OnnxError> {
    located(constant, tensor).map_err(|said| OnnxError::new(format!("{constant}: {said}")))
}

fn located(constant: &str, tensor: &TensorProto) -> Result<ExternalData, String> {
    let entry =
        |key: &str| tensor.external_data.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    let number = |key: &str| {
        let parse = |text: &str| text.parse().map_err(|_| format!("its external `{key}` `{text}` is no number"));
        entry(key).map(parse).transpose()
    };
    let location = entry("location").unwrap_or_default();
    let path = Path::new(location);
    let inside = path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if location.is_empty() || !inside || location.contains(['\\', ':', '\0']) {
        return Err(format!("its external data is in `{location}`, which is not below the model's folder"));
    }
    let dims = tensor::checked_dims(tensor)?;
    let bits = super::element::bits(tensor.data_type).ok_or("its element type can't be in external data")?;
    let length = (dims.iter().product::<u64>().saturating_mul(bits)).div_ceil(8);
    if let Some(stated) = number("length")?.filter(|stated| *stated != length) {
        return Err(format!("its external data has {stated} bytes, but its shape {dims:?} needs {length}"));
    }
    let offset = number("offset")?.unwrap_or(0);
    Ok(ExternalData { constant: constant.to_owned(), location: path.into(), offset, length })
}

/// SHA-256 in hexadecimal of what a model computes, whatever its weights: nodes, types of inputs and outputs, names and
/// shapes of initializers, and the numbers of those that are shapes, bounds or factors. Remarks and who made it don't
/// matter.
pub(super) fn content_hash(model: &ModelProto) -> String {
    let graph = model.graph.as_ref();
    let stripped = ModelProto {
        opset_import: model.opset_import.clone(),
        graph: graph.map(stripped_graph),
        functions: model.functions.clone(),
        ..ModelProto::default()
    };
    let digest = Sha256::digest(stripped.encode_to_vec());
    hash::hexadecimal(&digest)
}

fn stripped_graph(graph: &GraphProto) -> GraphProto {
    GraphProto {
        node: graph.node.iter().map(stripped_node).collect(),
        initializer: graph.initializer.iter().map(stripped_tensor).collect(),
        input: graph.input.clone(),
        output: graph.output.clone(),
        ..GraphProto::default()
    }
}

fn stripped_node(node: &NodeProto) -> NodeProto {
    let attribute = |attribute: &AttributeProto| AttributeProto {
        t: attribute.t.as_deref().map(|tensor| Box::new(stripped_tensor(tensor))),
        g: attribute.g.as_deref().map(|graph| Box::new(stripped_graph(graph))),
        doc_string: String::new(),
        ..attribute.clone()
    };
    NodeProto {
        input: node.input.clone(),
        output: node.output.clone(),
        name: node.name.clone(),
        op_type: node.op_type.clone(),
        domain: node.domain.clone(),
        attribute: node.attribute.iter().map(attribute).collect(),
        ..NodeProto::default()
    }
}

/// Few whole numbers are kept: they are shapes. So is one that stands alone, a bound or a factor; others are weights.
fn stripped_tensor(tensor: &TensorProto) -> TensorProto {
    let n_elements =
        tensor.dims.iter().try_fold(1_u64, |product, side| product.checked_mul(u64::try_from(*side).ok()?));
    let values = n_elements.and_then(|count| tensor::values(tensor, count));
    let whole = values.as_ref().and_then(tensor::Values::whole).unwrap_or_default().to_vec();
    let single = values.as_ref().filter(|values| values.len() == 1 && whole.is_empty());
    TensorProto {
        dims: tensor.dims.clone(),
        data_type: tensor.data_type,
        name: tensor.name.clone(),
        double_data: single.map(tensor::Values::real).unwrap_or_default(),
        int64_data: whole,
        ..TensorProto::default()
    }
}
