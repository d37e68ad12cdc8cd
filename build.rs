//! Compiles the TensorRT shim against the headers that this machine has; without any the backend is left out.
//!
//! Headers are looked for in `TENSORRT_INCLUDE_DIR`, in `TENSORRT_SDK_DIR` (an unpacked release, with `include` and
//! `lib`), in the system's folders, and in `.deps/tensorrt-rtx`, which `scripts/fetch-tensorrt-rtx.sh` fills. The library
//! is opened when the program runs. `HAXCONN_TENSORRT=off` leaves the backend out, `required` refuses to.

use std::env;
use std::path::{Path, PathBuf};

const SHIM: &str = "src/backend/tensorrt/ffi";
const SYSTEM: [&str; 5] = [
    "/usr/include/aarch64-linux-gnu",
    "/usr/include/x86_64-linux-gnu",
    "/usr/include",
    "/usr/local/include",
    "/usr/local/tensorrt/include",
];
const DEVELOPMENT: &str = ".deps/tensorrt-rtx";

/// Headers of a TensorRT, and the folder of its library where both come from one place.
struct Headers {
    include: PathBuf,
    library: Option<PathBuf>,
}

fn main() {
    println!("cargo:rustc-check-cfg=cfg(haxconn_tensorrt)");
    for variable in ["HAXCONN_TENSORRT", "TENSORRT_INCLUDE_DIR", "TENSORRT_SDK_DIR"] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={SHIM}");
    match wanted_headers() {
        Ok(Some(headers)) => compile(&headers),
        Ok(None) => {}
        Err(message) => println!("cargo::error={message}"),
    }
}

/// What the environment asks for; `None` leaves the backend out.
fn wanted_headers() -> Result<Option<Headers>, String> {
    match env::var("HAXCONN_TENSORRT").unwrap_or_default().as_str() {
        "off" => Ok(None),
        "" => headers(),
        "required" => headers()?.map(Some).ok_or_else(|| {
            "HAXCONN_TENSORRT is `required`, but there is no NvInfer.h: install libnvinfer-dev, or name an unpacked \
             TensorRT by TENSORRT_SDK_DIR or its headers by TENSORRT_INCLUDE_DIR, or run scripts/fetch-tensorrt-rtx.sh"
                .to_owned()
        }),
        other => Err(format!("HAXCONN_TENSORRT is `{other}`: it must be `required`, `off` or unset")),
    }
}

/// The first headers that there are. Named by a variable they must be there.
fn headers() -> Result<Option<Headers>, String> {
    let named = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(include) = named("TENSORRT_INCLUDE_DIR") {
        return checked(include, None, "TENSORRT_INCLUDE_DIR");
    }
    if let Some(sdk) = named("TENSORRT_SDK_DIR") {
        return checked(sdk.join("include"), Some(sdk.join("lib")), "TENSORRT_SDK_DIR");
    }
    if let Some(include) = SYSTEM.iter().map(PathBuf::from).find(|folder| has_headers(folder)) {
        return Ok(Some(Headers { include, library: None }));
    }
    let development = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default()).join(DEVELOPMENT);
    let headers = Headers { include: development.join("include"), library: Some(development.join("lib")) };
    Ok(has_headers(&headers.include).then_some(headers))
}

fn has_headers(folder: &Path) -> bool {
    folder.join("NvInfer.h").is_file()
}

fn checked(include: PathBuf, library: Option<PathBuf>, variable: &str) -> Result<Option<Headers>, String> {
    if has_headers(&include) {
        return Ok(Some(Headers { include, library }));
    }
    Err(format!("{variable} is set, but {} holds no NvInfer.h", include.display()))
}

fn compile(headers: &Headers) {
    println!("cargo:rerun-if-changed={}", headers.include.join("NvInferVersion.h").display());
    cc::Build::new()
        .cpp(true)
        .std("c++14")
        .file(format!("{SHIM}/shim.cpp"))
        .include(format!("{SHIM}/cuda"))
        .flag("-isystem")
        .flag(&headers.include)
        .extra_warnings(true)
        .compile("haxconn_tensorrt");
    println!("cargo:rustc-cfg=haxconn_tensorrt");
    let library = headers.library.as_deref().unwrap_or(Path::new(""));
    println!("cargo:rustc-env=HAXCONN_TENSORRT_LIBRARY_FOLDER={}", library.display());
}
