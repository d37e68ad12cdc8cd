//! A model run many times on one execution provider, as `trtexec` runs an engine.

use std::time::{Duration, Instant};
use std::{slice, thread};

use super::stream::{Background, Stream};
use super::{OnnxRuntime, OnnxRuntimeError, Tensors, bind_thread};
use crate::backend::{EngineSamples, RunPlan};
use crate::platform::Provider;
use crate::units::Milliseconds;

/// Times of `model` on `provider`, by `run`, on a thread of its own that is bound to the provider's cores, while `beside` reads
/// the memory where there is one. Inputs are made up from `seed`.
///
/// # Errors
/// Where the cores aren't this process's, the library lacks the provider, or a run fails; `what` names the model.
pub fn measure(
    runtime: &OnnxRuntime,
    what: &str,
    model: &[u8],
    provider: &Provider,
    seed: u64,
    run: &RunPlan,
    beside: Option<&Stream>,
) -> Result<EngineSamples, OnnxRuntimeError> {
    let on_thread = || {
        bind_thread(&provider.cores)?;
        let mut session = runtime.session(what, model, provider)?;
        let tensors = Tensors::default();
        session.make_up_inputs(&tensors, seed)?;
        let mut once = || {
            let begin = Instant::now();
            session.run(&tensors)?;
            Ok::<Milliseconds, OnnxRuntimeError>(milliseconds(begin.elapsed()))
        };
        let _background = beside.map(|stream| Background::start(slice::from_ref(stream))).transpose()?;
        let begin = Instant::now();
        // The first run allocates what later ones use again.
        once()?;
        while run.warms_up(milliseconds(begin.elapsed())) {
            once()?;
        }
        let mut samples = EngineSamples::default();
        let begin = Instant::now();
        while run.goes_on(samples.compute.len(), milliseconds(begin.elapsed())) {
            samples.compute.push(once()?);
        }
        // There is no device that a run is handed to.
        samples.enqueue = vec![Milliseconds(0.0); samples.compute.len()];
        Ok(samples)
    };
    let panicked =
        || OnnxRuntimeError::Run { what: what.to_owned(), reason: "the thread that ran it panicked".to_owned() };
    thread::scope(|scope| scope.spawn(on_thread).join()).unwrap_or_else(|_| Err(panicked()))
}

fn milliseconds(time: Duration) -> Milliseconds {
    Milliseconds(time.as_secs_f64() * 1e3)
}
