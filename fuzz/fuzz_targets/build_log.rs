//! Feeds arbitrary text to the reader of TensorRT's build log and engine inspector, which may find nothing but never panic.
//! Run it with `cargo +nightly fuzz run build_log`.

#![no_main]

use haxconn::backend::tensorrt::build_log::{layers_of_inspector, layers_of_log, placement};
use haxconn::engine::{Device, EngineSpec, Variant};
use haxconn::network::caffe;
use libfuzzer_sys::fuzz_target;

const NETWORK: &str = "input: \"data\" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1
layer { name: \"a\" type: \"ReLU\" bottom: \"data\" top: \"a\" }
layer { name: \"b\" type: \"ReLU\" bottom: \"a\" top: \"b\" }
layer { name: \"a + b\" type: \"ReLU\" bottom: \"b\" top: \"c\" }";

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let network = caffe::parse(NETWORK, "net", "Net").expect("the network is right");
    let variant = Variant::Transition(Some(1));
    let spec = EngineSpec { network: "net".to_owned(), start: Device::Dla, variant, dla_core: 0 };
    let mut layers = layers_of_log([&*text]);
    layers.extend(layers_of_inspector(&text).unwrap_or_default());
    assert_eq!(placement(&network, &spec, "fuzz", &layers).layers.len(), network.layers.len());
});
