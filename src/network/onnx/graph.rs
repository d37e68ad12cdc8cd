//! A graph's names: who writes and who reads each tensor, and an order in which the nodes can run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::OnnxError;
use super::proto::{GraphProto, NodeProto};
use crate::network::nearest;

/// Most nodes of a graph; the largest models have some ten thousand.
const MAX_NODES: usize = 1 << 17;

/// Every tensor that a node reads: its inputs, and what its subgraphs take from outside.
pub(super) fn reads(node: &NodeProto) -> Vec<&str> {
    let inputs = node.input.iter().map(String::as_str).filter(|name| !name.is_empty());
    let subgraphs =
        node.attribute.iter().flat_map(|attribute| attribute.g.as_deref().into_iter().chain(&attribute.graphs));
    inputs.chain(subgraphs.flat_map(captured)).collect()
}

/// Tensors that a node writes.
pub(super) fn writes(node: &NodeProto) -> impl Iterator<Item = &str> {
    node.output.iter().map(String::as_str).filter(|name| !name.is_empty())
}

/// A node's name, or that of its first output where it has none.
pub(super) fn name_of(node: &NodeProto) -> &str {
    if !node.name.is_empty() {
        return &node.name;
    }
    node.output.iter().map(String::as_str).find(|output| !output.is_empty()).unwrap_or("")
}

/// Names that a subgraph reads and doesn't define.
fn captured(graph: &GraphProto) -> Vec<&str> {
    let defined: HashSet<&str> = given(graph).chain(graph.node.iter().flat_map(writes)).collect();
    let outputs = graph.output.iter().map(|output| output.name.as_str());
    graph.node.iter().flat_map(reads).chain(outputs).filter(|name| !defined.contains(name)).collect()
}

/// Names of initializers and inputs; one that is both stands here twice.
fn given(graph: &GraphProto) -> impl Iterator<Item = &str> {
    initializers(graph).chain(graph.input.iter().map(|input| input.name.as_str()))
}

/// Names of initializers, sparse ones among them.
pub(super) fn initializers(graph: &GraphProto) -> impl Iterator<Item = &str> {
    let dense = graph.initializer.iter().map(|tensor| tensor.name.as_str());
    dense.chain(graph.sparse_initializer.iter().filter_map(|tensor| Some(tensor.values.as_ref()?.name.as_str())))
}

/// The node that writes each tensor.
pub(super) fn producers(graph: &GraphProto) -> HashMap<&str, usize> {
    let written = graph.node.iter().enumerate().flat_map(|(idx, node)| writes(node).map(move |name| (name, idx)));
    written.collect()
}

/// How often each tensor is read by nodes, and whether it leaves the graph.
pub(super) fn readers(graph: &GraphProto) -> HashMap<&str, Vec<usize>> {
    let mut readers: HashMap<&str, Vec<usize>> = HashMap::new();
    for (idx, node) in graph.node.iter().enumerate() {
        for name in reads(node) {
            readers.entry(name).or_default().push(idx);
        }
    }
    readers
}

/// Puts the nodes in an order in which each runs after those that it reads from, the file's where that is one, and
/// leaves out those that no output of the graph needs.
///
/// # Errors
/// A tensor that two write or nobody, and nodes that wait for each other in a circle.
pub(super) fn arrange(graph: &mut GraphProto) -> Result<(), OnnxError> {
    if graph.node.len() > MAX_NODES {
        return Err(OnnxError::new(format!("has {} nodes, more than {MAX_NODES}", graph.node.len())));
    }
    check_names(graph)?;
    let needed = needed(graph);
    let order = order(graph)?;
    let mut nodes: Vec<Option<NodeProto>> = std::mem::take(&mut graph.node).into_iter().map(Some).collect();
    graph.node = order.into_iter().filter(|idx| needed[*idx]).filter_map(|idx| nodes[idx].take()).collect();
    Ok(())
}

fn check_names(graph: &GraphProto) -> Result<(), OnnxError> {
    let mut written: HashMap<&str, String> = HashMap::new();
    for name in initializers(graph) {
        if written.insert(name, "an initializer".to_owned()).is_some() {
            return Err(OnnxError::new(format!("two initializers are called `{name}`")));
        }
    }
    let mut inputs = HashSet::new();
    for input in &graph.input {
        if !inputs.insert(input.name.as_str()) {
            return Err(OnnxError::new(format!("two inputs are called `{}`", input.name)));
        }
        written.entry(&input.name).or_insert_with(|| "an input".to_owned());
    }
    for node in &graph.node {
        let writer = format!("node `{}` ({})", name_of(node), node.op_type);
        for name in writes(node) {
            if let Some(first) = written.insert(name, writer.clone()) {
                return Err(OnnxError::new(format!("{writer} writes `{name}`, which is written by {first} already")));
            }
        }
    }
    let outputs = graph.output.iter().map(|output| ("the model's outputs", output.name.as_str()));
    let nodes = graph.node.iter().flat_map(|node| reads(node).into_iter().map(|name| (name_of(node), name)));
    match outputs.chain(nodes).find(|(_, name)| !written.contains_key(name)) {
        None => Ok(()),
        Some((reader, name)) => {
            let hint = nearest::did_you_mean(name, written.keys().copied());
            let message =
                format!("`{reader}` reads `{name}`, which is no initializer, no input and written by no node{hint}");
            Err(OnnxError::new(message))
        }
    }
}

/// Whether an output depends on each node.
fn needed(graph: &GraphProto) -> Vec<bool> {
    let producers = producers(graph);
    let mut needed = vec![false; graph.node.len()];
    let mut open: Vec<&str> = graph.output.iter().map(|output| output.name.as_str()).collect();
    while let Some(name) = open.pop() {
        let Some(&idx) = producers.get(name) else { continue };
        if !std::mem::replace(&mut needed[idx], true) {
            open.extend(reads(&graph.node[idx]));
        }
    }
    needed
}

/// Kahn's order, the earliest node of the file first among those that can run.
fn order(graph: &GraphProto) -> Result<Vec<usize>, OnnxError> {
    let producers = producers(graph);
    let mut followers: Vec<Vec<usize>> = vec![Vec::new(); graph.node.len()];
    let mut n_waiting = vec![0_usize; graph.node.len()];
    for (idx, node) in graph.node.iter().enumerate() {
        for producer in reads(node).into_iter().filter_map(|name| producers.get(name)) {
            followers[*producer].push(idx);
            n_waiting[idx] += 1;
        }
    }
    let free = n_waiting.iter().enumerate().filter(|(_, count)| **count == 0);
    let mut free: BinaryHeap<Reverse<usize>> = free.map(|(idx, _)| Reverse(idx)).collect();
    let mut order = Vec::with_capacity(graph.node.len());
    while let Some(Reverse(idx)) = free.pop() {
        order.push(idx);
        for &follower in &followers[idx] {
            n_waiting[follower] -= 1;
            if n_waiting[follower] == 0 {
                free.push(Reverse(follower));
            }
        }
    }
    match n_waiting.iter().position(|count| *count > 0) {
        None => Ok(order),
        Some(idx) => {
            let node = &graph.node[idx];
            let name = name_of(node);
            Err(OnnxError::new(format!(
                "node `{name}` ({}) waits for its own output, through a circle of nodes",
                node.op_type
            )))
        }
    }
}
