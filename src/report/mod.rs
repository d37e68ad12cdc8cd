//! Numbers to words and pictures: tables, Gantt charts, SVG, one HTML page. Prints nothing itself.

mod calibration;
mod gantt;
pub mod inspect;
mod run;
pub mod schedule;
mod table;
mod view;

pub use calibration::calibration;
pub use gantt::gantt;
pub use run::predicted_and_simulated;
pub use table::{Align, Table};
pub use view::{ScheduleView, Segment, readable_value};
