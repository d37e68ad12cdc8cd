//! Files on disk: the only serde structs, each with a `schema_version`; atomic writes; what ships inside the binary.

pub mod builtin;
mod contention;
mod field;
mod file;
mod hash;
mod json;
mod origin;
mod platform;
mod profile;
mod rules;
pub mod schedule;

pub use file::{read_bytes, read_text, write_text};
pub use hash::sha256;
pub use json::to_json;
pub use origin::{Found, Origin};
pub use platform::read_platform;
pub use profile::{read_profile, write_profile};
pub use schedule::{ScheduleContext, ScheduleFile, read_schedule};

#[cfg(test)]
mod tests;
