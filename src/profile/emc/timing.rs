//! When the lines of a recording were taken: as their recorder says, or as their dates say, or evenly.

use super::{EmcError, EmcSample};
use crate::backend::tegrastats::{Sample, WallClock};
use crate::units::Milliseconds;

/// Where the times of samples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleTimes {
    /// Every line has the moment of its arrival.
    Arrivals,
    /// Every line has a date and time in whole seconds; the samples are spread evenly between the first and the last.
    Dates,
    /// The lines have no times; they are taken to be the interval apart that was asked for.
    Interval,
}

/// The memory controller's samples with their times from the start of the recording, and where the times come from.
pub fn timed(samples: &[Sample], interval: Milliseconds) -> Result<(Vec<EmcSample>, SampleTimes), EmcError> {
    let arrivals: Option<Vec<Milliseconds>> = samples.iter().map(|sample| sample.arrival).collect();
    if let Some(arrivals) = arrivals {
        if let Some(idx) = arrivals.windows(2).position(|pair| pair[1].0 < pair[0].0) {
            return Err(EmcError::BackInTime { line: samples[idx + 1].line });
        }
        return Ok((
            samples.iter().zip(arrivals).map(|(sample, at)| emc_sample(sample, at)).collect(),
            SampleTimes::Arrivals,
        ));
    }
    let by_date = dated_interval(samples)?;
    let step = by_date.unwrap_or(interval);
    let timed =
        samples.iter().enumerate().map(|(idx, sample)| emc_sample(sample, Milliseconds(step.0 * (idx + 1) as f64)));
    Ok((timed.collect(), if by_date.is_some() { SampleTimes::Dates } else { SampleTimes::Interval }))
}

fn emc_sample(sample: &Sample, at: Milliseconds) -> EmcSample {
    EmcSample { at, utilization: sample.emc.utilization, clock: sample.emc.clock }
}

/// Mean time between samples that all have dates at least a second apart.
fn dated_interval(samples: &[Sample]) -> Result<Option<Milliseconds>, EmcError> {
    let seconds: Option<Vec<u64>> = samples.iter().map(|sample| sample.wall_clock.map(WallClock::seconds)).collect();
    let seconds = seconds.unwrap_or_default();
    if let Some(idx) = seconds.windows(2).position(|pair| pair[1] < pair[0]) {
        return Err(EmcError::BackInTime { line: samples[idx + 1].line });
    }
    let span = seconds.last().zip(seconds.first()).map_or(0, |(last, first)| last - first);
    Ok((span > 0).then(|| Milliseconds(span as f64 * 1e3 / (seconds.len() - 1) as f64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::tegrastats::{read, write_line};
    use crate::units::{Megahertz, Percent};

    const LINE: &str = "RAM 1/2MB CPU [1%@100] EMC_FREQ 7%@2133 GR3D_FREQ 1%";

    fn text(stamps: &[&str]) -> String {
        stamps.iter().flat_map(|stamp| [stamp, LINE, "\n"]).collect()
    }

    #[track_caller]
    fn check(stamps: &[&str], expected: &[f64], source: SampleTimes) {
        let text = text(stamps);
        let (samples, times) = timed(&read(&text).unwrap(), Milliseconds(10.0)).unwrap();
        assert_eq!((samples.iter().map(|sample| sample.at.0).collect::<Vec<_>>(), times), (expected.to_vec(), source));
    }

    #[test]
    fn times_are_arrivals_or_dates_or_even() {
        check(&["0.011 ", "0.019 ", "0.031 "], &[11.0, 19.0, 31.0], SampleTimes::Arrivals);
        let dates = ["12-31-2024 23:59:59 ", "12-31-2024 23:59:59 ", "01-01-2025 00:00:00 "];
        check(&dates, &[500.0, 1000.0, 1500.0], SampleTimes::Dates);
        check(&["", "", ""], &[10.0, 20.0, 30.0], SampleTimes::Interval);
        check(&["12-31-2024 23:59:59 "; 2], &[10.0, 20.0], SampleTimes::Interval);
        check(&[], &[], SampleTimes::Arrivals);
    }

    #[test]
    fn two_recordings_in_one_file_are_refused() {
        let refuses = |stamps: [&str; 3]| {
            let text = text(&stamps);
            assert_eq!(timed(&read(&text).unwrap(), Milliseconds(10.0)), Err(EmcError::BackInTime { line: 3 }));
        };
        refuses(["0.011 ", "0.019 ", "0.001 "]);
        refuses(["01-01-2025 00:00:00 ", "01-01-2025 00:00:09 ", "01-01-2025 00:00:01 "]);
    }

    #[test]
    fn a_written_line_keeps_its_reading() {
        let mut sample = read(LINE).unwrap().remove(0);
        sample.arrival = Some(Milliseconds(12.0));
        let (samples, _) = timed(&read(&write_line(&sample)).unwrap(), Milliseconds(10.0)).unwrap();
        let expected =
            EmcSample { at: Milliseconds(12.0), utilization: Some(Percent(7.0)), clock: Some(Megahertz(2133)) };
        assert_eq!(samples, [expected]);
    }
}
