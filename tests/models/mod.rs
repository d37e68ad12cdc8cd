//! Small ONNX models, written with the program's own messages.
#![allow(dead_code, unreachable_pub, reason = "every test target compiles this file and uses its own part")]

use haxconn::network::Network;
use haxconn::network::onnx::proto::{
    AttributeProto, Dimension, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TensorTypeProto, Type, TypeProto, ValueInfoProto,
};
use haxconn::network::onnx::{self, Imported, element, encode};

/// A model that is put together node by node; every input and weight is in single precision.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    pub graph: GraphProto,
    pub opset: Option<i64>,
}

impl Builder {
    /// A model with one input.
    pub fn new(input: &str, dims: &[i64]) -> Self {
        let mut builder = Self::default();
        builder.graph.input.push(value_info(input, dims));
        builder
    }

    /// Adds constants without looking at their values.
    pub fn weights(mut self, name: &str, dims: &[i64]) -> Self {
        let count: i64 = dims.iter().product();
        let raw_data = Some(vec![0_u8; usize::try_from(count).unwrap() * 4].into());
        let tensor = TensorProto { dims: dims.to_vec(), data_type: element::FLOAT, raw_data, ..TensorProto::default() };
        self.graph.initializer.push(TensorProto { name: name.into(), ..tensor });
        self
    }

    /// Adds whole numbers along one side.
    pub fn whole(mut self, name: &str, values: &[i64]) -> Self {
        let dims = vec![i64::try_from(values.len()).unwrap()];
        let tensor =
            TensorProto { dims, data_type: element::INT64, int64_data: values.to_vec(), ..TensorProto::default() };
        self.graph.initializer.push(TensorProto { name: name.into(), ..tensor });
        self
    }

    /// Adds one real number.
    pub fn number(mut self, name: &str, value: f32) -> Self {
        let tensor = TensorProto { data_type: element::FLOAT, float_data: vec![value], ..TensorProto::default() };
        self.graph.initializer.push(TensorProto { name: name.into(), ..tensor });
        self
    }

    /// Adds a node called as its output is.
    pub fn node(mut self, operator: &str, inputs: &[&str], output: &str, attribute: Vec<AttributeProto>) -> Self {
        self.graph.node.push(NodeProto {
            name: output.into(),
            op_type: operator.into(),
            input: inputs.iter().map(|input| (*input).into()).collect(),
            output: vec![output.into()],
            attribute,
            ..NodeProto::default()
        });
        self
    }

    /// Declares an output whose shape isn't said.
    pub fn output(mut self, name: &str) -> Self {
        self.graph.output.push(ValueInfoProto { name: name.into(), ..ValueInfoProto::default() });
        self
    }

    pub fn model(self) -> ModelProto {
        ModelProto {
            ir_version: 8,
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: self.opset.unwrap_or(17) }],
            graph: Some(self.graph),
            ..ModelProto::default()
        }
    }

    pub fn bytes(self) -> Vec<u8> {
        encode(&self.model()).unwrap()
    }

    #[track_caller]
    pub fn import(self) -> Imported {
        onnx::parse(self.bytes(), "net", "Net").unwrap_or_else(|error| panic!("{error}"))
    }

    #[track_caller]
    pub fn refused(self) -> String {
        onnx::parse(self.bytes(), "net", "Net").expect_err("the model is refused").to_string()
    }
}

/// A tensor of single precision; a side of 0 is one that the file leaves open, called `batch`.
pub fn value_info(name: &str, dims: &[i64]) -> ValueInfoProto {
    let side = |side: &i64| {
        let value = if *side == 0 { Dimension::Name("batch".into()) } else { Dimension::Value(*side) };
        DimensionProto { value: Some(value), ..DimensionProto::default() }
    };
    let shape = Some(TensorShapeProto { dim: dims.iter().map(side).collect() });
    let value = Some(Type::Tensor(TensorTypeProto { elem_type: element::FLOAT, shape }));
    let tensor_type = TypeProto { value, ..TypeProto::default() };
    ValueInfoProto { name: name.into(), r#type: Some(tensor_type), ..ValueInfoProto::default() }
}

pub fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 2, i: Some(value), ..AttributeProto::default() }
}

pub fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 7, ints: values.to_vec(), ..AttributeProto::default() }
}

pub fn float(name: &str, value: f32) -> AttributeProto {
    AttributeProto { name: name.into(), r#type: 1, f: Some(value), ..AttributeProto::default() }
}

pub fn text(name: &str, value: &str) -> AttributeProto {
    let s = Some(value.as_bytes().to_vec().into());
    AttributeProto { name: name.into(), r#type: 3, s, ..AttributeProto::default() }
}

/// Type, output, multiply-accumulates and parameters of every layer, one a line.
pub fn layers(network: &Network) -> Vec<String> {
    let line = |layer: &haxconn::network::Layer| {
        let tops: Vec<String> = layer.tops.iter().map(|top| network.tensor(*top).shape.to_string()).collect();
        format!("{} {} {} {}", layer.kind.caffe_name(), tops.join(" "), layer.macs, layer.weights)
    };
    network.layers.iter().map(line).collect()
}
