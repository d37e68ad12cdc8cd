//! Libraries: TensorRT, CUDA, Z3, ONNX Runtime.

use super::{found, missing, needless};
use crate::backend::cuda::Cuda;
use crate::backend::tensorrt::{self, Tensorrt, Unavailable};
use crate::cli::onnxruntime;
use crate::report::doctor::Finding;
use crate::schedule;

pub(super) fn headers() -> Finding {
    const SUBJECT: &str = "TensorRT headers";
    match tensorrt::compiled_for() {
        Some(version) => found(SUBJECT, format!("compiled for {version}")),
        None => missing(
            SUBJECT,
            "this program was compiled without them",
            "install libnvinfer-dev or run scripts/fetch-tensorrt-rtx.sh, then `touch build.rs` and build haxconn again",
        ),
    }
}

pub(super) fn library(tensorrt: &Result<Tensorrt, Unavailable>) -> Finding {
    const SUBJECT: &str = "TensorRT library";
    match tensorrt {
        Ok(tensorrt) => found(SUBJECT, format!("{} ({})", tensorrt.version(), tensorrt.library().display())),
        Err(Unavailable::NotCompiled) => needless(SUBJECT, "not looked for without the headers"),
        Err(error @ Unavailable::Library(_)) => missing(
            SUBJECT,
            error.to_string(),
            "install the libnvinfer of the headers' version, or name its file by HAXCONN_TENSORRT_LIB",
        ),
        Err(error @ Unavailable::NoBuilder(_)) => {
            missing(SUBJECT, error.to_string(), "TensorRT's builder needs a GPU and its driver; TensorRT-RTX's doesn't")
        }
    }
}

pub(super) fn cuda_driver(cuda: &Result<Cuda, String>) -> Finding {
    const SUBJECT: &str = "CUDA driver";
    match cuda {
        Ok(Cuda { version: [major, minor], .. }) => found(SUBJECT, format!("supports CUDA {major}.{minor}")),
        Err(reason) => missing(SUBJECT, reason, "without NVIDIA's driver plans are built, but can't be run"),
    }
}

pub(super) fn gpu(cuda: &Result<Cuda, String>) -> Finding {
    const SUBJECT: &str = "GPU";
    let Ok(cuda) = cuda else { return needless(SUBJECT, "not known without the CUDA driver") };
    let describe = |gpu: &crate::backend::cuda::Gpu| {
        let [major, minor] = gpu.compute_capability;
        format!("{} (compute capability {major}.{minor})", gpu.name)
    };
    match cuda.gpus.iter().map(describe).collect::<Vec<_>>().as_slice() {
        [] => missing(SUBJECT, "the CUDA driver knows none", "see whether `nvidia-smi` lists it"),
        gpus => found(SUBJECT, gpus.join(", ")),
    }
}

pub(super) fn dla_cores(tensorrt: &Result<Tensorrt, Unavailable>) -> Finding {
    const SUBJECT: &str = "DLA cores";
    match tensorrt.as_ref().map(Tensorrt::n_dla_cores) {
        Ok(0) => needless(SUBJECT, "none: engines for a DLA are built by `--backend sim` only"),
        Ok(cores) => found(SUBJECT, cores.to_string()),
        Err(_) => needless(SUBJECT, "not known without TensorRT"),
    }
}

pub(super) fn z3() -> Finding {
    const SUBJECT: &str = "Z3";
    match schedule::z3_version() {
        Ok(version) => found(SUBJECT, version),
        Err(reason) => missing(SUBJECT, reason, "install libz3-dev 4.8.12 or newer and build haxconn again"),
    }
}

pub(super) fn onnx_runtime() -> Finding {
    const SUBJECT: &str = "ONNX Runtime";
    match onnxruntime::library() {
        Ok(path) => found(SUBJECT, path.display().to_string()),
        Err(error) => missing(SUBJECT, error.to_string(), onnxruntime::HINT),
    }
}
