//! Where a platform, a profile or a network was found, as it is announced and recorded.

use std::fmt;
use std::path::PathBuf;

/// Where something came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Embedded in the program under this name.
    BuiltIn(String),
    /// The file at this path.
    File(PathBuf),
}

/// Something that was found, with what to say about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    /// What was found.
    pub value: T,
    /// Where.
    pub origin: Origin,
    /// SHA-256 of its text in hexadecimal.
    pub sha256: String,
    /// Whether the file hides a built-in of the same name: to be announced.
    pub hides_builtin: bool,
    /// What was taken otherwise than it says, or isn't understood: to be announced.
    pub notes: Vec<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(name) => write!(f, "built-in `{name}`"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}
