//! Whether networks that ran beside each other computed what each computes alone.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::real::Builder;
use crate::backend::onnxruntime::Tensors;
use crate::cli::failure::Failure;
use crate::run::PolicyPlan;
use crate::run::executor::{Executor, ExecutorOptions};

/// Largest relative error (Euclidean norm of the difference over that of the value) in single precision. A sum of some thousand
/// products in another order is off by at most as many units of 2^-24, 1e-4 (Higham, "Accuracy and Stability of Numerical
/// Algorithms", section 4.2), and by far less where errors have either sign; a hundred layers add up. A wrong tensor is far
/// beyond: even another input moves the outputs of the shipped networks by 1.5 % or more.
const LARGEST_ERROR: f64 = 1e-3;

/// Compares what every task of every policy computed, its outputs and all that its segments handed over, with what its network
/// computes alone on the first accelerator, and says so in a line for each policy.
///
/// # Errors
/// Where a tensor is missing, isn't of numbers, differs by more than single precision explains, or wasn't written in every
/// round.
pub(super) fn check(
    builder: &mut Builder,
    policies: &[PolicyPlan],
    tensors: &[Vec<Tensors>],
    outputs: &[Vec<String>],
) -> Result<Vec<String>, Failure> {
    let mut alone = Vec::new();
    let mut compared: Vec<Vec<BTreeSet<String>>> = Vec::new();
    for of_policy in tensors {
        let names =
            |(tensors, names): (&Tensors, &Vec<String>)| tensors.written().into_keys().chain(names.clone()).collect();
        compared.push(of_policy.iter().zip(outputs).map(names).collect());
    }
    for task in 0..outputs.len() {
        let reference = Tensors::default();
        let names: BTreeSet<String> = compared.iter().flat_map(|of_policy| of_policy[task].clone()).collect();
        let program = builder.alone(task, &reference, &names)?;
        let options = ExecutorOptions::loading(std::sync::Arc::default());
        let mut executor = Executor::start(vec![program], options).map_err(|error| anyhow!("{error}"))?;
        executor.round(0).map_err(|error| anyhow!("{error}"))?;
        alone.push(reference);
    }
    let mut lines = Vec::new();
    for ((policy, tensors), names) in policies.iter().zip(tensors).zip(&compared) {
        let mut largest = 0.0_f64;
        for (task, names) in names.iter().enumerate() {
            let label = policy.label;
            written_in_every_round(&tensors[task]).map_err(|said| anyhow!("`--verify`: {label}: {said}"))?;
            for name in names {
                largest = largest.max(compare(label, name, &tensors[task], &alone[task])?);
            }
        }
        lines.push(format!("{}; what segments hand over, too", verified(policy.label, largest)));
    }
    Ok(lines)
}

/// The relative error of one tensor.
fn compare(label: &str, name: &str, ours: &Tensors, expected: &Tensors) -> Result<f64, Failure> {
    let missing = || anyhow!("`--verify`: {label}: tensor `{name}` is missing, or isn't of single precision");
    let [ours, expected] = [ours, expected].map(|tensors| tensors.numbers(name));
    let (ours, expected) = ours.zip(expected).ok_or_else(missing)?;
    check_numbers(label, name, &ours, &expected, LARGEST_ERROR)
}

/// Refuses tensors of one task of which one was written less often than another: a segment computed nothing in some round, and
/// what it left there before is stale.
fn written_in_every_round(tensors: &Tensors) -> Result<(), String> {
    let written = tensors.written();
    let most = written.values().max().copied().unwrap_or(0);
    match written.iter().find(|(_, times)| **times < most) {
        None => Ok(()),
        Some((name, times)) => Err(format!("tensor `{name}` was written in {times} round(s) of {most}")),
    }
}

/// What is said of a policy whose outputs are right.
pub(super) fn verified(label: &str, largest: f64) -> String {
    format!("verified: {label}: outputs as of each network alone (largest relative error {largest:.1e})")
}

/// The relative error of a tensor of the policy called `label`.
///
/// # Errors
/// Where it is larger than `bound`, where numbers are missing, and where one is none.
pub(super) fn check_numbers(
    label: &str,
    name: &str,
    ours: &[f32],
    expected: &[f32],
    bound: f64,
) -> Result<f64, Failure> {
    let error = relative_error(ours, expected)
        .ok_or_else(|| anyhow!("`--verify`: {label}: tensor `{name}` has other sides, or holds what is no number"))?;
    if error > bound {
        return Err(anyhow!(
            "`--verify`: {label}: tensor `{name}` differs from that of the network alone by {error:.2e}, more than {bound:.0e}"
        )
        .into());
    }
    Ok(error)
}

/// Norm of the difference over the norm of `expected`; `None` where their lengths differ, or a number is none.
fn relative_error(ours: &[f32], expected: &[f32]) -> Option<f64> {
    if ours.len() != expected.len() || ours.iter().chain(expected).any(|number| !number.is_finite()) {
        return None;
    }
    let square = |number: f64| number * number;
    let difference: f64 = ours.iter().zip(expected).map(|(a, b)| square(f64::from(*a) - f64::from(*b))).sum();
    let norm: f64 = expected.iter().map(|number| square(f64::from(*number))).sum();
    Some(if norm > 0.0 { (difference / norm).sqrt() } else { difference.sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_relative_and_of_numbers_only() {
        assert_eq!(relative_error(&[1.0, 2.0], &[1.0, 2.0]), Some(0.0));
        assert!((relative_error(&[3.0, 4.4], &[3.0, 4.0]).unwrap() - 0.08).abs() < 1e-6);
        assert_eq!(relative_error(&[1.0], &[1.0, 2.0]), None);
        assert_eq!(relative_error(&[f32::NAN], &[1.0]), None);
    }
}
