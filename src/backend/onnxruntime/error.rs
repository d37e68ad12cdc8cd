//! Why ONNX Runtime can't be used, or doesn't do what it is asked for.

use std::path::PathBuf;

use thiserror::Error;

/// A fault of the library, a model or a machine.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum OnnxRuntimeError {
    /// There is no library.
    #[error("no ONNX Runtime: {looked}")]
    NotFound {
        /// Where it was looked for.
        looked: String,
    },
    /// The library can't be opened, or is too old.
    #[error("{}: can't be used as ONNX Runtime: {reason}", path.display())]
    Library {
        /// The library's file.
        path: PathBuf,
        /// What it, or the system, says.
        reason: String,
    },
    /// The library was built without a provider.
    #[error("this ONNX Runtime has no execution provider `{provider}`")]
    NoProvider {
        /// Its name in platform files.
        provider: &'static str,
    },
    /// A model is refused.
    #[error("`{what}` can't be loaded: {reason}")]
    Model {
        /// Which model.
        what: String,
        /// ONNX Runtime's reason.
        reason: String,
    },
    /// A run failed.
    #[error("`{what}` failed: {reason}")]
    Run {
        /// Which model.
        what: String,
        /// ONNX Runtime's reason.
        reason: String,
    },
    /// An input isn't there yet, or is of a kind that can't be made up.
    #[error("`{what}`: input `{input}` {reason}")]
    Input {
        /// Which model.
        what: String,
        /// Name of the input.
        input: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Threads can't be bound to cores.
    #[error("threads can't be bound to cores {cores:?}: {reason}")]
    Cores {
        /// The cores.
        cores: Vec<usize>,
        /// The system's reason.
        reason: String,
    },
}
