//! What the user may type after `run-multi`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::cli::args::{BackendArgument, OutputArguments, Policy, RUN_LOG, RunFiles, SearchArguments, duration};
use crate::run::EngineMode;

/// Flags that say how to look for a schedule, and so don't go with one that is given.
const SEARCH_FLAGS: [&str; 10] = [
    "workload",
    "groups",
    "objective",
    "max_transitions",
    "latency_cap",
    "time_limit",
    "node_limit",
    "contention",
    "pin",
    "profile",
];

/// Flags that don't go with networks that come and go while the solver has one core.
const STATIC_FLAGS: [&str; 11] = [
    "workload",
    "schedule",
    "policy",
    "engine_mode",
    "build",
    "warm_up",
    "verify",
    "threads",
    "gantt",
    "html",
    "trace",
];

/// Rounds of every policy where nobody says how many.
const USUAL_ITERATIONS: u32 = 100;

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
        required_unless_present_any = ["schedule", "workload"],
        value_name = "NAME|FILE,..",
        help_heading = "Networks"
    )]
    pub(in crate::cli) dnns: Vec<String>,
    /// Instances, frames, deadlines and edges of networks, from a workload file
    #[arg(long, value_name = "FILE.yaml", conflicts_with = "dnns", help_heading = "Networks")]
    pub(in crate::cli) workload: Option<PathBuf>,
    /// Layer groups of every network: at most N, every legal cut, the paper's, or the first layers of the groups
    #[arg(long, value_name = "N|legal|paper|LIST", help_heading = "Networks")]
    pub(in crate::cli) groups: Option<String>,
    /// The schedule to run, as `schedule --out` writes it; without it one is looked for
    #[arg(long, value_name = "FILE", conflicts_with_all = SEARCH_FLAGS)]
    pub(in crate::cli) schedule: Option<PathBuf>,
    /// Platform by name or file [default: the schedule's or the workload's, else `xavier_agx`]
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
    /// Rounds of every policy that are recorded [default: 100; with `--dynamic` as many as its duration takes]
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        help_heading = "Run"
    )]
    pub(in crate::cli) iterations: Option<u32>,
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
    pub(in crate::cli) while_it_runs: DynamicArguments,
    #[command(flatten)]
    pub(in crate::cli) output: OutputArguments,
    /// Where the run is recorded [default: `output/run_multi.json`, with `--dynamic` `output/dynamic.json`]
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub(in crate::cli) out: Option<PathBuf>,
    #[command(flatten)]
    pub(in crate::cli) files: RunFiles,
}

/// Solving while the networks run.
#[derive(Args, Debug)]
#[command(next_help_heading = "While it runs")]
pub(in crate::cli) struct DynamicArguments {
    /// Start with the best baseline, solve while the networks run, and switch to each better schedule (D-HaX-CoNN)
    #[arg(long, conflicts_with_all = STATIC_FLAGS)]
    pub(in crate::cli) dynamic: bool,
    /// Networks that join and leave, and accelerators that slow down, each at its time
    #[arg(long, value_name = "FILE.yaml", requires = "dynamic")]
    pub(in crate::cli) script: Option<PathBuf>,
    /// Solve again where measured times differ from the profile's by more than this
    #[arg(
        long,
        default_value = "10%",
        value_name = "P%",
        value_parser = share,
        allow_negative_numbers = true,
        requires = "dynamic"
    )]
    pub(in crate::cli) drift: Share,
    /// End after this time, which the simulator counts in its own: `10`, `10s`, `500ms` [default: 10s without `--iterations`]
    #[arg(
        long,
        value_name = "S",
        value_parser = duration,
        allow_negative_numbers = true,
        requires = "dynamic"
    )]
    pub(in crate::cli) duration: Option<Duration>,
    /// Let the solver search again and again for every other ten rounds, to measure what it costs the networks
    #[arg(long, requires = "dynamic")]
    pub(in crate::cli) measure_solver: bool,
}

impl RunMultiArguments {
    /// Rounds of every policy that are recorded.
    pub(super) fn iterations(&self) -> u32 {
        self.iterations.unwrap_or(USUAL_ITERATIONS)
    }

    /// Where a run of given schedules is recorded.
    pub(super) fn out(&self) -> &Path {
        self.out.as_deref().unwrap_or(Path::new(RUN_LOG))
    }
}

/// A part of a whole: 0.1 is 10 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::cli) struct Share(pub(in crate::cli) f64);

fn share(text: &str) -> Result<Share, String> {
    let number = text.strip_suffix('%').unwrap_or(text).trim_end();
    let percent: f64 = number.parse().map_err(|_| "expected percent: `10%`")?;
    if !(0.1..=1000.0).contains(&percent) {
        return Err("expected something between 0.1% and 1000%".to_owned());
    }
    Ok(Share(percent / 100.0))
}
