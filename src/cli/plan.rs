//! `haxconn plan`: what a plan was made of, whether it is whole, and where its layers run.

use anyhow::bail;

use super::args::{Format, PlanArguments};
use super::failure::Failure;
use super::output;
use crate::artifact::{self, LayerField, PlanDescription};
use crate::backend::tensorrt;
use crate::report::plan::{self, PlacedLayer};

pub(super) fn run(arguments: &PlanArguments) -> Result<(), Failure> {
    let path = &arguments.plan;
    let description = artifact::read_plan_description(path)
        .map_err(|error| Failure::from(error).hint("`haxconn build-engines` writes a description beside every plan"))?;
    artifact::check_plan(path, &description)
        .and_then(|()| check_version(&path.display().to_string(), &description))
        .map_err(|error| Failure::from(error).hint("`haxconn build-engines` builds it anew"))?;
    match arguments.output.format {
        Format::Json => output::print(&description.to_json()?),
        Format::Text => output::print(&text(&description)),
    }
}

/// Refuses a plan that the TensorRT of this program can't load.
fn check_version(path: &str, description: &PlanDescription) -> anyhow::Result<()> {
    match (&description.inputs.tensorrt, tensorrt::compiled_for()) {
        (Some(of_plan), Some(here)) if *of_plan != here => {
            bail!("{path}: is a plan of {of_plan}, but this program was compiled for {here}")
        }
        _ => Ok(()),
    }
}

fn text(description: &PlanDescription) -> String {
    let PlanDescription { inputs, placement, .. } = description;
    let engine = &inputs.engine;
    let change = match (engine.transition, engine.mark) {
        (Some(layer), _) => format!(", on the other device from layer {layer}"),
        (None, Some(layer)) => format!(", the output of layer {layer} marked"),
        (None, None) => String::new(),
    };
    let built_by = inputs.tensorrt.as_deref().unwrap_or("the simulator");
    let mut lines = vec![
        format!("{} in {}, built by {built_by} for {}", inputs.network, inputs.precision, inputs.platform),
        format!("begins on {}{change}; DLA core {}", engine.start.to_uppercase(), engine.dla_core),
        format!("{} MiB, built in {:.2} s", plan::mebibytes(description.plan_bytes), description.build_seconds),
    ];
    let how = description.weights.as_deref().unwrap_or("not said how");
    lines.extend(inputs.weights_seed.map(|seed| format!("weights: seed {seed}, {how}")));
    lines.extend(description.calibration.iter().map(|calibration| format!("ranges: {calibration}")));
    lines.extend(description.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.push(format!("placement by the {}; {} layer(s) fell back", placement.source, description.fallbacks.len()));
    format!("{}\n\n{}", lines.join("\n"), plan::placed_layers(&placement.layers.iter().map(row).collect::<Vec<_>>()))
}

fn row(layer: &LayerField) -> PlacedLayer {
    PlacedLayer {
        layer: layer.layer,
        name: layer.name.clone(),
        requested: layer.requested.clone(),
        placed: layer.placed.clone().unwrap_or_default(),
        engine_layer: layer.engine_layer.clone(),
    }
}
