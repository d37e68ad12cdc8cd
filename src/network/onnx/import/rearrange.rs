//! Operators that move, pick, repeat or reduce elements.

use super::node::{Meaning, Node, Operation, Output, is_image};
use crate::network::onnx::OnnxError;
use crate::network::onnx::element;
use crate::network::onnx::tensor::{self, Values};
use crate::network::{LayerKind, Operator, OperatorClass, Rearrangement};

fn operator(node: &Node) -> LayerKind {
    LayerKind::Operator(Operator { name: node.proto.op_type.clone(), class: OperatorClass::Rearrangement })
}

fn rearranged(node: &Node, dims: Vec<u64>) -> Result<Meaning, OnnxError> {
    node.layer(operator(node), dims, 0, 0)
}

/// A layer whose elements are of `element`'s type.
fn of_type(node: &Node, element: i32, dims: Vec<u64>) -> Meaning {
    Meaning::Layer(Operation { kind: operator(node), outputs: vec![Output { element, dims }], macs: 0, weights: 0 })
}

/// Concatenation along an axis; along the channels of one image it is Caffe's.
pub(super) fn concat(node: &Node) -> Result<Meaning, OnnxError> {
    let first = node.input(0)?;
    let axis = node.axis(node.int("axis", 1), first.dims.len())?;
    let mut dims = first.dims.clone();
    for value in node.present().skip(1) {
        let fits = value.dims.len() == dims.len();
        if !fits || (0..dims.len()).any(|at| at != axis && dims[at] != value.dims[at]) {
            let message = format!("its inputs {:?} and {:?} differ beside axis {axis}", first.dims, value.dims);
            return Err(node.error(message));
        }
        dims[axis] = dims[axis].saturating_add(value.dims[axis]);
    }
    let plain = axis == 1 && is_image(&dims) && node.present().all(|value| !value.is_constant());
    let kind = if plain { LayerKind::Concat } else { operator(node) };
    node.layer(kind, dims, 0, node.constant_elements())
}

/// Parts along an axis.
pub(super) fn split(node: &Node) -> Result<Meaning, OnnxError> {
    let input = node.input(0)?;
    let axis = node.axis(node.int("axis", 0), input.dims.len())?;
    let side = input.dims[axis];
    let parts = if let Some(parts) = node.listed("split", 1)? {
        parts.iter().map(|part| node.side(*part, "part")).collect::<Result<Vec<_>, _>>()?
    } else {
        let n_parts = node.proto.output.len() as u64;
        let part = side.div_ceil(n_parts.max(1));
        (0..n_parts).map(|at| part.min(side.saturating_sub(at.saturating_mul(part)))).collect()
    };
    let sum = parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
    if sum != Some(side) || parts.len() != node.proto.output.len() {
        let n_outputs = node.proto.output.len();
        return Err(node.error(format!("its parts {parts:?} don't make {side} in {n_outputs} outputs")));
    }
    let output = |part: &u64| {
        let mut dims = input.dims.clone();
        dims[axis] = *part;
        Output { element: input.element, dims }
    };
    let outputs = parts.iter().map(output).collect();
    Ok(Meaning::Layer(Operation { kind: operator(node), outputs, macs: 0, weights: 0 }))
}

/// First element, number of elements and step of a slice along each axis.
pub(super) fn slices(node: &Node) -> Result<Vec<[i64; 3]>, OnnxError> {
    let dims = &node.input(0)?.dims;
    let missing = |what: &str| node.error(format!("its `{what}` are missing"));
    let starts = node.listed("starts", 1)?.ok_or_else(|| missing("starts"))?;
    let ends = node.listed("ends", 2)?.ok_or_else(|| missing("ends"))?;
    let rank = i64::try_from(starts.len()).unwrap_or(i64::MAX);
    let axes = node.listed("axes", 3)?.unwrap_or_else(|| (0..rank).collect());
    let steps = node.listed("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(node.error("its starts, ends, axes and steps are of different numbers"));
    }
    let mut slices: Vec<[i64; 3]> = tensor::signed(dims).into_iter().map(|side| [0, side, 1]).collect();
    for at in 0..starts.len() {
        let along = node.axis(axes[at], dims.len())?;
        slices[along] = slice(i64::try_from(dims[along]).unwrap_or(i64::MAX), starts[at], ends[at], steps[at])
            .ok_or_else(|| node.error("its step is 0"))?;
    }
    Ok(slices)
}

/// ONNX counts from the end below 0, and holds both ends to the tensor.
fn slice(side: i64, start: i64, end: i64, step: i64) -> Option<[i64; 3]> {
    let counted = |at: i64| if at < 0 { at.saturating_add(side) } else { at };
    let (low, high) = if step > 0 { (0, side) } else { (-1, side - 1) };
    let first = counted(start).clamp(low.max(0), high.max(0));
    let last = if step < 0 && end < -side { -1 } else { counted(end).clamp(low, high) };
    let span = if step > 0 { last - first } else { first - last };
    let step_size = step.checked_abs().filter(|size| *size > 0)?;
    let count = if span <= 0 || side == 0 { 0 } else { (span - 1) / step_size + 1 };
    Some([first, count, step])
}

/// A part of every axis.
pub(super) fn slice_of(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = slices(node)?.iter().map(|[_, count, _]| count.unsigned_abs()).collect();
    rearranged(node, dims)
}

/// Elements of an axis by their numbers. Of a constant table, only what is picked is read.
pub(super) fn gather(node: &Node) -> Result<Meaning, OnnxError> {
    let [data, indices] = [node.input(0)?, node.input(1)?];
    let axis = node.axis(node.int("axis", 0), data.dims.len())?;
    let dims = [&data.dims[..axis], &indices.dims, &data.dims[axis + 1..]].concat();
    let picked = tensor::n_elements(&dims).unwrap_or(0);
    let weights = if data.is_constant() { picked } else { 0 };
    node.layer(operator(node), dims, 0, weights)
}

/// The order in which a transposition names the axes of its input.
pub(super) fn order(node: &Node) -> Result<Vec<usize>, OnnxError> {
    let dims = &node.input(0)?.dims;
    let order = match node.ints("perm") {
        None | Some([]) => (0..dims.len()).rev().collect(),
        Some(order) => order.iter().map(|axis| node.axis(*axis, dims.len())).collect::<Result<Vec<_>, _>>()?,
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..dims.len()) {
        return Err(node.error(format!("its `perm` must name each of its {} axes once", dims.len())));
    }
    Ok(order)
}

/// Axes in another order; those of one image, behind the batch, are Caffe's permutation.
pub(super) fn transpose(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let order = order(node)?;
    let moved: Vec<u64> = order.iter().map(|axis| dims[*axis]).collect();
    // Where only sides of 1 change places, no element moves.
    let long: Vec<usize> = order.iter().copied().filter(|axis| dims[*axis] != 1).collect();
    match *order {
        _ if long.is_sorted() => Ok(Meaning::View(moved)),
        [0, first, second, third] if is_image(dims) => {
            let order = [first as u64, second as u64, third as u64];
            node.layer(LayerKind::Rearrange(Rearrangement::Permute { order }), moved, 0, 0)
        }
        _ => rearranged(node, moved),
    }
}

/// Elements around every axis.
pub(super) fn pad(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let pads = node.listed("pads", 1)?.ok_or_else(|| node.error("its `pads` are missing"))?;
    let axes = match node.listed("axes", 3)? {
        Some(axes) => axes.iter().map(|axis| node.axis(*axis, dims.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..dims.len()).collect(),
    };
    if pads.len() != 2 * axes.len() {
        return Err(node.error(format!("its `pads` are {}, it must have {}", pads.len(), 2 * axes.len())));
    }
    let mut padded = tensor::signed(dims);
    for (at, axis) in axes.iter().enumerate() {
        padded[*axis] = padded[*axis].saturating_add(pads[at]).saturating_add(pads[at + axes.len()]);
    }
    let padded = padded.iter().map(|side| node.side(*side, "output's side")).collect::<Result<_, _>>()?;
    rearranged(node, padded)
}

/// Rows and columns in another number, by a wanted size or by factors.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and a shape is checked")]
pub(super) fn resize(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let modern = node.proto.op_type == "Resize" && node.opset >= 11;
    let axes = match node.ints("axes") {
        Some(axes) => axes.iter().map(|axis| node.axis(*axis, dims.len())).collect::<Result<Vec<_>, _>>()?,
        None => (0..dims.len()).collect(),
    };
    let sizes = if modern { node.optional(3).filter(|sizes| sizes.n_elements() > 0) } else { None };
    let scales = node.optional(if modern { 2 } else { 1 });
    let scales = match node.attribute("scales") {
        Some(attribute) => Some(Values::Real(attribute.floats.iter().map(|scale| f64::from(*scale)).collect())),
        None => scales.and_then(|scales| scales.values().cloned()),
    };
    let mut resized = dims.clone();
    if let Some(sizes) = sizes {
        let sizes = sizes.values().and_then(Values::whole).filter(|sizes| sizes.len() == axes.len());
        let sizes = sizes.ok_or_else(|| node.error("its size is known only when it runs").only_when_run())?;
        for (axis, size) in axes.iter().zip(sizes) {
            resized[*axis] = node.side(*size, "size")?;
        }
    } else {
        let scales = scales.filter(|scales| scales.len() == axes.len());
        let scales = scales.ok_or_else(|| node.error("its scales are known only when it runs").only_when_run())?;
        for (axis, scale) in axes.iter().zip(scales.real()) {
            resized[*axis] = (dims[*axis] as f64 * scale).floor() as u64;
        }
    }
    rearranged(node, resized)
}

/// One tensor repeated to a wanted shape.
pub(super) fn expand(node: &Node) -> Result<Meaning, OnnxError> {
    let shape = node.listed("shape", 1)?.ok_or_else(|| node.error("its `shape` is missing"))?;
    let shape = shape.iter().map(|side| node.side(*side, "shape")).collect::<Result<Vec<_>, _>>()?;
    let dims = &node.input(0)?.dims;
    let wide = super::node::broadcast(dims, &shape);
    let wide = wide.ok_or_else(|| node.error(format!("its input {dims:?} can't be repeated to {shape:?}")))?;
    if wide == *dims { Ok(Meaning::View(wide)) } else { rearranged(node, wide) }
}

/// One tensor repeated so many times along each axis.
pub(super) fn tile(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let repeats = node.listed("repeats", 1)?.filter(|repeats| repeats.len() == dims.len());
    let repeats = repeats.ok_or_else(|| node.error("its `repeats` must be one a side"))?;
    let side = |(side, repeat): (&u64, &i64)| node.side(*repeat, "repeats").map(|repeat| side.saturating_mul(repeat));
    let dims = dims.iter().zip(&repeats).map(side).collect::<Result<_, _>>()?;
    rearranged(node, dims)
}

/// Axes reduced to one element each; all where none is named, unless the node says that none means none.
pub(super) fn reduce(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let axes = node.listed("axes", 1)?.unwrap_or_default();
    let axes = match (axes.is_empty(), node.int("noop_with_empty_axes", 0)) {
        (true, 0) => (0..dims.len()).collect(),
        _ => node.axes(&axes, dims.len())?,
    };
    let keep = node.int("keepdims", 1) != 0;
    let kind = reduction(node, dims, &axes).filter(|_| keep).unwrap_or_else(|| operator(node));
    node.layer(kind, reduced(dims, &axes, keep), 0, 0)
}

/// The sum or the mean of all axes of one image from one on, which is Caffe's reduction.
fn reduction(node: &Node, dims: &[u64], axes: &[usize]) -> Option<LayerKind> {
    let mean = match node.proto.op_type.as_str() {
        "ReduceMean" => true,
        "ReduceSum" => false,
        _ => return None,
    };
    let first = *axes.first().filter(|first| **first > 0)?;
    let to_the_end = is_image(dims) && dims.len() == 4 && axes.iter().copied().eq(first..4);
    to_the_end.then_some(LayerKind::Rearrange(Rearrangement::Reduction { axis: first as u64, mean }))
}

fn reduced(dims: &[u64], axes: &[usize], keep: bool) -> Vec<u64> {
    let side = |(axis, side): (usize, &u64)| match (axes.contains(&axis), keep) {
        (false, _) => Some(*side),
        (true, true) => Some(1),
        (true, false) => None,
    };
    dims.iter().enumerate().filter_map(side).collect()
}

/// One tensor with some of its elements replaced.
pub(super) fn scatter(node: &Node) -> Result<Meaning, OnnxError> {
    rearranged(node, node.input(0)?.dims.clone())
}

/// Where along an axis the largest or smallest element is.
pub(super) fn arg(node: &Node) -> Result<Meaning, OnnxError> {
    let dims = &node.input(0)?.dims;
    let axis = node.axis(node.int("axis", 0), dims.len())?;
    Ok(of_type(node, element::INT64, reduced(dims, &[axis], node.int("keepdims", 1) != 0)))
}

/// Blocks of rows and columns become channels, or channels blocks.
pub(super) fn blocks(node: &Node) -> Result<Meaning, OnnxError> {
    let block = node.side(node.int("blocksize", 0), "blocksize")?.clamp(0, 1 << 20);
    let [batch, channels, rows, columns] = *node.input(0)?.dims.as_slice() else {
        return Err(node.error("its input must have batch, channels, rows and columns"));
    };
    let unfit = || node.error(format!("its `blocksize` {block} doesn't divide its input"));
    let divided = |side: u64, by: u64| if by > 0 && side.is_multiple_of(by) { Ok(side / by) } else { Err(unfit()) };
    let dims = if node.proto.op_type == "DepthToSpace" {
        vec![batch, divided(channels, block * block)?, rows.saturating_mul(block), columns.saturating_mul(block)]
    } else {
        vec![batch, channels.saturating_mul(block * block), divided(rows, block)?, divided(columns, block)?]
    };
    rearranged(node, dims)
}
