//! What an engine consists of: `--exportLayerInfo`.

use serde_json::Value;

use super::error::ReadError;
use super::generation::{Generation, Version};

/// The layers of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerInformation {
    /// Which TensorRT may have written it.
    pub generation: Generation,
    /// Layers in the order in which they run.
    pub layers: Vec<EngineLayerInfo>,
    /// Inputs and outputs.
    pub bindings: Vec<String>,
}

/// One layer of an engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineLayerInfo {
    /// TensorRT's name of it.
    pub name: String,
    /// Its type; `None` where the engine was built without `--profilingVerbosity=detailed`, which leaves names only.
    pub kind: Option<String>,
}

/// Reads `--exportLayerInfo`: an object with `Layers`, each a name or an object with `Name`.
pub(super) fn read(text: &str) -> Result<LayerInformation, ReadError> {
    let document: Value = serde_json::from_str(text)
        .map_err(|error| ReadError::at(error.line(), "JSON", format!("a fault ({error})")))?;
    let list = |key: &str| document.get(key).and_then(Value::as_array);
    let Some(layers) = list("Layers") else {
        return Err(ReadError::at(1, "an object with a list `Layers`", "JSON without it"));
    };
    let layers = layers.iter().enumerate().map(|(idx, value)| {
        layer(value).ok_or_else(|| ReadError::at(1, "layers with names", format!("`Layers[{idx}]` without one")))
    });
    let names = |values: &Vec<Value>| values.iter().filter_map(Value::as_str).map(str::to_owned).collect();
    Ok(LayerInformation {
        generation: Generation::since(Version(8, 2)),
        layers: layers.collect::<Result<_, _>>()?,
        bindings: list("Bindings").map(names).unwrap_or_default(),
    })
}

fn layer(value: &Value) -> Option<EngineLayerInfo> {
    if let Some(name) = value.as_str() {
        return Some(EngineLayerInfo { name: name.to_owned(), kind: None });
    }
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(EngineLayerInfo { name: text("Name")?, kind: text("LayerType") })
}
