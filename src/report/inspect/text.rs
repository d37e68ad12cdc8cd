//! An inspection as text: a summary line, tables with units in their headings, and sentences on what can't run.

use std::fmt::Write;

use crate::group::LayerGroup;
use crate::network::Shape;
use crate::report::table::Align::{self, Left, Right};
use crate::report::table::Table;

use super::{AcceleratorView, Inspection, UnsupportedLayer};

/// Layers of the same kind of refusal that are named one by one; of more, the first ones and the count are shown.
const NAMED_LAYERS: usize = 8;

/// The whole inspection; `with_layers` adds the table of layers.
pub fn text(inspection: &Inspection, with_layers: bool) -> String {
    let mut out = format!("{}\n", summary(inspection));
    if with_layers {
        let _ = write!(out, "\nLayers\n{}", layers_table(inspection));
    }
    let _ = write!(out, "\nLegal cuts: {}\n{}", inspection.cuts.len(), cuts_table(inspection));
    let _ = write!(out, "\nGroups: {}\n{}", inspection.groups.len(), groups_table(inspection));
    let _ = write!(out, "\n{}", accelerators_text(inspection));
    out
}

/// One line: the network's size and the platform that everything else speaks of.
pub fn summary(inspection: &Inspection) -> String {
    format!(
        "{}: {} layers, {:.3} GMAC, {:.2} M parameters; on {}",
        inspection.title,
        inspection.layers.len(),
        inspection.macs() as f64 / 1e9,
        inspection.weights() as f64 / 1e6,
        inspection.platform
    )
}

/// Every layer: index, name, type, output, work, parameters, who runs it.
pub fn layers_table(inspection: &Inspection) -> String {
    let rows = inspection.layers.iter().enumerate().map(|(index, layer)| {
        let refused = |name: &str| layer.unsupported.iter().any(|(accelerator, _)| accelerator == name);
        let names = inspection.accelerators.iter().map(|accelerator| accelerator.name.as_str());
        vec![
            index.to_string(),
            layer.name.clone(),
            layer.kind.clone(),
            shape(layer.output),
            mebibytes(layer.output.elements() * 2),
            format!("{:.1}", layer.macs as f64 / 1e6),
            format!("{:.1}", layer.weights as f64 / 1e3),
            names.filter(|name| !refused(name)).collect::<Vec<_>>().join(" "),
        ]
    });
    let headings = [
        ("#", Right),
        ("layer", Left),
        ("type", Left),
        ("output", Right),
        ("[MiB]", Right),
        ("[MMAC]", Right),
        ("weights [k]", Right),
        ("runs on", Left),
    ];
    table(&headings, rows)
}

/// Every legal cut: the first layer after it, what crosses, and how much of the work lies before.
pub fn cuts_table(inspection: &Inspection) -> String {
    let total = inspection.macs().max(1);
    let rows = inspection.cuts.iter().map(|cut| {
        vec![
            cut.layer.to_string(),
            inspection.layers[cut.layer].name.clone(),
            cut.tensor.clone(),
            shape(cut.shape),
            mebibytes(cut.crossing.0),
            format!("{:.1}", 100.0 * cut.macs_before as f64 / total as f64),
        ]
    });
    let headings = [
        ("cut before", Right),
        ("layer", Left),
        ("crossing tensor", Left),
        ("shape", Right),
        ("FP16 [MiB]", Right),
        ("MACs before [%]", Right),
    ];
    table(&headings, rows)
}

/// Every group: its layers, work, bytes, what it takes in, and who runs it.
pub fn groups_table(inspection: &Inspection) -> String {
    let total = inspection.macs().max(1);
    let rows = inspection.groups.iter().enumerate().map(|(index, group)| {
        vec![
            (index + 1).to_string(),
            group.layers.to_string(),
            format!("{:.1}", group.macs as f64 / 1e6),
            format!("{:.1}", 100.0 * group.macs as f64 / total as f64),
            mebibytes(group.weights.0),
            mebibytes(group.activations.0),
            mebibytes(group.crossing_in.0),
            runners(group),
        ]
    });
    let headings = [
        ("group", Right),
        ("layers", Right),
        ("[MMAC]", Right),
        ("[%]", Right),
        ("weights [MiB]", Right),
        ("tensors [MiB]", Right),
        ("input [MiB]", Right),
        ("runs on", Left),
    ];
    table(&headings, rows)
}

fn runners(group: &LayerGroup) -> String {
    let running = group.support.iter().filter(|support| support.blocked_by.is_none());
    let names: Vec<&str> = running.map(|support| support.accelerator.as_str()).collect();
    names.join(" ") + if group.tail { " (tail)" } else { "" }
}

/// For each accelerator, what it can't run and why, what splits its graph, and its loadables against the limit.
pub fn accelerators_text(inspection: &Inspection) -> String {
    inspection.accelerators.iter().map(|accelerator| accelerator_text(accelerator, inspection.layers.len())).collect()
}

fn accelerator_text(accelerator: &AcceleratorView, n_layers: usize) -> String {
    let name = &accelerator.name;
    let unsupported = &accelerator.unsupported;
    if unsupported.is_empty() && accelerator.max_loadables.is_none() {
        return format!("{name} runs every layer.\n");
    }
    let mut out = match unsupported.len() {
        0 => format!("{name} runs every layer.\n"),
        n => format!("{name} can't run {n} of {n_layers} layers:\n"),
    };
    for (reason, layers) in by_reason(unsupported) {
        for layer in layers.iter().take(NAMED_LAYERS) {
            let splits = if layer.splits { "; it splits the graph" } else { "" };
            let _ = writeln!(out, "  layer {} (`{}`): {reason}{splits}", layer.layer, layer.name);
        }
        if layers.len() > NAMED_LAYERS {
            let rest = &layers[NAMED_LAYERS..];
            let n_splitting = rest.iter().filter(|layer| layer.splits).count();
            let _ = writeln!(out, "  and {} more: {reason}; {n_splitting} of them split the graph", rest.len());
        }
    }
    out + &loadables_line(accelerator)
}

/// The unsupported layers by reason, in the order in which reasons first occur.
fn by_reason(unsupported: &[UnsupportedLayer]) -> Vec<(&str, Vec<&UnsupportedLayer>)> {
    let mut reasons: Vec<(&str, Vec<&UnsupportedLayer>)> = Vec::new();
    for layer in unsupported {
        match reasons.iter_mut().find(|(reason, _)| *reason == layer.reason) {
            Some((_, layers)) => layers.push(layer),
            None => reasons.push((&layer.reason, vec![layer])),
        }
    }
    reasons
}

fn loadables_line(accelerator: &AcceleratorView) -> String {
    let pieces = match accelerator.n_loadables {
        1 => "1 loadable".to_string(),
        n => format!("{n} loadables"),
    };
    match accelerator.max_loadables {
        None => format!("  given the whole network, it gets {pieces}\n"),
        Some(limit) if accelerator.n_loadables <= limit as usize => {
            format!("  given the whole network, it gets {pieces} of at most {limit} on one core\n")
        }
        Some(limit) => format!(
            "  given the whole network, it would get {pieces}, more than the {limit} that one core holds: \
             the rest falls back to the GPU\n"
        ),
    }
}

fn shape(shape: Shape) -> String {
    format!("{}x{}x{}", shape.channels, shape.height, shape.width)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.3}", crate::units::Bytes(bytes).mebibytes())
}

/// The rows below their headings, as text.
fn table(headings: &[(&str, Align)], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new(headings);
    rows.into_iter().for_each(|row| table.row(row));
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn tables_have_units_in_headings_and_numbers_on_the_right() {
        let seen = example(&["conv", "relu", "pool", "softmax"]);
        let expected = "
group  layers  [MMAC]    [%]  weights [MiB]  tensors [MiB]  input [MiB]  runs on
    1     0-1     0.0  100.0          0.000          0.004        0.002  gpu dla
    2     2-2     0.0    0.0          0.000          0.004        0.002  gpu dla
    3     3-3     0.0    0.0          0.000          0.004        0.002  gpu (tail)
";
        assert_eq!(format!("\n{}", groups_table(&seen)), expected);
        let expected = "
cut before  layer     crossing tensor   shape  FP16 [MiB]  MACs before [%]
         2  pool2     relu1            16x8x8       0.002            100.0
         3  softmax3  pool2            16x8x8       0.002            100.0
";
        assert_eq!(format!("\n{}", cuts_table(&seen)), expected);
    }

    #[test]
    fn says_what_an_accelerator_cannot_run_and_what_splits_it() {
        let expected = "\
gpu runs every layer.
dla can't run 2 of 4 layers:
  layer 1 (`softmax1`): softmax is not supported; it splits the graph
  layer 3 (`softmax3`): softmax is not supported
  given the whole network, it would get 2 loadables, more than the 1 that one core holds: the rest falls back to the GPU
";
        assert_eq!(accelerators_text(&example(&["conv", "softmax", "conv", "softmax"])), expected);
    }

    #[test]
    fn many_layers_of_one_reason_are_counted_not_listed() {
        let words: Vec<&str> = ["conv", "softmax"].repeat(12);
        let said = accelerators_text(&example(&words));
        assert!(said.contains("  and 4 more: softmax is not supported; 3 of them split the graph\n"), "{said}");
    }

    #[test]
    fn the_layer_table_is_there_when_asked_for() {
        let seen = example(&["conv", "relu"]);
        assert!(!text(&seen, false).contains("\nLayers\n"));
        assert!(text(&seen, true).contains("0  conv0  Convolution  16x8x8"));
        assert!(text(&seen, true).starts_with("Net: 2 layers, 0.000 GMAC, 0.00 M parameters; on Jetson AGX Xavier\n"));
    }
}
