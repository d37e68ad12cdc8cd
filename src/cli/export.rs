//! `haxconn export`: a network as an ONNX model that any runtime takes.

use std::path::Path;

use anyhow::anyhow;

use super::args::ExportArguments;
use super::failure::Failure;
use super::{inputs, output};
use crate::artifact::{self, Found};
use crate::group::LayerRange;
use crate::network::Network;
use crate::network::onnx::{self, InputShape, Model};

pub(super) fn run(arguments: &ExportArguments) -> Result<(), Failure> {
    let (found, model) = shaped_model(&arguments.dnns, arguments.seed, &arguments.shapes)?;
    for remark in inputs::announce("network", &found) {
        output::note(arguments.quiet, &format!("note: {remark}"));
    }
    let n_layers = found.value.layers.len();
    let (first, last) = arguments.layers.unwrap_or((0, n_layers - 1));
    if last >= n_layers {
        return Err(Failure::usage(format!(
            "`--layers {first}-{last}`: the last layer of `{}` is {}",
            found.value.name,
            n_layers - 1
        )));
    }
    let refused = |error: onnx::OnnxError| anyhow!("`{}`: {error}", found.value.name);
    let proto =
        if arguments.layers.is_some() { onnx::cut(&model, first..last + 1).map_err(refused)? } else { model.proto };
    let bytes = onnx::encode(&proto).map_err(refused)?;
    artifact::write_bytes(&arguments.out, &bytes)?;
    let mebibytes = bytes.len() as f64 / f64::from(1 << 20);
    let wrote = format!("wrote {} ({} layers, {mebibytes:.1} MiB)", arguments.out.display(), last + 1 - first);
    output::note(arguments.quiet, &wrote);
    Ok(())
}

/// The bytes of the model of consecutive layers of `network`, whose model is `model`.
pub(super) fn part(network: &Network, model: &Model, layers: LayerRange) -> Result<Vec<u8>, Failure> {
    let refused = |error: onnx::OnnxError| anyhow!("`{}`, layers {layers}: {error}", network.name);
    if layers.first == 0 && layers.last == network.layers.len() {
        return Ok(onnx::encode(&model.proto).map_err(refused)?);
    }
    let part = onnx::cut(model, layers.first..layers.last).map_err(refused)?;
    Ok(onnx::encode(&part).map_err(refused)?)
}

/// The network that `name` means and its model: the file's own with its weights, or one with weights of `seed`.
pub(super) fn model(name: &str, seed: u64) -> Result<(Found<Network>, Model), Failure> {
    shaped_model(name, seed, &[])
}

fn shaped_model(name: &str, seed: u64, shapes: &[InputShape]) -> Result<(Found<Network>, Model), Failure> {
    let path = Path::new(name);
    if inputs::is_file_name(name) && inputs::is_onnx(path) {
        let mut imported = artifact::read_onnx(path, shapes)?;
        artifact::embed_external_data(&mut imported.model, path)?;
        return Ok((inputs::found_model(path, &imported.network, imported.notes), imported.model));
    }
    if !shapes.is_empty() {
        return Err(Failure::usage(format!("`--shapes`: `{name}` is no ONNX model, and leaves no side open")));
    }
    let found = inputs::network(name)?;
    let model = onnx::export(&found.value, seed).map_err(|error| anyhow!("{}: {error}", found.origin))?;
    Ok((found, model))
}
