//! Fits the cost model's three parameters of an accelerator to times of layer groups, by least squares of the relative
//! errors. The model is linear in `1 / compute`, `1 / bandwidth` and `overhead`, so the fit is one small linear system.

use thiserror::Error;

use super::kernel::Work;
use crate::units::{GigabytesPerSecond, Milliseconds};

/// A known time of some work.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// What was timed, for people.
    pub label: String,
    /// What the model charges for it.
    pub work: Work,
    /// The time that it took.
    pub time: Milliseconds,
}

/// The cost model's parameters of one accelerator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// Sustained compute rate, 10^9 multiply-accumulates per second.
    pub compute_gmacs: f64,
    /// Sustained memory throughput when alone.
    pub bandwidth: GigabytesPerSecond,
    /// Fixed time of one kernel.
    pub overhead: Milliseconds,
}

/// One observation beside the fitted model.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedGroup {
    /// What was timed.
    pub label: String,
    /// The time that it took.
    pub observed: Milliseconds,
    /// The fitted model's time.
    pub fitted: Milliseconds,
    /// Time by a model that was fitted to every other observation; `None` where the others don't determine one.
    pub left_out: Option<Milliseconds>,
}

/// A calibrated accelerator.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The parameters.
    pub parameters: Parameters,
    /// Every observation.
    pub groups: Vec<FittedGroup>,
}

/// Why observations determine no cost model.
#[derive(Debug, Error, PartialEq)]
pub enum CalibrationError {
    /// Fewer than three, or proportional to each other.
    #[error("{n_observations} observation(s) don't determine the three parameters of the cost model")]
    Undetermined {
        /// How many there are.
        n_observations: usize,
    },
    /// The best fit has a parameter that no accelerator can have.
    #[error("the best fit has a negative time per {0}; the observations contradict the cost model")]
    Negative(&'static str),
    /// A time that isn't a positive number.
    #[error("the observed time of `{0}` is not a positive number")]
    BadTime(String),
}

impl Parameters {
    /// Time of `work`.
    pub fn time(&self, work: &Work) -> Milliseconds {
        let compute = work.gmacs / self.compute_gmacs * 1e3;
        let memory = work.gigabytes / self.bandwidth.0 * 1e3;
        Milliseconds(work.n_kernels * self.overhead.0 + compute + memory)
    }
}

impl FittedGroup {
    /// Relative error of the fitted model.
    pub fn error(&self) -> f64 {
        self.fitted.0 / self.observed.0 - 1.0
    }

    /// Relative error of the model that didn't see this observation.
    pub fn left_out_error(&self) -> Option<f64> {
        self.left_out.map(|time| time.0 / self.observed.0 - 1.0)
    }
}

impl Fit {
    /// Root mean square of the relative errors of the fit.
    pub fn rms_error(&self) -> f64 {
        root_mean_square(self.groups.iter().map(FittedGroup::error))
    }

    /// Root mean square of the leave-one-out errors.
    pub fn rms_left_out_error(&self) -> f64 {
        root_mean_square(self.groups.iter().filter_map(FittedGroup::left_out_error))
    }
}

fn root_mean_square(errors: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = errors.fold((0.0, 0u32), |(sum, n), error| (sum + error * error, n + 1));
    if n == 0 { 0.0 } else { (sum / f64::from(n)).sqrt() }
}

/// The parameters that minimise the sum of squared relative errors, each observation beside them, and beside a model
/// that was fitted without it.
pub fn calibrate(observations: &[Observation]) -> Result<Fit, CalibrationError> {
    let parameters = fit(observations)?;
    let groups = observations.iter().enumerate().map(|(idx, observation)| FittedGroup {
        label: observation.label.clone(),
        observed: observation.time,
        fitted: parameters.time(&observation.work),
        left_out: without(observations, idx).map(|others| others.time(&observation.work)),
    });
    Ok(Fit { parameters, groups: groups.collect() })
}

fn without(observations: &[Observation], left_out: usize) -> Option<Parameters> {
    let others: Vec<Observation> =
        observations.iter().enumerate().filter(|&(idx, _)| idx != left_out).map(|(_, other)| other.clone()).collect();
    fit(&others).ok()
}

fn fit(observations: &[Observation]) -> Result<Parameters, CalibrationError> {
    if let Some(bad) = observations.iter().find(|one| !(one.time.0 > 0.0 && one.time.0.is_finite())) {
        return Err(CalibrationError::BadTime(bad.label.clone()));
    }
    let undetermined = CalibrationError::Undetermined { n_observations: observations.len() };
    let [per_gmac, per_gigabyte, overhead] = solve(normal_equations(observations)).ok_or(undetermined)?;
    for (value, unit) in [(per_gmac, "multiply-accumulate"), (per_gigabyte, "byte"), (overhead, "kernel")] {
        if value <= 0.0 {
            return Err(CalibrationError::Negative(unit));
        }
    }
    Ok(Parameters {
        compute_gmacs: 1e3 / per_gmac,
        bandwidth: GigabytesPerSecond(1e3 / per_gigabyte),
        overhead: Milliseconds(overhead),
    })
}

/// Normal equations of `sum_j work[j] x[j] / time = 1`, the right side in the last column.
fn normal_equations(observations: &[Observation]) -> [[f64; 4]; 3] {
    let mut matrix = [[0.0; 4]; 3];
    for Observation { work, time, .. } in observations {
        let row = [work.gmacs / time.0, work.gigabytes / time.0, work.n_kernels / time.0];
        for i in 0..3 {
            for j in 0..3 {
                matrix[i][j] += row[i] * row[j];
            }
            matrix[i][3] += row[i];
        }
    }
    matrix
}

/// Gauss-Jordan elimination with partial pivoting; `None` where the matrix is singular to working precision.
fn solve(mut matrix: [[f64; 4]; 3]) -> Option<[f64; 3]> {
    let scales: [f64; 3] = std::array::from_fn(|i| matrix[i][i].sqrt());
    if scales.contains(&0.0) {
        return None;
    }
    for i in 0..3 {
        for j in 0..3 {
            matrix[i][j] /= scales[i] * scales[j];
        }
        matrix[i][3] /= scales[i];
    }
    for column in 0..3 {
        let pivot = (column..3).max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs()))?;
        matrix.swap(column, pivot);
        if matrix[column][column].abs() < 1e-9 {
            return None;
        }
        for row in (0..3).filter(|&row| row != column) {
            let factor = matrix[row][column] / matrix[column][column];
            let pivot_row = matrix[column];
            matrix[row].iter_mut().zip(pivot_row).for_each(|(cell, above)| *cell -= factor * above);
        }
    }
    Some(std::array::from_fn(|i| matrix[i][3] / matrix[i][i] / scales[i]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRUE: Parameters =
        Parameters { compute_gmacs: 2000.0, bandwidth: GigabytesPerSecond(80.0), overhead: Milliseconds(0.01) };

    fn observation(n_kernels: f64, gmacs: f64, gigabytes: f64) -> Observation {
        let work = Work { n_kernels, gmacs, gigabytes };
        Observation { label: format!("{n_kernels} kernels"), work, time: TRUE.time(&work) }
    }

    fn observations() -> Vec<Observation> {
        vec![
            observation(3.0, 0.5, 0.002),
            observation(7.0, 0.1, 0.004),
            observation(5.0, 0.2, 0.001),
            observation(9.0, 0.3, 0.01),
        ]
    }

    #[test]
    fn finds_the_parameters_that_made_the_observations() {
        let fit = calibrate(&observations()).unwrap();
        assert!((fit.parameters.compute_gmacs - 2000.0).abs() < 1e-6);
        assert!((fit.parameters.bandwidth.0 - 80.0).abs() < 1e-6);
        assert!((fit.parameters.overhead.0 - 0.01).abs() < 1e-9);
        assert!(fit.rms_error() < 1e-9 && fit.rms_left_out_error() < 1e-9);
    }

    #[test]
    fn the_left_out_error_of_an_outlier_is_larger_than_its_fitted_error() {
        let mut observations = observations();
        observations.push(Observation { time: Milliseconds(1.0), ..observation(6.0, 0.2, 0.003) });
        let fit = calibrate(&observations).unwrap();
        let outlier = fit.groups.last().unwrap();
        assert!(outlier.left_out_error().unwrap().abs() > outlier.error().abs());
    }

    #[test]
    fn refuses_observations_that_determine_nothing() {
        let two = &observations()[..2];
        assert_eq!(calibrate(two), Err(CalibrationError::Undetermined { n_observations: 2 }));
        let same = vec![observation(3.0, 0.5, 0.002); 5];
        assert_eq!(calibrate(&same), Err(CalibrationError::Undetermined { n_observations: 5 }));
    }

    #[test]
    fn refuses_a_fit_that_no_accelerator_can_have() {
        let mut observations = observations();
        for one in &mut observations {
            one.time = Milliseconds(1.0 / one.work.gmacs);
        }
        assert!(matches!(calibrate(&observations), Err(CalibrationError::Negative(_))));
    }

    #[test]
    fn refuses_a_time_that_is_not_positive() {
        for time in [0.0, -1.0, f64::NAN] {
            let mut observations = observations();
            observations[1].time = Milliseconds(time);
            assert_eq!(calibrate(&observations), Err(CalibrationError::BadTime("7 kernels".to_owned())));
        }
    }
}
