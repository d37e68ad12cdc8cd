//! How much memory a file would take once it is decoded, found before it is: two bytes can stand for a message of
//! hundreds, so that a small file could fill a machine.

use std::mem::size_of;

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::OnnxError;
use super::proto::AttributeProto;

/// Protocol buffers count the bytes of a message in 31 bits.
pub(super) const LARGEST_MODEL: u64 = i32::MAX as u64;

/// What a model may take beside four times its size.
const ALLOWANCE: u64 = 1 << 30;

/// The messages of `onnx.proto` that hold others or lists of numbers.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    SparseTensor,
    Function,
    TrainingInfo,
    ValueInfo,
    Type,
    TensorType,
    Shape,
    /// One whose parts are counted and not looked into.
    Leaf,
}

/// What a length-delimited field holds.
enum Field {
    Message(Message),
    /// Numbers of up to 8 bytes that take a byte or more in the file.
    Numbers,
    Other,
}

fn field(message: Message, tag: u32) -> Field {
    use Message as M;
    let inner = match (message, tag) {
        (M::Model, 7) | (M::Attribute, 6 | 11) | (M::TrainingInfo, 1 | 2) => M::Graph,
        (M::Model, 20) => M::TrainingInfo,
        (M::Model, 25) => M::Function,
        (M::Graph, 1) | (M::Function, 7) => M::Node,
        (M::Graph, 5) | (M::Attribute, 5 | 10) | (M::SparseTensor, 1 | 2) => M::Tensor,
        (M::Graph, 15) | (M::Attribute, 22 | 23) => M::SparseTensor,
        (M::Graph, 11..=13) | (M::Function, 12) => M::ValueInfo,
        (M::Node, 5) | (M::Function, 11) => M::Attribute,
        (M::ValueInfo, 2) | (M::Attribute, 14 | 15) => M::Type,
        (M::Type, 1 | 8) => M::TensorType,
        (M::TensorType, 2) => M::Shape,
        (M::Tensor, 1 | 5 | 7 | 11) | (M::SparseTensor, 3) | (M::Attribute, 8) | (M::Leaf, _) => return Field::Numbers,
        (M::Tensor, 4 | 9 | 10) | (M::Attribute, 4 | 7) => return Field::Other,
        _ => M::Leaf,
    };
    Field::Message(inner)
}

/// Refuses bytes that are too many for a model, or would take much more memory than a model of their size.
pub(super) fn check_size(bytes: &[u8]) -> Result<(), OnnxError> {
    let length = bytes.len() as u64;
    if length > LARGEST_MODEL {
        return Err(OnnxError::new(
            "is larger than 2 GiB, which no ONNX file can be; save its weights as external data",
        ));
    }
    let most = ALLOWANCE + 4 * length;
    if estimate(bytes, most) > most {
        return Err(OnnxError::new("is no sound model: a few bytes of it stand for more memory than a model takes"));
    }
    Ok(())
}

/// About how many bytes the decoded messages take, counted until they are more than `most`; a broken message counts up to
/// where it breaks.
fn estimate(bytes: &[u8], most: u64) -> u64 {
    let mut estimate = 0_u64;
    let mut open = vec![(Message::Model, bytes)];
    while let Some((message, mut rest)) = open.pop() {
        while estimate <= most
            && let Ok((tag, wire_type)) = decode_key(&mut rest)
        {
            if wire_type != WireType::LengthDelimited {
                estimate += 8;
                if skip_field(wire_type, tag, &mut rest, DecodeContext::default()).is_err() {
                    break;
                }
                continue;
            }
            let Some(part) = length_delimited(&mut rest) else { break };
            estimate += match field(message, tag) {
                Field::Message(inner) => {
                    open.push((inner, part));
                    size_of::<AttributeProto>() as u64
                }
                Field::Numbers => 32 + 8 * part.len() as u64,
                Field::Other => 32 + part.len() as u64,
            };
        }
    }
    estimate
}

fn length_delimited<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(decode_varint(rest).ok()?).ok()?;
    let (part, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_attributes_of_two_bytes_each_are_refused() {
        // 8 MiB of attributes in a node in a graph, each message with its length in front.
        let wrap = |tag: u8, inner: &[u8]| {
            let mut outer = vec![tag << 3 | 2];
            prost::encoding::encode_varint(inner.len() as u64, &mut outer);
            outer.extend_from_slice(inner);
            outer
        };
        let attributes: Vec<u8> = [5 << 3 | 2, 0].repeat(4 << 20);
        let model = wrap(7, &wrap(1, &attributes));
        assert!(check_size(&model).is_err());
        assert!(check_size(&model[..1 << 16]).is_ok());
    }

    #[test]
    fn weights_count_once() {
        let mut tensor = vec![9 << 3 | 2];
        prost::encoding::encode_varint(1 << 20, &mut tensor);
        tensor.resize(tensor.len() + (1 << 20), 0);
        let mut graph = vec![5 << 3 | 2];
        prost::encoding::encode_varint(tensor.len() as u64, &mut graph);
        graph.extend_from_slice(&tensor);
        let mut model = vec![7 << 3 | 2];
        prost::encoding::encode_varint(graph.len() as u64, &mut model);
        model.extend_from_slice(&graph);
        let estimate = estimate(&model, u64::MAX);
        assert!((1 << 20..(1 << 20) + 4096).contains(&estimate), "{estimate}");
    }
}
