//! Operators that slide a window: convolution, transposed convolution and pooling.

use super::node::{Meaning, Node, Value};
use crate::network::onnx::OnnxError;
use crate::network::{Convolution, LayerKind, Operator, OperatorClass, Pooling, PoolingMethod, Window};

/// The window of a node on the sides of its input after batch and channels.
struct Sliding {
    kernel: Vec<u64>,
    stride: Vec<u64>,
    dilation: Vec<u64>,
    /// Padding before and after, by axis; empty where `auto_pad` decides.
    pads: Vec<[u64; 2]>,
    same: Option<Same>,
}

/// `auto_pad` by which the output is as large as the input divided by the stride: where an odd padding goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Same {
    Upper,
    Lower,
}

impl Sliding {
    fn read(node: &Node, kernel: Vec<u64>) -> Result<Self, OnnxError> {
        let rank = kernel.len();
        let stride = positive(node, "strides", rank)?;
        let dilation = positive(node, "dilations", rank)?;
        let pads = node.ints("pads").map_or_else(|| Ok(vec![0; 2 * rank]), |pads| sides(node, pads, "padding"))?;
        if pads.len() != 2 * rank {
            return Err(node.error(format!("its `pads` are {}, it must have {}", pads.len(), 2 * rank)));
        }
        let same = match node.text("auto_pad").unwrap_or("NOTSET") {
            "NOTSET" | "VALID" => None,
            "SAME_UPPER" => Some(Same::Upper),
            "SAME_LOWER" => Some(Same::Lower),
            other => return Err(node.error(format!("its `auto_pad` `{other}` is unknown"))),
        };
        let pads = (0..rank).map(|axis| [pads[axis], pads[axis + rank]]).collect();
        Ok(Self { kernel, stride, dilation, pads, same })
    }

    /// Rows that the kernel covers along an axis.
    fn extent(&self, axis: usize) -> Option<u64> {
        self.dilation[axis].checked_mul(self.kernel[axis] - 1)?.checked_add(1)
    }

    /// Sets what `auto_pad` means for an input.
    fn pad_for(&mut self, input: &[u64], extents: &[u64]) {
        let Some(same) = self.same else { return };
        for axis in 0..input.len() {
            let windows = input[axis].div_ceil(self.stride[axis]);
            let end = windows.saturating_sub(1).saturating_mul(self.stride[axis]).saturating_add(extents[axis]);
            let total = end.saturating_sub(input[axis]);
            let small = total / 2;
            self.pads[axis] = if same == Same::Upper { [small, total - small] } else { [total - small, small] };
        }
    }

    /// How many windows fit along each axis.
    fn windows(&mut self, node: &Node, input: &[u64], ceil: bool) -> Result<Vec<u64>, OnnxError> {
        let too_large = || node.error("its window is larger than can be counted");
        let extents: Vec<u64> =
            (0..input.len()).map(|axis| self.extent(axis).ok_or_else(too_large)).collect::<Result<_, _>>()?;
        self.pad_for(input, &extents);
        (0..input.len())
            .map(|axis| {
                let [before, after] = self.pads[axis];
                let padded = input[axis].checked_add(before).and_then(|sum| sum.checked_add(after));
                let padded = padded.ok_or_else(too_large)?;
                let Some(span) = padded.checked_sub(extents[axis]) else {
                    let message =
                        format!("its window of {} is larger than its padded input of {padded}", extents[axis]);
                    return Err(node.error(message));
                };
                let stride = self.stride[axis];
                let windows = if ceil { span.div_ceil(stride) } else { span / stride } + 1;
                // A last window that would begin in the padding after the input is none.
                let begins_beyond = ceil && (windows - 1) * stride >= input[axis] + before;
                Ok(windows - u64::from(begins_beyond && windows > 1))
            })
            .collect()
    }

    /// The same with rows and columns, where it has one or two axes.
    fn planar(&self) -> Option<(Window, [u64; 2])> {
        let two = |values: &[u64], fill: u64| match *values {
            [rows] => Some([rows, fill]),
            [rows, columns] => Some([rows, columns]),
            _ => None,
        };
        let [before, after] = [0, 1].map(|end| self.pads.iter().map(|pads| pads[end]).collect::<Vec<_>>());
        let window = Window {
            kernel: two(&self.kernel, 1)?,
            stride: two(&self.stride, 1)?,
            pad: two(&before, 0)?,
            dilation: two(&self.dilation, 1)?,
        };
        Some((window, two(&after, 0)?))
    }
}

/// Counts of a window; 31 bits hold them, so that sums and products of two can't overflow.
fn sides(node: &Node, values: &[i64], what: &str) -> Result<Vec<u64>, OnnxError> {
    let side = |value: &i64| node.side(*value, what);
    let sides = values.iter().map(side).collect::<Result<Vec<_>, _>>()?;
    match sides.iter().find(|side| **side > i32::MAX.unsigned_abs().into()) {
        Some(side) => Err(node.error(format!("its {what} of {side} is too large"))),
        None => Ok(sides),
    }
}

fn positive(node: &Node, name: &str, rank: usize) -> Result<Vec<u64>, OnnxError> {
    let values = node.ints(name).map_or_else(|| Ok(vec![1; rank]), |values| sides(node, values, name))?;
    if values.len() != rank || values.contains(&0) {
        return Err(node.error(format!("its `{name}` {values:?} must be {rank} numbers above 0")));
    }
    Ok(values)
}

/// Batch, channels and the other sides of the input.
fn image<'a>(node: &Node<'a>) -> Result<(u64, u64, &'a [u64]), OnnxError> {
    match node.input(0)?.dims.as_slice() {
        [batch, channels, spatial @ ..] if !spatial.is_empty() => Ok((*batch, *channels, spatial)),
        dims => Err(node.error(format!("its input is {dims:?}, it must have batch, channels and other sides"))),
    }
}

/// The weights' sides: those of a kernel without a 0, on as many axes as the input has.
fn kernel_of<'a>(node: &Node<'a>, n_axes: usize) -> Result<(&'a Value, [u64; 2], Vec<u64>), OnnxError> {
    let weights = node.input(1)?;
    match weights.dims.as_slice() {
        [first, second, kernel @ ..] if kernel.len() == n_axes && !weights.dims.contains(&0) => {
            Ok((weights, [*first, *second], kernel.to_vec()))
        }
        dims => Err(node.error(format!("its weights are {dims:?}, which doesn't fit an input of {n_axes} axes"))),
    }
}

/// A layer of Caffe's only has one batch, weights that are constant, and at most rows and columns.
fn is_plain(node: &Node, batch: u64) -> bool {
    batch == 1 && node.inputs.iter().skip(1).flatten().all(|value| value.is_constant())
}

fn other(node: &Node, class: OperatorClass) -> LayerKind {
    LayerKind::Operator(Operator { name: node.proto.op_type.clone(), class })
}

fn group_of(node: &Node) -> Result<u64, OnnxError> {
    match node.side(node.int("group", 1), "group")? {
        0 => Err(node.error("its `group` is 0")),
        group => Ok(group),
    }
}

/// Convolution.
pub(super) fn convolution(node: &Node) -> Result<Meaning, OnnxError> {
    let (batch, channels, spatial) = image(node)?;
    let (weights, [num_output, per_group], kernel) = kernel_of(node, spatial.len())?;
    let group = group_of(node)?;
    if per_group.checked_mul(group) != Some(channels) || num_output % group != 0 {
        let message =
            format!("its weights are {:?} in {group} groups, but its input has {channels} channels", weights.dims);
        return Err(node.error(message));
    }
    let mut sliding = Sliding::read(node, kernel)?;
    let windows = sliding.windows(node, spatial, false)?;
    let dims = [&[batch, num_output], windows.as_slice()].concat();
    let macs = node.product(&[&dims, [per_group].as_slice(), &sliding.kernel].concat())?;
    let bias = node.optional(2).is_some();
    let kind = match sliding.planar().filter(|_| is_plain(node, batch)) {
        Some((window, end)) => {
            let pad_end = (end != window.pad).then_some(end);
            LayerKind::Convolution(Convolution { num_output, window, pad_end, group, bias })
        }
        None => other(node, OperatorClass::Product),
    };
    node.layer(kind, dims, macs, learnt(node))
}

/// Elements of constant weights and biases, those of one element among them.
fn learnt(node: &Node) -> u64 {
    node.inputs.iter().skip(1).flatten().filter(|value| value.is_constant()).map(|value| value.n_elements()).sum()
}

/// Transposed convolution.
pub(super) fn transposed(node: &Node) -> Result<Meaning, OnnxError> {
    let (batch, channels, spatial) = image(node)?;
    let (weights, [inputs, per_group], kernel) = kernel_of(node, spatial.len())?;
    let group = group_of(node)?;
    let num_output = node.product(&[per_group, group])?;
    if inputs != channels || channels % group != 0 {
        let message =
            format!("its weights are {:?} in {group} groups, but its input has {channels} channels", weights.dims);
        return Err(node.error(message));
    }
    let sliding = Sliding::read(node, kernel)?;
    let extra =
        node.ints("output_padding").map_or_else(|| Ok(vec![0; spatial.len()]), |v| sides(node, v, "padding"))?;
    let wanted = node.ints("output_shape").map(|wanted| sides(node, wanted, "output")).transpose()?;
    let side = |axis: usize| -> Option<u64> {
        if let Some(wanted) = &wanted {
            return wanted.get(wanted.len().checked_sub(spatial.len())? + axis).copied();
        }
        if sliding.same.is_some() {
            return spatial[axis].checked_mul(sliding.stride[axis]);
        }
        let grown = (spatial[axis].checked_sub(1)?).checked_mul(sliding.stride[axis])?;
        let full = grown.checked_add(sliding.extent(axis)?)?.checked_add(*extra.get(axis)?)?;
        full.checked_sub(sliding.pads[axis][0])?.checked_sub(sliding.pads[axis][1])
    };
    let sides = (0..spatial.len()).map(side).collect::<Option<Vec<_>>>();
    let sides =
        sides.ok_or_else(|| node.error("its padding leaves nothing of the output, or its attributes don't fit"))?;
    let dims = [&[batch, num_output], sides.as_slice()].concat();
    let macs = node.product(&[&node.input(0)?.dims, [per_group].as_slice(), &sliding.kernel].concat())?;
    let symmetric = wanted.is_none() && sliding.same.is_none() && extra.iter().all(|extra| *extra == 0);
    let kind = match sliding.planar().filter(|(window, end)| symmetric && *end == window.pad && is_plain(node, batch)) {
        Some((window, _)) => {
            let bias = node.optional(2).is_some();
            LayerKind::Deconvolution(Convolution { num_output, window, pad_end: None, group, bias })
        }
        None => other(node, OperatorClass::Product),
    };
    node.layer(kind, dims, macs, learnt(node))
}

/// Maximum or average pooling; the output's indices are refused where somebody reads them.
pub(super) fn pooling(node: &Node, method: PoolingMethod) -> Result<Meaning, OnnxError> {
    let (batch, channels, spatial) = image(node)?;
    let kernel = node.ints("kernel_shape").ok_or_else(|| node.error("its `kernel_shape` is missing"))?;
    let kernel = sides(node, kernel, "kernel")?;
    if kernel.len() != spatial.len() || kernel.contains(&0) {
        return Err(node.error(format!("its `kernel_shape` {kernel:?} doesn't fit its input of {spatial:?}")));
    }
    let mut sliding = Sliding::read(node, kernel)?;
    let windows = sliding.windows(node, spatial, node.int("ceil_mode", 0) != 0)?;
    let dims = [&[batch, channels], windows.as_slice()].concat();
    let method = match method {
        PoolingMethod::Max => Some(PoolingMethod::Max),
        _ => averaging(node, &sliding, spatial, &windows),
    };
    let kind = match (sliding.planar().filter(|_| batch == 1), method) {
        (Some((window, _)), Some(method)) if window.dilation == [1, 1] => {
            LayerKind::Pooling(Pooling { method, window, global: false })
        }
        _ => other(node, OperatorClass::Rearrangement),
    };
    let mut meaning = node.layer(kind, dims.clone(), 0, 0)?;
    if let Meaning::Layer(operation) = &mut meaning
        && node.proto.output.get(1).is_some_and(|indices| !indices.is_empty())
    {
        operation.kind = other(node, OperatorClass::Rearrangement);
        operation.outputs.push(super::node::Output { element: crate::network::onnx::element::INT64, dims });
    }
    Ok(meaning)
}

/// Which mean the windows take: Caffe's counts the padding that it was asked for and not what lies beyond it.
fn averaging(node: &Node, sliding: &Sliding, input: &[u64], windows: &[u64]) -> Option<PoolingMethod> {
    let counts_padding = node.int("count_include_pad", 0) != 0;
    let padded = sliding.pads.iter().any(|pads| pads[0] > 0);
    let end = |axis: usize| (windows[axis] - 1) * sliding.stride[axis] + sliding.kernel[axis];
    let within = |axis: usize| end(axis) <= input[axis] + 2 * sliding.pads[axis][0];
    match (counts_padding, padded) {
        (false, false) => Some(PoolingMethod::Average),
        (false, true) => Some(PoolingMethod::AverageInside),
        (true, _) => (0..input.len()).all(within).then_some(PoolingMethod::Average),
    }
}

/// Pooling over everything but batch and channels.
pub(super) fn global_pooling(node: &Node, method: PoolingMethod) -> Result<Meaning, OnnxError> {
    let (batch, channels, spatial) = image(node)?;
    let dims = [vec![batch, channels], vec![1; spatial.len()]].concat();
    let kernel = match *spatial {
        [rows] => Some([rows, 1]),
        [rows, columns] => Some([rows, columns]),
        _ => None,
    };
    let kind = match kernel.filter(|_| batch == 1) {
        Some(kernel) => {
            let window = Window { kernel, stride: [1, 1], pad: [0, 0], dilation: [1, 1] };
            LayerKind::Pooling(Pooling { method, window, global: true })
        }
        None => other(node, OperatorClass::Rearrangement),
    };
    node.layer(kind, dims, 0, 0)
}
