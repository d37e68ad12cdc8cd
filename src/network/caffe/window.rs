//! Layers that slide a window: convolution, deconvolution and pooling, with Caffe's rounding.

use super::block::Block;
use super::definition::RawLayer;
use super::operation::{Operation, output, weights};
use crate::network::text::Field;
use crate::network::{Convolution, LayerKind, NetworkError, Pooling, PoolingMethod, Shape, Window};

const CONVOLUTION: &[&str] = &[
    "num_output",
    "bias_term",
    "pad",
    "kernel_size",
    "group",
    "stride",
    "weight_filler",
    "bias_filler",
    "pad_h",
    "pad_w",
    "kernel_h",
    "kernel_w",
    "stride_h",
    "stride_w",
    "engine",
    "axis",
    "force_nd_im2col",
    "dilation",
];

const POOLING: &[&str] = &[
    "pool",
    "pad",
    "pad_h",
    "pad_w",
    "kernel_size",
    "kernel_h",
    "kernel_w",
    "stride",
    "stride_h",
    "stride_w",
    "engine",
    "global_pooling",
    "round_mode",
];

/// Convolution: the output is rounded down.
pub(super) fn convolution(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let (block, convolution) = read_convolution(layer, input)?;
    let [height, width] = sides(&block, input, convolution.window, |side| side.span / side.stride + 1)?;
    let output = output(layer, convolution.num_output, height, width)?;
    let per_output = weights(layer, &[input.channels / convolution.group, kernel_area(convolution.window)])?;
    let kernels = weights(layer, &[convolution.num_output, per_output])?;
    let weights = kernels + if convolution.bias { convolution.num_output } else { 0 };
    let macs = per_output * output.elements();
    Ok(Operation { kind: LayerKind::Convolution(convolution), output, macs, weights })
}

/// Deconvolution: a convolution's input from its output.
pub(super) fn deconvolution(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let (block, convolution) = read_convolution(layer, input)?;
    let Window { kernel, stride, pad, dilation } = convolution.window;
    let side = |axis: usize, input: u64| {
        let grown = stride[axis] * (input - 1) + dilation[axis] * (kernel[axis] - 1) + 1;
        let side = grown.checked_sub(2 * pad[axis]).filter(|side| *side > 0);
        side.ok_or_else(|| block.error(block.position, "its padding leaves nothing of the output"))
    };
    let output = output(layer, convolution.num_output, side(0, input.height)?, side(1, input.width)?)?;
    let per_input = weights(layer, &[convolution.num_output / convolution.group, kernel_area(convolution.window)])?;
    let kernels = weights(layer, &[input.channels, per_input])?;
    let weights = kernels + if convolution.bias { convolution.num_output } else { 0 };
    let macs = per_input * input.elements();
    Ok(Operation { kind: LayerKind::Deconvolution(convolution), output, macs, weights })
}

fn kernel_area(window: Window) -> u64 {
    window.kernel[0] * window.kernel[1]
}

fn read_convolution<'m, 'a>(
    layer: &RawLayer<'m, 'a>,
    input: Shape,
) -> Result<(Block<'m, 'a>, Convolution), NetworkError> {
    let block = layer.parameters("convolution_param", CONVOLUTION)?;
    block.channel_axis("axis")?;
    let num_output = block.required("num_output")?;
    let group = block.positive_or("group", 1)?;
    for (count, what) in [(input.channels, "channels of its input"), (num_output, "outputs")] {
        if count % group != 0 {
            let message = format!("`group` is {group}, which does not divide the {count} {what}");
            return Err(block.error(block.position, &message));
        }
    }
    let kernel = kernel(&block)?;
    let [stride, pad] = [stride(&block)?, padding(&block)?];
    let dilation = pair(&block, "dilation", "", "", Block::positive)?.unwrap_or([1, 1]);
    let bias = block.flag("bias_term", true)?;
    Ok((
        block,
        Convolution { num_output, window: Window { kernel, stride, pad, dilation }, pad_end: None, group, bias },
    ))
}

/// Pooling: the output is rounded up, and a last window that would begin in the padding is dropped.
pub(super) fn pooling(layer: &RawLayer, input: Shape) -> Result<Operation, NetworkError> {
    let block = layer.parameters("pooling_param", POOLING)?;
    let methods = [("MAX", "0", PoolingMethod::Max), ("AVE", "1", PoolingMethod::Average)];
    let method = block.choice("pool", &methods, PoolingMethod::Max)?;
    block.choice("round_mode", &[("CEIL", "0", ())], ())?;
    let global = block.flag("global_pooling", false)?;
    let window = if global { global_window(&block, input)? } else { pooling_window(&block)? };
    let [height, width] = sides(&block, input, window, |side| {
        let rounded_up = side.span.div_ceil(side.stride) + 1;
        let begins_in_padding = side.pad > 0 && (rounded_up - 1) * side.stride >= side.input + side.pad;
        if begins_in_padding { rounded_up - 1 } else { rounded_up }
    })?;
    let output = output(layer, input.channels, height, width)?;
    Ok(Operation::light(LayerKind::Pooling(Pooling { method, window, global }), output, 0))
}

fn global_window(block: &Block, input: Shape) -> Result<Window, NetworkError> {
    if let Some(field) = ["kernel_size", "kernel_h", "kernel_w"].iter().find_map(|name| block.all(name).next()) {
        return Err(block.error(field.position, &format!("`{}` can't stand beside `global_pooling`", field.name)));
    }
    if padding(block)? != [0, 0] || stride(block)? != [1, 1] {
        return Err(block.error(block.position, "`global_pooling` takes no padding and no stride"));
    }
    Ok(Window { kernel: [input.height, input.width], stride: [1, 1], pad: [0, 0], dilation: [1, 1] })
}

fn pooling_window(block: &Block) -> Result<Window, NetworkError> {
    let window = Window { kernel: kernel(block)?, stride: stride(block)?, pad: padding(block)?, dilation: [1, 1] };
    if window.pad[0] >= window.kernel[0] || window.pad[1] >= window.kernel[1] {
        return Err(block.error(block.position, "its padding must be smaller than its kernel"));
    }
    Ok(window)
}

fn kernel(block: &Block) -> Result<[u64; 2], NetworkError> {
    let kernel = pair(block, "kernel_size", "kernel_h", "kernel_w", Block::positive)?;
    let kernel = kernel.ok_or_else(|| block.error(block.position, "`kernel_size` is missing"))?;
    if kernel[0].checked_mul(kernel[1]).is_none_or(|area| area > u64::from(u32::MAX)) {
        return Err(block.error(block.position, &format!("a {}x{} kernel is too large", kernel[0], kernel[1])));
    }
    Ok(kernel)
}

fn stride(block: &Block) -> Result<[u64; 2], NetworkError> {
    Ok(pair(block, "stride", "stride_h", "stride_w", Block::positive)?.unwrap_or([1, 1]))
}

fn padding(block: &Block) -> Result<[u64; 2], NetworkError> {
    Ok(pair(block, "pad", "pad_h", "pad_w", Block::unsigned)?.unwrap_or([0, 0]))
}

type Read<'m, 'a> = fn(&Block<'m, 'a>, &Field<'a>) -> Result<u64, NetworkError>;

/// Rows and columns, either as one field that stands once or twice, or as one field each.
fn pair<'m, 'a>(
    block: &Block<'m, 'a>,
    both: &str,
    rows: &str,
    columns: &str,
    read: Read<'m, 'a>,
) -> Result<Option<[u64; 2]>, NetworkError> {
    let values = block.all(both).map(|field| read(block, field)).collect::<Result<Vec<_>, _>>()?;
    let rows_value = block.single(rows)?.map(|field| read(block, field)).transpose()?;
    let columns_value = block.single(columns)?.map(|field| read(block, field)).transpose()?;
    match (&values[..], rows_value, columns_value) {
        ([], None, None) => Ok(None),
        ([side], None, None) => Ok(Some([*side, *side])),
        ([first, second], None, None) => Ok(Some([*first, *second])),
        ([], Some(first), Some(second)) => Ok(Some([first, second])),
        // A stride or padding given for one side only leaves the other at Caffe's default.
        ([], first, second) if both != "kernel_size" => {
            let default = u64::from(both == "stride");
            Ok(Some([first.unwrap_or(default), second.unwrap_or(default)]))
        }
        ([], ..) => Err(block.error(block.position, &format!("`{rows}` and `{columns}` must stand together"))),
        ([_, _, _, ..], None, None) => {
            Err(block.error(block.position, &format!("`{both}` stands {} times, at most 2 can be run", values.len())))
        }
        _ => Err(block.error(block.position, &format!("`{both}` can't stand beside `{rows}` or `{columns}`"))),
    }
}

/// One side of a window on its input.
struct Side {
    input: u64,
    pad: u64,
    stride: u64,
    /// How far the window can move.
    span: u64,
}

fn sides(block: &Block, input: Shape, window: Window, count: impl Fn(&Side) -> u64) -> Result<[u64; 2], NetworkError> {
    let inputs = [input.height, input.width];
    let extent = |axis: usize| window.dilation[axis] * (window.kernel[axis] - 1) + 1;
    let padded = |axis: usize| inputs[axis] + 2 * window.pad[axis];
    if extent(0) > padded(0) || extent(1) > padded(1) {
        let [rows, columns] = [extent(0), extent(1)];
        let message =
            format!("its {rows}x{columns} kernel is larger than its padded input of {}x{}", padded(0), padded(1));
        return Err(block.error(block.position, &message));
    }
    let side = |axis: usize| Side {
        input: inputs[axis],
        pad: window.pad[axis],
        stride: window.stride[axis],
        span: padded(axis) - extent(axis),
    };
    Ok([count(&side(0)), count(&side(1))])
}
