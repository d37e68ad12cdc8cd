//! Engines of the simulator, run many times: their entries as TensorRT's profiler would name and book them, with noise.
//!
//! The DLA's time stands where TensorRT 7 puts it: a little at its node `{..}`, the rest at whatever waits for it.

use super::kernel::{crossing_bytes, output_bytes};
use super::noise::Noise;
use super::plan::{PlannedKernel, SimulatedEngine};
use crate::backend::{EngineSamples, LayerSamples, RunPlan};
use crate::engine::{Device, EngineSpec};
use crate::network::Network;
use crate::platform::{AcceleratorKind, Platform};
use crate::units::{Bytes, Milliseconds};

/// Share by which the profiler lengthens every entry; the simulator's own, nobody's figure.
const PROFILER_OVERHEAD: f64 = 0.02;

/// What starting the DLA takes at its node, as a share of its time and at most this [ms].
const NODE: (f64, f64) = (0.01, 0.006);

/// How much of the noise of a build there is on the DLA, whose compiler times no tactics.
const DLA_BUILD_NOISE: f64 = 0.2;

/// Time of handing one entry to the device [ms].
const ENQUEUE: f64 = 0.002;

/// An entry of an engine, and its time without the profiler and noise.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// As TensorRT would name it.
    pub name: String,
    /// Its time.
    pub time: Milliseconds,
    /// Whether it is the DLA's, which other builds change less.
    pub on_dla: bool,
}

/// What a run of `engine`, which is that of `spec`, consists of, in its order.
pub fn entries(network: &Network, platform: &Platform, spec: &EngineSpec, engine: &SimulatedEngine) -> Vec<Entry> {
    // A layer that no kernel holds is done with the last kernel before it.
    let ends_by =
        |marked: usize| engine.kernels.iter().rposition(|kernel| kernel.layers.iter().all(|&layer| layer <= marked));
    let marking = spec.marked().and_then(ends_by);
    let mut writer = Writer { network, platform, spec, entries: Vec::new(), owed: 0.0 };
    let mut next = 0;
    while next < engine.kernels.len() {
        let device = engine.kernels[next].device;
        let same = engine.kernels[next..].iter().take_while(|kernel| kernel.device == device).count();
        let kernels = &engine.kernels[next..next + same];
        match device {
            Device::Dla => {
                let edges = [next == 0, next + same == engine.kernels.len()];
                writer.on_dla(kernels, edges, marking.is_some_and(|at| (next..next + same).contains(&at)));
            }
            Device::Gpu => writer.on_gpu(kernels, marking.and_then(|at| at.checked_sub(next))),
        }
        next += same;
    }
    writer.entries
}

/// Runs an engine of `entries` by `run`. Each build has tactics of its own and each run its noise, both from `noise`
/// (`None`: none of either).
pub fn samples(entries: &[Entry], run: &RunPlan, noise: Option<&mut Noise>) -> EngineSamples {
    let mut noise = noise;
    let mut factor = || noise.as_mut().map_or(1.0, |noise| noise.factor());
    let share = |entry: &Entry| if entry.on_dla { DLA_BUILD_NOISE } else { 1.0 };
    let built: Vec<f64> = entries.iter().map(|entry| entry.time.0 * (1.0 + share(entry) * (factor() - 1.0))).collect();
    let whole: f64 = built.iter().sum();
    let fitting = (run.duration.0 / whole.max(1e-6)).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to what is simulated at most")]
    let n_runs = run.iterations.max(fitting.clamp(1.0, 1e7) as u32) as usize;
    let compute = (0..n_runs).map(|_| Milliseconds(whole * factor())).collect();
    let enqueue = (0..n_runs).map(|_| Milliseconds(ENQUEUE * entries.len() as f64 * factor())).collect();
    let layers = entries.iter().zip(&built).map(|(entry, time)| LayerSamples {
        name: entry.name.clone(),
        times: (0..n_runs).map(|_| Milliseconds(time * (1.0 + PROFILER_OVERHEAD) * factor())).collect(),
    });
    EngineSamples { compute, enqueue, layers: layers.collect() }
}

struct Writer<'a> {
    network: &'a Network,
    platform: &'a Platform,
    spec: &'a EngineSpec,
    entries: Vec<Entry>,
    /// What the DLA still takes when the GPU goes on [ms].
    owed: f64,
}

impl Writer<'_> {
    fn push(&mut self, name: String, time: f64) {
        self.entries.push(Entry { name, time: Milliseconds(time), on_dla: false });
    }

    fn push_dla(&mut self, name: String, time: f64) {
        self.entries.push(Entry { name, time: Milliseconds(time), on_dla: true });
    }

    /// The names of a kernel's layers, joined by `separator`.
    fn names(&self, layers: impl IntoIterator<Item = usize>, separator: &str) -> String {
        let names = layers.into_iter().map(|layer| &*self.network.layers[layer].name);
        names.collect::<Vec<_>>().join(separator)
    }

    /// Consecutive kernels on the GPU; `marking` is the one after which the marked output is there.
    fn on_gpu(&mut self, kernels: &[PlannedKernel], marking: Option<usize>) {
        let begin = kernels.iter().flat_map(|kernel| kernel.layers.iter().copied()).min().unwrap_or(0);
        for (idx, kernel) in kernels.iter().enumerate() {
            let name = self.names(kernel.layers.iter().copied(), " + ");
            if self.owed > 0.0 {
                let entering = self.entering(Device::Gpu, begin);
                self.push_dla(format!("{name} input reformatter 0"), self.owed + entering);
                self.owed = 0.0;
            }
            self.push(name.clone(), kernel.time.0);
            if let Some(marked) = self.spec.marked().filter(|_| marking == Some(idx)) {
                let leaving = self.marked(Device::Dla, marked);
                self.push(format!("{name} output reformatter 0"), leaving);
            }
        }
    }

    /// Consecutive kernels on the DLA, which are one node: whether it is the first or the last of all, and whether the
    /// marked output is made in it.
    fn on_dla(&mut self, kernels: &[PlannedKernel], [first, last]: [bool; 2], marks: bool) {
        let layers = || kernels.iter().flat_map(|kernel| kernel.layers.iter().copied());
        let node = format!("{{{}}}", self.names(layers(), ","));
        let begin = layers().min().unwrap_or(0);
        let entering = self.entering(Device::Dla, begin);
        if first {
            self.push("data to nvm".to_owned(), entering * 0.7);
        } else {
            self.push(format!("{node} input reformatter 0"), entering);
        }
        let whole: f64 = kernels.iter().map(|kernel| kernel.time.0).sum();
        let at_node = (NODE.0 * whole).min(NODE.1);
        self.push_dla(node.clone(), at_node);
        if first {
            self.push("data copy finish".to_owned(), entering * 0.3);
        }
        if let Some(marked) = self.spec.marked().filter(|_| marks) {
            let leaving = self.marked(Device::Gpu, marked);
            self.push_dla(format!("{node} output reformatter 1"), leaving);
        }
        if last {
            let leaving = self.entering(Device::Gpu, self.network.layers.len());
            self.push_dla(format!("{node} output reformatter 0"), whole - at_node + leaving);
        } else {
            self.owed = whole - at_node;
        }
    }

    /// Cost of entering `device` before `layer`, by the platform's model; the network's own input and output cost what the
    /// platform says of them.
    fn entering(&self, device: Device, layer: usize) -> f64 {
        let at_edge = layer == 0 || layer == self.network.layers.len();
        let pays = self.platform.first_of(AcceleratorKind::Dla).is_some_and(|dla| dla.pays_network_io);
        if at_edge && !pays { 0.0 } else { self.cost(device, crossing_bytes(self.network, self.platform, layer)) }
    }

    /// Cost of handing a marked layer's output to `device`.
    fn marked(&self, device: Device, layer: usize) -> f64 {
        self.cost(device, output_bytes(self.network, self.platform, layer))
    }

    fn cost(&self, device: Device, bytes: Bytes) -> f64 {
        let other = match device {
            Device::Gpu => Device::Dla,
            Device::Dla => Device::Gpu,
        };
        let entry = self.platform.first_of(device.into()).map_or(0.0, |one| one.transition.entering(bytes).0.0);
        let exit = self.platform.first_of(other.into()).map_or(0.0, |one| one.transition.leaving(bytes).0.0);
        entry + exit
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::plan;
    use super::*;
    use crate::artifact::builtin;
    use crate::backend::trtexec::{Document, SIMULATOR, read, write_profile};
    use crate::engine::Variant;
    use crate::group::LayerRange;
    use crate::network::{caffe, catalog};
    use crate::profile::book;

    const RUN: RunPlan =
        RunPlan { iterations: 50, warm_up: Milliseconds(0.0), duration: Milliseconds(0.0), average_runs: 1 };

    #[test]
    fn what_is_simulated_is_booked_to_what_it_was_made_from() {
        let entry = catalog::find("googlenet").unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        let platform = builtin::platform("xavier_agx").unwrap();
        for (start, transition) in [
            (Device::Gpu, None),
            (Device::Dla, None),
            (Device::Gpu, Some(38)),
            (Device::Dla, Some(38)),
            (Device::Gpu, Some(124)),
        ] {
            let variant = Variant::Transition(transition);
            let spec = EngineSpec { network: network.name.clone(), start, variant, dla_core: 0 };
            let engine = plan(&network, &platform, &spec).unwrap();
            let entries = entries(&network, &platform, &spec, &engine);
            let text = write_profile(&samples(&entries, &RUN, None), SIMULATOR);
            let Ok(Document::Profile(profile)) = read(&text) else { panic!("{text}") };
            let booking = book(&network, &spec, &profile, &[0]).unwrap().scaled(1.0 / (1.0 + PROFILER_OVERHEAD));
            let on = |device| -> f64 {
                engine.kernels.iter().filter(|kernel| kernel.device == device).map(|kernel| kernel.time.0).sum()
            };
            let all = LayerRange { first: 0, last: network.layers.len() };
            // Six digits of each entry are printed.
            let step = 1e-6 * booking.total.0 * entries.len() as f64;
            let gpu = booking.gpu_in(all).0 + booking.fallback_in(all).0;
            assert!((gpu - on(Device::Gpu)).abs() < step, "{start} {transition:?} {gpu}");
            // Leaving the DLA stands in what waits for it.
            let leaves: f64 = match transition {
                Some(38) if start == Device::Dla => {
                    0.0013 + 0.0992 * crossing_bytes(&network, &platform, 38).mebibytes()
                }
                _ if spec.uses_dla() => 0.0013 + 0.0992 * crossing_bytes(&network, &platform, 140).mebibytes(),
                _ => 0.0,
            };
            assert!((booking.dla.0 - on(Device::Dla) - leaves).abs() < step, "{start} {transition:?} {booking:?}");
            assert!(booking.unattributed().0.abs() < step);
        }
    }

    #[test]
    fn builds_and_runs_scatter_and_repeat_under_a_seed() {
        let entry = |name: &str, time| Entry { name: name.into(), time: Milliseconds(time), on_dla: false };
        let entries = [entry("a", 1.0), entry("b", 2.0)];
        let drawn = |seed| samples(&entries, &RUN, Some(&mut Noise::new(seed)));
        assert_eq!(drawn(1), drawn(1));
        assert_ne!(drawn(1), drawn(2));
        assert_eq!(samples(&entries, &RUN, None).compute, vec![Milliseconds(3.0); 50]);
        let longer = RunPlan { duration: Milliseconds(300.0), ..RUN };
        assert_eq!(samples(&entries, &longer, None).compute.len(), 100);
    }
}
