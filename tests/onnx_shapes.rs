//! Sides that ONNX models leave open: what they are taken as, and what they are given.
#![expect(clippy::unwrap_used, reason = "a test ends where its model can't be made")]

mod models;

use haxconn::network::onnx::proto::{Dimension, Type};
use haxconn::network::onnx::{self, InputShape};
use models::{Builder, layers};

/// A model with an input whose sides of 0 are open, each under a name of its own.
fn open_sides(dims: &[i64]) -> Builder {
    let mut builder = Builder::new("x", dims).node("Relu", &["x"], "y", vec![]).output("y");
    let Some(Type::Tensor(tensor)) = builder.graph.input[0].r#type.as_mut().and_then(|it| it.value.as_mut()) else {
        panic!("no tensor")
    };
    for (at, side) in tensor.shape.as_mut().unwrap().dim.iter_mut().enumerate() {
        if dims[at] == 0 {
            side.value = Some(Dimension::Name(format!("side {at}")));
        }
    }
    builder
}

#[test]
fn open_sides_are_taken_as_what_they_usually_are_and_that_is_said() {
    let check = |dims: &[i64], shape: &str, said: &[&str]| {
        let imported = open_sides(dims).import();
        assert_eq!(layers(&imported.network), [format!("ReLU {shape} 0 0")]);
        let notes: Vec<&str> = imported.notes.iter().filter_map(|note| note.split(';').next()).collect();
        assert_eq!(notes, said);
    };
    let batch = "the open batch of input `x` is taken as 1";
    let image = "input `x` is taken with 224 rows and 224 columns, which it leaves open";
    check(&[0, 3, 0, 0], "3x224x224", &[batch, image]);
    check(&[1, 0, 0, 3], "224x224x3", &[image]);
    check(&[1, 3, 0, 128], "3x224x128", &["input `x` is taken with 224 rows, which it leaves open"]);
    check(&[1, 0, 64], "128x64x1", &["input `x` is taken with 128 tokens, which it leaves open"]);
    // One name, one size.
    check(&[1, 3, 32, 32], "3x32x32", &[]);
}

#[test]
fn open_sides_can_be_given_and_the_hash_tells_them() {
    let parse = |dims: &[i64], input: &str, sides: &[u64]| {
        let shape = InputShape { input: input.into(), sides: sides.to_vec() };
        onnx::parse_shaped(open_sides(dims).bytes(), "net", "Net", &[shape])
    };
    let imported = parse(&[0, 3, 0, 0], "x", &[1, 3, 320, 256]).unwrap();
    assert_eq!((layers(&imported.network), imported.notes), (vec!["ReLU 3x320x256 0 0".to_owned()], vec![]));
    let usual = open_sides(&[0, 3, 0, 0]).import();
    assert_ne!(imported.network.content_hash, usual.network.content_hash);
    let refused = |dims: &[i64], input: &str, sides: &[u64]| parse(dims, input, sides).unwrap_err().to_string();
    assert_eq!(refused(&[0, 3, 0, 0], "y", &[1]), "has no input `y`; it has `x`");
    assert_eq!(refused(&[0, 3, 0, 0], "x", &[1, 3]), "input `x` has 4 sides, 1x3 has 2");
    assert_eq!(refused(&[0, 3, 0, 0], "x", &[1, 4, 8, 8]), "side 1 of input `x` is 3, it can't be 4");
}
