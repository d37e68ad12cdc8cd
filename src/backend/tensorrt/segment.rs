//! What an engine of some layers of a network shares with the engines of its other layers, by name: decided from the network
//! alone, before anything is built.

use crate::engine::EngineSpec;
use crate::group::LayerRange;
use crate::network::{Network, TensorId};

/// Inputs and outputs of an engine by their names, which are the same in every engine of the network.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SegmentTensors {
    /// What it reads of the network's own inputs.
    pub inputs: Vec<String>,
    /// What it reads of other layers.
    pub read: Vec<String>,
    /// What it writes, for other layers or as the network's outputs.
    pub written: Vec<String>,
}

/// An input or output of a loaded engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineIo {
    /// Its name.
    pub name: String,
    /// Whether it is an input.
    pub input: bool,
    /// Bytes that it takes in device memory.
    pub bytes: u64,
}

/// An engine has other inputs or outputs than its network says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IoFault {
    /// One that nobody fills or reads.
    #[error("the engine has {kind} `{tensor}`, which its layers don't have")]
    Unexpected {
        /// `an input` or `an output`.
        kind: &'static str,
        /// Its name.
        tensor: String,
    },
    /// One that another engine, or somebody outside, waits for.
    #[error("the engine has no {kind} `{tensor}`, which its layers have")]
    Missing {
        /// `input` or `output`.
        kind: &'static str,
        /// Its name.
        tensor: String,
    },
}

impl SegmentTensors {
    /// Whether `name` is one of the network's own inputs, which nobody computes.
    pub fn is_made_up(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| input == name)
    }

    /// Refuses a loaded engine that can't be bound: one whose inputs and outputs, `io`, are others than these. An input of the
    /// network that nothing reads may be missing.
    pub fn check(&self, io: &[EngineIo]) -> Result<(), IoFault> {
        let expects = |io: &&EngineIo| {
            let outputs = &self.written;
            if io.input {
                self.is_made_up(&io.name) || self.read.contains(&io.name)
            } else {
                outputs.contains(&io.name)
            }
        };
        if let Some(EngineIo { name, input, .. }) = io.iter().find(|io| !expects(io)) {
            let kind = if *input { "an input" } else { "an output" };
            return Err(IoFault::Unexpected { kind, tensor: name.clone() });
        }
        for (kind, is_input, names) in [("input", true, &self.read), ("output", false, &self.written)] {
            let is_there = |name: &&String| io.iter().any(|io| io.input == is_input && io.name == **name);
            if let Some(tensor) = names.iter().find(|name| !is_there(name)) {
                return Err(IoFault::Missing { kind, tensor: tensor.clone() });
            }
        }
        Ok(())
    }
}

/// The tensors that the engine `spec` of `network` has outside.
pub fn segment_tensors(network: &Network, spec: &EngineSpec) -> SegmentTensors {
    let layers = layers_of(network, spec);
    let name = |id: TensorId| outside_name(network, id).to_owned();
    let is_own = |id: &TensorId| network.tensor(*id).producer.is_none();
    let (inputs, read) = read_from_outside(network, layers).into_iter().partition(is_own);
    let named = |ids: Vec<TensorId>| ids.into_iter().map(name).collect();
    SegmentTensors {
        inputs: named(inputs),
        read: named(read),
        written: named(wanted_outside(network, layers, spec.marked())),
    }
}

/// The network's own outputs, with their numbers of elements.
pub fn outputs(network: &Network) -> Vec<(String, u64)> {
    let all = LayerRange { first: 0, last: network.layers.len() };
    let output = |id| (outside_name(network, id).to_owned(), network.tensor(id).shape.elements());
    wanted_outside(network, all, None).into_iter().map(output).collect()
}

/// The layers that are in an engine.
pub(super) fn layers_of(network: &Network, spec: &EngineSpec) -> LayerRange {
    spec.segment().unwrap_or(LayerRange { first: 0, last: network.layers.len() })
}

/// What a tensor is called outside an engine: as the layer that makes it, or as the network's input. In-place layers give
/// several tensors one name of their own.
pub(super) fn outside_name(network: &Network, id: TensorId) -> &str {
    let tensor = network.tensor(id);
    tensor.producer.map_or(&tensor.name, |producer| &network.layers[producer].name)
}

/// Tensors that `layers` read and don't write. Every input of the network is one of an engine of all layers, read or not.
pub(super) fn read_from_outside(network: &Network, layers: LayerRange) -> Vec<TensorId> {
    let is_whole = layers == LayerRange { first: 0, last: network.layers.len() };
    let is_read = |id: &TensorId| reads(network, layers.first..layers.last, *id);
    let is_own = |id: &TensorId| network.tensor(*id).producer.is_some_and(|producer| producer >= layers.first);
    let ids = (0..network.tensors.len()).map(TensorId).filter(|id| !is_own(id));
    ids.filter(|id| is_whole && network.tensor(*id).producer.is_none() || is_read(id)).collect()
}

/// Tensors that `layers` write and that something else reads, or nothing at all; and the marked layer's.
pub(super) fn wanted_outside(network: &Network, layers: LayerRange, marked: Option<usize>) -> Vec<TensorId> {
    let n_layers = network.layers.len();
    let is_written =
        |id: &TensorId| network.tensor(*id).producer.is_some_and(|it| (layers.first..layers.last).contains(&it));
    let is_wanted = |id: &TensorId| {
        let is_marked = marked.is_some() && network.tensor(*id).producer == marked;
        !reads(network, 0..n_layers, *id) || reads(network, layers.last..n_layers, *id) || is_marked
    };
    (0..network.tensors.len()).map(TensorId).filter(|id| is_written(id) && is_wanted(id)).collect()
}

fn reads(network: &Network, mut layers: std::ops::Range<usize>, id: TensorId) -> bool {
    layers.any(|layer| network.layers[layer].bottoms.contains(&id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Device, Variant};
    use crate::group::legal_cuts;
    use crate::network::{caffe, catalog};

    fn network(name: &str) -> Network {
        let entry = catalog::find(name).unwrap();
        caffe::parse(entry.text, entry.name, entry.title).unwrap()
    }

    fn tensors(network: &Network, variant: Variant) -> SegmentTensors {
        let spec = EngineSpec { network: network.name.clone(), start: Device::Gpu, variant, dla_core: 0 };
        segment_tensors(network, &spec)
    }

    fn check(network: &Network, variant: Variant, [inputs, read, written]: [&[&str]; 3]) {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let expected = SegmentTensors { inputs: owned(inputs), read: owned(read), written: owned(written) };
        assert_eq!(tensors(network, variant), expected);
    }

    #[test]
    fn engines_of_some_layers_read_what_those_before_write() {
        let network = network("googlenet");
        let segment = |first, last| Variant::Segment(LayerRange { first, last });
        check(&network, Variant::Transition(None), [&["data"], &[], &["prob"]]);
        check(&network, Variant::Transition(Some(38)), [&["data"], &[], &["prob"]]);
        check(&network, Variant::Mark(Some(0)), [&["data"], &[], &["conv1/7x7_s2", "prob"]]);
        check(&network, segment(0, 10), [&["data"], &[], &["pool2/3x3_s2"]]);
        check(&network, segment(10, 24), [&[], &["pool2/3x3_s2"], &["inception_3a/output"]]);
        check(&network, segment(140, 141), [&[], &["loss3/classifier"], &["prob"]]);
    }

    #[test]
    fn a_loaded_engine_has_what_its_layers_have() {
        let io = |name: &str, input| EngineIo { name: name.to_owned(), input, bytes: 4 };
        let names = |names: [&str; 1]| names.map(str::to_owned).to_vec();
        let tensors = SegmentTensors { inputs: names(["data"]), read: names(["pool"]), written: names(["prob"]) };
        let check = |found: &[EngineIo]| tensors.check(found).map_err(|fault| fault.to_string());
        assert_eq!(check(&[io("data", true), io("pool", true), io("prob", false)]), Ok(()));
        assert_eq!(check(&[io("pool", true), io("prob", false)]), Ok(()));
        let refuses = |found: &[EngineIo], words: &str| assert_eq!(check(found), Err(words.to_owned()));
        refuses(&[io("pool", true)], "the engine has no output `prob`, which its layers have");
        refuses(&[io("data", true), io("prob", false)], "the engine has no input `pool`, which its layers have");
        refuses(&[io("other", true)], "the engine has an input `other`, which its layers don't have");
        refuses(&[io("pool", false)], "the engine has an output `pool`, which its layers don't have");
    }

    #[test]
    fn at_every_legal_cut_of_every_network_one_tensor_passes() {
        for entry in &catalog::ENTRIES {
            let network = network(entry.name);
            for cut in legal_cuts(&network) {
                let range = |first, last| Variant::Segment(LayerRange { first, last });
                let before = tensors(&network, range(0, cut.layer));
                let after = tensors(&network, range(cut.layer, network.layers.len()));
                assert_eq!(before.written, after.read, "{} at {}", entry.name, cut.layer);
                assert_eq!((after.read.len(), after.inputs.len()), (1, 0), "{} at {}", entry.name, cut.layer);
            }
        }
    }
}
