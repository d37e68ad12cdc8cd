//! What a network is made of when an accelerator runs it: kernels, each a layer with what is fused into it, with the
//! multiply-accumulates and the bytes that the cost model charges for.

use crate::group::LayerRange;
use crate::network::{Layer, LayerKind, Network, TensorId};
use crate::platform::{AcceleratorKind, Platform, Roofline};
use crate::units::{Bytes, Milliseconds};

/// One launch on an accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Layers that it runs, ascending.
    pub layers: Vec<usize>,
    /// Multiply-accumulates with the input channels of every convolution filled up to whole vectors.
    pub macs: u64,
    /// Bytes that it moves: tensors read and written, and weights.
    pub bytes: Bytes,
}

/// What the cost model charges for, summed over kernels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Number of kernels.
    pub n_kernels: f64,
    /// 10^9 multiply-accumulates.
    pub gmacs: f64,
    /// 10^9 bytes.
    pub gigabytes: f64,
}

impl Work {
    /// The work of all of `kernels`.
    pub fn of<'a>(kernels: impl IntoIterator<Item = &'a Kernel>) -> Self {
        kernels.into_iter().fold(Self::default(), |sum, kernel| Self {
            n_kernels: sum.n_kernels + 1.0,
            gmacs: sum.gmacs + kernel.macs as f64 / 1e9,
            gigabytes: sum.gigabytes + kernel.bytes.0 as f64 / 1e9,
        })
    }

    /// `overhead + macs / compute + bytes / bandwidth` of the work under `roofline`.
    pub fn time(&self, roofline: &Roofline) -> Milliseconds {
        let compute = self.gmacs / roofline.compute_gmacs.value * 1e3;
        let memory = self.gigabytes / roofline.bandwidth.value.0 * 1e3;
        Milliseconds(self.n_kernels * roofline.overhead.value.0 + compute + memory)
    }
}

/// Time of `kernel` when it runs alone.
pub fn standalone_time(kernel: &Kernel, roofline: &Roofline) -> Milliseconds {
    Work::of([kernel]).time(roofline)
}

/// Part of [`standalone_time`] in which `kernel` waits for the memory.
pub fn memory_time(kernel: &Kernel, roofline: &Roofline) -> Milliseconds {
    Milliseconds(kernel.bytes.0 as f64 / (roofline.bandwidth.value.0 * 1e6))
}

/// The kernels of `range` on the accelerator at `accelerator` of the platform, in the order of their first layers.
pub fn kernels(network: &Network, platform: &Platform, accelerator: usize, range: LayerRange) -> Vec<Kernel> {
    let kind = platform.accelerators[accelerator].kind;
    let all = Fusion::new(network, kind, platform.bytes_per_element).kernels();
    all.into_iter().filter(|kernel| kernel.layers.first().is_some_and(|&first| range.contains(first))).collect()
}

/// Bytes of the tensors that cross from the layers before `cut` to those from `cut` on; the network's inputs at 0, its
/// outputs at the end.
pub fn crossing_bytes(network: &Network, platform: &Platform, cut: usize) -> Bytes {
    let is_output = |id: TensorId| !network.layers.iter().any(|layer| layer.bottoms.contains(&id));
    let crosses = |id: TensorId| {
        let before = network.tensor(id).producer.is_none_or(|producer| producer < cut);
        let read_after = network.layers.iter().skip(cut).any(|layer| layer.bottoms.contains(&id));
        before && (read_after || (cut == network.layers.len() && is_output(id)))
    };
    let ids = (0..network.tensors.len()).map(TensorId).filter(|&id| crosses(id));
    Bytes(ids.map(|id| network.tensor(id).shape.elements()).sum::<u64>() * platform.bytes_per_element)
}

/// How layers join into kernels on one kind of accelerator.
struct Fusion<'a> {
    network: &'a Network,
    kind: AcceleratorKind,
    bytes_per_element: u64,
    /// Layers that read each tensor.
    readers: Vec<Vec<usize>>,
}

impl<'a> Fusion<'a> {
    fn new(network: &'a Network, kind: AcceleratorKind, bytes_per_element: u64) -> Self {
        let mut readers = vec![Vec::new(); network.tensors.len()];
        for (idx, layer) in network.layers.iter().enumerate() {
            for bottom in &layer.bottoms {
                readers[bottom.0].push(idx);
            }
        }
        Self { network, kind, bytes_per_element, readers }
    }

    fn kernels(&self) -> Vec<Kernel> {
        let mut units = self.units();
        if self.kind == AcceleratorKind::Gpu {
            units = self.merge_siblings(units);
        }
        let mut kernels: Vec<Kernel> = units.iter().filter_map(|unit| self.kernel(unit, &units)).collect();
        kernels.sort_by_key(|kernel| kernel.layers[0]);
        kernels
    }

    /// Every layer joined to the one whose output it finishes: normalization, scale and activation to the layer before
    /// them, an elementwise sum to the later of the convolutions that it adds.
    fn units(&self) -> Vec<Vec<usize>> {
        let mut units: Vec<Vec<usize>> = Vec::new();
        let mut unit_of = vec![0; self.network.layers.len()];
        for idx in 0..self.network.layers.len() {
            unit_of[idx] = match self.finishes(idx).map(|before| unit_of[before]) {
                Some(unit) if self.takes_epilogue(&units[unit]) => unit,
                _ => {
                    units.push(Vec::new());
                    units.len() - 1
                }
            };
            units[unit_of[idx]].push(idx);
        }
        units
    }

    /// The layer whose output layer `idx` alone reads and finishes.
    fn finishes(&self, idx: usize) -> Option<usize> {
        let layer = &self.network.layers[idx];
        let is_epilogue = matches!(
            layer.kind,
            LayerKind::BatchNorm | LayerKind::Scale { .. } | LayerKind::Relu { .. } | LayerKind::Eltwise(_)
        );
        let sole = layer.bottoms.iter().filter(|bottom| is_epilogue && self.readers[bottom.0].len() == 1);
        sole.filter_map(|&bottom| self.network.tensor(bottom).producer).max()
    }

    /// Whether a unit starts with a layer that others can be fused into.
    fn takes_epilogue(&self, unit: &[usize]) -> bool {
        unit.first().is_some_and(|&first| {
            matches!(
                self.network.layers[first].kind,
                LayerKind::Convolution(_)
                    | LayerKind::Deconvolution(_)
                    | LayerKind::InnerProduct(_)
                    | LayerKind::Eltwise(_)
                    | LayerKind::BatchNorm
                    | LayerKind::Scale { .. }
            )
        })
    }

    /// TensorRT runs equal 1x1 convolutions of one tensor, with equal epilogues, as one kernel on a GPU.
    fn merge_siblings(&self, units: Vec<Vec<usize>>) -> Vec<Vec<usize>> {
        let mut merged: Vec<Vec<usize>> = Vec::new();
        for unit in units {
            match merged.iter_mut().find(|other| self.are_siblings(other, &unit)) {
                Some(sibling) => sibling.extend(unit),
                None => merged.push(unit),
            }
        }
        merged.iter_mut().for_each(|unit| unit.sort_unstable());
        merged
    }

    fn are_siblings(&self, one: &[usize], other: &[usize]) -> bool {
        let (first, second) = (&self.network.layers[one[0]], &self.network.layers[other[0]]);
        let epilogue = |unit: &[usize]| unit.get(1).map(|&idx| self.network.layers[idx].kind.caffe_name().to_owned());
        match (&first.kind, &second.kind) {
            (LayerKind::Convolution(a), LayerKind::Convolution(b)) => {
                a.window.kernel == [1, 1]
                    && a.window == b.window
                    && a.group == 1
                    && b.group == 1
                    && first.bottoms == second.bottoms
                    && epilogue(one) == epilogue(other)
            }
            _ => false,
        }
    }

    fn kernel(&self, unit: &[usize], units: &[Vec<usize>]) -> Option<Kernel> {
        let layers = || unit.iter().map(|&idx| &self.network.layers[idx]);
        let elements = match layers().next().map(|layer| &layer.kind) {
            Some(LayerKind::Concat) => 2 * self.copied_elements(unit[0], units),
            _ => self.moved_elements(unit) + layers().map(|layer| layer.weights).sum::<u64>(),
        };
        let macs = layers().map(|layer| self.filled_macs(layer)).sum();
        let is_free = elements == 0 && macs == 0;
        (!is_free).then(|| Kernel { layers: unit.to_vec(), macs, bytes: Bytes(elements * self.bytes_per_element) })
    }

    /// Elements that `unit` reads from and writes to the memory; what stays between its layers isn't moved.
    fn moved_elements(&self, unit: &[usize]) -> u64 {
        let layers = || unit.iter().map(|&idx| &self.network.layers[idx]);
        let written: Vec<TensorId> = layers().flat_map(|layer| layer.tops.iter().copied()).collect();
        let mut moved: Vec<TensorId> =
            layers().flat_map(|layer| layer.bottoms.iter().copied()).filter(|id| !written.contains(id)).collect();
        moved.extend(written.into_iter().filter(|id| {
            let readers = &self.readers[id.0];
            readers.is_empty() || readers.iter().any(|reader| !unit.contains(reader))
        }));
        moved.sort_unstable();
        moved.dedup();
        moved.into_iter().map(|id| self.network.tensor(id).shape.elements()).sum()
    }

    /// Elements that a concatenation copies: most producers write into its output at once, but not one that others
    /// read too, and not one that shares its kernel with siblings.
    fn copied_elements(&self, idx: usize, units: &[Vec<usize>]) -> u64 {
        let is_copied = |id: TensorId| {
            let shares_kernel = self.network.tensor(id).producer.is_some_and(|producer| {
                units.iter().find(|unit| unit.contains(&producer)).is_some_and(|unit| self.heads(unit) > 1)
            });
            shares_kernel || self.readers[id.0].len() > 1
        };
        let bottoms = self.network.layers[idx].bottoms.iter().filter(|&&id| is_copied(id));
        bottoms.map(|&id| self.network.tensor(id).shape.elements()).sum()
    }

    /// Number of convolutions in one unit.
    fn heads(&self, unit: &[usize]) -> usize {
        unit.iter().filter(|&&idx| matches!(self.network.layers[idx].kind, LayerKind::Convolution(_))).count()
    }

    /// Multiply-accumulates with input channels filled up to the vectors that the accelerator computes on.
    fn filled_macs(&self, layer: &Layer) -> u64 {
        let LayerKind::Convolution(convolution) = &layer.kind else { return layer.macs };
        let vector = (vector_bytes(self.kind) / self.bytes_per_element).max(1);
        let channels = (self.network.tensor(layer.bottoms[0]).shape.channels / convolution.group).max(1);
        layer.macs / channels * channels.next_multiple_of(vector)
    }
}

/// Bytes of the channel vectors that an accelerator's convolutions work on: tensor cores take 8 FP16 values, and the
/// DLA's native tensor formats hold 32 bytes per point (`kCHW16` in FP16, `kCHW32` in INT8; TensorRT developer guide).
fn vector_bytes(kind: AcceleratorKind) -> u64 {
    match kind {
        AcceleratorKind::Gpu => 16,
        AcceleratorKind::Dla => 32,
        AcceleratorKind::Cpu | AcceleratorKind::Npu => 1,
    }
}
