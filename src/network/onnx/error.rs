//! What is wrong with an ONNX model, or why something can't be made of it.

/// A model that can't be used. It prints as a sentence that names the node, the tensor or the field; the file's name is
/// not known here: whoever read it puts it in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OnnxError {
    message: String,
    /// Whether only running the model would tell what is missing here.
    known_when_run: bool,
}

impl OnnxError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), known_when_run: false }
    }

    /// The same, where only running the model would tell.
    pub(super) fn only_when_run(self) -> Self {
        Self { known_when_run: true, ..self }
    }

    pub(super) fn is_known_when_run(&self) -> bool {
        self.known_when_run
    }
}
