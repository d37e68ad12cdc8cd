//! What `trtexec` and TensorRT's profiler write, in the forms of TensorRT 7.1 to 11: the console's log, `--exportProfile`,
//! `--exportTimes` and `--exportLayerInfo`. Text in, values out, and back: what our own backends measure is written in the
//! same forms. Also how the program is called. Knows nothing of networks; what the names mean is told by `backend::fused_names`.

mod command;
mod error;
mod generation;
mod layer_information;
mod log;
mod profile;
mod scanner;
mod table;
mod times;
mod write;

pub use command::{arguments, version_of};
pub use error::ReadError;
pub use generation::{Generation, Version};
pub use layer_information::{EngineLayerInfo, LayerInformation};
pub use log::{Average, Distribution, Log, LoggedDevice};
pub use profile::{Profile, ProfileEntry};
pub use times::{Run, Times};
pub use write::{SIMULATOR, write_log, write_profile};

/// A file of TensorRT's, whichever it is.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// The console's log.
    Log(Box<Log>),
    /// `--exportProfile`.
    Profile(Profile),
    /// `--exportTimes`.
    Times(Times),
    /// `--exportLayerInfo`.
    LayerInformation(LayerInformation),
}

/// Reads any of them, told apart by what they hold.
///
/// A text that is none of them, or breaks off, is refused with the line and what was expected there.
pub fn read(text: &str) -> Result<Document, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.trim_start().chars().next() {
        None => Err(ReadError::at(1, "a log, profile, times or layer information of trtexec", "an empty file")),
        Some('{') => layer_information::read(text).map(Document::LayerInformation),
        // A log begins with a time in brackets, too.
        Some('[') if scanner::begins_with_object(text) => {
            if scanner::first_key(text).is_some_and(|key| key.starts_with("start")) {
                times::read(text).map(Document::Times)
            } else {
                profile::read(text).map(Document::Profile)
            }
        }
        Some(_) => log::read(text).map(Box::new).map(Document::Log),
    }
}

#[cfg(test)]
mod tests;
