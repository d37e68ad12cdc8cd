// TensorRT behind the C interface of shim.h: one source for TensorRT 7.1 to 11 and TensorRT-RTX. What the versions do
// differently is decided here and nowhere else.

#include "shim.h"

#include <NvInfer.h>

#include <atomic>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef TRT_MAJOR_RTX
#define HX_RTX 1
#else
#define HX_RTX 0
#endif

// Whether the headers are those of TensorRT `major`.`minor` or newer. TensorRT-RTX counts its versions apart; its
// interface is that of TensorRT 10.13 and later.
#define HX_AT_LEAST(major, minor)                                                                                      \
    (HX_RTX || NV_TENSORRT_MAJOR > (major) || (NV_TENSORRT_MAJOR == (major) && NV_TENSORRT_MINOR >= (minor)))

// TensorRT 11 and TensorRT-RTX have no precision flags and no dynamic ranges: tensors have types.
#define HX_STRONGLY_TYPED (HX_RTX || NV_TENSORRT_MAJOR >= 11)

// TensorRT-RTX times no tactics when it builds.
#define HX_TIMING_CACHE (!HX_RTX && NV_TENSORRT_MAJOR >= 8)

// Around calls that a newer release calls deprecated and for which the older ones have no other.
#define HX_DEPRECATED_BEGIN                                                                                            \
    _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")
#define HX_DEPRECATED_END _Pragma("GCC diagnostic pop")

namespace
{

namespace nv = nvinfer1;

class Logger : public nv::ILogger
{
public:
    void log(Severity severity, char const* message) noexcept override
    {
        hx_log_fn const call = target.load();
        if (call != nullptr && message != nullptr)
        {
            call(static_cast<int32_t>(severity), message);
        }
    }

    void error(std::string const& message) noexcept
    {
        log(Severity::kERROR, message.c_str());
    }

    std::atomic<hx_log_fn> target{nullptr};
};

Logger& logger()
{
    static Logger instance;
    return instance;
}

// Runs `body`; an exception becomes a message and `otherwise`.
template <typename T, typename Body>
T guarded(T otherwise, Body body) noexcept
{
    try
    {
        return body();
    }
    catch (std::exception const& error)
    {
        logger().error(error.what());
    }
    catch (...)
    {
        logger().error("an exception of an unknown type");
    }
    return otherwise;
}

// TensorRT 7 has protected destructors and `destroy`; later versions have destructors.
struct Release
{
    template <typename T>
    void operator()(T* object) const
    {
#if HX_AT_LEAST(8, 0)
        delete object;
#else
        object->destroy();
#endif
    }
};

// Owns one TensorRT object. (std::unique_ptr would do the same, with the deleter in every type.)
template <typename T>
class Owned
{
public:
    explicit Owned(T* pointer = nullptr) : mPointer(pointer) {}
    ~Owned()
    {
        if (mPointer != nullptr)
        {
            Release()(mPointer);
        }
    }
    Owned(Owned const&) = delete;
    Owned& operator=(Owned const&) = delete;
    Owned(Owned&& other) noexcept : mPointer(other.mPointer)
    {
        other.mPointer = nullptr;
    }
    Owned& operator=(Owned&& other) noexcept
    {
        std::swap(mPointer, other.mPointer);
        return *this;
    }
    T* operator->() const
    {
        return mPointer;
    }
    T& operator*() const
    {
        return *mPointer;
    }
    explicit operator bool() const
    {
        return mPointer != nullptr;
    }

private:
    T* mPointer;
};

nv::Dims dims_of(std::initializer_list<int64_t> sizes)
{
    nv::Dims dims{};
    dims.nbDims = static_cast<int32_t>(sizes.size());
    int32_t axis = 0;
    for (int64_t size : sizes)
    {
        // Dimensions have 32 bits before TensorRT 10; a network's are far smaller.
        dims.d[axis++] = static_cast<std::remove_reference<decltype(dims.d[0])>::type>(size);
    }
    return dims;
}

nv::Dims pair_of(int64_t const pair[2])
{
    return dims_of({pair[0], pair[1]});
}

nv::Weights weights_of(hx_weights const* weights)
{
    auto const type = weights->type == HX_HALF ? nv::DataType::kHALF : nv::DataType::kFLOAT;
    return nv::Weights{type, weights->values, weights->count};
}

nv::DeviceType device_of(int32_t device)
{
    return device == HX_DLA ? nv::DeviceType::kDLA : nv::DeviceType::kGPU;
}

} // namespace

struct hx_builder
{
    Owned<nv::IBuilder> builder;
};

struct hx_network
{
    Owned<nv::INetworkDefinition> network;
    // Every tensor that was added, by number.
    std::vector<nv::ITensor*> tensors;
};

struct hx_config
{
#if HX_TIMING_CACHE
    // Outlives the configuration, which uses it.
    Owned<nv::ITimingCache> timing_cache;
#endif
    Owned<nv::IBuilderConfig> config;
};

struct hx_blob
{
    std::vector<char> bytes;
};

struct hx_engine
{
    // In the order of destruction from the end: the engine goes before the runtime that made it.
    Owned<nv::IRuntime> runtime;
    Owned<nv::ICudaEngine> engine;
    std::vector<std::string> io_names;
};

namespace
{

class Profiler : public nv::IProfiler
{
public:
    Profiler(hx_layer_time_fn report, void* user) : mReport(report), mUser(user) {}

    void reportLayerTime(char const* layer, float milliseconds) noexcept override
    {
        mReport(mUser, layer, milliseconds);
    }

private:
    hx_layer_time_fn mReport;
    void* mUser;
};

} // namespace

struct hx_context
{
    hx_engine* engine;
    // Outlives the context, which calls it.
    std::vector<Profiler> profiler;
    Owned<nv::IExecutionContext> context;
    // Addresses by I/O number, for the versions that take them with every run.
    std::vector<void*> addresses;
};

namespace
{

nv::ITensor* tensor_at(hx_network const* network, int32_t tensor)
{
    return network->tensors.at(static_cast<size_t>(tensor));
}

nv::ILayer& layer_at(hx_network const* network, int32_t layer)
{
    nv::ILayer* found = network->network->getLayer(layer);
    if (found == nullptr)
    {
        throw std::out_of_range("the network has no layer of that number");
    }
    return *found;
}

// Names a layer that was just added and takes its output; -1 where TensorRT refused to add it.
int32_t added(hx_network* network, char const* name, nv::ILayer* layer)
{
    if (layer == nullptr)
    {
        logger().error(std::string("TensorRT refused to add layer `") + name + "`");
        return -1;
    }
    layer->setName(name);
    nv::ITensor* output = layer->getOutput(0);
    output->setName(name);
    network->tensors.push_back(output);
    return static_cast<int32_t>(network->tensors.size()) - 1;
}

template <typename Layer>
void set_window(Layer& layer, hx_window const& window)
{
    layer.setPaddingMode(nv::PaddingMode::kEXPLICIT_ROUND_DOWN);
    layer.setStrideNd(pair_of(window.stride));
    layer.setPrePadding(pair_of(window.pre_pad));
    layer.setPostPadding(pair_of(window.post_pad));
}

template <typename Layer>
int32_t added_convolution(
    hx_network* network, char const* name, Layer* layer, int64_t n_groups, hx_window const& window)
{
    if (layer != nullptr)
    {
        set_window(*layer, window);
        layer->setNbGroups(static_cast<int32_t>(n_groups));
        layer->setDilationNd(pair_of(window.dilation));
    }
    return added(network, name, layer);
}

hx_blob* blob_of(void const* data, size_t size)
{
    char const* bytes = static_cast<char const*>(data);
    return new hx_blob{std::vector<char>(bytes, bytes + size)};
}

hx_blob* blob_of(nv::IHostMemory* memory)
{
    if (memory == nullptr)
    {
        return nullptr;
    }
    Owned<nv::IHostMemory> owned(memory);
    return blob_of(owned->data(), owned->size());
}

int64_t bytes_of(nv::DataType type)
{
    switch (type)
    {
    case nv::DataType::kFLOAT:
    case nv::DataType::kINT32: return 4;
    case nv::DataType::kHALF: return 2;
    case nv::DataType::kINT8:
    case nv::DataType::kBOOL: return 1;
    default: return -1;
    }
}

// Elements of `dims` with `vector_axis` rounded up to whole vectors; -1 where a dimension isn't known.
int64_t elements_of(nv::Dims const& dims, int32_t vector_axis, int32_t per_vector)
{
    int64_t elements = 1;
    for (int32_t axis = 0; axis < dims.nbDims; ++axis)
    {
        int64_t size = dims.d[axis];
        if (size < 0)
        {
            return -1;
        }
        if (axis == vector_axis && per_vector > 1)
        {
            size = (size + per_vector - 1) / per_vector * per_vector;
        }
        elements *= size;
    }
    return elements;
}

} // namespace

extern "C"
{

hx_headers hx_compiled_for(void)
{
    hx_headers headers{};
    headers.major = NV_TENSORRT_MAJOR;
    headers.minor = NV_TENSORRT_MINOR;
    headers.patch = NV_TENSORRT_PATCH;
    headers.build = NV_TENSORRT_BUILD;
    headers.rtx = HX_RTX;
    headers.encoded = NV_TENSORRT_VERSION;
    headers.strongly_typed = HX_STRONGLY_TYPED;
    headers.int8 = !HX_STRONGLY_TYPED;
    headers.timing_cache = HX_TIMING_CACHE;
    headers.inspector = HX_AT_LEAST(8, 2);
    return headers;
}

void hx_set_log(hx_log_fn log)
{
    logger().target.store(log);
}

hx_builder* hx_builder_new(hx_create_fn create)
{
    return guarded<hx_builder*>(nullptr, [&]() -> hx_builder* {
        Owned<nv::IBuilder> builder(static_cast<nv::IBuilder*>(create(&logger(), NV_TENSORRT_VERSION)));
        return builder ? new hx_builder{std::move(builder)} : nullptr;
    });
}

void hx_builder_free(hx_builder* builder)
{
    delete builder;
}

int32_t hx_builder_dla_cores(hx_builder const* builder)
{
    return builder->builder->getNbDLACores();
}

hx_network* hx_network_new(hx_builder* builder)
{
    return guarded<hx_network*>(nullptr, [&]() -> hx_network* {
        HX_DEPRECATED_BEGIN
#if HX_STRONGLY_TYPED
        auto const flag = nv::NetworkDefinitionCreationFlag::kSTRONGLY_TYPED;
#else
        auto const flag = nv::NetworkDefinitionCreationFlag::kEXPLICIT_BATCH;
#endif
        HX_DEPRECATED_END
        Owned<nv::INetworkDefinition> network(builder->builder->createNetworkV2(1U << static_cast<uint32_t>(flag)));
        return network ? new hx_network{std::move(network), {}} : nullptr;
    });
}

void hx_network_free(hx_network* network)
{
    delete network;
}

int32_t hx_add_input(hx_network* network, char const* name, int32_t type, int64_t const dims[3])
{
    return guarded(-1, [&] {
        auto const data_type = type == HX_HALF ? nv::DataType::kHALF : nv::DataType::kFLOAT;
        nv::ITensor* input = network->network->addInput(name, data_type, dims_of({1, dims[0], dims[1], dims[2]}));
        if (input == nullptr)
        {
            logger().error(std::string("TensorRT refused to add input `") + name + "`");
            return -1;
        }
        network->tensors.push_back(input);
        return static_cast<int32_t>(network->tensors.size()) - 1;
    });
}

int32_t hx_add_convolution(hx_network* network, char const* name, int32_t input, int64_t n_outputs, int64_t n_groups,
    hx_window const* window, hx_weights const* kernel, hx_weights const* bias)
{
    return guarded(-1, [&] {
        auto* layer = network->network->addConvolutionNd(*tensor_at(network, input), static_cast<int32_t>(n_outputs),
            pair_of(window->kernel), weights_of(kernel), weights_of(bias));
        return added_convolution(network, name, layer, n_groups, *window);
    });
}

int32_t hx_add_deconvolution(hx_network* network, char const* name, int32_t input, int64_t n_outputs, int64_t n_groups,
    hx_window const* window, hx_weights const* kernel, hx_weights const* bias)
{
    return guarded(-1, [&] {
        auto* layer = network->network->addDeconvolutionNd(*tensor_at(network, input), static_cast<int32_t>(n_outputs),
            pair_of(window->kernel), weights_of(kernel), weights_of(bias));
        return added_convolution(network, name, layer, n_groups, *window);
    });
}

int32_t hx_add_pooling(hx_network* network, char const* name, int32_t input, int32_t average, hx_window const* window,
    int32_t excludes_padding)
{
    return guarded(-1, [&] {
        auto const type = average != 0 ? nv::PoolingType::kAVERAGE : nv::PoolingType::kMAX;
        auto* layer = network->network->addPoolingNd(*tensor_at(network, input), type, pair_of(window->kernel));
        if (layer != nullptr)
        {
            set_window(*layer, *window);
            layer->setAverageCountExcludesPadding(excludes_padding != 0);
        }
        return added(network, name, layer);
    });
}

int32_t hx_add_padding(hx_network* network, char const* name, int32_t input, int64_t const pad[2])
{
    return guarded(-1, [&] {
        HX_DEPRECATED_BEGIN
        auto* layer = network->network->addPaddingNd(*tensor_at(network, input), pair_of(pad), pair_of(pad));
        HX_DEPRECATED_END
        return added(network, name, layer);
    });
}

int32_t hx_add_fully_connected(hx_network* network, char const* name, int32_t input, int64_t n_outputs,
    hx_weights const* kernel, hx_weights const* bias)
{
    return guarded(-1, [&] {
        nv::ITensor& tensor = *tensor_at(network, input);
        auto const n_maps = static_cast<int32_t>(n_outputs);
#if HX_AT_LEAST(9, 0)
        nv::Dims const dims = tensor.getDimensions();
        auto* layer = network->network->addConvolutionNd(
            tensor, n_maps, dims_of({dims.d[2], dims.d[3]}), weights_of(kernel), weights_of(bias));
#else
        HX_DEPRECATED_BEGIN
        auto* layer = network->network->addFullyConnected(tensor, n_maps, weights_of(kernel), weights_of(bias));
        HX_DEPRECATED_END
#endif
        return added(network, name, layer);
    });
}

int32_t hx_add_activation(hx_network* network, char const* name, int32_t input, int32_t kind, float alpha, float beta)
{
    return guarded(-1, [&] {
        using Type = nv::ActivationType;
        static Type const types[] = {Type::kRELU, Type::kSIGMOID, Type::kTANH, Type::kLEAKY_RELU, Type::kELU,
            Type::kSOFTPLUS, Type::kCLIP};
        auto* layer = network->network->addActivation(*tensor_at(network, input), types[kind]);
        if (layer != nullptr)
        {
            layer->setAlpha(alpha);
            layer->setBeta(beta);
        }
        return added(network, name, layer);
    });
}

int32_t hx_add_absolute(hx_network* network, char const* name, int32_t input)
{
    return guarded(-1, [&] {
        auto* layer = network->network->addUnary(*tensor_at(network, input), nv::UnaryOperation::kABS);
        return added(network, name, layer);
    });
}

int32_t hx_add_lrn(
    hx_network* network, char const* name, int32_t input, int64_t size, float alpha, float beta, float k)
{
    return guarded(-1, [&] {
        auto* layer
            = network->network->addLRN(*tensor_at(network, input), static_cast<int32_t>(size), alpha, beta, k);
        return added(network, name, layer);
    });
}

int32_t hx_add_scale(hx_network* network, char const* name, int32_t input, int32_t per_channel,
    hx_weights const* shift, hx_weights const* scale, hx_weights const* power)
{
    return guarded(-1, [&] {
        auto const mode = per_channel != 0 ? nv::ScaleMode::kCHANNEL : nv::ScaleMode::kUNIFORM;
        auto* layer = network->network->addScaleNd(
            *tensor_at(network, input), mode, weights_of(shift), weights_of(scale), weights_of(power), 1);
        return added(network, name, layer);
    });
}

int32_t hx_add_elementwise(hx_network* network, char const* name, int32_t left, int32_t right, int32_t operation)
{
    return guarded(-1, [&] {
        using Operation = nv::ElementWiseOperation;
        static Operation const operations[] = {Operation::kSUM, Operation::kPROD, Operation::kMAX};
        auto* layer = network->network->addElementWise(
            *tensor_at(network, left), *tensor_at(network, right), operations[operation]);
        return added(network, name, layer);
    });
}

int32_t hx_add_concatenation(hx_network* network, char const* name, int32_t const* inputs, int32_t n_inputs)
{
    return guarded(-1, [&] {
        std::vector<nv::ITensor*> tensors;
        for (int32_t idx = 0; idx < n_inputs; ++idx)
        {
            tensors.push_back(tensor_at(network, inputs[idx]));
        }
        auto* layer = network->network->addConcatenation(tensors.data(), n_inputs);
        if (layer != nullptr)
        {
            layer->setAxis(1);
        }
        return added(network, name, layer);
    });
}

int32_t hx_add_softmax(hx_network* network, char const* name, int32_t input)
{
    return guarded(-1, [&] {
        auto* layer = network->network->addSoftMax(*tensor_at(network, input));
        if (layer != nullptr)
        {
            layer->setAxes(1U << 1);
        }
        return added(network, name, layer);
    });
}

int32_t hx_mark_output(hx_network* network, int32_t tensor, char const* name)
{
    return guarded(0, [&] {
        nv::ITensor& output = *tensor_at(network, tensor);
        output.setName(name);
        network->network->markOutput(output);
        return 1;
    });
}

int32_t hx_set_dynamic_range(hx_network* network, int32_t tensor, float range)
{
#if HX_STRONGLY_TYPED
    (void) network;
    (void) tensor;
    (void) range;
    logger().error("this version has no dynamic ranges");
    return 0;
#else
    return guarded(0, [&] {
        HX_DEPRECATED_BEGIN
        return tensor_at(network, tensor)->setDynamicRange(-range, range) ? 1 : 0;
        HX_DEPRECATED_END
    });
#endif
}

int32_t hx_tensor_dims(hx_network const* network, int32_t tensor, int64_t dims[3])
{
    return guarded(0, [&] {
        nv::Dims const found = tensor_at(network, tensor)->getDimensions();
        for (int32_t axis = 0; axis < 3 && found.nbDims == 4; ++axis)
        {
            dims[axis] = found.d[axis + 1];
        }
        return found.nbDims == 4 ? 1 : 0;
    });
}

int32_t hx_layer_count(hx_network const* network)
{
    return network->network->getNbLayers();
}

char const* hx_layer_name(hx_network const* network, int32_t layer)
{
    return guarded<char const*>(nullptr, [&] { return layer_at(network, layer).getName(); });
}

hx_config* hx_config_new(hx_builder* builder)
{
    return guarded<hx_config*>(nullptr, [&]() -> hx_config* {
        Owned<nv::IBuilderConfig> config(builder->builder->createBuilderConfig());
        if (!config)
        {
            return nullptr;
        }
#if HX_AT_LEAST(8, 2)
        config->setProfilingVerbosity(nv::ProfilingVerbosity::kDETAILED);
#endif
        auto* created = new hx_config();
        created->config = std::move(config);
        return created;
    });
}

void hx_config_free(hx_config* config)
{
    delete config;
}

int32_t hx_config_set_precision(hx_config* config, int32_t precision)
{
#if HX_STRONGLY_TYPED
    (void) config;
    return precision == HX_INT8 ? 0 : 1;
#else
    return guarded(0, [&] {
        HX_DEPRECATED_BEGIN
        if (precision != HX_FP32)
        {
            config->config->setFlag(nv::BuilderFlag::kFP16);
        }
        if (precision == HX_INT8)
        {
            config->config->setFlag(nv::BuilderFlag::kINT8);
        }
        HX_DEPRECATED_END
        return 1;
    });
#endif
}

void hx_config_set_workspace(hx_config* config, uint64_t bytes)
{
#if HX_AT_LEAST(8, 4)
    config->config->setMemoryPoolLimit(nv::MemoryPoolType::kWORKSPACE, static_cast<size_t>(bytes));
#else
    config->config->setMaxWorkspaceSize(static_cast<size_t>(bytes));
#endif
}

void hx_config_set_default_device(hx_config* config, int32_t device)
{
    config->config->setDefaultDeviceType(device_of(device));
}

void hx_config_set_dla_core(hx_config* config, int32_t core)
{
    config->config->setDLACore(core);
}

void hx_config_set_gpu_fallback(hx_config* config)
{
    config->config->setFlag(nv::BuilderFlag::kGPU_FALLBACK);
}

void hx_config_set_layer_device(hx_config* config, hx_network const* network, int32_t layer, int32_t device)
{
    guarded(0, [&] {
        config->config->setDeviceType(&layer_at(network, layer), device_of(device));
        return 0;
    });
}

int32_t hx_config_layer_device(hx_config const* config, hx_network const* network, int32_t layer)
{
    return guarded(-1, [&] {
        bool const dla = config->config->getDeviceType(&layer_at(network, layer)) == nv::DeviceType::kDLA;
        return static_cast<int32_t>(dla ? HX_DLA : HX_GPU);
    });
}

int32_t hx_config_dla_core(hx_config const* config)
{
    return config->config->getDLACore();
}

int32_t hx_config_load_timing_cache(hx_config* config, void const* data, size_t size)
{
#if HX_TIMING_CACHE
    return guarded(0, [&] {
        Owned<nv::ITimingCache> cache(config->config->createTimingCache(data, size));
        if (!cache || !config->config->setTimingCache(*cache, false))
        {
            return 0;
        }
        config->timing_cache = std::move(cache);
        return 1;
    });
#else
    (void) config;
    (void) data;
    (void) size;
    return 0;
#endif
}

hx_blob* hx_config_save_timing_cache(hx_config const* config)
{
#if HX_TIMING_CACHE
    return guarded<hx_blob*>(nullptr, [&]() -> hx_blob* {
        auto const* cache = config->config->getTimingCache();
        return cache == nullptr ? nullptr : blob_of(cache->serialize());
    });
#else
    (void) config;
    return nullptr;
#endif
}

hx_blob* hx_build(hx_builder* builder, hx_network* network, hx_config* config)
{
    return guarded<hx_blob*>(nullptr, [&]() -> hx_blob* {
#if HX_AT_LEAST(8, 0)
        return blob_of(builder->builder->buildSerializedNetwork(*network->network, *config->config));
#else
        Owned<nv::ICudaEngine> engine(builder->builder->buildEngineWithConfig(*network->network, *config->config));
        return engine ? blob_of(engine->serialize()) : nullptr;
#endif
    });
}

void const* hx_blob_data(hx_blob const* blob)
{
    return blob->bytes.data();
}

size_t hx_blob_size(hx_blob const* blob)
{
    return blob->bytes.size();
}

void hx_blob_free(hx_blob* blob)
{
    delete blob;
}

hx_engine* hx_engine_load(hx_create_fn create, int32_t dla_core, void const* plan, size_t size)
{
    return guarded<hx_engine*>(nullptr, [&]() -> hx_engine* {
        Owned<nv::IRuntime> runtime(static_cast<nv::IRuntime*>(create(&logger(), NV_TENSORRT_VERSION)));
        if (!runtime)
        {
            return nullptr;
        }
        if (dla_core >= 0)
        {
            runtime->setDLACore(dla_core);
        }
#if HX_AT_LEAST(8, 0)
        Owned<nv::ICudaEngine> engine(runtime->deserializeCudaEngine(plan, size));
#else
        Owned<nv::ICudaEngine> engine(runtime->deserializeCudaEngine(plan, size, nullptr));
#endif
        if (!engine)
        {
            return nullptr;
        }
        std::vector<std::string> names;
#if HX_AT_LEAST(8, 5)
        for (int32_t io = 0; io < engine->getNbIOTensors(); ++io)
        {
            names.emplace_back(engine->getIOTensorName(io));
        }
#else
        for (int32_t io = 0; io < engine->getNbBindings(); ++io)
        {
            names.emplace_back(engine->getBindingName(io));
        }
#endif
        return new hx_engine{std::move(runtime), std::move(engine), std::move(names)};
    });
}

void hx_engine_free(hx_engine* engine)
{
    delete engine;
}

int32_t hx_engine_io_count(hx_engine const* engine)
{
    return static_cast<int32_t>(engine->io_names.size());
}

char const* hx_engine_io_name(hx_engine const* engine, int32_t io)
{
    return engine->io_names[static_cast<size_t>(io)].c_str();
}

int32_t hx_engine_io_is_input(hx_engine const* engine, int32_t io)
{
#if HX_AT_LEAST(8, 5)
    auto const mode = engine->engine->getTensorIOMode(hx_engine_io_name(engine, io));
    return mode == nv::TensorIOMode::kINPUT ? 1 : 0;
#else
    return engine->engine->bindingIsInput(io) ? 1 : 0;
#endif
}

int64_t hx_engine_io_bytes(hx_engine const* engine, int32_t io)
{
#if HX_AT_LEAST(8, 5)
    char const* name = hx_engine_io_name(engine, io);
    nv::Dims const dims = engine->engine->getTensorShape(name);
    int32_t const axis = engine->engine->getTensorVectorizedDim(name);
    int32_t const per_vector = axis < 0 ? 1 : engine->engine->getTensorComponentsPerElement(name);
    int64_t const bytes = bytes_of(engine->engine->getTensorDataType(name));
#else
    nv::Dims const dims = engine->engine->getBindingDimensions(io);
    int32_t const axis = engine->engine->getBindingVectorizedDim(io);
    int32_t const per_vector = axis < 0 ? 1 : engine->engine->getBindingComponentsPerElement(io);
    int64_t const bytes = bytes_of(engine->engine->getBindingDataType(io));
#endif
    int64_t const elements = elements_of(dims, axis, per_vector);
    return elements < 0 || bytes < 0 ? -1 : elements * bytes;
}

hx_blob* hx_engine_layer_information(hx_engine* engine)
{
#if HX_AT_LEAST(8, 2)
    return guarded<hx_blob*>(nullptr, [&]() -> hx_blob* {
        Owned<nv::IEngineInspector> inspector(engine->engine->createEngineInspector());
        char const* text
            = inspector ? inspector->getEngineInformation(nv::LayerInformationFormat::kJSON) : nullptr;
        return text == nullptr ? nullptr : blob_of(text, std::strlen(text));
    });
#else
    (void) engine;
    return nullptr;
#endif
}

hx_context* hx_context_new(hx_engine* engine)
{
    return guarded<hx_context*>(nullptr, [&]() -> hx_context* {
        Owned<nv::IExecutionContext> context(engine->engine->createExecutionContext());
        if (!context)
        {
            return nullptr;
        }
        return new hx_context{engine, {}, std::move(context), std::vector<void*>(engine->io_names.size(), nullptr)};
    });
}

void hx_context_free(hx_context* context)
{
    delete context;
}

int32_t hx_context_set_address(hx_context* context, int32_t io, void* device_memory)
{
    return guarded(0, [&] {
        context->addresses.at(static_cast<size_t>(io)) = device_memory;
#if HX_AT_LEAST(8, 5)
        char const* name = hx_engine_io_name(context->engine, io);
        return context->context->setTensorAddress(name, device_memory) ? 1 : 0;
#else
        return 1;
#endif
    });
}

int32_t hx_context_set_profiler(hx_context* context, hx_layer_time_fn report, void* user)
{
    return guarded(0, [&] {
        context->context->setProfiler(nullptr);
        context->profiler.clear();
        if (report != nullptr)
        {
            context->profiler.emplace_back(report, user);
            context->context->setProfiler(&context->profiler.front());
        }
        return 1;
    });
}

int32_t hx_context_enqueue(hx_context* context, void* stream)
{
    return guarded(0, [&] {
        auto* cuda_stream = static_cast<cudaStream_t>(stream);
#if HX_AT_LEAST(8, 5)
        return context->context->enqueueV3(cuda_stream) ? 1 : 0;
#else
        return context->context->enqueueV2(context->addresses.data(), cuda_stream, nullptr) ? 1 : 0;
#endif
    });
}

} // extern "C"
