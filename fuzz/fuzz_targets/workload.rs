//! Feeds arbitrary text to the reader of workload files, which may refuse it but never panics; what it takes has tasks whose
//! counts are counts. Run it with `cargo +nightly fuzz run workload`.

#![no_main]

use haxconn::artifact::read_workload;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(workload) = read_workload(&text, "fuzz") {
        assert!(!workload.tasks.is_empty());
        assert!(workload.tasks.iter().all(|task| task.n_instances > 0 && task.n_frames > 0 && task.n_in_flight > 0));
    }
});
