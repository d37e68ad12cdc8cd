//! Numbers to words and pictures: tables, Gantt charts, SVG, one HTML page. Prints nothing itself.

mod calibration;
mod contention;
pub mod doctor;
mod dynamic;
mod emc;
mod gantt;
mod heat_map;
mod html;
pub mod inspect;
pub mod plan;
pub mod profile;
pub mod read;
mod reproduce;
pub mod robust;
pub mod run;
pub mod schedule;
pub mod segments;
pub mod svg;
mod table;
#[cfg(test)]
mod tests;
mod view;

pub use calibration::calibration;
pub use contention::{GridOrigin, contention};
pub use dynamic::dynamic;
pub use emc::{emc, emc_heat_maps};
pub use gantt::gantt;
pub use heat_map::{HeatMap, heat_maps};
pub use html::{page, run_page};
pub use reproduce::{PUBLISHED, PublishedPair, Reproduced, reproduction};
pub use svg::gantt as svg;
pub use table::{Align, Table};
pub use view::{ScheduleView, Segment, objective_words, readable_value};
