//! Everything that a network file can have wrong: each is refused in a sentence with the place in the file.

use haxconn::network::{caffe, text_of};

/// Checks what is said about a file.
#[track_caller]
fn check(text: &str, expected: &str) {
    let error = caffe::parse(text, "net", "Net").expect_err("the file should be refused");
    assert_eq!(error.to_string(), expected);
}

/// The same for a file that begins with an input `data` of 3x8x8 on its first line.
#[track_caller]
fn check_layers(layers: &str, expected: &str) {
    check(&format!("{INPUT}{layers}"), expected);
}

const INPUT: &str = "input: \"data\" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n";

fn layer(name: &str, kind: &str, bottom: &str, parameters: &str) -> String {
    format!("layer {{ name: '{name}' type: '{kind}' bottom: '{bottom}' top: '{name}'\n  {parameters} }}\n")
}

#[test]
fn refuses_a_file_that_is_no_network() {
    check("", "1:1: the file is empty: it holds no layers");
    check("# nothing\n\n", "1:1: the file is empty: it holds no layers");
    check("name: 'x'", "1:1: the file holds no layers that run in inference");
    check("hello world", "1:7: expected `:` or `{`, found `world`");
    check("%PDF-1.4", "1:1: unexpected character `%`");
    let not_text = "not a text file: a network is expected as prototxt, not as binary caffemodel";
    check("name: 'a'\nb\0c", &format!("2:2: {not_text}"));
    assert_eq!(text_of(b"name: 'x'\n\xff\xfe").map_err(|error| error.to_string()), Err(format!("2:1: {not_text}")));
    assert_eq!(text_of(b"name"), Ok("name"));
}

#[test]
fn refuses_broken_syntax_where_it_begins() {
    check("layer { name: 'a'", "1:7: the `{` opened here is never closed");
    check("layer < name: 'a' }", "1:19: expected the name of a field, found `}`");
    check("}", "1:1: expected the name of a field, found `}`");
    check("name: 'a\n'", "1:7: the string opened here is never closed");
    check("name: \"\\q\"", "1:8: unknown escape `\\q`");
    check("name: '\\xff'", "1:8: these escapes are not text in UTF-8");
    check("name: '\\ud800'", "1:8: this escape is not a character");
    check("name: '\\x'", "1:8: this escape is not a byte");
    check("name:", "1:6: expected a value, found the end of the file");
    check("input_dim: [1, 2", "1:17: expected `,` or `]`, found the end of the file");
    check("input_dim: - 'a'", "1:14: expected a number after `-`, found the string `a`");
    check("name 'a'", "1:6: expected `:` or `{`, found the string `a`");
    check(&"layer {".repeat(100_000), "1:231: messages are nested more than 32 deep");
}

#[test]
fn refuses_an_unknown_or_repeated_field() {
    check("nmae: 'x'", "1:1: unknown field `nmae`; did you mean `name`?");
    check("layer { name: 'a' name: 'b' }", "1:19: `name` stands twice, it can stand only once");
    check("layer: 3", "1:1: `layer` must be a message in braces");
    check("layer { type: 'ReLU' }", "1:1: a layer here has no `name`");
    check("layer { name: a }", "1:9: `name` must be a string in quotes");
    check("layer { name: 'a\\x1b[2J' }", "1:9: `name` holds a control character");
    check("layer { name: 'a' }", "1:9: layer `a`: it has no `type`");
    check("layer { name: 'a' type: 3 }", "1:19: layer `a`: `type` must be a string such as `\"Convolution\"`");
    check_layers(
        &layer("c", "Convolution", "data", "convolution_param { num_outputs: 3 }"),
        "3:23: layer `c`: unknown field `num_outputs`; did you mean `num_output`?",
    );
}

#[test]
fn refuses_a_network_without_a_usable_input() {
    let relu = layer("r", "ReLU", "data", "");
    check(&relu, "1:1: the network has no input: give it an `Input` layer, or `input` with four `input_dim`");
    check(&format!("input: 'data' {relu}"), "1:1: 1 `input` with 0 shapes: each needs one");
    check(
        &format!("input: 'data' input_dim: 1 input_dim: 3\n{relu}"),
        "1:15: an input needs 4 dimensions (batch, channels, height, width), here are 2",
    );
    check(
        &format!("input: 'data' input_shape {{ dim: [1, 3, 0, 8] }} {relu}"),
        "1:41: `dim` is 0, it must be at least 1",
    );
    check(
        &format!("input: 'data' input_shape {{ dim: [1, 3, -8, 8] }} {relu}"),
        "1:41: `dim` is -8, it must not be negative",
    );
    check(
        &format!("input: 'data' input_shape {{ dim: [1, 3, 65536, 65536] }} {relu}"),
        "1:15: the input has more than 2147483647 elements",
    );
    check(
        &format!("input: 'data' input_shape {{ dim: [1, 3, 1.5, 8] }} {relu}"),
        "1:41: `dim` must be a whole number of at most 2147483647",
    );
    check(&format!("layer {{ name: 'in' type: 'Input' top: 'data' }}\n{relu}"), "1:9: layer `in`: `data` has no shape");
    check(&format!("{INPUT}{INPUT}{relu}"), "2:1: input `data` is declared twice");
}

#[test]
fn refuses_an_unknown_layer_type() {
    check_layers(
        &layer("c", "Convolutoin", "data", ""),
        "2:9: layer `c`: its type `Convolutoin` is not supported; did you mean `Convolution`?",
    );
    check_layers(
        "layers { name: 'n' type: NORMALIZE bottom: 'data' top: 'n' }",
        "2:10: layer `n`: its type `NORMALIZE` is not supported; supported are AbsVal, BNLL, BatchNorm, Clip, Concat, \
         Convolution, Crop, Deconvolution, Dropout, ELU, Eltwise, Flatten, InnerProduct, Input, LRN, Permute, \
         Pooling, Power, ReLU, Reduction, Reshape, Scale, Sigmoid, Softmax, Split, TanH",
    );
}

#[test]
fn refuses_blobs_that_do_not_connect() {
    check_layers(
        &layer("r", "ReLU", "dta", ""),
        "2:32: layer `r`: it reads blob `dta`, which nothing writes; did you mean `data`?",
    );
    check_layers(
        &(layer("a", "ReLU", "b", "") + &layer("b", "ReLU", "a", "")),
        "2:32: layer `a`: it reads blob `b`, which layer `b` at 4:9 writes only afterwards; layers stand in the order \
         in which they run, so a cycle can't",
    );
    check_layers(
        &(layer("a", "ReLU", "data", "") + &layer("a", "ReLU", "data", "")),
        "4:9: layer `a`: another layer has this name at 2:9; times are kept by layer name",
    );
    check_layers(
        &(layer("a", "ReLU", "data", "") + "layer { name: 'b' type: 'ReLU' bottom: 'data' top: 'a' }"),
        "4:47: layer `b`: it writes blob `a`, which layer `a` wrote before",
    );
    check_layers("layer { name: 'a' type: 'ReLU' bottom: 'data' }", "2:9: layer `a`: it has 0 `top`, it must have one");
    check_layers("layer { name: 'a' type: 'ReLU' top: 'a' }", "2:9: layer `a`: it has 0 `bottom`, it must have one");
    check_layers("layer { name: 'a' type: 'Concat' top: 'a' }", "2:9: layer `a`: it has no `bottom`");
    check_layers(&layer("d", "Dropout", "data", ""), "1:1: the file holds no layers that compute anything");
}

#[test]
fn refuses_shapes_that_do_not_fit() {
    let conv = layer("c", "Convolution", "data", "convolution_param { num_output: 4 kernel_size: 3 }");
    let join = |kind: &str| {
        conv.clone() + &format!("layer {{ name: 'j' type: '{kind}' bottom: 'data' bottom: 'c' top: 'j' }}")
    };
    check_layers(&join("Eltwise"), "4:50: layer `j`: blob `c` is 4x6x6, but `data` is 3x8x8");
    check_layers(
        &join("Concat"),
        "4:49: layer `j`: blob `c` is 4x6x6, but `data` is 3x8x8: only their channels may differ",
    );
    check_layers(&layer("e", "Eltwise", "data", ""), "2:9: layer `e`: it has 1 `bottom`, TensorRT takes two");
    check_layers(
        &layer("r", "Reshape", "data", "reshape_param { shape { dim: [0, 5, -1] } }"),
        "3:19: layer `r`: its input of 3x8x8 does not fit the wanted `shape`",
    );
    check_layers(
        &layer("p", "Permute", "data", "permute_param { order: [0, 1, 1, 2] }"),
        "3:3: layer `p`: `order` must name each of the axes 0 to 3 once",
    );
}

#[test]
fn refuses_a_convolution_that_cannot_be_run() {
    let check_convolution = |parameters: &str, expected: &str| {
        let parameters = format!("convolution_param {{ {parameters} }}");
        check_layers(&layer("c", "Convolution", "data", &parameters), expected);
    };
    check_convolution("kernel_size: 3", "3:3: layer `c`: `num_output` is missing");
    check_convolution("num_output: 0 kernel_size: 3", "3:23: layer `c`: `num_output` is 0, it must be at least 1");
    check_convolution("num_output: 4", "3:3: layer `c`: `kernel_size` is missing");
    check_convolution("num_output: 4 kernel_h: 4", "3:3: layer `c`: `kernel_h` and `kernel_w` must stand together");
    check_convolution(
        "num_output: 4 kernel_size: 3 kernel_h: 4 kernel_w: 4",
        "3:3: layer `c`: `kernel_size` can't stand beside `kernel_h` or `kernel_w`",
    );
    check_convolution(
        "num_output: 4 kernel_size: [3, 3, 3]",
        "3:3: layer `c`: `kernel_size` stands 3 times, at most 2 can be run",
    );
    check_convolution(
        "num_output: 4 kernel_size: 3 stride: 0",
        "3:52: layer `c`: `stride` is 0, it must be at least 1",
    );
    check_convolution(
        "num_output: 4 kernel_size: 3 group: 2",
        "3:3: layer `c`: `group` is 2, which does not divide the 3 channels of its input",
    );
    check_convolution(
        "num_output: 4 kernel_size: 3 group: 3",
        "3:3: layer `c`: `group` is 3, which does not divide the 4 outputs",
    );
    check_convolution(
        "num_output: 4 kernel_size: 9",
        "3:3: layer `c`: its 9x9 kernel is larger than its padded input of 8x8",
    );
    check_convolution(
        "num_output: 4 kernel_size: 3 dilation: 4",
        "3:3: layer `c`: its 9x9 kernel is larger than its padded input of 8x8",
    );
    check_convolution(
        "num_output: 2000000000 kernel_size: 1",
        "2:9: layer `c`: its output has more than 2147483647 elements",
    );
    check_convolution("num_output: 33554432 kernel_size: 8", "2:9: layer `c`: it has more than 2147483647 parameters");
    check_convolution(
        "num_output: 99999999999 kernel_size: 1",
        "3:23: layer `c`: `num_output` must be a whole number of at most 2147483647",
    );
    check_convolution(
        "num_output: 4 kernel_size: 2147483647 pad: 2147483647",
        "3:3: layer `c`: a 2147483647x2147483647 kernel is too large",
    );
    check_convolution(
        "num_output: 4 kernel_size: 1 bias_term: maybe",
        "3:52: layer `c`: `bias_term` is `maybe`, it must be `true` or `false`",
    );
    check_convolution(
        "num_output: 4 kernel_size: 1 axis: 2",
        "3:52: layer `c`: `axis` is 2, only 1 (the channels) can be run",
    );
}

#[test]
fn refuses_a_number_that_caffe_cannot_hold() {
    let refused = |kind: &str, parameters: &str, expected: &str| {
        check_layers(&layer("l", kind, "data", parameters), &format!("3:{expected}"));
    };
    for word in ["x", "'1'", "0x1", "010", "1ff", "1e", "-y"] {
        let parameters = format!("relu_param {{ negative_slope: {word} }}");
        refused("ReLU", &parameters, "16: layer `l`: `negative_slope` must be a decimal number");
    }
    for (kind, block, field, column) in [
        ("ReLU", "relu_param", "negative_slope", 16),
        ("LRN", "lrn_param", "alpha", 15),
        ("LRN", "lrn_param", "beta", 15),
        ("LRN", "lrn_param", "k", 15),
        ("BatchNorm", "batch_norm_param", "eps", 22),
        ("Clip", "clip_param", "min", 16),
        ("ELU", "elu_param", "alpha", 15),
        ("Power", "power_param", "power", 17),
        ("Power", "power_param", "scale", 17),
        ("Power", "power_param", "shift", 17),
    ] {
        for number in ["inf", "-inf", "nan", "-infinity", "1e39", "-1e400"] {
            let expected = format!("{column}: layer `l`: `{field}` is `{number}`, it must be finite as a 32-bit float");
            refused(kind, &format!("{block} {{ {field}: {number} }}"), &expected);
        }
    }
    refused("ELU", "elu_param { alpha: 1 alpha: 2 }", "24: layer `l`: `alpha` stands twice, it can stand only once");
    refused(
        "BatchNorm",
        "batch_norm_param { eps: -1e-5 }",
        "22: layer `l`: `eps` is -0.00001, it must not be negative",
    );
    refused("Clip", "clip_param { max: 6 }", "3: layer `l`: `min` is missing");
    refused("Clip", "clip_param { min: 6 }", "3: layer `l`: `max` is missing");
    check_layers(&layer("l", "Clip", "data", ""), "2:9: layer `l`: `min` is missing");
    let sum = |fields: &str| {
        let bottoms = "bottom: 'data' bottom: 'r' top: 's'";
        layer("r", "ReLU", "data", "")
            + &format!("layer {{ name: 's' type: 'Eltwise' {bottoms}\n  eltwise_param {{ {fields} }} }}")
    };
    let finite = "it must be finite as a 32-bit float";
    check_layers(&sum("coeff: [1, inf]"), &format!("5:30: layer `s`: `coeff` is `inf`, {finite}"));
    check_layers(&sum("coeff: 1 coeff: x"), "5:28: layer `s`: `coeff` must be a decimal number");
    check_layers(&sum("coeff: 1"), "5:3: layer `s`: `coeff` must stand once per `bottom`, and only in a sum");
}

#[test]
fn refuses_other_layers_that_cannot_be_run() {
    let check_pooling = |parameters: &str, expected: &str| {
        check_layers(&layer("p", "Pooling", "data", &format!("pooling_param {{ {parameters} }}")), expected);
    };
    check_pooling("kernel_size: 9", "3:3: layer `p`: its 9x9 kernel is larger than its padded input of 8x8");
    check_pooling("kernel_size: 2 pad: 2", "3:3: layer `p`: its padding must be smaller than its kernel");
    check_pooling(
        "pool: STOCHASTIC kernel_size: 2",
        "3:19: layer `p`: `pool` is `STOCHASTIC`, it must be one of `MAX`, `AVE`",
    );
    check_pooling(
        "kernel_size: 2 round_mode: FLOOR",
        "3:34: layer `p`: `round_mode` is `FLOOR`, it must be one of `CEIL`",
    );
    check_pooling(
        "global_pooling: true kernel_size: 2",
        "3:40: layer `p`: `kernel_size` can't stand beside `global_pooling`",
    );
    check_pooling("global_pooling: true stride: 2", "3:3: layer `p`: `global_pooling` takes no padding and no stride");
    check_layers(
        &layer("p", "PReLU", "data", ""),
        "2:9: layer `p`: its type `PReLU` can't be run: TensorRT makes two layers of it",
    );
    check_layers(
        "layer { name: 'r' type: 'ReLU' bottom: 'data' top: 'data' }",
        "2:47: layer `r`: it works in place on the network's input `data`, which TensorRT refuses",
    );
    let refused = |kind: &str, parameters: &str, expected: &str| {
        check_layers(&layer("l", kind, "data", parameters), &format!("3:{expected}"));
    };
    refused("LRN", "lrn_param { local_size: 4 }", "3: layer `l`: `local_size` is 4, it must be odd");
    refused("Scale", "scale_param { axis: 2 }", "17: layer `l`: `axis` is 2, only 1 (the channels) can be run");
    refused(
        "InnerProduct",
        "inner_product_param { num_output: -1 }",
        "25: layer `l`: `num_output` is -1, it must not be negative",
    );
    refused("Reduction", "reduction_param { axis: 0 }", "3: layer `l`: `axis` is 0, it must be 1, 2 or 3");
    refused(
        "Reduction",
        "reduction_param { axis: 1 operation: ASUM }",
        "29: layer `l`: `operation` is `ASUM`, it must be one of `SUM`, `MEAN`",
    );
    refused(
        "Reduction",
        "reduction_param { axis: 1 coeff: 2 }",
        "29: layer `l`: `coeff` can't be run: TensorRT makes two layers of it",
    );
    refused(
        "Deconvolution",
        "convolution_param { num_output: 3 kernel_size: 1 pad: 4 }",
        "3: layer `l`: its padding leaves nothing of the output",
    );
}
