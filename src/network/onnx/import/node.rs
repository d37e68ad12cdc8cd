//! A node with what is known of its inputs, and what the readers of operators make of it.

use crate::network::onnx::OnnxError;
use crate::network::onnx::graph::name_of;
use crate::network::onnx::proto::{AttributeProto, NodeProto, TensorProto};
use crate::network::onnx::tensor::{self, Values};
use crate::network::{LayerKind, TensorId};

/// What is known of a tensor by its ONNX name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    /// Its element type.
    pub(super) element: i32,
    /// Its sides as ONNX has them, the batch among them.
    pub(super) dims: Vec<u64>,
    pub(super) source: Source,
}

/// Where a tensor comes from.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Source {
    /// It is the same in every run; its numbers, where they are few.
    Constant(Option<Values>),
    /// A layer or the network's input writes it, perhaps in another shape.
    Computed(TensorId),
}

impl Value {
    pub(super) fn is_constant(&self) -> bool {
        matches!(self.source, Source::Constant(_))
    }

    /// The network's tensor that it is, where it is computed.
    pub(super) fn computed(&self) -> Option<TensorId> {
        match self.source {
            Source::Computed(id) => Some(id),
            Source::Constant(_) => None,
        }
    }

    pub(super) fn values(&self) -> Option<&Values> {
        match &self.source {
            Source::Constant(values) => values.as_ref(),
            Source::Computed(_) => None,
        }
    }

    /// Number of elements; every value's was checked.
    pub(super) fn n_elements(&self) -> u64 {
        self.dims.iter().product()
    }
}

/// Type and sides of what a node puts out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Output {
    pub(super) element: i32,
    pub(super) dims: Vec<u64>,
}

/// What a node computes, what comes out and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Operation {
    pub(super) kind: LayerKind,
    pub(super) outputs: Vec<Output>,
    /// Multiply-accumulates.
    pub(super) macs: u64,
    /// Learnt parameters.
    pub(super) weights: u64,
}

/// What a node is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// Its input in another shape: no layer.
    View(Vec<u64>),
    /// A layer, unless all its inputs are constant.
    Layer(Operation),
}

/// A node and what is known of its inputs.
pub(super) struct Node<'a> {
    pub(super) proto: &'a NodeProto,
    /// One for each input; `None` for one that is left out.
    pub(super) inputs: Vec<Option<&'a Value>>,
    /// Version of the node's operators.
    pub(super) opset: i64,
}

impl<'a> Node<'a> {
    /// An error about this node.
    pub(super) fn error(&self, message: impl AsRef<str>) -> OnnxError {
        about(self.proto, message)
    }

    /// The input at `at`, which must be there.
    pub(super) fn input(&self, at: usize) -> Result<&'a Value, OnnxError> {
        self.optional(at).ok_or_else(|| self.error(format!("its input {at} is missing")))
    }

    /// The input at `at`.
    pub(super) fn optional(&self, at: usize) -> Option<&'a Value> {
        self.inputs.get(at).copied().flatten()
    }

    /// Inputs that are there.
    pub(super) fn present(&self) -> impl Iterator<Item = &'a Value> + '_ {
        self.inputs.iter().copied().flatten()
    }

    /// Elements of all constant inputs of more than one element: what is learnt, or as large.
    pub(super) fn constant_elements(&self) -> u64 {
        let constants = self.present().filter(|value| value.is_constant());
        constants.map(Value::n_elements).filter(|count| *count > 1).sum()
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a AttributeProto> {
        self.proto.attribute.iter().find(|attribute| attribute.name == name)
    }

    pub(super) fn int(&self, name: &str, default: i64) -> i64 {
        self.attribute(name).map_or(default, |attribute| attribute.i.unwrap_or_default())
    }

    pub(super) fn float(&self, name: &str, default: f64) -> f64 {
        self.attribute(name).map_or(default, |attribute| f64::from(attribute.f.unwrap_or_default()))
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.attribute(name).and_then(|attribute| str::from_utf8(attribute.s.as_deref()?).ok())
    }

    pub(super) fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|attribute| attribute.ints.as_slice())
    }

    pub(super) fn tensor(&self, name: &str) -> Option<&'a TensorProto> {
        self.attribute(name).and_then(|attribute| attribute.t.as_deref())
    }

    /// Whole numbers that old versions take as attribute `name` and new ones as the input at `at`; `None` where neither
    /// is there.
    pub(super) fn listed(&self, name: &str, at: usize) -> Result<Option<Vec<i64>>, OnnxError> {
        if let Some(values) = self.ints(name) {
            return Ok(Some(values.to_vec()));
        }
        let Some(value) = self.optional(at) else { return Ok(None) };
        let values = value.values().and_then(Values::whole);
        values.map(|values| Some(values.to_vec())).ok_or_else(|| {
            let input = self.proto.input.get(at).map_or("", String::as_str);
            self.error(format!("its shape depends on `{input}`, which is known only when it runs")).only_when_run()
        })
    }

    /// An axis of a tensor of `rank` sides, counted from its end where it is negative.
    pub(super) fn axis(&self, axis: i64, rank: usize) -> Result<usize, OnnxError> {
        let signed = i64::try_from(rank).unwrap_or(i64::MAX);
        let counted = if axis < 0 { axis + signed } else { axis };
        usize::try_from(counted)
            .ok()
            .filter(|counted| *counted < rank)
            .ok_or_else(|| self.error(format!("its axis {axis} is none of the {rank} of its tensor")))
    }

    /// Axes without repetition.
    pub(super) fn axes(&self, axes: &[i64], rank: usize) -> Result<Vec<usize>, OnnxError> {
        let mut found = axes.iter().map(|axis| self.axis(*axis, rank)).collect::<Result<Vec<_>, _>>()?;
        found.sort_unstable();
        found.dedup();
        if found.len() != axes.len() {
            return Err(self.error(format!("its axes {axes:?} name one twice")));
        }
        Ok(found)
    }

    /// The product of `factors` as a number of multiply-accumulates or parameters.
    pub(super) fn product(&self, factors: &[u64]) -> Result<u64, OnnxError> {
        let product = factors.iter().try_fold(1_u64, |product, factor| product.checked_mul(*factor));
        product.ok_or_else(|| self.error("it has more multiply-accumulates than can be counted"))
    }

    /// A side or a count that must not be negative.
    pub(super) fn side(&self, value: i64, what: &str) -> Result<u64, OnnxError> {
        u64::try_from(value).map_err(|_| self.error(format!("its {what} is {value}, it must not be negative")))
    }

    /// A layer of one output whose elements are of its first input's type.
    pub(super) fn layer(&self, kind: LayerKind, dims: Vec<u64>, macs: u64, weights: u64) -> Result<Meaning, OnnxError> {
        let element = self.input(0)?.element;
        Ok(Meaning::Layer(Operation { kind, outputs: vec![Output { element, dims }], macs, weights }))
    }
}

/// An error about a node, named as layers are.
pub(super) fn about(node: &NodeProto, message: impl AsRef<str>) -> OnnxError {
    OnnxError::new(format!("node `{}` ({}): {}", name_of(node), node.op_type, message.as_ref()))
}

/// Sides of two tensors that are made alike by repeating sides of 1 (ONNX, "Broadcasting").
pub(super) fn broadcast(one: &[u64], other: &[u64]) -> Option<Vec<u64>> {
    let rank = one.len().max(other.len());
    let side = |dims: &[u64], at: usize| (at + dims.len()).checked_sub(rank).map_or(1, |at| dims[at]);
    (0..rank)
        .map(|at| match (side(one, at), side(other, at)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        })
        .collect()
}

/// Whether sides are those of one image, or less, as Caffe's layers take it: batch 1, channels, rows and columns.
pub(super) fn is_image(dims: &[u64]) -> bool {
    dims.first() == Some(&1) && (2..=4).contains(&dims.len())
}

/// Whether sides can be a tensor's that is computed, and no side of it is 0.
pub(super) fn is_computable(dims: &[u64]) -> bool {
    tensor::n_elements(dims).is_some_and(|count| (1..=i32::MAX.unsigned_abs().into()).contains(&count))
}
