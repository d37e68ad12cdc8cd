//! What engines run on: the first GPU's primary context, device memory, streams and events.
#![expect(unsafe_code, reason = "the driver is a C library")]

use std::ffi::c_void;
use std::marker::PhantomData;
use std::rc::Rc;

use cudarc::driver::result::{self, DriverError};
use cudarc::driver::sys::{CUevent, CUevent_flags, CUstream};

use super::probe::require;
use crate::units::Milliseconds;

/// Every function of the driver that is called here or when an error is put in words.
const FUNCTIONS: [&str; 20] = [
    "cuInit",
    "cuDeviceGet",
    "cuDevicePrimaryCtxRetain",
    "cuCtxSetCurrent",
    "cuMemAlloc_v2",
    "cuMemFree_v2",
    "cuMemcpyHtoD_v2",
    "cuMemcpyDtoH_v2",
    "cuMemcpyDtoDAsync_v2",
    "cuMemsetD8Async",
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

/// The CUDA driver is missing or fails; a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CudaError(String);

impl From<DriverError> for CudaError {
    fn from(error: DriverError) -> Self {
        Self(format!("the CUDA driver fails: {error}"))
    }
}

/// The first GPU's primary context, current on this thread. There is one in a process; TensorRT's libraries and every lane's
/// thread share it, and on a Jetson the DLA's engines too. It is kept until the program ends.
pub struct PrimaryContext {
    /// Being current is a thread's: what holds this stays on it.
    _on_this_thread: PhantomData<*const ()>,
}

impl PrimaryContext {
    /// Looks for the driver and makes the first GPU's context current on this thread.
    pub fn open() -> Result<Self, CudaError> {
        require(&FUNCTIONS).map_err(CudaError)?;
        result::init()?;
        let device = result::device::get(0)?;
        // SAFETY: the device comes from the driver; the context is retained, never released, and so always valid.
        unsafe { result::ctx::set_current(result::primary_ctx::retain(device)?) }?;
        Ok(Self { _on_this_thread: PhantomData })
    }
}

/// Device memory. It is freed where it is dropped, which should be a thread with the context, as all of a run's are.
#[derive(Debug)]
pub struct Memory {
    address: u64,
    size: usize,
}

impl Memory {
    /// Memory of `size` bytes, or of one, as the driver gives none of none; holds `bytes` where they are given, which are cut
    /// off at its end.
    pub fn new(_: &PrimaryContext, size: usize, bytes: Option<&[u8]>) -> Result<Self, CudaError> {
        let size = size.max(1);
        // SAFETY: what is read from it on the host is bytes, and on the device numbers, for which all bits are valid.
        let memory = Self { address: unsafe { result::malloc_sync(size) }?, size };
        if let Some(bytes) = bytes {
            let fitting = &bytes[..bytes.len().min(size)];
            // SAFETY: the memory was just allocated and is no shorter than what is copied, which outlives this call.
            unsafe { result::memcpy_htod_sync(memory.address, fitting) }?;
        }
        Ok(memory)
    }

    /// Its size in bytes.
    pub fn size(&self) -> usize {
        self.size
    }

    /// What it holds, copied to the host.
    pub fn read(&self, _: &PrimaryContext) -> Result<Vec<u8>, CudaError> {
        let mut bytes = vec![0_u8; self.size];
        // SAFETY: the memory is live and as long as what it is copied to.
        unsafe { result::memcpy_dtoh_sync(&mut bytes, self.address) }?;
        Ok(bytes)
    }

    /// Where it lies on the device.
    pub fn address(&self) -> u64 {
        self.address
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated by `new` and freed once. A failure leaves nothing to do: the driver frees it at the end.
        let _ = unsafe { result::free_sync(self.address) };
    }
}

/// A stream of work.
pub struct Stream(CUstream);

impl Stream {
    /// A stream that waits for no other one.
    pub fn new(_: &PrimaryContext) -> Result<Self, CudaError> {
        Ok(Self(result::stream::create(result::stream::StreamKind::NonBlocking)?))
    }

    /// Waits until all of its work has ended.
    pub fn synchronize(&self) -> Result<(), CudaError> {
        // SAFETY: the stream is live until this is dropped.
        Ok(unsafe { result::stream::synchronize(self.0) }?)
    }

    /// The driver's handle, live as long as this.
    pub fn raw(&self) -> *mut c_void {
        self.0.cast()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: created by `new` and destroyed once; a failure leaves nothing to do.
        let _ = unsafe { result::stream::destroy(self.0) };
    }
}

/// A moment on a stream. Waiting for it spins, as `trtexec --useSpinWait` does: a sleeping host wakes up late.
pub struct Event(CUevent);

impl Event {
    /// A moment that hasn't come yet.
    pub fn new(_: &PrimaryContext) -> Result<Self, CudaError> {
        Ok(Self(result::event::create(CUevent_flags::CU_EVENT_DEFAULT)?))
    }

    /// Makes it the moment at which all that is on `stream` has ended.
    pub fn record(&self, stream: &Stream) -> Result<(), CudaError> {
        // SAFETY: both are live and of the process's one context.
        Ok(unsafe { result::event::record(self.0, stream.0) }?)
    }

    /// Waits for it.
    pub fn wait(&self) -> Result<(), CudaError> {
        // SAFETY: the event is live until this is dropped.
        Ok(unsafe { result::event::synchronize(self.0) }?)
    }

    /// Time from `begin` to this event; both must have happened, or the driver says so.
    pub fn since(&self, begin: &Self) -> Result<Milliseconds, CudaError> {
        // SAFETY: both events are live.
        let time = unsafe { result::event::elapsed(begin.0, self.0) }?;
        Ok(Milliseconds(f64::from(time)))
    }
}

impl Drop for Event {
    fn drop(&mut self) {
        // SAFETY: created by `new` and destroyed once; a failure leaves nothing to do.
        let _ = unsafe { result::event::destroy(self.0) };
    }
}

/// A lane's stream as one of its engines uses it: one piece of work at a time, between two events, waited for.
pub struct Queue {
    stream: Rc<Stream>,
    begin: Event,
    end: Event,
}

impl Queue {
    /// Further work for `stream`.
    pub fn new(context: &PrimaryContext, stream: &Rc<Stream>) -> Result<Self, CudaError> {
        Ok(Self { stream: Rc::clone(stream), begin: Event::new(context)?, end: Event::new(context)? })
    }

    /// Has `work` put something on the stream, and waits for its end; returns how long it took by the device's clock. When
    /// this returns, nothing is on the stream, also where it fails.
    pub(in crate::backend) fn run<E: From<CudaError>>(
        &mut self,
        work: impl FnOnce(&Stream) -> Result<(), E>,
    ) -> Result<Milliseconds, E> {
        let ran = self.between_events(work);
        if ran.is_err() {
            // Where this fails too no work goes on: the driver has given the context up.
            let _ = self.stream.synchronize();
        }
        ran
    }

    fn between_events<E: From<CudaError>>(
        &mut self,
        work: impl FnOnce(&Stream) -> Result<(), E>,
    ) -> Result<Milliseconds, E> {
        self.begin.record(&self.stream)?;
        work(&self.stream)?;
        self.end.record(&self.stream)?;
        self.end.wait()?;
        Ok(self.end.since(&self.begin)?)
    }

    /// Sets every byte of `memory` to `value`, on the device.
    pub fn fill(&mut self, memory: &Memory, value: u8) -> Result<Milliseconds, CudaError> {
        self.run(|stream| {
            // SAFETY: the memory is live until the work has ended, which `run` waits for.
            Ok(unsafe { result::memset_d8_async(memory.address, value, memory.size, stream.0) }?)
        })
    }

    /// Copies `from` to `to` on the device, as many bytes as both have.
    pub fn copy(&mut self, from: &Memory, to: &Memory) -> Result<Milliseconds, CudaError> {
        let size = from.size.min(to.size);
        self.run(|stream| {
            // SAFETY: both are live, and at least as long as what is copied, until the work has ended, which `run` waits for.
            Ok(unsafe { result::memcpy_dtod_async(to.address, from.address, size, stream.0) }?)
        })
    }
}
