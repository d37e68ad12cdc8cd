//! `shim.h` as Rust sees it: the raw functions and structures, in the header's order. Their contracts stand there.

use std::ffi::{c_char, c_int, c_void};
use std::marker::{PhantomData, PhantomPinned};

macro_rules! opaque {
    ($($name:ident)*) => {$(
        #[repr(C)]
        pub(super) struct $name {
            _private: [u8; 0],
            // Neither Send, Sync nor Unpin: the shim decides what may be done with it.
            _marker: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )*};
}

opaque! { Builder Network Config Blob Engine Context }

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Headers {
    pub(super) major: i32,
    pub(super) minor: i32,
    pub(super) patch: i32,
    pub(super) build: i32,
    pub(super) rtx: i32,
    pub(super) encoded: i32,
    pub(super) strongly_typed: i32,
    pub(super) int8: i32,
    pub(super) timing_cache: i32,
    pub(super) inspector: i32,
}

pub(super) type LogFn = unsafe extern "C" fn(severity: i32, message: *const c_char);
pub(super) type CreateFn = unsafe extern "C" fn(logger: *mut c_void, version: i32) -> *mut c_void;
pub(super) type LayerTimeFn = unsafe extern "C" fn(user: *mut c_void, layer: *const c_char, milliseconds: f32);

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Weights {
    pub(super) values: *const c_void,
    pub(super) count: i64,
    pub(super) kind: i32,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) kernel: [i64; 2],
    pub(super) stride: [i64; 2],
    pub(super) pre_pad: [i64; 2],
    pub(super) post_pad: [i64; 2],
    pub(super) dilation: [i64; 2],
}

pub(super) type ConvolutionFn = unsafe extern "C" fn(
    *mut Network,
    *const c_char,
    i32,
    i64,
    i64,
    *const Window,
    *const Weights,
    *const Weights,
) -> i32;

unsafe extern "C" {
    pub(super) fn hx_compiled_for() -> Headers;
    pub(super) fn hx_set_log(log: Option<LogFn>);

    pub(super) fn hx_builder_new(create: CreateFn) -> *mut Builder;
    pub(super) fn hx_builder_free(builder: *mut Builder);
    pub(super) fn hx_builder_dla_cores(builder: *const Builder) -> i32;

    pub(super) fn hx_network_new(builder: *mut Builder) -> *mut Network;
    pub(super) fn hx_network_free(network: *mut Network);
    pub(super) fn hx_add_input(network: *mut Network, name: *const c_char, kind: i32, dims: *const i64) -> i32;
    pub(super) fn hx_add_convolution(
        network: *mut Network,
        name: *const c_char,
        input: i32,
        n_outputs: i64,
        n_groups: i64,
        window: *const Window,
        kernel: *const Weights,
        bias: *const Weights,
    ) -> i32;
    pub(super) fn hx_add_deconvolution(
        network: *mut Network,
        name: *const c_char,
        input: i32,
        n_outputs: i64,
        n_groups: i64,
        window: *const Window,
        kernel: *const Weights,
        bias: *const Weights,
    ) -> i32;
    pub(super) fn hx_add_pooling(
        network: *mut Network,
        name: *const c_char,
        input: i32,
        average: i32,
        window: *const Window,
        excludes_padding: i32,
    ) -> i32;
    pub(super) fn hx_add_padding(network: *mut Network, name: *const c_char, input: i32, pad: *const i64) -> i32;
    pub(super) fn hx_add_fully_connected(
        network: *mut Network,
        name: *const c_char,
        input: i32,
        n_outputs: i64,
        kernel: *const Weights,
        bias: *const Weights,
    ) -> i32;
    pub(super) fn hx_add_activation(
        network: *mut Network,
        name: *const c_char,
        input: i32,
        kind: i32,
        alpha: f32,
        beta: f32,
    ) -> i32;
    pub(super) fn hx_add_absolute(network: *mut Network, name: *const c_char, input: i32) -> i32;
    pub(super) fn hx_add_lrn(
        network: *mut Network,
        name: *const c_char,
        input: i32,
        size: i64,
        alpha: f32,
        beta: f32,
        k: f32,
    ) -> i32;
    pub(super) fn hx_add_scale(
        network: *mut Network,
        name: *const c_char,
        input: i32,
        per_channel: i32,
        shift: *const Weights,
        scale: *const Weights,
        power: *const Weights,
    ) -> i32;
    pub(super) fn hx_add_elementwise(
        network: *mut Network,
        name: *const c_char,
        left: i32,
        right: i32,
        operation: i32,
    ) -> i32;
    pub(super) fn hx_add_concatenation(
        network: *mut Network,
        name: *const c_char,
        inputs: *const i32,
        n_inputs: i32,
    ) -> i32;
    pub(super) fn hx_add_softmax(network: *mut Network, name: *const c_char, input: i32) -> i32;
    pub(super) fn hx_mark_output(network: *mut Network, tensor: i32, name: *const c_char) -> c_int;
    pub(super) fn hx_set_dynamic_range(network: *mut Network, tensor: i32, range: f32) -> c_int;
    pub(super) fn hx_tensor_dims(network: *const Network, tensor: i32, dims: *mut i64) -> c_int;
    pub(super) fn hx_layer_count(network: *const Network) -> i32;
    pub(super) fn hx_layer_name(network: *const Network, layer: i32) -> *const c_char;

    pub(super) fn hx_config_new(builder: *mut Builder) -> *mut Config;
    pub(super) fn hx_config_free(config: *mut Config);
    pub(super) fn hx_config_set_precision(config: *mut Config, precision: i32) -> c_int;
    pub(super) fn hx_config_set_workspace(config: *mut Config, bytes: u64);
    pub(super) fn hx_config_set_default_device(config: *mut Config, device: i32);
    pub(super) fn hx_config_set_dla_core(config: *mut Config, core: i32);
    pub(super) fn hx_config_set_gpu_fallback(config: *mut Config);
    pub(super) fn hx_config_set_layer_device(config: *mut Config, network: *const Network, layer: i32, device: i32);
    pub(super) fn hx_config_layer_device(config: *const Config, network: *const Network, layer: i32) -> i32;
    pub(super) fn hx_config_dla_core(config: *const Config) -> i32;
    pub(super) fn hx_config_load_timing_cache(config: *mut Config, data: *const c_void, size: usize) -> c_int;
    pub(super) fn hx_config_save_timing_cache(config: *const Config) -> *mut Blob;

    pub(super) fn hx_build(builder: *mut Builder, network: *mut Network, config: *mut Config) -> *mut Blob;
    pub(super) fn hx_blob_data(blob: *const Blob) -> *const c_void;
    pub(super) fn hx_blob_size(blob: *const Blob) -> usize;
    pub(super) fn hx_blob_free(blob: *mut Blob);

    pub(super) fn hx_engine_load(create: CreateFn, dla_core: i32, plan: *const c_void, size: usize) -> *mut Engine;
    pub(super) fn hx_engine_free(engine: *mut Engine);
    pub(super) fn hx_engine_io_count(engine: *const Engine) -> i32;
    pub(super) fn hx_engine_io_name(engine: *const Engine, io: i32) -> *const c_char;
    pub(super) fn hx_engine_io_is_input(engine: *const Engine, io: i32) -> i32;
    pub(super) fn hx_engine_io_bytes(engine: *const Engine, io: i32) -> i64;
    pub(super) fn hx_engine_layer_information(engine: *mut Engine) -> *mut Blob;

    pub(super) fn hx_context_new(engine: *mut Engine) -> *mut Context;
    pub(super) fn hx_context_free(context: *mut Context);
    pub(super) fn hx_context_set_address(context: *mut Context, io: i32, device_memory: *mut c_void) -> c_int;
    pub(super) fn hx_context_set_profiler(
        context: *mut Context,
        report: Option<LayerTimeFn>,
        user: *mut c_void,
    ) -> c_int;
    pub(super) fn hx_context_enqueue(context: *mut Context, stream: *mut c_void) -> c_int;
}
