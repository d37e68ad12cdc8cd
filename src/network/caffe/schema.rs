//! Names out of Caffe's schema (`caffe.proto`): which fields a message may have, and V1's names of layer types.

/// Fields of a network.
pub(super) const NET: &[&str] =
    &["name", "input", "input_dim", "input_shape", "force_backward", "state", "debug_info", "layer", "layers"];

/// Fields of a layer: V1's and today's, its parameter messages last.
pub(super) const LAYER: &[&str] = &[
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
    "accuracy_param",
    "argmax_param",
    "batch_norm_param",
    "bias_param",
    "clip_param",
    "concat_param",
    "contrastive_loss_param",
    "convolution_param",
    "crop_param",
    "data_param",
    "dropout_param",
    "dummy_data_param",
    "eltwise_param",
    "elu_param",
    "embed_param",
    "exp_param",
    "flatten_param",
    "hdf5_data_param",
    "hdf5_output_param",
    "hinge_loss_param",
    "image_data_param",
    "infogain_loss_param",
    "inner_product_param",
    "input_param",
    "log_param",
    "loss_param",
    "lrn_param",
    "memory_data_param",
    "mvn_param",
    "parameter_param",
    "permute_param",
    "pooling_param",
    "power_param",
    "prelu_param",
    "python_param",
    "recurrent_param",
    "reduction_param",
    "relu_param",
    "reshape_param",
    "scale_param",
    "sigmoid_param",
    "slice_param",
    "softmax_param",
    "spp_param",
    "swish_param",
    "tanh_param",
    "threshold_param",
    "tile_param",
    "transform_param",
    "window_data_param",
];

/// Layer types that can be used, by today's names.
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
