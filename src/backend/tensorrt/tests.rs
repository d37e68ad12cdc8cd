//! The part of TensorRT that runs without a GPU, where its library is at hand; elsewhere the tests say that they skip.

use super::*;
use crate::engine::Variant;
use crate::network::{caffe, catalog, onnx};

/// TensorRT on this machine; `None`, said in words, where there is none.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn tensorrt() -> Option<Tensorrt> {
    match Tensorrt::open(&library_candidates()) {
        Ok(tensorrt) => Some(tensorrt),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

fn network(name: &str) -> Network {
    let entry = catalog::find(name).unwrap();
    caffe::parse(entry.text, entry.name, entry.title).unwrap()
}

fn spec(network: &Network, start: Device, variant: Variant) -> EngineSpec {
    EngineSpec { network: network.name.clone(), start, variant, dla_core: 0 }
}

const OPTIONS: BuildOptions =
    BuildOptions { precision: Precision::Fp16, seed: 1, gpu_fallback: true, workspace: 1 << 30 };

#[test]
fn every_network_has_our_shapes_in_tensorrt() {
    let Some(tensorrt) = tensorrt() else { return };
    for entry in &catalog::ENTRIES {
        let network = network(entry.name);
        let (checked, messages) = ffi::listening(|| {
            let builder = Builder::new(&tensorrt.library).unwrap();
            let plain = spec(&network, Device::Gpu, Variant::Transition(None));
            let Ok((assembled, _)) = prepare(&builder, &network, &plain, &OPTIONS) else { return None };
            for (tensor, raw) in network.tensors.iter().zip(&assembled.tensors) {
                let shape = tensor.shape;
                let ours = [shape.channels, shape.height, shape.width].map(|side| i64::try_from(side).unwrap());
                assert_eq!(assembled.network.dims(raw.unwrap()), Some(ours), "{}: {}", entry.name, tensor.name);
            }
            for (idx, &layer) in assembled.layer_of.iter().enumerate() {
                let name = assembled.network.layer_name(idx);
                assert!(name.starts_with(&network.layers[layer].name), "{}: `{name}`", entry.name);
            }
            Some(())
        });
        assert!(checked.is_some(), "{}: {messages:#?}", entry.name);
    }
}

/// A small network as an ONNX model, changed by `change` and read again.
fn imported(change: impl FnOnce(&mut [onnx::proto::NodeProto])) -> Network {
    let text = "input: 'data' input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8
        layer { name: 'c' type: 'Convolution' bottom: 'data' top: 'c' convolution_param { num_output: 4 kernel_size: 3 } }
        layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'r' }
        layer { name: 'p' type: 'Pooling' bottom: 'r' top: 'p' pooling_param { pool: AVE kernel_size: 3 pad: 1 } }";
    let network = caffe::parse(text, "net", "Net").unwrap();
    let mut model = onnx::export(&network, 1).unwrap().proto;
    change(&mut model.graph.as_mut().unwrap().node);
    onnx::parse(onnx::encode(&model).unwrap(), "net", "Net").unwrap().network
}

#[test]
fn windows_that_only_onnx_has_have_our_shapes_in_tensorrt() {
    let Some(tensorrt) = tensorrt() else { return };
    let network = imported(|nodes| {
        for attribute in &mut nodes[0].attribute {
            if attribute.name == "pads" {
                attribute.ints = vec![0, 0, 1, 2];
            }
        }
        nodes[2].attribute.retain(|attribute| attribute.name != "count_include_pad");
    });
    let shapes: Vec<String> = network.tensors.iter().map(|tensor| tensor.shape.to_string()).collect();
    assert_eq!(shapes, ["3x8x8", "4x7x8", "4x7x8", "4x7x8"]);
    let (checked, messages) = ffi::listening(|| {
        let builder = Builder::new(&tensorrt.library).unwrap();
        let plain = spec(&network, Device::Gpu, Variant::Transition(None));
        let Ok((assembled, _)) = prepare(&builder, &network, &plain, &OPTIONS) else { return None };
        for (tensor, raw) in network.tensors.iter().zip(&assembled.tensors) {
            let shape = tensor.shape;
            let ours = [shape.channels, shape.height, shape.width].map(|side| i64::try_from(side).unwrap());
            assert_eq!(assembled.network.dims(raw.unwrap()), Some(ours), "{}", tensor.name);
        }
        Some(())
    });
    assert!(checked.is_some(), "{messages:#?}");
}

#[test]
fn an_operator_that_only_onnx_has_is_refused_by_its_layers_name() {
    let Some(tensorrt) = tensorrt() else { return };
    let network = imported(|nodes| nodes[1].op_type = "HardSwish".into());
    let (said, _) = ffi::listening(|| {
        let builder = Builder::new(&tensorrt.library).unwrap();
        let plain = spec(&network, Device::Gpu, Variant::Transition(None));
        match prepare(&builder, &network, &plain, &OPTIONS) {
            Err(Failed::Layer(error)) => Some(error.to_string()),
            _ => None,
        }
    });
    let said = said.unwrap();
    assert!(said.contains("layer `r`: `HardSwish` can't be built for TensorRT here"), "{said}");
}

/// What `prepare` asked TensorRT for, read back: for each of its layers ours, and the device.
fn devices_asked_for(tensorrt: &Tensorrt, network: &Network, spec: &EngineSpec) -> Vec<(usize, Device)> {
    let (devices, messages) = ffi::listening(|| {
        let builder = Builder::new(&tensorrt.library).ok()?;
        let (assembled, config) = prepare(&builder, network, spec, &OPTIONS).ok()?;
        let device = |(idx, &layer): (usize, &usize)| match config.layer_device(&assembled.network, idx) {
            DeviceType::Gpu => (layer, Device::Gpu),
            DeviceType::Dla => (layer, Device::Dla),
        };
        Some(assembled.layer_of.iter().enumerate().map(device).collect())
    });
    devices.unwrap_or_else(|| panic!("{}: {}", network.name, ffi::first_error(&messages)))
}

#[test]
fn every_layer_of_a_transition_network_is_asked_for_on_its_device() {
    let Some(tensorrt) = tensorrt() else { return };
    for entry in &catalog::ENTRIES {
        let network = network(entry.name);
        let cuts = crate::group::legal_cuts(&network);
        let middle = cuts[cuts.len() / 2].layer;
        for start in [Device::Gpu, Device::Dla] {
            let asked =
                devices_asked_for(&tensorrt, &network, &spec(&network, start, Variant::Transition(Some(middle))));
            let mut layers: Vec<usize> = asked.iter().map(|(layer, _)| *layer).collect();
            layers.dedup();
            assert_eq!(layers, (0..network.layers.len()).collect::<Vec<_>>(), "{}", entry.name);
            for (layer, device) in asked {
                let expected = if layer < middle { start } else { start.other() };
                assert_eq!(device, expected, "{}: layer {layer} of a transition at {middle}", entry.name);
            }
        }
    }
}

#[test]
fn engines_of_some_layers_are_built_and_have_their_tensors_outside() {
    let Some(tensorrt) = tensorrt() else { return };
    let network = network("alexnet");
    let cuts: Vec<usize> = crate::group::legal_cuts(&network).iter().map(|cut| cut.layer).collect();
    let middle = cuts[cuts.len() / 2];
    for (first, last) in [(0, middle), (middle, network.layers.len())] {
        let segment = spec(&network, Device::Gpu, Variant::Segment(crate::group::LayerRange { first, last }));
        let asked = devices_asked_for(&tensorrt, &network, &segment);
        let mut layers: Vec<usize> = asked.iter().map(|(layer, _)| *layer).collect();
        layers.dedup();
        assert_eq!(layers, (first..last).collect::<Vec<_>>());
        let built = tensorrt.build(&network, &segment, &OPTIONS, &[]).unwrap();
        assert!(!built.plan.is_empty());
        let placed = |layer: usize| built.placement.layers[layer].placed.is_some();
        assert!((0..network.layers.len()).all(|layer| placed(layer) == (first..last).contains(&layer)));
    }
}

#[test]
fn the_dla_core_that_is_asked_for_is_set() {
    let Some(tensorrt) = tensorrt() else { return };
    let network = network("alexnet");
    let wanted = EngineSpec { dla_core: 1, ..spec(&network, Device::Dla, Variant::Mark(Some(7))) };
    let (core, _) = ffi::listening(|| {
        let builder = Builder::new(&tensorrt.library).ok()?;
        prepare(&builder, &network, &wanted, &OPTIONS).ok().map(|(_, config)| config.dla_core())
    });
    // Where there is no such core TensorRT keeps none; it must not make up another one.
    let expected = if tensorrt.n_dla_cores() > 1 { 1 } else { -1 };
    assert_eq!(core, Some(expected));
}

#[test]
fn int8_is_refused_in_words_where_the_version_has_none() {
    let Some(tensorrt) = tensorrt() else { return };
    if ffi::headers().int8 {
        return assert!(tensorrt.check_precision(Precision::Int8).is_ok());
    }
    let message = tensorrt.check_precision(Precision::Int8).unwrap_err().to_string();
    assert_eq!(message, format!("{} has no int8", tensorrt.version()));
}

#[test]
fn a_file_that_is_no_library_or_no_tensorrt_is_refused_with_its_name() {
    let refuses = |path: &Path, words: &str| {
        let message = Tensorrt::open(&[path.to_owned()]).unwrap_err().to_string();
        assert!(message.starts_with(&*path.to_string_lossy()) && message.contains(words), "{message}");
    };
    refuses(Path::new("/nonexistent/libnvinfer.so.8"), "can't be opened as a library (no such file)");
    refuses(Path::new("libm.so.6"), "is not TensorRT (it has no `getInferLibVersion`)");
    refuses(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")), "can't be opened as a library (");
}

#[test]
fn plans_that_are_cut_off_or_no_plans_are_not_loaded() {
    let Some(tensorrt) = tensorrt() else { return };
    for plan in [&b""[..], b"not a plan at all", &[0; 4096]] {
        let (loaded, messages) = ffi::listening(|| ffi::Engine::load(&tensorrt.library, None, plan).is_ok());
        assert!(!loaded, "{messages:?}");
    }
}

#[test]
fn a_lane_without_a_driver_is_told_so_before_a_plan_is_loaded() {
    let Some(tensorrt) = tensorrt() else { return };
    // Where there is a GPU the lane is set up, and its plan is what is refused.
    let plan = std::sync::Arc::new(b"not a plan".to_vec());
    let engine = LaneEngine {
        what: "layers 0-9 of `net` (net.plan)".to_owned(),
        plan,
        dla_core: None,
        tensors: super::super::SegmentTensors::default(),
        buffers: crate::backend::cuda::Buffers::default(),
    };
    let refusal = tensorrt.lane(vec![engine]).err().unwrap().to_string();
    let words = if crate::backend::cuda::PrimaryContext::open().is_err() {
        "the lane's CUDA context: "
    } else {
        "layers 0-9 of `net` (net.plan): TensorRT refuses to load the plan: "
    };
    assert!(refusal.starts_with(words), "{refusal}");
}
