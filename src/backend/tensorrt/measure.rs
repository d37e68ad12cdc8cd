//! How an engine is measured in this process: runs that aren't counted, runs that are, runs with the profiler. It knows
//! in which order things happen; `ffi` knows how.

use std::rc::Rc;
use std::time::Instant;

use super::MeasureError;
use super::ffi::{self, Engine, LayerTime, Library, Message, Refused, RunError, Runner};
use super::numbers::small_numbers;
use super::segment::EngineIo;
use crate::backend::cuda::PrimaryContext;
use crate::backend::{EngineSamples, LayersChanged, RunPlan};
use crate::units::Milliseconds;

/// What failed; why TensorRT refused something is among its messages.
#[derive(Debug)]
pub(super) enum Failed {
    Run(RunError),
    Layers(LayersChanged),
    NoLayers,
}

impl Failed {
    pub(super) fn explained(self, messages: &[Message]) -> MeasureError {
        match self {
            Self::Run(RunError::Cuda(error)) => error.into(),
            Self::Run(RunError::Refused(what)) => MeasureError::Refused { what, reason: ffi::first_error(messages) },
            Self::Layers(changed) => changed.into(),
            Self::NoLayers => MeasureError::NoLayers,
        }
    }
}

impl From<RunError> for Failed {
    fn from(error: RunError) -> Self {
        Self::Run(error)
    }
}

pub(super) fn measure(
    library: &Library,
    plan: &[u8],
    dla_core: Option<u32>,
    run_plan: &RunPlan,
) -> Result<EngineSamples, Failed> {
    let primary = PrimaryContext::open().map_err(RunError::Cuda)?;
    let engine = Engine::load(library, dla_core, plan).map_err(|Refused| RunError::Refused("to load the plan"))?;
    let fill = |io: &EngineIo| io.input.then(|| small_numbers(&io.name, io.bytes));
    let mut runner = Runner::new(&primary, &Rc::new(engine), fill)?;
    let mut samples = EngineSamples::default();
    let begin = Instant::now();
    run_while(&mut runner, &mut EngineSamples::default(), |_| run_plan.warms_up(since(begin)))?;
    let begin = Instant::now();
    run_while(&mut runner, &mut samples, |n_runs| run_plan.goes_on(n_runs, since(begin)))?;
    profile(&mut runner, &mut samples, run_plan)?;
    Ok(samples)
}

fn since(begin: Instant) -> Milliseconds {
    Milliseconds(begin.elapsed().as_secs_f64() * 1e3)
}

/// Runs as long as `goes_on` says, which is told how many runs have begun. Before a run is waited for, the next one is on
/// the stream.
fn run_while(
    runner: &mut Runner,
    samples: &mut EngineSamples,
    goes_on: impl Fn(usize) -> bool,
) -> Result<(), RunError> {
    let mut n_begun = 0;
    let mut n_ended = 0;
    while let Some(step) = step(n_begun, n_ended, goes_on(n_begun)) {
        match step {
            Step::Enqueue(run) => {
                samples.enqueue.push(runner.enqueue(run)?);
                n_begun += 1;
            }
            Step::Wait(run) => {
                samples.compute.push(runner.wait(run)?);
                n_ended += 1;
            }
        }
    }
    Ok(())
}

/// What is done next with a run, which is known by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Enqueue(usize),
    Wait(usize),
}

fn step(n_begun: usize, n_ended: usize, goes_on: bool) -> Option<Step> {
    let in_flight = n_begun - n_ended;
    if goes_on && in_flight < Runner::IN_FLIGHT {
        Some(Step::Enqueue(n_begun))
    } else {
        (in_flight > 0).then_some(Step::Wait(n_ended))
    }
}

/// Runs with the profiler, one at a time; the first one, in which TensorRT makes its events, isn't kept.
fn profile(runner: &mut Runner, samples: &mut EngineSamples, run_plan: &RunPlan) -> Result<(), Failed> {
    runner.profile_layers(true)?;
    for run in 0..=run_plan.profiled_runs(samples.compute.len()) {
        runner.enqueue(run)?;
        let layers = runner.take_layer_times()?;
        if run > 0 {
            samples.add_profiled_run(layers.into_iter().map(named).collect()).map_err(Failed::Layers)?;
        }
    }
    runner.profile_layers(false)?;
    if samples.layers.is_empty() { Err(Failed::NoLayers) } else { Ok(()) }
}

fn named(time: LayerTime) -> (String, Milliseconds) {
    (time.layer, Milliseconds(f64::from(time.milliseconds)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Step::{Enqueue, Wait};

    /// The steps of `n_runs` runs.
    fn steps(n_runs: usize) -> Vec<Step> {
        let (mut n_begun, mut n_ended, mut steps) = (0, 0, Vec::new());
        while let Some(step) = step(n_begun, n_ended, n_begun < n_runs) {
            match step {
                Enqueue(_) => n_begun += 1,
                Wait(_) => n_ended += 1,
            }
            steps.push(step);
        }
        steps
    }

    #[test]
    fn the_next_run_is_on_the_stream_before_one_is_waited_for() {
        assert_eq!(steps(0), []);
        assert_eq!(steps(1), [Enqueue(0), Wait(0)]);
        assert_eq!(steps(3), [Enqueue(0), Enqueue(1), Wait(0), Enqueue(2), Wait(1), Wait(2)]);
    }

    #[test]
    fn what_failed_is_a_sentence_with_tensorrts_reason() {
        let message = Message { severity: ffi::Severity::Error, text: "the plan is of another version".to_owned() };
        let check = |failed: Failed, words: &str| {
            assert_eq!(failed.explained(std::slice::from_ref(&message)).to_string(), words);
        };
        let refused = Failed::Run(RunError::Refused("to load the plan"));
        check(refused, "TensorRT refuses to load the plan: the plan is of another version");
        check(Failed::NoLayers, "TensorRT's profiler reports no layers");
    }
}
