// The two CUDA types that TensorRT's headers name. The shim calls no CUDA function, so that it compiles on a machine
// without the CUDA toolkit; a pointer is a pointer whatever it points to.
#pragma once

typedef struct CUstream_st* cudaStream_t;
typedef struct CUevent_st* cudaEvent_t;
