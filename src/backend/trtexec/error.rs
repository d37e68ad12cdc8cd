//! Why a text is none of TensorRT's, or not a whole one.

/// A line, what should be there and what is there instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: expected {expected}, found {found}")]
pub struct ReadError {
    /// Line number, from 1.
    pub line: usize,
    /// What was expected there.
    pub expected: String,
    /// What is there, or that nothing is.
    pub found: String,
}

/// Characters of a line that an error repeats.
const SHOWN: usize = 60;

impl ReadError {
    /// At `line`, where `found` is a description.
    pub(super) fn at(line: usize, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { line, expected: expected.into(), found: found.into() }
    }

    /// At `line`, which reads `text`.
    pub(super) fn line(line: usize, expected: impl Into<String>, text: &str) -> Self {
        Self::at(line, expected, quoted(text))
    }

    /// At byte `at` of `text`.
    pub(super) fn byte(text: &str, at: usize, expected: impl Into<String>) -> Self {
        let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
        let line = before.split(|&byte| byte == b'\n').count();
        let rest = text.get(at..).unwrap_or_default();
        let found = if rest.trim().is_empty() { "the end of the file".to_owned() } else { quoted(rest) };
        Self::at(line, expected, found)
    }
}

/// The beginning of what `text` holds up to the end of its line.
fn quoted(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let shown: String = line.chars().take(SHOWN).collect();
    if shown.len() < line.len() { format!("`{shown}..`") } else { format!("`{shown}`") }
}
