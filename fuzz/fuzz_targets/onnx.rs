//! Feeds arbitrary bytes to the reader of ONNX models, which may refuse them but never panic; what it reads can be cut at
//! every layer. Run it with `cargo +nightly fuzz run onnx`; small models in `fuzz/corpus/onnx/` are good first inputs.

#![no_main]

use haxconn::network::onnx;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(imported) = onnx::parse(bytes.to_vec(), "net", "Net") {
        let network = &imported.network;
        assert!(network.layers.iter().all(|layer| layer.tops.iter().all(|top| top.0 < network.tensors.len())));
        assert_eq!(imported.model.layer_nodes.len(), network.layers.len());
        for layer in 0..network.layers.len().min(20) {
            assert!(onnx::cut(&imported.model, layer..layer + 1).is_ok());
        }
    }
});
