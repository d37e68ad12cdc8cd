//! What builds the engines of one command, and for which platform: decided once, before anything is built.

use crate::artifact::{self, Found, PlanInputs, builtin};
use crate::backend::sim;
use crate::backend::tensorrt::{Tensorrt, Unavailable};
use crate::cli::args::BackendArgument;
use crate::cli::board::{HOST, board};
use crate::cli::failure::Failure;
use crate::cli::{inputs, output, tensorrt};
use crate::engine::{BuildOptions, BuiltEngine, EngineSpec, Precision};
use crate::network::Network;
use crate::platform::{Accelerator, AcceleratorKind, Platform};

/// What is asked for.
#[derive(Clone, Copy)]
pub(in crate::cli) struct Wish<'a> {
    pub(in crate::cli) backend: BackendArgument,
    /// Name or file.
    pub(in crate::cli) platform: Option<&'a str>,
    pub(in crate::cli) options: BuildOptions,
    pub(in crate::cli) quiet: bool,
}

/// A backend that builds.
pub(in crate::cli) enum Backend {
    Sim,
    Tensorrt(Tensorrt),
    /// Builds nothing: plans that TensorRT built earlier are used as they are.
    Plans,
}

/// A backend, a platform, and how engines are built.
pub(in crate::cli) struct Target {
    pub(in crate::cli) backend: Backend,
    /// What is known of the platform; always there in the simulator.
    pub(in crate::cli) platform: Option<Found<Platform>>,
    pub(in crate::cli) options: BuildOptions,
}

/// Finds the backend and the platform that are asked for, and says which they are.
pub(in crate::cli) fn resolve(wish: Wish) -> Result<Target, Failure> {
    of_backend(backend(wish)?, wish)
}

/// The target of plans that another program runs: TensorRT, or where it can't be opened here, what it built earlier.
pub(in crate::cli) fn resolve_plans(wish: Wish) -> Result<Target, Failure> {
    let without = |error: Unavailable| {
        output::note(wish.quiet, &format!("backend: tensorrt, with plans that are there ({error})"));
        Backend::Plans
    };
    of_backend(tensorrt::open().map_or_else(without, Backend::Tensorrt), wish)
}

/// TensorRT for a platform that was found already.
pub(in crate::cli) fn tensorrt_for(platform: Found<Platform>, options: BuildOptions) -> Result<Target, Failure> {
    let tensorrt = tensorrt::open().map_err(|error| unavailable(&error))?;
    let name = platform.value.name.clone();
    refuse_other_board(&name, &name)?;
    let precision = tensorrt.check_precision(options.precision);
    precision.map_err(|error| Failure::usage(format!("the profiles' precision: {error}")))?;
    Ok(Target { backend: Backend::Tensorrt(tensorrt), platform: Some(platform), options })
}

fn of_backend(backend: Backend, wish: Wish) -> Result<Target, Failure> {
    let platform = platform(&backend, wish.platform)?;
    let precision = wish.options.precision;
    match &backend {
        Backend::Sim if precision != Precision::Fp16 => {
            return Err(Failure::usage(format!("the simulator has no {precision}: its cost model is fitted to fp16"))
                .hint("build with `--precision fp16`, or with `--backend tensorrt`"));
        }
        Backend::Sim | Backend::Plans => {}
        Backend::Tensorrt(tensorrt) => tensorrt.check_precision(precision).map_err(|error| {
            Failure::usage(format!("`--precision`: {error}")).hint("build with `--precision fp16` or `fp32`")
        })?,
    }
    Ok(Target { backend, platform, options: wish.options })
}

fn backend(wish: Wish) -> Result<Backend, Failure> {
    let quiet = wish.quiet;
    match wish.backend {
        BackendArgument::Sim => Ok(Backend::Sim),
        BackendArgument::Tensorrt => tensorrt::open().map(Backend::Tensorrt).map_err(|error| unavailable(&error)),
        BackendArgument::Onnxruntime => Err(Failure::no_backend("backend `onnxruntime` builds no engines")
            .hint("build with `--backend tensorrt` or `--backend sim`")),
        BackendArgument::Auto => match tensorrt::open() {
            Ok(tensorrt) => {
                output::note(quiet, &format!("backend: tensorrt ({})", tensorrt.version()));
                Ok(Backend::Tensorrt(tensorrt))
            }
            Err(error) => {
                output::note(quiet, &format!("backend: sim ({error})"));
                Ok(Backend::Sim)
            }
        },
    }
}

pub(in crate::cli) fn unavailable(error: &Unavailable) -> Failure {
    let hint = match error {
        Unavailable::NotCompiled => {
            "install libnvinfer-dev or run scripts/fetch-tensorrt-rtx.sh, and build haxconn again"
        }
        Unavailable::Library(_) => {
            "name the library's file by HAXCONN_TENSORRT_LIB; `haxconn doctor` shows what is there"
        }
        Unavailable::NoBuilder(_) => "`haxconn doctor` shows what this machine has",
    };
    Failure::no_backend(format!("backend `tensorrt` is not available: {error}")).hint(hint)
}

fn platform(backend: &Backend, wish: Option<&str>) -> Result<Option<Found<Platform>>, Failure> {
    let here = board().and_then(|board| board.platform);
    match (backend, wish) {
        (Backend::Sim, wish) => inputs::platform(wish.unwrap_or(inputs::USUAL_PLATFORM)).map(Some),
        (Backend::Tensorrt(_) | Backend::Plans, Some(HOST)) if here.is_none() => Ok(None),
        (Backend::Tensorrt(_), Some(wish)) => {
            let found = inputs::platform(wish)?;
            refuse_other_board(wish, &found.value.name)?;
            Ok(Some(found))
        }
        (Backend::Plans, Some(wish)) => inputs::platform(wish).map(Some),
        (Backend::Tensorrt(_) | Backend::Plans, None) => here.map(inputs::platform).transpose(),
    }
}

/// Refuses the shipped platform `name`, asked for as `wish`, where this machine is another one. A board's platform with more
/// of its accelerators is called `BOARD_..`.
fn refuse_other_board(wish: &str, name: &str) -> Result<(), Failure> {
    let here = board().and_then(|board| board.platform);
    let is_here = |here: &str| name.strip_prefix(here).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'));
    if !builtin::platform_names().contains(&name) || here.is_some_and(is_here) {
        return Ok(());
    }
    let here = here.unwrap_or("none of the shipped platforms");
    Err(Failure::usage(format!(
        "`--platform {wish}`: TensorRT builds for the machine it runs on, and this one is {here}"
    ))
    .hint("leave `--platform` out, or take `--backend sim`"))
}

impl Target {
    /// Name of the backend in flags and folders.
    pub(in crate::cli) fn backend_name(&self) -> &'static str {
        match self.backend {
            Backend::Sim => "sim",
            Backend::Tensorrt(_) | Backend::Plans => "tensorrt",
        }
    }

    /// Whether the simulator builds.
    pub(in crate::cli) fn is_simulated(&self) -> bool {
        matches!(self.backend, Backend::Sim)
    }

    /// Name of the platform in folders.
    pub(in crate::cli) fn platform_name(&self) -> &str {
        self.platform.as_ref().map_or(HOST, |found| &found.value.name)
    }

    /// What is known of the platform's DLA.
    pub(in crate::cli) fn dla(&self) -> Option<&Accelerator> {
        self.platform.as_ref()?.value.first_of(AcceleratorKind::Dla)
    }

    /// Refuses engines for a DLA, or a core of it, that isn't there.
    pub(in crate::cli) fn check_dla(&self, dla_core: u32) -> Result<(), Failure> {
        match &self.backend {
            // Whoever built them had the DLA.
            Backend::Plans => Ok(()),
            Backend::Sim => {
                let n_dlas = u32::from(self.dla().is_some());
                if dla_core < n_dlas {
                    return Ok(());
                }
                let name = self.platform_name();
                Err(Failure::usage(if n_dlas == 0 {
                    format!("platform `{name}` has no DLA")
                } else {
                    format!("`--dla-core {dla_core}`: platform `{name}` describes core 0 only")
                }))
            }
            Backend::Tensorrt(tensorrt) => match tensorrt.n_dla_cores() {
                0 => Err(Failure::no_backend(format!(
                    "this machine has no DLA; {} would build these engines for the GPU without a word",
                    tensorrt.version()
                ))
                .hint("build with `--backend sim`, or on a Jetson")),
                cores if dla_core >= cores => Err(Failure::usage(format!(
                    "`--dla-core {dla_core}`: this machine has DLA cores 0 to {}",
                    cores - 1
                ))),
                _ => Ok(()),
            },
        }
    }

    /// All that the plan of `spec` is made of.
    pub(super) fn inputs(&self, network: &Network, spec: &EngineSpec) -> PlanInputs {
        let tensorrt = match &self.backend {
            Backend::Sim | Backend::Plans => None,
            Backend::Tensorrt(tensorrt) => Some(tensorrt.version()),
        };
        let simulated = self.is_simulated();
        PlanInputs {
            backend: self.backend_name().to_owned(),
            platform: self.platform_name().to_owned(),
            platform_sha256: self.platform.as_ref().filter(|_| simulated).map(|found| found.sha256.clone()),
            network: network.name.clone(),
            network_hash: network.content_hash.clone(),
            engine: spec.into(),
            precision: self.options.precision.name().to_owned(),
            gpu_fallback: self.options.gpu_fallback,
            workspace_mib: self.options.workspace >> 20,
            weights_seed: (!simulated).then_some(self.options.seed),
            tensorrt,
        }
    }

    /// Builds one engine; `timings` are those of earlier builds, or empty.
    pub(super) fn build(&self, network: &Network, spec: &EngineSpec, timings: &[u8]) -> anyhow::Result<BuiltEngine> {
        match (&self.backend, &self.platform) {
            (Backend::Tensorrt(tensorrt), _) => Ok(tensorrt.build(network, spec, &self.options, timings)?),
            (Backend::Sim, Some(platform)) => {
                let engine = sim::plan(network, &platform.value, spec)
                    .ok_or_else(|| anyhow::anyhow!("platform `{}` lacks a GPU or a DLA", platform.value.name))?;
                let plan = artifact::write_simulated_plan(&self.inputs(network, spec), &engine)?.into_bytes();
                let placement = engine.placement;
                Ok(BuiltEngine { plan, placement, timings: None, warnings: Vec::new(), calibration: None })
            }
            (Backend::Sim, None) => anyhow::bail!("the simulator needs a platform"),
            (Backend::Plans, _) => anyhow::bail!("TensorRT is not available"),
        }
    }
}
