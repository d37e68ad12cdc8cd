//! A chip: its accelerators, the memory that they share, how contention slows each, and where every number comes from.

mod contention;
mod rules;

use crate::units::{GigabytesPerSecond, Milliseconds};

pub use contention::{ContentionCurve, CurveError, Pccs, SlowdownTable};
pub use rules::{LayerLimits, SupportRules, WindowLimits};

/// Where a number comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provenance {
    /// Timed or sampled on the hardware that it speaks of.
    Measured,
    /// Printed in a paper, an artifact or a data sheet.
    Published,
    /// Computed from published or measured numbers.
    Derived,
    /// Comes from the simulator's cost model.
    Modelled,
    /// Nobody's figure: chosen, with the reason in its source.
    Assumed,
}

/// A number with its provenance and source.
#[derive(Clone, Debug, PartialEq)]
pub struct Sourced<T> {
    /// The number.
    pub value: T,
    /// What kind of number it is.
    pub provenance: Provenance,
    /// Where it was read, or why it was chosen.
    pub source: String,
}

/// What kind of engine an accelerator is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AcceleratorKind {
    /// Graphics processor: runs every layer.
    Gpu,
    /// Deep-learning accelerator.
    Dla,
    /// A set of processor cores.
    Cpu,
    /// Another neural processor.
    Npu,
}

/// One engine of the chip that does at most one thing at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Accelerator {
    /// Name in flags and files (`gpu`, `dla`).
    pub name: String,
    /// What it is.
    pub kind: AcceleratorKind,
    /// How far the traffic of the others slows it.
    pub contention: ContentionCurve,
    /// Whether any parameter of the curve is assumed, and which: predictions that rest on it say so.
    pub assumed_contention: Vec<String>,
    /// Which layers it can run.
    pub rules: SupportRules,
    /// Most DLA loadables on one core at a time; `None` where there is no such limit.
    pub max_loadables: Option<u32>,
    /// Whether a network's own input and output pay `in` and `out` here.
    pub pays_network_io: bool,
    /// Parameters of the simulator's cost model.
    pub roofline: Roofline,
    /// Cost of entering and leaving.
    pub transition: TransitionModel,
}

/// The cost model's parameters of one accelerator: a fused layer takes
/// `overhead + max(macs / compute, bytes / bandwidth)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Roofline {
    /// Sustained compute rate, 10^9 multiply-accumulates per second.
    pub compute_gmacs: Sourced<f64>,
    /// Sustained memory throughput when alone.
    pub bandwidth: Sourced<GigabytesPerSecond>,
    /// Fixed time of one fused layer.
    pub overhead: Sourced<Milliseconds>,
}

/// Cost of a change of accelerator, linear in the tensor that crosses.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionModel {
    /// Fixed part of entering the accelerator.
    pub in_fixed: Sourced<Milliseconds>,
    /// Part of entering it per MiB of FP16 tensor.
    pub in_per_mib: Sourced<Milliseconds>,
    /// Fixed part of leaving it.
    pub out_fixed: Sourced<Milliseconds>,
    /// Part of leaving it per MiB of FP16 tensor.
    pub out_per_mib: Sourced<Milliseconds>,
}

/// A chip.
#[derive(Clone, Debug, PartialEq)]
pub struct Platform {
    /// Name in flags and files (`xavier_agx`).
    pub name: String,
    /// What people call it.
    pub title: String,
    /// SHA-256 of the platform file in hexadecimal.
    pub content_hash: String,
    /// Peak memory throughput.
    pub peak_bandwidth: Sourced<GigabytesPerSecond>,
    /// Share of the peak that the memory delivers when several accelerators stream at once (the simulator's law).
    pub sharing_efficiency: Sourced<f64>,
    /// Bytes of one tensor element in the precision that engines are built in (2 for FP16).
    pub bytes_per_element: u64,
    /// The accelerators; the first one runs every layer.
    pub accelerators: Vec<Accelerator>,
}

impl Platform {
    /// Position of the accelerator called `name`.
    pub fn accelerator_index(&self, name: &str) -> Option<usize> {
        self.accelerators.iter().position(|accelerator| accelerator.name == name)
    }
}
