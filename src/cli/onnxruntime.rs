//! ONNX Runtime on this machine: where its library is, and opening it.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::anyhow;

use super::doctor::programs::answer;
use super::failure::Failure;
use crate::backend::onnxruntime::{OnnxRuntime, OnnxRuntimeError, Session, Tensors, available_cores, bind_thread};
use crate::network::onnx::Model;
use crate::platform::{Accelerator, Platform, Provider};
use crate::run::executor::{Lane, Runner};

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
    /// Its session, once some lane on the same cores has made it.
    pub(super) session: SharedSession,
}

/// A session that several programs may run, one at a time; nothing until the first of them makes it.
pub(super) type SharedSession = Arc<Mutex<Option<Session>>>;

/// What is behind a lock that a panicking thread held is a session all the same.
pub(super) fn lock(session: &SharedSession) -> MutexGuard<'_, Option<Session>> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Part {
    /// What runs it, on the thread that calls this.
    fn runner(
        self,
        runtime: &OnnxRuntime,
        provider: &Provider,
        seed: u64,
    ) -> Result<Runner<OnnxRuntimeError>, OnnxRuntimeError> {
        let Self { what, model, tensors, inputs, session } = self;
        let mut guard = lock(&session);
        let made = match guard.take() {
            Some(made) => made,
            None => runtime.session(&what, &model, provider)?,
        };
        guard.insert(made).make_up(&tensors, seed, |name| inputs.iter().any(|input| input == name))?;
        drop(guard);
        Ok(Box::new(move || lock(&session).as_mut().map_or(Ok(()), |session| session.run(&tensors))))
    }
}

/// What executes an accelerator's layers.
pub(super) fn provider(accelerator: &Accelerator) -> Result<&Provider, Failure> {
    let missing = || anyhow!("accelerator `{}` has no `provider` in its platform file", accelerator.name);
    accelerator.provider.as_ref().ok_or_else(|| missing().into())
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
        parts.into_iter().map(|part| part.runner(&runtime, &provider, seed)).collect()
    };
    Lane { name: name.to_owned(), segments, set_up: Box::new(set_up) }
}

/// Names of what goes into `model`.
pub(super) fn input_names(model: &Model) -> Result<Vec<String>, Failure> {
    let graph = model.graph()?;
    Ok(graph.input.iter().map(|input| input.name.clone()).collect())
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

/// ONNX Runtime, opened: once in a process, which it takes no more often.
pub(super) fn open() -> Result<OnnxRuntime, Failure> {
    static OPENED: Mutex<Option<OnnxRuntime>> = Mutex::new(None);
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(runtime) = &*opened {
        return Ok(runtime.clone());
    }
    let refused = |error: OnnxRuntimeError| Failure::no_backend(error).hint(HINT);
    let path = library().map_err(refused)?;
    let runtime = OnnxRuntime::open(&path.canonicalize().unwrap_or(path)).map_err(refused)?;
    *opened = Some(runtime.clone());
    Ok(runtime)
}

/// What may know where the library is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct LibrarySource {
    /// What the environment names.
    named: Option<PathBuf>,
    /// The folders of the loader's variable.
    folders: Vec<PathBuf>,
    /// The library in the loader's list.
    system: Option<PathBuf>,
    /// The folder of Python's package `onnxruntime`.
    package: Option<PathBuf>,
    /// A folder that is filled for the development of this program.
    development: Option<PathBuf>,
}

impl LibrarySource {
    /// The library's file.
    fn find(&self) -> Result<PathBuf, OnnxRuntimeError> {
        if let Some(named) = &self.named {
            let looked = || format!("ORT_DYLIB_PATH is {}: no such file", named.display());
            return if named.is_file() {
                Ok(named.clone())
            } else {
                Err(OnnxRuntimeError::NotFound { looked: looked() })
            };
        }
        let in_folders = self.folders.iter().find_map(|folder| library_in(folder));
        let in_package = || self.package.as_ref().and_then(|package| library_in(&package.join("capi")));
        let in_development = || self.development.as_ref().and_then(|folder| library_in(folder));
        let found = in_folders.or_else(|| self.system.clone()).or_else(in_package).or_else(in_development);
        found.ok_or_else(|| OnnxRuntimeError::NotFound {
            looked: "no libonnxruntime.so in the system, and no Python package `onnxruntime`".to_owned(),
        })
    }
}

/// The library's path in the loader's list: `libonnxruntime.so.1 (libc6,x86-64) => /usr/lib/..`.
fn of_loader_list(list: &str) -> Option<PathBuf> {
    let line = list.lines().find(|line| line.trim_start().starts_with("libonnxruntime.so"))?;
    line.split_once("=> ").map(|(_, path)| PathBuf::from(path.trim()))
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
        assert_eq!(of_loader_list(list), Some(PathBuf::from("/usr/lib/libonnxruntime.so.1")));
        assert_eq!(of_loader_list("nothing"), None);
    }

    #[test]
    fn what_is_named_comes_first_and_must_be_there() {
        let named = |path: &str| LibrarySource {
            named: Some(path.into()),
            system: Some("/usr/lib/libonnxruntime.so.1".into()),
            ..LibrarySource::default()
        };
        let words = "no ONNX Runtime: ORT_DYLIB_PATH is /nonexistent/x.so: no such file";
        assert_eq!(named("/nonexistent/x.so").find().unwrap_err().to_string(), words);
        let system = LibrarySource { named: None, ..named("") };
        assert_eq!(system.find(), Ok(PathBuf::from("/usr/lib/libonnxruntime.so.1")));
        assert!(LibrarySource::default().find().unwrap_err().to_string().contains("no Python package `onnxruntime`"));
    }
}
