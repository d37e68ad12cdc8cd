//! Libraries: TensorRT, CUDA, Z3, ONNX Runtime.

use std::env;
use std::path::{Path, PathBuf};

use super::programs::answer;
use super::{found, missing, needless};
use crate::backend::cuda::Cuda;
use crate::backend::tensorrt::{self, Tensorrt, Unavailable};
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
    if let Some(path) = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from) {
        return if path.is_file() {
            found(SUBJECT, path.display().to_string())
        } else {
            missing(SUBJECT, format!("ORT_DYLIB_PATH is {}: no such file", path.display()), "name the library's file")
        };
    }
    let named = env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let of_variable = env::split_paths(&named).find_map(|folder| library_in(&folder));
    let of_system = || answer("ldconfig", &["-p"]).ok().and_then(|list| of_loader(&list));
    match of_variable.or_else(of_system).or_else(of_python) {
        Some(path) => found(SUBJECT, path.display().to_string()),
        None => missing(SUBJECT, "no libonnxruntime.so", "python3 -m pip install onnxruntime"),
    }
}

/// The library's path in the loader's list: `libonnxruntime.so.1 (libc6,x86-64) => /usr/lib/..`.
fn of_loader(list: &str) -> Option<PathBuf> {
    let line = list.lines().find(|line| line.trim_start().starts_with("libonnxruntime.so"))?;
    line.split_once("=> ").map(|(_, path)| PathBuf::from(path.trim()))
}

/// The library inside the Python package, which is found without being imported.
fn of_python() -> Option<PathBuf> {
    let find = "import importlib.util as u; s = u.find_spec('onnxruntime'); print(s.submodule_search_locations[0] if s else '')";
    let folder = answer("python3", &["-c", find]).ok()?;
    library_in(&Path::new(folder.trim()).join("capi"))
}

/// The first `libonnxruntime.so*` in a folder.
fn library_in(folder: &Path) -> Option<PathBuf> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    let named =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("libonnxruntime.so"));
    files.filter(named).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_names_the_library() {
        let list = "12 libs found\n\tlibm.so.6 (libc6) => /lib/libm.so.6\n\tlibonnxruntime.so.1 (libc6,x86-64) => /usr/lib/libonnxruntime.so.1\n";
        assert_eq!(of_loader(list), Some(PathBuf::from("/usr/lib/libonnxruntime.so.1")));
        assert_eq!(of_loader("nothing"), None);
    }
}
