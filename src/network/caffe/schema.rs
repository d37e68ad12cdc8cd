//! Names out of Caffe's schema (`caffe.proto`): which fields a message may have, and V1's names of layer types.

/// Fields of a network.
pub(super) const NET: &[&str] =
    &["name", "input", "input_dim", "input_shape", "force_backward", "state", "debug_info", "layer", "layers"];

/// Fields of a layer that are not parameters of its type.
const LAYER: &[&str] = &[
    "name",
    "type",
    "bottom",
    "top",
    "phase",
    "loss_weight",
    "param",
    "blobs",
    "blobs_lr",
    "weight_decay",
    "blob_share_mode",
    "propagate_down",
    "include",
    "exclude",
];

/// Prefixes of a layer's parameter messages: `convolution` stands for `convolution_param`.
const PARAMETERS: &[&str] = &[
    "accuracy",
    "argmax",
    "batch_norm",
    "bias",
    "clip",
    "concat",
    "contrastive_loss",
    "convolution",
    "crop",
    "data",
    "dropout",
    "dummy_data",
    "eltwise",
    "elu",
    "embed",
    "exp",
    "flatten",
    "hdf5_data",
    "hdf5_output",
    "hinge_loss",
    "image_data",
    "infogain_loss",
    "inner_product",
    "input",
    "log",
    "loss",
    "lrn",
    "memory_data",
    "mvn",
    "parameter",
    "permute",
    "pooling",
    "power",
    "prelu",
    "python",
    "recurrent",
    "reduction",
    "relu",
    "reshape",
    "scale",
    "sigmoid",
    "slice",
    "softmax",
    "spp",
    "swish",
    "tanh",
    "threshold",
    "tile",
    "transform",
    "window_data",
];

/// Every field that a layer may have.
pub(super) fn layer_fields() -> Vec<String> {
    let parameters = PARAMETERS.iter().map(|name| format!("{name}_param"));
    LAYER.iter().map(|name| (*name).to_owned()).chain(parameters).collect()
}

/// Layer types that are read, by today's names.
pub(super) const TYPES: &[&str] = &[
    "AbsVal",
    "BNLL",
    "BatchNorm",
    "Clip",
    "Concat",
    "Convolution",
    "Crop",
    "Deconvolution",
    "Dropout",
    "ELU",
    "Eltwise",
    "Flatten",
    "InnerProduct",
    "Input",
    "LRN",
    "PReLU",
    "Permute",
    "Pooling",
    "Power",
    "ReLU",
    "Reduction",
    "Reshape",
    "Scale",
    "Sigmoid",
    "Softmax",
    "Split",
    "TanH",
];

/// Today's name of a type that V1 files write as an enum value (`INNER_PRODUCT`); other names stay as they are.
pub(super) fn modern_type(name: &str) -> &str {
    let same = |known: &&&str| name.replace('_', "").eq_ignore_ascii_case(known);
    if name.chars().any(|letter| letter.is_ascii_lowercase()) {
        return name;
    }
    TYPES.iter().find(same).copied().unwrap_or(name)
}
