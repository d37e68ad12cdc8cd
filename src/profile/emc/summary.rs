//! What the samples inside a run come to: largest, mean and 95th percentile, and the throughput that the mean stands for.

use super::{EmcError, EmcSample};
use crate::platform::Platform;
use crate::units::{GigabytesPerSecond, Megahertz, Milliseconds, Percent};

/// A part of a recording.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// From here, in time from the start of the recording.
    pub start: Milliseconds,
    /// Up to here.
    pub end: Milliseconds,
}

/// How busy the memory was during a run.
#[derive(Clone, Debug, PartialEq)]
pub struct EmcSummary {
    /// Samples that say how busy the memory was.
    pub n_samples: usize,
    /// The largest of them.
    pub max: Percent,
    /// Their mean.
    pub mean: Percent,
    /// Their 95th percentile by nearest rank: the smallest sample that at least 95 % of the samples don't exceed.
    pub p95: Percent,
    /// The memory's clocks in these samples, ascending, each once: one where the clock stood, more where it moved, so that
    /// the percentages are shares of different peaks, and none where it isn't known.
    pub clocks: Vec<Megahertz>,
    /// Mean throughput: each sample's share of the peak at its clock. `None` where a sample has no clock, or the platform
    /// doesn't say at which clock its peak is stated.
    pub demand: Option<GigabytesPerSecond>,
}

/// The samples that speak of nothing but `window`. A sample is a mean since the one before, so both must lie inside; the
/// first one of a recording speaks of a time that isn't known.
pub fn inside(samples: &[EmcSample], window: Window) -> Result<Vec<EmcSample>, EmcError> {
    if window.end.0 <= window.start.0 && !samples.is_empty() {
        return Err(EmcError::WarmUpOnly { start: window.start, end: window.end });
    }
    let lies_inside = |pair: &&[EmcSample]| pair[0].at.0 >= window.start.0 && pair[1].at.0 <= window.end.0;
    let found: Vec<EmcSample> = samples.windows(2).filter(lies_inside).map(|pair| pair[1]).collect();
    if found.is_empty() {
        let last = samples.last().map_or(Milliseconds(0.0), |sample| sample.at);
        return Err(EmcError::NoSample { start: window.start, end: window.end, n_samples: samples.len(), last });
    }
    Ok(found)
}

/// What `samples` come to on `platform`. Those that don't say how busy the memory was are left out; where all are such,
/// the error says why.
pub fn summarise(samples: &[EmcSample], platform: &Platform) -> Result<EmcSummary, EmcError> {
    let known: Vec<(f64, Option<Megahertz>)> =
        samples.iter().filter_map(|sample| Some((sample.utilization?.0, sample.clock))).collect();
    let mut sorted: Vec<f64> = known.iter().map(|(percent, _)| *percent).collect();
    sorted.sort_by(f64::total_cmp);
    let (Some(&max), Some(p95)) = (sorted.last(), nearest_rank(&sorted, 95)) else {
        return Err(EmcError::without_use(samples.len(), samples.iter().any(|sample| sample.clock.is_some())));
    };
    let throughput =
        |(percent, clock): &(f64, Option<Megahertz>)| Some(platform.peak_at((*clock)?)?.0 * percent / 100.0);
    let throughputs: Option<Vec<f64>> = known.iter().map(throughput).collect();
    let mut clocks: Vec<Megahertz> = known.iter().filter_map(|(_, clock)| *clock).collect();
    clocks.sort_unstable();
    clocks.dedup();
    Ok(EmcSummary {
        n_samples: known.len(),
        max: Percent(max),
        mean: Percent(mean(&sorted)),
        p95: Percent(p95),
        clocks,
        demand: throughputs.map(|throughputs| GigabytesPerSecond(mean(&throughputs))),
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The value of `sorted` at rank `ceil(percent / 100 x count)`, from 1.
fn nearest_rank(sorted: &[f64], percent: usize) -> Option<f64> {
    sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::builtin;

    fn sample(at: f64, utilization: Option<f64>, clock: Option<u32>) -> EmcSample {
        EmcSample { at: Milliseconds(at), utilization: utilization.map(Percent), clock: clock.map(Megahertz) }
    }

    fn xavier(samples: &[EmcSample]) -> Result<EmcSummary, EmcError> {
        summarise(samples, &builtin::platform("xavier_agx").unwrap())
    }

    #[test]
    fn a_window_holds_the_samples_that_began_and_ended_in_it() {
        let samples: Vec<_> = (1..=6).map(|idx| sample(10.0 * f64::from(idx), Some(1.0), None)).collect();
        let times = |start, end| {
            let window = Window { start: Milliseconds(start), end: Milliseconds(end) };
            inside(&samples, window).map(|found| found.iter().map(|sample| sample.at.0).collect::<Vec<_>>())
        };
        assert_eq!(times(20.0, 50.0), Ok(vec![30.0, 40.0, 50.0]));
        assert_eq!(times(15.0, 49.0), Ok(vec![30.0, 40.0]));
        assert_eq!(times(0.0, 20.0), Ok(vec![20.0]));
        assert_eq!(
            times(61.0, 90.0).unwrap_err().to_string(),
            "no sample lies between 0.061 and 0.090 s of a recording of 6 sample(s) that ends at 0.060 s"
        );
        assert!(inside(&[], Window { start: Milliseconds(0.0), end: Milliseconds(1.0) }).is_err());
    }

    #[test]
    fn twenty_samples_have_their_nineteenth_as_percentile() {
        let samples: Vec<_> = (1..=20).map(|idx| sample(f64::from(idx), Some(f64::from(idx)), Some(2133))).collect();
        let summary = xavier(&samples).unwrap();
        assert_eq!((summary.n_samples, summary.max, summary.p95), (20, Percent(20.0), Percent(19.0)));
        assert_eq!((summary.mean, &*summary.clocks), (Percent(10.5), &[Megahertz(2133)][..]));
        assert!((summary.demand.unwrap().0 - 0.105 * 137.0).abs() < 1e-9);
    }

    #[test]
    fn a_clock_that_moves_is_told_and_every_share_is_of_its_own_peak() {
        let summary = xavier(&[sample(1.0, Some(50.0), Some(2133)), sample(2.0, Some(100.0), Some(1066))]).unwrap();
        assert_eq!(summary.clocks, [Megahertz(1066), Megahertz(2133)]);
        let expected = f64::midpoint(68.5, 137.0 * 1066.0 / 2133.0);
        assert!((summary.demand.unwrap().0 - expected).abs() < 1e-9);
    }

    #[test]
    fn without_a_clock_there_is_no_throughput() {
        let summary = xavier(&[sample(1.0, Some(50.0), Some(2133)), sample(2.0, Some(10.0), None)]).unwrap();
        assert_eq!((summary.n_samples, summary.demand), (2, None));
    }

    #[test]
    fn unknown_use_is_left_out_and_refused_where_nothing_else_is_there() {
        assert_eq!(xavier(&[sample(1.0, None, None), sample(2.0, Some(10.0), Some(2133))]).unwrap().n_samples, 1);
        assert_eq!(xavier(&[sample(1.0, None, Some(2133))]), Err(EmcError::ClockOnly { n_samples: 1 }));
        assert_eq!(xavier(&[sample(1.0, None, None); 3]), Err(EmcError::NotRoot { n_samples: 3 }));
    }
}
