//! What a file declares of its tensors: types and sides, some of them only by name.

use std::collections::{HashMap, HashSet};

use super::node::{Output, is_computable};
use crate::network::onnx::OnnxError;
use crate::network::onnx::graph::initializers;
use crate::network::onnx::proto::{
    Dimension, DimensionProto, GraphProto, TensorShapeProto, Type, TypeProto, ValueInfoProto,
};

/// The types that a graph declares for the tensors inside it and for its outputs.
pub(super) struct Declared<'g> {
    types: HashMap<&'g str, &'g TypeProto>,
    named_sides: HashMap<String, u64>,
}

impl<'g> Declared<'g> {
    pub(super) fn new(graph: &'g GraphProto, named_sides: &HashMap<String, u64>) -> Self {
        let infos = graph.output.iter().chain(&graph.value_info);
        let types = infos.filter_map(|info| Some((info.name.as_str(), info.r#type.as_ref()?))).collect();
        Self { types, named_sides: named_sides.clone() }
    }

    /// Type and sides of a tensor, where the file tells them all.
    pub(super) fn output(&self, name: &str) -> Result<Option<Output>, OnnxError> {
        let Some(Type::Tensor(tensor)) = self.types.get(name).and_then(|declared| declared.value.as_ref()) else {
            return Ok(None);
        };
        let Some(shape) = &tensor.shape else { return Ok(None) };
        let side = |dimension: &Option<Dimension>| match dimension {
            Some(Dimension::Value(side)) => u64::try_from(*side).ok(),
            Some(Dimension::Name(name)) => self.named_sides.get(name).copied(),
            None => None,
        };
        let Some(dims) = shape.dim.iter().map(|dim| side(&dim.value)).collect::<Option<Vec<_>>>() else {
            return Ok(None);
        };
        if !is_computable(&dims) {
            return Err(OnnxError::new(format!("the declared shape {dims:?} of `{name}` is none of a tensor")));
        }
        Ok(Some(Output { element: tensor.elem_type, dims }))
    }
}

/// Sides that an input is to have, where its file leaves some open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputShape {
    /// Name of the input.
    pub input: String,
    /// All its sides, the batch among them.
    pub sides: Vec<u64>,
}

/// Puts `shapes` into the model's inputs; returns which named sides are known by that.
///
/// # Errors
/// An input that the model doesn't have, another number of sides, a side other than one that the file tells, and one name for
/// two sides.
pub(super) fn give(graph: &mut GraphProto, shapes: &[InputShape]) -> Result<HashMap<String, u64>, OnnxError> {
    let constant: HashSet<String> = initializers(graph).map(str::to_owned).collect();
    let names: Vec<String> = graph.input.iter().map(|input| input.name.clone()).collect();
    let names: Vec<String> = names.into_iter().filter(|name| !constant.contains(name)).collect();
    let mut named_sides = HashMap::new();
    for wanted in shapes {
        let input = graph.input.iter_mut().find(|input| input.name == wanted.input && names.contains(&input.name));
        let Some(input) = input else {
            let known: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            return Err(OnnxError::new(format!("has no input `{}`; it has {}", wanted.input, known.join(", "))));
        };
        give_one(input, wanted, &mut named_sides)?;
    }
    Ok(named_sides)
}

fn give_one(
    input: &mut ValueInfoProto,
    wanted: &InputShape,
    named_sides: &mut HashMap<String, u64>,
) -> Result<(), OnnxError> {
    let InputShape { input: name, sides } = wanted;
    let Some(Type::Tensor(tensor)) = input.r#type.as_mut().and_then(|declared| declared.value.as_mut()) else {
        return Err(OnnxError::new(format!("input `{name}` is no tensor")));
    };
    let open = || TensorShapeProto { dim: vec![DimensionProto::default(); sides.len()] };
    let shape = tensor.shape.get_or_insert_with(open);
    if shape.dim.len() != sides.len() {
        let message = format!("input `{name}` has {} sides, {} has {}", shape.dim.len(), text_of(sides), sides.len());
        return Err(OnnxError::new(message));
    }
    for (at, (dimension, side)) in shape.dim.iter_mut().zip(sides).enumerate() {
        let named = match &dimension.value {
            Some(Dimension::Name(symbol)) => named_sides.insert(symbol.clone(), *side),
            _ => None,
        };
        if let Some(other) = known(dimension).or(named).filter(|known| known != side) {
            return Err(OnnxError::new(format!("side {at} of input `{name}` is {other}, it can't be {side}")));
        }
        dimension.value = Some(Dimension::Value(i64::try_from(*side).unwrap_or(i64::MAX)));
    }
    Ok(())
}

/// A side that the file tells.
fn known(dimension: &DimensionProto) -> Option<u64> {
    match dimension.value {
        Some(Dimension::Value(side)) if side > 0 => u64::try_from(side).ok(),
        _ => None,
    }
}

/// Sides as people write them: `1x3x224x224`.
fn text_of(sides: &[u64]) -> String {
    sides.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

/// Rows and columns of an image whose file leaves them open: those that classifiers are usually made for.
const USUAL_IMAGE: u64 = 224;

/// Tokens of a sequence whose file leaves their number open.
const USUAL_SEQUENCE: u64 = 128;

const BATCH: &str = "batch";

/// What an open side is taken as, by what it usually is: the batch, rows and columns of an image whose channels come first or
/// last, and the tokens of a sequence.
fn usual(at: usize, shape: &TensorShapeProto) -> Option<(&'static str, u64)> {
    let is_channels = |dimension: &DimensionProto| known(dimension).is_some_and(|side| matches!(side, 1 | 3 | 4));
    match (shape.dim.as_slice(), at) {
        ([_, _, ..], 0) => Some((BATCH, 1)),
        ([_, rows, _, last], 1 | 2) if known(rows).is_none() && is_channels(last) => {
            Some((["rows", "columns"][at - 1], USUAL_IMAGE))
        }
        ([_, first, _, _], 2 | 3) if known(first).is_some() => Some((["rows", "columns"][at - 2], USUAL_IMAGE)),
        ([_, _] | [_, _, _], 1) => Some(("tokens", USUAL_SEQUENCE)),
        _ => None,
    }
}

/// Type and sides of an input. Open sides are taken as what they usually are, also in the model.
///
/// # Errors
/// An open side of which that can't be said.
pub(super) fn settle(
    input: &mut ValueInfoProto,
    named_sides: &mut HashMap<String, u64>,
    notes: &mut Vec<String>,
) -> Result<Output, OnnxError> {
    let name = input.name.clone();
    let Some(Type::Tensor(tensor)) = input.r#type.as_mut().and_then(|declared| declared.value.as_mut()) else {
        return Err(OnnxError::new(format!("input `{name}` is no tensor")));
    };
    let Some(shape) = &mut tensor.shape else {
        return Err(OnnxError::new(format!("input `{name}` has no shape; {FIX}")));
    };
    let mut dims = Vec::with_capacity(shape.dim.len());
    let mut taken = Vec::new();
    for (at, dimension) in shape.dim.iter().enumerate() {
        let symbol = match &dimension.value {
            Some(Dimension::Name(symbol)) if !symbol.is_empty() => Some(symbol),
            _ => None,
        };
        let settled = known(dimension).or_else(|| symbol.and_then(|symbol| named_sides.get(symbol).copied()));
        let side = if let Some(side) = settled {
            side
        } else {
            let (what, side) = usual(at, shape).ok_or_else(|| open_side(&name, at, dimension))?;
            taken.push((what, side));
            side
        };
        named_sides.extend(symbol.map(|symbol| (symbol.clone(), side)));
        dims.push(side);
    }
    for (dimension, side) in shape.dim.iter_mut().zip(&dims) {
        dimension.value = Some(Dimension::Value(i64::try_from(*side).unwrap_or(i64::MAX)));
    }
    notes.extend(remarks(&name, &dims, &taken));
    Ok(Output { element: tensor.elem_type, dims })
}

/// What is to be said of an input of `dims`, whose open sides were taken as `taken`.
fn remarks(name: &str, dims: &[u64], taken: &[(&str, u64)]) -> Vec<String> {
    let (batches, others): (Vec<_>, Vec<_>) = taken.iter().partition(|(what, _)| *what == BATCH);
    let mut remarks = Vec::new();
    if !batches.is_empty() {
        remarks.push(format!("the open batch of input `{name}` is taken as 1"));
    }
    if !others.is_empty() {
        let others: Vec<String> = others.iter().map(|(what, side)| format!("{side} {what}")).collect();
        let other_sides = format!("`haxconn export --shapes {name}:{}` writes a model of others", text_of(dims));
        remarks.push(format!(
            "input `{name}` is taken with {}, which it leaves open; {other_sides}",
            others.join(" and ")
        ));
    }
    if dims.len() > 3 && dims[0] > 1 {
        remarks.push(format!("input `{name}` keeps its batch of {}", dims[0]));
    }
    remarks
}

fn open_side(name: &str, at: usize, dimension: &DimensionProto) -> OnnxError {
    let called = match &dimension.value {
        Some(Dimension::Name(side)) => format!("`{side}`"),
        Some(Dimension::Value(side)) => side.to_string(),
        None => "open".to_owned(),
    };
    OnnxError::new(format!("side {at} of input `{name}` is {called}, and must be a number; {FIX}"))
}

const FIX: &str = "`haxconn export --shapes NAME:1x3x224x224` writes a model in which all are";
