//! The plans that are to be run: built where TensorRT can be opened here, else those that were built earlier.

use std::path::Path;

use super::trtexec::Trtexec;
use crate::artifact::{self, EngineField, PlanDescription};
use crate::cli::args::BackendArgument;
use crate::cli::build_engines::build::{self, Settings};
use crate::cli::build_engines::request::Job;
use crate::cli::build_engines::target::{self, Backend, Target, Wish};
use crate::cli::failure::Failure;
use crate::cli::output;
use crate::engine::{BuildOptions, Device, EngineSpec, Precision, Variant};
use crate::network::catalog;

/// How engines are built that are to be measured.
pub(super) fn options(seed: u64) -> BuildOptions {
    BuildOptions { precision: Precision::Fp16, seed, gpu_fallback: true, workspace: 1 << 30 }
}

/// The target of plans for `trtexec`, which is named at the terminal.
pub(super) fn for_trtexec(
    trtexec: &Trtexec,
    platform: Option<&str>,
    seed: u64,
    quiet: bool,
) -> Result<Target, Failure> {
    let (path, version) = (trtexec.path().display(), trtexec.version());
    output::note(quiet, &format!("engines are run by {path} (TensorRT {version})"));
    target::resolve_plans(Wish { backend: BackendArgument::Tensorrt, platform, options: options(seed), quiet })
}

/// The descriptions of the plans of `jobs` below the folder `out`, where they are afterwards.
pub(super) fn prepare(jobs: &[Job], target: &Target, out: &Path, quiet: bool) -> Result<Vec<PlanDescription>, Failure> {
    if matches!(target.backend, Backend::Plans) {
        return jobs.iter().map(|job| there(job, target, out)).collect();
    }
    let settings = Settings { out, jobs: 1, rebuild: false, quiet };
    let (outcomes, failure) = build::build(jobs, target, &settings);
    match failure {
        Some(error) => Err(error.into()),
        None => Ok(outcomes.into_iter().map(|outcome| outcome.description).collect()),
    }
}

/// The description of a plan that TensorRT built earlier, of the same network, engine and precision.
fn there(job: &Job, target: &Target, out: &Path) -> Result<PlanDescription, Failure> {
    let hint = || format!("build it where TensorRT is: `{}`", build_line(job, target, out));
    let refused = |error: anyhow::Error| Failure::from(error).hint(hint());
    let description = artifact::read_plan_description(&job.path).map_err(refused)?;
    artifact::check_plan(&job.path, &description).map_err(refused)?;
    let inputs = &description.inputs;
    let differences = [
        (inputs.backend != target.backend_name(), "backend"),
        (inputs.network_hash != job.network.content_hash, "network"),
        (inputs.engine != EngineField::from(&job.spec), "engine"),
        (inputs.precision != target.options.precision.name(), "precision"),
    ];
    match differences.iter().find(|(differs, _)| *differs) {
        Some((_, what)) => Err(refused(anyhow::anyhow!("{}: was built of another {what}", job.path.display()))),
        None => Ok(description),
    }
}

/// Refuses a plan file that `trtexec` can't run: none, one that was cut off, or one of the simulator's.
pub(super) fn check_file(plan: &Path) -> Result<(), Failure> {
    let shown = plan.display();
    if !plan.is_file() {
        return Err(anyhow::anyhow!("{shown}: no such file").into());
    }
    // One that another program built has no description.
    if !artifact::description_path(plan).exists() {
        return Ok(());
    }
    let description = artifact::read_plan_description(plan)?;
    artifact::check_plan(plan, &description)?;
    if description.inputs.backend == "sim" {
        return Err(
            Failure::usage(format!("{shown}: is a plan of the simulator")).hint("measure it by `--backend sim`")
        );
    }
    Ok(())
}

/// The command that builds the plan of `job`.
fn build_line(job: &Job, target: &Target, out: &Path) -> String {
    let EngineSpec { network, start, variant, dla_core } = &job.spec;
    let (kind, layer) = match *variant {
        Variant::Transition(layer) => (" --transitions ", layer),
        Variant::Mark(layer) => (" --mark ", layer),
        // What is profiled are whole networks.
        Variant::Segment(_) => ("", None),
    };
    let layer = match (kind, layer) {
        ("", _) => String::new(),
        (_, None) => "-1".to_owned(),
        (_, Some(layer)) => layer.to_string(),
    };
    let core = if job.spec.uses_dla() && *dla_core > 0 { format!(" --dla-core {dla_core}") } else { String::new() };
    let start = if *start == Device::Dla { "dla" } else { "gpu" };
    let network = match catalog::find(network) {
        Ok(_) => format!("--dnns {network}"),
        Err(_) => format!("--prototxt {network}.prototxt"),
    };
    let (platform, out) = (target.platform_name(), out.display());
    format!(
        "haxconn build-engines --backend tensorrt --platform {platform} {network} --start {start}{kind}{layer}{core} \
         --out {out}"
    )
}

/// The DLA core on which an engine is run.
pub(super) fn dla_core(spec: &EngineSpec) -> Option<u32> {
    spec.uses_dla().then_some(spec.dla_core)
}
