//! Runs on the simulated board, in virtual time.

use std::path::Path;

use super::arguments::EmcArguments;
use super::engines::{accelerators, engines, first, networks};
use super::{Run, milliseconds};
use crate::artifact::{self, PlanInputs};
use crate::backend::sim::{self, SimulatedEngine};
use crate::cli::failure::Failure;
use crate::cli::inputs;
use crate::engine::{Device, EngineSpec, Variant};
use crate::network::{CONVOLUTIONS, Network, caffe};
use crate::platform::{Platform, Provenance};
use crate::profile::emc::{EmcResult, SingleConvolution};
use crate::units::Megahertz;

/// What each engine does to the simulated memory.
pub(super) fn results(arguments: &EmcArguments, platform: &Platform) -> Result<Vec<EmcResult>, Failure> {
    let clock = platform.emc_clock.as_ref().ok_or_else(|| {
        Failure::usage(format!("platform `{}` doesn't say at which memory clock its peak is stated", platform.name))
            .hint("add `emc_clock_mhz` to the platform file")
    })?;
    let simulator = Simulator { arguments, platform, clock: clock.value };
    if let Some(path) = &arguments.engine {
        return Ok(vec![simulator.plan_file(path)?]);
    }
    let networks = networks(arguments)?;
    let accelerators = accelerators(arguments, platform)?;
    let engines = engines(&networks, &accelerators);
    (0..)
        .zip(engines)
        .map(|(idx, engine)| simulator.run(engine.network, &engine.spec, engine.accelerator, &engine.network.name, idx))
        .collect()
}

struct Simulator<'a> {
    arguments: &'a EmcArguments,
    platform: &'a Platform,
    clock: Megahertz,
}

impl Simulator<'_> {
    fn run(
        &self,
        network: &Network,
        spec: &EngineSpec,
        accelerator: &str,
        name: &str,
        idx: u64,
    ) -> Result<EmcResult, Failure> {
        let engine = sim::plan(network, self.platform, spec)
            .ok_or_else(|| Failure::usage(format!("platform `{}` lacks a GPU or a DLA", self.platform.name)))?;
        let convolution = SingleConvolution::of(network);
        let log = self.log(&engine, self.arguments.seed.wrapping_add(idx));
        let run = Run {
            network: name.to_owned(),
            convolution,
            accelerator: accelerator.to_owned(),
            log: &log,
            start: milliseconds(self.arguments.warm_up),
            end: None,
            provenance: Provenance::Modelled,
        };
        Ok(run.result(self.platform, self.arguments.interval, &format!("{name} on {accelerator}"))?.0)
    }

    fn log(&self, engine: &SimulatedEngine, seed: u64) -> String {
        let time = milliseconds(self.arguments.warm_up + self.arguments.seconds);
        let samples = sim::emc_samples(engine, self.platform, time, milliseconds(self.arguments.interval), seed);
        sim::emc_log(&samples, self.clock)
    }

    /// The engine of a plan that the simulator built.
    fn plan_file(&self, path: &Path) -> Result<EmcResult, Failure> {
        let description = artifact::read_plan_description(path)?;
        artifact::check_plan(path, &description)?;
        let inputs = &description.inputs;
        let shown = path.display();
        if inputs.backend != "sim" {
            return Err(Failure::usage(format!("{shown}: is no plan of the simulator")).hint("measure it on its board"));
        }
        if inputs.platform != self.platform.name {
            let (built, asked) = (&inputs.platform, &self.platform.name);
            return Err(Failure::usage(format!("{shown}: is a plan for `{built}`, not for `{asked}`"))
                .hint("name its platform by `--platform`"));
        }
        let network = network_of(inputs).map_err(|failure| failure.of_file(&shown.to_string()))?;
        let spec = spec_of(inputs);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let accelerator = first(self.platform, spec.start).map_or(spec.start.name(), |(name, _)| name);
        self.run(&network, &spec, accelerator, &stem, 0)
    }
}

/// The network that a plan was made of, where it is one that the program can find by its name.
fn network_of(inputs: &PlanInputs) -> Result<Network, Failure> {
    let name = &inputs.network;
    let convolution = CONVOLUTIONS.iter().find(|entry| entry.name == name);
    let convolution = convolution.and_then(|entry| caffe::parse(entry.text, entry.name, entry.title).ok());
    let network = match convolution {
        Some(network) => network,
        None => inputs::network(name)?.value,
    };
    if network.content_hash != inputs.network_hash {
        return Err(Failure::usage(format!("was built of another network than the `{name}` that is here")));
    }
    Ok(network)
}

fn spec_of(inputs: &PlanInputs) -> EngineSpec {
    let engine = &inputs.engine;
    let start = if engine.start == Device::Dla.name() { Device::Dla } else { Device::Gpu };
    let variant = match engine.mark {
        Some(layer) => Variant::Mark(Some(layer)),
        None => Variant::Transition(engine.transition),
    };
    EngineSpec { network: inputs.network.clone(), start, variant, dla_core: engine.dla_core }
}
