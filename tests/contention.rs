//! The contention curves of the platforms that ship with the program.

use haxconn::artifact::builtin;
use haxconn::platform::ContentionCurve;
use haxconn::units::{GigabytesPerSecond, MegabytesPerSecond, Permille};
use proptest::prelude::*;

/// Every curve of every platform, with the platform's peak in GB/s.
fn curves() -> Vec<(String, ContentionCurve, f64)> {
    let mut curves = Vec::new();
    for name in builtin::platform_names() {
        let platform = builtin::platform(name).expect("it ships with the program");
        let peak = platform.peak_bandwidth.value.0;
        for accelerator in platform.accelerators {
            curves.push((format!("{name}/{}", accelerator.name), accelerator.contention, peak));
        }
    }
    curves
}

#[test]
fn every_platform_has_valid_curves_that_slow_something() {
    assert!(curves().len() >= 4);
    for (name, curve, peak) in curves() {
        assert_eq!(curve.validate(), Ok(()), "{name}");
        let slowest = curve.relative_speed(GigabytesPerSecond(peak), GigabytesPerSecond(peak));
        assert!(slowest < 0.95, "{name} keeps {slowest} of its speed");
    }
}

proptest! {
    #[test]
    fn every_curve_starts_at_one_and_is_continuous_and_never_rises(share in 0.0..=1.0, external in 0.0..=1.0) {
        for (name, curve, peak) in curves() {
            let speed = |y: f64| curve.relative_speed(GigabytesPerSecond(share * peak), GigabytesPerSecond(y));
            prop_assert!((speed(0.0) - 1.0).abs() < 1e-12, "{}", name);
            let (before, after) = (speed(external * peak), speed(external * peak + 1e-6));
            prop_assert!(after <= before + 1e-12, "{} rises at {}", name, external * peak);
            prop_assert!(before - after < 1e-7, "{} jumps at {}", name, external * peak);
        }
    }

    #[test]
    fn every_curve_in_permille_is_full_alone_and_never_rises(own in 0_u32..137_000, external in 0_u32..200_000, more in 0_u32..9_000) {
        for (name, curve, _) in curves() {
            let speed = |y: u32| curve.permille(MegabytesPerSecond(own), MegabytesPerSecond(y));
            prop_assert_eq!(speed(0), Permille::FULL);
            prop_assert!(speed(external + more) <= speed(external), "{} rises at {}", name, external);
            prop_assert!(speed(external) >= Permille(1));
        }
    }
}
