//! ONNX Runtime on this machine: where its library is, and opening it.

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::doctor::programs::answer;
use super::failure::Failure;
use crate::backend::onnxruntime::{
    LibrarySource, OnnxRuntime, OnnxRuntimeError, Tensors, available_cores, bind_thread, of_loader_list,
};
use crate::network::onnx::Model;
use crate::platform::{Platform, Provider};
use crate::run::executor::{ExecutorOptions, Lane, Runner};

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
    LibrarySource { system, package: of_python(), development: Some(DEVELOPMENT.into()), ..source }.find()
}

/// What `make onnxruntime` fills, where this program was built.
const DEVELOPMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.deps/onnxruntime");

/// The folder of Python's package, which is found without being imported.
fn of_python() -> Option<PathBuf> {
    let find = "import importlib.util as u; s = u.find_spec('onnxruntime'); print(s.submodule_search_locations[0] if s else '')";
    let folder = answer("python3", &["-c", find]).ok()?;
    Some(PathBuf::from(folder.trim())).filter(|folder| !folder.as_os_str().is_empty())
}

/// A part of a network, to be run by one lane.
pub(super) struct Part {
    /// What it is called in errors.
    pub(super) what: String,
    /// Its model.
    pub(super) model: Arc<Vec<u8>>,
    /// What it reads and writes, with the network's other parts.
    pub(super) tensors: Tensors,
    /// Names of the network's own inputs, which are made up.
    pub(super) inputs: Arc<Vec<String>>,
}

/// A lane that runs `parts` on `provider`, in the order of `segments`, whose inputs are made up from `seed`.
pub(super) fn lane(
    name: &str,
    segments: Vec<usize>,
    runtime: &OnnxRuntime,
    provider: &Provider,
    parts: Vec<Part>,
    seed: u64,
) -> Lane<OnnxRuntimeError> {
    let (runtime, provider) = (runtime.clone(), provider.clone());
    let set_up = move || {
        bind_thread(&provider.cores)?;
        let runner = |part: Part| {
            let mut session = runtime.session(&part.what, &part.model, &provider)?;
            session.make_up(&part.tensors, seed, |name| part.inputs.iter().any(|input| input == name))?;
            let tensors = part.tensors;
            Ok::<Runner<OnnxRuntimeError>, OnnxRuntimeError>(Box::new(move || session.run(&tensors)))
        };
        parts.into_iter().map(runner).collect()
    };
    Lane { name: name.to_owned(), segments, set_up: Box::new(set_up) }
}

/// Names of what goes into `model`.
pub(super) fn input_names(model: &Model) -> Result<Vec<String>, Failure> {
    let graph = model.graph()?;
    Ok(graph.input.iter().map(|input| input.name.clone()).collect())
}

/// Longest that a lane's set-up, which loads models, or one run of a part may take.
const LIMIT: Duration = Duration::from_secs(300);

/// How an executor of sessions waits; `cancel` stops it.
pub(super) fn executor_options(cancel: Arc<AtomicBool>) -> ExecutorOptions {
    ExecutorOptions { limit: LIMIT, cancel, ..ExecutorOptions::default() }
}

/// Refuses a platform with an accelerator that this library, or this machine, can't be.
pub(super) fn check_platform(runtime: &OnnxRuntime, platform: &Platform) -> Result<(), Failure> {
    let cores = available_cores();
    for accelerator in &platform.accelerators {
        let (name, platform) = (&accelerator.name, &platform.name);
        let Some(provider) = &accelerator.provider else {
            return Err(Failure::no_backend(format!(
                "accelerator `{name}` of platform `{platform}` has no `provider`, which ONNX Runtime runs it by"
            ))
            .hint("`--platform host` is this machine; docs/formats.md lists the keys of a platform file"));
        };
        if !runtime.has(provider.kind) {
            let (kind, library) = (provider.kind.name(), runtime.library().display());
            return Err(Failure::no_backend(format!(
                "accelerator `{name}`: {library} has no execution provider `{kind}`"
            ))
            .hint("install the build of ONNX Runtime that has it, and name its library by ORT_DYLIB_PATH"));
        }
        if let Some(core) = provider.cores.iter().find(|core| !cores.contains(core)) {
            return Err(Failure::no_backend(format!(
                "accelerator `{name}` of platform `{platform}`: this process has no core {core}"
            ))
            .hint("`haxconn platform detect` describes the machine as it is"));
        }
    }
    Ok(())
}

/// ONNX Runtime, opened.
pub(super) fn open() -> Result<OnnxRuntime, Failure> {
    let refused = |error: OnnxRuntimeError| Failure::no_backend(error).hint(HINT);
    OnnxRuntime::open(&library().map_err(refused)?).map_err(refused)
}
