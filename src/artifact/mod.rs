//! Files on disk: the only serde structs, each with a `schema_version`; atomic writes; what ships inside the binary.

pub mod inspect;
