//! Feeds arbitrary text to the readers of what `trtexec` writes, which may refuse it but never panic; what a profile reads as
//! is booked to the last bit. Run it with `cargo +nightly fuzz run trtexec`.

#![no_main]

use haxconn::backend::trtexec::{Document, read};
use haxconn::engine::EngineSpec;
use haxconn::network::caffe;
use haxconn::profile::book;
use libfuzzer_sys::fuzz_target;

const NETWORK: &str = "input: \"data\" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1
layer { name: \"a\" type: \"ReLU\" bottom: \"data\" top: \"a\" }
layer { name: \"b\" type: \"ReLU\" bottom: \"a\" top: \"b\" }";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let profile = match read(&text) {
        Ok(Document::Profile(profile)) => profile,
        Ok(Document::Log(log)) => match log.profile {
            Some(profile) => profile,
            None => return,
        },
        _ => return,
    };
    let network = caffe::parse(NETWORK, "net", "Net").expect("the network is right");
    for stem in ["net_gpu_transition_at_1", "net_dla_transition_at_-1"] {
        let spec = EngineSpec::from_stem(stem).expect("a name of a plan");
        if let Ok(booking) = book(&network, &spec, &profile, &[0, 1], 1.0) {
            let parts = booking.gpu.iter().chain(&booking.fallback).map(|entry| entry.time.0).sum::<f64>()
                + booking.dla.0
                + booking.into_dla.0
                + booking.unattributed().0;
            assert!((parts - booking.total.0).abs() <= 1e-6 * booking.total.0.abs().max(parts.abs()).max(1e-300));
        }
    }
});
