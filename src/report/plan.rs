//! Plans as tables: those that were built, and the layers of one.

use super::table::{Align, Table};

/// A plan as a row of the table of built ones.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanRow {
    /// Short name of the network.
    pub network: String,
    /// The plan's file name without its extension.
    pub engine: String,
    /// Layers on the GPU, on the DLA, and those of which nothing is said.
    pub n_layers: [usize; 3],
    /// Layers that fell back to the GPU.
    pub n_fallbacks: usize,
    /// Size in bytes.
    pub bytes: u64,
    /// Time of the build in seconds.
    pub seconds: f64,
    /// Peak of memory during the build, MiB.
    pub peak_mib: Option<f64>,
    /// Whether it was built.
    pub state: String,
}

/// A layer of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlacedLayer {
    /// TensorRT 7.1 index.
    pub layer: usize,
    /// The layer's name.
    pub name: String,
    /// Where it was to run.
    pub requested: String,
    /// Where it runs; empty where nothing is said of it.
    pub placed: String,
    /// What runs it in the engine.
    pub engine_layer: String,
}

/// The plans that a command built or found.
pub fn built_plans(rows: &[PlanRow]) -> String {
    let mut table = Table::new(&[
        ("Network", Align::Left),
        ("Engine", Align::Left),
        ("On GPU", Align::Right),
        ("On DLA", Align::Right),
        ("Unsaid", Align::Right),
        ("Fell back", Align::Right),
        ("Plan [MiB]", Align::Right),
        ("Build [s]", Align::Right),
        ("Peak [MiB]", Align::Right),
        ("State", Align::Left),
    ]);
    for row in rows {
        let [gpu, dla, unsaid] = row.n_layers.map(|count| count.to_string());
        table.row([
            row.network.clone(),
            row.engine.clone(),
            gpu,
            dla,
            unsaid,
            row.n_fallbacks.to_string(),
            mebibytes(row.bytes),
            format!("{:.2}", row.seconds),
            row.peak_mib.map_or_else(|| "-".to_owned(), |peak| format!("{peak:.0}")),
            row.state.clone(),
        ]);
    }
    table.to_string()
}

/// Where every layer of a plan runs.
pub fn placed_layers(layers: &[PlacedLayer]) -> String {
    let mut table = Table::new(&[
        ("Layer", Align::Right),
        ("Name", Align::Left),
        ("Asked", Align::Left),
        ("Runs on", Align::Left),
        ("As part of", Align::Left),
    ]);
    for layer in layers {
        let PlacedLayer { layer, name, requested, placed, engine_layer } = layer.clone();
        let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
        table.row([layer.to_string(), name, requested, or_dash(placed), or_dash(engine_layer)]);
    }
    table.to_string()
}

/// Bytes in MiB, two decimals.
pub fn mebibytes(bytes: u64) -> String {
    format!("{:.2}", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_listed_with_what_fell_back() {
        let row = PlanRow {
            network: "alexnet".into(),
            engine: "alexnet_dla_transition_at_-1".into(),
            n_layers: [1, 20, 0],
            n_fallbacks: 1,
            bytes: 3 << 19,
            seconds: 0.256,
            peak_mib: None,
            state: "built".into(),
        };
        let expected = "\
Network  Engine                        On GPU  On DLA  Unsaid  Fell back  Plan [MiB]  Build [s]  Peak [MiB]  State
alexnet  alexnet_dla_transition_at_-1       1      20       0          1        1.50       0.26           -  built
";
        assert_eq!(built_plans(&[row]), expected);
    }

    #[test]
    fn layers_of_which_nothing_is_said_have_dashes() {
        let layer = PlacedLayer {
            layer: 3,
            name: "pool1".into(),
            requested: "dla".into(),
            placed: String::new(),
            engine_layer: String::new(),
        };
        assert_eq!(
            placed_layers(&[layer]),
            "Layer  Name   Asked  Runs on  As part of\n    3  pool1  dla    -        -\n"
        );
    }
}
