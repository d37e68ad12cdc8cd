//! Feeds arbitrary text to the reader of `tegrastats` logs, which may refuse it but never panic; what it accepts, it reads
//! again from what it writes. Run it with `cargo +nightly fuzz run tegrastats`.

#![no_main]

use haxconn::backend::tegrastats::{read, write_line};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for sample in read(&String::from_utf8_lossy(bytes)).unwrap_or_default() {
        let again = read(&write_line(&sample)).expect("a line of our own is read");
        assert_eq!(again[0].emc, sample.emc);
        assert_eq!(again[0].wall_clock, sample.wall_clock);
    }
});
