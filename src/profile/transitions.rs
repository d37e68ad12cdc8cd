//! What a change of accelerator costs, measured in two ways that are shown side by side and never added: a marked output's
//! engine less the engine without it, and what an engine with a transition spends between its two parts.

use super::estimate::{Estimate, line};
use super::layers::{EngineRun, EngineTimes, LayerTimes};
use crate::backend::sim::{crossing_bytes, output_bytes};
use crate::engine::{Device, EngineSpec};
use crate::network::Network;
use crate::platform::Platform;
use crate::units::{Bytes, Milliseconds};

/// A cost, by each measure that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Measures {
    /// The engine with a marked output less the one without.
    pub by_mark: Option<Mark>,
    /// What the engine that changes there spends on it: the entries that hand over to the DLA; or, back to the GPU, the
    /// DLA's part of the engine that begins on it, less what the DLA takes for those layers.
    pub by_reformat: Option<Estimate>,
}

/// What a marked output costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark {
    /// The cost.
    pub cost: Estimate,
    /// Size of the marked output, which isn't what crosses where another layer was marked.
    pub bytes: Bytes,
}

/// One place where a network may change accelerators.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// First layer on the other accelerator; 0 is the network's own input.
    pub start: usize,
    /// Tensor that crosses.
    pub crossing: Bytes,
    /// From the GPU to the DLA.
    pub to_dla: Measures,
    /// From the DLA to the GPU.
    pub to_gpu: Measures,
}

/// A cost as a line in the tensor that crosses, `fixed + per_mib x MiB`.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionLine {
    /// Whether it is of marked outputs rather than of reformats.
    pub by_mark: bool,
    /// Fixed part.
    pub fixed: Milliseconds,
    /// Part for each MiB.
    pub per_mib: Milliseconds,
    /// By how much each point lies above the line, by its start.
    pub residuals: Vec<(usize, Milliseconds)>,
}

/// What is known of a network's transitions.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionTimes {
    /// In the order of their layers.
    pub transitions: Vec<Transition>,
    /// The line from the GPU to the DLA.
    pub to_dla: Option<TransitionLine>,
    /// The line from the DLA to the GPU.
    pub to_gpu: Option<TransitionLine>,
}

impl TransitionLine {
    /// What the line says of a tensor of `bytes`; never below zero.
    pub fn cost(&self, bytes: Bytes) -> Milliseconds {
        Milliseconds((self.fixed.0 + self.per_mib.0 * bytes.mebibytes()).max(0.0))
    }
}

/// Costs at `starts`, the first layers of groups, from `runs` of marked and plain engines and from the engines of `layers`.
pub fn transition_times(
    network: &Network,
    platform: &Platform,
    starts: &[usize],
    runs: &[EngineRun],
    layers: &LayerTimes,
) -> TransitionTimes {
    let measures = Measurer { network, platform, starts, runs, layers };
    let transitions: Vec<Transition> = starts
        .iter()
        .map(|&start| Transition {
            start,
            crossing: crossing_bytes(network, platform, start),
            to_dla: Measures { by_mark: measures.mark(Device::Gpu, start), by_reformat: measures.entering_dla(start) },
            to_gpu: Measures { by_mark: measures.mark(Device::Dla, start), by_reformat: measures.leaving_dla(start) },
        })
        .collect();
    let to_dla = fitted(&transitions, |transition| transition.to_dla);
    let to_gpu = fitted(&transitions, |transition| transition.to_gpu);
    TransitionTimes { transitions, to_dla, to_gpu }
}

/// The line through the reformats, or through the marks where there are too few; the network's input is no transition.
fn fitted(transitions: &[Transition], measures: impl Fn(&Transition) -> Measures) -> Option<TransitionLine> {
    let between = || transitions.iter().filter(|transition| transition.start > 0);
    let reformats =
        between().filter_map(|it| Some((it.start, it.crossing, measures(it).by_reformat?))).collect::<Vec<_>>();
    let mark = |it: &Transition| measures(it).by_mark.map(|mark| (it.start, mark.bytes, mark.cost));
    let marks = between().filter_map(mark).collect::<Vec<_>>();
    through(&reformats, false).or_else(|| through(&marks, true))
}

fn through(points: &[(usize, Bytes, Estimate)], by_mark: bool) -> Option<TransitionLine> {
    let xy: Vec<(f64, f64)> = points.iter().map(|(_, bytes, cost)| (bytes.mebibytes(), cost.value.0)).collect();
    let (fixed, per_mib) = line(&xy)?;
    let residual = |(start, bytes, cost): &(usize, Bytes, Estimate)| {
        (*start, Milliseconds(cost.value.0 - fixed - per_mib * bytes.mebibytes()))
    };
    let residuals = points.iter().map(residual).collect();
    Some(TransitionLine { by_mark, fixed: Milliseconds(fixed), per_mib: Milliseconds(per_mib), residuals })
}

struct Measurer<'a> {
    network: &'a Network,
    platform: &'a Platform,
    starts: &'a [usize],
    runs: &'a [EngineRun],
    layers: &'a LayerTimes,
}

impl Measurer<'_> {
    /// The layer, marked in an engine on `device`, that tells of a change before `start`: the last one before it; else,
    /// where only that was marked, the first one after it, as HaX-CoNN's artifact does on the DLA.
    fn mark_for(&self, device: Device, start: usize) -> Option<usize> {
        let is_marked =
            |layer: &usize| self.runs.iter().any(|run| run.spec.start == device && run.spec.marked() == Some(*layer));
        let before = start.checked_sub(1).filter(|layer| is_marked(layer));
        before.or_else(|| Some(start).filter(|layer| is_marked(layer) && !self.starts.contains(&(layer + 1))))
    }

    /// By means without the profiler; where those are missing, by the sums of profiles, then by means that may be with
    /// it; never one kind less another.
    fn mark(&self, device: Device, start: usize) -> Option<Mark> {
        let layer = self.mark_for(device, start)?;
        let by = |time: fn(&EngineRun) -> Option<Milliseconds>| {
            let marked = self.totals(|spec| spec.start == device && spec.marked() == Some(layer), time)?;
            Some(marked.minus(&self.totals(|spec| spec.whole_on() == Some(device), time)?))
        };
        let cost = by(|run| run.mean.filter(|_| run.mean_is_unprofiled))
            .or_else(|| by(|run| run.profile.as_ref().map(|profile| profile.total)))
            .or_else(|| by(|run| run.mean.filter(|_| !run.mean_is_unprofiled)))?;
        Some(Mark { cost, bytes: output_bytes(self.network, self.platform, layer) })
    }

    fn totals(
        &self,
        wanted: impl Fn(&EngineSpec) -> bool,
        time: fn(&EngineRun) -> Option<Milliseconds>,
    ) -> Option<Estimate> {
        let runs = self.runs.iter().filter(|run| wanted(&run.spec));
        Estimate::over(runs.filter_map(|run| Some((&run.spec, time(run)?.0))))
    }

    fn engines(&self, wanted: impl Fn(&EngineSpec) -> bool, time: impl Fn(&EngineTimes) -> f64) -> Option<Estimate> {
        let engines = self.layers.engines.iter().filter(|engine| wanted(&engine.spec));
        Estimate::over(engines.map(|engine| (&engine.spec, time(engine))))
    }

    fn entering_dla(&self, start: usize) -> Option<Estimate> {
        let enters = |spec: &EngineSpec| match start {
            0 => spec.whole_on() == Some(Device::Dla),
            _ => spec.leaves_at(Device::Gpu) == Some(start),
        };
        self.engines(enters, |engine| engine.booking.into_dla.0)
    }

    /// TensorRT books the way back to the GPU together with the DLA's work; what the DLA takes for the same layers is the
    /// whole DLA's time less the tail from there.
    fn leaving_dla(&self, start: usize) -> Option<Estimate> {
        let head = self.engines(|spec| spec.leaves_at(Device::Dla) == Some(start), |engine| engine.booking.dla.0)?;
        let tail = |start: usize| self.layers.tails.iter().find(|tail| tail.start == start).map(|tail| tail.measured);
        Some(head.minus(&tail(0)?.minus(&tail(start)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::builtin;
    use crate::network::{caffe, catalog};
    use crate::profile::layer_times;

    /// The change before AlexNet's layer 4, from runs by their engine, mean, and whether that was without the profiler.
    fn before_conv2(runs: &[(&str, f64, bool)]) -> Transition {
        let entry = catalog::find("alexnet").unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        let platform = builtin::platform("xavier_agx").unwrap();
        let run = |&(stem, mean, mean_is_unprofiled): &(&str, f64, bool)| EngineRun {
            spec: EngineSpec::from_stem(stem).unwrap(),
            origin: stem.to_owned(),
            profile: None,
            mean: Some(Milliseconds(mean)),
            mean_is_unprofiled,
        };
        let runs: Vec<EngineRun> = runs.iter().map(run).collect();
        let layers = layer_times(&network, &[0, 4, 8], &runs);
        transition_times(&network, &platform, &[0, 4, 8], &runs, &layers).transitions[1].clone()
    }

    #[test]
    fn a_mean_without_the_profiler_is_never_subtracted_from_one_with_it() {
        let [whole, marked] = ["alexnet_gpu_mark_at_-1", "alexnet_gpu_mark_at_3"];
        let cost = |runs: &[(&str, f64, bool)]| before_conv2(runs).to_dla.by_mark;
        let close = |mark: Option<Mark>, expected: f64| (mark.unwrap().cost.value.0 - expected).abs() < 1e-9;
        assert!(close(cost(&[(whole, 1.0, true), (marked, 1.1, true)]), 0.1));
        assert!(close(cost(&[(whole, 2.0, false), (marked, 2.3, false)]), 0.3));
        assert_eq!(cost(&[(whole, 1.0, true), (marked, 2.3, false)]), None);
        assert!(close(
            cost(&[(whole, 1.0, true), (whole, 2.0, false), (marked, 1.1, true), (marked, 9.0, false)]),
            0.1
        ));
    }

    #[test]
    fn each_direction_has_the_size_of_its_own_mark() {
        let runs = [
            ("alexnet_gpu_mark_at_-1", 1.0, true),
            ("alexnet_gpu_mark_at_3", 1.1, true),
            ("alexnet_dla_mark_at_-1", 2.0, true),
            ("alexnet_dla_mark_at_4", 2.1, true),
        ];
        let transition = before_conv2(&runs);
        // 96 maps of 27x27 after the pooling cross, two bytes each; the DLA's mark is of conv2's 256 maps.
        assert_eq!(transition.crossing, Bytes(96 * 27 * 27 * 2));
        assert_eq!(transition.to_dla.by_mark.unwrap().bytes, transition.crossing);
        assert_eq!(transition.to_gpu.by_mark.unwrap().bytes, Bytes(256 * 27 * 27 * 2));
    }
}
