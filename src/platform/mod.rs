//! A chip: its accelerators, the memory that they share, how contention slows each, and where every number comes from.

mod contention;
mod provenance;
mod provider;
mod rules;

use crate::units::{Bytes, GigabytesPerSecond, Megahertz, Milliseconds, Milliwatts};

pub use contention::{ContentionCurve, ContentionGrid, CurveError, GridError, Pccs, SlowdownTable};
pub use provenance::{Provenance, Sourced, StatedNumber};
pub use provider::{Provider, ProviderKind};
pub use rules::{LayerLimits, SupportRules, WindowLimits};

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

impl AcceleratorKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Gpu, Self::Dla, Self::Cpu, Self::Npu];

    /// The word in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gpu => "gpu",
            Self::Dla => "dla",
            Self::Cpu => "cpu",
            Self::Npu => "npu",
        }
    }
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
    /// What one of its loadables may take of the memory.
    pub loadable_memory: LoadableMemory,
    /// Power that it draws while it is occupied, beyond what the chip draws idle; `None` where nobody knows.
    pub power: Option<Milliwatts>,
    /// What executes its layers in ONNX Runtime; `None` where that can't.
    pub provider: Option<Provider>,
    /// Whether a network's own input and output pay `in` and `out` here.
    pub pays_network_io: bool,
    /// Parameters of the simulator's cost model.
    pub roofline: Roofline,
    /// Cost of entering and leaving.
    pub transition: TransitionModel,
    /// Where the numbers of the contention curve, the rules, the limits of loadables and the power come from, for people.
    pub stated: Vec<StatedNumber>,
}

/// Most memory that a DLA loadable gets; `None` where there is no such limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadableMemory {
    /// For its weights: TensorRT's pool of global DRAM.
    pub weights: Option<Bytes>,
    /// For tensors between its layers: TensorRT's pool of local DRAM.
    pub tensors: Option<Bytes>,
}

/// The cost model's parameters of one accelerator: a kernel takes `overhead + macs / compute + bytes / bandwidth`.
/// The sum, not the larger part: kernels this short hardly overlap the two, and it is nearer to the published times.
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
    /// Compute capability of its GPU (`7.2`), by which logs of TensorRT tell boards apart; `None` where nobody needs it.
    pub compute_capability: Option<String>,
    /// Peak memory throughput.
    pub peak_bandwidth: Sourced<GigabytesPerSecond>,
    /// The memory's clock at which the peak is stated; `None` where the platform file doesn't say.
    pub emc_clock: Option<Sourced<Megahertz>>,
    /// Share of the peak that the memory delivers when several accelerators stream at once (the simulator's law).
    pub sharing_efficiency: Sourced<f64>,
    /// Power that the chip draws while none of its accelerators is occupied; `None` where nobody knows.
    pub idle_power: Option<Sourced<Milliwatts>>,
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

    /// The first accelerator of `kind`, which is the one that engines for a kind of device run on.
    pub fn first_of(&self, kind: AcceleratorKind) -> Option<&Accelerator> {
        self.accelerators.iter().find(|accelerator| accelerator.kind == kind)
    }

    /// Peak memory throughput at `clock`: what the platform states, in proportion to the clock, since the width of the bus
    /// and the transfers per period stay. `None` where the platform doesn't say at which clock its peak is stated.
    pub fn peak_at(&self, clock: Megahertz) -> Option<GigabytesPerSecond> {
        let stated = self.emc_clock.as_ref()?.value;
        Some(GigabytesPerSecond(self.peak_bandwidth.value.0 * f64::from(clock.0) / f64::from(stated.0)))
    }

    /// Every number of the platform with its unit, provenance and source, in the order of the platform file.
    pub fn stated_numbers(&self) -> Vec<StatedNumber> {
        let mut numbers =
            vec![self.peak_bandwidth.state("peak_bandwidth".into(), &self.peak_bandwidth.value.0, "GB/s")];
        numbers.extend(self.emc_clock.iter().map(|clock| clock.state("emc_clock".into(), &clock.value.0, "MHz")));
        let watts = |power: &Sourced<Milliwatts>| power.state("idle_power".into(), &power.value.to_watts(), "W");
        numbers.extend(self.idle_power.iter().map(watts));
        numbers.push(self.sharing_efficiency.state("sharing_efficiency".into(), &self.sharing_efficiency.value, ""));
        for accelerator in &self.accelerators {
            numbers.extend(accelerator.stated.iter().cloned());
            numbers.extend(accelerator.roofline.stated_numbers(&accelerator.name));
            numbers.extend(accelerator.transition.stated_numbers(&accelerator.name));
        }
        numbers
    }
}

impl Roofline {
    fn stated_numbers(&self, accelerator: &str) -> [StatedNumber; 3] {
        let path = |key: &str| format!("{accelerator}.roofline.{key}");
        [
            self.compute_gmacs.state(path("compute"), &self.compute_gmacs.value, "GMAC/s"),
            self.bandwidth.state(path("bandwidth"), &self.bandwidth.value.0, "GB/s"),
            self.overhead.state(path("overhead"), &self.overhead.value.0, "ms"),
        ]
    }
}

impl TransitionModel {
    /// What entering with a tensor of `bytes` costs, and how far that can be trusted.
    pub fn entering(&self, bytes: Bytes) -> (Milliseconds, Provenance) {
        cost(&self.in_fixed, &self.in_per_mib, bytes)
    }

    /// What leaving with a tensor of `bytes` costs, and how far that can be trusted.
    pub fn leaving(&self, bytes: Bytes) -> (Milliseconds, Provenance) {
        cost(&self.out_fixed, &self.out_per_mib, bytes)
    }

    fn stated_numbers(&self, accelerator: &str) -> [StatedNumber; 4] {
        let state = |key: &str, cost: &Sourced<Milliseconds>, unit| {
            cost.state(format!("{accelerator}.transition.{key}"), &cost.value.0, unit)
        };
        [
            state("in_fixed", &self.in_fixed, "ms"),
            state("in_per_mib", &self.in_per_mib, "ms/MiB"),
            state("out_fixed", &self.out_fixed, "ms"),
            state("out_per_mib", &self.out_per_mib, "ms/MiB"),
        ]
    }
}

/// `fixed + per_mib x MiB`, no better known than the worse of the two.
fn cost(fixed: &Sourced<Milliseconds>, per_mib: &Sourced<Milliseconds>, bytes: Bytes) -> (Milliseconds, Provenance) {
    let value = Milliseconds(fixed.value.0 + per_mib.value.0 * bytes.mebibytes());
    (value, fixed.provenance.max(per_mib.provenance))
}
