//! ONNX models: read into a [`Network`](super::Network), made of one, and cut in parts that run one after the other.
//!
//! Values in, values out: bytes are read and written elsewhere, and weights are looked at nowhere. A batch that a model
//! leaves open is 1, an image 224x224 and a sequence 128 long, unless other sides are given. The messages are those of `onnx.proto` (<https://github.com/onnx/onnx/blob/main/onnx/onnx.proto>), the
//! operators those of <https://onnx.ai/onnx/operators/>.

mod cut;
pub mod element;
mod error;
mod export;
mod graph;
mod guard;
mod import;
mod model;
pub mod proto;
mod tensor;

use prost::Message;
use prost::bytes::Bytes;

pub use cut::{cut, with_outputs};
pub use error::OnnxError;
pub use export::export;
pub use import::{Imported, InputShape};
pub use model::{ExternalData, Model, TensorType, encode};

/// Reads a model. `name` is what users call its network, `title` what people read.
///
/// Layers come in the order in which they can run. Constants, arithmetic on shapes, and changes of shape that the rest of
/// the program need not see are no layers; an operator that isn't known is a layer of its tensors' sizes.
///
/// # Errors
/// What ONNX doesn't allow, and shapes that the file doesn't tell, as one sentence that names the node or the tensor.
pub fn parse(bytes: Vec<u8>, name: &str, title: &str) -> Result<Imported, OnnxError> {
    parse_shaped(bytes, name, title, &[])
}

/// As [`parse`], with sides of inputs that the file leaves open.
///
/// # Errors
/// As [`parse`], and shapes that the inputs can't have.
pub fn parse_shaped(bytes: Vec<u8>, name: &str, title: &str, shapes: &[InputShape]) -> Result<Imported, OnnxError> {
    guard::check_size(&bytes)?;
    // The weights stay where they are: what is decoded points into these bytes.
    let proto = proto::ModelProto::decode(Bytes::from(bytes));
    let proto = proto.map_err(|error| OnnxError::new(format!("is no ONNX model, or is cut short ({error})")))?;
    import::import(proto, name, title, shapes)
}
