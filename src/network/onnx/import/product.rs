//! Matrix products.

use super::node::{Meaning, Node, broadcast};
use crate::network::onnx::OnnxError;
use crate::network::{InnerProduct, LayerKind, Operator, OperatorClass};

/// `alpha * A * B + beta * C` of two matrices.
pub(super) fn gemm(node: &Node) -> Result<Meaning, OnnxError> {
    let [rows, inner] = matrix(node, 0, "transA")?;
    let [of_weights, num_output] = matrix(node, 1, "transB")?;
    if inner != of_weights {
        return Err(node.error(format!("it multiplies rows of {inner} with columns of {of_weights}")));
    }
    let macs = node.product(&[rows, inner, num_output])?;
    let bias = node.optional(2).is_some();
    let plain = node.int("transA", 0) == 0 && node.inputs.iter().skip(1).flatten().all(|value| value.is_constant());
    let kind =
        if rows == 1 && plain { LayerKind::InnerProduct(InnerProduct { num_output, bias }) } else { product(node) };
    node.layer(kind, vec![rows, num_output], macs, node.constant_elements())
}

fn matrix(node: &Node, at: usize, transposed: &str) -> Result<[u64; 2], OnnxError> {
    match *node.input(at)?.dims.as_slice() {
        [rows, columns] if node.int(transposed, 0) != 0 => Ok([columns, rows]),
        [rows, columns] => Ok([rows, columns]),
        ref dims => Err(node.error(format!("its input {at} is {dims:?}, it must be a matrix"))),
    }
}

/// The product of the last two sides, the others broadcast; a tensor of one side is a row or a column.
pub(super) fn matmul(node: &Node) -> Result<Meaning, OnnxError> {
    let [left, right] = [node.input(0)?, node.input(1)?];
    let mismatch = || node.error(format!("it multiplies {:?} with {:?}, which don't fit", left.dims, right.dims));
    let (left_dims, is_row) = match left.dims.as_slice() {
        [] => return Err(mismatch()),
        [inner] => (vec![1, *inner], true),
        dims => (dims.to_vec(), false),
    };
    let (right_dims, is_column) = match right.dims.as_slice() {
        [] => return Err(mismatch()),
        [inner] => (vec![*inner, 1], true),
        dims => (dims.to_vec(), false),
    };
    let (left_batch, [rows, inner]) = split(&left_dims);
    let (right_batch, [of_right, columns]) = split(&right_dims);
    if inner != of_right {
        return Err(mismatch());
    }
    let batch = broadcast(left_batch, right_batch).ok_or_else(mismatch)?;
    let n_rows = node.product(&[batch.as_slice(), &[rows]].concat())?;
    let macs = node.product(&[n_rows, inner, columns])?;
    let mut dims = batch;
    dims.extend((!is_row).then_some(rows));
    dims.extend((!is_column).then_some(columns));
    let kind = if n_rows == 1 && left.dims.len() <= 2 && right.is_constant() {
        LayerKind::InnerProduct(InnerProduct { num_output: columns, bias: false })
    } else {
        product(node)
    };
    node.layer(kind, dims, macs, node.constant_elements())
}

/// All sides but the last two, and those.
fn split(dims: &[u64]) -> (&[u64], [u64; 2]) {
    match dims {
        [batch @ .., rows, columns] => (batch, [*rows, *columns]),
        _ => (&[], [1, 1]),
    }
}

fn product(node: &Node) -> LayerKind {
    LayerKind::Operator(Operator { name: node.proto.op_type.clone(), class: OperatorClass::Product })
}
