//! ONNX Runtime on this machine: where its library is, and opening it.

use std::env;
use std::path::PathBuf;

use super::doctor::programs::answer;
use super::failure::Failure;
use crate::backend::onnxruntime::{LibrarySource, OnnxRuntime, OnnxRuntimeError, of_loader_list};

/// What to do where there is no library.
pub(super) const HINT: &str = "`python3 -m pip install onnxruntime`, or name its libonnxruntime.so by ORT_DYLIB_PATH";

/// The library's file: what `ORT_DYLIB_PATH` names, else what the system's loader knows, else Python's package.
pub(super) fn library() -> Result<PathBuf, OnnxRuntimeError> {
    let named = env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()).map(PathBuf::from);
    let folders = env::split_paths(&env::var_os("LD_LIBRARY_PATH").unwrap_or_default()).collect();
    let source = LibrarySource { named, folders, ..LibrarySource::default() };
    if source.named.is_some() {
        return source.find();
    }
    let system = answer("ldconfig", &["-p"]).ok().and_then(|list| of_loader_list(&list));
    LibrarySource { system, package: of_python(), ..source }.find()
}

/// The folder of Python's package, which is found without being imported.
fn of_python() -> Option<PathBuf> {
    let find = "import importlib.util as u; s = u.find_spec('onnxruntime'); print(s.submodule_search_locations[0] if s else '')";
    let folder = answer("python3", &["-c", find]).ok()?;
    Some(PathBuf::from(folder.trim())).filter(|folder| !folder.as_os_str().is_empty())
}

/// ONNX Runtime, opened.
pub(super) fn open() -> Result<OnnxRuntime, Failure> {
    let refused = |error: OnnxRuntimeError| Failure::no_backend(error).hint(HINT);
    OnnxRuntime::open(&library().map_err(refused)?).map_err(refused)
}
