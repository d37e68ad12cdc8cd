//! Files on disk: the only serde structs, each with a `schema_version`; atomic writes; what ships inside the binary.

pub mod builtin;
mod contention;
mod field;
mod hash;
mod platform;
mod rules;

pub use hash::sha256;
pub use platform::read_platform;
