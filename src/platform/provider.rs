//! What executes an accelerator's layers in ONNX Runtime: an execution provider and its options.

use std::collections::BTreeMap;

/// An execution provider of ONNX Runtime, with what it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Provider {
    /// Which one.
    pub kind: ProviderKind,
    /// Processor cores to which its threads are bound, by the system's numbers; empty where they aren't bound.
    pub cores: Vec<usize>,
    /// Options by their names in ONNX Runtime.
    pub options: BTreeMap<String, String>,
}

/// The execution providers that a platform may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProviderKind {
    /// The processor's cores.
    Cpu,
    /// NVIDIA GPUs.
    Cuda,
    /// NVIDIA GPUs and DLA cores, by TensorRT.
    Tensorrt,
    /// Intel processors, GPUs and NPUs.
    Openvino,
    /// Qualcomm's accelerators.
    Qnn,
}

impl ProviderKind {
    /// Every provider.
    pub const ALL: [Self; 5] = [Self::Cpu, Self::Cuda, Self::Tensorrt, Self::Openvino, Self::Qnn];

    /// The word in platform files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Tensorrt => "tensorrt",
            Self::Openvino => "openvino",
            Self::Qnn => "qnn",
        }
    }
}

impl Provider {
    /// The processor with all of its cores, bound to none: what ONNX Runtime does by itself.
    pub fn unbound() -> Self {
        Self { kind: ProviderKind::Cpu, cores: Vec::new(), options: BTreeMap::new() }
    }

    /// The processor's `cores`.
    pub fn on_cores(cores: Vec<usize>) -> Self {
        Self { cores, ..Self::unbound() }
    }
}
