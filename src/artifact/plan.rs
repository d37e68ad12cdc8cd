//! What stands beside a plan file, `X.plan.json`: what the plan was made of, and what came of it. Also the plan files of
//! the simulator, which are text.
//!
//! Keys and units are listed in `docs/formats.md`.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::field::{SCHEMA_VERSION, from_json};
use super::hash::hexadecimal;
use super::json::to_json;
use crate::backend::sim::SimulatedEngine;
use crate::engine::{Device, EngineSpec, Placement, Variant};
use crate::network::Network;

/// All that a plan is made of: two plans of equal inputs are interchangeable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanInputs {
    /// `sim` or `tensorrt`.
    pub backend: String,
    /// Version of TensorRT; null for the simulator.
    pub tensorrt: Option<String>,
    /// Name of the platform, or `host`.
    pub platform: String,
    /// SHA-256 of the platform file; null where TensorRT builds, to which the file is nothing.
    pub platform_sha256: Option<String>,
    /// Short name of the network.
    pub network: String,
    /// Content hash of the network.
    pub network_hash: String,
    /// Which engine of the network.
    pub engine: EngineField,
    /// `fp32`, `fp16` or `int8`.
    pub precision: String,
    /// Whether layers that the DLA can't run may run on the GPU.
    pub gpu_fallback: bool,
    /// Device memory for a layer's work, MiB.
    pub workspace_mib: u64,
    /// Seed of the weights; null for the simulator, which has none.
    pub weights_seed: Option<u64>,
}

/// An engine spec in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineField {
    /// `gpu` or `dla`: where the first layer runs.
    pub start: String,
    /// First layer on the other device; null for none.
    pub transition: Option<usize>,
    /// Layer whose output is marked; null for none.
    pub mark: Option<usize>,
    /// The layers that are in it, `[first, last)`; not there where it has all of its network's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layers: Option<[usize; 2]>,
    /// DLA core.
    pub dla_core: u32,
}

impl From<&EngineSpec> for EngineField {
    fn from(spec: &EngineSpec) -> Self {
        let transition = match spec.variant {
            Variant::Transition(layer) => layer,
            Variant::Mark(_) | Variant::Segment(_) => None,
        };
        let layers = spec.segment().map(|layers| [layers.first, layers.last]);
        Self { start: spec.start.name().to_owned(), transition, mark: spec.marked(), layers, dla_core: spec.dla_core }
    }
}

/// The description of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanDescription {
    /// Version of the format.
    pub schema_version: u64,
    /// What it was made of.
    pub inputs: PlanInputs,
    /// Size of the plan file in bytes.
    pub plan_bytes: u64,
    /// SHA-256 of the plan file.
    pub plan_sha256: String,
    /// Where every layer ended up.
    pub placement: PlacementField,
    /// Layers that were to run on the DLA and run on the GPU.
    pub fallbacks: Vec<usize>,
    /// How weights were made; null for the simulator.
    pub weights: Option<String>,
    /// Where INT8 ranges come from; null in another precision.
    pub calibration: Option<String>,
    /// Warnings of the builder.
    pub warnings: Vec<String>,
    /// How long the build took, in seconds.
    pub build_seconds: f64,
    /// The most memory that the program held meanwhile, MiB; null where it isn't known or other builds ran beside it.
    pub peak_mib: Option<f64>,
}

/// A placement in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlacementField {
    /// What said so.
    pub source: String,
    /// One entry a layer.
    pub layers: Vec<LayerField>,
}

/// One layer of a placement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayerField {
    /// TensorRT 7.1 index.
    pub layer: usize,
    /// The layer's name.
    pub name: String,
    /// `gpu` or `dla`: where it was to run.
    pub requested: String,
    /// Where it runs; null where nothing is said of it.
    pub placed: Option<String>,
    /// What runs it in the engine; empty where nothing is said of it.
    pub engine_layer: String,
}

impl PlacementField {
    /// The placement of `network`'s layers.
    pub fn new(network: &Network, placement: &Placement) -> Self {
        let layers =
            placement.layers.iter().zip(&network.layers).enumerate().map(|(idx, (placed, layer))| LayerField {
                layer: idx,
                name: layer.name.clone(),
                requested: placed.requested.name().to_owned(),
                placed: placed.placed.map(|device| device.name().to_owned()),
                engine_layer: placed.engine_layer.clone(),
            });
        Self { source: placement.source.clone(), layers: layers.collect() }
    }

    /// Layers that were to run on the DLA and run on the GPU, ascending.
    fn fallbacks(&self) -> Vec<usize> {
        let fell = |layer: &&LayerField| {
            layer.requested == Device::Dla.name() && layer.placed.as_deref() == Some(Device::Gpu.name())
        };
        self.layers.iter().filter(fell).map(|layer| layer.layer).collect()
    }

    /// Number of layers on `device`; `None` counts those of which nothing is said.
    pub fn n_on(&self, device: Option<Device>) -> usize {
        self.layers.iter().filter(|layer| layer.placed.as_deref() == device.map(Device::name)).count()
    }
}

impl PlanDescription {
    /// Its text.
    pub fn to_json(&self) -> Result<String> {
        to_json(self)
    }
}

/// The description that belongs to the plan at `plan`: beside it, with `.json` added.
pub fn description_path(plan: &Path) -> PathBuf {
    let mut path = plan.as_os_str().to_owned();
    path.push(".json");
    path.into()
}

/// Reads the description beside the plan at `plan`.
pub fn read_plan_description(plan: &Path) -> Result<PlanDescription> {
    let path = description_path(plan);
    let text = super::read_text(&path)?;
    let description: PlanDescription = from_json(&text).with_context(|| path.display().to_string())?;
    if description.placement.layers.iter().enumerate().any(|(idx, layer)| layer.layer != idx) {
        bail!("{}: placement.layers: must list every layer in order", path.display());
    }
    if description.fallbacks != description.placement.fallbacks() {
        bail!("{}: fallbacks: are not those of the placement", path.display());
    }
    Ok(description)
}

/// Refuses a plan file that is not the one that `description` was written with.
pub fn check_plan(plan: &Path, description: &PlanDescription) -> Result<()> {
    let (shown, wanted) = (plan.display(), description.plan_bytes);
    let mut file = super::file::open(plan)?;
    let unread = |error: io::Error| anyhow!("{shown}: can't be read ({error})");
    let bytes = file.metadata().map_err(unread)?.len();
    if bytes != wanted {
        bail!("{shown}: holds {bytes} bytes, its description says {wanted}: it was cut off or replaced");
    }
    if sha256_of(&mut file).map_err(unread)? != description.plan_sha256 {
        bail!("{shown}: is not the plan that its description was written for (another SHA-256)");
    }
    Ok(())
}

/// The bytes of the plan file at `plan`, to be loaded: more than is read of any text.
pub fn read_plan(plan: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = super::file::open(plan)?.read_to_end(&mut bytes);
    read.map_err(|error| anyhow!("{}: can't be read ({error})", plan.display()))?;
    Ok(bytes)
}

/// SHA-256 of all that `reader` holds; plans are larger than what should be in memory at once.
fn sha256_of(reader: &mut impl Read) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            n_bytes => hasher.update(&buffer[..n_bytes]),
        }
    }
}

/// A plan file of the simulator.
#[derive(Serialize)]
struct SimulatedPlan<'a> {
    schema_version: u64,
    kind: &'static str,
    network: &'a str,
    network_hash: &'a str,
    platform: &'a str,
    platform_sha256: Option<&'a str>,
    engine: &'a EngineField,
    kernels: Vec<KernelField<'a>>,
}

#[derive(Serialize)]
struct KernelField<'a> {
    layers: &'a [usize],
    device: &'static str,
    modelled_ms: f64,
    bytes: u64,
}

/// The plan file of the simulator that holds `engine`, made of `inputs`.
pub fn write_simulated_plan(inputs: &PlanInputs, engine: &SimulatedEngine) -> Result<String> {
    let kernels = engine.kernels.iter().map(|kernel| KernelField {
        layers: &kernel.layers,
        device: kernel.device.name(),
        modelled_ms: kernel.time.0,
        bytes: kernel.bytes.0,
    });
    to_json(&SimulatedPlan {
        schema_version: SCHEMA_VERSION,
        kind: "haxconn-sim-plan",
        network: &inputs.network,
        network_hash: &inputs.network_hash,
        platform: &inputs.platform,
        platform_sha256: inputs.platform_sha256.as_deref(),
        engine: &inputs.engine,
        kernels: kernels.collect(),
    })
}

#[derive(Serialize)]
struct BuiltPlans<'a> {
    schema_version: u64,
    backend: &'a str,
    plans: Vec<BuiltPlan<'a>>,
}

/// One plan that `build-engines` made or found.
#[derive(Clone, Debug, Serialize)]
pub struct BuiltPlan<'a> {
    /// Where it is.
    pub path: String,
    /// `built`, `up to date`, or `rebuilt` with the reason.
    pub state: String,
    /// Its description.
    pub description: &'a PlanDescription,
}

/// The document of `build-engines`.
pub fn built_plans_to_json(backend: &str, plans: Vec<BuiltPlan>) -> Result<String> {
    to_json(&BuiltPlans { schema_version: SCHEMA_VERSION, backend, plans })
}
