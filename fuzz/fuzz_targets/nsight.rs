//! Feeds arbitrary text to the reader of Nsight Compute's tables, which may refuse it but never panic; the number
//! of every kernel that it accepts stands in the text. Run it with `cargo +nightly fuzz run nsight`.

#![no_main]

use haxconn::backend::nsight::read;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    for kernel in read(&text).unwrap_or_default() {
        assert!(text.contains(&kernel.id.to_string()));
    }
});
