//! Whether networks that ran beside each other computed what each computes alone.

use anyhow::anyhow;

use super::real::Builder;
use crate::backend::onnxruntime::Tensors;
use crate::cli::failure::Failure;
use crate::cli::onnxruntime;
use crate::run::PolicyPlan;
use crate::run::executor::Executor;

/// Largest relative error (Euclidean norm of the difference over that of the value) in single precision: a network's some
/// hundred layers, in another order of additions.
const LARGEST_ERROR: f64 = 1e-3;

/// Compares what every task of every policy computed with what its network computes alone on the first accelerator, and says
/// so in a line for each policy.
///
/// # Errors
/// Where an output is missing, isn't of numbers, or differs by more than single precision explains.
pub(super) fn check(
    builder: &mut Builder,
    policies: &[PolicyPlan],
    tensors: &[Vec<Tensors>],
    outputs: &[Vec<String>],
) -> Result<Vec<String>, Failure> {
    let mut alone = Vec::new();
    for task in 0..outputs.len() {
        let reference = Tensors::default();
        let program = builder.alone(task, &reference)?;
        let options = onnxruntime::executor_options(std::sync::Arc::default());
        let mut executor = Executor::start(vec![program], options).map_err(|error| anyhow!("{error}"))?;
        executor.round(0).map_err(|error| anyhow!("{error}"))?;
        alone.push(reference);
    }
    let mut lines = Vec::new();
    for (policy, tensors) in policies.iter().zip(tensors) {
        let mut largest = 0.0_f64;
        for (task, names) in outputs.iter().enumerate() {
            for name in names {
                let label = policy.label;
                let missing =
                    || anyhow!("`--verify`: {label}: output `{name}` is missing, or isn't of single precision");
                let [ours, expected] = [&tensors[task], &alone[task]].map(|tensors| tensors.numbers(name));
                let (ours, expected) = ours.zip(expected).ok_or_else(missing)?;
                largest = largest.max(check_numbers(label, name, &ours, &expected, LARGEST_ERROR)?);
            }
        }
        lines.push(verified(policy.label, largest));
    }
    Ok(lines)
}

/// What is said of a policy whose outputs are right.
pub(super) fn verified(label: &str, largest: f64) -> String {
    format!("verified: {label}: outputs as of each network alone (largest relative error {largest:.1e})")
}

/// The relative error of an output of the policy called `label`.
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
        .ok_or_else(|| anyhow!("`--verify`: {label}: output `{name}` has other sides, or holds what is no number"))?;
    if error > bound {
        return Err(anyhow!(
            "`--verify`: {label}: output `{name}` differs from that of the network alone by {error:.2e}, more than {bound:.0e}"
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
