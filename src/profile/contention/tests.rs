//! Round trips through known curves, with and without noise, and grids of nothing in particular.

use proptest::prelude::*;

use super::construct::{Split, construct, threshold_split};
use super::error::squared_error;
use super::refine::rounded;
use super::*;
use crate::platform::{ContentionCurve, ContentionGrid, Pccs, SlowdownTable};
use crate::units::{GigabytesPerSecond, Percent};

const XAVIER_GPU: Pccs =
    Pccs { normal_bw: 38.1, intensive_bw: 96.2, mrmc: 4.9, tbwdc: 87.2, cbp: 45.3, rate: 1.11, pbw: 127.5 };
const XAVIER_DLA: Pccs =
    Pccs { normal_bw: 0.0, intensive_bw: 27.9, mrmc: 0.0, tbwdc: 27.9, cbp: 76.9, rate: 0.35, pbw: 127.5 };

fn spaced(first: f64, last: f64, points: usize) -> Vec<f64> {
    (0..points).map(|idx| first + (last - first) * idx as f64 / (points - 1) as f64).collect()
}

/// The grid that an accelerator with `curve` shows up to own demand `own` and external demand `external`; every speed
/// times its factor of `noise`.
fn grid_of(curve: Pccs, own: f64, external: f64, noise: &[f64]) -> ContentionGrid {
    let (own, external) = (spaced(own / 12.0, own, 12), spaced(0.0, external, 10));
    let speed =
        |x: f64, y: f64| ContentionCurve::Pccs(curve).relative_speed(GigabytesPerSecond(x), GigabytesPerSecond(y));
    let mut noise = noise.iter().cycle();
    let row = |&x: &f64| external.iter().map(|&y| x * speed(x, y) * noise.next().unwrap()).collect();
    let achieved = own.iter().map(row).collect();
    ContentionGrid::new(own, external, achieved).unwrap()
}

fn error_of(grid: &ContentionGrid, pccs: Pccs) -> FitError {
    assert_eq!(pccs.validate(), Ok(()));
    FitError::of(grid, &ContentionCurve::Pccs(pccs))
}

#[test]
fn a_grid_of_a_known_curve_gives_its_speeds_back() {
    let check = |curve: Pccs, own: f64, external: f64| {
        let grid = grid_of(curve, own, external, &[1.0]);
        let fitted = fit_pccs(&grid);
        let error = error_of(&grid, fitted);
        assert!(error.worst.0 < 0.1, "{error:?} of {fitted:?}");
    };
    check(XAVIER_GPU, 127.5, 127.5);
    check(XAVIER_GPU, 93.5, 120.0);
    check(XAVIER_DLA, 32.2, 120.0);
    check(XAVIER_DLA, 60.0, 100.0);
}

#[test]
fn an_accelerator_without_a_minor_region_gets_none() {
    let fitted = fit_pccs(&grid_of(XAVIER_DLA, 32.2, 120.0, &[1.0]));
    assert_eq!((fitted.normal_bw, fitted.mrmc), (0.0, 0.0));
    assert!((fitted.rate - 0.35).abs() < 0.01, "{fitted:?}");
    assert!((fitted.cbp - fitted.tbwdc - 49.0).abs() < 1.0, "{fitted:?}");
}

#[test]
fn an_accelerator_with_a_minor_region_gets_its_parameters() {
    let fitted = fit_pccs(&grid_of(XAVIER_GPU, 127.5, 127.5, &[1.0]));
    assert!((fitted.rate - 1.11).abs() < 0.01, "{fitted:?}");
    assert!((fitted.mrmc / fitted.pbw - 4.9 / 127.5).abs() < 1e-4, "{fitted:?}");
    assert!((fitted.cbp - 45.3).abs() < 0.5 && (fitted.tbwdc - 87.2).abs() < 0.5, "{fitted:?}");
}

#[test]
fn the_thresholds_divide_the_rows_as_the_curve_does() {
    // Steps of 10.625 GB/s: rows up to 42.5 drop as the minor region; the eighth, 85, drops by 13 % beside 14.2.
    let grid = grid_of(XAVIER_GPU, 127.5, 127.5, &[1.0]);
    assert_eq!(threshold_split(&grid), Split { minor: 4, intensive: 7 });
    assert_eq!(Regions::of(&grid, &XAVIER_GPU), Regions { minor: 30, normal: 60, intensive: 30 });
    let grid = grid_of(XAVIER_DLA, 60.0, 100.0, &[1.0]);
    assert_eq!(threshold_split(&grid).minor, 0);
}

#[test]
fn a_row_that_never_flattens_has_its_knee_at_the_last_external_demand() {
    let endless = Pccs { cbp: 500.0, tbwdc: 450.0, ..XAVIER_DLA };
    let grid = grid_of(endless, 60.0, 100.0, &[1.0]);
    let constructed = construct(&grid, Split { minor: 0, intensive: 0 });
    assert!((constructed.cbp - 100.0).abs() < 1e-9, "{constructed:?}");
}

#[test]
fn an_accelerator_that_nothing_slows_has_a_flat_curve() {
    let grid = grid_of(Pccs { rate: 0.0, mrmc: 0.0, ..XAVIER_GPU }, 90.0, 30.0, &[1.0]);
    let fitted = fit_pccs(&grid);
    assert_eq!(error_of(&grid, fitted).worst, Percent(0.0));
    assert_eq!((fitted.mrmc, fitted.rate), (0.0, 0.0));
}

#[test]
fn a_table_of_a_noisy_grid_never_rises_and_begins_at_one() {
    let (own, external) = (vec![10.0, 20.0], vec![5.0, 10.0, 15.0]);
    let achieved = vec![vec![10.3, 9.0, 9.4], vec![20.0, 16.0, 10.0]];
    let grid = ContentionGrid::new(own.clone(), external, achieved).unwrap();
    let table = fit_table(&grid);
    let speed = vec![vec![1.0, 1.0, 0.92, 0.92], vec![1.0, 1.0, 0.8, 0.5]];
    assert_eq!(table, SlowdownTable { own, external: vec![0.0, 5.0, 10.0, 15.0], speed });
    let error = FitError::of(&grid, &ContentionCurve::Table(table));
    assert!((error.worst.0 - 3.0).abs() < 1e-9, "{error:?}");
}

fn any_grid() -> impl Strategy<Value = ContentionGrid> {
    (2_usize..8, 2_usize..8).prop_flat_map(|(rows, columns)| {
        let steps = |n| prop::collection::vec(prop_oneof![0.01..50.0, 1e-9..1e-3, 1.0..1e4], n);
        let speeds = prop::collection::vec(prop::collection::vec(1e-6..1.05, columns), rows);
        (steps(rows), steps(columns), any::<bool>(), speeds).prop_map(|(own, external, from_zero, speeds)| {
            let (own, mut external) = (running(&own, 0.001), running(&external, 0.0));
            if from_zero {
                external[0] = 0.0;
            }
            let row = |(own, speeds): (&f64, Vec<f64>)| speeds.iter().map(|speed| own * speed).collect();
            let achieved = own.iter().zip(speeds).map(row).collect();
            ContentionGrid::new(own, external, achieved).unwrap()
        })
    })
}

fn running(steps: &[f64], first: f64) -> Vec<f64> {
    let sums = steps.iter().scan(first, |sum, step| {
        *sum += step;
        Some(*sum)
    });
    sums.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_grid_gives_curves_that_are_ones(grid in any_grid()) {
        let fitted = fit_pccs(&grid);
        prop_assert_eq!(fitted.validate(), Ok(()));
        let constructed = rounded(construct(&grid, threshold_split(&grid)));
        prop_assert!(squared_error(&grid, fitted) <= squared_error(&grid, constructed));
        prop_assert_eq!(fit_table(&grid).validate(), Ok(()));
    }

    #[test]
    fn one_percent_of_noise_stays_within_it(
        dla in any::<bool>(), noise in prop::collection::vec(0.99..=1.01, 120)
    ) {
        let (curve, own) = if dla { (XAVIER_DLA, 60.0) } else { (XAVIER_GPU, 127.5) };
        let clean = grid_of(curve, own, 127.5, &[1.0]);
        let fitted = fit_pccs(&grid_of(curve, own, 127.5, &noise));
        let error = error_of(&clean, fitted);
        prop_assert!(error.rms.0 < 0.5 && error.worst.0 < 2.0, "{:?} of {:?}", error, fitted);
    }
}
