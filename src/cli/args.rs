//! What the user may type. What it means is decided in the commands.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::build_engines::BuildEnginesArguments;
use super::inputs;
use super::profile::ProfileArguments;
use super::run_multi::RunMultiArguments;
use crate::artifact::WorkloadObjective;
use crate::network::onnx::InputShape;
use crate::problem::Machine;
use crate::schedule::Objective;
use crate::units::{Milliseconds, Nanoseconds};

/// Place and order the layer groups of several neural networks on one chip
#[derive(Debug, Parser)]
#[command(name = "haxconn", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 bad usage, 3 no schedule within the limits, \
                          4 backend not available\n\nExample: haxconn schedule --dnns googlenet,resnet";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build engines for GPU, DLA, transitions between them and marked outputs
    BuildEngines(BuildEnginesArguments),
    /// Time layer groups and transitions, and see how memory is used and fought for
    Profile(ProfileArguments),
    /// Show logs, profiles and samples that trtexec and tegrastats wrote anywhere
    Read(ReadArguments),
    /// Show what a plan was made of, and where its layers run
    Plan(PlanArguments),
    /// Show what this machine has, and what is missing
    Doctor(DoctorArguments),
    /// Show layers, costs, legal cuts, groups and what each accelerator can't run
    Inspect(InspectArguments),
    /// Find the placement and order of layer groups that finishes first
    Schedule(ScheduleArguments),
    /// Write a network, or some of its layers, as an ONNX model
    Export(ExportArguments),
    /// Judge a schedule file
    Check(CheckArguments),
    /// Run a schedule and show predicted beside what came out
    RunMulti(RunMultiArguments),
    /// Show a recorded run: predicted beside what came out, and who slowed whom
    Report(ReportArguments),
    /// List, show and calibrate platforms
    Platform(PlatformArguments),
    /// Schedule the paper's pairs of networks beside the published figures
    Reproduce(ReproduceArguments),
}

/// Which networks, in which groups.
#[derive(Args, Debug)]
#[command(next_help_heading = "Networks")]
pub(super) struct NetworkArguments {
    /// Networks by name or file (prototxt or ONNX), separated by commas; the same one twice is two instances
    #[arg(long, value_delimiter = ',', required = true, value_name = "NAME|FILE,..")]
    pub(super) dnns: Vec<String>,
    /// Layer groups of every network: at most N, every legal cut, the paper's, or the first layers of the groups
    #[arg(long, value_name = "N|legal|paper|LIST")]
    pub(super) groups: Option<String>,
}

/// Which networks, in which groups, or a file that says it all.
#[derive(Args, Debug)]
#[command(next_help_heading = "Networks")]
pub(super) struct WorkArguments {
    /// Networks by name or file (prototxt or ONNX), separated by commas; the same one twice is two instances
    #[arg(long, value_delimiter = ',', required_unless_present = "workload", value_name = "NAME|FILE,..")]
    pub(super) dnns: Vec<String>,
    /// Instances, frames, deadlines and edges of networks, from a workload file
    #[arg(long, value_name = "FILE.yaml", conflicts_with = "dnns")]
    pub(super) workload: Option<PathBuf>,
    /// Layer groups of every network: at most N, every legal cut, the paper's, or the first layers of the groups
    #[arg(long, value_name = "N|legal|paper|LIST")]
    pub(super) groups: Option<String>,
}

/// On which chip.
#[derive(Args, Debug)]
#[command(next_help_heading = "Platform")]
pub(super) struct PlatformChoice {
    /// Platform by name or file
    #[arg(long, default_value = inputs::USUAL_PLATFORM, value_name = "NAME|FILE")]
    pub(super) platform: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Text,
    /// One JSON document with a `schema_version`
    Json,
}

/// How results and remarks are printed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArguments {
    /// Print for people or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
    /// Print no progress and no remarks on stderr
    #[arg(long)]
    pub(super) quiet: bool,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn inspect --dnns googlenet --platform orin_agx")]
pub(super) struct InspectArguments {
    #[command(flatten)]
    pub(super) networks: NetworkArguments,
    #[command(flatten)]
    pub(super) platform: PlatformChoice,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn plan \
                        build/sim/xavier_agx/fp16/googlenet_transition_plans/googlenet_gpu_transition_at_-1.plan")]
pub(super) struct PlanArguments {
    /// The plan; its description is looked for beside it
    #[arg(value_name = "FILE.plan")]
    pub(super) plan: PathBuf,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn read googlenet_gpu_transition_at_-1.profile trtexec.log")]
pub(super) struct ReadArguments {
    /// Logs of trtexec and tegrastats, what trtexec exports (profile, times, layer information) and tables of Nsight
    /// Compute, told apart by what they hold
    #[arg(value_name = "FILE", required = true)]
    pub(super) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn doctor")]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ObjectiveArgument {
    /// End of the last network, minimised
    Makespan,
    /// Sum of 1/latency over the networks, maximised
    Throughput,
    /// Frames per second of streams: the makespan of their frames, minimised
    Rate,
    /// Sum over tasks with a deadline of weight times how late they end, minimised
    Tardiness,
    /// Energy of accelerators whose power the platform knows, minimised
    Energy,
}

impl ObjectiveArgument {
    /// What the solver optimises for it.
    pub(super) fn objective(self) -> Objective {
        match self {
            Self::Makespan | Self::Rate => Objective::Makespan,
            Self::Throughput => Objective::Throughput,
            Self::Tardiness => Objective::Tardiness,
            Self::Energy => Objective::Energy,
        }
    }
}

impl From<WorkloadObjective> for ObjectiveArgument {
    fn from(objective: WorkloadObjective) -> Self {
        match objective {
            WorkloadObjective::Makespan => Self::Makespan,
            WorkloadObjective::Throughput => Self::Throughput,
            WorkloadObjective::Rate => Self::Rate,
            WorkloadObjective::Tardiness => Self::Tardiness,
            WorkloadObjective::Energy => Self::Energy,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ContentionArgument {
    /// The platform's PCCS curve
    Pccs,
    /// The platform's table of measured speeds
    Table,
    /// Contention-blind: shows what counting contention is worth
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Policy {
    /// The proved best schedule
    Haxconn,
    /// Everything on the first accelerator, one network after the other
    GpuOnly,
    /// Every network whole on one accelerator, the best assignment
    GpuDla,
    /// Each layer group where it runs best, one network at a time
    Mensa,
    /// Greedy by earliest finish, transitions not counted
    Herald,
    /// Greedy with transitions counted, then remapped
    H2h,
    /// The proved best, then every baseline within the transition limit
    All,
}

impl Policy {
    /// The name of the baseline that it asks for, where the accelerators are `machines`: those of a board, or others.
    pub(super) fn baseline(self, machines: &[Machine]) -> Option<String> {
        let names: Vec<&str> = machines.iter().map(|machine| &*machine.name).collect();
        match self {
            Self::Haxconn | Self::All => None,
            Self::GpuOnly => names.first().map(|first| format!("{first}-only")),
            Self::GpuDla => Some(names.join("-")),
            Self::Mensa => Some("mensa".to_owned()),
            Self::Herald => Some("herald".to_owned()),
            Self::H2h => Some("h2h".to_owned()),
        }
    }
}

/// What the schedule must satisfy and how long to look for it.
#[derive(Args, Debug)]
#[command(next_help_heading = "Search")]
pub(super) struct SearchArguments {
    /// What is optimised [default: the workload's, else makespan]
    #[arg(long, value_enum)]
    pub(super) objective: Option<ObjectiveArgument>,
    /// Most changes of accelerator per network, or `unlimited` [default: the workload's, else 2]
    #[arg(long, value_name = "K", value_parser = transition_limit, allow_negative_numbers = true)]
    pub(super) max_transitions: Option<TransitionLimit>,
    /// Longest time from a network's release to its end [default: the workload's, else none]
    #[arg(long, value_name = "MS", value_parser = milliseconds, allow_negative_numbers = true)]
    pub(super) latency_cap: Option<Nanoseconds>,
    /// Return the best schedule found within this time, with its bound: `10`, `10s`, `500ms`
    #[arg(long, value_name = "S", value_parser = duration, allow_negative_numbers = true)]
    pub(super) time_limit: Option<Duration>,
    /// Return the best schedule found within this many nodes of the order search; deterministic
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(super) node_limit: Option<u64>,
    /// Seed of everything that is random
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Threads that search for orders; with more than one the schedule found may differ from run to run
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true)]
    pub(super) threads: usize,
    /// How contention slows the accelerators [default: what the platform has]
    #[arg(long, value_enum)]
    pub(super) contention: Option<ContentionArgument>,
    /// Keep layers on an accelerator: `googlenet:0-9=gpu`, or `googlenet=gpu` for the whole network
    #[arg(long, value_name = "NETWORK:FIRST-LAST=ACCELERATOR")]
    pub(super) pin: Vec<String>,
    /// Profiles by file, instead of the shipped or modelled ones; may be repeated
    #[arg(long, value_name = "FILE", num_args = 1.., value_delimiter = ',')]
    pub(super) profile: Vec<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn schedule --dnns googlenet,resnet --out --html output/schedule.html")]
pub(super) struct ScheduleArguments {
    #[command(flatten)]
    pub(super) work: WorkArguments,
    /// Platform by name or file [default: the workload's, else `xavier_agx`]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Platform")]
    pub(super) platform: Option<String>,
    #[command(flatten)]
    pub(super) search: SearchArguments,
    /// Whose schedule: the proved one, a baseline's, or all of them
    #[arg(long, value_enum, default_value_t = Policy::Haxconn, help_heading = "Search")]
    pub(super) policy: Policy,
    /// Sample what becomes of the schedule and its gain when every profiled number moves by up to this much: `5%`
    #[arg(long, value_name = "P%", value_parser = share, allow_hyphen_values = true, help_heading = "Sensitivity")]
    pub(super) robust: Option<f64>,
    /// Number of samples of `--robust`
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000),
        allow_negative_numbers = true, requires = "robust", help_heading = "Sensitivity")]
    pub(super) samples: u32,
    #[command(flatten)]
    pub(super) output: OutputArguments,
    /// Write the schedule for `run-multi` and `check` [default FILE: output/schedule.json]
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "output/schedule.json", help_heading = "Output")]
    pub(super) out: Option<PathBuf>,
    /// Draw the Gantt chart as SVG
    #[arg(long, value_name = "FILE.svg", help_heading = "Output")]
    pub(super) gantt: Option<PathBuf>,
    /// Write one self-contained page with the chart and every number
    #[arg(long, value_name = "FILE.html", help_heading = "Output")]
    pub(super) html: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn export --dnns googlenet --out googlenet.onnx")]
pub(super) struct ExportArguments {
    /// One network by name or file
    #[arg(long, value_name = "NAME|FILE", help_heading = "Networks")]
    pub(super) dnns: String,
    /// Only these layers, as a model of their own: `0-9`
    #[arg(long, value_name = "FIRST-LAST", value_parser = layer_range, help_heading = "Networks")]
    pub(super) layers: Option<(usize, usize)>,
    /// Sides of an ONNX model's inputs that it leaves open: `input:1x3x224x224`
    #[arg(long, value_name = "INPUT:SIDES,..", value_delimiter = ',', value_parser = input_shape, help_heading = "Networks")]
    pub(super) shapes: Vec<InputShape>,
    /// Seed of the weights of a network whose file holds none
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true)]
    pub(super) seed: u64,
    /// Print no remarks on stderr
    #[arg(long, help_heading = "Output")]
    pub(super) quiet: bool,
    /// The model
    #[arg(long, value_name = "FILE.onnx", help_heading = "Output")]
    pub(super) out: PathBuf,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn check output/schedule.json")]
pub(super) struct CheckArguments {
    /// The schedule to judge
    #[arg(value_name = "SCHEDULE")]
    pub(super) schedule: PathBuf,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum BackendArgument {
    /// The best backend of this machine
    Auto,
    /// The simulator of the platform
    Sim,
    /// TensorRT on this machine
    Tensorrt,
    /// ONNX Runtime on this machine
    Onnxruntime,
}

/// Files that show a run.
#[derive(Args, Debug)]
#[command(next_help_heading = "Output")]
pub(super) struct RunFiles {
    /// Draw the Gantt chart as SVG, predicted above what came out
    #[arg(long, value_name = "FILE.svg")]
    pub(super) gantt: Option<PathBuf>,
    /// Write one self-contained page with charts and tables of every policy
    #[arg(long, value_name = "FILE.html")]
    pub(super) html: Option<PathBuf>,
    /// Write every round for Perfetto and Chrome's tracing page
    #[arg(long, value_name = "FILE.json")]
    pub(super) trace: Option<PathBuf>,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn report output/run_multi.json")]
pub(super) struct ReportArguments {
    /// The run log
    #[arg(default_value = RUN_LOG, value_name = "FILE")]
    pub(super) log: PathBuf,
    /// Show the policies of this name only
    #[arg(long, value_name = "NAME")]
    pub(super) policy: Option<String>,
    /// Show every round too
    #[arg(long)]
    pub(super) rounds: bool,
    #[command(flatten)]
    pub(super) output: OutputArguments,
    #[command(flatten)]
    pub(super) files: RunFiles,
}

/// Where a run is recorded.
pub(super) const RUN_LOG: &str = "output/run_multi.json";

#[derive(Args, Debug)]
pub(super) struct PlatformArguments {
    #[command(subcommand)]
    pub(super) command: PlatformCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum PlatformCommand {
    /// Name the platforms that ship with the program
    #[command(after_help = "Example: haxconn platform list")]
    List(OutputArguments),
    /// Show every number of a platform with its source
    #[command(after_help = "Example: haxconn platform show orin_agx")]
    Show(PlatformShowArguments),
    /// Measure this machine's processor, divided into accelerators of some cores each
    #[command(after_help = "Example: haxconn platform detect --split 12,4")]
    Detect(PlatformDetectArguments),
    /// Fit the cost model to the published figures and show how well it fits
    #[command(after_help = "Example: haxconn platform calibrate")]
    Calibrate(OutputArguments),
}

#[derive(Args, Debug)]
pub(super) struct PlatformDetectArguments {
    /// Cores of each accelerator [default: three quarters and a quarter of those that there are]
    #[arg(long, value_delimiter = ',', value_name = "N,..")]
    pub(super) split: Vec<usize>,
    /// Time of each of some hundred measurements of the memory
    #[arg(long, default_value = "30ms", value_name = "S", value_parser = duration)]
    pub(super) point: Duration,
    /// Where the platform is written; `--platform host` takes it from the default
    #[arg(long, default_value = "output/platforms/host.yaml", value_name = "FILE.yaml", help_heading = "Output")]
    pub(super) out: PathBuf,
    /// Print no progress and no remarks on stderr
    #[arg(long, help_heading = "Output")]
    pub(super) quiet: bool,
}

#[derive(Args, Debug)]
pub(super) struct PlatformShowArguments {
    /// Platform by name or file
    #[arg(default_value = inputs::USUAL_PLATFORM, value_name = "NAME|FILE")]
    pub(super) platform: String,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn reproduce")]
pub(super) struct ReproduceArguments {
    /// Time for each pair; a pair that isn't proved by then says so
    #[arg(long, value_name = "S", value_parser = duration, default_value = "60s")]
    pub(super) time_limit: Duration,
    #[command(flatten)]
    pub(super) output: OutputArguments,
}

/// Most changes of accelerator per network; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TransitionLimit(pub(super) Option<usize>);

fn transition_limit(text: &str) -> Result<TransitionLimit, String> {
    if text == "unlimited" {
        return Ok(TransitionLimit(None));
    }
    text.parse().map(|limit| TransitionLimit(Some(limit))).map_err(|_| "expected a whole number or `unlimited`".into())
}

/// A time in milliseconds, above zero.
fn milliseconds(text: &str) -> Result<Nanoseconds, String> {
    let number: f64 = text.strip_suffix("ms").unwrap_or(text).trim().parse().map_err(|_| "expected milliseconds")?;
    let time = Milliseconds(number).to_nanoseconds();
    if time == Nanoseconds::ZERO || !number.is_finite() {
        return Err("expected milliseconds above zero".into());
    }
    Ok(time)
}

/// The first and the last layer of a closed range.
fn layer_range(text: &str) -> Result<(usize, usize), String> {
    let numbers = text.split_once('-').and_then(|(first, last)| Some((first.parse().ok()?, last.parse().ok()?)));
    numbers.filter(|(first, last)| first <= last).ok_or_else(|| "expected the first and the last layer: `0-9`".into())
}

/// An input and its sides, in the words of `trtexec --shapes`.
fn input_shape(text: &str) -> Result<InputShape, String> {
    let parse = |(name, sides): (&str, &str)| {
        let sides = sides
            .split('x')
            .map(|side| side.parse().ok().filter(|side| (1..=i32::MAX.unsigned_abs().into()).contains(side)));
        Some(InputShape { input: name.to_owned(), sides: sides.collect::<Option<_>>()? })
    };
    let shape = text.rsplit_once(':').filter(|(name, _)| !name.is_empty()).and_then(parse);
    shape.ok_or_else(|| "expected an input and its sides: `input:1x3x224x224`".into())
}

/// A share of a number, above 0 % and below 100 %.
fn share(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|number| number.trim_end().parse::<f64>().ok());
    let percent = percent.filter(|percent| *percent > 0.0 && *percent < 100.0);
    percent
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "expected more than 0 % and less than 100 %, as in `5%`".into())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len()));
    let factor = match unit {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "m" | "min" => 60.0,
        _ => return Err(format!("unknown unit `{unit}`: use `ms`, `s` or `min`")),
    };
    let seconds: f64 = number.parse().map_err(|_| format!("`{number}` is not a number"))?;
    Duration::try_from_secs_f64(seconds * factor).map_err(|_| "expected a time from zero to some centuries".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn durations_take_a_unit() {
        assert_eq!(duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2min"), Ok(Duration::from_secs(120)));
        assert!(duration("-1").is_err());
        assert!(duration("NaN").is_err());
        assert!(duration("3h").is_err());
    }

    #[test]
    fn shares_are_percentages_between_none_and_all() {
        assert_eq!(share("5%"), Ok(0.05));
        assert_eq!(share("0.5 %"), Ok(0.005));
        for wrong in ["0", "5", "0%", "100%", "200%", "-5%", "NaN%", "inf%", "%", "much", ""] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn help_lines_fit_a_terminal_and_every_subcommand_ends_with_an_example() {
        fn visit(command: &clap::Command) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            assert!(about.len() <= 79 && !about.ends_with('.'), "`{}`: {about}", command.get_name());
            if command.get_subcommands().next().is_none() {
                let after = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(after.contains("Example: haxconn "), "`{}` has no example", command.get_name());
            }
            command.get_subcommands().for_each(visit);
        }
        visit(&Arguments::command());
    }
}
