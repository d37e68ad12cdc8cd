//! Which layers an accelerator can run, as limits that a platform file states. `group` judges layers by them.

/// Layer support of one accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupportRules {
    /// Runs every layer.
    Everything,
    /// Runs what is within limits.
    Limited(Box<LayerLimits>),
}

/// Limits of a DLA, per layer type; a bound is the largest allowed value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerLimits {
    /// Channels, height and width of any tensor.
    pub max_dimension: u64,
    /// Convolution.
    pub convolution: WindowLimits,
    /// Largest dilation of a convolution.
    pub max_dilation: u64,
    /// Deconvolution; it takes neither padding nor groups. `None` where it isn't supported.
    pub deconvolution: Option<WindowLimits>,
    /// Pooling.
    pub pooling: WindowLimits,
    /// Window sizes of a local response normalization across channels; within a channel it isn't supported.
    pub lrn_sizes: Vec<u64>,
    /// Pointwise activations by Caffe type name; a plain ReLU is `ReLU`, a leaky one `LeakyReLU`.
    pub activations: Vec<String>,
    /// Elementwise operations by Caffe name (`SUM`, `PROD`, `MAX`); coefficients become a scale of the branch.
    pub eltwise: Vec<String>,
    /// Most channels of a softmax over more than one position (over 1x1 only `max_dimension` bounds it);
    /// `None` where it isn't supported.
    pub softmax_max_channels: Option<u64>,
    /// Layers that only rearrange data, by Caffe type name.
    pub rearrange: Vec<String>,
}

/// Limits of a sliding window, in rows and columns alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowLimits {
    /// Kernel size.
    pub kernel: u64,
    /// Stride.
    pub stride: u64,
    /// Padding.
    pub pad: u64,
}
