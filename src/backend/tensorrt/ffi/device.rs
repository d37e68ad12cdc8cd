//! What an engine runs on: the GPU's CUDA context with device memory, a stream and events, through the CUDA driver. Only
//! functions that CUDA 10.2 (JetPack 4) has are called, and all are looked for first: `cudarc` ends the program at one
//! that is missing.

use std::time::Instant;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{self as cuda, CUevent, CUevent_flags, CUstream};

use super::builder::Refused;
use super::engine::{Context, Engine, EngineIo, LayerTime};
use crate::backend::cuda::require;
use crate::units::Milliseconds;

/// Every function of the driver that is called here or when an error is put in words.
const FUNCTIONS: [&str; 17] = [
    "cuInit",
    "cuDeviceGet",
    "cuDevicePrimaryCtxRetain",
    "cuCtxSetCurrent",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemcpyHtoD_v2",
    "cuStreamCreate",
    "cuStreamSynchronize",
    "cuStreamDestroy_v2",
    "cuEventCreate",
    "cuEventRecord",
    "cuEventSynchronize",
    "cuEventElapsedTime",
    "cuEventDestroy_v2",
    "cuGetErrorName",
    "cuGetErrorString",
];

/// Why an engine did not run.
#[derive(Debug)]
pub enum RunError {
    /// The CUDA driver fails; a sentence.
    Cuda(String),
    /// TensorRT refuses what is named; why is among its messages.
    Refused(&'static str),
}

impl From<DriverError> for RunError {
    fn from(error: DriverError) -> Self {
        Self::Cuda(format!("the CUDA driver fails: {error}"))
    }
}

fn refused(what: &'static str) -> impl Fn(Refused) -> RunError {
    move |Refused| RunError::Refused(what)
}

/// The first GPU, whose primary context is this thread's current one. The context is kept until the program ends, as
/// TensorRT's libraries share it and are kept too.
pub struct Gpu {
    /// The context is a thread's: what holds this stays on it.
    _context: cuda::CUcontext,
}

impl Gpu {
    /// Looks for the driver and makes the first GPU's context current.
    pub fn open() -> Result<Self, RunError> {
        require(&FUNCTIONS).map_err(RunError::Cuda)?;
        result::init()?;
        let device = result::device::get(0)?;
        // SAFETY: the device comes from the driver; the context is retained, never released, and so always valid.
        let context = unsafe {
            let context = result::primary_ctx::retain(device)?;
            result::ctx::set_current(context)?;
            context
        };
        Ok(Self { _context: context })
    }
}

/// Device memory.
struct Memory(cuda::CUdeviceptr);

impl Memory {
    /// Memory of at least one byte, as the driver gives none of none; holds `bytes` where they are given.
    fn new(size: usize, bytes: Option<&[u8]>) -> Result<Self, DriverError> {
        // SAFETY: what is read from it on the host is nothing, and on the device numbers, for which all bits are valid.
        let memory = Self(unsafe { result::malloc_sync(size.max(1)) }?);
        if let Some(bytes) = bytes {
            let fitting = &bytes[..bytes.len().min(size)];
            // SAFETY: the memory was just allocated and is no shorter than what is copied, which outlives this call.
            unsafe { result::memcpy_htod_sync(memory.0, fitting) }?;
        }
        Ok(memory)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` and freed once. A failure leaves nothing to do: the driver frees it at the end.
        let _ = unsafe { result::free_sync(self.0) };
    }
}

/// A stream of work.
struct Stream(CUstream);

impl Stream {
    fn new() -> Result<Self, DriverError> {
        result::stream::create(result::stream::StreamKind::NonBlocking).map(Self)
    }

    fn synchronize(&self) -> Result<(), DriverError> {
        // SAFETY: the stream is live until this is dropped.
        unsafe { result::stream::synchronize(self.0) }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: created by `new` and destroyed once; a failure leaves nothing to do.
        let _ = unsafe { result::stream::destroy(self.0) };
    }
}

/// A moment on a stream. Waiting for it spins, as `trtexec --useSpinWait` does: a sleeping host wakes up late.
struct Event(CUevent);

impl Event {
    fn new() -> Result<Self, DriverError> {
        result::event::create(CUevent_flags::CU_EVENT_DEFAULT).map(Self)
    }

    fn record(&self, stream: &Stream) -> Result<(), DriverError> {
        // SAFETY: both are live and of the same context.
        unsafe { result::event::record(self.0, stream.0) }
    }

    fn wait(&self) -> Result<(), DriverError> {
        // SAFETY: the event is live until this is dropped.
        unsafe { result::event::synchronize(self.0) }
    }

    /// Time from `begin` to this event; both must have happened, or the driver says so.
    fn since(&self, begin: &Self) -> Result<Milliseconds, DriverError> {
        // SAFETY: both events are live.
        unsafe { result::event::elapsed(begin.0, self.0) }.map(|time| Milliseconds(f64::from(time)))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: created by `new` and destroyed once; a failure leaves nothing to do.
        let _ = unsafe { result::event::destroy(self.0) };
    }
}

/// An engine with memory for its inputs and outputs and a stream on which it runs. Fields are dropped in their order:
/// the execution context before what it uses.
pub struct Runner<'e> {
    context: Context<'e>,
    stream: Stream,
    /// Begin and end of each run in flight.
    events: [[Event; 2]; Runner::IN_FLIGHT],
    _memory: Vec<Memory>,
    _gpu: &'e Gpu,
}

impl<'e> Runner<'e> {
    /// Runs that may be on the stream at a time.
    pub const IN_FLIGHT: usize = 2;

    /// Makes an engine ready to run; `fill` gives the bytes of an input, and of an output nothing.
    pub fn new(
        gpu: &'e Gpu,
        engine: &'e Engine,
        fill: impl Fn(&EngineIo) -> Option<Vec<u8>>,
    ) -> Result<Self, RunError> {
        let mut context = engine.context().map_err(refused("an execution context"))?;
        let inputs_and_outputs = engine.io().map_err(refused("to say how large inputs and outputs are"))?;
        let mut memory = Vec::new();
        for (idx, io) in inputs_and_outputs.iter().enumerate() {
            let size = usize::try_from(io.bytes).map_err(|_| RunError::Refused("an input or output of that size"))?;
            let piece = Memory::new(size, fill(io).as_deref())?;
            // SAFETY: the memory is kept beside the context, whose runs have ended before it is freed (see `drop`).
            unsafe { context.set_address(idx, piece.0) }.map_err(refused("memory of an input or output"))?;
            memory.push(piece);
        }
        let pair = || Ok::<_, DriverError>([Event::new()?, Event::new()?]);
        Ok(Self { context, stream: Stream::new()?, events: [pair()?, pair()?], _memory: memory, _gpu: gpu })
    }

    /// Puts a run on the stream, as run number `run`; returns the host's time for that.
    pub fn enqueue(&mut self, run: usize) -> Result<Milliseconds, RunError> {
        let [begin, end] = &self.events[run % Self::IN_FLIGHT];
        begin.record(&self.stream)?;
        let before = Instant::now();
        // SAFETY: the stream is live and of the current context, and every input and output got its memory in `new`.
        unsafe { self.context.enqueue(self.stream.0.cast()) }.map_err(refused("to run the engine"))?;
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

impl Drop for Runner<'_> {
    fn drop(&mut self) {
        // Nothing may be freed under a run. Where the driver fails at this, no run goes on either.
        let _ = self.stream.synchronize();
    }
}
