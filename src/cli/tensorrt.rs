//! TensorRT as the environment names it.

use std::env;
use std::path::PathBuf;

use crate::backend::tensorrt::{self, Tensorrt, Unavailable};

/// TensorRT on this machine. `HAXCONN_TENSORRT_LIB` names the library's file, which is then the only one that is tried.
pub(super) fn open() -> Result<Tensorrt, Unavailable> {
    let named = env::var_os("HAXCONN_TENSORRT_LIB").filter(|path| !path.is_empty()).map(PathBuf::from);
    Tensorrt::open(&named.map_or_else(tensorrt::library_candidates, |path| vec![path]))
}
