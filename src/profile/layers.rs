//! Times of layer groups from runs of whole engines: on the GPU by the names of a profile's entries, on the DLA, whose
//! layers no profile tells apart, from the difference of engines that hand over to it at different layers.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use super::booking::{Booking, book};
use super::estimate::{Estimate, non_increasing};
use crate::backend::trtexec::Profile;
use crate::engine::{Device, EngineSpec};
use crate::group::LayerRange;
use crate::network::Network;
use crate::units::Milliseconds;

/// One engine's run, as files tell it.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineRun {
    /// Which engine it was.
    pub spec: EngineSpec,
    /// The file that its layers were read from.
    pub origin: String,
    /// Its layers, where they are known.
    pub profile: Option<Profile>,
    /// Mean compute time by its summary, where there is one.
    pub mean: Option<Milliseconds>,
    /// Whether that is known to be of runs without the profiler, so that layers may be scaled to it.
    pub mean_is_unprofiled: bool,
}

/// Where an engine's time went.
#[derive(Clone, Debug, PartialEq)]
pub struct EngineTimes {
    /// Which engine.
    pub spec: EngineSpec,
    /// The file.
    pub origin: String,
    /// What the profile's times were multiplied by to add up to the run without the profiler; `None` where that isn't
    /// known and nothing was scaled.
    pub factor: Option<f64>,
    /// The scaled times.
    pub booking: Booking,
}

/// A group of layers.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupTimes {
    /// The layers.
    pub layers: LayerRange,
    /// Time on the GPU; `None` where no engine tells it.
    pub gpu: Option<Estimate>,
    /// Time on the DLA; `None` where the DLA doesn't run it all, or no engine tells it.
    pub dla: Option<Estimate>,
    /// Whether the DLA's time holds the way back to the GPU, to which the layers after these fell back in every engine.
    pub dla_leads_out: bool,
}

/// The DLA's part of the engines that hand over to it before one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Tail {
    /// First layer on the DLA.
    pub start: usize,
    /// What the engines' runs say.
    pub measured: Estimate,
    /// The nearest values that don't rise from layer to layer.
    pub fitted: Milliseconds,
}

/// What runs of engines say of a network's groups.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTimes {
    /// Groups in the order of their layers.
    pub groups: Vec<GroupTimes>,
    /// The DLA's tails, in the order of their layers.
    pub tails: Vec<Tail>,
    /// Every run that was used.
    pub engines: Vec<EngineTimes>,
    /// What cutting the GPU's part in two costs, per additional engine; `None` where no pair of engines tells it.
    pub gpu_launch: Option<Estimate>,
    /// The same on the DLA, where the way back to the GPU is part of it.
    pub dla_launch: Option<Estimate>,
    /// Runs that were left out, with the reason.
    pub left_out: Vec<String>,
    /// What else is to be known of the runs before the times are believed.
    pub remarks: Vec<String>,
}

/// Times of the groups that begin at `starts` (0 first), from `runs` of engines of `network`.
///
/// A group's time on the GPU is its mean over the engines that are wholly on the GPU; where there are none, over the
/// engines that have it on the GPU. Its time on the DLA is the tail from its first layer less the tail from the next
/// group's.
pub fn layer_times(network: &Network, starts: &[usize], runs: &[EngineRun]) -> LayerTimes {
    let (mut booked, mut left_out) = (Vec::new(), Vec::new());
    for run in runs {
        let Some(profile) = &run.profile else {
            // Of a marked output the whole time is enough.
            if run.spec.marked().is_none() {
                left_out.push(format!("{}: tells nothing of layers, so no group's time is taken from it", run.origin));
            }
            continue;
        };
        match book(network, &run.spec, profile, starts) {
            Ok(booking) => booked.push((run, booking)),
            Err(reason) => left_out.push(format!("{}: {reason}; it was left out", run.origin)),
        }
    }
    let (factors, remarks) = factors(&booked);
    let scaled = |((run, booking), factor): ((&EngineRun, Booking), Option<f64>)| EngineTimes {
        spec: run.spec.clone(),
        origin: run.origin.clone(),
        factor,
        booking: booking.scaled(factor.unwrap_or(1.0)),
    };
    let engines: Vec<EngineTimes> = booked.into_iter().zip(factors).map(scaled).collect();
    let ends = starts.iter().skip(1).copied().chain([network.layers.len()]);
    let ranges = starts.iter().zip(ends).map(|(&first, last)| LayerRange { first, last });
    let tails = tails(starts, &engines);
    let falls_back = |layers| engines.iter().any(|engine: &EngineTimes| engine.booking.fallback_in(layers).0 > 0.0);
    let ranges: Vec<LayerRange> = ranges.collect();
    let groups = ranges.iter().enumerate().map(|(idx, &layers)| GroupTimes {
        layers,
        gpu: on_gpu(layers, &engines),
        dla: on_dla(layers, &engines, &tails),
        dla_leads_out: ranges.get(idx + 1).is_some_and(|&next| falls_back(next)),
    });
    let groups = groups.collect();
    let all = LayerRange { first: 0, last: network.layers.len() };
    let gpu_launch = launch(Device::Gpu, &engines, |booking| booking.gpu_in(all));
    let dla_launch = launch(Device::Dla, &engines, |booking| booking.dla);
    LayerTimes { groups, tails, engines, gpu_launch, dla_launch, left_out, remarks }
}

/// The share that the profiler leaves of the layers' sum in a run without it: from half (it lengthens every layer, and
/// layers may overlap) to somewhat more than all (there is time between them).
const USUAL_FACTOR: RangeInclusive<f64> = 0.5..=1.25;

/// By what the layers of each run are multiplied, and what is to be said of it. All are scaled or none: times of scaled
/// and of other engines are subtracted from each other. Those with a marked output aren't.
fn factors(booked: &[(&EngineRun, Booking)]) -> (Vec<Option<f64>>, Vec<String>) {
    let factor = |(run, booking): &(&EngineRun, Booking)| {
        let mean = run.mean.filter(|_| run.mean_is_unprofiled)?;
        Some(mean.0 / booking.total.0).filter(|factor| factor.is_finite())
    };
    let factors: Vec<Option<f64>> = booked.iter().map(factor).collect();
    let runs = || booked.iter().zip(&factors).map(|((run, _), factor)| (*run, *factor));
    let unmarked = || runs().filter(|(run, _)| run.spec.marked().is_none());
    let lacking: Vec<&str> = unmarked().filter(|(_, it)| it.is_none()).map(|(run, _)| &*run.origin).collect();
    if let Some(first) = lacking.first().filter(|_| lacking.len() < unmarked().count()) {
        let others = if lacking.len() > 1 { format!(" and {} more", lacking.len() - 1) } else { String::new() };
        let remark =
            format!("{first}{others}: no time of runs without the profiler, so no engine's layers are scaled to it");
        return (vec![None; booked.len()], vec![remark]);
    }
    let unusual = runs().filter_map(|(run, factor)| Some((run, factor?)));
    let unusual = unusual.filter(|(_, factor)| !USUAL_FACTOR.contains(factor));
    let remarks = unusual.map(|(run, factor)| {
        format!(
            "{}: its layers are multiplied by {factor:.3} to add up to the run without the profiler; is that of the same \
             engine, clocks and power mode?",
            run.origin
        )
    });
    let remarks = remarks.collect();
    (factors, remarks)
}

/// A group's time by the names of entries. A group that no entry names has none: its time is in others'.
fn on_gpu(layers: LayerRange, engines: &[EngineTimes]) -> Option<Estimate> {
    let unmarked = || engines.iter().filter(|engine| engine.spec.marked().is_none());
    let tells = || unmarked().filter(|engine| engine.booking.tells(layers));
    let on_gpu = |engine: &&EngineTimes| {
        let on_gpu = |layer| engine.spec.device_of(layer) == Device::Gpu;
        on_gpu(layers.first) && on_gpu(layers.last - 1)
    };
    let time = |engine: &'_ EngineTimes| engine.booking.gpu_in(layers).0;
    let whole = tells().filter(|engine| engine.spec.whole_on() == Some(Device::Gpu));
    let fallbacks = unmarked().map(|engine| (&engine.spec, engine.booking.fallback_in(layers).0));
    Estimate::over(whole.map(|engine| (&engine.spec, time(engine))))
        .or_else(|| Estimate::over(tells().filter(on_gpu).map(|engine| (&engine.spec, time(engine)))))
        .or_else(|| Estimate::over(fallbacks.filter(|(_, time)| *time > 0.0)))
}

/// The DLA's part of the engines that run everything from a start of a group on it.
fn tails(starts: &[usize], engines: &[EngineTimes]) -> Vec<Tail> {
    let tail = |&start: &usize| {
        let hands_over = |engine: &&EngineTimes| {
            let from_gpu = engine.spec.leaves_at(Device::Gpu) == Some(start);
            from_gpu || (start == 0 && engine.spec.whole_on() == Some(Device::Dla))
        };
        let runs = || engines.iter().filter(hands_over).map(|engine| (&engine.spec, engine.booking.dla.0));
        Estimate::over(runs()).map(|estimate| (start, estimate, runs().count() as f64))
    };
    let measured: Vec<(usize, Estimate, f64)> = starts.iter().filter_map(tail).collect();
    let values: Vec<f64> = measured.iter().map(|(_, estimate, _)| estimate.value.0).collect();
    let weights: Vec<f64> = measured.iter().map(|&(_, _, n_repeats)| n_repeats).collect();
    let fitted = non_increasing(&values, &weights);
    let tails = measured.into_iter().zip(fitted);
    tails.map(|((start, measured, _), fitted)| Tail { start, measured, fitted: Milliseconds(fitted) }).collect()
}

fn on_dla(layers: LayerRange, engines: &[EngineTimes], tails: &[Tail]) -> Option<Estimate> {
    let runs_on_dla = |layer: &usize| engines.iter().any(|engine| engine.booking.dla_layers.contains(layer));
    let falls_back = engines.iter().any(|engine| engine.booking.fallback_in(layers).0 > 0.0);
    if falls_back || !(layers.first..layers.last).any(|layer| runs_on_dla(&layer)) {
        return None;
    }
    let tail = |start| tails.iter().find(|tail| tail.start == start);
    let from = tail(layers.first)?;
    let until = tail(layers.last);
    if until.is_none() && engines.iter().any(|engine| engine.booking.dla_layers.range(layers.last..).next().is_some()) {
        return None;
    }
    Some(match until {
        Some(until) => from.measured.minus(&until.measured).around(from.fitted.0 - until.fitted.0),
        None => from.measured.around(from.fitted.0),
    })
}

/// Both halves of what `device` does, in the engines that begin on it and on the other one and change at the same layer,
/// less the whole: the mean over all such layers.
fn launch(device: Device, engines: &[EngineTimes], time: impl Fn(&Booking) -> Milliseconds) -> Option<Estimate> {
    let mean = |is_wanted: &dyn Fn(&EngineSpec) -> bool| {
        let wanted = engines.iter().filter(|engine| is_wanted(&engine.spec));
        Estimate::over(wanted.map(|engine| (&engine.spec, time(&engine.booking).0)))
    };
    let whole = mean(&|spec| spec.whole_on() == Some(device))?;
    let cuts: BTreeSet<usize> = engines.iter().filter_map(|engine| engine.spec.leaves_at(device)).collect();
    let halves = cuts.iter().filter_map(|&cut| {
        let before = mean(&|spec| spec.leaves_at(device) == Some(cut))?;
        Some([before, mean(&|spec| spec.leaves_at(device.other()) == Some(cut))?])
    });
    let halves: Vec<[Estimate; 2]> = halves.collect();
    let share = 1.0 / halves.len() as f64;
    let terms: Vec<(f64, Estimate)> =
        halves.iter().flatten().map(|&half| (share, half)).chain([(-1.0, whole)]).collect();
    (!halves.is_empty()).then(|| Estimate::sum(&terms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::trtexec::{Document, read};
    use crate::network::{caffe, catalog};

    /// An engine's run out of an entry a line, `milliseconds name`.
    fn run(stem: &str, lines: &str) -> EngineRun {
        let entry = |line: &str| {
            let (time, name) = line.trim().split_once(' ').unwrap();
            format!(", {{ \"name\" : \"{name}\", \"timeMs\" : {time} }}\n")
        };
        let text = format!("[ {{ \"count\" : 1 }}\n{}]", lines.lines().map(entry).collect::<String>());
        let Ok(Document::Profile(profile)) = read(&text) else { panic!("{text}") };
        EngineRun {
            spec: EngineSpec::from_stem(stem).unwrap(),
            origin: stem.to_owned(),
            profile: Some(profile),
            mean: None,
            mean_is_unprofiled: false,
        }
    }

    fn alexnet(runs: &[EngineRun]) -> LayerTimes {
        let entry = catalog::find("alexnet").unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        layer_times(&network, &[0, 4, 8, 20], runs)
    }

    const GPU: &str = "0.30 conv1 + relu1
        0.05 norm1
        0.05 pool1
        0.40 conv2 + relu2
        1.00 fc6 + relu6
        0.01 prob";

    /// The engine that hands over to the DLA at the layer called `first`, where it takes `dla`.
    fn hands_over(at: usize, first: &str, dla: f64) -> EngineRun {
        let before: Vec<&str> = GPU.lines().take(if at == 4 { 3 } else { 4 }).collect();
        let lines = format!(
            "{}\n0.02 {{{first},fc8}} input reformatter 0\n0.01 {{{first},fc8}}\n{dla} prob input reformatter 0\n0.01 prob",
            before.join("\n")
        );
        run(&format!("alexnet_gpu_transition_at_{at}"), &lines)
    }

    fn times(times: &LayerTimes) -> Vec<[Option<f64>; 2]> {
        let rounded = |estimate: Option<Estimate>| estimate.map(|estimate| (estimate.value.0 * 1e6).round() / 1e6);
        times.groups.iter().map(|group| [rounded(group.gpu), rounded(group.dla)]).collect()
    }

    #[test]
    fn groups_on_the_dla_are_differences_of_tails_and_need_them() {
        let whole =
            run("alexnet_dla_mark_at_-1", "0.03 data to nvm\n0.2 {conv1,fc8}\n4.1 prob input reformatter 0\n0.01 prob");
        let runs = [
            run("alexnet_gpu_transition_at_-1", GPU),
            whole,
            hands_over(4, "conv2", 3.19),
            hands_over(8, "conv3", 2.09),
        ];
        let found = alexnet(&runs);
        assert_eq!(
            times(&found),
            [[Some(0.4), Some(1.1)], [Some(0.4), Some(1.1)], [Some(1.0), Some(2.1)], [Some(0.01), None]]
        );
        assert!(found.groups.iter().all(|group| group.dla.is_none_or(|dla| dla.half_width.is_none())));
        let found = alexnet(&[runs[0].clone(), runs[1].clone(), runs[3].clone()]);
        assert_eq!(found.groups[0].dla, None);
        assert_eq!(found.groups[1].dla, None);
        assert_eq!(found.left_out, Vec::<String>::new());
    }

    #[test]
    fn without_a_whole_engine_the_gpu_is_known_from_the_parts() {
        let found = alexnet(&[hands_over(4, "conv2", 3.19), hands_over(8, "conv3", 2.09)]);
        assert_eq!(times(&found), [[Some(0.4), None], [Some(0.4), Some(1.1)], [None, Some(2.1)], [Some(0.01), None]]);
    }

    #[test]
    fn a_tail_that_rises_is_levelled_and_its_group_flagged_by_its_interval() {
        let runs = [3.0, 3.1, 2.9].map(|dla| hands_over(4, "conv2", dla)).into_iter();
        let runs: Vec<_> = runs.chain([3.2, 3.0, 3.1].map(|dla| hands_over(8, "conv3", dla))).collect();
        let found = alexnet(&runs);
        let dla = found.groups[1].dla.unwrap();
        assert!(dla.value.0.abs() < 1e-12 && dla.spans_zero(), "{dla:?}");
        let last = found.groups[2].dla.unwrap();
        assert!((last.value.0 - 3.06).abs() < 1e-12 && !last.spans_zero(), "{last:?}");
        assert!((found.tails[0].fitted.0 - 3.06).abs() < 1e-12);
    }

    #[test]
    fn times_are_scaled_to_the_run_without_the_profiler() {
        let mut gpu = run("alexnet_gpu_transition_at_-1", GPU);
        gpu.mean = Some(Milliseconds(0.905));
        assert_eq!(alexnet(std::slice::from_ref(&gpu)).engines[0].factor, None);
        gpu.mean_is_unprofiled = true;
        let found = alexnet(&[gpu]);
        assert!((found.engines[0].factor.unwrap() - 0.5).abs() < 1e-12);
        assert!((found.groups[0].gpu.unwrap().value.0 - 0.2).abs() < 1e-12);
        assert_eq!(found.remarks, Vec::<String>::new());
    }

    #[test]
    fn all_engines_are_scaled_or_none() {
        let mut engines = [hands_over(4, "conv2", 3.19), hands_over(8, "conv3", 2.09)];
        let unscaled = alexnet(&engines);
        engines[0].mean = Some(Milliseconds(engines[0].profile.as_ref().unwrap().total.0 * 0.9));
        engines[0].mean_is_unprofiled = true;
        let found = alexnet(&engines);
        assert_eq!(found.groups, unscaled.groups);
        assert!(found.engines.iter().all(|engine| engine.factor.is_none()));
        let words =
            "alexnet_gpu_transition_at_8: no time of runs without the profiler, so no engine's layers are scaled to it";
        assert_eq!(found.remarks, [words]);
    }

    #[test]
    fn a_factor_that_no_profiler_causes_is_named() {
        let mut gpu = run("alexnet_gpu_transition_at_-1", GPU);
        (gpu.mean, gpu.mean_is_unprofiled) = (Some(Milliseconds(1.81 * 1.78)), true);
        let found = alexnet(&[gpu]);
        assert!(found.remarks[0].contains("its layers are multiplied by 1.780"), "{:?}", found.remarks);
    }

    #[test]
    fn marked_outputs_keep_nothing_from_being_scaled() {
        let mut gpu = run("alexnet_gpu_transition_at_-1", GPU);
        (gpu.mean, gpu.mean_is_unprofiled) = (Some(Milliseconds(1.629)), true);
        let found = alexnet(&[gpu, run("alexnet_gpu_mark_at_3", GPU)]);
        assert!((found.engines[0].factor.unwrap() - 0.9).abs() < 1e-12, "{:?}", found.remarks);
    }

    #[test]
    fn a_group_that_no_entry_names_has_no_time() {
        let lines = "0.30 conv1 + relu1\n0.05 norm1\n0.05 pool1\n3.0 {ForeignNode[conv2...prob]}";
        let found = alexnet(&[run("alexnet_gpu_transition_at_-1", lines)]);
        assert_eq!(times(&found), [[Some(0.4), None], [None, None], [None, None], [None, None]]);
        // The node begins inside the first group.
        let lines = "0.30 conv1 + relu1\n3.0 {ForeignNode[norm1...prob]}";
        let found = alexnet(&[run("alexnet_gpu_transition_at_-1", lines)]);
        assert_eq!(times(&found), [[None, None]; 4]);
    }

    #[test]
    fn a_run_without_layers_is_named() {
        let mut summary = run("alexnet_gpu_transition_at_-1", GPU);
        (summary.profile, summary.mean) = (None, Some(Milliseconds(1.0)));
        let found = alexnet(&[summary, hands_over(4, "conv2", 3.19)]);
        let words = "alexnet_gpu_transition_at_-1: tells nothing of layers, so no group's time is taken from it";
        assert_eq!(found.left_out, [words]);
    }

    #[test]
    fn different_engines_are_no_repeats_of_each_other() {
        let found = alexnet(&[hands_over(4, "conv2", 3.19), hands_over(8, "conv3", 2.09)]);
        assert_eq!(found.groups[0].gpu.unwrap().half_width, None);
        let both = [run("alexnet_gpu_transition_at_-1", GPU), run("alexnet_gpu_mark_at_-1", GPU)];
        assert_eq!(alexnet(&both).groups[0].gpu.unwrap().half_width, None);
        let repeats = [both[0].clone(), both[0].clone()];
        assert!(alexnet(&repeats).groups[0].gpu.unwrap().half_width.is_some());
    }

    #[test]
    fn a_run_of_another_engine_is_left_out_in_words() {
        let found = alexnet(&[run("alexnet_gpu_transition_at_4", GPU)]);
        assert!(
            found.left_out[0].starts_with("alexnet_gpu_transition_at_4: no entry is of the DLA"),
            "{:?}",
            found.left_out
        );
        assert!(found.left_out[0].ends_with("; it was left out"));
        assert_eq!(found.groups[0].gpu, None);
    }

    #[test]
    fn both_halves_of_the_gpu_tell_what_cutting_it_costs() {
        let after = run(
            "alexnet_dla_transition_at_4",
            "0.1 {conv1,pool1}\n0.9 conv2 + relu2 input reformatter 0\n0.45 conv2 + relu2\n1.0 fc6 + relu6\n0.01 prob",
        );
        let engines = [run("alexnet_gpu_transition_at_-1", GPU), hands_over(4, "conv2", 3.0), after];
        let found = alexnet(&engines);
        assert!((found.gpu_launch.unwrap().value.0 - 0.05).abs() < 1e-9, "{:?}", found.gpu_launch);
        assert_eq!(found.gpu_launch.unwrap().half_width, None);
        // The whole engine is in it whatever the cut, and so is its spread.
        let mut slower = engines.clone();
        slower[0] = run("alexnet_gpu_transition_at_-1", &GPU.replace("1.00", "1.10"));
        let found = alexnet(&[engines, slower].concat());
        let launch = found.gpu_launch.unwrap();
        assert!(launch.value.0.abs() < 1e-9 && launch.half_width.unwrap().0 > 0.5, "{launch:?}");
    }
}
