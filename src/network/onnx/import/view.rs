//! Operators that give a tensor another shape and move no element.

use super::node::{Meaning, Node};
use crate::network::onnx::OnnxError;

/// The same elements in a wanted shape: 0 keeps a side, one -1 takes what is left.
pub(super) fn reshape(node: &Node) -> Result<Meaning, OnnxError> {
    let input = node.input(0)?;
    let wanted = node.listed("shape", 1)?.ok_or_else(|| node.error("its `shape` is missing"))?;
    let unfit = || node.error(format!("its input {:?} doesn't fit the wanted shape {wanted:?}", input.dims));
    let keeps_zeros = node.int("allowzero", 0) != 0;
    let mut dims = Vec::with_capacity(wanted.len());
    let mut inferred = None;
    for (at, side) in wanted.iter().enumerate() {
        match side {
            0 if !keeps_zeros => dims.push(*input.dims.get(at).ok_or_else(unfit)?),
            -1 if inferred.is_none() => {
                inferred = Some(at);
                dims.push(1);
            }
            side => dims.push(u64::try_from(*side).map_err(|_| unfit())?),
        }
    }
    let known = node.product(&dims)?;
    if let Some(at) = inferred {
        dims[at] = input.n_elements().checked_div(known).ok_or_else(unfit)?;
    }
    if node.product(&dims)? != input.n_elements() {
        return Err(unfit());
    }
    Ok(Meaning::View(dims))
}

/// A matrix: the sides before an axis, and those from it on.
pub(super) fn flatten(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let axis = match node.int("axis", 1) {
        axis if usize::try_from(axis) == Ok(dims.len()) => dims.len(),
        axis => node.axis(axis, dims.len())?,
    };
    Ok(Meaning::View(vec![dims[..axis].iter().product(), dims[axis..].iter().product()]))
}

/// Without the sides of 1 that are named, or without all of them.
pub(super) fn squeeze(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let axes = match node.listed("axes", 1)? {
        Some(axes) => node.axes(&axes, dims.len())?,
        None => (0..dims.len()).filter(|axis| dims[*axis] == 1).collect(),
    };
    if let Some(axis) = axes.iter().find(|axis| dims[**axis] != 1) {
        return Err(node.error(format!("it drops axis {axis}, whose side is {}", dims[*axis])));
    }
    let kept = dims.iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    Ok(Meaning::View(kept.map(|(_, side)| *side).collect()))
}

/// With sides of 1 at the axes that are named, counted in the output.
pub(super) fn unsqueeze(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let axes = node.listed("axes", 1)?.ok_or_else(|| node.error("its `axes` are missing"))?;
    let rank = dims.len() + axes.len();
    let axes = node.axes(&axes, rank)?;
    let mut sides = dims.iter();
    let mut side = |axis: usize| if axes.contains(&axis) { Some(1) } else { sides.next().copied() };
    Ok(Meaning::View((0..rank).filter_map(&mut side).collect()))
}

/// What it reads.
pub(super) fn same(node: &Node) -> Result<Meaning, OnnxError> {
    Ok(Meaning::View(node.input(0)?.dims.clone()))
}
