//! Owned handles of what builds an engine: builder, network and configuration. A call that TensorRT refuses returns
//! [`Refused`]; the reason is among the messages (see [`super::log`]).

use std::ffi::{CStr, CString, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;

use half::f16;

use super::library::Library;
use super::sys;

/// TensorRT did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Learnt parameters, in the type in which TensorRT gets them.
#[derive(Clone, Debug, PartialEq)]
pub enum Weights {
    /// Single precision.
    Float(Vec<f32>),
    /// Half precision.
    Half(Vec<f16>),
}

impl Weights {
    /// Type of the values.
    pub fn kind(&self) -> ElementType {
        match self {
            Self::Float(_) => ElementType::Float,
            Self::Half(_) => ElementType::Half,
        }
    }
}

/// Type of a tensor's elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// Single precision.
    Float,
    /// Half precision.
    Half,
}

/// A tensor of a network, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tensor(i32);

/// A sliding window: rows, then columns; padding before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Size.
    pub kernel: [i64; 2],
    /// Step.
    pub stride: [i64; 2],
    /// Padding before the first row and column.
    pub pre_pad: [i64; 2],
    /// Padding after the last row and column.
    pub post_pad: [i64; 2],
    /// Dilation.
    pub dilation: [i64; 2],
}

/// Pointwise functions that are activation layers of TensorRT.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// max(x, 0).
    Relu,
    /// 1 / (1 + exp(-x)).
    Sigmoid,
    /// Hyperbolic tangent.
    TanH,
    /// x above 0, slope times x below.
    LeakyRelu(f32),
    /// x above 0, alpha (exp(x) - 1) below.
    Elu(f32),
    /// ln(1 + exp(x)).
    Softplus,
    /// Held between two bounds.
    Clip(f32, f32),
}

/// How two tensors are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elementwise {
    /// Sum.
    Sum = 0,
    /// Product.
    Product = 1,
    /// The larger one.
    Maximum = 2,
}

/// Where a layer runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceType {
    /// The graphics processor.
    Gpu = 0,
    /// A deep-learning accelerator.
    Dla = 1,
}

/// Precision flags of a configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrecisionFlags {
    /// None: single precision.
    Fp32 = 0,
    /// Half precision allowed.
    Fp16 = 1,
    /// INT8 and half precision allowed.
    Int8 = 2,
}

/// Makes networks, configurations and plans.
pub struct Builder {
    raw: NonNull<sys::Builder>,
}

impl Builder {
    /// A builder of `library`.
    pub fn new(library: &Library) -> Result<Self, Refused> {
        // SAFETY: the function is `createInferBuilder_INTERNAL` of a library of the version that the shim knows.
        let raw = unsafe { sys::hx_builder_new(library.create_builder) };
        NonNull::new(raw).map(|raw| Self { raw }).ok_or(Refused)
    }

    /// DLA cores of this machine.
    pub fn n_dla_cores(&self) -> u32 {
        // SAFETY: the handle is live until `self` is dropped.
        let cores = unsafe { sys::hx_builder_dla_cores(self.raw.as_ptr()) };
        u32::try_from(cores).unwrap_or(0)
    }

    /// An empty network.
    pub fn network(&self) -> Result<Network<'_>, Refused> {
        // SAFETY: the handle is live; the network is dropped before it, as its lifetime says.
        let raw = unsafe { sys::hx_network_new(self.raw.as_ptr()) };
        let raw = NonNull::new(raw).ok_or(Refused)?;
        Ok(Network { raw, weights: Vec::new(), builder: PhantomData })
    }

    /// A configuration with the defaults of TensorRT, in which plans keep all that is known of their layers.
    pub fn config(&self) -> Result<Config<'_>, Refused> {
        // SAFETY: the handle is live; the configuration is dropped before it, as its lifetime says.
        let raw = unsafe { sys::hx_config_new(self.raw.as_ptr()) };
        NonNull::new(raw).map(|raw| Config { raw, builder: PhantomData }).ok_or(Refused)
    }

    /// The plan of a network.
    pub fn build(&self, network: &mut Network<'_>, config: &mut Config<'_>) -> Result<Vec<u8>, Refused> {
        // SAFETY: all three handles are live and used by this thread alone; the network's weights live in it.
        let blob = unsafe { sys::hx_build(self.raw.as_ptr(), network.raw.as_ptr(), config.raw.as_ptr()) };
        take(blob).ok_or(Refused)
    }
}

impl Drop for Builder {
    fn drop(&mut self) {
        // SAFETY: the handle is live and this is its last use.
        unsafe { sys::hx_builder_free(self.raw.as_ptr()) };
    }
}

/// A network under construction, with the weights that its layers refer to.
pub struct Network<'b> {
    raw: NonNull<sys::Network>,
    /// What the layers' weights point into. The vectors' buffers don't move when this one grows.
    weights: Vec<Weights>,
    builder: PhantomData<&'b Builder>,
}

impl Network<'_> {
    /// An input of 1 x channels x height x width.
    pub fn input(&mut self, name: &str, kind: ElementType, dims: [i64; 3]) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle, a terminated string and three numbers, all copied by the call.
        tensor(unsafe { sys::hx_add_input(raw, name.as_ptr(), element_type(kind), dims.as_ptr()) })
    }

    /// A convolution; kernels as outputs x inputs of the group x rows x columns.
    pub fn convolution(
        &mut self,
        name: &str,
        input: Tensor,
        outputs_and_groups: [i64; 2],
        window: &Window,
        weights: (Weights, Option<Weights>),
    ) -> Result<Tensor, Refused> {
        self.windowed(sys::hx_add_convolution, name, input, outputs_and_groups, window, weights)
    }

    /// A transposed convolution; kernels as inputs x outputs of the group x rows x columns.
    pub fn deconvolution(
        &mut self,
        name: &str,
        input: Tensor,
        outputs_and_groups: [i64; 2],
        window: &Window,
        weights: (Weights, Option<Weights>),
    ) -> Result<Tensor, Refused> {
        self.windowed(sys::hx_add_deconvolution, name, input, outputs_and_groups, window, weights)
    }

    fn windowed(
        &mut self,
        add: sys::ConvolutionFn,
        name: &str,
        input: Tensor,
        [n_outputs, n_groups]: [i64; 2],
        window: &Window,
        (kernel, bias): (Weights, Option<Weights>),
    ) -> Result<Tensor, Refused> {
        let (raw, name, window) = (self.raw.as_ptr(), c_string(name), raw_window(window));
        let kind = kernel.kind();
        let (kernel, bias) = (self.keep(Some(kernel), kind), self.keep(bias, kind));
        // SAFETY: live handle; name, window and the two descriptions are copied; the values are kept in `self`.
        let added = unsafe {
            add(raw, name.as_ptr(), input.0, n_outputs, n_groups, &raw const window, &raw const kernel, &raw const bias)
        };
        tensor(added)
    }

    /// Pooling; an average counts its padding unless `excludes_padding`.
    pub fn pooling(
        &mut self,
        name: &str,
        input: Tensor,
        average: bool,
        window: &Window,
        excludes_padding: bool,
    ) -> Result<Tensor, Refused> {
        let (raw, name, window) = (self.raw.as_ptr(), c_string(name), raw_window(window));
        // SAFETY: live handle, a terminated string and a window, both copied.
        tensor(unsafe {
            sys::hx_add_pooling(raw, name.as_ptr(), input.0, average.into(), &raw const window, excludes_padding.into())
        })
    }

    /// Zeros around rows and columns.
    pub fn padding(&mut self, name: &str, input: Tensor, pad: [i64; 2]) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle, a terminated string and two numbers, all copied.
        tensor(unsafe { sys::hx_add_padding(raw, name.as_ptr(), input.0, pad.as_ptr()) })
    }

    /// A fully connected layer; weights as outputs x all elements of the input.
    pub fn fully_connected(
        &mut self,
        name: &str,
        input: Tensor,
        n_outputs: i64,
        (kernel, bias): (Weights, Option<Weights>),
    ) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        let kind = kernel.kind();
        let (kernel, bias) = (self.keep(Some(kernel), kind), self.keep(bias, kind));
        // SAFETY: live handle; name and descriptions are copied; the values are kept in `self`.
        tensor(unsafe {
            sys::hx_add_fully_connected(raw, name.as_ptr(), input.0, n_outputs, &raw const kernel, &raw const bias)
        })
    }

    /// A pointwise function.
    pub fn activation(&mut self, name: &str, input: Tensor, activation: Activation) -> Result<Tensor, Refused> {
        let (kind, alpha, beta) = match activation {
            Activation::Relu => (0, 0.0, 0.0),
            Activation::Sigmoid => (1, 0.0, 0.0),
            Activation::TanH => (2, 0.0, 0.0),
            Activation::LeakyRelu(slope) => (3, slope, 0.0),
            Activation::Elu(alpha) => (4, alpha, 0.0),
            Activation::Softplus => (5, 1.0, 1.0),
            Activation::Clip(low, high) => (6, low, high),
        };
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle, a terminated string that is copied, and a kind that the shim knows.
        tensor(unsafe { sys::hx_add_activation(raw, name.as_ptr(), input.0, kind, alpha, beta) })
    }

    /// Absolute values.
    pub fn absolute(&mut self, name: &str, input: Tensor) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle and a terminated string that is copied.
        tensor(unsafe { sys::hx_add_absolute(raw, name.as_ptr(), input.0) })
    }

    /// Local response normalization across `size` channels: x / (k + alpha / size x sum of squares) ^ beta.
    pub fn lrn(&mut self, name: &str, input: Tensor, size: i64, [alpha, beta, k]: [f32; 3]) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle and a terminated string that is copied.
        tensor(unsafe { sys::hx_add_lrn(raw, name.as_ptr(), input.0, size, alpha, beta, k) })
    }

    /// (x scale + shift) ^ power, per channel or with one value for all; what is `None` is left out.
    pub fn scale(
        &mut self,
        name: &str,
        input: Tensor,
        per_channel: bool,
        [shift, scale, power]: [Option<Weights>; 3],
    ) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        let kind = [&shift, &scale, &power].into_iter().flatten().next().map_or(ElementType::Float, Weights::kind);
        let [shift, scale, power] = [shift, scale, power].map(|weights| self.keep(weights, kind));
        // SAFETY: live handle; name and descriptions are copied; the values are kept in `self`.
        tensor(unsafe {
            sys::hx_add_scale(
                raw,
                name.as_ptr(),
                input.0,
                per_channel.into(),
                &raw const shift,
                &raw const scale,
                &raw const power,
            )
        })
    }

    /// Two tensors of one shape combined.
    pub fn elementwise(
        &mut self,
        name: &str,
        [left, right]: [Tensor; 2],
        operation: Elementwise,
    ) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle, a terminated string that is copied, and an operation that the shim knows.
        tensor(unsafe { sys::hx_add_elementwise(raw, name.as_ptr(), left.0, right.0, operation as i32) })
    }

    /// Tensors joined along their channels.
    pub fn concatenation(&mut self, name: &str, inputs: &[Tensor]) -> Result<Tensor, Refused> {
        let inputs: Vec<i32> = inputs.iter().map(|tensor| tensor.0).collect();
        let n_inputs = i32::try_from(inputs.len()).map_err(|_| Refused)?;
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle; the string and the `n_inputs` numbers are copied.
        tensor(unsafe { sys::hx_add_concatenation(raw, name.as_ptr(), inputs.as_ptr(), n_inputs) })
    }

    /// Softmax over the channels.
    pub fn softmax(&mut self, name: &str, input: Tensor) -> Result<Tensor, Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle and a terminated string that is copied.
        tensor(unsafe { sys::hx_add_softmax(raw, name.as_ptr(), input.0) })
    }

    /// Makes a tensor an output of the network, under `name`.
    pub fn mark_output(&mut self, tensor: Tensor, name: &str) -> Result<(), Refused> {
        let (raw, name) = (self.raw.as_ptr(), c_string(name));
        // SAFETY: live handle and a terminated string that is copied.
        done(unsafe { sys::hx_mark_output(raw, tensor.0, name.as_ptr()) })
    }

    /// Says that a tensor's values lie in [-range, range].
    pub fn set_dynamic_range(&mut self, tensor: Tensor, range: f32) -> Result<(), Refused> {
        // SAFETY: the handle is live.
        done(unsafe { sys::hx_set_dynamic_range(self.raw.as_ptr(), tensor.0, range) })
    }

    /// Channels, height and width of a tensor; `None` where it has other dimensions.
    pub fn dims(&self, tensor: Tensor) -> Option<[i64; 3]> {
        let mut dims = [0; 3];
        // SAFETY: live handle, and room for the three numbers that the call writes.
        let found = unsafe { sys::hx_tensor_dims(self.raw.as_ptr(), tensor.0, dims.as_mut_ptr()) };
        (found == 1).then_some(dims)
    }

    /// Number of TensorRT's layers.
    pub fn n_layers(&self) -> usize {
        // SAFETY: the handle is live.
        let count = unsafe { sys::hx_layer_count(self.raw.as_ptr()) };
        usize::try_from(count).unwrap_or(0)
    }

    /// Name of TensorRT's layer at `index`.
    pub fn layer_name(&self, index: usize) -> String {
        // SAFETY: live handle; the string belongs to the layer, which lives as long as the network, and is copied here.
        unsafe { copied(sys::hx_layer_name(self.raw.as_ptr(), number(index))) }
    }

    /// Takes weights over and describes them to the shim. Nothing becomes an empty description, of type `kind` all the
    /// same: TensorRT wants one type for all of a layer's weights, also those that aren't there.
    fn keep(&mut self, weights: Option<Weights>, kind: ElementType) -> sys::Weights {
        let kind = element_type(kind);
        let Some(weights) = weights else { return sys::Weights { values: std::ptr::null(), count: 0, kind } };
        let (values, count) = match &weights {
            Weights::Float(values) => (values.as_ptr().cast::<c_void>(), values.len()),
            Weights::Half(values) => (values.as_ptr().cast::<c_void>(), values.len()),
        };
        self.weights.push(weights);
        sys::Weights { values, count: i64::try_from(count).unwrap_or(0), kind }
    }
}

impl Drop for Network<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is live and this is its last use; the weights are dropped after it.
        unsafe { sys::hx_network_free(self.raw.as_ptr()) };
    }
}

/// How an engine is built.
pub struct Config<'b> {
    raw: NonNull<sys::Config>,
    builder: PhantomData<&'b Builder>,
}

impl Config<'_> {
    /// Allows a precision; refused where the version has no flag for INT8.
    pub fn set_precision(&mut self, precision: PrecisionFlags) -> Result<(), Refused> {
        // SAFETY: the handle is live.
        done(unsafe { sys::hx_config_set_precision(self.raw.as_ptr(), precision as i32) })
    }

    /// Device memory that a layer may use for its work, in bytes.
    pub fn set_workspace(&mut self, bytes: u64) {
        // SAFETY: the handle is live.
        unsafe { sys::hx_config_set_workspace(self.raw.as_ptr(), bytes) };
    }

    /// Where layers run that nothing is said of.
    pub fn set_default_device(&mut self, device: DeviceType) {
        // SAFETY: the handle is live.
        unsafe { sys::hx_config_set_default_device(self.raw.as_ptr(), device as i32) };
    }

    /// Which DLA core layers on the DLA use.
    pub fn set_dla_core(&mut self, core: u32) {
        // SAFETY: the handle is live.
        unsafe { sys::hx_config_set_dla_core(self.raw.as_ptr(), i32::try_from(core).unwrap_or(0)) };
    }

    /// Lets layers that the DLA can't run move to the GPU.
    pub fn allow_gpu_fallback(&mut self) {
        // SAFETY: the handle is live.
        unsafe { sys::hx_config_set_gpu_fallback(self.raw.as_ptr()) };
    }

    /// Where TensorRT's layer at `index` is to run.
    pub fn set_layer_device(&mut self, network: &Network<'_>, index: usize, device: DeviceType) {
        // SAFETY: both handles are live.
        unsafe {
            sys::hx_config_set_layer_device(self.raw.as_ptr(), network.raw.as_ptr(), number(index), device as i32);
        }
    }

    /// Where TensorRT's layer at `index` was asked to run.
    pub fn layer_device(&self, network: &Network<'_>, index: usize) -> DeviceType {
        // SAFETY: both handles are live.
        let device = unsafe { sys::hx_config_layer_device(self.raw.as_ptr(), network.raw.as_ptr(), number(index)) };
        if device == DeviceType::Dla as i32 { DeviceType::Dla } else { DeviceType::Gpu }
    }

    /// The DLA core that was asked for.
    pub fn dla_core(&self) -> i32 {
        // SAFETY: the handle is live.
        unsafe { sys::hx_config_dla_core(self.raw.as_ptr()) }
    }

    /// Begins with the timings of earlier builds, or with none where `timings` is empty.
    pub fn load_timing_cache(&mut self, timings: &[u8]) -> Result<(), Refused> {
        // SAFETY: live handle; the bytes are copied.
        done(unsafe { sys::hx_config_load_timing_cache(self.raw.as_ptr(), timings.as_ptr().cast(), timings.len()) })
    }

    /// The timings after a build.
    pub fn timing_cache(&self) -> Option<Vec<u8>> {
        // SAFETY: the handle is live; the blob that comes back is ours.
        take(unsafe { sys::hx_config_save_timing_cache(self.raw.as_ptr()) })
    }
}

impl Drop for Config<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is live and this is its last use.
        unsafe { sys::hx_config_free(self.raw.as_ptr()) };
    }
}

/// Copies a blob and frees it; `None` where there is none.
pub(super) fn take(blob: *mut sys::Blob) -> Option<Vec<u8>> {
    let blob = NonNull::new(blob)?;
    // SAFETY: the shim handed the blob over; it is read whole, and freed once.
    unsafe {
        let (data, size) = (sys::hx_blob_data(blob.as_ptr()), sys::hx_blob_size(blob.as_ptr()));
        let bytes = if size == 0 { Vec::new() } else { std::slice::from_raw_parts(data.cast::<u8>(), size).to_vec() };
        sys::hx_blob_free(blob.as_ptr());
        Some(bytes)
    }
}

/// # Safety
/// `text` is null or a string that ends with a zero byte.
pub(super) unsafe fn copied(text: *const std::ffi::c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// A name for C; the parsers let no control character into one, so nothing is cut off.
fn c_string(name: &str) -> CString {
    CString::new(name.replace('\0', " ")).unwrap_or_default()
}

fn element_type(kind: ElementType) -> i32 {
    match kind {
        ElementType::Float => 0,
        ElementType::Half => 1,
    }
}

fn raw_window(window: &Window) -> sys::Window {
    let Window { kernel, stride, pre_pad, post_pad, dilation } = *window;
    sys::Window { kernel, stride, pre_pad, post_pad, dilation }
}

fn tensor(number: i32) -> Result<Tensor, Refused> {
    if number < 0 { Err(Refused) } else { Ok(Tensor(number)) }
}

fn done(result: i32) -> Result<(), Refused> {
    if result == 1 { Ok(()) } else { Err(Refused) }
}

/// A layer's number for C; one that is too large names no layer there either.
fn number(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}
