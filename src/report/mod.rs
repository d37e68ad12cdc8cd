//! Numbers to words and pictures: tables, Gantt charts, SVG, one HTML page. Prints nothing itself.

mod calibration;
mod run;

pub use calibration::calibration;
pub use run::predicted_and_simulated;
pub mod inspect;
