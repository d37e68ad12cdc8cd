//! Which ONNX models are read, and what comes out: layers, shapes, costs, cuts.
#![expect(clippy::unwrap_used, reason = "a test ends where its model can't be made")]

mod models;

use std::collections::BTreeSet;

use haxconn::network::onnx;
use haxconn::network::onnx::proto::{AttributeProto, FunctionProto, GraphProto, NodeProto};
use haxconn::network::{EltwiseOperation, LayerKind, PoolingMethod};
use models::{Builder, float, int, ints, layers, text, value_info};
use proptest::prelude::*;

/// One operator on one input with constants of the given shapes: the layers that come of it.
fn one(operator: &str, input: &[i64], weights: &[&[i64]], attributes: Vec<AttributeProto>) -> Vec<String> {
    let names: Vec<String> = (0..weights.len()).map(|at| format!("w{at}")).collect();
    let mut builder = Builder::new("x", input);
    for (name, dims) in names.iter().zip(weights) {
        builder = builder.weights(name, dims);
    }
    let inputs: Vec<&str> = ["x"].into_iter().chain(names.iter().map(String::as_str)).collect();
    layers(&builder.node(operator, &inputs, "y", attributes).output("y").import().network)
}

#[track_caller]
fn check(operator: &str, input: &[i64], weights: &[&[i64]], attributes: Vec<AttributeProto>, layer: &str) {
    assert_eq!(one(operator, input, weights, attributes), [layer], "{operator} of {input:?}");
}

const IMAGE: &[i64] = &[1, 4, 8, 8];

#[test]
fn convolutions_have_their_shapes_and_costs() {
    let window = |pads: &[i64]| vec![ints("strides", &[2, 2]), ints("pads", pads)];
    check("Conv", IMAGE, &[&[6, 4, 3, 3]], Vec::new(), "Convolution 6x6x6 7776 216");
    check("Conv", IMAGE, &[&[6, 4, 3, 3], &[6]], window(&[1, 1, 1, 1]), "Convolution 6x4x4 3456 222");
    check("Conv", IMAGE, &[&[6, 4, 3, 3]], window(&[0, 0, 1, 1]), "Convolution 6x4x4 3456 216");
    let same = vec![text("auto_pad", "SAME_UPPER"), ints("strides", &[2, 2])];
    check("Conv", IMAGE, &[&[6, 4, 3, 3]], same, "Convolution 6x4x4 3456 216");
    check("Conv", IMAGE, &[&[4, 1, 3, 3]], vec![int("group", 4)], "Convolution 4x6x6 1296 36");
    check("Conv", IMAGE, &[&[6, 4, 3, 3]], vec![ints("dilations", &[2, 2])], "Convolution 6x4x4 3456 216");
    check("Conv", &[1, 4, 8], &[&[6, 4, 3]], Vec::new(), "Convolution 6x6x1 432 72");
    check("Conv", &[2, 4, 8, 8], &[&[6, 4, 3, 3]], Vec::new(), "Conv 12x6x6 15552 216");
    check("ConvTranspose", IMAGE, &[&[4, 6, 2, 2]], vec![ints("strides", &[2, 2])], "Deconvolution 6x16x16 6144 96");
    let uneven = vec![ints("strides", &[2, 2]), ints("output_padding", &[1, 1])];
    check("ConvTranspose", IMAGE, &[&[4, 6, 2, 2]], uneven, "ConvTranspose 6x17x17 6144 96");
}

#[test]
fn an_uneven_padding_is_kept_beside_the_even_one() {
    let padded = |pads: &[i64]| {
        let builder = Builder::new("x", IMAGE).weights("w", &[6, 4, 3, 3]);
        let imported = builder.node("Conv", &["x", "w"], "y", vec![ints("pads", pads)]).output("y").import();
        let LayerKind::Convolution(convolution) = imported.network.layers[0].kind else { panic!("no convolution") };
        (convolution.window.pad, convolution.pad_end)
    };
    assert_eq!(padded(&[1, 2, 1, 2]), ([1, 2], None));
    assert_eq!(padded(&[0, 0, 1, 1]), ([0, 0], Some([1, 1])));
}

#[test]
fn poolings_tell_the_three_means_apart() {
    let method = |attributes: Vec<AttributeProto>| {
        let attributes = [vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2])], attributes].concat();
        let imported = Builder::new("x", IMAGE).node("AveragePool", &["x"], "y", attributes).output("y").import();
        match &imported.network.layers[0].kind {
            LayerKind::Pooling(pooling) => Some(pooling.method),
            _ => None,
        }
    };
    let pads = || ints("pads", &[1, 1, 1, 1]);
    assert_eq!(method(vec![]), Some(PoolingMethod::Average));
    assert_eq!(method(vec![pads()]), Some(PoolingMethod::AverageInside));
    assert_eq!(method(vec![pads(), int("count_include_pad", 1)]), Some(PoolingMethod::Average));
    // Caffe's mean doesn't count what lies beyond the padding on both sides; this one does.
    assert_eq!(method(vec![ints("pads", &[0, 0, 1, 1]), int("count_include_pad", 1)]), None);
    let window = || vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2])];
    check("MaxPool", IMAGE, &[], window(), "Pooling 4x3x3 0 0");
    check("MaxPool", IMAGE, &[], [window(), vec![int("ceil_mode", 1)]].concat(), "Pooling 4x4x4 0 0");
    check("GlobalAveragePool", IMAGE, &[], vec![], "Pooling 4x1x1 0 0");
    check("GlobalMaxPool", IMAGE, &[], vec![], "Pooling 4x1x1 0 0");
}

#[test]
fn products_are_fully_connected_layers_where_they_have_one_row() {
    check("Gemm", &[1, 8], &[&[10, 8], &[10]], vec![int("transB", 1)], "InnerProduct 10x1x1 80 90");
    check("Gemm", &[1, 8], &[&[8, 10]], vec![], "InnerProduct 10x1x1 80 80");
    check("Gemm", &[5, 8], &[&[8, 10]], vec![], "Gemm 5x10x1 400 80");
    check("MatMul", &[1, 8], &[&[8, 10]], vec![], "InnerProduct 10x1x1 80 80");
    check("MatMul", &[1, 197, 768], &[&[768, 64]], vec![], "MatMul 197x64x1 9682944 49152");
    let attention =
        Builder::new("q", &[1, 12, 197, 64]).node("Transpose", &["q"], "k", vec![ints("perm", &[0, 1, 3, 2])]);
    let attention = attention.node("MatMul", &["q", "k"], "y", vec![]).output("y").import();
    assert_eq!(layers(&attention.network), ["Permute 12x64x197 0 0", "MatMul 12x197x197 29805312 0"]);
}

#[test]
fn pointwise_operators_are_caffes_layers_where_it_has_one() {
    for (operator, layer) in [
        ("Relu", "ReLU"),
        ("LeakyRelu", "ReLU"),
        ("Sigmoid", "Sigmoid"),
        ("Tanh", "TanH"),
        ("Elu", "ELU"),
        ("Abs", "AbsVal"),
        ("Softplus", "BNLL"),
        ("Sqrt", "Power"),
        ("Neg", "Power"),
        ("Clip", "Clip"),
        ("HardSwish", "HardSwish"),
        ("HardSigmoid", "HardSigmoid"),
        ("Erf", "Erf"),
        ("Gelu", "Gelu"),
        ("Exp", "Exp"),
    ] {
        check(operator, IMAGE, &[], vec![], &format!("{layer} 4x8x8 0 0"));
    }
    check("PRelu", IMAGE, &[&[4, 1, 1]], vec![], "PRelu 4x8x8 0 4");
    check("Mul", IMAGE, &[&[4, 1, 1]], vec![], "Scale 4x8x8 0 4");
    check("Mul", IMAGE, &[&[1, 4, 1, 1]], vec![], "Scale 4x8x8 0 4");
    check("Mul", IMAGE, &[&[8, 1]], vec![], "Mul 4x8x8 0 8");
    check("Add", &[1, 197, 768], &[&[768]], vec![], "Add 197x768x1 0 768");
    check("Add", IMAGE, &[&[]], vec![], "Power 4x8x8 0 0");
    check("BatchNormalization", IMAGE, &[&[4], &[4], &[4], &[4]], vec![float("epsilon", 0.5)], "BatchNorm 4x8x8 0 8");
    check("LayerNormalization", &[1, 197, 768], &[&[768], &[768]], vec![], "LayerNormalization 197x768x1 0 1536");
    check("Softmax", IMAGE, &[], vec![int("axis", 1)], "Softmax 4x8x8 0 0");
    check("Softmax", IMAGE, &[], vec![int("axis", -1)], "Softmax 4x8x8 0 0");
    check("LRN", IMAGE, &[], vec![int("size", 5)], "LRN 4x8x8 0 0");
    check("Cast", IMAGE, &[], vec![int("to", 10)], "Cast 4x8x8 0 0");
    let like = Builder::new("x", IMAGE).number("c", 2.0).node("CastLike", &["c", "x"], "l", vec![]);
    let doubled = like.node("Mul", &["x", "l"], "y", vec![]).output("y").import();
    assert_eq!(layers(&doubled.network), ["Power 4x8x8 0 0"]);
}

#[test]
fn tensors_are_moved_picked_and_reduced() {
    let with = |operator: &str, whole: &[(&str, &[i64])], attributes: Vec<AttributeProto>| {
        let mut builder = Builder::new("x", IMAGE);
        for (name, values) in whole {
            builder = builder.whole(name, values);
        }
        let inputs: Vec<&str> = ["x"].into_iter().chain(whole.iter().map(|(name, _)| *name)).collect();
        layers(&builder.node(operator, &inputs, "y", attributes).output("y").import().network)
    };
    assert_eq!(with("Slice", &[("s", &[1]), ("e", &[-1]), ("a", &[3])], vec![]), ["Slice 4x8x6 0 0"]);
    assert_eq!(
        with("Slice", &[("s", &[7]), ("e", &[i64::MIN]), ("a", &[2]), ("t", &[-3])], vec![]),
        ["Slice 4x3x8 0 0"]
    );
    assert_eq!(with("Pad", &[("p", &[0, 0, 1, 1, 0, 0, 2, 2])], vec![]), ["Pad 4x11x11 0 0"]);
    assert_eq!(with("Gather", &[("i", &[0, 2])], vec![int("axis", 1)]), ["Gather 2x8x8 0 0"]);
    assert_eq!(with("ReduceMean", &[], vec![ints("axes", &[2, 3])]), ["Reduction 4x1x1 0 0"]);
    assert_eq!(with("ReduceMean", &[], vec![ints("axes", &[1, 3])]), ["ReduceMean 1x8x1 0 0"]);
    assert_eq!(with("ReduceMax", &[], vec![ints("axes", &[2, 3])]), ["ReduceMax 4x1x1 0 0"]);
    assert_eq!(with("ReduceMean", &[], vec![ints("axes", &[2, 3]), int("keepdims", 0)]), ["ReduceMean 4x1x1 0 0"]);
    assert_eq!(with("Transpose", &[], vec![ints("perm", &[0, 2, 3, 1])]), ["Permute 8x8x4 0 0"]);
    assert_eq!(with("Expand", &[("e", &[2, 4, 8, 8])], vec![]), ["Expand 8x8x8 0 0"]);
    assert_eq!(with("ScatterND", &[("i", &[0]), ("u", &[1])], vec![]), ["ScatterND 4x8x8 0 0"]);
    assert_eq!(with("DepthToSpace", &[], vec![int("blocksize", 2)]), ["DepthToSpace 1x16x16 0 0"]);
    assert_eq!(with("Reshape", &[("s", &[0, 2, -1])], vec![]), ["Reshape 2x128x1 0 0"]);
    let resized = Builder::new("x", IMAGE).whole("n", &[1, 4, 12, 20]).node("Resize", &["x", "", "", "n"], "y", vec![]);
    assert_eq!(layers(&resized.output("y").import().network), ["Resize 4x12x20 0 0"]);
    let mut split = Builder::new("x", IMAGE).node("Split", &["x"], "a", vec![int("axis", 1)]);
    split.graph.node[0].output.push("b".into());
    let sum = split.node("Add", &["a", "b"], "y", vec![]).output("y").import();
    assert_eq!(layers(&sum.network), ["Split 2x8x8 2x8x8 0 0", "Eltwise 2x8x8 0 0"]);
}

#[test]
fn other_shapes_of_the_same_elements_are_no_layers_where_nothing_needs_to_tell_them_apart() {
    let builder = Builder::new("x", IMAGE).weights("w", &[256, 10]);
    let builder = builder.node("Flatten", &["x"], "f", vec![]).node("Dropout", &["f"], "d", vec![]);
    let imported =
        builder.node("MatMul", &["d", "w"], "m", vec![]).node("Identity", &["m"], "y", vec![]).output("y").import();
    assert_eq!(layers(&imported.network), ["InnerProduct 10x1x1 2560 2560"]);
    assert_eq!(imported.model.layer_nodes, [[2]]);
    // The part of the only layer has the nodes before and after it too, and the model's own input and output.
    let part = onnx::cut(&imported.model, 0..1).unwrap().graph.unwrap();
    assert_eq!(operators(&part), ["Flatten", "Dropout", "MatMul", "Identity"]);
    assert_eq!((part.input[0].name.as_str(), part.output[0].name.as_str()), ("x", "y"));
}

#[test]
fn a_change_of_shape_that_matters_is_a_layer_that_moves_nothing() {
    let softmax = Builder::new("x", IMAGE).node("Flatten", &["x"], "f", vec![]).node("Softmax", &["f"], "y", vec![]);
    assert_eq!(layers(&softmax.output("y").import().network), ["Flatten 256x1x1 0 0", "Softmax 256x1x1 0 0"]);
    let tokens = Builder::new("x", IMAGE).whole("s", &[1, 4, 64]).node("Reshape", &["x", "s"], "r", vec![]);
    let imported = tokens.node("Erf", &["r"], "y", vec![]).output("y").import();
    assert_eq!(layers(&imported.network), ["Reshape 4x64x1 0 0", "Erf 4x64x1 0 0"]);
    assert_eq!(imported.model.layer_nodes, [[0], [1]]);
}

#[test]
fn a_weighted_sum_is_one_layer_of_two_nodes() {
    let builder = Builder::new("x", IMAGE).number("c", 0.25).node("Relu", &["x"], "r", vec![]);
    let imported =
        builder.node("Mul", &["r", "c"], "m", vec![]).node("Add", &["x", "m"], "y", vec![]).output("y").import();
    let LayerKind::Eltwise(eltwise) = &imported.network.layers[1].kind else { panic!("no sum") };
    assert_eq!((eltwise.operation, eltwise.coefficients.as_slice()), (EltwiseOperation::Sum, &[1.0, 0.25][..]));
    assert_eq!(imported.model.layer_nodes, [vec![0], vec![1, 2]]);
}

/// `Reshape` to the batch and -1, as exporters write it: the batch is taken from the input's shape.
fn shape_arithmetic() -> Builder {
    let builder = Builder::new("x", &[0, 4, 8, 8]).whole("zero", &[0]).whole("rest", &[-1]).weights("w", &[256, 10]);
    let builder = builder.node("Relu", &["x"], "r", vec![]).node("Shape", &["x"], "s", vec![]);
    let builder = builder.node("Gather", &["s", "zero"], "b", vec![]);
    let builder = builder.node("Concat", &["b", "rest"], "t", vec![int("axis", 0)]);
    builder.node("Reshape", &["r", "t"], "f", vec![]).node("MatMul", &["f", "w"], "y", vec![]).output("y")
}

#[test]
fn arithmetic_on_shapes_is_done_once_and_an_open_batch_is_one() {
    let imported = shape_arithmetic().import();
    assert_eq!(layers(&imported.network), ["ReLU 4x8x8 0 0", "InnerProduct 10x1x1 2560 2560"]);
    assert_eq!(imported.notes, ["the open batch of input `x` is taken as 1"]);
    let part = onnx::cut(&imported.model, 1..2).unwrap().graph.unwrap();
    assert_eq!(operators(&part), ["Reshape", "MatMul"]);
    assert_eq!(part.input.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["r"]);
    let names: BTreeSet<&str> = part.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    assert_eq!(names, ["t", "w"].into());
}

#[test]
fn a_transposed_shape_is_known() {
    // torch's exporter writes paddings so: pairs in the other order, turned round, then transposed and flattened.
    let builder = Builder::new("x", IMAGE).whole("p", &[0, 2, 0, 1, 0, 0, 0, 0]).whole("pairs", &[-1, 2]);
    let builder = builder.whole("last", &[-1]).whole("first", &[i64::MIN + 1]).whole("axis", &[0]).whole("step", &[-1]);
    let builder = builder.node("Reshape", &["p", "pairs"], "r", vec![]);
    let builder = builder.node("Slice", &["r", "last", "first", "axis", "step"], "s", vec![]);
    let builder = builder.node("Transpose", &["s"], "t", vec![ints("perm", &[1, 0])]);
    let builder = builder.node("Reshape", &["t", "last"], "pads", vec![]).node("Pad", &["x", "pads"], "y", vec![]);
    assert_eq!(layers(&builder.output("y").import().network), ["Pad 4x9x10 0 0"]);
}

#[test]
fn an_unknown_operator_passes_with_the_shape_that_the_file_declares() {
    let mut builder = Builder::new("x", IMAGE).node("Relu", &["x"], "r", vec![]).node("Magic", &["r"], "m", vec![]);
    builder.graph.node[1].domain = "com.example".into();
    builder.graph.value_info.push(value_info("m", &[0, 7, 3, 3]));
    let mut builder = builder.node("Relu", &["m"], "y", vec![]).output("y");
    let refused = builder.clone().refused();
    assert!(refused.contains("node `m` (Magic): nothing tells the shape of its output `m`"), "{refused}");
    builder.graph.input[0] = value_info("x", &[0, 4, 8, 8]);
    let imported = builder.import();
    assert_eq!(layers(&imported.network), ["ReLU 4x8x8 0 0", "Magic 7x3x3 0 0", "ReLU 7x3x3 0 0"]);
    let note = "operator `Magic` of node `m` isn't known: it counts by the size of its tensors, and no DLA runs it";
    assert_eq!(imported.notes[1], note);
}

#[test]
fn what_onnx_runtime_fuses_keeps_its_shape_and_costs() {
    let fused = |operator: &str, constants: &[(&str, &[i64])]| {
        let mut builder = Builder::new("x", IMAGE);
        for (name, dims) in constants {
            builder = builder.weights(name, dims);
        }
        let inputs: Vec<&str> = ["x"].into_iter().chain(constants.iter().map(|(name, _)| *name)).collect();
        let mut builder = builder.node(operator, &inputs, "y", vec![]);
        builder.graph.node[0].domain = "com.microsoft".into();
        let imported = builder.output("y").import();
        assert_eq!(imported.notes, Vec::<String>::new());
        layers(&imported.network)
    };
    assert_eq!(fused("FusedConv", &[("w", &[6, 4, 3, 3]), ("b", &[6])]), ["FusedConv 6x6x6 7776 222"]);
    assert_eq!(fused("Gelu", &[]), ["Gelu 4x8x8 0 0"]);
    assert_eq!(fused("SkipLayerNormalization", &[("s", &[8]), ("g", &[8])]), ["SkipLayerNormalization 4x8x8 0 16"]);
}

#[test]
fn a_call_of_a_models_own_function_is_a_layer_of_the_shape_that_is_declared() {
    let mut builder = Builder::new("x", IMAGE).node("Twice", &["x"], "t", vec![]).node("Relu", &["t"], "y", vec![]);
    builder.graph.node[0].domain = "local".into();
    builder.graph.value_info.push(value_info("t", IMAGE));
    let mut model = builder.output("y").model();
    let body = Builder::default().node("Add", &["a", "a"], "b", vec![]).graph.node;
    let (input, output) = (vec!["a".to_owned()], vec!["b".to_owned()]);
    let (name, domain) = ("Twice".to_owned(), "local".to_owned());
    model.functions.push(FunctionProto { name, domain, input, output, node: body, ..FunctionProto::default() });
    let imported = onnx::parse(onnx::encode(&model).unwrap(), "net", "Net").unwrap();
    assert_eq!(layers(&imported.network), ["Twice 4x8x8 0 0", "ReLU 4x8x8 0 0"]);
    assert!(imported.notes[0].starts_with("operator `Twice` of node `t` isn't known"), "{:?}", imported.notes);
    assert_eq!(onnx::cut(&imported.model, 0..1).unwrap().functions, model.functions);
}

#[test]
fn nodes_run_in_an_order_that_works_and_what_no_output_needs_is_left_out() {
    let builder = Builder::new("x", IMAGE).node("Tanh", &["r"], "y", vec![]).node("Abs", &["x"], "unused", vec![]);
    let mut builder = builder.node("Relu", &["x"], "r", vec![]).output("y");
    builder.graph.node[0].name = "same".into();
    builder.graph.node[2].name = "same".into();
    let imported = builder.import();
    assert_eq!(layers(&imported.network), ["ReLU 4x8x8 0 0", "TanH 4x8x8 0 0"]);
    let names: Vec<&str> = imported.network.layers.iter().map(|layer| layer.name.as_str()).collect();
    assert_eq!(names, ["same", "same -> y"]);
}

#[test]
fn what_a_subgraph_reads_from_outside_is_read() {
    let inner = Builder::default().node("Abs", &["r"], "inner", vec![]).output("inner").graph;
    let branch =
        AttributeProto { name: "then_branch".into(), r#type: 5, g: Some(Box::new(inner)), ..AttributeProto::default() };
    let mut builder = Builder::new("x", IMAGE).node("Relu", &["x"], "r", vec![]).node("If", &["x"], "y", vec![branch]);
    builder.graph.output.push(value_info("y", IMAGE));
    let imported = builder.import();
    assert_eq!(imported.network.layers[1].bottoms.len(), 2);
    let part = onnx::cut(&imported.model, 1..2).unwrap().graph.unwrap();
    assert_eq!(part.input.iter().map(|input| input.name.as_str()).collect::<Vec<_>>(), ["x", "r"]);
}

#[track_caller]
fn refused(builder: Builder, said: &str) {
    let message = builder.refused();
    assert!(message.contains(said), "{message}");
}

#[test]
fn graphs_that_are_none_are_refused_with_the_name_of_what_is_wrong() {
    let relu = || Builder::new("x", IMAGE).node("Relu", &["x"], "y", vec![]).output("y");
    let circle = Builder::new("x", IMAGE).node("Add", &["x", "b"], "a", vec![]).node("Relu", &["a"], "b", vec![]);
    refused(circle.output("b"), "node `a` (Add) waits for its own output, through a circle of nodes");
    refused(
        relu().node("Abs", &["x"], "y", vec![]),
        "node `y` (Abs) writes `y`, which is written by node `y` (Relu) already",
    );
    refused(relu().weights("w", &[1]).weights("w", &[1]), "two initializers are called `w`");
    let missing =
        Builder::new("x", IMAGE).node("Conv", &["x", "weights"], "y", vec![]).weights("weight", &[1, 4, 1, 1]);
    refused(
        missing.output("y"),
        "`y` reads `weights`, which is no initializer, no input and written by no node; did you mean `weight`?",
    );
    refused(relu().output("z"), "`the model's outputs` reads `z`");
    refused(
        Builder::new("x", &[1, 0, 8, 8]).node("Relu", &["x"], "y", vec![]).output("y"),
        "side 1 of input `x` is `batch`, and must be a number; `haxconn export --shapes NAME:1x3x224x224`",
    );
    let mut short = relu().weights("w", &[2]);
    short.graph.initializer[0].raw_data = Some(vec![0; 7].into());
    refused(short, "initializer `w` has 7 bytes of data, but its shape [2] of FLOAT needs 8");
    refused(Builder::new("x", IMAGE).output("x"), "the model holds no layers that compute anything");
    refused(
        Builder::new("x", IMAGE).weights("w", &[6, 3, 3, 3]).node("Conv", &["x", "w"], "y", vec![]).output("y"),
        "node `y` (Conv): its weights are [6, 3, 3, 3] in 1 groups, but its input has 4 channels",
    );
    refused(
        Builder::new("x", IMAGE).weights("w", &[1, 4, 9, 9]).node("Conv", &["x", "w"], "y", vec![]).output("y"),
        "its window of 9 is larger than its padded input of 8",
    );
}

#[test]
fn bytes_that_are_no_model_are_refused() {
    let parse = |bytes: &[u8]| onnx::parse(bytes.to_vec(), "net", "Net").unwrap_err().to_string();
    assert_eq!(parse(b""), "holds no graph; is it an ONNX model?");
    assert!(parse(b"layer { }").starts_with("is no ONNX model, or is cut short"));
    let whole = Builder::new("x", IMAGE).node("Relu", &["x"], "y", vec![]).output("y").bytes();
    for length in 1..whole.len() {
        assert!(onnx::parse(whole[..length].to_vec(), "net", "Net").is_err(), "{length} of {} bytes", whole.len());
    }
}

#[test]
fn external_data_must_lie_below_the_models_folder() {
    let external = |location: &str| {
        let mut builder = Builder::new("x", IMAGE).weights("w", &[6, 4, 3, 3]);
        let tensor = &mut builder.graph.initializer[0];
        tensor.raw_data = None;
        tensor.data_location = Some(1);
        for (key, value) in [("location", location), ("offset", "16"), ("length", "864")] {
            let (key, value) = (key.to_owned(), value.to_owned());
            tensor.external_data.push(onnx::proto::StringStringEntryProto { key, value });
        }
        builder.node("Conv", &["x", "w"], "y", vec![]).output("y")
    };
    let imported = external("weights/a.bin").import();
    assert_eq!(layers(&imported.network), ["Convolution 6x6x6 7776 216"]);
    let part = &imported.model.external_data().unwrap()[0];
    assert_eq!((part.location.to_str(), part.offset, part.length), (Some("weights/a.bin"), 16, 864));
    // The value of a node may lie there too.
    let mut of_node = external("weights/a.bin");
    let value = of_node.graph.initializer.remove(0);
    let attribute = AttributeProto { name: "value".into(), r#type: 4, t: Some(Box::new(value)), ..Default::default() };
    let mut imported = of_node.node("Constant", &[], "w", vec![attribute]).import();
    assert_eq!(layers(&imported.network), ["Convolution 6x6x6 7776 216"]);
    assert_eq!(imported.model.external_data().unwrap()[0].constant, "node `w` (Constant)");
    imported.model.embed::<onnx::OnnxError>(|part| Ok(vec![7; usize::try_from(part.length).unwrap()])).unwrap();
    assert_eq!(imported.model.external_data().unwrap(), []);
    let part = onnx::cut(&imported.model, 0..1).unwrap().graph.unwrap();
    let constant = part.node.iter().find(|node| node.op_type == "Constant").unwrap();
    let raw = constant.attribute[0].t.as_ref().unwrap().raw_data.clone();
    assert_eq!(raw.unwrap().len(), 864);
    for location in ["../a.bin", "/etc/passwd", "a/../../b", "C:\\a", ""] {
        let refused = external(location).refused();
        assert!(refused.contains("initializer `w`"), "{refused}");
    }
}

#[test]
fn the_content_hash_ignores_weights_and_sees_the_graph() {
    let hash = |builder: Builder| builder.import().network.content_hash;
    let model =
        || Builder::new("x", IMAGE).weights("w", &[6, 4, 3, 3]).node("Conv", &["x", "w"], "y", vec![]).output("y");
    let mut other_weights = model();
    other_weights.graph.initializer[0].raw_data = Some(vec![1; 6 * 4 * 9 * 4].into());
    other_weights.graph.doc_string = "a remark".into();
    assert_eq!(hash(model()), hash(other_weights));
    let mut strided = model();
    strided.graph.node[0].attribute.push(ints("strides", &[2, 2]));
    assert_ne!(hash(model()), hash(strided));
    let scaled = |factor: f32| model().number("f", factor).node("Mul", &["x", "f"], "z", vec![]).output("z");
    assert_ne!(hash(scaled(1.0)), hash(scaled(2.0)));
    assert_eq!(hash(model()).len(), 64);
}

fn operators(graph: &GraphProto) -> Vec<&str> {
    graph.node.iter().map(|node: &NodeProto| node.op_type.as_str()).collect()
}

const OPERATORS: [&str; 52] = [
    "Conv",
    "ConvTranspose",
    "MaxPool",
    "AveragePool",
    "GlobalAveragePool",
    "Gemm",
    "MatMul",
    "BatchNormalization",
    "LayerNormalization",
    "Add",
    "Sub",
    "Mul",
    "Div",
    "Relu",
    "Clip",
    "PRelu",
    "Concat",
    "Split",
    "Slice",
    "Gather",
    "Reshape",
    "Flatten",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Pad",
    "Resize",
    "Upsample",
    "ReduceMean",
    "ReduceProd",
    "Softmax",
    "LRN",
    "Dropout",
    "Identity",
    "Constant",
    "Cast",
    "Shape",
    "Size",
    "ConstantOfShape",
    "Range",
    "Expand",
    "Where",
    "Tile",
    "ArgMax",
    "DepthToSpace",
    "SpaceToDepth",
    "QuantizeLinear",
    "Equal",
    "Min",
    "Pow",
    "Neg",
    "Unknown",
];

const ATTRIBUTES: [&str; 20] = [
    "axis",
    "axes",
    "group",
    "strides",
    "pads",
    "dilations",
    "kernel_shape",
    "ceil_mode",
    "perm",
    "split",
    "starts",
    "ends",
    "blocksize",
    "keepdims",
    "output_padding",
    "output_shape",
    "transA",
    "to",
    "value_ints",
    "size",
];

fn odd_number() -> impl Strategy<Value = i64> {
    prop_oneof![-3..9_i64, Just(i64::MAX), Just(i64::MIN), Just(1 << 31), Just(1 << 40), any::<i64>()]
}

fn any_attribute() -> impl Strategy<Value = AttributeProto> {
    let name = proptest::sample::select(&ATTRIBUTES[..]);
    (name, odd_number(), proptest::collection::vec(odd_number(), 0..5)).prop_map(|(name, i, ints)| AttributeProto {
        name: name.into(),
        i: Some(i),
        ints,
        ..AttributeProto::default()
    })
}

fn any_node() -> impl Strategy<Value = (&'static str, Vec<usize>, Vec<AttributeProto>, usize)> {
    let operator = proptest::sample::select(&OPERATORS[..]);
    let attributes = proptest::collection::vec(any_attribute(), 0..4);
    (operator, proptest::collection::vec(0..8_usize, 0..5), attributes, 1..4_usize)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = onnx::parse(bytes, "net", "Net");
    }

    #[test]
    fn no_changed_model_makes_the_reader_panic(at in 0..10_000_usize, byte in any::<u8>(), cut in 0..10_000_usize) {
        let mut bytes = shape_arithmetic().bytes();
        let (at, length) = (at % bytes.len(), cut % bytes.len() + 1);
        bytes[at] = byte;
        let _ = onnx::parse(bytes.clone(), "net", "Net");
        bytes.truncate(length);
        let _ = onnx::parse(bytes, "net", "Net");
    }

    #[test]
    fn no_graph_makes_the_reader_panic_and_what_is_read_can_be_cut(
        nodes in proptest::collection::vec(any_node(), 1..5),
        values in proptest::collection::vec(odd_number(), 0..5),
    ) {
        let mut builder = Builder::new("v0", &[0, 4, 6, 5]).whole("v1", &values).whole("v2", &[1, 2]);
        builder = builder.weights("v3", &[4, 4, 3, 3]).weights("v4", &[4]).number("v5", 2.0);
        for (at, (operator, inputs, attributes, n_outputs)) in nodes.into_iter().enumerate() {
            let names: Vec<String> = inputs.iter().map(|input| format!("v{}", input % (6 + at))).collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            builder = builder.node(operator, &names, &format!("v{}", 6 + at), attributes);
            let node = builder.graph.node.last_mut().unwrap();
            node.output.extend((1..n_outputs).map(|extra| format!("v{}e{extra}", 6 + at)));
            builder = builder.output(&format!("v{}", 6 + at));
        }
        if let Ok(imported) = onnx::parse(builder.bytes(), "net", "Net") {
            let n_layers = imported.network.layers.len();
            for layer in 0..n_layers {
                prop_assert!(onnx::cut(&imported.model, layer..layer + 1).is_ok());
            }
        }
    }
}
