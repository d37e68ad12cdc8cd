//! Where an engine's layers ended up, beside where they were to run.

use super::{Device, EngineSpec};

/// One layer of a network in a built engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerPlacement {
    /// Where it was to run.
    pub requested: Device,
    /// Where it runs; `None` where nothing is said of it, because the builder removed it or folded it into another.
    pub placed: Option<Device>,
    /// Name of what runs it in the engine, often with other layers; empty where nothing is said of it.
    pub engine_layer: String,
}

/// Where every layer of a network ended up in an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// What said so, for people: `engine inspector`, `builder's log`, `simulator`.
    pub source: String,
    /// By layer index.
    pub layers: Vec<LayerPlacement>,
}

impl Placement {
    /// Everything as `spec` asks, for `n_layers` layers of which nothing is said yet.
    pub fn requested(spec: &EngineSpec, n_layers: usize, source: &str) -> Self {
        let layer =
            |layer| LayerPlacement { requested: spec.device_of(layer), placed: None, engine_layer: String::new() };
        Self { source: source.to_owned(), layers: (0..n_layers).map(layer).collect() }
    }

    /// Layers that were to run on the DLA and run on the GPU, ascending.
    pub fn fallbacks(&self) -> Vec<usize> {
        let fell = |layer: &LayerPlacement| layer.requested == Device::Dla && layer.placed == Some(Device::Gpu);
        (0..self.layers.len()).filter(|&idx| fell(&self.layers[idx])).collect()
    }

    /// Number of layers that run on `device`.
    pub fn n_on(&self, device: Device) -> usize {
        self.layers.iter().filter(|layer| layer.placed == Some(device)).count()
    }

    /// Number of layers of which nothing is said.
    pub fn n_unsaid(&self) -> usize {
        self.layers.iter().filter(|layer| layer.placed.is_none()).count()
    }
}
