//! Whether networks in several engines computed what each computes in one on the GPU.

use anyhow::anyhow;

use super::failed;
use super::lanes::{Devices, Loader};
use super::plan::ProgramPlan;
use crate::backend::cuda::PrimaryContext;
use crate::backend::tensorrt::{numbers, outputs};
use crate::cli::failure::Failure;
use crate::cli::run_multi::verify::{check_numbers, verified};
use crate::engine::Precision;
use crate::run::PolicyPlan;
use crate::run::executor::{Executor, ExecutorOptions};

/// Largest relative error (Euclidean norm of the difference over that of the value) of a network's output in a precision.
///
/// Engines that are cut elsewhere choose other kernels, and so round elsewhere: some hundred layers with 2^-11 each add up to
/// at most 5 % in half precision. In single precision GPUs since Ampere multiply with as many bits (TF32). Eight-bit integers
/// have 2^-8, and ranges that grow with the layers before them.
pub(super) fn bound(precision: Precision) -> f64 {
    match precision {
        Precision::Fp32 | Precision::Fp16 => 5e-2,
        Precision::Int8 => 2e-1,
    }
}

/// Compares what every task of every policy left on the device with what its network, run by `alone`, leaves there. Says so in
/// a line for each policy.
///
/// # Errors
/// Where an output is missing, has another type, or differs by more than `bound`.
pub(super) fn check(
    loader: &Loader,
    policies: &[PolicyPlan],
    devices: &[Devices],
    alone: &[ProgramPlan],
    primary: &PrimaryContext,
    bound: f64,
) -> Result<Vec<String>, Failure> {
    let mut expected = Vec::new();
    for (task, plan) in alone.iter().enumerate() {
        let (program, device) = loader.program(plan);
        let options = ExecutorOptions::loading(std::sync::Arc::default());
        let mut executor = Executor::start(vec![program], options).map_err(|error| failed(&error))?;
        executor.round(0).map_err(|error| failed(&error))?;
        expected.push(results(loader, task, &device, primary)?);
    }
    let mut lines = Vec::new();
    for (policy, device) in policies.iter().zip(devices) {
        let mut largest = 0.0_f64;
        for (task, expected) in expected.iter().enumerate() {
            for ((name, ours), (_, expected)) in results(loader, task, device, primary)?.iter().zip(expected) {
                largest = largest.max(check_numbers(policy.label, name, ours, expected, bound)?);
            }
        }
        lines.push(verified(policy.label, largest));
    }
    Ok(lines)
}

/// The outputs of a task's network, as they lie on the device.
fn results(
    loader: &Loader,
    task: usize,
    device: &Devices,
    primary: &PrimaryContext,
) -> Result<Vec<(String, Vec<f32>)>, Failure> {
    let result = |(name, n_elements): (String, u64)| {
        let missing = || anyhow!("`--verify`: output `{name}` was not computed");
        let bytes = device.tensors[task].get(&name).ok_or_else(missing)?.read(primary)?;
        let n_bytes = bytes.len();
        let other = || {
            anyhow!(
                "`--verify`: output `{name}` has {n_bytes} bytes for {n_elements} numbers: neither single nor half precision"
            )
        };
        let numbers = numbers(&bytes, n_elements).ok_or_else(other)?;
        Ok((name, numbers))
    };
    outputs(loader.networks[task]).into_iter().map(result).collect()
}
