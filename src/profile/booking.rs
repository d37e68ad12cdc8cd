//! Where the time of an engine's run went: every entry of its profile is booked to layers on the GPU, to the DLA, to the
//! way into the DLA, to what fell back to the GPU, or to nothing known.
//!
//! TensorRT starts the DLA, goes on, and waits for it where its result is needed. The DLA's time thus stands not at its
//! node `{..}` but at whatever reformats, copies or waits next: all of that is the DLA's, up to the next layer on the GPU.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use thiserror::Error;

use crate::backend::fused_names::{FusedName, LayerNames, Part, Role};
use crate::backend::trtexec::Profile;
use crate::engine::{Device, EngineSpec};
use crate::group::LayerRange;
use crate::network::Network;
use crate::units::Milliseconds;

/// An engine's run, taken apart. All of it adds up to `total`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Booking {
    /// Layers on the GPU, with the reformatters and copies named for them.
    pub gpu: Vec<GpuTime>,
    /// What the DLA took.
    pub dla: Milliseconds,
    /// Layers that the DLA's nodes name.
    pub dla_layers: BTreeSet<usize>,
    /// What handing data to the DLA took.
    pub into_dla: Milliseconds,
    /// Layers that were to run on the DLA and ran on the GPU.
    pub fallback: Vec<GpuTime>,
    /// Entries that name no layer, or more than one group's; and what the table's total holds beyond its rows.
    pub unattributed: Vec<(String, Milliseconds)>,
    /// Layers of which entries tell only the ends of what lies in several groups, and so no group's time.
    pub untold: BTreeSet<usize>,
    /// All of a run.
    pub total: Milliseconds,
}

/// Time of layers on the GPU.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GpuTime {
    /// The first layer that the entry names.
    pub layer: usize,
    /// Its time.
    pub time: Milliseconds,
    /// Whether a tensor's format was changed, or a tensor copied, rather than a layer computed.
    pub reformat: bool,
}

/// Why a profile is not that of the engine that its name says.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum NotThatEngine {
    /// A node of the DLA holds a layer that the GPU was to run.
    #[error("layer `{layer}` is in a node of the DLA, but the engine's name puts it on the GPU")]
    OnDla {
        /// The layer.
        layer: String,
    },
    /// Nothing ran on the DLA.
    #[error("no entry is of the DLA, but the engine's name puts layers on it")]
    NothingOnDla,
    /// No entry names a layer of the network.
    #[error("no entry names a layer of `{network}`")]
    OtherNetwork {
        /// The network.
        network: String,
    },
}

impl Booking {
    /// Time on the GPU of the entries that begin with a layer of `range`, fallbacks not counted.
    pub fn gpu_in(&self, range: LayerRange) -> Milliseconds {
        sum(&self.gpu, range)
    }

    /// Time on the GPU, in an engine that has them on the DLA, of layers of `range`.
    pub fn fallback_in(&self, range: LayerRange) -> Milliseconds {
        sum(&self.fallback, range)
    }

    /// Time that is booked to nothing.
    pub fn unattributed(&self) -> Milliseconds {
        self.unattributed.iter().map(|(_, time)| *time).sum()
    }

    /// Time of reformatters and copies among the GPU's.
    pub fn reformats(&self) -> Milliseconds {
        self.gpu.iter().filter(|entry| entry.reformat).map(|entry| entry.time).sum()
    }

    /// Whether the entries on the GPU tell all of the time of the layers of `range`.
    pub fn tells(&self, range: LayerRange) -> bool {
        self.untold.range(range.first..range.last).next().is_none() && self.gpu_in(range).0 > 0.0
    }

    /// With every time multiplied by `factor`.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        let scale = |time: &mut Milliseconds| time.0 *= factor;
        self.gpu.iter_mut().chain(&mut self.fallback).for_each(|entry| scale(&mut entry.time));
        self.unattributed.iter_mut().for_each(|(_, time)| scale(time));
        [&mut self.dla, &mut self.into_dla, &mut self.total].into_iter().for_each(scale);
        self
    }
}

fn sum(entries: &[GpuTime], range: LayerRange) -> Milliseconds {
    entries.iter().filter(|entry| range.contains(entry.layer)).map(|entry| entry.time).sum()
}

/// Books a run of the engine `spec`. `starts` are the first layers of the groups that times are wanted of.
pub fn book(
    network: &Network,
    spec: &EngineSpec,
    profile: &Profile,
    starts: &[usize],
) -> Result<Booking, NotThatEngine> {
    let names = LayerNames::of(network);
    let mut books = Books { network, spec, starts, booking: Booking::default(), dla_runs: false, fed: Vec::new() };
    books.booking.total = profile.total;
    for entry in &profile.entries {
        books.enter(&entry.name, &names.split(&entry.name), entry.mean)?;
    }
    let unlisted = profile.unlisted();
    // Less is what adding up in floating point leaves.
    if unlisted.0.abs() > 1e-9 * profile.total.0 {
        books.booking.unattributed.push(("not in the table's rows".to_owned(), unlisted));
    }
    if spec.uses_dla() && books.booking.dla_layers.is_empty() {
        return Err(NotThatEngine::NothingOnDla);
    }
    if books.booking.gpu.is_empty() && books.booking.dla_layers.is_empty() {
        return Err(NotThatEngine::OtherNetwork { network: network.name.clone() });
    }
    Ok(books.booking)
}

struct Books<'a> {
    network: &'a Network,
    spec: &'a EngineSpec,
    starts: &'a [usize],
    booking: Booking,
    /// Whether the DLA was started and nothing has run on the GPU since.
    dla_runs: bool,
    /// Tensors that were copied to the DLA's memory.
    fed: Vec<String>,
}

impl Books<'_> {
    fn enter(&mut self, entry: &str, name: &FusedName, time: Milliseconds) -> Result<(), NotThatEngine> {
        let first = name.parts.first().map(|part| first_layer(*part));
        if name.role == Role::Work && self.is_dla_node(entry, first)? {
            self.booking.dla = self.booking.dla + time;
            self.booking.dla_layers.extend(name.parts.iter().flat_map(|part| layers(*part)));
            self.dla_runs = true;
        } else if self.feeds_dla(entry, name, first) {
            self.booking.into_dla = self.booking.into_dla + time;
        } else if self.dla_runs && matches!(name.role, Role::Reformat | Role::DlaTransfer) {
            self.booking.dla = self.booking.dla + time;
        } else if let Some(layer) = layer_of_entry(self.network, self.starts, entry, name) {
            let entry = GpuTime { layer, time, reformat: name.role != Role::Work };
            self.dla_runs &= name.role != Role::Work;
            let book = if self.spec.device_of(layer) == Device::Gpu {
                &mut self.booking.gpu
            } else {
                &mut self.booking.fallback
            };
            book.push(entry);
        } else {
            self.booking.untold.extend(name.parts.iter().flat_map(|part| layers(*part)));
            self.booking.unattributed.push((entry.to_owned(), time));
        }
        Ok(())
    }

    /// TensorRT 7 writes the DLA's layers as `{a,b}`. Later ones write `{ForeignNode[a...b]}`, which the GPU has, too.
    fn is_dla_node(&self, entry: &str, first: Option<usize>) -> Result<bool, NotThatEngine> {
        let Some(first) = first.filter(|_| entry.trim_start().starts_with('{')) else { return Ok(false) };
        if self.spec.device_of(first) == Device::Dla {
            return Ok(true);
        }
        if entry.contains("ForeignNode[") {
            return Ok(false);
        }
        Err(NotThatEngine::OnDla { layer: self.network.layers[first].name.clone() })
    }

    /// A copy to the DLA's memory, the wait for it, or a change of format that is named for a node of the DLA.
    fn feeds_dla(&mut self, entry: &str, name: &FusedName, first: Option<usize>) -> bool {
        if let Some(tensor) = entry.strip_suffix(" to nvm") {
            self.fed.push(tensor.to_owned());
            return true;
        }
        if let Some(tensor) = entry.strip_suffix(" copy finish") {
            return self.fed.iter().any(|fed| fed == tensor);
        }
        let says_input = entry.contains("} input reformatter") || entry.contains("for Input Tensor");
        let on_dla = first.is_some_and(|first| self.spec.device_of(first) == Device::Dla);
        name.role == Role::Reformat && says_input && on_dla && entry.contains('{')
    }
}

/// The layer to which an entry on the GPU is booked: the first that it names. `None` where it names none, or tells only
/// the ends of what lies in several of the groups that begin at `starts`.
pub(super) fn layer_of_entry(network: &Network, starts: &[usize], entry: &str, name: &FusedName) -> Option<usize> {
    let first = name.parts.first().map(|part| first_layer(*part));
    first.or_else(|| of_network_io(network, entry)).filter(|_| !spans_groups(starts, name))
}

/// The layer at the network's end that a change of format is for, where its name tells only a tensor.
fn of_network_io(network: &Network, entry: &str) -> Option<usize> {
    if entry.contains("Network Input") {
        Some(0)
    } else if entry.contains("Network Output") {
        network.layers.len().checked_sub(1)
    } else {
        None
    }
}

/// Whether a name tells only the ends of what lies in several groups.
fn spans_groups(starts: &[usize], name: &FusedName) -> bool {
    let spans = |part: &Part| match *part {
        Part::Layer(_) => false,
        Part::Range { first, last } => starts.iter().any(|&start| first < start && start <= last),
    };
    name.parts.iter().any(spans)
}

fn first_layer(part: Part) -> usize {
    *layers(part).start()
}

fn layers(part: Part) -> RangeInclusive<usize> {
    match part {
        Part::Layer(layer) => layer..=layer,
        Part::Range { first, last } => first..=last,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::trtexec::{Document, read};
    use crate::engine::Variant;
    use crate::network::caffe;

    const NETWORK: &str = "input: \"data\" input_dim: 1 input_dim: 1 input_dim: 1 input_dim: 1
        layer { name: \"a\" type: \"ReLU\" bottom: \"data\" top: \"a\" }
        layer { name: \"b\" type: \"ReLU\" bottom: \"a\" top: \"b\" }
        layer { name: \"c\" type: \"ReLU\" bottom: \"b\" top: \"c\" }
        layer { name: \"prob\" type: \"Softmax\" bottom: \"c\" top: \"prob\" }";

    fn booked(start: Device, transition: Option<usize>, entries: &[(&str, f64)]) -> Result<Booking, NotThatEngine> {
        let network = caffe::parse(NETWORK, "net", "Net").unwrap();
        let spec = EngineSpec { network: "net".into(), start, variant: Variant::Transition(transition), dla_core: 0 };
        let lines = entries.iter().map(|(name, time)| format!(", {{ \"name\" : \"{name}\", \"timeMs\" : {time} }}\n"));
        let text = format!("[ {{ \"count\" : 1 }}\n{}]", lines.collect::<String>());
        let Ok(Document::Profile(profile)) = read(&text) else { panic!("{text}") };
        book(&network, &spec, &profile, &[0, 2])
    }

    /// GPU before layer 2 and after it, DLA, way into it, fallback, unattributed.
    #[track_caller]
    fn check(start: Device, transition: Option<usize>, entries: &[(&str, f64)], expected: [f64; 6]) {
        let booking = booked(start, transition, entries).unwrap();
        let all = LayerRange { first: 0, last: 4 };
        let found = [
            booking.gpu_in(LayerRange { first: 0, last: 2 }),
            booking.gpu_in(LayerRange { first: 2, last: 4 }),
            booking.dla,
            booking.into_dla,
            booking.fallback_in(all),
            booking.unattributed(),
        ]
        .map(|time| time.0);
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-9, "{booking:?}");
        }
        assert!((booking.total.0 - found.iter().sum::<f64>()).abs() < 1e-9, "{booking:?}");
    }

    #[test]
    fn times_of_the_dla_that_stand_at_what_follows_it_are_the_dlas() {
        let at_reformatter = [
            ("a input reformatter 0", 1.0),
            ("a + b", 2.0),
            ("{c} input reformatter 0", 4.0),
            ("{c}", 8.0),
            ("{c} reformatted input 0 finish", 16.0),
            ("prob input reformatter 0", 32.0),
            ("c finish", 64.0),
            ("prob", 128.0),
        ];
        check(Device::Gpu, Some(2), &at_reformatter, [3.0, 0.0, 120.0, 4.0, 128.0, 0.0]);
        let at_output = [
            ("data to nvm", 1.0),
            ("{a,b,c}", 2.0),
            ("data copy finish", 4.0),
            ("{a,b,c} output reformatter 0", 8.0),
            ("{a,b,c} output to be reformatted 0 finish", 16.0),
            ("prob", 32.0),
            ("prob output reformatter 0", 64.0),
        ];
        check(Device::Dla, None, &at_output, [0.0, 0.0, 26.0, 5.0, 96.0, 0.0]);
        let newer = [
            ("Reformatting CopyNode for Input Tensor 0 to {ForeignNode[a...b]}", 1.0),
            ("{ForeignNode[a...b]}", 2.0),
            ("b from nvm", 4.0),
            ("c", 8.0),
            ("prob", 16.0),
        ];
        check(Device::Dla, Some(2), &newer, [0.0, 24.0, 6.0, 1.0, 0.0, 0.0]);
    }

    #[test]
    fn what_names_no_layer_or_several_groups_is_booked_to_nothing() {
        let entries = [
            ("Reformatting CopyNode for Network Input data", 1.0),
            ("{ForeignNode[a...b]}", 2.0),
            ("{ForeignNode[b...c]}", 4.0),
            ("mystery", 8.0),
            ("a copy", 16.0),
            ("prob", 32.0),
        ];
        check(Device::Gpu, None, &entries, [19.0, 32.0, 0.0, 0.0, 0.0, 12.0]);
    }

    #[test]
    fn a_profile_of_another_engine_is_told() {
        let says = |start, transition, entries: &[(&str, f64)], words: &str| {
            assert_eq!(booked(start, transition, entries).unwrap_err().to_string(), words);
        };
        let dla_second = [("a + b", 1.0), ("{c}", 2.0), ("prob", 1.0)];
        says(
            Device::Dla,
            Some(2),
            &dla_second,
            "layer `c` is in a node of the DLA, but the engine's name puts it on the GPU",
        );
        let nothing = "no entry is of the DLA, but the engine's name puts layers on it";
        says(Device::Gpu, Some(2), &[("a + b", 1.0), ("c", 2.0), ("prob", 1.0)], nothing);
        says(Device::Gpu, None, &[("x", 1.0)], "no entry names a layer of `net`");
    }
}
