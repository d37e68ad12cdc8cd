//! TensorRT in a program that was compiled with its headers: opens the library and builds engines.

use std::path::{Path, PathBuf};

use super::assemble::{AssembleError, Assembled, Typing, assemble};
use super::ffi::{self, Builder, Config, DeviceType, ElementType, Library, Message, PrecisionFlags, Refused, Severity};
use super::segment::layers_of;
use super::sessions::sessions;
use super::{BuildError, EngineRunner, LaneEngine, LaneError, MeasureError, Unavailable, build_log, measure};
use crate::backend::{EngineSamples, RunPlan};
use crate::engine::{BuildOptions, BuiltEngine, Device, EngineSpec, Placement, Precision};
use crate::network::Network;

/// TensorRT on this machine: an opened library of the version that the program was compiled for.
#[derive(Clone, Debug)]
pub struct Tensorrt {
    library: Library,
    n_dla_cores: u32,
}

impl Tensorrt {
    /// Opens the first of `candidates` that is there; the last one's failure is reported where none is.
    pub fn open(candidates: &[PathBuf]) -> Result<Self, Unavailable> {
        let library = open_first(candidates)?;
        let (builder, messages) = ffi::listening(|| Builder::new(&library));
        let builder = builder.map_err(|Refused| Unavailable::NoBuilder(ffi::first_error(&messages)))?;
        Ok(Self { n_dla_cores: builder.n_dla_cores(), library })
    }

    /// Name and number of the version.
    pub fn version(&self) -> String {
        ffi::headers().version.to_string()
    }

    /// The file or name by which the library was opened.
    pub fn library(&self) -> &Path {
        &self.library.path
    }

    /// DLA cores of this machine.
    pub fn n_dla_cores(&self) -> u32 {
        self.n_dla_cores
    }

    /// Whether a precision can be asked for.
    pub fn check_precision(&self, precision: Precision) -> Result<(), BuildError> {
        if precision == Precision::Int8 && !ffi::headers().int8 {
            return Err(BuildError::NoPrecision { version: self.version(), precision });
        }
        Ok(())
    }

    /// Builds one engine. `timings` are those of earlier builds, or empty.
    pub fn build(
        &self,
        network: &Network,
        spec: &EngineSpec,
        options: &BuildOptions,
        timings: &[u8],
    ) -> Result<BuiltEngine, BuildError> {
        self.check_precision(options.precision)?;
        let (built, messages) = ffi::listening(|| self.build_plan(network, spec, options, timings));
        let (plan, timings) = built.map_err(|failure| failure.explained(&messages))?;
        Ok(BuiltEngine {
            placement: self.placement(network, spec, &plan, &messages),
            plan,
            timings,
            warnings: warnings(&messages),
            calibration: (options.precision == Precision::Int8).then(|| CALIBRATION.to_owned()),
        })
    }

    fn build_plan(
        &self,
        network: &Network,
        spec: &EngineSpec,
        options: &BuildOptions,
        timings: &[u8],
    ) -> Result<(Vec<u8>, Option<Vec<u8>>), Failed> {
        let builder = Builder::new(&self.library).map_err(|Refused| Failed::Call("to make a builder"))?;
        let (mut assembled, mut config) = prepare(&builder, network, spec, options)?;
        if ffi::headers().timing_cache && config.load_timing_cache(timings).is_err() {
            // Timings of another version or device are worth nothing here: new ones are begun.
            config.load_timing_cache(&[]).map_err(|Refused| Failed::Call("a timing cache"))?;
        }
        let plan = builder.build(&mut assembled.network, &mut config).map_err(|Refused| Failed::NotBuilt)?;
        let timings = if ffi::headers().timing_cache { config.timing_cache() } else { None };
        Ok((plan, timings))
    }

    /// Where layers ended up: by the engine inspector where the plan can be loaded, else by the builder's log.
    fn placement(&self, network: &Network, spec: &EngineSpec, plan: &[u8], messages: &[Message]) -> Placement {
        let core = spec.uses_dla().then_some(spec.dla_core);
        let (information, _) = ffi::listening(|| {
            let engine = ffi::Engine::load(&self.library, core, plan).ok()?;
            engine.layer_information()
        });
        let from_engine = information.and_then(|json| build_log::layers_of_inspector(&json));
        let (source, layers) = match from_engine {
            Some(layers) => ("engine inspector", layers),
            None => ("builder's log", build_log::layers_of_log(messages.iter().map(|message| &*message.text))),
        };
        build_log::placement(network, spec, source, &layers)
    }

    /// Runs the engine in `plan` many times, first without the profiler and then with it, and says how long it took.
    pub fn measure(
        &self,
        plan: &[u8],
        dla_core: Option<u32>,
        run_plan: &RunPlan,
    ) -> Result<EngineSamples, MeasureError> {
        let (measured, messages) = ffi::listening(|| measure::measure(&self.library, plan, dla_core, run_plan));
        measured.map_err(|failure| failure.explained(&messages))
    }

    /// Makes a lane's engines ready on the thread that will run them.
    pub fn lane(&self, engines: Vec<LaneEngine>) -> Result<Vec<EngineRunner>, LaneError> {
        sessions(&self.library, engines)
    }
}

/// Version of the headers that the program was compiled for.
pub fn compiled_for() -> Option<String> {
    Some(ffi::headers().version.to_string())
}

/// Where the library is looked for: by the loader, then beside the headers that the program was compiled for.
pub fn library_candidates() -> Vec<PathBuf> {
    let name = Library::default_name();
    let folder = env!("HAXCONN_TENSORRT_LIBRARY_FOLDER");
    let beside = (!folder.is_empty()).then(|| Path::new(folder).join(&name));
    std::iter::once(PathBuf::from(name)).chain(beside).collect()
}

/// Where INT8 ranges come from, in the words of a plan's description.
const CALIBRATION: &str = "stand-in: a seeded range for every tensor, not calibrated on data";

fn open_first(candidates: &[PathBuf]) -> Result<Library, Unavailable> {
    let mut last = "no library was named".to_owned();
    for candidate in candidates {
        match Library::open(candidate) {
            Ok(library) => return Ok(library),
            Err(error @ ffi::LibraryError::NotOpened { .. }) => last = error.to_string(),
            // A library that is there but doesn't fit is what the user must hear of.
            Err(error) => return Err(Unavailable::Library(error.to_string())),
        }
    }
    Err(Unavailable::Library(last))
}

/// A call that failed; why is among the messages.
enum Failed {
    Layer(AssembleError),
    Call(&'static str),
    NotBuilt,
}

impl Failed {
    fn explained(self, messages: &[Message]) -> BuildError {
        let reason = ffi::first_error(messages);
        match self {
            Self::Layer(AssembleError::Refused { layer }) => {
                BuildError::Refused { what: format!("layer `{layer}`"), reason }
            }
            Self::Layer(error @ AssembleError::Unsupported { .. }) => BuildError::Unsupported(error.to_string()),
            Self::Call(what) => BuildError::Refused { what: what.to_owned(), reason },
            Self::NotBuilt => BuildError::NotBuilt(reason),
        }
    }
}

/// All that comes before the build: the network with its outputs, and a configuration with every layer's device.
fn prepare<'b>(
    builder: &'b Builder,
    network: &Network,
    spec: &EngineSpec,
    options: &BuildOptions,
) -> Result<(Assembled<'b>, Config<'b>), Failed> {
    let half = ffi::headers().strongly_typed && options.precision == Precision::Fp16;
    let kind = if half { ElementType::Half } else { ElementType::Float };
    let empty = builder.network().map_err(|Refused| Failed::Call("an empty network"))?;
    let typing = Typing { kind, seed: options.seed };
    let layers = layers_of(network, spec);
    let mut assembled = assemble(empty, network, layers, typing, spec.marked()).map_err(Failed::Layer)?;
    if options.precision == Precision::Int8 {
        set_ranges(&mut assembled, options.seed).map_err(|Refused| Failed::Call("dynamic ranges"))?;
    }
    let mut config = builder.config().map_err(|Refused| Failed::Call("a configuration"))?;
    let flags = match options.precision {
        Precision::Fp32 => PrecisionFlags::Fp32,
        Precision::Fp16 => PrecisionFlags::Fp16,
        Precision::Int8 => PrecisionFlags::Int8,
    };
    config.set_precision(flags).map_err(|Refused| Failed::Call("the precision"))?;
    config.set_workspace(options.workspace);
    place(&mut config, &assembled, spec, options.gpu_fallback);
    Ok((assembled, config))
}

/// Says where each layer is to run.
fn place(config: &mut Config<'_>, assembled: &Assembled<'_>, spec: &EngineSpec, gpu_fallback: bool) {
    config.set_default_device(device_type(spec.start));
    if spec.uses_dla() {
        config.set_dla_core(spec.dla_core);
        if gpu_fallback {
            config.allow_gpu_fallback();
        }
    }
    for (idx, &layer) in assembled.layer_of.iter().enumerate() {
        config.set_layer_device(&assembled.network, idx, device_type(spec.device_of(layer)));
    }
}

fn device_type(device: Device) -> DeviceType {
    match device {
        Device::Gpu => DeviceType::Gpu,
        Device::Dla => DeviceType::Dla,
    }
}

/// Gives every tensor a range between 2 and 6, as if it had been calibrated.
fn set_ranges(assembled: &mut Assembled<'_>, seed: u64) -> Result<(), Refused> {
    for (idx, tensor) in assembled.tensors.iter().enumerate() {
        let Some(tensor) = *tensor else { continue };
        let spread = (seed ^ idx as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        let range = 2.0 + 4.0 * (spread as f32 / (1_u32 << 24) as f32);
        assembled.network.set_dynamic_range(tensor, range)?;
    }
    Ok(())
}

/// Warnings, each once, in the order in which they came first.
fn warnings(messages: &[Message]) -> Vec<String> {
    let mut warnings: Vec<String> = Vec::new();
    for message in messages.iter().filter(|message| message.severity == Severity::Warning) {
        let text = message.text.trim();
        if !warnings.iter().any(|known| known == text) {
            warnings.push(text.to_owned());
        }
    }
    warnings
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
