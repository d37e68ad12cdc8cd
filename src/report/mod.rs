//! Numbers to words and pictures: tables, Gantt charts, SVG, one HTML page. Prints nothing itself.

pub mod inspect;
mod table;
mod view;

pub use table::{Align, Table};
pub use view::{ScheduleView, Segment, readable_value};
