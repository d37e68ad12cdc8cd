//! Feeds arbitrary bytes to the network parser, which may refuse them but never panic. Run it with
//! `cargo +nightly fuzz run prototxt`; copies of small networks in `fuzz/corpus/prototxt/` are good first inputs.

#![no_main]

use haxconn::network::{caffe, text_of};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = text_of(bytes)
        && let Ok(network) = caffe::parse(text, "net", "Net")
    {
        assert!(network.layers.iter().all(|layer| layer.tops.iter().all(|top| top.0 < network.tensors.len())));
        assert!(network.macs() >= network.layers[0].macs);
    }
});
