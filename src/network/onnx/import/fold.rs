//! Arithmetic on shapes, done at import: exporters write shapes as small graphs of their own.

use super::node::{Node, Output, Value};
use super::rearrange;
use crate::network::onnx::element;
use crate::network::onnx::tensor::{self, MAX_VALUES, Values};

/// The numbers of the output at `at`, where the inputs' are known and the operator is one of those that shapes are made
/// with; `Shape` and `Size` need only the input's shape.
pub(super) fn fold(node: &Node, at: usize, output: &Output) -> Option<Values> {
    if tensor::n_elements(&output.dims)? > MAX_VALUES {
        return None;
    }
    let input = node.optional(0);
    let values = || input.and_then(Value::values);
    match node.proto.op_type.as_str() {
        "Constant" => constant(node, output),
        "Shape" => Some(Values::Whole(tensor::signed(&input?.dims[shape_part(node, input?.dims.len())]))),
        "Size" => Some(Values::Whole(vec![i64::try_from(input?.n_elements()).ok()?])),
        "Identity" | "Dropout" | "Reshape" | "Flatten" | "Squeeze" | "Unsqueeze" => values().cloned(),
        "Cast" | "CastLike" => cast(values()?, output.element),
        "Range" => range(node),
        "ConstantOfShape" => repeated(node, output),
        "Expand" => pick(values()?, &broadcast_places(&input?.dims, &output.dims)),
        "Gather" => gather(node, output),
        "Slice" => pick(values()?, &slice_places(node, output)?),
        "Split" => pick(values()?, &split_places(node, at, output)?),
        "Transpose" => pick(values()?, &transpose_places(node, output)?),
        "Concat" => concat(node, output),
        "Where" => choose(node, output),
        "ReduceProd" if output.dims.iter().product::<u64>() == 1 => {
            let product = values()?.whole()?.iter().try_fold(1_i64, |product, value| product.checked_mul(*value))?;
            Some(Values::Whole(vec![product]))
        }
        name @ ("Neg" | "Floor" | "Ceil" | "Abs" | "Sqrt" | "Not") => unary(name, values()?),
        name => binary(node, name, output),
    }
}

/// Which sides `Shape` tells, by its attributes.
pub(super) fn shape_part(node: &Node, rank: usize) -> std::ops::Range<usize> {
    let signed = i64::try_from(rank).unwrap_or(i64::MAX);
    let counted = |at: i64| {
        let at = if at < 0 { at.saturating_add(signed) } else { at };
        usize::try_from(at.clamp(0, signed)).unwrap_or(0)
    };
    let start = counted(node.int("start", 0));
    start..counted(node.int("end", signed)).max(start)
}

fn constant(node: &Node, output: &Output) -> Option<Values> {
    let attribute = node.proto.attribute.first()?;
    match attribute.name.as_str() {
        "value" => tensor::values(attribute.t.as_deref()?, tensor::n_elements(&output.dims)?),
        "value_int" => Some(Values::Whole(vec![attribute.i?])),
        "value_ints" => Some(Values::Whole(attribute.ints.clone())),
        "value_float" => Some(Values::Real(vec![attribute.f?.into()])),
        "value_floats" => Some(Values::Real(attribute.floats.iter().map(|value| f64::from(*value)).collect())),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, as a conversion here may")]
fn cast(values: &Values, to: i32) -> Option<Values> {
    match (to, values) {
        (element::FLOAT | element::DOUBLE, values) => Some(Values::Real(values.real())),
        (element::INT64 | element::INT32, Values::Whole(values)) => Some(Values::Whole(values.clone())),
        (element::INT64 | element::INT32, Values::Real(values)) => {
            Some(Values::Whole(values.iter().map(|value| *value as i64).collect()))
        }
        (element::BOOL, values) => Some(Values::Whole(values.real().iter().map(|v| i64::from(*v != 0.0)).collect())),
        _ => None,
    }
}

fn range(node: &Node) -> Option<Values> {
    let [start, limit, step] = range_ends(node)?;
    let count = range_count(start, limit, step)?;
    Some(Values::Whole((0..i64::try_from(count).ok()?).map(|at| start + at * step).collect()))
}

fn range_ends(node: &Node) -> Option<[i64; 3]> {
    let number = |at: usize| node.optional(at)?.values()?.whole()?.first().copied();
    Some([number(0)?, number(1)?, number(2)?])
}

fn range_count(start: i64, limit: i64, step: i64) -> Option<u64> {
    let span = if step > 0 { limit.checked_sub(start)? } else { start.checked_sub(limit)? };
    Some(span.max(0).unsigned_abs().div_ceil(step.checked_abs().filter(|step| *step > 0)?.unsigned_abs()))
}

/// How many numbers a `Range` has, where its ends are known.
pub(super) fn range_length(node: &Node) -> Option<u64> {
    let [start, limit, step] = range_ends(node)?;
    range_count(start, limit, step)
}

fn repeated(node: &Node, output: &Output) -> Option<Values> {
    let count = usize::try_from(tensor::n_elements(&output.dims)?).ok()?;
    match node.tensor("value").map(|value| tensor::values(value, 1)) {
        None => Some(Values::Real(vec![0.0; count])),
        Some(Some(Values::Real(values))) => Some(Values::Real(vec![*values.first()?; count])),
        Some(Some(Values::Whole(values))) => Some(Values::Whole(vec![*values.first()?; count])),
        Some(None) => None,
    }
}

/// The elements at `places`.
fn pick(values: &Values, places: &[usize]) -> Option<Values> {
    match values {
        Values::Whole(values) => {
            places.iter().map(|at| values.get(*at).copied()).collect::<Option<_>>().map(Values::Whole)
        }
        Values::Real(values) => {
            places.iter().map(|at| values.get(*at).copied()).collect::<Option<_>>().map(Values::Real)
        }
    }
}

/// Every position in a tensor, in order.
fn positions(dims: &[u64]) -> Vec<Vec<u64>> {
    let count = dims.iter().product::<u64>();
    let position = |mut at: u64| {
        let mut position = vec![0; dims.len()];
        for axis in (0..dims.len()).rev() {
            position[axis] = at % dims[axis];
            at /= dims[axis];
        }
        position
    };
    (0..count).map(position).collect()
}

/// Where the element at a position lies.
fn place(dims: &[u64], position: &[u64]) -> usize {
    let place = dims.iter().zip(position).fold(0, |place, (side, at)| place * side + at);
    usize::try_from(place).unwrap_or(usize::MAX)
}

/// For each element of a wider tensor, where in a narrower one it comes from.
fn broadcast_places(from: &[u64], to: &[u64]) -> Vec<usize> {
    let missing = to.len().saturating_sub(from.len());
    let source = |position: Vec<u64>| {
        let at = from.iter().zip(&position[missing..]).map(|(side, at)| if *side == 1 { 0 } else { *at });
        place(from, &at.collect::<Vec<_>>())
    };
    positions(to).into_iter().map(source).collect()
}

fn gather(node: &Node, output: &Output) -> Option<Values> {
    let [data, indices] = [node.optional(0)?, node.optional(1)?];
    let axis = node.axis(node.int("axis", 0), data.dims.len()).ok()?;
    let chosen = indices.values()?.whole()?;
    let side = i64::try_from(data.dims[axis]).ok()?;
    let source = |position: Vec<u64>| {
        let (before, rest) = position.split_at(axis);
        let (of_index, after) = rest.split_at(indices.dims.len());
        let index = *chosen.get(place(&indices.dims, of_index))?;
        let index = u64::try_from(if index < 0 { index.checked_add(side)? } else { index }).ok()?;
        (index < data.dims[axis]).then(|| place(&data.dims, &[before, &[index], after].concat()))
    };
    let places = positions(&output.dims).into_iter().map(source).collect::<Option<Vec<_>>>()?;
    pick(data.values()?, &places)
}

fn slice_places(node: &Node, output: &Output) -> Option<Vec<usize>> {
    let dims = &node.optional(0)?.dims;
    let slices = rearrange::slices(node).ok()?;
    let source = |position: Vec<u64>| {
        let at = |(at, [first, _, step]): (&u64, &[i64; 3])| {
            u64::try_from(first.checked_add(i64::try_from(*at).ok()?.checked_mul(*step)?)?).ok()
        };
        Some(place(dims, &position.iter().zip(&slices).map(at).collect::<Option<Vec<_>>>()?))
    };
    positions(&output.dims).into_iter().map(source).collect()
}

fn split_places(node: &Node, at: usize, output: &Output) -> Option<Vec<usize>> {
    let input = node.optional(0)?;
    let axis = node.axis(node.int("axis", 0), input.dims.len()).ok()?;
    let parts = match node.listed("split", 1).ok()? {
        Some(parts) => parts.iter().map(|part| u64::try_from(*part).ok()).collect::<Option<Vec<_>>>()?,
        None => vec![input.dims[axis].div_ceil(node.proto.output.len() as u64); at],
    };
    let before: u64 = parts.iter().take(at).sum();
    let source = |mut position: Vec<u64>| {
        position[axis] += before;
        place(&input.dims, &position)
    };
    Some(positions(&output.dims).into_iter().map(source).collect())
}

fn transpose_places(node: &Node, output: &Output) -> Option<Vec<usize>> {
    let dims = &node.optional(0)?.dims;
    let order = rearrange::order(node).ok()?;
    let source = |position: Vec<u64>| {
        let mut moved = vec![0; dims.len()];
        order.iter().zip(position).for_each(|(axis, at)| moved[*axis] = at);
        place(dims, &moved)
    };
    Some(positions(&output.dims).into_iter().map(source).collect())
}

fn concat(node: &Node, output: &Output) -> Option<Values> {
    let inputs: Vec<&Value> = node.present().collect();
    let axis = node.axis(node.int("axis", 1), output.dims.len()).ok()?;
    let source = |mut position: Vec<u64>| {
        for (at, value) in inputs.iter().enumerate() {
            let side = *value.dims.get(axis)?;
            if position[axis] < side {
                return Some((at, place(&value.dims, &position)));
            }
            position[axis] -= side;
        }
        None
    };
    let places = positions(&output.dims).into_iter().map(source).collect::<Option<Vec<_>>>()?;
    let values = inputs.iter().map(|value| value.values()).collect::<Option<Vec<_>>>()?;
    if let Some(wholes) = values.iter().map(|values| values.whole()).collect::<Option<Vec<_>>>() {
        return places
            .iter()
            .map(|(at, place)| wholes[*at].get(*place).copied())
            .collect::<Option<_>>()
            .map(Values::Whole);
    }
    let reals: Vec<Vec<f64>> = values.iter().map(|values| values.real()).collect();
    places.iter().map(|(at, place)| reals[*at].get(*place).copied()).collect::<Option<_>>().map(Values::Real)
}

fn choose(node: &Node, output: &Output) -> Option<Values> {
    let wide = |at: usize| {
        let value = node.optional(at)?;
        pick(value.values()?, &broadcast_places(&value.dims, &output.dims))
    };
    let [condition, then, otherwise] = [wide(0)?, wide(1)?, wide(2)?];
    let condition = condition.whole()?.to_vec();
    let chosen = |at: usize, is_true: i64| if is_true != 0 { (&then, at) } else { (&otherwise, at) };
    let picked = condition.iter().enumerate().map(|(at, is_true)| {
        let (values, at) = chosen(at, *is_true);
        values.whole().and_then(|values| values.get(at).copied())
    });
    picked.collect::<Option<_>>().map(Values::Whole)
}

fn unary(name: &str, values: &Values) -> Option<Values> {
    match (name, values) {
        ("Neg", Values::Whole(values)) => {
            values.iter().map(|v| v.checked_neg()).collect::<Option<_>>().map(Values::Whole)
        }
        ("Abs", Values::Whole(values)) => {
            values.iter().map(|v| v.checked_abs()).collect::<Option<_>>().map(Values::Whole)
        }
        ("Not", Values::Whole(values)) => Some(Values::Whole(values.iter().map(|v| i64::from(*v == 0)).collect())),
        ("Floor" | "Ceil" | "Sqrt" | "Neg" | "Abs", Values::Real(values)) => {
            let function: fn(f64) -> f64 = match name {
                "Floor" => f64::floor,
                "Ceil" => f64::ceil,
                "Sqrt" => f64::sqrt,
                "Neg" => |value| -value,
                _ => f64::abs,
            };
            Some(Values::Real(values.iter().map(|value| function(*value)).collect()))
        }
        _ => None,
    }
}

fn binary(node: &Node, name: &str, output: &Output) -> Option<Values> {
    let [Some(one), Some(other)] = node.inputs[..] else { return None };
    let wide = |value: &Value| pick(value.values()?, &broadcast_places(&value.dims, &output.dims));
    match (wide(one)?, wide(other)?) {
        (Values::Whole(one), Values::Whole(other)) => {
            one.iter().zip(&other).map(|(a, b)| whole(name, *a, *b)).collect::<Option<_>>().map(Values::Whole)
        }
        (Values::Real(one), Values::Real(other)) => {
            let real: fn(f64, f64) -> f64 = match name {
                "Add" => |a, b| a + b,
                "Sub" => |a, b| a - b,
                "Mul" => |a, b| a * b,
                "Div" => |a, b| a / b,
                "Pow" => f64::powf,
                "Min" => f64::min,
                "Max" => f64::max,
                _ => return None,
            };
            Some(Values::Real(one.iter().zip(&other).map(|(a, b)| real(*a, *b)).collect()))
        }
        _ => None,
    }
}

fn whole(name: &str, a: i64, b: i64) -> Option<i64> {
    match name {
        "Add" => a.checked_add(b),
        "Sub" => a.checked_sub(b),
        "Mul" => a.checked_mul(b),
        "Div" => a.checked_div(b),
        "Mod" => a.checked_rem_euclid(b),
        "Min" => Some(a.min(b)),
        "Max" => Some(a.max(b)),
        "Equal" => Some(i64::from(a == b)),
        "Less" => Some(i64::from(a < b)),
        "LessOrEqual" => Some(i64::from(a <= b)),
        "Greater" => Some(i64::from(a > b)),
        "GreaterOrEqual" => Some(i64::from(a >= b)),
        "And" => Some(i64::from(a != 0 && b != 0)),
        "Or" => Some(i64::from(a != 0 || b != 0)),
        _ => None,
    }
}
