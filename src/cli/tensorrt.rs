//! TensorRT as the environment names it.

use std::env;
use std::path::PathBuf;

use crate::backend::tensorrt::{self, Tensorrt, Unavailable};

/// Names the library's file, which is then the only one that is tried.
pub(super) const LIBRARY_VARIABLE: &str = "HAXCONN_TENSORRT_LIB";

/// TensorRT on this machine.
pub(super) fn open() -> Result<Tensorrt, Unavailable> {
    Tensorrt::open(&candidates())
}

/// Where its library is looked for.
pub(super) fn candidates() -> Vec<PathBuf> {
    let named = env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
    named.map_or_else(tensorrt::library_candidates, |path| vec![path])
}
