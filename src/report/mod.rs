//! Numbers to words and pictures: tables, Gantt charts, SVG, one HTML page. Prints nothing itself.

pub mod inspect;
