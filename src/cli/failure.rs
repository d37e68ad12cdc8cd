//! How a command fails: a sentence, a hint, an exit code.

use std::fmt::Display;

/// Why a command ended without its result. The code is the process's exit code.
#[derive(Debug)]
pub(super) struct Failure {
    /// 1 failed, 2 bad usage, 3 no schedule within the limits, 4 backend not available.
    pub(super) code: u8,
    /// What went wrong, with its causes.
    pub(super) error: anyhow::Error,
    /// What to do next, where there is something.
    pub(super) hint: Option<String>,
}

impl Failure {
    /// The command line asks for something that isn't there or doesn't fit together.
    pub(super) fn usage(message: impl Display) -> Self {
        Self { code: 2, error: anyhow::anyhow!("{message}"), hint: None }
    }

    /// No schedule satisfies the limits.
    pub(super) fn no_schedule(message: impl Display) -> Self {
        Self { code: 3, error: anyhow::anyhow!("{message}"), hint: None }
    }

    /// The backend asked for can't be used here.
    pub(super) fn no_backend(message: impl Display) -> Self {
        Self { code: 4, error: anyhow::anyhow!("{message}"), hint: None }
    }

    /// The same as a fault of a file: its name in front, and no longer a matter of how the program was called.
    pub(super) fn of_file(self, file: &str) -> Self {
        Self { code: 1, error: self.error.context(file.to_owned()), ..self }
    }

    /// The same with a line that says what to do.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self { code: 1, error: error.into(), hint: None }
    }
}
