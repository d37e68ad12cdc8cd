//! Numbers to words and pictures: tables, Gantt charts, SVG, one HTML page. Prints nothing itself.

mod gantt;
pub mod inspect;
pub mod schedule;
mod table;
mod view;

pub use gantt::gantt;
pub use table::{Align, Table};
pub use view::{ScheduleView, Segment, readable_value};
