//! Where times come from: engines that are run here, or files of engines that were run elsewhere. Decided once a command.

use super::arguments::SeriesArguments;
use super::plans;
use super::trtexec::Trtexec;
use crate::artifact::Found;
use crate::backend::cuda;
use crate::cli::args::BackendArgument;
use crate::cli::build_engines::target::{self, Target, Wish};
use crate::cli::failure::Failure;
use crate::cli::{inputs, output};
use crate::platform::Platform;

/// Where times come from.
pub(super) enum Source {
    /// The files and folders of `--from`.
    Files,
    /// Engines that this target builds and runs, or that `trtexec` runs.
    Engines(Box<Target>, Option<Trtexec>),
}

/// A source and the platform that its times are of.
pub(super) struct Resolved {
    pub(super) source: Source,
    pub(super) platform: Found<Platform>,
}

/// Finds the source and the platform that `arguments` ask for, and says which they are.
pub(super) fn resolve(arguments: &SeriesArguments) -> Result<Resolved, Failure> {
    let quiet = arguments.output.quiet;
    if !arguments.from.is_empty() {
        let platform = inputs::platform(arguments.platform.as_deref().unwrap_or(inputs::USUAL_PLATFORM))?;
        return Ok(Resolved { source: Source::Files, platform });
    }
    let wish = arguments.platform.as_deref();
    let trtexec = trtexec(arguments)?;
    let target = if let Some(trtexec) = &trtexec {
        plans::for_trtexec(trtexec, wish, arguments.seed, quiet)?
    } else {
        let backend = runnable(arguments.backend, quiet)?;
        target::resolve(Wish { backend, platform: wish, options: plans::options(arguments.seed), quiet })?
    };
    let Some(platform) = target.platform.clone() else {
        return Err(Failure::usage("no platform describes this machine, whose accelerators a profile is of")
            .hint("write a platform file for it and name it with `--platform FILE`; docs/formats.md lists its keys"));
    };
    Ok(Resolved { source: Source::Engines(Box::new(target), trtexec), platform })
}

/// The program that runs the engines, where one is named. It needs no CUDA driver in this process.
fn trtexec(arguments: &SeriesArguments) -> Result<Option<Trtexec>, Failure> {
    let Some(path) = &arguments.trtexec else { return Ok(None) };
    match arguments.backend {
        BackendArgument::Auto | BackendArgument::Tensorrt => Trtexec::find(Some(path)).map(Some),
        BackendArgument::Sim | BackendArgument::Onnxruntime => {
            Err(Failure::usage("`--trtexec` runs TensorRT's engines only")
                .hint("leave `--backend` out, or name `--backend tensorrt`"))
        }
    }
}

/// The backend, where it can run what it builds: TensorRT builds engines without a GPU.
fn runnable(wish: BackendArgument, quiet: bool) -> Result<BackendArgument, Failure> {
    match (wish, gpu()) {
        (BackendArgument::Auto, Err(reason)) => {
            output::note(quiet, &format!("backend: sim ({reason})"));
            Ok(BackendArgument::Sim)
        }
        (BackendArgument::Tensorrt, Err(reason)) => {
            Err(Failure::no_backend(format!("backend `tensorrt` can't run engines here: {reason}"))
                .hint("run this on the board, or read files that were made there with `--from`"))
        }
        // It has a way of its own, which doesn't come here.
        (BackendArgument::Onnxruntime, _) => Err(Failure::no_backend("backend `onnxruntime` runs no engines")
            .hint("`--backend sim` and `--backend tensorrt` can")),
        (wish, _) => Ok(wish),
    }
}

fn gpu() -> Result<(), String> {
    let cuda = cuda::probe()?;
    if cuda.gpus.is_empty() { Err("the CUDA driver has no GPU".to_owned()) } else { Ok(()) }
}

impl Source {
    /// Who ran the engines, as files name it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Engines(target, _) => target.backend_name(),
        }
    }

    /// Whether the simulator runs them here.
    pub(super) fn is_simulator(&self) -> bool {
        matches!(self, Self::Engines(target, _) if target.is_simulated())
    }
}
