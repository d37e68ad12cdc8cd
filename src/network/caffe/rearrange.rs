//! Layers that only rearrange, pick or reduce their input's elements.

use super::definition::RawLayer;
use super::operation::{Operation, output};
use crate::network::{LayerKind, NetworkError, Rearrangement, Shape};

fn rearranged(rearrangement: Rearrangement, shape: Shape) -> Operation {
    Operation::light(LayerKind::Rearrange(rearrangement), shape, 0)
}

/// Concatenation along the channels.
pub(super) fn concat(layer: &RawLayer, inputs: &[Shape]) -> Result<Operation, NetworkError> {
    let block = layer.parameters("concat_param", &["axis", "concat_dim"])?;
    block.channel_axis("axis")?;
    block.channel_axis("concat_dim")?;
    let Some(first) = inputs.first() else { return Err(layer.error("it has no `bottom`")) };
    let differs = |input: &Shape| (input.height, input.width) != (first.height, first.width);
    if let Some(at) = inputs.iter().position(differs) {
        let (blob, other) = (layer.bottoms[at], layer.bottoms[0].name);
        let message =
            format!("blob `{}` is {}, but `{other}` is {first}: only their channels may differ", blob.name, inputs[at]);
        return Err(layer.block.error(blob.position, &message));
    }
    let channels = inputs.iter().map(|input| input.channels).sum();
    Ok(Operation::light(LayerKind::Concat, output(layer, channels, first.height, first.width)?, 0))
}

/// The rows and columns of the first blob cut to the second one's.
pub(super) fn crop(layer: &RawLayer, inputs: &[Shape]) -> Result<Operation, NetworkError> {
    let block = layer.parameters("crop_param", &["axis", "offset"])?;
    let [input, wanted] = *inputs else {
        return Err(layer.error(&format!("it has {} `bottom`, it must have two", inputs.len())));
    };
    if !matches!(block.signed_or("axis", 2)?, 2 | -2) {
        return Err(block.error(block.position, "`axis` must be 2: only rows and columns can be cropped"));
    }
    let offsets = block.all("offset").map(|field| block.unsigned(field)).collect::<Result<Vec<_>, _>>()?;
    let [rows, columns] = match offsets[..] {
        [] => [0, 0],
        [both] => [both, both],
        [rows, columns] => [rows, columns],
        _ => return Err(block.error(block.position, "`offset` must stand at most twice: for rows and for columns")),
    };
    if rows + wanted.height > input.height || columns + wanted.width > input.width {
        let message = format!("{wanted} at row {rows}, column {columns} reaches beyond its input of {input}");
        return Err(block.error(block.position, &message));
    }
    let cropped = output(layer, input.channels, wanted.height, wanted.width)?;
    Ok(rearranged(Rearrangement::Crop { offset: [rows, columns] }, cropped))
}

/// Channels, rows and columns in another order; the batch stays first.
pub(super) fn permute(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("permute_param", &["order"])?;
    let order = block.all("order").map(|field| block.unsigned(field)).collect::<Result<Vec<_>, _>>()?;
    let mut sorted = order.clone();
    sorted.sort_unstable();
    let [0, first, second, third] = order[..] else {
        return Err(block.error(block.position, "`order` must name 4 axes, and 0 (the batch) first"));
    };
    if sorted != [0, 1, 2, 3] {
        return Err(block.error(block.position, "`order` must name each of the axes 0 to 3 once"));
    }
    let side = |axis| match axis {
        1 => input.channels,
        2 => input.height,
        _ => input.width,
    };
    let permuted = output(layer, side(first), side(second), side(third))?;
    Ok(rearranged(Rearrangement::Permute { order: [first, second, third] }, permuted))
}

/// Everything from `axis` on is reduced to one element. Only what TensorRT runs as one layer is accepted.
pub(super) fn reduction(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("reduction_param", &["operation", "axis", "coeff"])?;
    let mean = block.choice("operation", &[("SUM", "1", false), ("MEAN", "4", true)], false)?;
    if let Some(field) = block.single("coeff")? {
        return Err(block.error(field.position, "`coeff` can't be run: TensorRT makes two layers of it"));
    }
    let axis = block.signed_or("axis", 0)?;
    let first = usize::try_from(if axis < 0 { axis + 4 } else { axis }).unwrap_or(0);
    if !(1..4).contains(&first) {
        return Err(block.error(block.position, &format!("`axis` is {axis}, it must be 1, 2 or 3")));
    }
    let mut sides = dims(input);
    sides[first - 1..].fill(1);
    let reduced = output(layer, sides[0], sides[1], sides[2])?;
    Ok(rearranged(Rearrangement::Reduction { axis: first as u64, mean }, reduced))
}

/// The same elements in another shape; 0 keeps a side and one -1 takes what is left.
pub(super) fn reshape(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("reshape_param", &["shape", "axis", "num_axes"])?;
    if block.signed_or("axis", 0)? != 0 || block.signed_or("num_axes", -1)? != -1 {
        return Err(block.error(block.position, "only a reshape of all axes can be run"));
    }
    let shape = block.message("shape")?;
    shape.allow(&["dim"])?;
    let wanted = shape.all("dim").map(|field| shape.signed(field)).collect::<Result<Vec<_>, _>>()?;
    if !(2..=4).contains(&wanted.len()) || wanted[0] != 0 {
        let message = "`shape` must have 2 to 4 `dim`, of which the first (the batch) is 0";
        return Err(shape.error(shape.position, message));
    }
    let sides = reshaped(dims(input), &wanted[1..])
        .ok_or_else(|| shape.error(shape.position, &format!("its input of {input} does not fit the wanted `shape`")))?;
    Ok(rearranged(Rearrangement::Reshape, output(layer, sides[0], sides[1], sides[2])?))
}

/// The new sides, where their product is that of the old ones.
fn reshaped(old: [u64; 3], wanted: &[i64]) -> Option<[u64; 3]> {
    let n_elements: u64 = old.iter().product();
    let mut sides = [1; 3];
    let mut inferred = None;
    for (index, side) in wanted.iter().enumerate() {
        match side {
            0 => sides[index] = old[index],
            -1 if inferred.is_none() => inferred = Some(index),
            _ => sides[index] = u64::try_from(*side).ok()?,
        }
    }
    let known = sides.iter().try_fold(1_u64, |product, side| product.checked_mul(*side))?;
    if let Some(index) = inferred {
        sides[index] = n_elements.checked_div(known)?;
    }
    let product = sides.iter().try_fold(1_u64, |product, side| product.checked_mul(*side))?;
    (product == n_elements).then_some(sides)
}

fn dims(shape: Shape) -> [u64; 3] {
    [shape.channels, shape.height, shape.width]
}
