//! Which engines are run: each network on each accelerator.

use super::arguments::EmcArguments;
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::engine::{Device, EngineSpec, Variant};
use crate::network::{CONVOLUTIONS, Network};
use crate::platform::Platform;

/// A network, whole on one accelerator.
pub(super) struct Engine<'a> {
    pub(super) network: &'a Network,
    pub(super) spec: EngineSpec,
    pub(super) accelerator: &'a str,
}

/// The networks of the command line, or the convolutions that ship with the program.
pub(super) fn networks(arguments: &EmcArguments) -> Result<Vec<Network>, Failure> {
    if !arguments.dnns.is_empty() {
        return arguments.dnns.iter().map(|name| Ok(inputs::network(name.trim())?.value)).collect();
    }
    if let Some(path) = &arguments.prototxt {
        return Ok(inputs::network_files(path)?.into_iter().map(|found| found.value).collect());
    }
    CONVOLUTIONS.iter().map(inputs::parse_builtin).collect()
}

/// Every engine: all of `networks` on one accelerator, then all on the next.
pub(super) fn engines<'a>(
    networks: &'a [Network],
    accelerators: &[(&'a str, Device)],
) -> impl Iterator<Item = Engine<'a>> {
    accelerators.iter().flat_map(move |&(accelerator, start)| {
        networks.iter().map(move |network| {
            let variant = Variant::Transition(None);
            let spec = EngineSpec { network: network.name.clone(), start, variant, dla_core: 0 };
            Engine { network, spec, accelerator }
        })
    })
}

/// The accelerators of `--on`, or the platform's GPU and DLA. Engines name a kind of device, so that only the first of a
/// kind can be meant.
pub(super) fn accelerators<'a>(
    arguments: &EmcArguments,
    platform: &'a Platform,
) -> Result<Vec<(&'a str, Device)>, Failure> {
    let known: Vec<(&str, Device)> =
        [Device::Gpu, Device::Dla].into_iter().filter_map(|device| first(platform, device)).collect();
    if arguments.on.is_empty() {
        return Ok(known);
    }
    let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
    let find = |wanted: &String| {
        known.iter().find(|(name, _)| *name == wanted.trim()).copied().ok_or_else(|| {
            let (platform, names) = (&platform.name, names.join(", "));
            Failure::usage(format!("`--on {wanted}`: engines run on these accelerators of `{platform}`: {names}"))
        })
    };
    let mut found: Vec<(&str, Device)> = Vec::new();
    for wanted in &arguments.on {
        let accelerator = find(wanted)?;
        if !found.contains(&accelerator) {
            found.push(accelerator);
        }
    }
    Ok(found)
}

/// Name of the first accelerator that is a `device`.
pub(super) fn first(platform: &Platform, device: Device) -> Option<(&str, Device)> {
    platform.first_of(device.into()).map(|accelerator| (&*accelerator.name, device))
}
