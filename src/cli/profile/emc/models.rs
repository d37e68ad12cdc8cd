//! Runs of models in ONNX Runtime, on any processor. Nothing counts there what is moved: it is what the cost model says of the
//! network, over the times that its runs took.

use std::collections::BTreeSet;

use super::arguments::EmcArguments;
use super::engines::networks;
use super::milliseconds;
use crate::backend::RunPlan;
use crate::backend::onnxruntime::{OnnxRuntime, measure};
use crate::backend::sim::kernels;
use crate::cli::failure::Failure;
use crate::cli::{export, onnxruntime, progress};
use crate::network::Network;
use crate::network::onnx::{self, Model};
use crate::platform::{Accelerator, Platform, Provenance};
use crate::profile::emc::{EmcResult, SingleConvolution, samples_of_runs, summarise};
use crate::units::{GigabytesPerSecond, Milliseconds};

/// What each network does to the memory of `platform` on each accelerator.
pub(super) fn results(arguments: &EmcArguments, platform: &Platform) -> Result<Vec<EmcResult>, Failure> {
    if arguments.engine.is_some() {
        return Err(Failure::usage("`--engine`: ONNX Runtime runs no plans").hint("name a network by `--dnns`"));
    }
    let runtime = onnxruntime::open()?;
    onnxruntime::check_platform(&runtime, platform)?;
    let accelerators = accelerators(arguments, platform)?;
    let models = models(arguments)?;
    let progress = progress::bar(accelerators.len() * models.len(), arguments.output.quiet);
    let mut results = Vec::new();
    for idx in accelerators {
        for (network, model) in &models {
            let accelerator = &platform.accelerators[idx];
            progress.set_message(format!("{} on {}", network.name, accelerator.name));
            let runs = runs(&runtime, arguments, (network, model), accelerator)?;
            results.push(result(arguments, platform, network, idx, &runs)?);
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    Ok(results)
}

/// The networks of the command line with the bytes of their models: a model's own file keeps its weights, and the operators of
/// which a network knows no more than their sizes.
fn models(arguments: &EmcArguments) -> Result<Vec<(Network, Vec<u8>)>, Failure> {
    let seed = arguments.seed;
    let by_name = |name: &String| export::model(name.trim(), seed).map(|(found, model)| (found.value, model));
    let models: Vec<(Network, Model)> = if arguments.dnns.is_empty() {
        let exported = networks(arguments)?.into_iter().map(|network| {
            let model = onnx::export(&network, seed)?;
            Ok((network, model))
        });
        exported.collect::<Result<_, Failure>>()?
    } else {
        arguments.dnns.iter().map(by_name).collect::<Result<_, _>>()?
    };
    models.into_iter().map(|(network, model)| Ok((network, onnx::encode(&model.proto)?))).collect()
}

/// Numbers of the accelerators of `--on`, or of all.
fn accelerators(arguments: &EmcArguments, platform: &Platform) -> Result<BTreeSet<usize>, Failure> {
    let find = |wanted: &String| {
        platform.accelerator_index(wanted.trim()).ok_or_else(|| {
            let names: Vec<&str> = platform.accelerators.iter().map(|it| &*it.name).collect();
            let (platform, names) = (&platform.name, names.join(", "));
            Failure::usage(format!("`--on {wanted}`: `{platform}` has these accelerators: {names}"))
        })
    };
    let all = 0..platform.accelerators.len();
    if arguments.on.is_empty() { Ok(all.collect()) } else { arguments.on.iter().map(find).collect() }
}

fn runs(
    runtime: &OnnxRuntime,
    arguments: &EmcArguments,
    (network, model): (&Network, &[u8]),
    accelerator: &Accelerator,
) -> Result<Vec<Milliseconds>, Failure> {
    let plan = RunPlan {
        iterations: 1,
        warm_up: milliseconds(arguments.warm_up),
        duration: milliseconds(arguments.seconds),
        average_runs: 1,
    };
    let provider = onnxruntime::provider(accelerator)?;
    Ok(measure(runtime, &network.name, model, provider, arguments.seed, &plan, None)?.compute)
}

fn result(
    arguments: &EmcArguments,
    platform: &Platform,
    network: &Network,
    accelerator: usize,
    runs: &[Milliseconds],
) -> Result<EmcResult, Failure> {
    let bytes = kernels(network, platform, accelerator).iter().map(|kernel| kernel.bytes).sum();
    let peak = platform.peak_bandwidth.value;
    let samples = samples_of_runs(bytes, runs, milliseconds(arguments.interval), peak);
    let mut summary = summarise(&samples, platform)?;
    // The shares are of the peak that the platform states, whatever the memory's clock is.
    summary.demand = Some(GigabytesPerSecond(summary.mean.0 / 100.0 * peak.0));
    Ok(EmcResult {
        network: network.name.clone(),
        convolution: SingleConvolution::of(network),
        accelerator: platform.accelerators[accelerator].name.clone(),
        summary,
        provenance: Provenance::Derived,
        samples,
    })
}
