//! Engines of the simulator: which kernels run where. Building one takes no tactics, so that it is instant and the same
//! everywhere.

use super::kernel::{Work, kernels};
use crate::engine::{Device, EngineSpec, LayerPlacement, Placement};
use crate::group::support;
use crate::network::Network;
use crate::platform::{AcceleratorKind, Platform};
use crate::units::{Bytes, Milliseconds};

/// A kernel of an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedKernel {
    /// Layers that it runs, ascending.
    pub layers: Vec<usize>,
    /// Where.
    pub device: Device,
    /// How long it takes alone, by the cost model.
    pub time: Milliseconds,
    /// Bytes that it moves.
    pub bytes: Bytes,
}

/// An engine of the simulator.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedEngine {
    /// Its kernels, in the order of their last layers.
    pub kernels: Vec<PlannedKernel>,
    /// Where every layer ended up.
    pub placement: Placement,
}

/// The engine of `spec` on `platform`: layers that the DLA's rules forbid fall back to the GPU, and no kernel reaches
/// over a change of device.
///
/// `None` where the platform has no accelerator of a kind that the engine needs.
pub fn plan(network: &Network, platform: &Platform, spec: &EngineSpec) -> Option<SimulatedEngine> {
    let gpu = accelerator(platform, Device::Gpu)?;
    let dla = accelerator(platform, Device::Dla);
    if spec.uses_dla() && dla.is_none() {
        return None;
    }
    let runs_on_dla = |layer| dla.is_some_and(|dla| support(network, layer, &platform.accelerators[dla].rules).is_ok());
    let devices: Vec<Device> = (0..network.layers.len())
        .map(|layer| if spec.device_of(layer) == Device::Dla && runs_on_dla(layer) { Device::Dla } else { Device::Gpu })
        .collect();
    let mut planned = kernels_on(network, platform, gpu, Device::Gpu, &devices);
    if let Some(dla) = dla {
        planned.extend(kernels_on(network, platform, dla, Device::Dla, &devices));
    }
    planned.sort_by_key(|kernel| kernel.layers.last().copied());
    let placement = placement(network, spec, &devices, &planned);
    Some(SimulatedEngine { kernels: planned, placement })
}

/// Position of the accelerator that stands for `device`.
fn accelerator(platform: &Platform, device: Device) -> Option<usize> {
    let kind = AcceleratorKind::from(device);
    platform.accelerators.iter().position(|accelerator| accelerator.kind == kind)
}

/// The kernels of one accelerator that hold layers placed on it. One that reaches over a change of device (at a forced
/// cut) is charged in proportion to its layers here.
fn kernels_on(
    network: &Network,
    platform: &Platform,
    accelerator: usize,
    device: Device,
    devices: &[Device],
) -> Vec<PlannedKernel> {
    let roofline = &platform.accelerators[accelerator].roofline;
    let planned = kernels(network, platform, accelerator).into_iter().filter_map(|kernel| {
        let layers: Vec<usize> = kernel.layers.iter().copied().filter(|&layer| devices[layer] == device).collect();
        let share = layers.len() as f64 / kernel.layers.len() as f64;
        let time = Milliseconds(Work::of([&kernel]).time(roofline).0 * share);
        let bytes = Bytes(kernel.bytes.0 * layers.len() as u64 / kernel.layers.len() as u64);
        (!layers.is_empty()).then_some(PlannedKernel { layers, device, time, bytes })
    });
    planned.collect()
}

/// Every layer where it was put; a layer that no kernel holds (a concatenation whose inputs are written in place) is part
/// of none.
fn placement(network: &Network, spec: &EngineSpec, devices: &[Device], planned: &[PlannedKernel]) -> Placement {
    let layer = |(idx, &device): (usize, &Device)| {
        let kernel = planned.iter().find(|kernel| kernel.layers.contains(&idx));
        let names = kernel.map(|kernel| kernel.layers.iter().map(|&layer| &*network.layers[layer].name));
        let engine_layer = names.map(|names| names.collect::<Vec<_>>().join(" + ")).unwrap_or_default();
        LayerPlacement { requested: spec.device_of(idx), placed: Some(device), engine_layer }
    };
    Placement { source: "simulator".to_owned(), layers: devices.iter().enumerate().map(layer).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::builtin;
    use crate::engine::Variant;
    use crate::network::{caffe, catalog};

    fn googlenet(start: Device, variant: Variant) -> SimulatedEngine {
        let entry = catalog::find("googlenet").unwrap();
        let network = caffe::parse(entry.text, entry.name, entry.title).unwrap();
        let platform = builtin::platform("xavier_agx").unwrap();
        plan(&network, &platform, &EngineSpec { network: network.name.clone(), start, variant, dla_core: 0 }).unwrap()
    }

    fn time_on(engine: &SimulatedEngine, device: Device) -> f64 {
        engine.kernels.iter().filter(|kernel| kernel.device == device).map(|kernel| kernel.time.0).sum()
    }

    #[test]
    fn a_transition_divides_the_work_of_the_plain_engines() {
        let (gpu, dla) =
            (googlenet(Device::Gpu, Variant::Transition(None)), googlenet(Device::Dla, Variant::Transition(None)));
        let (there, back) = (
            googlenet(Device::Gpu, Variant::Transition(Some(38))),
            googlenet(Device::Dla, Variant::Transition(Some(38))),
        );
        let both = time_on(&there, Device::Gpu) + time_on(&back, Device::Gpu);
        // The softmax, which the DLA can't run, is on the GPU in both.
        let tail = time_on(&dla, Device::Gpu);
        assert!((both - time_on(&gpu, Device::Gpu) - tail).abs() < 1e-9, "{both}");
        let both = time_on(&there, Device::Dla) + time_on(&back, Device::Dla);
        assert!((both - time_on(&dla, Device::Dla)).abs() < 1e-9, "{both}");
    }

    #[test]
    fn what_the_dla_can_not_run_falls_back() {
        let engine = googlenet(Device::Dla, Variant::Mark(Some(10)));
        assert_eq!(engine.placement.fallbacks(), [140]);
        assert_eq!(engine.placement.n_on(Device::Dla), 140);
    }

    #[test]
    fn no_kernel_of_a_forced_cut_is_on_both_devices() {
        let engine = googlenet(Device::Gpu, Variant::Transition(Some(1)));
        let of_conv1: Vec<_> = engine.kernels.iter().filter(|kernel| kernel.layers[0] < 2).collect();
        let places: Vec<_> = of_conv1.iter().map(|kernel| (&*kernel.layers, kernel.device)).collect();
        assert_eq!(places, [(&[0][..], Device::Gpu), (&[1][..], Device::Dla)]);
    }
}
