//! What the user may type after `run-multi`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::args::{BackendArgument, OutputArguments, Policy, RUN_LOG, RunFiles, SearchArguments};
use crate::run::EngineMode;

/// Flags that say how to look for a schedule, and so don't go with one that is given.
const SEARCH_FLAGS: [&str; 8] =
    ["groups", "objective", "max_transitions", "time_limit", "node_limit", "contention", "pin", "profile"];

/// As [`EngineMode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum EngineModeArgument {
    /// An engine per run of groups that nobody interrupts
    Segments,
    /// One engine per network with one transition inside, as upstream runs them
    Transition,
}

impl From<EngineModeArgument> for EngineMode {
    fn from(argument: EngineModeArgument) -> Self {
        match argument {
            EngineModeArgument::Segments => Self::Segments,
            EngineModeArgument::Transition => Self::Transition,
        }
    }
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn run-multi --dnns googlenet,resnet --policy all --backend sim")]
pub(in crate::cli) struct RunMultiArguments {
    /// Networks by name or file, separated by commas; beside `--schedule` they must be those of its tasks
    #[arg(
        long,
        value_delimiter = ',',
        required_unless_present = "schedule",
        value_name = "NAME|FILE,..",
        help_heading = "Networks"
    )]
    pub(in crate::cli) dnns: Vec<String>,
    /// Layer groups of every network: at most N, every legal cut, the paper's, or the first layers of the groups
    #[arg(long, value_name = "N|legal|paper|LIST", help_heading = "Networks")]
    pub(in crate::cli) groups: Option<String>,
    /// The schedule to run, as `schedule --out` writes it; without it one is looked for
    #[arg(long, value_name = "FILE", conflicts_with_all = SEARCH_FLAGS)]
    pub(in crate::cli) schedule: Option<PathBuf>,
    /// Platform by name or file [default: the schedule's, else `xavier_agx`]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Platform")]
    pub(in crate::cli) platform: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) search: SearchArguments,
    /// What is run: the schedule, a baseline, or all of them in turn
    #[arg(long, value_enum, default_value_t = Policy::Haxconn, help_heading = "Run")]
    pub(in crate::cli) policy: Policy,
    /// What executes it
    #[arg(long, value_enum, default_value_t = BackendArgument::Auto, help_heading = "Run")]
    pub(in crate::cli) backend: BackendArgument,
    /// How networks are made into engines
    #[arg(long, value_enum, default_value_t = EngineModeArgument::Segments, help_heading = "Run")]
    pub(in crate::cli) engine_mode: EngineModeArgument,
    /// Folder of TensorRT's plans: engines are taken from there, and built there when missing
    #[arg(long, default_value = "build", value_name = "DIR", help_heading = "Run")]
    pub(in crate::cli) build: PathBuf,
    /// Rounds of every policy that are recorded
    #[arg(
        long,
        default_value_t = 100,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        help_heading = "Run"
    )]
    pub(in crate::cli) iterations: u32,
    /// Milliseconds of rounds before them; the simulator's are virtual
    #[arg(
        long,
        default_value_t = 200,
        value_name = "MS",
        allow_negative_numbers = true,
        value_parser = clap::value_parser!(u32).range(0..=600_000),
        help_heading = "Run"
    )]
    pub(in crate::cli) warm_up: u32,
    /// Compare what the networks compute with what each computes alone
    #[arg(long, help_heading = "Run")]
    pub(in crate::cli) verify: bool,
    /// Simulate without noise: every round alike
    #[arg(long, help_heading = "Run")]
    pub(in crate::cli) no_noise: bool,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArguments,
    /// Where the run is recorded
    #[arg(long, default_value = RUN_LOG, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) out: PathBuf,
    #[command(flatten)]
    pub(in crate::cli) files: RunFiles,
}
