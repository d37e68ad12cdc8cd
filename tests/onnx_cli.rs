//! ONNX files on the command line: wherever a network is named, and where one is written.
#![expect(clippy::unwrap_used, reason = "a test ends where its folder or its program can't be used")]

mod models;
mod program;

use std::fs::File;

use models::{Builder, ints};
use program::{ACCEPTED_NETWORK, accepts_in, haxconn_in, json_in, names_in, refuses_in, write};
use tempfile::TempDir;

fn model() -> Builder {
    let builder = Builder::new("x", &[0, 3, 32, 32]).weights("w", &[16, 3, 3, 3]);
    let builder = builder.node("Conv", &["x", "w"], "c", vec![ints("pads", &[1, 1, 1, 1])]);
    let builder = builder.node("Relu", &["c"], "r", vec![]).node("GlobalAveragePool", &["r"], "p", vec![]);
    builder
        .node("Flatten", &["p"], "f", vec![])
        .weights("v", &[16, 10])
        .node("MatMul", &["f", "v"], "y", vec![])
        .output("y")
}

#[test]
fn a_model_is_inspected_scheduled_and_built_like_any_network() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "mine.onnx", model().bytes());
    let ran = haxconn_in(folder.path(), &["inspect", "--dnns", "mine.onnx"]);
    assert!(ran.stdout.contains("mine: 4 layers"), "{}", ran.stdout);
    assert_eq!(ran.stderr, "note: mine.onnx: the open batch of input `x` is taken as 1\n");
    accepts_in(folder.path(), &["schedule", "--dnns", "mine.onnx,./mine.onnx", "--out", "schedule.json"]);
    let run = ["run-multi", "--backend", "sim", "--schedule", "schedule.json", "--iterations", "2", "--no-noise"];
    accepts_in(folder.path(), &run);
    accepts_in(folder.path(), &["build-engines", "--dnns", "mine.onnx", "--backend", "sim"]);
    let profile = ["profile", "layers", "--dnns", "mine.onnx", "--iterations", "5", "--repeats", "1", "--no-noise"];
    accepts_in(folder.path(), &[&profile[..], &["--backend", "sim"]].concat());
}

#[test]
fn a_network_is_exported_whole_or_in_part_and_read_again() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "net.prototxt", ACCEPTED_NETWORK);
    let export = |extra: &[&str]| haxconn_in(folder.path(), &[&["export", "--dnns", "net.prototxt"], extra].concat());
    let ran = export(&["--out", "out/net.onnx"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""));
    assert_eq!(ran.stderr, "wrote out/net.onnx (4 layers, 0.0 MiB)\n");
    export(&["--out", "part.onnx", "--layers", "2-3", "--quiet"]);
    let [whole, part] = ["out/net.onnx", "part.onnx"].map(|path| json_in(folder.path(), &["inspect", "--dnns", path]));
    let original = json_in(folder.path(), &["inspect", "--dnns", "net.prototxt"]);
    assert_eq!(whole["networks"][0]["layers"], original["networks"][0]["layers"]);
    assert_eq!(part["networks"][0]["layers"][0]["name"], "c2");
    export(&["--out", "same.onnx"]);
    export(&["--out", "other.onnx", "--seed", "2"]);
    let bytes = |name: &str| std::fs::read(folder.path().join(name)).unwrap();
    assert_eq!(bytes("same.onnx"), bytes("out/net.onnx"));
    assert_ne!(bytes("other.onnx"), bytes("same.onnx"));
}

#[test]
fn a_file_that_is_no_usable_model_is_refused_by_its_name() {
    let folder = TempDir::new().unwrap();
    let refused = |words: &[&str]| {
        for arguments in [&["inspect", "--dnns", "bad.onnx"][..], &["export", "--dnns", "bad.onnx", "--out", "x.onnx"]]
        {
            refuses_in(folder.path(), arguments, 1, &[&["error: bad.onnx: "], words].concat());
        }
        assert_eq!(names_in(folder.path()), ["bad.onnx"]);
    };
    write(folder.path(), "bad.onnx", b"");
    refused(&["holds no graph"]);
    write(folder.path(), "bad.onnx", ACCEPTED_NETWORK);
    refused(&["is no ONNX model, or is cut short"]);
    let bytes = model().bytes();
    write(folder.path(), "bad.onnx", &bytes[..bytes.len() / 2]);
    refused(&["cut short"]);
    write(folder.path(), "bad.onnx", model().node("Relu", &["nothing"], "z", vec![]).output("z").bytes());
    refused(&["`z` reads `nothing`, which is no initializer"]);
    // Sparse: it takes no room, and isn't read.
    File::create(folder.path().join("bad.onnx")).unwrap().set_len(1 << 31).unwrap();
    refused(&["is larger than 2 GiB, which no ONNX file can be"]);
}

#[test]
fn a_model_of_other_sides_is_written_where_the_file_leaves_them_open() {
    let folder = TempDir::new().unwrap();
    write(folder.path(), "open.onnx", model().bytes());
    let export =
        |shapes: &[&'static str]| [&["export", "--dnns", "open.onnx", "--out", "x.onnx", "--shapes"], shapes].concat();
    accepts_in(folder.path(), &export(&["x:2x3x32x32"]));
    let inspected = json_in(folder.path(), &["inspect", "--dnns", "x.onnx"]);
    assert_eq!(inspected["networks"][0]["network"]["macs"], 2 * (16 * 27 * 32 * 32 + 160));
    refuses_in(folder.path(), &export(&["x:1x3x64x64"]), 1, &["open.onnx: side 2 of input `x` is 32, it can't be 64"]);
    refuses_in(folder.path(), &export(&["x"]), 2, &["expected an input and its sides: `input:1x3x224x224`"]);
    let builtin = ["export", "--dnns", "resnet18", "--out", "y.onnx", "--shapes", "x:1x3x64x64"];
    refuses_in(folder.path(), &builtin, 2, &["`--shapes`: `resnet18` is no ONNX model"]);
}

#[test]
fn layers_that_the_network_does_not_have_are_not_exported() {
    let folder = TempDir::new().unwrap();
    let export = |extra: &[&'static str]| [&["export", "--dnns", "net.prototxt", "--out", "x.onnx"], extra].concat();
    write(folder.path(), "net.prototxt", ACCEPTED_NETWORK);
    refuses_in(folder.path(), &export(&["--layers", "2-9"]), 2, &["`--layers 2-9`: the last layer of `net` is 3"]);
    refuses_in(folder.path(), &export(&["--layers", "3-2"]), 2, &["expected the first and the last layer: `0-9`"]);
    assert_eq!(names_in(folder.path()), ["net.prototxt"]);
}

#[cfg(unix)]
#[test]
fn external_weights_that_a_link_takes_out_of_the_folder_are_refused() {
    let folder = TempDir::new().unwrap();
    let mut builder = model();
    let tensor = &mut builder.graph.initializer[0];
    tensor.raw_data = None;
    tensor.data_location = Some(1);
    let entry = |key: &str, value: &str| haxconn::network::onnx::proto::StringStringEntryProto {
        key: key.into(),
        value: value.into(),
    };
    tensor.external_data = vec![entry("location", "weights.bin")];
    write(folder.path(), "in/mine.onnx", builder.bytes());
    write(folder.path(), "weights.bin", vec![0; 16 * 27 * 4]);
    std::os::unix::fs::symlink("../weights.bin", folder.path().join("in/weights.bin")).unwrap();
    let export = ["export", "--dnns", "in/mine.onnx", "--out", "x.onnx"];
    refuses_in(folder.path(), &export, 1, &["in/mine.onnx: initializer `w`", "leads out of the model's folder"]);
    std::fs::remove_file(folder.path().join("in/weights.bin")).unwrap();
    refuses_in(folder.path(), &export, 1, &["in/weights.bin: no such file"]);
    write(folder.path(), "in/weights.bin", vec![0; 16 * 27 * 4]);
    accepts_in(folder.path(), &export);
}
