//! The CUDA driver, looked for and asked what there is: nothing of it may be called before.
#![expect(unsafe_code, reason = "the driver is a C library")]

use cudarc::driver::result::{self, device};
use cudarc::driver::sys::{self, CUdevice_attribute};

/// A GPU that the driver knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gpu {
    /// As the driver calls it.
    pub name: String,
    /// Major and minor number of its compute capability.
    pub compute_capability: [i32; 2],
}

/// The driver and its GPUs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cuda {
    /// Major and minor number of the CUDA version that the driver supports.
    pub version: [i32; 2],
    /// In the driver's order.
    pub gpus: Vec<Gpu>,
}

/// Every function that is called here; CUDA 10.2 has all of them.
const FUNCTIONS: [&str; 8] = [
    "cuInit",
    "cuDriverGetVersion",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetName",
    "cuDeviceGetAttribute",
    "cuGetErrorName",
    "cuGetErrorString",
];

/// What the CUDA driver says; a sentence where there is none, or where it fails.
pub fn probe() -> Result<Cuda, String> {
    require(&FUNCTIONS)?;
    let failed = |error: result::DriverError| format!("the CUDA driver fails: {error}");
    let mut version = 0;
    // SAFETY: the library is there; the call writes one number to where it is told.
    unsafe { sys::cuDriverGetVersion(&raw mut version) }.result().map_err(failed)?;
    result::init().map_err(failed)?;
    let n_gpus = device::get_count().map_err(failed)?;
    let gpus = (0..n_gpus).map(gpu).collect::<Result<_, _>>().map_err(failed)?;
    // The driver encodes 11.4 as 11040.
    Ok(Cuda { version: [version / 1000, version / 10 % 100], gpus })
}

/// Whether the driver is there with all of `functions`; a sentence where it isn't, and nothing of it may be called.
pub(super) fn require(functions: &[&str]) -> Result<(), String> {
    // SAFETY: opening the driver's library runs its initializers, which is what any program that links it does.
    if !unsafe { sys::is_culib_present() } {
        return Err("no CUDA driver (libcuda)".to_owned());
    }
    match functions.iter().find(|name| !has(name)) {
        Some(name) => Err(format!("no CUDA driver (libcuda has no `{name}`)")),
        None => Ok(()),
    }
}

/// Whether the driver's library, which must be there, has a function; `cudarc` panics at one that is missing.
fn has(function: &str) -> bool {
    // SAFETY: the library was opened by the same name before; the symbol is looked up, and neither called nor kept.
    unsafe { sys::culib().get::<*const ()>(function.as_bytes()) }.is_ok()
}

fn gpu(ordinal: i32) -> Result<Gpu, result::DriverError> {
    let gpu = device::get(ordinal)?;
    // SAFETY: the device comes from the driver, and both attributes are numbers that every device has.
    let attribute = |attribute| unsafe { device::get_attribute(gpu, attribute) };
    let compute_capability = [
        attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?,
        attribute(CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?,
    ];
    Ok(Gpu { name: device::get_name(gpu)?, compute_capability })
}
