//! What the user may ask of `profile emc`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::cli::args::{BackendArgument, OutputArguments, duration};
use crate::cli::profile::arguments::SeriesArguments;

#[derive(Args, Debug)]
#[command(after_help = "Example: haxconn profile emc --backend sim --on gpu --svg output/emc.svg")]
pub(in crate::cli) struct EmcArguments {
    /// Network files, or a folder of them [default: the 25 convolutions that ship with the program]
    #[arg(long, value_name = "FILE|DIR", conflicts_with_all = ["engine", "from"], help_heading = "Engines")]
    pub(super) prototxt: Option<PathBuf>,
    /// Networks by name or file, separated by commas, instead of the convolutions
    #[arg(long, value_delimiter = ',', value_name = "NAME|FILE,..", conflicts_with_all = ["prototxt", "engine", "from"], help_heading = "Engines")]
    pub(super) dnns: Vec<String>,
    /// One plan file instead of networks
    #[arg(long, value_name = "FILE.plan", conflicts_with = "from", help_heading = "Engines")]
    pub(super) engine: Option<PathBuf>,
    /// Accelerators that run each network [default: the platform's GPU and DLA; in ONNX Runtime all]
    #[arg(long, value_delimiter = ',', value_name = "NAME,..", conflicts_with = "engine", help_heading = "Engines")]
    pub(super) on: Vec<String>,

    /// What runs them
    #[arg(long, value_enum, default_value_t = BackendArgument::Auto, conflicts_with = "from", help_heading = "Runs")]
    pub(super) backend: BackendArgument,
    /// Platform by name or file [default: this machine's, else AGX Xavier; in ONNX Runtime host]
    #[arg(long, value_name = "NAME|FILE", help_heading = "Runs")]
    pub(super) platform: Option<String>,
    /// Time for which each engine runs after the warm-up
    #[arg(long, value_name = "S", default_value = "3s", value_parser = run_time, conflicts_with = "from", help_heading = "Runs")]
    pub(super) seconds: Duration,
    /// Beginning of each run, or of each recording, that isn't counted
    #[arg(long, value_name = "S", default_value = "1s", value_parser = warm_up, help_heading = "Runs")]
    pub(super) warm_up: Duration,
    /// Time between samples; with `--from`, that of lines without a time of their own
    #[arg(long, value_name = "MS", default_value = "10ms", value_parser = interval, help_heading = "Runs")]
    pub(super) interval: Duration,
    /// NVIDIA's program [default: in PATH, then /usr/bin/tegrastats]
    #[arg(long, value_name = "PATH", conflicts_with = "from", help_heading = "Runs")]
    pub(super) tegrastats: Option<PathBuf>,
    /// NVIDIA's program that runs the engines on a board [default: in PATH, then /usr/src/tensorrt/bin/trtexec]
    #[arg(long, value_name = "PATH", conflicts_with = "from", help_heading = "Runs")]
    pub(super) trtexec: Option<PathBuf>,
    /// Folder of a board's plans; those that are missing are built
    #[arg(long, default_value = "build", value_name = "DIR", conflicts_with = "from", help_heading = "Runs")]
    pub(super) build: PathBuf,
    /// Read recordings instead: files `NETWORK_ACCELERATOR.tegrastats` such as `conv1_kernel3_gpu.tegrastats`
    #[arg(long, value_name = "DIR", help_heading = "Runs")]
    pub(super) from: Option<PathBuf>,
    /// Seed of the engines' weights and of the simulator's noise
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true, help_heading = "Runs")]
    pub(super) seed: u64,

    #[command(flatten)]
    pub(super) output: OutputArguments,
    /// Folder of the results and the samples
    #[arg(long, default_value = "output", value_name = "DIR", help_heading = "Output")]
    pub(super) out: PathBuf,
    /// Draw heat maps of the convolutions
    #[arg(long, value_name = "FILE.svg", help_heading = "Output")]
    pub(super) svg: Option<PathBuf>,
}

impl EmcArguments {
    /// Each of `dnns`, or each of the convolutions where there are none, on `platform`, for the usual times.
    pub(in crate::cli) fn usual(
        series: &SeriesArguments,
        backend: BackendArgument,
        platform: &str,
        dnns: Vec<String>,
    ) -> Self {
        Self {
            prototxt: None,
            dnns,
            engine: None,
            on: Vec::new(),
            backend,
            platform: Some(platform.to_owned()),
            seconds: Duration::from_secs(3),
            warm_up: Duration::from_secs(1),
            interval: Duration::from_millis(10),
            tegrastats: None,
            trtexec: series.trtexec.clone(),
            build: series.build.clone(),
            from: None,
            seed: series.seed,
            output: OutputArguments { quiet: series.output.quiet, ..series.output },
            out: series.out.clone(),
            svg: None,
        }
    }
}

/// The longest run of one engine.
const LONGEST: Duration = Duration::from_secs(600);

fn warm_up(text: &str) -> Result<Duration, String> {
    duration(text).and_then(|time| if time <= LONGEST { Ok(time) } else { Err("more than 600 s".to_owned()) })
}

fn run_time(text: &str) -> Result<Duration, String> {
    warm_up(text).and_then(|time| if time.is_zero() { Err("no time at all".to_owned()) } else { Ok(time) })
}

/// Whole milliseconds, as `tegrastats` takes them; a bare number is that many.
fn interval(text: &str) -> Result<Duration, String> {
    let is_bare = text.bytes().all(|byte| byte.is_ascii_digit());
    let time = if is_bare { duration(&format!("{text}ms"))? } else { duration(text)? };
    let is_right =
        (Duration::from_millis(1)..=LONGEST).contains(&time) && time.subsec_nanos().is_multiple_of(1_000_000);
    if is_right { Ok(time) } else { Err("not a whole number of milliseconds from 1 to 600000".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_whole_milliseconds() {
        assert_eq!(interval("10"), Ok(Duration::from_millis(10)));
        assert_eq!(interval("1s"), Ok(Duration::from_secs(1)));
        for wrong in ["0", "0.5ms", "601s", "x", "-1ms", ""] {
            assert!(interval(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn runs_last_up_to_ten_minutes() {
        assert_eq!((run_time("600"), warm_up("0")), (Ok(LONGEST), Ok(Duration::ZERO)));
        assert!(run_time("0").is_err() && run_time("11min").is_err() && warm_up("11min").is_err());
    }
}
