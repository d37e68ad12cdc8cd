//! What a file declares: its inputs and the layers of the inference phase, not yet connected.

use super::block::Block;
use super::schema;
use crate::network::text::{Message, Value};
use crate::network::{NetworkError, Position, Shape};

/// The inputs and layers of a file.
pub(super) struct Definition<'m, 'a> {
    pub(super) inputs: Vec<Input<'m>>,
    pub(super) layers: Vec<RawLayer<'m, 'a>>,
}

/// A blob that the caller provides.
pub(super) struct Input<'m> {
    pub(super) blob: BlobName<'m>,
    pub(super) shape: Shape,
}

/// A blob's name and where it is written.
#[derive(Clone, Copy)]
pub(super) struct BlobName<'m> {
    pub(super) name: &'m str,
    pub(super) position: Position,
}

/// One layer of the file.
pub(super) struct RawLayer<'m, 'a> {
    pub(super) name: &'m str,
    /// Today's name of its type.
    pub(super) kind: &'m str,
    /// Where its name stands.
    pub(super) position: Position,
    pub(super) bottoms: Vec<BlobName<'m>>,
    pub(super) tops: Vec<BlobName<'m>>,
    /// Its fields.
    pub(super) block: Block<'m, 'a>,
}

impl<'m, 'a> RawLayer<'m, 'a> {
    /// An error at the layer's name.
    pub(super) fn error(&self, message: &str) -> NetworkError {
        self.block.error(self.position, message)
    }

    /// The parameter message of that name, which may have only the `known` fields.
    pub(super) fn parameters(&self, name: &str, known: &[&str]) -> Result<Block<'m, 'a>, NetworkError> {
        let block = self.block.message(name)?;
        block.allow(known)?;
        Ok(block)
    }
}

/// Reads a file's message.
pub(super) fn read<'m, 'a>(file: &'m Message<'a>) -> Result<Definition<'m, 'a>, NetworkError> {
    if file.fields.is_empty() {
        return Err(NetworkError::new(Position::START, "the file is empty: it holds no layers"));
    }
    let block = Block::new(file, None);
    block.allow(schema::NET)?;
    let mut inputs = top_level_inputs(&block)?;
    let mut layers = Vec::new();
    for field in file.fields.iter().filter(|field| field.name == "layer" || field.name == "layers") {
        let layer = read_layer(block.nested(field)?)?;
        if !runs_in_inference(&layer.block)? {
            continue;
        }
        if layer.kind == "Input" {
            inputs.extend(layer_inputs(&layer)?);
        } else {
            layers.push(layer);
        }
    }
    if layers.is_empty() {
        return Err(NetworkError::new(Position::START, "the file holds no layers that run in inference"));
    }
    if inputs.is_empty() {
        let message = "the network has no input: give it an `Input` layer, or `input` with four `input_dim`";
        return Err(NetworkError::new(Position::START, message));
    }
    Ok(Definition { inputs, layers })
}

fn read_layer<'m, 'a>(block: Block<'m, 'a>) -> Result<RawLayer<'m, 'a>, NetworkError> {
    let Some(field) = block.single("name")? else {
        return Err(block.error(block.position, "a layer here has no `name`"));
    };
    let name = block.string(field)?;
    let block = block.named(name, field.position);
    block.allow(schema::LAYER)?;
    let blobs = |which| {
        let blob = |field| Ok(BlobName { name: block.string(field)?, position: field.position });
        block.all(which).map(blob).collect::<Result<Vec<_>, NetworkError>>()
    };
    let (bottoms, tops) = (blobs("bottom")?, blobs("top")?);
    Ok(RawLayer { name, kind: read_type(&block)?, position: field.position, bottoms, tops, block })
}

fn read_type<'m>(block: &Block<'m, '_>) -> Result<&'m str, NetworkError> {
    let Some(field) = block.single("type")? else {
        return Err(block.error(block.position, "it has no `type`"));
    };
    match &field.value {
        Value::Text(text) => Ok(schema::modern_type(text)),
        Value::Word(word) => Ok(schema::modern_type(word)),
        _ => Err(block.error(field.position, "`type` must be a string such as `\"Convolution\"`")),
    }
}

/// Caffe's rule with the state of inference: phase TEST, level 0, no stage.
fn runs_in_inference(layer: &Block) -> Result<bool, NetworkError> {
    let rule_holds = |field| rule_holds(&layer.nested(field)?);
    let holding = |name| layer.all(name).map(rule_holds).collect::<Result<Vec<_>, NetworkError>>();
    let (included, excluded) = (holding("include")?, holding("exclude")?);
    let of_training = layer.choice("phase", PHASES, false)?;
    Ok(!of_training && !excluded.contains(&true) && (included.is_empty() || included.contains(&true)))
}

/// Caffe's phases; true for the one that inference doesn't run.
const PHASES: &[(&str, &str, bool)] = &[("TRAIN", "0", true), ("TEST", "1", false)];

fn rule_holds(rule: &Block) -> Result<bool, NetworkError> {
    rule.allow(&["phase", "min_level", "max_level", "stage", "not_stage"])?;
    let of_training = rule.choice("phase", PHASES, false)?;
    let level = rule.signed_or("min_level", 0)? <= 0 && rule.signed_or("max_level", 0)? >= 0;
    Ok(!of_training && level && rule.all("stage").next().is_none())
}

fn top_level_inputs<'m>(file: &Block<'m, '_>) -> Result<Vec<Input<'m>>, NetworkError> {
    let blob = |field| Ok(BlobName { name: file.string(field)?, position: field.position });
    let blobs = file.all("input").map(blob).collect::<Result<Vec<_>, NetworkError>>()?;
    let shapes = file.all("input_shape").map(|field| shape_message(&file.nested(field)?));
    let mut shapes = shapes.collect::<Result<Vec<_>, _>>()?;
    if shapes.is_empty() {
        shapes = input_dims(file)?;
    }
    if blobs.len() != shapes.len() {
        let position = blobs.first().map_or(file.position, |blob| blob.position);
        let message = format!("{} `input` with {} shapes: each needs one", blobs.len(), shapes.len());
        return Err(file.error(position, &message));
    }
    Ok(blobs.into_iter().zip(shapes).map(|(blob, shape)| Input { blob, shape }).collect())
}

fn input_dims(file: &Block) -> Result<Vec<Shape>, NetworkError> {
    let fields: Vec<_> = file.all("input_dim").collect();
    let dims = fields.iter().map(|field| file.positive(field)).collect::<Result<Vec<_>, _>>()?;
    let of_input = |(dims, field): (&[u64], _)| input_shape(file, field, dims);
    let positions = fields.iter().step_by(4).map(|field| field.position);
    dims.chunks(4).zip(positions).map(of_input).collect()
}

fn shape_message(shape: &Block) -> Result<Shape, NetworkError> {
    shape.allow(&["dim"])?;
    let dims = shape.all("dim").map(|field| shape.positive(field)).collect::<Result<Vec<_>, _>>()?;
    input_shape(shape, shape.position, &dims)
}

fn input_shape(block: &Block, position: Position, dims: &[u64]) -> Result<Shape, NetworkError> {
    let [_, channels, height, width] = *dims else {
        let message = format!("an input needs 4 dimensions (batch, channels, height, width), here are {}", dims.len());
        return Err(block.error(position, &message));
    };
    let shape = Shape::checked(channels, height, width);
    shape.ok_or_else(|| block.error(position, "the input has more than 2147483647 elements"))
}

fn layer_inputs<'m>(layer: &RawLayer<'m, '_>) -> Result<Vec<Input<'m>>, NetworkError> {
    let parameters = layer.parameters("input_param", &["shape"])?;
    let shapes = parameters.all("shape").map(|field| shape_message(&parameters.nested(field)?));
    let shapes = shapes.collect::<Result<Vec<_>, _>>()?;
    if layer.tops.is_empty() {
        return Err(layer.error("it has no `top`"));
    }
    let shape_of = |index| shapes.get(if shapes.len() == 1 { 0 } else { index });
    let inputs = layer.tops.iter().enumerate().map(|(index, blob)| {
        let shape = shape_of(index).ok_or_else(|| layer.error(&format!("`{}` has no shape", blob.name)))?;
        Ok(Input { blob: *blob, shape: *shape })
    });
    inputs.collect()
}
