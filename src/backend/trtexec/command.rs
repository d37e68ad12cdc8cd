//! How `trtexec` is called, so that every version of it measures the same: compute time alone, one run after the other,
//! the host sleeping while it waits.

use super::generation::{Generation, Version};
use crate::backend::RunPlan;

/// The first version that can leave out the copies of inputs and outputs.
const WITHOUT_TRANSFERS: Version = Version(7, 2);
/// The first version that leaves them out by itself, and that spins and captures CUDA graphs unless it is told not to.
const NEW_DEFAULTS: Version = Version(11, 0);

/// The options of one run of the engine in the file `plan`.
///
/// * `--loadEngine`: the engine, built before.
/// * `--iterations`, `--warmUp` (milliseconds), `--duration` (seconds, rounded up to whole ones, which is all that 7.1
///   takes): how often it is run, as [`RunPlan`] has it.
/// * `--avgRuns`: over how many runs a printed mean is.
/// * `--useDLACore`: the DLA core that the engine is loaded for; `--allowGPUFallback`: what that core can't do was built
///   for the GPU, which not every version takes for granted. Only with a `dla_core`.
/// * `--dumpProfile`, `--exportProfile`: the time of every layer, in the log and in a file. Only with a `profile`.
/// * `--noDataTransfers`, from 7.2 on: inputs stay on the device; 7.1 always copies them, beside the compute time. From 11.0
///   on it is the default.
/// * `--noSpinWait` and `--noCudaGraph`, from 11.0 on, where both became the default: the host sleeps while it waits, as
///   in all versions before, and kernels are launched one by one, without which layers have no times.
///
/// Without a `version` they are those of 7.1, which every version knows.
pub fn arguments(
    version: Option<Version>,
    plan: &str,
    dla_core: Option<u32>,
    run: &RunPlan,
    profile: Option<&str>,
) -> Vec<String> {
    let version = version.unwrap_or(Version(7, 1));
    let mut options = vec![
        format!("--loadEngine={plan}"),
        format!("--iterations={}", run.iterations),
        format!("--warmUp={}", run.warm_up.0.ceil()),
        format!("--duration={}", (run.duration.0 / 1e3).ceil()),
        format!("--avgRuns={}", run.average_runs),
    ];
    if let Some(core) = dla_core {
        options.extend([format!("--useDLACore={core}"), "--allowGPUFallback".to_owned()]);
    }
    if version >= NEW_DEFAULTS {
        options.extend(["--noSpinWait", "--noCudaGraph"].map(str::to_owned));
    } else if version >= WITHOUT_TRANSFERS {
        options.push("--noDataTransfers".to_owned());
    }
    if let Some(profile) = profile {
        options.extend(["--dumpProfile".to_owned(), format!("--exportProfile={profile}")]);
    }
    options
}

/// The version of the `trtexec` that printed `output`: by its banner; where that has no version (7.1 and 7.2) or there is
/// none (the help of 11), by what its help lists. `None` is 7.1, or no `trtexec`.
pub fn version_of(output: &str) -> Option<Version> {
    let of_banner = |line: &str| {
        let (_, version) = line.strip_prefix("&&&& RUNNING ")?.split_once(" [TensorRT v")?;
        Generation::of_number(version.split_once(']')?.0)
    };
    let lists = |option: &str| output.lines().any(|line| line.split_whitespace().next() == Some(option));
    match output.lines().find_map(of_banner) {
        Some(generation) => Some(generation.first),
        None if lists("--noCudaGraph") => Some(NEW_DEFAULTS),
        None if lists("--noDataTransfers") => Some(WITHOUT_TRANSFERS),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Milliseconds;

    const RUN: RunPlan =
        RunPlan { iterations: 500, warm_up: Milliseconds(200.0), duration: Milliseconds(2500.0), average_runs: 10 };
    const COUNTS: &str = "--loadEngine=n.plan --iterations=500 --warmUp=200 --duration=3 --avgRuns=10";

    #[test]
    fn every_version_measures_the_same() {
        let check = |version: Option<Version>, expected: &str| {
            let plain = arguments(version, "n.plan", None, &RUN, None).join(" ");
            assert_eq!(plain.strip_prefix(COUNTS), Some(expected), "{version:?}");
            let profiled = arguments(version, "n.plan", None, &RUN, Some("n.profile")).join(" ");
            assert_eq!(profiled, format!("{plain} --dumpProfile --exportProfile=n.profile"), "{version:?}");
        };
        check(None, "");
        check(Some(Version(7, 1)), "");
        check(Some(Version(7, 2)), " --noDataTransfers");
        for version in [Version(8, 4), Version(8, 5), Version(8, 6), Version(10, 3)] {
            check(Some(version), " --noDataTransfers");
        }
        check(Some(Version(11, 1)), " --noSpinWait --noCudaGraph");
    }

    #[test]
    fn an_engine_of_the_dla_is_run_on_its_core() {
        let options = arguments(Some(Version(8, 5)), "n.plan", Some(1), &RUN, None).join(" ");
        assert_eq!(options, format!("{COUNTS} --useDLACore=1 --allowGPUFallback --noDataTransfers"));
    }

    #[test]
    fn the_version_is_in_the_banner_or_shows_in_the_help() {
        let check = |output: &str, expected: Option<Version>| assert_eq!(version_of(output), expected, "{output}");
        check(
            "&&&& RUNNING TensorRT.trtexec [TensorRT v8502] # trtexec --help\n=== Model Options ===",
            Some(Version(8, 5)),
        );
        check("&&&& RUNNING TensorRT.trtexec [TensorRT v8401] # t", Some(Version(8, 4)));
        check("&&&& RUNNING TensorRT.trtexec [TensorRT v8601] # t", Some(Version(8, 6)));
        check("warning\n&&&& RUNNING TensorRT.trtexec [TensorRT v100300] # t", Some(Version(10, 3)));
        check("&&&& RUNNING TensorRT.trtexec [TensorRT v110100] # t", Some(Version(11, 1)));
        check("&&&& RUNNING TensorRT.trtexec # ./trtexec --help\n  --iterations=N   Run", None);
        check("&&&& RUNNING TensorRT.trtexec # t\n  --noDataTransfers  Do not transfer", Some(Version(7, 2)));
        check("  --noDataTransfers  Obsolete\n  --noCudaGraph  Disable", Some(Version(11, 0)));
        check("  --useCudaGraph  Use instead of --noCudaGraph", None);
        check("", None);
    }
}
