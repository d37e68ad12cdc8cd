//! Contention curves: how fast an accelerator works while the others use the memory.
//!
//! A curve is a pure function of two demands. Which groups run together, and for how long, it knows nothing about.

mod curve;
mod grid;
mod pccs;
mod table;

pub use curve::{ContentionCurve, CurveError};
pub use grid::{ContentionGrid, GridError};
pub use pccs::Pccs;
pub use table::SlowdownTable;
