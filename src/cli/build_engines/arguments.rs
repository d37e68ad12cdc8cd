//! What the user may ask of `build-engines`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{BackendArgument, OutputArguments};
use crate::engine::{Device, Precision};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum StartArgument {
    /// The graphics processor
    Gpu,
    /// A deep-learning accelerator
    Dla,
}

impl From<StartArgument> for Device {
    fn from(start: StartArgument) -> Self {
        match start {
            StartArgument::Gpu => Self::Gpu,
            StartArgument::Dla => Self::Dla,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum PrecisionArgument {
    /// Single precision
    Fp32,
    /// Half precision
    Fp16,
    /// Eight-bit integers with stand-in ranges, half precision elsewhere
    Int8,
}

impl From<PrecisionArgument> for Precision {
    fn from(precision: PrecisionArgument) -> Self {
        match precision {
            PrecisionArgument::Fp32 => Self::Fp32,
            PrecisionArgument::Fp16 => Self::Fp16,
            PrecisionArgument::Int8 => Self::Int8,
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn build-engines --dnns googlenet --start gpu --transitions paper --backend sim")]
pub(in crate::cli) struct BuildEnginesArguments {
    /// Networks by name or file, separated by commas, or `all`
    #[arg(long, value_delimiter = ',', value_name = "NAME|FILE,..", help_heading = "Networks")]
    pub(super) dnns: Vec<String>,
    /// Network files, or folders of them; may be repeated
    #[arg(long, value_name = "FILE|DIR", num_args = 1.., help_heading = "Networks")]
    pub(super) prototxt: Vec<PathBuf>,

    /// Where the first layer runs
    #[arg(long, value_enum, default_value_t = StartArgument::Gpu, help_heading = "Engines")]
    pub(super) start: StartArgument,
    /// First layers on the other device: every legal cut, the paper's, or a list; -1 is the engine without any
    #[arg(
        long,
        visible_alias = "transition",
        value_name = "legal|paper|LIST",
        allow_hyphen_values = true,
        help_heading = "Engines"
    )]
    pub(super) transitions: Option<String>,
    /// Layers whose output is marked, an engine each; -1 is the engine without any
    #[arg(long, value_name = "LIST", value_delimiter = ',', allow_hyphen_values = true, help_heading = "Engines")]
    pub(super) mark: Vec<String>,
    /// Precision in which the engines compute
    #[arg(long, value_enum, default_value_t = PrecisionArgument::Fp16, help_heading = "Engines")]
    pub(super) precision: PrecisionArgument,
    /// DLA core of the layers on the DLA
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true, help_heading = "Engines")]
    pub(super) dla_core: u32,
    /// Take a layer that the DLA can't run for an error, instead of running it on the GPU
    #[arg(long, help_heading = "Engines")]
    pub(super) no_fallback: bool,
    /// Change devices also where tensors cross or a fusion breaks
    #[arg(long, help_heading = "Engines")]
    pub(super) force_cut: bool,
    /// Seed of the weights, which network files don't hold
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true, help_heading = "Engines")]
    pub(super) seed: u64,
    /// Device memory for a layer's work, in MiB
    #[arg(long, default_value_t = 1024, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=1_048_576), help_heading = "Engines")]
    pub(super) workspace: u64,

    /// What builds them
    #[arg(long, value_enum, default_value_t = BackendArgument::Auto, help_heading = "Building")]
    pub(super) backend: BackendArgument,
    /// Platform by name or file [default: this machine's; in the simulator AGX Xavier]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Building")]
    pub(super) platform: Option<String>,
    /// Engines that are built at once; with TensorRT on a GPU they disturb each other's timing of tactics
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256), help_heading = "Building")]
    pub(super) jobs: u32,
    /// Build also what is up to date
    #[arg(long, help_heading = "Building")]
    pub(super) rebuild: bool,
    /// Folder of the plans
    #[arg(long, default_value = "build", value_name = "DIR", help_heading = "Building")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}
