//! What a file declares of its tensors: types and sides, some of them only by name.

use std::collections::HashMap;

use super::node::{Output, is_computable};
use crate::network::onnx::OnnxError;
use crate::network::onnx::proto::{Dimension, GraphProto, Type, TypeProto, ValueInfoProto};

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

/// Type and sides of an input. An open batch is taken as 1, also in the model; any other open side is refused.
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
    let rank = shape.dim.len();
    let mut dims = Vec::with_capacity(rank);
    for (at, dimension) in shape.dim.iter_mut().enumerate() {
        let known = match &dimension.value {
            Some(Dimension::Value(side)) if *side > 0 => u64::try_from(*side).ok(),
            Some(Dimension::Name(side)) => named_sides.get(side).copied(),
            _ => None,
        };
        let side = match (known, &dimension.value) {
            (Some(side), _) => side,
            (None, open) if at == 0 && rank > 1 => {
                if let Some(Dimension::Name(side)) = open {
                    named_sides.insert(side.clone(), 1);
                }
                notes.push(format!("the open batch of input `{name}` is taken as 1"));
                1
            }
            (None, open) => {
                let called = match open {
                    Some(Dimension::Name(side)) => format!("`{side}`"),
                    Some(Dimension::Value(side)) => side.to_string(),
                    None => "open".to_owned(),
                };
                return Err(OnnxError::new(format!(
                    "side {at} of input `{name}` is {called}, and must be a number; {FIX}"
                )));
            }
        };
        dimension.value = Some(Dimension::Value(i64::try_from(side).unwrap_or(i64::MAX)));
        dims.push(side);
    }
    if rank > 3 && dims[0] > 1 {
        notes.push(format!("input `{name}` keeps its batch of {}", dims[0]));
    }
    Ok(Output { element: tensor.elem_type, dims })
}

const FIX: &str = "`python -m onnxruntime.tools.make_dynamic_shape_fixed` fixes it";
