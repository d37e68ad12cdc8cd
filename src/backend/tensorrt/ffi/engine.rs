//! Owned handles of what runs: an engine loaded from a plan, and its execution context.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;
use std::rc::Rc;

use super::builder::{Refused, copied, take};
use super::library::Library;
use super::sys;
use crate::backend::tensorrt::EngineIo;

/// A loaded engine.
pub struct Engine {
    raw: NonNull<sys::Engine>,
}

impl Engine {
    /// Loads a plan, for a DLA core where it has layers on the DLA.
    pub fn load(library: &Library, dla_core: Option<u32>, plan: &[u8]) -> Result<Self, Refused> {
        let core = dla_core.map_or(-1, |core| i32::try_from(core).unwrap_or(-1));
        // SAFETY: the function is `createInferRuntime_INTERNAL` of a library of the version that the shim knows; the plan
        // is `plan.len()` bytes, which TensorRT checks before it uses them.
        let raw = unsafe { sys::hx_engine_load(library.create_runtime, core, plan.as_ptr().cast(), plan.len()) };
        NonNull::new(raw).map(|raw| Self { raw }).ok_or(Refused)
    }

    /// Its inputs and outputs, in the order of their numbers.
    pub fn io(&self) -> Result<Vec<EngineIo>, Refused> {
        let raw = self.raw.as_ptr();
        // SAFETY: the handle is live.
        let count = unsafe { sys::hx_engine_io_count(raw) };
        let describe = |io: i32| {
            // SAFETY: the handle is live, `io` is one of its numbers, and the name lives as long as the engine.
            let (name, input, bytes) = unsafe {
                (
                    copied(sys::hx_engine_io_name(raw, io)),
                    sys::hx_engine_io_is_input(raw, io),
                    sys::hx_engine_io_bytes(raw, io),
                )
            };
            let bytes = u64::try_from(bytes).map_err(|_| Refused)?;
            Ok(EngineIo { name, input: input == 1, bytes })
        };
        (0..count).map(describe).collect()
    }

    /// What the engine inspector says of its layers, as JSON; `None` where the version has none.
    pub fn layer_information(&self) -> Option<String> {
        // SAFETY: the handle is live; the blob that comes back is ours.
        let text = take(unsafe { sys::hx_engine_layer_information(self.raw.as_ptr()) })?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// A context in which it can run.
    pub fn context(self: &Rc<Self>) -> Result<Context, Refused> {
        // SAFETY: the handle is live; the context holds it, and is freed before it.
        let raw = unsafe { sys::hx_context_new(self.raw.as_ptr()) };
        let raw = NonNull::new(raw).ok_or(Refused)?;
        Ok(Context { raw, times: Box::default(), _engine: Rc::clone(self) })
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: the handle is live and this is its last use.
        unsafe { sys::hx_engine_free(self.raw.as_ptr()) };
    }
}

/// Time of one layer in one run, as TensorRT reports it.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTime {
    /// TensorRT's name of the layer.
    pub layer: String,
    /// Milliseconds.
    pub milliseconds: f32,
}

/// An engine's execution state: at most one run at a time.
pub struct Context {
    raw: NonNull<sys::Context>,
    /// Where the profiler's callback puts its times; boxed, so that it stays where it is.
    #[expect(clippy::box_collection, reason = "the callback holds the vector's address")]
    times: Box<Vec<LayerTime>>,
    _engine: Rc<Engine>,
}

impl Context {
    /// Gives input or output number `io` its device memory, of at least the bytes that [`Engine::io`] says.
    ///
    /// # Safety
    /// `device_memory` stays valid until every run that was put on a stream since has ended.
    pub unsafe fn set_address(&mut self, io: usize, device_memory: u64) -> Result<(), Refused> {
        let io = i32::try_from(io).map_err(|_| Refused)?;
        let address = usize::try_from(device_memory).map_err(|_| Refused)? as *mut c_void;
        // SAFETY: the handle is live; the memory is as the caller promises.
        if unsafe { sys::hx_context_set_address(self.raw.as_ptr(), io, address) } == 1 { Ok(()) } else { Err(Refused) }
    }

    /// Begins or ends the reporting of layer times. With it every run waits for its end.
    pub fn profile_layers(&mut self, on: bool) -> Result<(), Refused> {
        let user = (&raw mut *self.times).cast::<c_void>();
        // SAFETY: the handle is live; `user` points to a box that lives as long as the context, and the callback only
        // writes there while a run of this context ends, which no `&mut` of ours overlaps.
        let set = unsafe { sys::hx_context_set_profiler(self.raw.as_ptr(), on.then_some(record as _), user) };
        if set == 1 { Ok(()) } else { Err(Refused) }
    }

    /// Layer times reported since the last call.
    pub fn take_layer_times(&mut self) -> Vec<LayerTime> {
        std::mem::take(&mut *self.times)
    }

    /// Puts one run on a CUDA stream (a `CUstream`).
    ///
    /// # Safety
    /// `stream` is a live stream of the current CUDA context, and every input and output has its address.
    pub unsafe fn enqueue(&mut self, stream: *mut c_void) -> Result<(), Refused> {
        // SAFETY: the handle is live; the rest is as the caller promises.
        if unsafe { sys::hx_context_enqueue(self.raw.as_ptr(), stream) } == 1 { Ok(()) } else { Err(Refused) }
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the handle is live and this is its last use; `times` and the engine are dropped after it.
        unsafe { sys::hx_context_free(self.raw.as_ptr()) };
    }
}

unsafe extern "C" fn record(user: *mut c_void, layer: *const c_char, milliseconds: f32) {
    // SAFETY: `user` is the box of the context whose run reports (see `profile_layers`); `layer` is a terminated string
    // that lives until this call returns.
    unsafe {
        let times = &mut *user.cast::<Vec<LayerTime>>();
        times.push(LayerTime { layer: CStr::from_ptr(layer).to_string_lossy().into_owned(), milliseconds });
    }
}
