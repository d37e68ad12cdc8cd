//! From a grid of throughputs reached beside other traffic to the contention curve of an accelerator: parameters of the
//! processor-centric model, or a table. Knows nothing of where a grid was measured or simulated.

mod construct;
mod error;
mod fit;
mod refine;
mod table;
#[cfg(test)]
mod tests;

pub use error::{FitError, Regions};
pub use fit::{ContentionModel, FittedContention};
pub use refine::fit_pccs;
pub use table::fit_table;
