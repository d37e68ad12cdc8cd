//! From what was typed to engines, every one of them checked before the first is built.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::arguments::BuildEnginesArguments;
use super::target::Target;
use crate::artifact::Found;
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::engine::{self, EngineSpec, SpecError, Variant};
use crate::group;
use crate::network::{Network, catalog};

/// One engine to build.
pub(in crate::cli) struct Job {
    pub(in crate::cli) network: Arc<Network>,
    pub(in crate::cli) spec: EngineSpec,
    pub(in crate::cli) path: PathBuf,
}

/// What is to be built, and what the user must know before.
pub(super) struct Request {
    pub(super) jobs: Vec<Job>,
    pub(super) remarks: Vec<String>,
}

/// Reads the networks and lists the engines that `arguments` ask for.
pub(super) fn read(arguments: &BuildEnginesArguments, target: &Target) -> Result<Request, Failure> {
    let networks = networks(arguments)?;
    let mut remarks: Vec<String> = networks
        .iter()
        .flat_map(|network| inputs::announce("network", network))
        .map(|it| format!("note: {it}"))
        .collect();
    let mut jobs: Vec<Job> = Vec::new();
    for found in networks {
        let network = Arc::new(found.value);
        for variant in variants(arguments, &network)? {
            let mut spec = EngineSpec {
                network: network.name.clone(),
                start: arguments.start.into(),
                variant,
                dla_core: arguments.dla_core,
            };
            engine::check(&spec, &network, arguments.force_cut).map_err(|error| refused(&error))?;
            if spec.uses_dla() || spec.dla_core > 0 {
                target.check_dla(spec.dla_core)?;
            }
            if !spec.uses_dla() {
                // The core is nothing to this engine: its plan has one name and one description for all of them.
                spec.dla_core = 0;
            }
            remarks.extend(remark_on(&spec, &network, target));
            let path = plan_path(&arguments.out, target, &spec);
            jobs.push(Job { network: network.clone(), spec, path });
        }
    }
    Ok(Request { jobs, remarks })
}

/// `OUT/BACKEND/PLATFORM/PRECISION/NETWORK_transition_plans/..`.
pub(in crate::cli) fn plan_path(out: &Path, target: &Target, spec: &EngineSpec) -> PathBuf {
    let folder = platform_folder(out, target).join(target.options.precision.name()).join(spec.folder());
    folder.join(format!("{}.plan", spec.stem()))
}

/// The folder of all that is built for the target's platform.
pub(super) fn platform_folder(out: &Path, target: &Target) -> PathBuf {
    out.join(target.backend_name()).join(target.platform_name())
}

fn refused(error: &SpecError) -> Failure {
    let failure = Failure::usage(error);
    if error.can_be_forced() { failure.hint("`--force-cut` builds it all the same") } else { failure }
}

fn networks(arguments: &BuildEnginesArguments) -> Result<Vec<Found<Network>>, Failure> {
    let mut networks = Vec::new();
    for name in arguments.dnns.iter().map(|name| name.trim()) {
        if name.is_empty() {
            return Err(Failure::usage("`--dnns` holds an empty name"));
        }
        if name == "all" {
            let all = catalog::ENTRIES.iter().map(|entry| inputs::network(entry.name));
            networks.extend(all.collect::<Result<Vec<_>, _>>()?);
        } else {
            networks.push(inputs::network(name)?);
        }
    }
    for path in &arguments.prototxt {
        networks.extend(inputs::network_files(path)?);
    }
    if networks.is_empty() {
        return Err(Failure::usage("no network is named")
            .hint("name some with `--dnns googlenet,resnet101`, `--dnns all` or `--prototxt DIR`"));
    }
    refuse_clashes(networks)
}

/// One entry a name: the same network twice is built once, two networks of one name would overwrite each other's plans.
pub(in crate::cli) fn refuse_clashes(networks: Vec<Found<Network>>) -> Result<Vec<Found<Network>>, Failure> {
    let mut kept: Vec<Found<Network>> = Vec::new();
    for found in networks {
        match kept.iter().find(|known| known.value.name == found.value.name) {
            None => kept.push(found),
            Some(known) if known.value.content_hash == found.value.content_hash => {}
            Some(known) => {
                let (name, first, second) = (&found.value.name, &known.origin, &found.origin);
                return Err(Failure::usage(format!(
                    "{first} and {second} are both called `{name}`: their plans would have one name"
                ))
                .hint("build them into different folders with `--out`"));
            }
        }
    }
    Ok(kept)
}

/// Which engines of `network`: transitions or marks, each once, in the order asked for.
fn variants(arguments: &BuildEnginesArguments, network: &Network) -> Result<Vec<Variant>, Failure> {
    let mut variants: Vec<Variant> = match (&arguments.transitions, arguments.mark.as_slice()) {
        (Some(_), [_, ..]) => {
            return Err(Failure::usage("an engine has a transition or a marked output, not both")
                .hint("run `build-engines` once with `--transitions` and once with `--mark`"));
        }
        (Some(list), []) => transitions(list, network)?.into_iter().map(Variant::Transition).collect(),
        (None, []) => vec![Variant::Transition(None)],
        (None, marks) => {
            let marks = marks.iter().map(|mark| layer("--mark", mark).map(Variant::Mark));
            marks.collect::<Result<_, _>>()?
        }
    };
    let mut seen = HashSet::new();
    variants.retain(|variant| seen.insert(*variant));
    Ok(variants)
}

fn transitions(list: &str, network: &Network) -> Result<Vec<Option<usize>>, Failure> {
    let with_none = |layers: Vec<usize>| std::iter::once(None).chain(layers.into_iter().map(Some)).collect();
    match list.trim() {
        "legal" => Ok(with_none(group::legal_cuts(network).iter().map(|cut| cut.layer).collect())),
        "paper" if network.name == "googlenet" => Ok(with_none(group::PAPER_CUTS.to_vec())),
        "paper" => {
            Err(Failure::usage(format!("`--transitions paper`: the paper cuts googlenet only, not {}", network.name))
                .hint("`--transitions legal` takes every legal cut"))
        }
        list => list.split(',').map(|text| layer("--transitions", text)).collect(),
    }
}

/// A layer's index, or upstream's -1 for none.
fn layer(flag: &str, text: &str) -> Result<Option<usize>, Failure> {
    match text.trim() {
        "-1" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Failure::usage(format!("`{flag}`: `{text}` is no layer's index"))
                .hint("indices begin at 0; -1 is the plain engine")
        }),
    }
}

/// What is worth knowing of an engine before it is built.
fn remark_on(spec: &EngineSpec, network: &Network, target: &Target) -> Option<String> {
    if let Variant::Mark(Some(layer)) = spec.variant
        && let Some(after) = fused_after(network, layer)
    {
        let name = |layer: usize| &network.layers[layer].name;
        return Some(format!(
            "note: {}: marking layer {layer} breaks the fusion `{}` + `{}`, which {}",
            spec.stem(),
            name(layer),
            name(after),
            if target.is_simulated() { "the simulator doesn't count" } else { "its time will include" }
        ));
    }
    let dla = target.dla().filter(|_| spec.uses_dla())?;
    let limit = dla.max_loadables?;
    let placed = |layer| spec.device_of(layer) == engine::Device::Dla;
    let n_loadables = group::loadables(network, &dla.rules, placed).len();
    (n_loadables > limit as usize).then(|| {
        format!(
            "warning: {}: its layers on the DLA make {n_loadables} loadables, a core takes {limit}: the rest will run on the GPU",
            spec.stem()
        )
    })
}

/// The layer that TensorRT would run as one with `layer` and after it.
fn fused_after(network: &Network, layer: usize) -> Option<usize> {
    let units = group::fused_units(network);
    let unit = units.iter().find(|unit| unit.layers.contains(&layer))?;
    unit.layers.iter().copied().find(|&after| after > layer)
}
