//! Feeds arbitrary text to the reader of run logs, which may refuse it but never panic; what it takes can be shown in every
//! way and read again. Run it with `cargo +nightly fuzz run run_log`; logs of `run-multi --iterations 2` are good first inputs.

#![no_main]

use haxconn::artifact::{comparison_to_json, read_run_log, trace_to_json, write_run_log};
use haxconn::report;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(log) = read_run_log(&String::from_utf8_lossy(bytes), "fuzz") {
        assert!(!report::run::text(&log, true).is_empty());
        assert!(!report::svg::compared(&log).is_empty() && !report::run_page(&log).is_empty());
        assert!(comparison_to_json(&log).is_ok() && trace_to_json(&log).is_ok());
        let written = write_run_log(&log).expect("a log that was read can be written");
        assert_eq!(read_run_log(&written, "again").ok(), Some(log));
    }
});
