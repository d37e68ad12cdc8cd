//! What `haxconn profile emc` prints: how busy each network keeps the memory, and the heat maps of the convolutions.

use std::fmt::Write as _;

use super::{Align, HeatMap, Table};
use crate::platform::Platform;
use crate::profile::emc::{EmcResult, EmcSummary};

/// The table of `results`, and a heat map of the largest samples for every accelerator that ran a characterised
/// convolution.
pub fn emc(platform: &Platform, results: &[EmcResult]) -> String {
    let columns = [
        ("Network", Align::Left),
        ("Input", Align::Left),
        ("Kernel", Align::Left),
        ("On", Align::Left),
        ("Max [%]", Align::Right),
        ("Mean [%]", Align::Right),
        ("p95 [%]", Align::Right),
        ("Samples", Align::Right),
        ("Clock [MHz]", Align::Right),
        ("Demand [GB/s]", Align::Right),
        ("Is", Align::Left),
    ];
    let mut table = Table::new(&columns);
    for result in results {
        table.row(row(result));
    }
    let title = format!("Use of the memory of {}\n", platform.title);
    let maps = emc_heat_maps(platform, results).into_iter().map(|map| format!("\n{}", map.text()));
    title + &table.to_string() + &remarks(results) + &maps.collect::<String>()
}

/// The heat maps of `results`, one for each accelerator in their order.
pub fn emc_heat_maps(platform: &Platform, results: &[EmcResult]) -> Vec<HeatMap> {
    let mut accelerators: Vec<&str> = Vec::new();
    for result in results {
        if !accelerators.contains(&&*result.accelerator) {
            accelerators.push(&result.accelerator);
        }
    }
    let map = |accelerator: &str| {
        let of_accelerator = results.iter().filter(|result| result.accelerator == accelerator);
        let cells = of_accelerator.filter_map(|result| Some((result.convolution?, result.summary.max)));
        let title = format!("Largest use of the memory [%], {} on {}", accelerator.to_uppercase(), platform.name);
        HeatMap::new(title, cells)
    };
    accelerators.into_iter().filter_map(map).collect()
}

fn row(result: &EmcResult) -> [String; 11] {
    let summary = &result.summary;
    let sides =
        |sides: Option<[u64; 2]>| sides.map_or_else(|| "-".to_owned(), |[rows, columns]| format!("{rows}x{columns}"));
    [
        result.network.clone(),
        sides(result.convolution.map(|convolution| convolution.input)),
        sides(result.convolution.map(|convolution| convolution.kernel)),
        result.accelerator.to_uppercase(),
        format!("{:.0}", summary.max.0),
        format!("{:.1}", summary.mean.0),
        format!("{:.0}", summary.p95.0),
        summary.n_samples.to_string(),
        clocks(summary),
        summary.demand.map_or_else(|| "-".to_owned(), |demand| format!("{:.1}", demand.0)),
        result.provenance.name().to_owned(),
    ]
}

fn clocks(summary: &EmcSummary) -> String {
    match &*summary.clocks {
        [] => "-".to_owned(),
        [clock] => clock.0.to_string(),
        [lowest, .., highest] => format!("{}-{}", lowest.0, highest.0),
    }
}

/// What is to be known before the numbers are used.
fn remarks(results: &[EmcResult]) -> String {
    let moved = results.iter().filter(|result| result.summary.clocks.len() > 1).count();
    let unknown = results.iter().filter(|result| result.summary.demand.is_none()).count();
    let mut remarks = String::new();
    // Writing to a string can't fail.
    if moved > 0 {
        let _ = writeln!(
            remarks,
            "\nThe memory's clock moved during {moved} run(s): their percentages are shares of different peaks, their \
             demand is not. `sudo jetson_clocks` holds it."
        );
    }
    if unknown > 0 {
        let _ = writeln!(
            remarks,
            "\n{unknown} run(s) without a demand: a sample has no clock, or the platform has no `emc_clock_mhz`."
        );
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::builtin;
    use crate::platform::Provenance;
    use crate::profile::emc::SingleConvolution;
    use crate::units::{GigabytesPerSecond, Megahertz, Percent};

    fn result(network: &str, clocks: &[u32], demand: Option<f64>) -> EmcResult {
        EmcResult {
            network: network.into(),
            convolution: SingleConvolution::named(network),
            accelerator: "gpu".into(),
            summary: EmcSummary {
                n_samples: 299,
                max: Percent(72.0),
                mean: Percent(70.25),
                p95: Percent(71.0),
                clocks: clocks.iter().copied().map(Megahertz).collect(),
                demand: demand.map(GigabytesPerSecond),
            },
            provenance: Provenance::Measured,
            samples: vec![],
        }
    }

    #[test]
    fn the_table_says_what_is_not_known_and_what_moved() {
        let results = [
            result("conv1_kernel3", &[2133], Some(96.2)),
            result("mine", &[1600, 1866, 2133], Some(80.0)),
            result("theirs", &[], None),
        ];
        let expected = "\
Use of the memory of NVIDIA Jetson AGX Xavier
Network        Input    Kernel  On   Max [%]  Mean [%]  p95 [%]  Samples  Clock [MHz]  Demand [GB/s]  Is
conv1_kernel3  224x112  3x3     GPU       72      70.2       71      299         2133           96.2  measured
mine           -        -       GPU       72      70.2       71      299    1600-2133           80.0  measured
theirs         -        -       GPU       72      70.2       71      299            -              -  measured

The memory's clock moved during 1 run(s): their percentages are shares of different peaks, their demand is not. \
`sudo jetson_clocks` holds it.

1 run(s) without a demand: a sample has no clock, or the platform has no `emc_clock_mhz`.

Largest use of the memory [%], GPU on xavier_agx
";
        let text = emc(&builtin::platform("xavier_agx").unwrap(), &results);
        assert!(text.starts_with(expected), "{text}");
    }
}
