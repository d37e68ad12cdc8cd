//! Engines on the GPU's CUDA context: with memory and events of their own, to be measured, and with memory that they share,
//! to be run in turn on a lane's stream.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use super::builder::Refused;
use super::engine::{Context, Engine, LayerTime};
use crate::backend::cuda::{CudaError, Event, Memory, PrimaryContext, Queue, Stream};
use crate::backend::tensorrt::EngineIo;
use crate::units::Milliseconds;

/// Why an engine did not run.
#[derive(Debug)]
pub enum RunError {
    /// The CUDA driver fails; a sentence.
    Cuda(CudaError),
    /// TensorRT refuses what is named; why is among its messages.
    Refused(&'static str),
}

impl From<CudaError> for RunError {
    fn from(error: CudaError) -> Self {
        Self::Cuda(error)
    }
}

fn refused(what: &'static str) -> impl Fn(Refused) -> RunError {
    move |Refused| RunError::Refused(what)
}

/// Bytes of device memory that an input or output takes.
pub fn size_of(io: &EngineIo) -> Result<usize, RunError> {
    usize::try_from(io.bytes).map_err(|_| RunError::Refused("an input or output of that size"))
}

/// A context of `engine` whose inputs and outputs lie in `memory`, in the order of [`Engine::io`], which the caller keeps as long
/// as the context may run.
fn context_in(engine: &Rc<Engine>, memory: &[Arc<Memory>]) -> Result<Context, RunError> {
    let mut context = engine.context().map_err(refused("an execution context"))?;
    let io = engine.io().map_err(refused("to say how large inputs and outputs are"))?;
    for (idx, io) in io.iter().enumerate() {
        let too_short = RunError::Refused("memory that is shorter than an input or output");
        let piece = memory.get(idx).ok_or(RunError::Refused("fewer pieces of memory than inputs and outputs"))?;
        if piece.size() < size_of(io)? {
            return Err(too_short);
        }
        // SAFETY: the memory is long enough, and kept beside the context by both callers until no run is on a stream.
        unsafe { context.set_address(idx, piece.address()) }.map_err(refused("memory of an input or output"))?;
    }
    Ok(context)
}

/// An engine that runs in memory which other engines share, one run at a time.
pub struct Session {
    context: Context,
    queue: Queue,
    /// Freed after the context. No run goes on by then: the queue waits for each.
    _memory: Vec<Arc<Memory>>,
}

impl Session {
    /// Makes an engine ready to run on a lane's stream; `memory` holds its inputs and outputs in the order of [`Engine::io`].
    pub fn new(
        primary: &PrimaryContext,
        engine: &Rc<Engine>,
        stream: &Rc<Stream>,
        memory: Vec<Arc<Memory>>,
    ) -> Result<Self, RunError> {
        let context = context_in(engine, &memory)?;
        Ok(Self { context, queue: Queue::new(primary, stream)?, _memory: memory })
    }

    /// Runs the engine once and waits for its end; returns how long it took by the device's clock.
    pub fn run(&mut self) -> Result<Milliseconds, RunError> {
        let Self { context, queue, .. } = self;
        queue.run(|stream| {
            // SAFETY: the stream is live, of the process's one context, and every input and output has its address.
            unsafe { context.enqueue(stream.raw()) }.map_err(refused("to run the engine"))
        })
    }
}

/// An engine with memory for its inputs and outputs and a stream on which it runs. Fields are dropped in their order:
/// the execution context before what it uses.
pub struct Runner {
    context: Context,
    stream: Stream,
    /// Begin and end of each run in flight.
    events: [[Event; 2]; Runner::IN_FLIGHT],
    _memory: Vec<Arc<Memory>>,
}

impl Runner {
    /// Runs that may be on the stream at a time.
    pub const IN_FLIGHT: usize = 2;

    /// Makes an engine ready to run; `fill` gives the bytes of an input, and of an output nothing.
    pub fn new(
        primary: &PrimaryContext,
        engine: &Rc<Engine>,
        fill: impl Fn(&EngineIo) -> Option<Vec<u8>>,
    ) -> Result<Self, RunError> {
        let io = engine.io().map_err(refused("to say how large inputs and outputs are"))?;
        let piece = |io| Ok::<_, RunError>(Arc::new(Memory::new(primary, size_of(io)?, fill(io).as_deref())?));
        let memory: Vec<Arc<Memory>> = io.iter().map(piece).collect::<Result<_, _>>()?;
        let context = context_in(engine, &memory)?;
        let pair = || Ok::<_, CudaError>([Event::new(primary)?, Event::new(primary)?]);
        Ok(Self { context, stream: Stream::new(primary)?, events: [pair()?, pair()?], _memory: memory })
    }

    /// Puts a run on the stream, as run number `run`; returns the host's time for that.
    pub fn enqueue(&mut self, run: usize) -> Result<Milliseconds, RunError> {
        let [begin, end] = &self.events[run % Self::IN_FLIGHT];
        begin.record(&self.stream)?;
        let before = Instant::now();
        // SAFETY: the stream is live and of the current context, and every input and output got its memory in `new`.
        unsafe { self.context.enqueue(self.stream.raw()) }.map_err(refused("to run the engine"))?;
        let taken = before.elapsed();
        end.record(&self.stream)?;
        Ok(Milliseconds(taken.as_secs_f64() * 1e3))
    }

    /// Waits until run number `run`, one of the last two that were enqueued, has ended; returns its compute time.
    pub fn wait(&self, run: usize) -> Result<Milliseconds, RunError> {
        let [begin, end] = &self.events[run % Self::IN_FLIGHT];
        end.wait()?;
        Ok(end.since(begin)?)
    }

    /// Begins or ends the reporting of layer times.
    pub fn profile_layers(&mut self, on: bool) -> Result<(), RunError> {
        self.context.profile_layers(on).map_err(refused("a profiler"))
    }

    /// Waits for the stream's work; returns the layer times reported since the last call.
    pub fn take_layer_times(&mut self) -> Result<Vec<LayerTime>, RunError> {
        self.stream.synchronize()?;
        Ok(self.context.take_layer_times())
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        // Nothing may be freed under a run. Where the driver fails at this, no run goes on either.
        let _ = self.stream.synchronize();
    }
}
