//! Caffe's network files: prototxt text to a [`Network`] with TensorRT 7.1's layer indices and Caffe's shapes.
//!
//! One layer of the file is one layer here, in file order, except that `Input` layers, `Dropout`, `Flatten` and `Split`
//! have no index: their tops are other names for their bottoms. What `include` and `exclude` leave out of the TEST
//! phase is skipped, because that is the phase in which Caffe runs inference. (TensorRT's parser ignores such rules and
//! skips layers with `phase: TEST`; deploy files have neither.) A type of which TensorRT would make several layers is
//! refused: the indices after it would not be TensorRT's.

mod block;
mod build;
mod definition;
mod operation;
mod pointwise;
mod rearrange;
mod schema;
mod window;

use super::{Network, NetworkError, text};

/// Reads a deploy prototxt. `name` is what users call the network, `title` what people read.
///
/// # Errors
/// Anything that Caffe or TensorRT 7.1's Caffe parser would refuse, as one sentence with line and column; also what
/// they would let pass in silence and then run differently from what the file says (an unknown field, for one).
pub fn parse(text: &str, name: &str, title: &str) -> Result<Network, NetworkError> {
    let file = text::parse(text)?;
    let definition = definition::read(&file)?;
    build::build(&definition, name, title)
}
