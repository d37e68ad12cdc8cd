//! Numbers to words and pictures: tables, Gantt charts, SVG, one HTML page. Prints nothing itself.

mod calibration;
mod gantt;
mod html;
pub mod reproduce;
mod run;
pub mod svg;

pub use calibration::calibration;
pub use run::predicted_and_simulated;
pub mod inspect;
pub mod schedule;
mod table;
mod view;

pub use gantt::gantt;
pub use html::page;
pub use table::{Align, Table};
pub use view::{ScheduleView, Segment, readable_value};
