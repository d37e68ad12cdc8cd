//! What the user may ask of `profile layers`, `transitions` and `all`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::backend::RunPlan;
use crate::cli::args::{BackendArgument, NetworkArguments, OutputArguments, duration};
use crate::units::Milliseconds;

/// Whose engines are run how often, or which files tell of engines that were.
#[derive(Args, Debug)]
pub(super) struct SeriesArguments {
    #[command(flatten)]
    pub(super) networks: NetworkArguments,

    /// Read logs and profiles that were made elsewhere instead: files, or folders with those below them
    #[arg(long, value_name = "FILE|DIR", num_args = 1.., help_heading = "Source")]
    pub(super) from: Vec<PathBuf>,
    /// What builds and runs the engines
    #[arg(long, value_enum, default_value_t = BackendArgument::Auto, help_heading = "Source")]
    pub(super) backend: BackendArgument,
    /// Platform by name or file [default: this machine's; in the simulator and with --from AGX Xavier]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Source")]
    pub(super) platform: Option<String>,
    /// DLA core of the layers on the DLA
    #[arg(long, default_value_t = 0, value_name = "N", allow_negative_numbers = true, help_heading = "Source")]
    pub(super) dla_core: u32,
    /// Folder of the plans; those that are missing are built
    #[arg(long, default_value = "build", value_name = "DIR", help_heading = "Source")]
    pub(super) build: PathBuf,
    /// Run TensorRT's engines by NVIDIA's program instead of in this one
    #[arg(long, value_name = "PATH", conflicts_with = "from", help_heading = "Source")]
    pub(super) trtexec: Option<PathBuf>,

    /// Least number of counted runs of each engine [default: 10000; in ONNX Runtime 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Runs")]
    iterations: Option<u32>,
    /// Least time of runs before them, in milliseconds [default: 5000; in ONNX Runtime 50; in times of files trtexec's 200]
    #[arg(long, value_name = "MS", value_parser = clap::value_parser!(u32).range(..=3_600_000), help_heading = "Runs")]
    warm_up: Option<u32>,
    /// Least time of counted runs, in seconds [default: 0; in ONNX Runtime 0.2]
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(..=86_400), help_heading = "Runs")]
    duration: Option<u32>,
    /// Counted runs of which the log holds one mean
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Runs")]
    pub(super) avg_runs: u32,
    /// Times that each engine is built and run; from two on there are confidence intervals
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100), help_heading = "Runs")]
    pub(super) repeats: u32,
    /// Longest time of one run by `trtexec` [default: 2 min, and twice its runs of up to 100 ms]
    #[arg(long, value_name = "S", value_parser = timeout, requires = "trtexec", help_heading = "Runs")]
    pub(super) timeout: Option<Duration>,
    /// Seed of the engines' weights and of the simulator's noise
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true, help_heading = "Runs")]
    pub(super) seed: u64,
    /// Simulate without noise: every run alike
    #[arg(long, help_heading = "Runs")]
    pub(super) no_noise: bool,

    /// Folder of the results, and of the logs below it
    #[arg(long, default_value = "output", value_name = "DIR", help_heading = "Output")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// How long runs that were made elsewhere were preceded by others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WarmUp {
    pub(super) time: Milliseconds,
    /// Whether the user says so; else it is what `trtexec` does by itself.
    pub(super) is_given: bool,
}

impl SeriesArguments {
    /// Least time of runs before the counted ones [ms].
    pub(super) fn warm_up(&self) -> u32 {
        self.warm_up.unwrap_or(5_000)
    }

    /// Least number of counted runs.
    pub(super) fn iterations(&self) -> u32 {
        self.iterations.unwrap_or(10_000)
    }

    /// Least time of counted runs [s].
    pub(super) fn duration(&self) -> u32 {
        self.duration.unwrap_or(0)
    }

    /// How often a model is run in ONNX Runtime, whose processors have no such steady clocks that thousands of runs say more.
    pub(super) fn run_plan_of_models(&self) -> RunPlan {
        RunPlan {
            iterations: self.iterations.unwrap_or(20),
            warm_up: Milliseconds(f64::from(self.warm_up.unwrap_or(50))),
            duration: Milliseconds(self.duration.map_or(200.0, |seconds| f64::from(seconds) * 1e3)),
            average_runs: self.avg_runs,
        }
    }

    /// The same of runs that `trtexec` made elsewhere, which warms up for 200 ms unless it is told otherwise.
    pub(super) fn warm_up_elsewhere(&self) -> WarmUp {
        WarmUp { time: Milliseconds(f64::from(self.warm_up.unwrap_or(200))), is_given: self.warm_up.is_some() }
    }

    /// How often each engine is run.
    pub(super) fn run_plan(&self) -> RunPlan {
        RunPlan {
            iterations: self.iterations(),
            warm_up: Milliseconds(f64::from(self.warm_up())),
            duration: Milliseconds(f64::from(self.duration()) * 1e3),
            average_runs: self.avg_runs,
        }
    }
}

/// A time in which something can happen.
fn timeout(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time.is_zero() { Err("no time at all".to_owned()) } else { Ok(time) })
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn profile layers --dnns googlenet --backend sim --iterations 100")]
pub(super) struct LayersArguments {
    #[command(flatten)]
    pub(super) series: SeriesArguments,
    #[command(flatten)]
    pub(super) traffic: TrafficArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn profile transitions --dnns googlenet --backend sim --iterations 100")]
pub(super) struct TransitionsArguments {
    #[command(flatten)]
    pub(super) series: SeriesArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn profile all --dnns googlenet,resnet18 --backend sim --iterations 100")]
pub(super) struct AllArguments {
    #[command(flatten)]
    pub(super) series: SeriesArguments,
    #[command(flatten)]
    pub(super) traffic: TrafficArguments,
}

/// What is known of the memory's use.
#[derive(Args, Debug)]
#[command(next_help_heading = "Memory")]
pub(super) struct TrafficArguments {
    /// How busy convolutions and whole networks keep the memory, as `profile emc` wrote it [default of `all`: measured]
    #[arg(long, value_name = "emc_results.json")]
    pub(super) emc: Option<PathBuf>,
    /// Bytes that Nsight Compute counted of an engine wholly on the GPU: CSV of `ncu --nvtx --csv --page raw`
    #[arg(long, value_name = "FILE")]
    pub(super) nsight: Option<PathBuf>,
}
