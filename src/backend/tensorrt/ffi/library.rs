//! The TensorRT library, opened at run time, and the version that the shim was compiled for.

use std::ffi::c_int;
use std::fmt;
use std::path::{Path, PathBuf};

use super::sys;

/// Version of TensorRT or TensorRT-RTX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version {
    /// Whether it is TensorRT-RTX, which counts its versions apart.
    pub rtx: bool,
    /// Major, minor and patch number.
    pub numbers: [i32; 3],
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.numbers;
        write!(f, "{} {major}.{minor}.{patch}", if self.rtx { "TensorRT-RTX" } else { "TensorRT" })
    }
}

/// What the shim was compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a thing that a version has or has not")]
pub struct Headers {
    /// Version of the headers.
    pub version: Version,
    /// Whether tensors have types that decide the precision.
    pub strongly_typed: bool,
    /// Whether INT8 with dynamic ranges can be asked for.
    pub int8: bool,
    /// Whether timings of tactics can be kept.
    pub timing_cache: bool,
    /// Whether an engine can be asked for its layers.
    pub inspector: bool,
}

/// The headers of this build.
pub fn headers() -> Headers {
    let found = raw_headers();
    Headers {
        version: Version { rtx: found.rtx != 0, numbers: [found.major, found.minor, found.patch] },
        strongly_typed: found.strongly_typed != 0,
        int8: found.int8 != 0,
        timing_cache: found.timing_cache != 0,
        inspector: found.inspector != 0,
    }
}

fn raw_headers() -> sys::Headers {
    // SAFETY: the function takes nothing and returns a structure by value.
    unsafe { sys::hx_compiled_for() }
}

/// Why no library could be used.
#[derive(Debug, thiserror::Error)]
pub enum LibraryError {
    /// It could not be opened.
    #[error("{}: can't be opened as a library ({reason})", .path.display())]
    NotOpened {
        /// File or name that was tried.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// It is some other library.
    #[error("{}: is not TensorRT (it has no `{symbol}`)", .path.display())]
    NotTensorRt {
        /// File or name that was opened.
        path: PathBuf,
        /// The function that is missing.
        symbol: &'static str,
    },
    /// It is of another version.
    #[error("{}: is {found}, but this program was compiled for {wanted}", .path.display())]
    OtherVersion {
        /// File or name that was opened.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version of the headers.
        wanted: Version,
    },
}

/// An opened library of the right version. It stays in memory until the program ends: CUDA's libraries don't bear being
/// unloaded.
#[derive(Clone, Debug)]
pub struct Library {
    /// The file or name by which it was opened.
    pub path: PathBuf,
    pub(super) create_builder: sys::CreateFn,
    pub(super) create_runtime: sys::CreateFn,
}

impl Library {
    /// Opens the library at `path`; a bare name is looked for where the system's loader looks.
    pub fn open(path: &Path) -> Result<Self, LibraryError> {
        // SAFETY: opening a library runs its initializers. The file is the one that the user or the system names as
        // TensorRT; whatever it holds runs with the user's own rights, as with any program that links it.
        let opened = unsafe { libloading::Library::new(path) };
        let not_opened =
            |error: libloading::Error| LibraryError::NotOpened { path: path.to_owned(), reason: reason(&error, path) };
        let library = Box::leak(Box::new(opened.map_err(not_opened)?));
        let version = symbol::<unsafe extern "C" fn() -> c_int>(library, path, "getInferLibVersion")?;
        // SAFETY: TensorRT declares it as a C function without parameters that returns an int.
        check_version(unsafe { version() }, path)?;
        Ok(Self {
            path: path.to_owned(),
            create_builder: symbol(library, path, "createInferBuilder_INTERNAL")?,
            create_runtime: symbol(library, path, "createInferRuntime_INTERNAL")?,
        })
    }

    /// The name by which the loader finds a library of the headers' version.
    pub fn default_name() -> String {
        let Version { rtx, numbers: [major, ..] } = headers().version;
        if rtx { format!("libtensorrt_rtx.so.{major}") } else { format!("libnvinfer.so.{major}") }
    }
}

fn symbol<T: Copy>(library: &'static libloading::Library, path: &Path, name: &'static str) -> Result<T, LibraryError> {
    // SAFETY: every caller asks for a function by the name and with the signature of TensorRT's headers.
    let found = unsafe { library.get::<T>(name.as_bytes()) };
    found.map(|symbol| *symbol).map_err(|_| LibraryError::NotTensorRt { path: path.to_owned(), symbol: name })
}

fn check_version(found: i32, path: &Path) -> Result<(), LibraryError> {
    let wanted = raw_headers();
    if found == wanted.encoded {
        return Ok(());
    }
    Err(LibraryError::OtherVersion { path: path.to_owned(), found: decode(found), wanted: headers().version })
}

/// TensorRT encodes 8.5.2 as 8502, and since version 10, 10.3.0 as 100300; TensorRT-RTX 1.7.1 is 10701.
fn decode(encoded: i32) -> String {
    let (name, [major, minor, patch]) = match encoded {
        ..10_000 => ("TensorRT", [encoded / 1000, encoded / 100 % 10, encoded % 100]),
        10_000..100_000 => ("TensorRT-RTX", [encoded / 10_000, encoded / 100 % 100, encoded % 100]),
        _ => ("TensorRT", [encoded / 10_000, encoded / 100 % 100, encoded % 100]),
    };
    format!("{name} {major}.{minor}.{patch}")
}

/// The loader's reason without the path, which stands in front of it already.
fn reason(error: &libloading::Error, path: &Path) -> String {
    let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string);
    let text = cause.replace(&format!("{}: ", path.display()), "");
    if text.contains("No such file") { "no such file".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_decoded_as_tensorrt_encodes_them() {
        let versions = [7103, 8502, 100_300, 101_600, 110_400, 10_701].map(decode);
        let expected = [
            "TensorRT 7.1.3",
            "TensorRT 8.5.2",
            "TensorRT 10.3.0",
            "TensorRT 10.16.0",
            "TensorRT 11.4.0",
            "TensorRT-RTX 1.7.1",
        ];
        assert_eq!(versions, expected);
    }
}
