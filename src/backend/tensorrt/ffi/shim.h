// The C interface between haxconn and TensorRT. No C++ exception and no TensorRT type crosses it.
//
// Calls that can fail return NULL, -1 or 0 as stated; why is told to the log callback before they return. Strings and
// data that come in are copied unless stated otherwise; weights are not copied and must live until the network is freed.
// A handle may be used by one thread at a time.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hx_builder hx_builder;
typedef struct hx_network hx_network;
typedef struct hx_config hx_config;
typedef struct hx_blob hx_blob;
typedef struct hx_engine hx_engine;
typedef struct hx_context hx_context;

// ---- what the shim was compiled for ---------------------------------------------------------------------------------

typedef struct hx_headers {
    int32_t major, minor, patch, build;
    // 1 for TensorRT-RTX.
    int32_t rtx;
    // NV_TENSORRT_VERSION: what getInferLibVersion() of a library of these headers returns.
    int32_t encoded;
    // Whether networks are strongly typed: a tensor's type decides the precision, no flag does.
    int32_t strongly_typed;
    // Whether there is a flag for INT8 and dynamic ranges of tensors.
    int32_t int8;
    // Whether there are timing caches, and whether an engine can be asked for its layers.
    int32_t timing_cache, inspector;
} hx_headers;

hx_headers hx_compiled_for(void);

// ---- messages -------------------------------------------------------------------------------------------------------

// Severity as TensorRT counts it: 0 internal error, 1 error, 2 warning, 3 information, 4 verbose. TensorRT may call this
// from any thread.
typedef void (*hx_log_fn)(int32_t severity, const char* message);

// TensorRT keeps one logger for the process; so does the shim.
void hx_set_log(hx_log_fn log);

// ---- building -------------------------------------------------------------------------------------------------------

// The library's createInferBuilder_INTERNAL or createInferRuntime_INTERNAL.
typedef void* (*hx_create_fn)(void* logger, int32_t version);

hx_builder* hx_builder_new(hx_create_fn create);
void hx_builder_free(hx_builder* builder);
int32_t hx_builder_dla_cores(const hx_builder* builder);

typedef enum hx_type { HX_FLOAT = 0, HX_HALF = 1 } hx_type;

typedef struct hx_weights {
    const void* values;
    int64_t count;
    int32_t type;
} hx_weights;

// Rows, then columns.
typedef struct hx_window {
    int64_t kernel[2], stride[2], pre_pad[2], post_pad[2], dilation[2];
} hx_window;

typedef enum hx_activation {
    HX_RELU = 0,
    HX_SIGMOID = 1,
    HX_TANH = 2,
    HX_LEAKY_RELU = 3,
    HX_ELU = 4,
    HX_SOFTPLUS = 5,
    HX_CLIP = 6
} hx_activation;

typedef enum hx_elementwise { HX_SUM = 0, HX_PRODUCT = 1, HX_MAXIMUM = 2 } hx_elementwise;

hx_network* hx_network_new(hx_builder* builder);
void hx_network_free(hx_network* network);

// A network's input of 1 x channels x height x width. This and every hx_add returns the new tensor's number, or -1.
int32_t hx_add_input(hx_network* network, const char* name, int32_t type, const int64_t dims[3]);
int32_t hx_add_convolution(hx_network* network, const char* name, int32_t input, int64_t n_outputs, int64_t n_groups,
    const hx_window* window, const hx_weights* kernel, const hx_weights* bias);
int32_t hx_add_deconvolution(hx_network* network, const char* name, int32_t input, int64_t n_outputs, int64_t n_groups,
    const hx_window* window, const hx_weights* kernel, const hx_weights* bias);
// An average counts its padding unless `excludes_padding`.
int32_t hx_add_pooling(hx_network* network, const char* name, int32_t input, int32_t average, const hx_window* window,
    int32_t excludes_padding);
// Zeros around the rows and columns.
int32_t hx_add_padding(hx_network* network, const char* name, int32_t input, const int64_t pad[2]);
// As FullyConnected where the version has it, else as a convolution whose kernel is the whole input.
int32_t hx_add_fully_connected(hx_network* network, const char* name, int32_t input, int64_t n_outputs,
    const hx_weights* kernel, const hx_weights* bias);
int32_t hx_add_activation(hx_network* network, const char* name, int32_t input, int32_t kind, float alpha, float beta);
int32_t hx_add_absolute(hx_network* network, const char* name, int32_t input);
int32_t hx_add_lrn(hx_network* network, const char* name, int32_t input, int64_t size, float alpha, float beta, float k);
// (input x scale + shift) ^ power, per channel or uniform; one of the three without values is left out.
int32_t hx_add_scale(hx_network* network, const char* name, int32_t input, int32_t per_channel, const hx_weights* shift,
    const hx_weights* scale, const hx_weights* power);
int32_t hx_add_elementwise(hx_network* network, const char* name, int32_t left, int32_t right, int32_t operation);
// Along the channels.
int32_t hx_add_concatenation(hx_network* network, const char* name, const int32_t* inputs, int32_t n_inputs);
// Over the channels.
int32_t hx_add_softmax(hx_network* network, const char* name, int32_t input);

// Names a tensor and makes it an output of the network. 1, or 0 where it failed.
int32_t hx_mark_output(hx_network* network, int32_t tensor, const char* name);
// Range of the values of a tensor, [-range, range], for INT8. 1, or 0 where it failed.
int32_t hx_set_dynamic_range(hx_network* network, int32_t tensor, float range);
// Channels, height and width of a tensor. 1, or 0 where it has other dimensions.
int32_t hx_tensor_dims(const hx_network* network, int32_t tensor, int64_t dims[3]);
// TensorRT's layers, in the order in which they were added.
int32_t hx_layer_count(const hx_network* network);
const char* hx_layer_name(const hx_network* network, int32_t layer);

typedef enum hx_device { HX_GPU = 0, HX_DLA = 1 } hx_device;
typedef enum hx_precision { HX_FP32 = 0, HX_FP16 = 1, HX_INT8 = 2 } hx_precision;

hx_config* hx_config_new(hx_builder* builder);
void hx_config_free(hx_config* config);
// Sets the flags of a precision; a strongly typed version has none. 1, or 0 where the version has no such precision.
int32_t hx_config_set_precision(hx_config* config, int32_t precision);
void hx_config_set_workspace(hx_config* config, uint64_t bytes);
void hx_config_set_default_device(hx_config* config, int32_t device);
void hx_config_set_dla_core(hx_config* config, int32_t core);
void hx_config_set_gpu_fallback(hx_config* config);
void hx_config_set_layer_device(hx_config* config, const hx_network* network, int32_t layer, int32_t device);
int32_t hx_config_layer_device(const hx_config* config, const hx_network* network, int32_t layer);
int32_t hx_config_dla_core(const hx_config* config);
// Begins with the timings in `data`, or with none where `size` is 0. 1, or 0 where they can't be used.
int32_t hx_config_load_timing_cache(hx_config* config, const void* data, size_t size);
// The timings after a build; NULL where there are none.
hx_blob* hx_config_save_timing_cache(const hx_config* config);

// The plan, or NULL.
hx_blob* hx_build(hx_builder* builder, hx_network* network, hx_config* config);

const void* hx_blob_data(const hx_blob* blob);
size_t hx_blob_size(const hx_blob* blob);
void hx_blob_free(hx_blob* blob);

// ---- running --------------------------------------------------------------------------------------------------------

// Loads a plan for a DLA core (-1 for none). NULL where it is none of this version and this machine.
hx_engine* hx_engine_load(hx_create_fn create, int32_t dla_core, const void* plan, size_t size);
void hx_engine_free(hx_engine* engine);
int32_t hx_engine_io_count(const hx_engine* engine);
const char* hx_engine_io_name(const hx_engine* engine, int32_t io);
int32_t hx_engine_io_is_input(const hx_engine* engine, int32_t io);
// Bytes that the tensor takes in device memory, formats and vectors counted; -1 where it isn't known.
int64_t hx_engine_io_bytes(const hx_engine* engine, int32_t io);
// What the engine inspector says of the layers, as JSON text; NULL where the version has no inspector.
hx_blob* hx_engine_layer_information(hx_engine* engine);

typedef void (*hx_layer_time_fn)(void* user, const char* layer, float milliseconds);

hx_context* hx_context_new(hx_engine* engine);
void hx_context_free(hx_context* context);
// The device memory of an input or output. 1, or 0 where it failed.
int32_t hx_context_set_address(hx_context* context, int32_t io, void* device_memory);
// Reports every layer's time of each following run to `report`, after the stream's work has ended; NULL stops it.
int32_t hx_context_set_profiler(hx_context* context, hx_layer_time_fn report, void* user);
// Puts one run on a CUDA stream (a CUstream). 1, or 0 where it failed.
int32_t hx_context_enqueue(hx_context* context, void* stream);

#ifdef __cplusplus
}
#endif
