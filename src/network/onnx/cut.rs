//! Parts of a model: the sub-model of consecutive layers, with what crosses into it and out of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;

use super::graph::{initializers, producers, reads, writes};
use super::model::{Model, TensorType};
use super::proto::{
    Dimension, DimensionProto, GraphProto, ModelProto, TensorShapeProto, TensorTypeProto, Type, TypeProto,
    ValueInfoProto,
};
use super::{OnnxError, tensor};

/// The lowest version of the format in which initializers need not be inputs too.
const LEAST_IR_VERSION: i64 = 4;

/// The sub-model of the layers in `layers`, by their indices in the network.
///
/// Its inputs are the model's that these layers read and the tensors that earlier layers hand over; its outputs are the
/// tensors that later layers read and those outputs of the model that are made here. All keep their names, so that the
/// sub-models of consecutive ranges, each given what those before it put out, compute what the model does.
///
/// # Errors
/// A range without layers or beyond the network's.
pub fn cut(model: &Model, layers: Range<usize>) -> Result<ModelProto, OnnxError> {
    let n_layers = model.layer_nodes.len();
    if layers.is_empty() || layers.end > n_layers {
        let Range { start, end } = layers;
        return Err(OnnxError::new(format!("layers {start} to {end} are none of the network's {n_layers}")));
    }
    let graph = model.graph()?;
    let cutter = Cutter::new(model, graph);
    let inside = cutter.part(layers.clone());
    let outputs = cutter.outputs(&inside, layers.clone());
    let graph =
        cutter.graph(&inside, &outputs, &format!("{} layers {} to {}", graph.name, layers.start, layers.end - 1))?;
    Ok(ModelProto {
        ir_version: model.proto.ir_version.max(LEAST_IR_VERSION),
        graph: Some(graph),
        training_info: Vec::new(),
        opset_import: model.proto.opset_import.clone(),
        functions: model.proto.functions.clone(),
        metadata_props: model.proto.metadata_props.clone(),
        configuration: model.proto.configuration.clone(),
        producer_name: model.proto.producer_name.clone(),
        producer_version: model.proto.producer_version.clone(),
        domain: model.proto.domain.clone(),
        model_version: model.proto.model_version,
        doc_string: model.proto.doc_string.clone(),
    })
}

/// The model, which also puts out the tensors called `names`, those that parts of it hand over.
///
/// # Errors
/// A name of no tensor that the model computes.
pub fn with_outputs(model: &Model, names: &BTreeSet<String>) -> Result<ModelProto, OnnxError> {
    let graph = model.graph()?;
    let cutter = Cutter::new(model, graph);
    let is_output = |name: &&String| graph.output.iter().any(|output| output.name == **name);
    let more = names.iter().filter(|name| !is_output(name)).map(|name| cutter.value_info(name));
    let output = graph.output.iter().cloned().map(Ok).chain(more).collect::<Result<_, _>>()?;
    Ok(ModelProto { graph: Some(GraphProto { output, ..graph.clone() }), ..model.proto.clone() })
}

/// What some layers need: their nodes with those that nobody owns, and the names that come from elsewhere.
#[derive(Debug, Default)]
struct Part<'m> {
    nodes: BTreeSet<usize>,
    /// Inputs of the model and tensors of other layers.
    taken: BTreeSet<&'m str>,
    initializers: BTreeSet<&'m str>,
    folded: BTreeSet<&'m str>,
}

struct Cutter<'m> {
    model: &'m Model,
    graph: &'m GraphProto,
    producers: HashMap<&'m str, usize>,
    initializers: BTreeSet<&'m str>,
    /// The layer that owns each node.
    owners: Vec<Option<usize>>,
    /// For each layer, the model's outputs that it makes, also through nodes that nobody owns.
    homes: BTreeMap<usize, Vec<&'m str>>,
}

impl<'m> Cutter<'m> {
    fn new(model: &'m Model, graph: &'m GraphProto) -> Self {
        let mut owners = vec![None; graph.node.len()];
        for (layer, nodes) in model.layer_nodes.iter().enumerate() {
            for node in nodes {
                owners[*node] = Some(layer);
            }
        }
        let (producers, initializers) = (producers(graph), initializers(graph).collect());
        let mut cutter = Self { model, graph, producers, initializers, owners, homes: BTreeMap::new() };
        for output in &graph.output {
            let home = cutter.home(&output.name);
            cutter.homes.entry(home).or_default().push(&output.name);
        }
        cutter
    }

    /// The last layer on which an output depends directly; the network's last where it depends on none.
    fn home(&self, output: &'m str) -> usize {
        let mut part = Part::default();
        self.need(&mut part, vec![output], &(0..0));
        let owner = |name: &&str| self.owners[*self.producers.get(name)?];
        part.taken.iter().filter_map(owner).max().unwrap_or(self.model.layer_nodes.len() - 1)
    }

    /// All that `layers` need.
    fn part(&self, layers: Range<usize>) -> Part<'m> {
        let mut part = Part::default();
        for layer in layers.clone() {
            part.nodes.extend(&self.model.layer_nodes[layer]);
        }
        let mut open: Vec<&str> = part.nodes.iter().flat_map(|node| reads(&self.graph.node[*node])).collect();
        open.extend(self.homes.range(layers.clone()).flat_map(|(_, outputs)| outputs.iter().copied()));
        self.need(&mut part, open, &layers);
        part
    }

    /// Adds what the names in `open` need.
    fn need(&self, part: &mut Part<'m>, mut open: Vec<&'m str>, layers: &Range<usize>) {
        while let Some(name) = open.pop() {
            if self.initializers.contains(name) {
                part.initializers.insert(name);
            } else if let Some((name, _)) = self.model.folded.get_key_value(name) {
                part.folded.insert(name);
            } else {
                match self.producers.get(name) {
                    None => drop(part.taken.insert(name)),
                    Some(&node) => match self.owners[node] {
                        Some(layer) if layers.contains(&layer) => {}
                        Some(_) => drop(part.taken.insert(name)),
                        None if part.nodes.insert(node) => open.extend(reads(&self.graph.node[node])),
                        None => {}
                    },
                }
            }
        }
    }

    /// Names that later layers take from `part`, then the model's outputs that are made in it.
    fn outputs(&self, part: &Part<'m>, layers: Range<usize>) -> Vec<&'m str> {
        let later = self.part(layers.end..self.model.layer_nodes.len());
        let owned = part.nodes.iter().filter(|node| self.owners[**node].is_some());
        let written = owned.flat_map(|node| writes(&self.graph.node[*node]));
        let mut outputs: Vec<&str> = written.filter(|name| later.taken.contains(name)).collect();
        for name in self.homes.range(layers).flat_map(|(_, outputs)| outputs) {
            if !outputs.contains(name) {
                outputs.push(name);
            }
        }
        outputs
    }

    fn graph(&self, part: &Part, outputs: &[&str], name: &str) -> Result<GraphProto, OnnxError> {
        let dense = self.graph.initializer.iter().filter(|tensor| part.initializers.contains(tensor.name.as_str()));
        let folded = part.folded.iter().map(|name| &self.model.folded[*name]);
        let sparse = self.graph.sparse_initializer.iter().filter(|tensor| {
            tensor.values.as_ref().is_some_and(|values| part.initializers.contains(values.name.as_str()))
        });
        let quantized = self.graph.quantization_annotation.iter().filter(|annotation| {
            part.nodes.iter().any(|node| writes(&self.graph.node[*node]).any(|name| name == annotation.tensor_name))
        });
        let info = |name: &&str| self.value_info(name);
        // In the model's order where an input is the model's own.
        let mut inputs: Vec<&str> = part.taken.iter().copied().collect();
        inputs.sort_by_key(|name| self.graph.input.iter().position(|input| input.name == **name).unwrap_or(usize::MAX));
        Ok(GraphProto {
            node: part.nodes.iter().map(|node| self.graph.node[*node].clone()).collect(),
            name: name.to_owned(),
            initializer: dense.chain(folded).cloned().collect(),
            sparse_initializer: sparse.cloned().collect(),
            input: inputs.iter().map(info).collect::<Result<_, _>>()?,
            output: outputs.iter().map(info).collect::<Result<_, _>>()?,
            quantization_annotation: quantized.cloned().collect(),
            metadata_props: self.graph.metadata_props.clone(),
            ..GraphProto::default()
        })
    }

    fn value_info(&self, name: &str) -> Result<ValueInfoProto, OnnxError> {
        let declared = self.graph.output.iter().chain(&self.graph.input).find(|info| info.name == name);
        match (self.model.types.get(name), declared) {
            (Some(tensor_type), _) => Ok(value_info(name, tensor_type)),
            (None, Some(declared)) => Ok(declared.clone()),
            (None, None) => Err(OnnxError::new(format!("the type of `{name}`, which crosses a cut, isn't known"))),
        }
    }
}

/// Name and type of a tensor.
pub(super) fn value_info(name: &str, tensor_type: &TensorType) -> ValueInfoProto {
    let side = |side: i64| DimensionProto { value: Some(Dimension::Value(side)), ..DimensionProto::default() };
    let dim = tensor::signed(&tensor_type.dims).into_iter().map(side).collect();
    let shape = Some(TensorShapeProto { dim });
    let value = Some(Type::Tensor(TensorTypeProto { elem_type: tensor_type.element, shape }));
    ValueInfoProto {
        name: name.to_owned(),
        r#type: Some(TypeProto { value, ..TypeProto::default() }),
        ..ValueInfoProto::default()
    }
}
