//! Profiles as tables: layer groups, where each engine's time went, transitions.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::table::{Align, Table};
use crate::engine::EngineSpec;
use crate::group::LayerRange;
use crate::platform::{AcceleratorKind, Platform, Provenance};
use crate::profile::{
    Booking, Demand, DemandSource, EngineTimes, Estimate, GroupCost, LayerTimes, Measures, NetworkProfile,
    TrafficFigures, Transition, TransitionLine, TransitionTimes,
};
use crate::units::{Bytes, Milliseconds};

/// What stands where nothing is known.
const UNKNOWN: &str = "-";

/// The table of layer groups: times, their ratio, demands and 95 % intervals, with the sums of the columns.
pub fn layer_groups(times: &LayerTimes, demands: &[BTreeMap<String, Demand>], platform: &Platform) -> String {
    let mut table = Table::new(&[
        ("Layer group", Align::Left),
        ("GPU [ms]", Align::Right),
        ("DLA [ms]", Align::Right),
        ("D/G", Align::Right),
        ("GPU demand [GB/s]", Align::Right),
        ("DLA demand [GB/s]", Align::Right),
        ("GPU +- [ms]", Align::Right),
        ("DLA +- [ms]", Align::Right),
        ("", Align::Left),
    ]);
    for (group, demands) in times.groups.iter().zip(demands) {
        let demand = |kind| demand_cell(platform, demands, kind);
        let spans_zero = [group.gpu, group.dla].iter().flatten().any(Estimate::spans_zero);
        table.row([
            group.layers.to_string(),
            time_cell(group.gpu.map(|estimate| estimate.value)),
            time_cell(group.dla.map(|estimate| estimate.value)),
            ratio_cell(group.gpu, group.dla),
            demand(AcceleratorKind::Gpu),
            demand(AcceleratorKind::Dla),
            time_cell(group.gpu.and_then(|estimate| estimate.half_width)),
            time_cell(group.dla.and_then(|estimate| estimate.half_width)),
            if spans_zero { "its interval spans zero".to_owned() } else { String::new() },
        ]);
    }
    let sum =
        |times: Vec<Option<Estimate>>| -> Milliseconds { times.iter().flatten().map(|estimate| estimate.value).sum() };
    let gpu = sum(times.groups.iter().map(|group| group.gpu).collect());
    let dla = sum(times.groups.iter().map(|group| group.dla).collect());
    table.row(["sum".to_owned(), time_cell(Some(gpu)), time_cell(Some(dla).filter(|dla| dla.0 > 0.0))]);
    table.to_string()
}

fn demand_cell(platform: &Platform, demands: &BTreeMap<String, Demand>, kind: AcceleratorKind) -> String {
    let accelerator = platform.first_of(kind);
    let demand = accelerator.and_then(|accelerator| demands.get(&accelerator.name));
    let cell = |demand: &Demand| {
        let mark = if demand.clamped { "!" } else { "" };
        format!("{:.1}{mark} {}", demand.value.value.0, demand.source.name())
    };
    demand.map_or_else(|| UNKNOWN.to_owned(), cell)
}

fn time_cell(time: Option<Milliseconds>) -> String {
    time.map_or_else(|| UNKNOWN.to_owned(), |time| decimals(time.0, 3))
}

/// A number of so many decimals; what rounds to nothing has no sign.
fn decimals(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = !text.contains(|c: char| c.is_ascii_digit() && c != '0');
    if is_zero { text.trim_start_matches('-').to_owned() } else { text }
}

fn ratio_cell(gpu: Option<Estimate>, dla: Option<Estimate>) -> String {
    match (gpu, dla) {
        (Some(gpu), Some(dla)) if gpu.value.0 > 0.0 => format!("{:.2}", dla.value.0 / gpu.value.0),
        _ => UNKNOWN.to_owned(),
    }
}

/// Where the time of every engine went: means over its runs. What is booked adds up to the total.
pub fn engines(engines: &[EngineTimes]) -> String {
    let mut table = Table::new(&[
        ("Engine", Align::Left),
        ("Runs", Align::Right),
        ("Total [ms]", Align::Right),
        ("GPU [ms]", Align::Right),
        ("of it reformats", Align::Right),
        ("Into DLA [ms]", Align::Right),
        ("DLA [ms]", Align::Right),
        ("Fell back [ms]", Align::Right),
        ("Unattributed [ms]", Align::Right),
        ("Share", Align::Right),
        ("Scaled by", Align::Right),
    ]);
    let mut by_spec: BTreeMap<&EngineSpec, Vec<&EngineTimes>> = BTreeMap::new();
    for engine in engines {
        by_spec.entry(&engine.spec).or_default().push(engine);
    }
    for (spec, runs) in by_spec {
        let mean =
            |time: fn(&Booking) -> f64| runs.iter().map(|run| time(&run.booking)).sum::<f64>() / runs.len() as f64;
        let total = mean(|booking| booking.total.0);
        let unattributed = mean(|booking| booking.unattributed().0);
        let times = [
            total,
            mean(|booking| booking.gpu.iter().map(|entry| entry.time.0).sum()),
            mean(|booking| booking.reformats().0),
            mean(|booking| booking.into_dla.0),
            mean(|booking| booking.dla.0),
            mean(|booking| booking.fallback.iter().map(|entry| entry.time.0).sum()),
            unattributed,
        ];
        let factors: Vec<f64> = runs.iter().filter_map(|run| run.factor).collect();
        let factor = (!factors.is_empty()).then(|| factors.iter().sum::<f64>() / factors.len() as f64);
        let cells = [spec.stem(), runs.len().to_string()].into_iter().chain(times.map(|time| decimals(time, 4)));
        table.row(cells.chain([
            format!("{} %", decimals(100.0 * unattributed / total, 1)),
            factor.map_or_else(|| UNKNOWN.to_owned(), |factor| format!("{factor:.4}")),
        ]));
    }
    table.to_string()
}

/// The table of transitions, each after a layer group: both directions by their best measure, then both measures of each
/// side by side.
pub fn transitions(times: &TransitionTimes) -> String {
    let mut table = Table::new(&[
        ("Layer group", Align::Left),
        ("GPU to DLA [ms]", Align::Right),
        ("DLA to GPU [ms]", Align::Right),
        ("MiB", Align::Right),
        ("GPU to DLA by reformat", Align::Right),
        ("by mark", Align::Right),
        ("of MiB", Align::Right),
        ("DLA to GPU by difference", Align::Right),
        ("by mark", Align::Right),
        ("of MiB", Align::Right),
    ]);
    let before = std::iter::once(None).chain(times.transitions.iter().map(Some));
    for (before, transition) in before.zip(&times.transitions) {
        let cells = [
            left_group(before, transition.start),
            time_cell(best(transition.to_dla)),
            time_cell(best(transition.to_gpu)),
            mebibytes_cell(transition.crossing),
        ];
        let measures = [transition.to_dla, transition.to_gpu].into_iter().flat_map(|measures| {
            [
                interval_cell(measures.by_reformat),
                interval_cell(measures.by_mark.map(|mark| mark.cost)),
                measures.by_mark.map_or_else(|| UNKNOWN.to_owned(), |mark| mebibytes_cell(mark.bytes)),
            ]
        });
        table.row(cells.into_iter().chain(measures));
    }
    table.to_string()
}

/// The group after which accelerators change at `start`.
fn left_group(before: Option<&Transition>, start: usize) -> String {
    match before {
        None => "network input".to_owned(),
        Some(before) => LayerRange { first: before.start, last: start }.to_string(),
    }
}

fn best(measures: Measures) -> Option<Milliseconds> {
    measures.by_reformat.or(measures.by_mark.map(|mark| mark.cost)).map(|estimate| estimate.value)
}

fn mebibytes_cell(bytes: Bytes) -> String {
    format!("{:.3}", bytes.mebibytes())
}

fn interval_cell(estimate: Option<Estimate>) -> String {
    match estimate {
        None => UNKNOWN.to_owned(),
        Some(Estimate { value, half_width: None, .. }) => format!("{:.4}", value.0),
        Some(Estimate { value, half_width: Some(half), .. }) => format!("{:.4} +- {:.4}", value.0, half.0),
    }
}

/// Both lines in words, those that there are, with their residuals.
pub fn transition_lines(times: &TransitionTimes) -> String {
    let to_dla = times.to_dla.as_ref().map(|line| transition_line(TO_DLA, line));
    let to_gpu = times.to_gpu.as_ref().map(|line| transition_line(TO_GPU, line));
    to_dla.into_iter().chain(to_gpu).collect()
}

/// A direction, and what a cost in it is measured by where it isn't by marked outputs.
type Direction = [&'static str; 2];
const TO_DLA: Direction = ["GPU to DLA", "reformats"];
const TO_GPU: Direction = ["DLA to GPU", "differences of engines"];

fn measured_by([_, entries]: Direction, line: &TransitionLine) -> &'static str {
    if line.by_mark { "marked outputs" } else { entries }
}

fn transition_line(direction: Direction, line: &TransitionLine) -> String {
    let measure = measured_by(direction, line);
    let [direction, _] = direction;
    let largest = line.residuals.iter().map(|(_, residual)| residual.0.abs()).fold(0.0, f64::max);
    let residuals = line.residuals.iter().map(|(start, residual)| format!("{start}: {:+.4}", residual.0));
    format!(
        "{direction}: {:.4} ms + {:.4} ms/MiB by {measure} of {} transitions; residuals up to {largest:.4} ms\n  {}\n",
        line.fixed.0,
        line.per_mib.0,
        line.residuals.len(),
        residuals.collect::<Vec<_>>().join(", ")
    )
}

/// What else there is to say of a network's times.
pub fn remarks(times: &LayerTimes, demands: &[BTreeMap<String, Demand>]) -> String {
    let mut text = String::new();
    let raised: Vec<String> = times
        .tails
        .iter()
        .filter(|tail| (tail.fitted.0 - tail.measured.value.0).abs() > 5e-7)
        .map(|tail| format!("from layer {} {:+.4} ms", tail.start, tail.fitted.0 - tail.measured.value.0))
        .collect();
    if !raised.is_empty() {
        let _ = writeln!(text, "The DLA's tails were levelled so that none rises: {}", raised.join(", "));
    }
    let launches = [
        ("GPU", times.gpu_launch, ""),
        ("DLA", times.dla_launch, ", the way back to the GPU included, which a profile has as a transition"),
    ];
    for (device, launch, remark) in launches {
        if let Some(launch) = launch {
            let cost = interval_cell(Some(launch));
            let _ = writeln!(text, "Launch: a further engine on the {device} costs {cost} ms{remark}");
        }
    }
    if demands.iter().flat_map(BTreeMap::values).any(|demand| demand.clamped) {
        let _ = writeln!(
            text,
            "! came out above the memory's peak and was taken as the peak: the bytes or the time are wrong"
        );
    }
    text
}

/// What the demands were made of.
pub fn demand_sources(demands: &[BTreeMap<String, Demand>], figures: &TrafficFigures) -> String {
    let mut sources: Vec<DemandSource> =
        demands.iter().flat_map(BTreeMap::values).map(|demand| demand.source).collect();
    sources.sort_unstable();
    sources.dedup();
    let factors: Vec<String> =
        figures.factor.iter().map(|(accelerator, factor)| format!("{factor:.3} on {accelerator}")).collect();
    let described = sources.iter().map(|source| match source {
        DemandSource::Nsight => "nsight: bytes that Nsight Compute counted over the group's time".to_owned(),
        DemandSource::Ratio => {
            "ratio: the GPU's demand times the memory's throughput for the nearest convolution on the DLA over that on the GPU"
                .to_owned()
        }
        DemandSource::Emc => format!(
            "emc: bytes of tensors and weights over time, times what fits the whole engine's use of the memory ({})",
            factors.join(", ")
        ),
        DemandSource::Model => "model: bytes of tensors and weights over time".to_owned(),
    });
    format!("demand by {}", described.collect::<Vec<_>>().join("; "))
}

/// What the costs of transitions were made of.
pub fn transition_sources(times: &TransitionTimes) -> String {
    let line = |direction: Direction, line: &Option<TransitionLine>| {
        let measure = line.as_ref().map(|line| format!("a line through {}", measured_by(direction, line)));
        format!("{} by {}", direction[0], measure.unwrap_or_else(|| "the platform's model".to_owned()))
    };
    format!("{}, {}", line(TO_DLA, &times.to_dla), line(TO_GPU, &times.to_gpu))
}

/// What a profile has of the cost of starting an engine, and why.
pub fn launch_source(times: &LayerTimes) -> String {
    match times.gpu_launch {
        None => "launch: unknown, taken as 0 (no engines were cut in two)".to_owned(),
        Some(launch) => {
            let taken = if launch.value.0 < 0.0 { ", taken as 0" } else { "" };
            format!(
                "launch: a further engine on the GPU costs {} ms{taken}; on the DLA it is part of a transition",
                interval_cell(Some(launch))
            )
        }
    }
}

/// How many of a profile's numbers are of which kind.
pub fn provenances(profile: &NetworkProfile) -> String {
    let costs = || profile.groups.iter().flat_map(|group| group.costs.values());
    let count = |of: fn(&GroupCost) -> Provenance| {
        let of_kind = |kind: &Provenance| costs().filter(|cost| of(cost) == *kind).count();
        let counts = Provenance::ALL.iter().map(|kind| (of_kind(kind), kind)).filter(|(count, _)| *count > 0);
        counts.map(|(count, kind)| format!("{count} {kind}")).collect::<Vec<_>>().join(", ")
    };
    format!(
        "{}: times {}; demands {}; transitions {}\n",
        profile.title,
        count(|cost| cost.time.provenance),
        count(|cost| cost.demand.provenance),
        count(|cost| cost.entry.provenance)
    )
}
