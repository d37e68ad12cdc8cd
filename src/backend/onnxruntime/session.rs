//! The library, and sessions of models on its execution providers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ort::environment::Environment;
use ort::ep::{self, ExecutionProvider, ExecutionProviderDispatch};
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::session::{self, SessionInputValue};
use ort::value::{DynValue, Outlet};

use super::{OnnxRuntimeError, Port, Tensors};
use crate::platform::{Provider, ProviderKind};

/// ONNX Runtime, opened. There is one in a process.
#[derive(Clone, Debug)]
pub struct OnnxRuntime {
    environment: Environment,
    library: PathBuf,
}

impl OnnxRuntime {
    /// Opens the library at `path`, which is no link where its version is to be known.
    pub fn open(path: &Path) -> Result<Self, OnnxRuntimeError> {
        let refused = |reason: String| OnnxRuntimeError::Library { path: path.to_owned(), reason };
        let builder = ort::init_from(path).map_err(|error| refused(error.to_string()))?;
        let environment = builder.with_name("haxconn").with_telemetry(false).build();
        let environment = environment.map_err(|error| refused(error.to_string()))?;
        Ok(Self { environment, library: path.to_owned() })
    }

    /// The library's file.
    pub fn library(&self) -> &Path {
        &self.library
    }

    /// The library's version, as its file is named; else what it says of its build.
    pub fn version(&self) -> String {
        version_of(&self.library).unwrap_or_else(|| ort::info().to_owned())
    }

    /// Whether the library has a provider.
    pub fn has(&self, kind: ProviderKind) -> bool {
        let has = match kind {
            ProviderKind::Cpu => return true,
            ProviderKind::Cuda => ep::CUDA::is_available(),
            ProviderKind::Tensorrt => ep::TensorRT::is_available(),
            ProviderKind::Openvino => ep::OpenVINO::is_available(),
            ProviderKind::Qnn => ep::QNN::is_available(),
        };
        has.unwrap_or(false)
    }

    /// A session of `model` (the bytes of a file) on `provider`, called `what` in errors. Its threads are bound as the calling
    /// thread is: bind that to the provider's cores before, and let it run the session.
    ///
    /// # Errors
    /// Where the library lacks the provider, or refuses the model.
    pub fn session(&self, what: &str, model: &[u8], provider: &Provider) -> Result<Session, OnnxRuntimeError> {
        if !self.has(provider.kind) {
            return Err(OnnxRuntimeError::NoProvider { provider: provider.kind.name() });
        }
        let refused = |reason: String| OnnxRuntimeError::Model { what: what.to_owned(), reason };
        let builder = session::Session::builder(&self.environment).map_err(|error| refused(error.to_string()))?;
        let builder = configured(builder, provider).map_err(refused)?;
        let session = builder.clone().commit_from_memory(model).map_err(|error| refused(error.to_string()))?;
        let ports = |outlets: &[Outlet]| outlets.iter().map(|it| Port::of(it.name(), it.dtype())).collect();
        let (inputs, outputs) = (ports(session.inputs()), ports(session.outputs()));
        Ok(Session { what: what.to_owned(), inner: session, inputs, outputs })
    }
}

/// As many threads as the provider has cores (without cores, as many as ONNX Runtime takes), which spin while a run lasts
/// and not after it: the cores are other sessions' too.
fn configured(builder: SessionBuilder, provider: &Provider) -> Result<SessionBuilder, String> {
    let words = |error: ort::Error<SessionBuilder>| error.to_string();
    let builder = builder.with_optimization_level(GraphOptimizationLevel::Level3).map_err(words)?;
    let builder = builder.with_inter_threads(1).map_err(words)?;
    let builder = builder.with_intra_threads(provider.cores.len()).map_err(words)?;
    let builder = builder.with_config_entry("session.force_spinning_stop", "1").map_err(words)?;
    let Some(dispatch) = dispatch(provider) else { return Ok(builder) };
    builder.with_execution_providers([dispatch.error_on_failure()]).map_err(words)
}

/// The provider as ONNX Runtime registers it; none for the processor, which is always there.
fn dispatch(provider: &Provider) -> Option<ExecutionProviderDispatch> {
    macro_rules! with_options {
        ($provider:expr) => {{
            let options = provider.options.iter();
            options
                .fold($provider, |it, (name, value)| {
                    ep::ArbitrarilyConfigurableExecutionProvider::with_arbitrary_config(it, name, value)
                })
                .build()
        }};
    }
    Some(match provider.kind {
        ProviderKind::Cpu => return None,
        ProviderKind::Cuda => with_options!(ep::CUDA::default()),
        ProviderKind::Tensorrt => with_options!(ep::TensorRT::default()),
        ProviderKind::Openvino => with_options!(ep::OpenVINO::default()),
        ProviderKind::Qnn => with_options!(ep::QNN::default()),
    })
}

/// A model that is ready to run.
#[derive(Debug)]
pub struct Session {
    what: String,
    inner: session::Session,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
}

impl Session {
    /// What goes in.
    pub fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    /// What comes out.
    pub fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    /// Makes up the inputs that `tensors` lacks, from `seed`.
    pub fn make_up_inputs(&self, tensors: &Tensors, seed: u64) -> Result<(), OnnxRuntimeError> {
        self.make_up(tensors, seed, |_| true)
    }

    /// The same of those inputs for which `is_wanted` says so of their names: what no session before makes.
    pub fn make_up(
        &self,
        tensors: &Tensors,
        seed: u64,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<(), OnnxRuntimeError> {
        let mut wanted = self.inputs.iter().filter(|port| is_wanted(&port.name));
        wanted.try_for_each(|port| tensors.make_up(port, seed).map_err(|reason| self.wrong_input(&port.name, reason)))
    }

    /// One run: inputs are read where they lie in `tensors`, and outputs put there.
    pub fn run(&mut self, tensors: &Tensors) -> Result<(), OnnxRuntimeError> {
        let missing = |name: &str| self.wrong_input(name, "isn't there: no segment before has made it".to_owned());
        let inputs: Vec<(&str, Arc<DynValue>)> = self
            .inputs
            .iter()
            .map(|port| Ok((&*port.name, tensors.get(&port.name).ok_or_else(|| missing(&port.name))?)))
            .collect::<Result<_, OnnxRuntimeError>>()?;
        let views: Vec<(&str, SessionInputValue<'_>)> =
            inputs.iter().map(|(name, value)| (*name, SessionInputValue::from(&**value))).collect();
        let what = &self.what;
        let failed = |error: ort::Error| OnnxRuntimeError::Run { what: what.clone(), reason: error.to_string() };
        let outputs = self.inner.run(views).map_err(failed)?;
        outputs.into_iter().for_each(|(name, value)| tensors.put(name, value));
        Ok(())
    }

    fn wrong_input(&self, input: &str, reason: String) -> OnnxRuntimeError {
        OnnxRuntimeError::Input { what: self.what.clone(), input: input.to_owned(), reason }
    }
}

/// The version that a library's file is named by: `libonnxruntime.so.1.32.0`.
fn version_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    name.strip_prefix("libonnxruntime.so.").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_in_the_files_name() {
        assert_eq!(version_of(Path::new("/x/libonnxruntime.so.1.32.0")).as_deref(), Some("1.32.0"));
        assert_eq!(version_of(Path::new("/x/libonnxruntime.so")), None);
    }
}
