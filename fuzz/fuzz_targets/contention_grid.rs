//! Feeds arbitrary text to the reader of contention grids, which may refuse it but never panics; what it takes gives curves
//! that are ones. Run it with `cargo +nightly fuzz run contention_grid`.

#![no_main]

use haxconn::artifact::{read_contention_grid, write_contention_grid};
use haxconn::profile::{fit_pccs, fit_table};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(grid) = read_contention_grid(&text, "fuzz") {
        assert_eq!(fit_pccs(&grid).validate(), Ok(()));
        assert_eq!(fit_table(&grid).validate(), Ok(()));
        assert_eq!(read_contention_grid(&write_contention_grid(&grid, "again"), "again").ok(), Some(grid));
    }
});
