//! What running one engine many times gives, whoever ran it: TensorRT in this process, or the simulator.

use crate::units::Milliseconds;

/// How often an engine is run, with `trtexec`'s meaning: at least `iterations` runs and at least `duration`, after runs
/// for `warm_up` that aren't counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RunPlan {
    /// Least number of counted runs.
    pub iterations: u32,
    /// Least time of runs that aren't counted.
    pub warm_up: Milliseconds,
    /// Least time of counted runs.
    pub duration: Milliseconds,
    /// Counted runs of which one mean is printed.
    pub average_runs: u32,
}

/// One layer of an engine in every profiled run.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerSamples {
    /// The engine's name of it, as TensorRT gives it to its profiler.
    pub name: String,
    /// Its time in each run.
    pub times: Vec<Milliseconds>,
}

/// An engine's times.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EngineSamples {
    /// Compute time of each counted run, without the profiler: from the first kernel's start to the last one's end.
    pub compute: Vec<Milliseconds>,
    /// Time that handing each of these runs to the device took.
    pub enqueue: Vec<Milliseconds>,
    /// Layers in the order in which they ran, from runs with the profiler, which makes them slower.
    pub layers: Vec<LayerSamples>,
}
