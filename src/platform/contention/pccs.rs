//! The processor-centric contention model: three regions of the own demand, each with its own drop of speed.

use super::CurveError;

/// Parameters of the PCCS curve of one accelerator; throughputs in GB/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pccs {
    /// Own demand up to which only the minor region applies.
    pub normal_bw: f64,
    /// Own demand above which slowdown begins with the first external byte.
    pub intensive_bw: f64,
    /// Largest drop in the minor region, percent; 0 where there is no minor region.
    pub mrmc: f64,
    /// Total demand at which slowdown begins in the normal region.
    pub tbwdc: f64,
    /// External demand from which the drop grows no further.
    pub cbp: f64,
    /// Drop per external GB/s, percent.
    pub rate: f64,
    /// Peak throughput, over which the minor region's drop is spread.
    pub pbw: f64,
}

impl Pccs {
    /// Every parameter with its name in platform files and its unit, in their order.
    pub fn parameters(&self) -> [(&'static str, f64, &'static str); 7] {
        [
            ("normal_bw", self.normal_bw, "GB/s"),
            ("intensive_bw", self.intensive_bw, "GB/s"),
            ("mrmc", self.mrmc, "%"),
            ("tbwdc", self.tbwdc, "GB/s"),
            ("cbp", self.cbp, "GB/s"),
            ("rate", self.rate, "% per GB/s"),
            ("pbw", self.pbw, "GB/s"),
        ]
    }

    /// Relative speed (0 to 1) at own demand `x` and external demand `y`.
    pub(super) fn relative_speed(&self, x: f64, y: f64) -> f64 {
        1.0 - (self.drop_percent(x, y) / 100.0).clamp(0.0, 1.0)
    }

    /// Drop in percent. The minor region spreads `MRMC` over the peak; the normal region adds the onset at `TBWDC`; the
    /// intensive region grows linearly from 0 to its value at `CBP`, which it keeps. Continuous in `y` everywhere; in
    /// `x` it jumps at `IntensiveBW` where that lies above `TBWDC`, because only the intensive region counts the part
    /// of the own demand above `TBWDC` (Xavier's GPU: from 50.3 to 60.3 percent at `CBP`).
    fn drop_percent(&self, x: f64, y: f64) -> f64 {
        if x <= self.normal_bw {
            self.minor_drop(y)
        } else if x <= self.intensive_bw {
            self.minor_drop(y).max(self.rate * (x.min(self.tbwdc) + y.min(self.cbp) - self.tbwdc).max(0.0))
        } else {
            self.rate * ((x + self.cbp - self.tbwdc).max(0.0) * (y.min(self.cbp) / self.cbp))
        }
    }

    fn minor_drop(&self, y: f64) -> f64 {
        self.mrmc * y / self.pbw
    }

    /// Whether the parameters make a curve: finite, not negative, the regions in order, `cbp` and `pbw` above 0.
    pub fn validate(&self) -> Result<(), CurveError> {
        let not_negative = |name, value: f64| in_range(name, value, value >= 0.0, "a number that is not negative");
        let positive = |name, value: f64| in_range(name, value, value > 0.0, "a number above 0");
        not_negative("normal_bw", self.normal_bw)?;
        in_range("intensive_bw", self.intensive_bw, self.intensive_bw >= self.normal_bw, "at least `normal_bw`")?;
        in_range("mrmc", self.mrmc, (0.0..=100.0).contains(&self.mrmc), "between 0 and 100 percent")?;
        not_negative("tbwdc", self.tbwdc)?;
        positive("cbp", self.cbp)?;
        not_negative("rate", self.rate)?;
        positive("pbw", self.pbw)
    }
}

fn in_range(name: &'static str, value: f64, holds: bool, range: &'static str) -> Result<(), CurveError> {
    if holds && value.is_finite() { Ok(()) } else { Err(CurveError::Parameter { name, value, range }) }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Xavier's GPU; the split of `CBP - TBWDC = -41.9` is assumed.
    pub(crate) const XAVIER_GPU: Pccs =
        Pccs { normal_bw: 38.1, intensive_bw: 96.2, mrmc: 4.9, tbwdc: 87.2, cbp: 45.3, rate: 1.11, pbw: 127.5 };

    /// Xavier's DLA; the split of `CBP - TBWDC = 49` is assumed.
    pub(crate) const XAVIER_DLA: Pccs =
        Pccs { normal_bw: 0.0, intensive_bw: 27.9, mrmc: 0.0, tbwdc: 27.9, cbp: 76.9, rate: 0.35, pbw: 127.5 };

    fn pccs_parameters() -> impl Strategy<Value = Pccs> {
        let bandwidths = (0.0..100.0, 0.0..100.0, 0.0..150.0, 0.1..150.0, 1.0..300.0);
        (bandwidths, 0.0..=100.0, 0.0..3.0).prop_map(|((normal_bw, width, tbwdc, cbp, pbw), mrmc, rate)| Pccs {
            normal_bw,
            intensive_bw: normal_bw + width,
            mrmc,
            tbwdc,
            cbp,
            rate,
            pbw,
        })
    }

    fn any_pccs() -> impl Strategy<Value = Pccs> {
        prop_oneof![Just(XAVIER_GPU), Just(XAVIER_DLA), pccs_parameters()]
    }

    /// No curve falls faster in `y` than this, in speed per GB/s.
    fn steepest(pccs: &Pccs, x: f64) -> f64 {
        let intensive = pccs.rate * (x + pccs.cbp - pccs.tbwdc).max(0.0) / pccs.cbp;
        (pccs.mrmc / pccs.pbw).max(pccs.rate).max(intensive) / 100.0
    }

    proptest! {
        #[test]
        fn speed_is_one_without_contention(pccs in any_pccs(), x in 0.0..140.0) {
            prop_assert_eq!(pccs.validate(), Ok(()));
            prop_assert!((pccs.relative_speed(x, 0.0) - 1.0).abs() < 1e-12);
        }

        #[test]
        fn speed_never_rises_with_contention(pccs in any_pccs(), x in 0.0..140.0, y in 0.0..300.0, more in 0.0..50.0) {
            prop_assert!(pccs.relative_speed(x, y + more) <= pccs.relative_speed(x, y) + 1e-12);
        }

        #[test]
        fn speed_is_continuous_in_contention(pccs in any_pccs(), x in 0.0..140.0, y in 0.0..300.0, step in 1e-9..1e-3) {
            let fall = pccs.relative_speed(x, y) - pccs.relative_speed(x, y + step);
            prop_assert!(fall <= steepest(&pccs, x) * step + 1e-12, "falls by {} within {}", fall, step);
        }

        #[test]
        fn speed_is_a_share(pccs in any_pccs(), x in 0.0..140.0, y in 0.0..300.0) {
            prop_assert!((0.0..=1.0).contains(&pccs.relative_speed(x, y)));
        }
    }

    fn drop_is(pccs: &Pccs, x: f64, y: f64, percent: f64) {
        assert!((pccs.drop_percent(x, y) - percent).abs() < 1e-9, "{} at {x}, {y}", pccs.drop_percent(x, y));
    }

    #[test]
    fn xaviers_gpu_drops_by_region() {
        drop_is(&XAVIER_GPU, 38.1, 127.5, 4.9);
        drop_is(&XAVIER_GPU, 60.0, 20.0, 4.9 * 20.0 / 127.5);
        drop_is(&XAVIER_GPU, 60.0, 40.0, 1.11 * 12.8);
        drop_is(&XAVIER_GPU, 60.0, 100.0, 1.11 * 18.1);
        drop_is(&XAVIER_GPU, 96.2, 100.0, 1.11 * 45.3);
        drop_is(&XAVIER_GPU, 100.0, 45.3, 1.11 * 58.1);
        drop_is(&XAVIER_GPU, 100.0, 22.65, 1.11 * 58.1 / 2.0);
    }

    #[test]
    fn even_the_steepest_curve_is_one_without_contention() {
        let steepest = Pccs { rate: f64::MAX, ..XAVIER_GPU };
        assert_eq!(steepest.validate(), Ok(()));
        for (x, y, speed) in [(10.0, 0.0, 1.0), (60.0, 0.0, 1.0), (100.0, 0.0, 1.0), (100.0, 1.0, 0.0)] {
            let found = steepest.relative_speed(x, y);
            assert!((found - speed).abs() < 1e-12, "{found} at {x}, {y}");
        }
    }

    #[test]
    fn xaviers_dla_has_no_minor_region() {
        drop_is(&XAVIER_DLA, 0.0, 100.0, 0.0);
        drop_is(&XAVIER_DLA, 20.0, 7.9, 0.0);
        drop_is(&XAVIER_DLA, 20.0, 27.9, 0.35 * 20.0);
        drop_is(&XAVIER_DLA, 27.9, 100.0, 0.35 * 76.9);
    }

    #[test]
    fn refuses_parameters_that_make_no_curve() {
        let refused = |pccs: Pccs, name: &str| match pccs.validate() {
            Err(CurveError::Parameter { name: found, .. }) => assert_eq!(found, name),
            other => panic!("{other:?} for {name}"),
        };
        refused(Pccs { normal_bw: -1.0, ..XAVIER_GPU }, "normal_bw");
        refused(Pccs { intensive_bw: 30.0, ..XAVIER_GPU }, "intensive_bw");
        refused(Pccs { mrmc: -1.0, ..XAVIER_GPU }, "mrmc");
        refused(Pccs { tbwdc: f64::NAN, ..XAVIER_GPU }, "tbwdc");
        refused(Pccs { cbp: 0.0, ..XAVIER_GPU }, "cbp");
        refused(Pccs { rate: f64::INFINITY, ..XAVIER_GPU }, "rate");
        refused(Pccs { pbw: 0.0, ..XAVIER_GPU }, "pbw");
    }
}
