//! Connects layers through their blobs, in file order, and gives every layer its shape and cost.

use std::collections::HashMap;

use super::definition::{BlobName, Definition, Input, RawLayer};
use super::operation::{self, Operation};
use crate::network::{Layer, Network, NetworkError, Position, Shape, Tensor, TensorId, hash, nearest};

/// Builds the network that a definition describes.
pub(super) fn build(definition: &Definition, name: &str, title: &str) -> Result<Network, NetworkError> {
    let mut builder = Builder { layers_of_file: &definition.layers, ..Builder::default() };
    for input in &definition.inputs {
        builder.input(input)?;
    }
    for layer in &definition.layers {
        builder.layer(layer)?;
    }
    if builder.layers.is_empty() {
        return Err(NetworkError::new(Position::START, "the file holds no layers that compute anything"));
    }
    let (tensors, layers) = (builder.tensors, builder.layers);
    let content_hash = hash::content_hash(&tensors, &layers);
    Ok(Network { name: name.to_owned(), title: title.to_owned(), content_hash, tensors, layers })
}

#[derive(Default)]
struct Builder<'d, 'm, 'a> {
    layers_of_file: &'d [RawLayer<'m, 'a>],
    tensors: Vec<Tensor>,
    layers: Vec<Layer>,
    macs: u64,
    /// The newest tensor of each blob, and who wrote the blob first.
    blobs: HashMap<&'m str, (TensorId, String)>,
    layer_positions: HashMap<&'m str, Position>,
}

impl<'m> Builder<'_, 'm, '_> {
    fn input(&mut self, input: &Input<'m>) -> Result<(), NetworkError> {
        let BlobName { name, position } = input.blob;
        if self.blobs.contains_key(name) {
            return Err(NetworkError::new(position, format!("input `{name}` is declared twice")));
        }
        let id = self.tensor(name, input.shape, None);
        self.blobs.insert(name, (id, "the network's input".to_owned()));
        Ok(())
    }

    fn layer(&mut self, layer: &RawLayer<'m, '_>) -> Result<(), NetworkError> {
        if let Some(first) = self.layer_positions.insert(layer.name, layer.position) {
            return Err(layer.error(&format!("another layer has this name at {first}; times are kept by layer name")));
        }
        let bottoms = layer.bottoms.iter().map(|blob| self.bottom(layer, blob)).collect::<Result<Vec<_>, _>>()?;
        if matches!(layer.kind, "Dropout" | "Flatten" | "Split") {
            return self.alias(layer, &bottoms);
        }
        let shapes: Vec<Shape> = bottoms.iter().map(|id| self.tensors[id.0].shape).collect();
        let operation = operation::read(layer, &shapes)?;
        let Some(macs) = self.macs.checked_add(operation.macs) else {
            return Err(layer.error("the network has more multiply-accumulates than can be counted"));
        };
        self.macs = macs;
        self.push(layer, bottoms, operation)
    }

    fn push(&mut self, layer: &RawLayer<'m, '_>, bottoms: Vec<TensorId>, made: Operation) -> Result<(), NetworkError> {
        let [top] = layer.tops[..] else {
            return Err(layer.error(&format!("it has {} `top`, it must have one", layer.tops.len())));
        };
        let id = self.tensor(top.name, made.output, Some(self.layers.len()));
        self.write(layer, top, id)?;
        let Operation { kind, macs, weights, .. } = made;
        self.layers.push(Layer { name: layer.name.to_owned(), kind, bottoms, tops: vec![id], macs, weights });
        Ok(())
    }

    fn alias(&mut self, layer: &RawLayer<'m, '_>, bottoms: &[TensorId]) -> Result<(), NetworkError> {
        let [bottom] = *bottoms else {
            return Err(layer.error(&format!("it has {} `bottom`, it must have one", bottoms.len())));
        };
        if layer.tops.is_empty() {
            return Err(layer.error("it has no `top`"));
        }
        layer.tops.iter().try_for_each(|top| self.write(layer, *top, bottom))
    }

    fn tensor(&mut self, name: &str, shape: Shape, producer: Option<usize>) -> TensorId {
        self.tensors.push(Tensor { name: name.to_owned(), shape, producer });
        TensorId(self.tensors.len() - 1)
    }

    /// Makes `id` the newest tensor of a blob, which the layer must read too where it exists already.
    fn write(&mut self, layer: &RawLayer<'m, '_>, top: BlobName<'m>, id: TensorId) -> Result<(), NetworkError> {
        let in_place = layer.bottoms.iter().any(|bottom| bottom.name == top.name);
        if in_place && self.blobs.get(top.name).is_some_and(|(id, _)| self.tensors[id.0].producer.is_none()) {
            let message = format!("it works in place on the network's input `{}`, which TensorRT refuses", top.name);
            return Err(layer.block.error(top.position, &message));
        }
        if let Some((_, writer)) = self.blobs.get(top.name).filter(|_| !in_place) {
            let message = format!("it writes blob `{}`, which {writer} wrote before", top.name);
            return Err(layer.block.error(top.position, &message));
        }
        self.blobs.insert(top.name, (id, format!("layer `{}`", layer.name)));
        Ok(())
    }

    fn bottom(&self, layer: &RawLayer, blob: &BlobName) -> Result<TensorId, NetworkError> {
        if let Some((id, _)) = self.blobs.get(blob.name) {
            return Ok(*id);
        }
        let writes = |other: &&RawLayer| other.tops.iter().any(|top| top.name == blob.name);
        let message = if let Some(later) = self.layers_of_file.iter().find(writes) {
            format!(
                "it reads blob `{}`, which layer `{}` at {} writes only afterwards; layers stand in the order in which they run, so a cycle can't",
                blob.name, later.name, later.position
            )
        } else {
            let tops = self.layers_of_file.iter().flat_map(|layer| &layer.tops).map(|top| top.name);
            let hint = nearest::did_you_mean(blob.name, self.blobs.keys().copied().chain(tops));
            format!("it reads blob `{}`, which nothing writes{hint}", blob.name)
        };
        Err(layer.block.error(blob.position, &message))
    }
}
