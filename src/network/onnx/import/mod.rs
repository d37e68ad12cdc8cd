//! From a model to a [`Network`]: nodes in the order in which they run, each a layer, a constant, another shape of what
//! it reads, or arithmetic on shapes that is done here once and for all.

mod fold;
mod inputs;
mod node;
mod operators;
mod pointwise;
mod product;
mod rearrange;
mod view;
mod window;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::graph::{self, initializers, name_of, reads};
use super::model::{self, Model, TensorType};
use super::proto::{GraphProto, ModelProto, NodeProto};
use super::{OnnxError, tensor};
use crate::network::{Activation, Layer, LayerKind, Network, Operator, OperatorClass, Shape, Tensor, TensorId};

use inputs::Declared;
pub use inputs::InputShape;
use node::{Meaning, Node, Operation, Output, Source, Value, about};

/// What a model's file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The network as the rest of the program sees it.
    pub network: Network,
    /// The model itself, with the nodes of each layer.
    pub model: Model,
    /// What was taken otherwise than the file says, or isn't understood, as sentences for people.
    pub notes: Vec<String>,
}

/// Most numbers of folded constants that are kept in all.
const MAX_FOLDED: usize = 1 << 20;

/// The network of a decoded model, whose inputs have `shapes` where they leave sides open.
pub(super) fn import(
    mut proto: ModelProto,
    name: &str,
    title: &str,
    shapes: &[InputShape],
) -> Result<Imported, OnnxError> {
    model::graph_of(&proto)?;
    let named_sides = inputs::give(proto.graph.get_or_insert_default(), shapes)?;
    let content_hash = model::content_hash(&proto);
    let graph = proto.graph.get_or_insert_default();
    graph::arrange(graph)?;
    let mut importer = Importer { named_sides, ..Importer::default() };
    importer.constants(graph)?;
    importer.inputs(graph)?;
    let opset = opset(&proto)?;
    let graph = model::graph_of(&proto)?;
    let walk = Walk::new(graph, opset, &importer.named_sides);
    for (idx, node) in graph.node.iter().enumerate() {
        importer.node(&walk, idx, node)?;
    }
    if importer.layers.is_empty() {
        return Err(OnnxError::new("the model holds no layers that compute anything"));
    }
    importer.say_what_is_unknown();
    let Importer { tensors, layers, layer_nodes, types, folded, mut notes, .. } = importer;
    let network = Network { name: name.to_owned(), title: title.to_owned(), content_hash, tensors, layers };
    let model = Model { proto, layer_nodes, types, folded };
    let files: Vec<String> = model.external_files()?.iter().map(|file| format!("`{}`", file.display())).collect();
    if !files.is_empty() {
        notes.push(format!("weights lie in {}, which only running it reads", files.join(", ")));
    }
    Ok(Imported { network, model, notes })
}

/// Version of ONNX's own operators.
fn opset(proto: &ModelProto) -> Result<i64, OnnxError> {
    if proto.opset_import.is_empty() {
        return Err(OnnxError::new("says no version of the operators (`opset_import`); is it cut short?"));
    }
    let own = proto.opset_import.iter().find(|opset| matches!(opset.domain.as_str(), "" | "ai.onnx"));
    Ok(own.map_or(1, |opset| opset.version))
}

/// What stays the same while nodes are read.
struct Walk<'g> {
    opset: i64,
    /// The nodes that read each tensor.
    readers: HashMap<&'g str, Vec<usize>>,
    outputs: HashSet<&'g str>,
    /// What the file says of tensors.
    declared: Declared<'g>,
    graph: &'g GraphProto,
}

impl<'g> Walk<'g> {
    fn new(graph: &'g GraphProto, opset: i64, named_sides: &HashMap<String, u64>) -> Self {
        let outputs = graph.output.iter().map(|output| output.name.as_str()).collect();
        let declared = Declared::new(graph, named_sides);
        Self { opset, readers: graph::readers(graph), outputs, declared, graph }
    }

    fn is_used(&self, name: &str) -> bool {
        !name.is_empty() && (self.readers.contains_key(name) || self.outputs.contains(name))
    }

    /// Whether all that read a tensor take it as it lies, so that they need not know that it was flattened before.
    fn only_flat_readers(&self, name: &str) -> bool {
        let takes = |reader: &usize| {
            const AS_IT_LIES: [&str; 8] =
                ["Gemm", "MatMul", "Dropout", "Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze"];
            AS_IT_LIES.contains(&self.graph.node[*reader].op_type.as_str())
        };
        self.readers.get(name).is_none_or(|readers| readers.iter().all(takes))
    }

    /// The only node that reads a tensor that doesn't leave the model.
    fn only_reader(&self, name: &str) -> Option<&'g NodeProto> {
        match self.readers.get(name).map(Vec::as_slice) {
            Some([reader]) if !self.outputs.contains(name) => self.graph.node.get(*reader),
            _ => None,
        }
    }
}

#[derive(Default)]
struct Importer {
    values: HashMap<String, Value>,
    tensors: Vec<Tensor>,
    layers: Vec<Layer>,
    layer_nodes: Vec<Vec<usize>>,
    layer_names: HashSet<String>,
    types: BTreeMap<String, TensorType>,
    folded: BTreeMap<String, super::proto::TensorProto>,
    n_folded: usize,
    /// Products with a number that wait for the sum that reads them: the number and the node.
    coefficients: HashMap<String, (f64, usize)>,
    /// Named sides whose size is known.
    named_sides: HashMap<String, u64>,
    unknown: BTreeMap<String, Vec<String>>,
    macs: u64,
    notes: Vec<String>,
}

impl Importer {
    fn constants(&mut self, graph: &GraphProto) -> Result<(), OnnxError> {
        for initializer in &graph.initializer {
            let dims = tensor::checked_dims(initializer);
            let dims = dims.map_err(|said| OnnxError::new(format!("initializer `{}` {said}", initializer.name)))?;
            let values = tensor::n_elements(&dims).and_then(|count| tensor::values(initializer, count));
            let value = Value { element: initializer.data_type, dims, source: Source::Constant(values) };
            self.values.insert(initializer.name.clone(), value);
        }
        for sparse in &graph.sparse_initializer {
            let Some(values) = &sparse.values else { continue };
            let dims = sparse.dims.iter().map(|side| u64::try_from(*side).ok()).collect::<Option<Vec<_>>>();
            let dims = dims.filter(|dims| tensor::n_elements(dims).is_some());
            let dims =
                dims.ok_or_else(|| OnnxError::new(format!("initializer `{}` has an impossible shape", values.name)))?;
            let value = Value { element: values.data_type, dims, source: Source::Constant(None) };
            self.values.insert(values.name.clone(), value);
        }
        Ok(())
    }

    /// The model's inputs; sides that are left open are settled in the model too.
    fn inputs(&mut self, graph: &mut GraphProto) -> Result<(), OnnxError> {
        let constant: HashSet<String> = initializers(graph).map(str::to_owned).collect();
        for input in graph.input.iter_mut().filter(|input| !constant.contains(&input.name)) {
            let Output { element, dims } = inputs::settle(input, &mut self.named_sides, &mut self.notes)?;
            let shape = folded_shape(&dims).ok_or_else(|| {
                OnnxError::new(format!("input `{}` of {dims:?} has no elements or too many", input.name))
            })?;
            let id = self.tensor(&input.name, shape, None);
            self.computed(&input.name, element, dims, id);
        }
        Ok(())
    }

    fn node(&mut self, walk: &Walk, idx: usize, proto: &NodeProto) -> Result<(), OnnxError> {
        match self.step(walk, proto)? {
            Step::Constant(outputs, values) => self.constant(proto, outputs, values),
            Step::Alias(outputs, id) => self.alias(walk, proto, outputs, id),
            Step::Layer(operation, bottoms) => {
                if let LayerKind::Operator(Operator { class: OperatorClass::Unknown, .. }) = operation.kind {
                    self.unknown.entry(proto.op_type.clone()).or_default().push(name_of(proto).to_owned());
                }
                if self.waits_for_its_sum(walk, idx, proto, &operation, &bottoms) {
                    return Ok(());
                }
                self.layer(walk, idx, proto, bottoms, operation)
            }
        }
    }

    /// What a node means for the network.
    fn step(&self, walk: &Walk, proto: &NodeProto) -> Result<Step, OnnxError> {
        let inputs = proto.input.iter().map(|name| self.values.get(name.as_str())).collect();
        let node = Node { proto, inputs, opset: walk.opset };
        let meaning = match operators::read(&node) {
            Ok(Some(meaning)) => meaning,
            Ok(None) => opaque(walk, &node)?,
            Err(error) if error.is_known_when_run() => opaque(walk, &node).map_err(|_| error)?,
            Err(error) => return Err(error),
        };
        let outputs = match &meaning {
            Meaning::View(dims) => vec![Output { element: node.input(0)?.element, dims: dims.clone() }],
            Meaning::Layer(operation) => operation.outputs.clone(),
        };
        let read: Vec<&Value> = reads(proto).into_iter().filter_map(|name| self.values.get(name)).collect();
        let settled = match proto.op_type.as_str() {
            // They look at the shape, or at the type, of what they read.
            "Shape" | "Size" => true,
            "CastLike" => node.input(0)?.is_constant(),
            _ => false,
        };
        if settled || read.iter().all(|value| value.is_constant()) {
            let values = outputs.iter().enumerate().map(|(at, output)| fold::fold(&node, at, output)).collect();
            return Ok(Step::Constant(outputs, values));
        }
        let bottoms = read.iter().filter_map(|value| value.computed()).collect();
        match meaning {
            Meaning::Layer(operation) => Ok(Step::Layer(operation, bottoms)),
            Meaning::View(dims) => {
                let shape = folded_shape(&dims);
                let of = node.input(0)?.computed();
                let flattens = dims.len() <= 2 && proto.output.first().is_some_and(|name| walk.only_flat_readers(name));
                let is_alias = |of: Shape| shape.is_some_and(|shape| shape == of || flattens && is_flat(shape));
                let alias = of.filter(|id| is_alias(self.tensors[id.0].shape));
                Ok(alias.map_or_else(
                    || Step::Layer(viewed(proto, outputs.clone()), bottoms),
                    |id| Step::Alias(outputs.clone(), id),
                ))
            }
        }
    }

    fn constant(
        &mut self,
        proto: &NodeProto,
        outputs: Vec<Output>,
        values: Vec<Option<tensor::Values>>,
    ) -> Result<(), OnnxError> {
        for ((name, Output { element, dims }), values) in proto.output.iter().zip(outputs).zip(values) {
            let n_elements = tensor::n_elements(&dims);
            let n_elements = n_elements.ok_or_else(|| about(proto, format!("its output of {dims:?} is too large")))?;
            let fits = |values: &tensor::Values| {
                values.len() as u64 == n_elements && self.n_folded + values.len() <= MAX_FOLDED
            };
            let values = values.filter(fits);
            if let Some(values) = &values {
                self.n_folded += values.len();
                self.folded.insert(name.clone(), tensor::of_values(name, element, &dims, values));
            }
            self.values.insert(name.clone(), Value { element, dims, source: Source::Constant(values) });
        }
        Ok(())
    }

    fn alias(&mut self, walk: &Walk, proto: &NodeProto, outputs: Vec<Output>, id: TensorId) -> Result<(), OnnxError> {
        if let Some(extra) = proto.output.iter().skip(1).find(|name| walk.is_used(name)) {
            return Err(about(proto, format!("its output `{extra}` can't be used")));
        }
        for (name, Output { element, dims }) in proto.output.iter().zip(outputs) {
            self.computed(name, element, dims, id);
        }
        Ok(())
    }

    /// Whether a product with one number belongs to the sum that alone reads it: that is Caffe's weighted sum.
    fn waits_for_its_sum(
        &mut self,
        walk: &Walk,
        idx: usize,
        proto: &NodeProto,
        operation: &Operation,
        bottoms: &[TensorId],
    ) -> bool {
        let LayerKind::Activation(Activation::Power { scale, .. }) = operation.kind else { return false };
        let (Some(name), [bottom], [output]) = (proto.output.first(), bottoms, operation.outputs.as_slice()) else {
            return false;
        };
        let is_sum = |reader: &NodeProto| reader.op_type == "Add" && matches!(reader.domain.as_str(), "" | "ai.onnx");
        if proto.op_type != "Mul" || !walk.only_reader(name).is_some_and(is_sum) {
            return false;
        }
        self.coefficients.insert(name.clone(), (scale, idx));
        self.computed(name, output.element, output.dims.clone(), *bottom);
        true
    }

    /// Gives a sum the coefficients that waited for it; returns their nodes.
    fn take_coefficients(&mut self, proto: &NodeProto, kind: &mut LayerKind) -> Vec<usize> {
        let taken: Vec<_> = proto.input.iter().map(|name| self.coefficients.remove(name)).collect();
        let factors = taken.iter().map(|taken| taken.map_or(1.0, |(factor, _)| factor));
        let nodes: Vec<usize> = taken.iter().flatten().map(|(_, node)| *node).collect();
        if !nodes.is_empty() {
            match kind {
                LayerKind::Eltwise(eltwise) => eltwise.coefficients = factors.collect(),
                LayerKind::Activation(Activation::Power { scale, .. }) => *scale *= factors.product::<f64>(),
                _ => {}
            }
        }
        nodes
    }

    fn layer(
        &mut self,
        walk: &Walk,
        idx: usize,
        proto: &NodeProto,
        bottoms: Vec<TensorId>,
        operation: Operation,
    ) -> Result<(), OnnxError> {
        let Operation { mut kind, outputs, macs, weights } = operation;
        let mut nodes = self.take_coefficients(proto, &mut kind);
        nodes.push(idx);
        self.macs = self
            .macs
            .checked_add(macs)
            .ok_or_else(|| OnnxError::new("the model has more multiply-accumulates than can be counted"))?;
        let layer = self.layers.len();
        let mut tops = Vec::new();
        for (at, name) in proto.output.iter().enumerate().filter(|(_, name)| walk.is_used(name)) {
            let Some(Output { element, dims }) = outputs.get(at) else {
                return Err(about(proto, format!("its output `{name}` can't be used")));
            };
            let shape = folded_shape(dims)
                .ok_or_else(|| about(proto, format!("its output `{name}` of {dims:?} has no elements or too many")))?;
            let id = self.tensor(name, shape, Some(layer));
            self.computed(name, *element, dims.clone(), id);
            tops.push(id);
        }
        let name = self.layer_name(proto);
        self.layers.push(Layer { name, kind, bottoms, tops, macs, weights });
        self.layer_nodes.push(nodes);
        Ok(())
    }

    /// A name that no other layer has: the node's, with its output's where several nodes are called the same.
    fn layer_name(&mut self, proto: &NodeProto) -> String {
        let mut name = name_of(proto).to_owned();
        while !self.layer_names.insert(name.clone()) {
            name = format!("{name} -> {}", graph::writes(proto).next().unwrap_or_default());
        }
        name
    }

    fn tensor(&mut self, name: &str, shape: Shape, producer: Option<usize>) -> TensorId {
        self.tensors.push(Tensor { name: name.to_owned(), shape, producer });
        TensorId(self.tensors.len() - 1)
    }

    fn computed(&mut self, name: &str, element: i32, dims: Vec<u64>, id: TensorId) {
        self.types.insert(name.to_owned(), TensorType { element, dims: dims.clone() });
        self.values.insert(name.to_owned(), Value { element, dims, source: Source::Computed(id) });
    }

    fn say_what_is_unknown(&mut self) {
        for (operator, nodes) in std::mem::take(&mut self.unknown) {
            let of = if nodes.len() == 1 { format!("node `{}`", nodes[0]) } else { format!("{} nodes", nodes.len()) };
            let note = format!(
                "operator `{operator}` of {of} isn't known: it counts by the size of its tensors, and no DLA runs it"
            );
            self.notes.push(note);
        }
    }
}

/// What a node means for the network.
enum Step {
    /// Its outputs are always the same, some with known numbers.
    Constant(Vec<Output>, Vec<Option<tensor::Values>>),
    /// Its output is another shape of a tensor.
    Alias(Vec<Output>, TensorId),
    /// It is a layer that reads these tensors.
    Layer(Operation, Vec<TensorId>),
}

/// An operator of which only the shapes that the file declares are known.
fn opaque(walk: &Walk, node: &Node) -> Result<Meaning, OnnxError> {
    let output = |name: &String| {
        if !walk.is_used(name) {
            return Ok(Output { element: 0, dims: vec![1] });
        }
        walk.declared.output(name)?.ok_or_else(|| {
            let how = "let `onnx.shape_inference` or `python -m onnxruntime.tools.symbolic_shape_infer` add it";
            about(node.proto, format!("nothing tells the shape of its output `{name}`; {how}"))
        })
    };
    let outputs = node.proto.output.iter().map(output).collect::<Result<Vec<_>, _>>()?;
    let kind = LayerKind::Operator(Operator { name: node.proto.op_type.clone(), class: OperatorClass::Unknown });
    Ok(Meaning::Layer(Operation { kind, outputs, macs: 0, weights: node.constant_elements() }))
}

/// A change of shape as a layer.
fn viewed(proto: &NodeProto, outputs: Vec<Output>) -> Operation {
    let kind = LayerKind::Operator(Operator { name: proto.op_type.clone(), class: OperatorClass::View });
    Operation { kind, outputs, macs: 0, weights: 0 }
}

/// Whether a shape is that of a fully connected layer's input.
fn is_flat(shape: Shape) -> bool {
    (shape.height, shape.width) == (1, 1)
}

/// Sides as channels, height and width: the batch goes where it is 1, what is missing is 1, and what is too much
/// multiplies the channels. `None` for a tensor without elements, or with more than 2^31 - 1.
fn folded_shape(dims: &[u64]) -> Option<Shape> {
    tensor::n_elements(dims)?;
    let [channels, height, width] = match *dims {
        [] => [1, 1, 1],
        [channels] | [1, channels] => [channels, 1, 1],
        [channels, height] | [1, channels, height] => [channels, height, 1],
        [channels, height, width] => [channels, height, width],
        [ref others @ .., height, width] => [others.iter().product(), height, width],
    };
    Shape::checked(channels, height, width)
}
