//! Which files are read as networks, and what comes out: syntax, phases, aliases, shapes and costs.

use std::path::Path;
use std::process::Command;

use haxconn::network::{
    Activation, Eltwise, EltwiseOperation, LayerKind, LocalResponseNormalization, Network, Shape, caffe, catalog,
};
use proptest::prelude::*;

const INPUT: &str = "input: 'data' input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n";

fn read(layers: &str) -> Network {
    caffe::parse(&format!("{INPUT}{layers}"), "net", "Net").unwrap_or_else(|error| panic!("{error}"))
}

fn layer(name: &str, kind: &str, bottom: &str, parameters: &str) -> String {
    format!("layer {{ name: '{name}' type: '{kind}' bottom: '{bottom}' top: '{name}' {parameters} }}\n")
}

/// Checks the output of one layer on a 3x8x8 input, its multiply-accumulates and its parameters.
#[track_caller]
fn check_layer(kind: &str, parameters: &str, shape: &str, macs: u64, weights: u64) {
    let network = read(&layer("l", kind, "data", parameters));
    let only = &network.layers[0];
    let output = network.tensor(only.tops[0]).shape.to_string();
    assert_eq!((output.as_str(), only.macs, only.weights), (shape, macs, weights), "{kind} {parameters}");
    assert_eq!(only.kind.caffe_name(), kind);
}

#[test]
fn convolutions_round_down_and_poolings_round_up() {
    check_layer(
        "Convolution",
        "convolution_param { num_output: 4 kernel_size: 3 stride: 2 }",
        "4x3x3",
        4 * 9 * 27,
        112,
    );
    check_layer("Pooling", "pooling_param { kernel_size: 3 stride: 2 }", "3x4x4", 0, 0);
    check_layer("Pooling", "pooling_param { pool: AVE kernel_size: 2 stride: 2 pad: 1 }", "3x5x5", 0, 0);
    check_layer("Pooling", "pooling_param { pool: AVE kernel_size: 3 stride: 3 pad: 1 }", "3x3x3", 0, 0);
    check_layer("Pooling", "pooling_param { kernel_size: 2 stride: 8 pad: 1 }", "3x2x2", 0, 0);
    check_layer("Pooling", "pooling_param { kernel_size: 2 stride: 9 pad: 1 }", "3x1x1", 0, 0);
    check_layer("Pooling", "pooling_param { pool: AVE global_pooling: true }", "3x1x1", 0, 0);
}

#[test]
fn convolutions_take_groups_dilation_and_two_sides() {
    let convolution = |parameters: &str, shape: &str, macs: u64, weights: u64| {
        check_layer("Convolution", &format!("convolution_param {{ {parameters} }}"), shape, macs, weights);
    };
    convolution("num_output: 6 kernel_size: 3 group: 3 bias_term: false", "6x6x6", 36 * 6 * 9, 54);
    convolution("num_output: 1 kernel_size: 3 dilation: 2", "1x4x4", 16 * 27, 28);
    convolution("num_output: 1 kernel_h: 1 kernel_w: 7 pad_h: 0 pad_w: 3", "1x8x8", 64 * 21, 22);
    convolution("num_output: 1 kernel_size: [1, 7] pad: 0 pad: 3", "1x8x8", 64 * 21, 22);
    convolution("num_output: 1 kernel_size: 1 stride_h: 2 stride_w: 4", "1x4x2", 8 * 3, 4);
    convolution("num_output: 1 kernel_size: 3 pad_w: 1", "1x6x8", 48 * 27, 28);
    let parameters = "convolution_param { num_output: 2 kernel_size: 4 stride: 2 pad: 1 }";
    check_layer("Deconvolution", parameters, "2x16x16", 192 * 32, 98);
}

#[test]
fn other_layers_have_caffe_shapes_and_parameters() {
    check_layer("InnerProduct", "inner_product_param { num_output: 10 }", "10x1x1", 1920, 1930);
    check_layer("BatchNorm", "batch_norm_param { eps: 1e-5 }", "3x8x8", 0, 6);
    check_layer("Scale", "scale_param { bias_term: true }", "3x8x8", 0, 6);
    check_layer("Scale", "", "3x8x8", 0, 3);
    check_layer("Power", "power_param { scale: -1.5f }", "3x8x8", 0, 0);
    check_layer("Permute", "permute_param { order: [0, 2, 3, 1] }", "8x8x3", 0, 0);
    check_layer("Reshape", "reshape_param { shape { dim: 0 dim: -1 dim: 4 } }", "48x4x1", 0, 0);
    check_layer("Reduction", "reduction_param { operation: MEAN axis: 2 }", "3x1x1", 0, 0);
    check_layer("LRN", "lrn_param { norm_region: WITHIN_CHANNEL }", "3x8x8", 0, 0);
    let pool = layer("p", "Pooling", "data", "pooling_param { kernel_size: 2 stride: 2 }");
    let crop = "layer { name: 'c' type: 'Crop' bottom: 'data' bottom: 'p' top: 'c' crop_param { offset: 2 } }";
    let network = read(&(pool + crop));
    assert_eq!(network.tensor(network.layers[1].tops[0]).shape, Shape { channels: 3, height: 4, width: 4 });
}

/// Checks what a layer on a 3x8x8 input computes.
#[track_caller]
fn check_kind(kind: &str, parameters: &str, expected: &LayerKind) {
    assert_eq!(&read(&layer("l", kind, "data", parameters)).layers[0].kind, expected, "{kind} {parameters}");
}

/// The kind of a layer that reads two blobs.
fn sum(parameters: &str) -> LayerKind {
    let sum = format!("layer {{ name: 's' type: 'Eltwise' bottom: 'data' bottom: 'r' top: 's' {parameters} }}");
    read(&(layer("r", "ReLU", "data", "") + &sum)).layers[1].kind.clone()
}

#[test]
fn numbers_that_a_file_leaves_out_are_caffes_defaults() {
    let relu = LayerKind::Relu { negative_slope: 0.0 };
    let lrn = LocalResponseNormalization { local_size: 5, across_channels: true, alpha: 1.0, beta: 0.75, k: 1.0 };
    let batch_norm = LayerKind::BatchNorm { epsilon: 1e-5 };
    let power = Activation::Power { power: 1.0, scale: 1.0, shift: 0.0 };
    for braces in ["", "{ }"] {
        let block = |name: &str| if braces.is_empty() { String::new() } else { format!("{name} {braces}") };
        check_kind("ReLU", &block("relu_param"), &relu);
        check_kind("LRN", &block("lrn_param"), &LayerKind::Lrn(lrn));
        check_kind("BatchNorm", &block("batch_norm_param"), &batch_norm);
        check_kind("ELU", &block("elu_param"), &LayerKind::Activation(Activation::Elu { alpha: 1.0 }));
        check_kind("Power", &block("power_param"), &LayerKind::Activation(power));
        check_kind("Sigmoid", &block("sigmoid_param"), &LayerKind::Activation(Activation::Sigmoid));
        check_kind("TanH", &block("tanh_param"), &LayerKind::Activation(Activation::TanH));
        let plain = Eltwise { operation: EltwiseOperation::Sum, coefficients: Vec::new() };
        assert_eq!(sum(&block("eltwise_param")), LayerKind::Eltwise(plain));
    }
    check_kind("AbsVal", "", &LayerKind::Activation(Activation::AbsoluteValue));
    check_kind("BNLL", "", &LayerKind::Activation(Activation::Bnll));
}

#[test]
fn numbers_of_a_layer_are_kept() {
    let activation = LayerKind::Activation;
    check_kind("ReLU", "relu_param { negative_slope: .1 }", &LayerKind::Relu { negative_slope: 0.1 });
    let lrn = LocalResponseNormalization { local_size: 3, across_channels: false, alpha: 1e-4, beta: 0.5, k: 2.0 };
    let parameters = "lrn_param { local_size: 3 alpha: 0.0001 beta: 5e-1 k: 2 norm_region: WITHIN_CHANNEL }";
    check_kind("LRN", parameters, &LayerKind::Lrn(lrn));
    check_kind("BatchNorm", "batch_norm_param { eps: 0.001f }", &LayerKind::BatchNorm { epsilon: 0.001 });
    check_kind("BatchNorm", "batch_norm_param { eps: 0 }", &LayerKind::BatchNorm { epsilon: 0.0 });
    check_kind("Clip", "clip_param { min: -1 max: 6. }", &activation(Activation::Clip { min: -1.0, max: 6.0 }));
    check_kind("ELU", "elu_param { alpha: -2.5E+1F }", &activation(Activation::Elu { alpha: -25.0 }));
    let power = Activation::Power { power: 2.0, scale: -0.5, shift: 3.4e38 };
    check_kind("Power", "power_param { power: 2 scale: -0.5 shift: 3.4e38 }", &activation(power));
    let weighted = Eltwise { operation: EltwiseOperation::Sum, coefficients: vec![1.0, -0.17] };
    assert_eq!(sum("eltwise_param { coeff: [1, -0.17] }"), LayerKind::Eltwise(weighted));
}

#[test]
fn a_leaky_relu_is_told_from_a_plain_one() {
    let leaky = |parameters| read(&layer("r", "ReLU", "data", parameters)).layers[0].kind.is_leaky();
    assert!(leaky("relu_param { negative_slope: 0.1 }") && leaky("relu_param { negative_slope: -1 }"));
    assert!(!leaky("relu_param { negative_slope: 0 }") && !leaky(""));
    assert!(!read(&layer("t", "TanH", "data", "")).layers[0].kind.is_leaky());
}

#[test]
fn networks_that_differ_in_one_number_have_different_hashes() {
    let hash = |kind: &str, parameters: &str| read(&layer("l", kind, "data", parameters)).content_hash;
    let differ = |kind: &str, block: &str, variants: &[&str]| {
        let mut hashes: Vec<_> = variants.iter().map(|fields| hash(kind, &format!("{block} {{ {fields} }}"))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), variants.len(), "{kind}");
    };
    differ("ReLU", "relu_param", &["", "negative_slope: 0.1", "negative_slope: 0.2", "negative_slope: -0.1"]);
    differ("LRN", "lrn_param", &["", "alpha: 1e-4", "beta: 0.5", "k: 2", "alpha: 2", "beta: 2"]);
    differ("BatchNorm", "batch_norm_param", &["", "eps: 0.001", "eps: 0"]);
    differ("Clip", "clip_param", &["min: 0 max: 6", "min: 0 max: 1", "min: -1 max: 6", "min: 6 max: 0"]);
    differ("ELU", "elu_param", &["", "alpha: 0.5"]);
    differ("Power", "power_param", &["", "power: 2", "scale: 2", "shift: 2", "scale: 3"]);
    let sum_hash = |fields: &str| {
        let sum = "layer { name: 's' type: 'Eltwise' bottom: 'data' bottom: 'r' top: 's' eltwise_param {";
        read(&format!("{}{sum} {fields} }} }}", layer("r", "ReLU", "data", ""))).content_hash
    };
    assert_ne!(sum_hash("coeff: [1, 0.17]"), sum_hash("coeff: [1, 0.1]"));
    assert_ne!(sum_hash("coeff: [1, 0.17]"), sum_hash("coeff: [0.17, 1]"));
    assert_ne!(sum_hash("coeff: [1, 0.17]"), sum_hash(""));
}

#[test]
fn the_spelling_of_a_number_does_not_change_the_hash() {
    let hash = |parameters: &str| read(&layer("l", "ReLU", "data", parameters)).content_hash;
    for spelling in ["0.5", ".5", "0.50f", "5e-1", "50.E-2F"] {
        let written = hash(&format!("relu_param {{ negative_slope: {spelling} }}"));
        assert_eq!(written, hash("relu_param { negative_slope: 0.5 }"), "{spelling}");
    }
    for spelling in ["0", "-0", "0.0", "-0.0f", "-1e-400"] {
        assert_eq!(hash(&format!("relu_param {{ negative_slope: {spelling} }}")), hash(""), "{spelling}");
    }
    let lrn = |parameters: &str| read(&layer("l", "LRN", "data", parameters)).content_hash;
    assert_eq!(lrn(""), lrn("lrn_param { local_size: 5 alpha: 1 beta: 0.75 k: 1.0 }"));
}

#[test]
fn every_spelling_of_the_text_format_gives_the_same_network() {
    let plain = "layer { name: \"c\" type: \"Convolution\" bottom: \"data\" top: \"c\" \
                 convolution_param { num_output: 16 kernel_size: 3 bias_term: false } }";
    let expected = read(plain).content_hash;
    let spellings = [
        "layer: { name: 'c'; type: 'Convolution', bottom: ['data'] top: 'c' # comment\n\
         convolution_param: < num_output: 0x10, kernel_size: [3]; bias_term: false > };",
        "layer [{ top: '\\x63' name: \"\\143\" type: 'Convo' \"lution\"\n'' bottom: 'd\\u0061ta' \
         convolution_param { kernel_h: 3 kernel_w: 3 num_output: 020 bias_term: 0 weight_filler { type: 'xavier' std: -.1e-2f } } }]",
        "layers { name: 'c' type: CONVOLUTION bottom: 'data' top: 'c' blobs_lr: 1 \
         convolution_param { num_output: 16 kernel_size: 3 bias_term: f engine: CAFFE } }",
    ];
    for spelling in spellings {
        assert_eq!(read(spelling).content_hash, expected, "{spelling}");
    }
    assert_ne!(read(&plain.replace("false", "true")).content_hash, expected);
    assert_ne!(read(&plain.replace("\"c\"", "\"d\"")).content_hash, expected);
}

#[test]
fn inputs_may_be_declared_in_three_ways() {
    let relu = layer("r", "ReLU", "data", "");
    let dims = "dim: 1 dim: 3 dim: 8 dim: 8";
    let expected = read(&relu).content_hash;
    for inputs in [
        format!("input: 'data' input_shape {{ {dims} }}"),
        format!("layer {{ name: 'data' type: 'Input' top: 'data' input_param {{ shape {{ {dims} }} }} }}"),
    ] {
        let network = caffe::parse(&(inputs + &relu), "net", "Net").unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(network.content_hash, expected);
    }
}

#[test]
fn inference_runs_what_the_test_phase_includes() {
    let skipped = ["include { phase: TRAIN }", "exclude { phase: TEST }", "include { stage: 'x' }", "phase: TRAIN"];
    let kept = ["include { phase: TEST }", "exclude { phase: TRAIN }", "include { not_stage: 'x' }", "phase: TEST"];
    let n_layers = |rule| read(&(layer("a", "ReLU", "data", "") + &layer("b", "ReLU", "a", rule))).layers.len();
    assert_eq!(skipped.map(n_layers), [1; 4]);
    assert_eq!(kept.map(n_layers), [2; 4]);
    assert_eq!(n_layers("include { phase: TRAIN } include { phase: TEST }"), 2);
}

#[test]
fn aliases_have_no_index_and_in_place_layers_make_new_tensors() {
    let network = read(
        &(layer("c", "Convolution", "data", "convolution_param { num_output: 4 kernel_size: 3 }")
            + "layer { name: 'r' type: 'ReLU' bottom: 'c' top: 'c' }"
            + "layer { name: 'd' type: 'Dropout' bottom: 'c' top: 'c' }"
            + &layer("f", "Flatten", "c", "")
            + "layer { name: 's' type: 'Split' bottom: 'f' top: 's1' top: 's2' }"
            + &layer("p", "InnerProduct", "s2", "inner_product_param { num_output: 2 }")),
    );
    let names: Vec<_> = network.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["c", "r", "p"]);
    let tensors: Vec<_> = network.tensors.iter().map(|tensor| (tensor.name.as_str(), tensor.producer)).collect();
    assert_eq!(tensors, [("data", None), ("c", Some(0)), ("c", Some(1)), ("p", Some(2))]);
    assert_eq!(network.layers[2].bottoms, network.layers[1].tops);
}

#[test]
fn names_and_aliases_are_found_in_any_case_and_others_get_the_nearest() {
    let found = |name| catalog::find(name).map(|entry| (entry.name, entry.title)).map_err(|error| error.to_string());
    assert_eq!(found("resnet"), Ok(("resnet101", "ResNet101")));
    assert_eq!(found("GoogleNet"), Ok(("googlenet", "GoogleNet")));
    assert_eq!(found("inception"), Ok(("inception_v4", "Inception-v4")));
    assert_eq!(found("inc-res-v2"), Ok(("inc-res-v2", "Inception-ResNet-v2")));
    assert_eq!(found("googlnet"), Err("no network is called `googlnet`; nearest: `googlenet`".to_owned()));
    assert!(found("zzz").is_err_and(|message| message.contains("`alexnet`") && message.contains("`inc-res-v2`")));
}

#[test]
fn the_characterisation_files_hold_the_kernel_that_their_name_says() {
    for (size, side) in [(1, 224 * 112), (2, 112 * 112), (3, 112 * 56), (4, 56 * 56), (5, 56 * 28)] {
        for kernel in 1..=5 {
            let path = format!("convolution_characterization_prototxts/conv{size}_kernel{kernel}.prototxt");
            let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path)).unwrap();
            let network = caffe::parse(&text, "conv", "conv").unwrap_or_else(|error| panic!("{path}:{error}"));
            let LayerKind::Convolution(convolution) = network.layers[0].kind else { panic!("{path}") };
            assert_eq!(convolution.window.kernel, [kernel, kernel], "{path}");
            let input = network.tensors[0].shape;
            assert_eq!((input.channels, input.height * input.width, network.layers.len()), (64, side, 2), "{path}");
        }
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn the_generator_writes_the_committed_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = tempfile::tempdir().unwrap();
    let script = root.join("scripts/generate_networks.py");
    let Ok(run) = Command::new("python3").arg(script).arg(out.path()).output() else {
        println!("skipped: python3 is not there");
        return;
    };
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    for folder in ["prototxt_input_files", "convolution_characterization_prototxts"] {
        let files = |base: &Path| {
            let mut files: Vec<_> = std::fs::read_dir(base.join(folder)).unwrap().map(|file| file.unwrap()).collect();
            files.sort_by_key(std::fs::DirEntry::file_name);
            files.into_iter().map(|file| (file.file_name(), std::fs::read(file.path()).unwrap())).collect::<Vec<_>>()
        };
        assert!(files(root) == files(out.path()), "{folder} differs from what scripts/generate_networks.py writes");
    }
}

/// What replaces a stretch of a real file.
const SHARDS: [&str; 14] =
    ["", "{", "}", "[", "0", "-1", "'", "\"", "\\", "layer {", "stride: 0", "dim: 4294967295", "#", "\u{0}é"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutation_of_a_real_file_makes_the_parser_panic(
        network in 0..3_usize,
        cuts in prop::collection::vec((0.0..1.0_f64, 0..40_usize, 0..SHARDS.len()), 1..6),
    ) {
        let entry = [&catalog::ENTRIES[0], &catalog::ENTRIES[3], &catalog::ENTRIES[4]][network];
        let mut bytes = entry.text.as_bytes().to_vec();
        for (place, length, shard) in cuts {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let at = (place * bytes.len() as f64) as usize;
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, SHARDS[shard].bytes());
        }
        if let Ok(text) = haxconn::network::text_of(&bytes) {
            let _ = caffe::parse(text, "net", "Net");
        }
    }

    #[test]
    fn no_number_makes_the_arithmetic_overflow(numbers in prop::collection::vec(0..=u64::from(u32::MAX), 8)) {
        let [a, b, c, d, e, f, g, h] = numbers[..] else { unreachable!() };
        for kind in ["Convolution", "Deconvolution"] {
            let window = format!("num_output: {a} kernel_h: {b} kernel_w: {c} stride: {d} pad: {e} dilation: {f}");
            let text = format!("input: 'x' input_dim: [1, 1, {g}, {h}] \
                layer {{ name: 'c' type: '{kind}' bottom: 'x' top: 'c' convolution_param {{ {window} }} }}");
            let _ = caffe::parse(&text, "net", "Net");
        }
        let small = [a % 9, b % 9, c % 9, d % 9, e % 9].map(|number| number.to_string());
        let text = format!("input: 'x' input_dim: [1, {}, {}, {}] layer {{ name: 'p' type: 'Pooling' bottom: 'x' \
            top: 'p' pooling_param {{ kernel_size: {} stride: {} pad: {} }} }}",
            small[0], small[1], small[2], small[3], small[4], f % 4);
        let _ = caffe::parse(&text, "net", "Net");
    }
}
