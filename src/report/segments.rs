//! What parts of networks that run as models take, as tables.

use std::fmt::Write as _;

use super::{Align, Table};
use crate::network::Network;
use crate::platform::Platform;
use crate::profile::{SegmentCosts, SegmentTimes, SegmentedNetwork, handover_line};

/// The table of layer groups on every accelerator, with what all of them take and what starting a part costs.
pub fn layers(network: &Network, platform: &Platform, segmented: &SegmentedNetwork) -> String {
    let names: Vec<String> = segmented.times.iter().map(|times| times.accelerator.to_uppercase()).collect();
    let mut headings = vec![("Layer group".to_owned(), Align::Left)];
    headings.extend(names.iter().map(|name| (format!("{name} [ms]"), Align::Right)));
    headings.extend(names.iter().map(|name| (format!("{name} demand [GB/s]"), Align::Right)));
    let headings: Vec<(&str, Align)> = headings.iter().map(|(heading, align)| (&**heading, *align)).collect();
    let mut table = Table::new(&headings);
    let costs: Vec<SegmentCosts> = segmented.times.iter().map(SegmentTimes::costs).collect();
    let demands: Vec<_> =
        (0..segmented.times.len()).map(|idx| segmented.group_demands(network, platform, idx)).collect();
    for (group, layers) in segmented.groups.iter().enumerate() {
        let times = costs.iter().map(|costs| format!("{:.3}", costs.work[group].0));
        let demands = demands.iter().map(|demands| format!("{:.1}", demands[group].value.0));
        table.row([layers.to_string()].into_iter().chain(times).chain(demands));
    }
    let whole = segmented.times.iter().map(|times| match times.whole() {
        Some(whole) => whole
            .half_width
            .map_or_else(|| format!("{:.3}", whole.value.0), |half| format!("{:.3} +- {:.3}", whole.value.0, half.0)),
        None => "-".to_owned(),
    });
    table.row(["all, as one".to_owned()].into_iter().chain(whole));
    let launch = costs.iter().map(|costs| format!("{:.3}", costs.launch.0));
    table.row(["start of a part".to_owned()].into_iter().chain(launch));
    format!("\n{}\n{table}", network.title)
}

/// What entering an accelerator before each group costs, beyond the start of a part, and what handing over costs.
pub fn transitions(network: &Network, platform: &Platform, segmented: &SegmentedNetwork) -> String {
    let names: Vec<String> =
        segmented.times.iter().map(|times| format!("into {} [ms]", times.accelerator.to_uppercase())).collect();
    let mut headings = vec![("Before layer group", Align::Left)];
    headings.extend(names.iter().map(|name| (&**name, Align::Right)));
    let mut table = Table::new(&headings);
    let costs: Vec<SegmentCosts> = segmented.times.iter().map(SegmentTimes::costs).collect();
    for (group, layers) in segmented.groups.iter().enumerate().skip(1) {
        let cells = costs.iter().map(|costs| format!("{:.3}", costs.entry[group].0));
        table.row([layers.to_string()].into_iter().chain(cells));
    }
    let mut text = format!("\n{}: entering, by parts\n{table}", network.title);
    for accelerator in &platform.accelerators {
        let to = accelerator.name.to_uppercase();
        let measured = segmented.handovers.iter().filter(|it| it.to == accelerator.name);
        let points: Vec<String> = measured
            .map(|it| {
                let (layers, from) = (segmented.groups[it.group], it.from.to_uppercase());
                format!("before {layers} from {from} {:.4} ms of {:.3} MiB", it.cost.0, it.crossing.mebibytes())
            })
            .collect();
        if let Some((fixed, per_mib)) = handover_line(&segmented.handovers, &accelerator.name) {
            let line = format!("{:.4} ms + {:.4} ms/MiB", fixed.0, per_mib.0);
            // Writing to a string can't fail.
            let _ = writeln!(text, "Handing over to {to}: {line} ({})", points.join("; "));
        }
    }
    text
}
