//! Lines as `tegrastats` of JetPack 5 lays them out. The simulator's recordings are made of them.

use std::fmt::Write as _;

use super::{DlaState, Sample};
use crate::units::{Megahertz, Percent};

/// The line that says what `sample` holds, without its end:
///
/// ```text
/// [12.345 ][03-31-2024 23:59:58 ]RAM 1/1MB (lfb 1x4MB) SWAP 0/0MB (cached 0MB) CPU [0%@0] EMC_FREQ 41%@2133
/// GR3D_FREQ 97%@[1377,1377] NVDLA0_FREQ @1395 NVDLA1 off
/// ```
///
/// all in one line. Percentages are whole, as `tegrastats` prints them. What a sample doesn't hold (memory, processors)
/// stands there with a number that says nothing; a percentage that isn't known is `0%` without a clock, or missing.
pub fn write_line(sample: &Sample) -> String {
    let mut line = String::new();
    // Writing to a string can't fail.
    if let Some(arrival) = sample.arrival {
        let _ = write!(line, "{:.3} ", arrival.0 / 1e3);
    }
    if let Some(at) = sample.wall_clock {
        let _ = write!(line, "{:02}-{:02}-{:04} ", at.month, at.day, at.year);
        let _ = write!(line, "{:02}:{:02}:{:02} ", at.hour, at.minute, at.second);
    }
    line += "RAM 1/1MB (lfb 1x4MB) SWAP 0/0MB (cached 0MB) CPU [0%@0] EMC_FREQ ";
    line += &reading(sample.emc.utilization, sample.emc.clock.as_slice());
    line += " GR3D_FREQ ";
    line += &reading(sample.gpu.utilization, &sample.gpu.clocks);
    for dla in &sample.dlas {
        let _ = write!(line, " {}", state(dla));
    }
    line
}

fn reading(percent: Option<Percent>, clocks: &[Megahertz]) -> String {
    let percent = percent.map(|percent| format!("{:.0}%", percent.0));
    let clocks = match clocks {
        [] => return percent.unwrap_or_else(|| "0%".to_owned()),
        [clock] => format!("@{}", clock.0),
        clocks => format!("@[{}]", clocks.iter().map(|clock| clock.0.to_string()).collect::<Vec<_>>().join(",")),
    };
    percent.unwrap_or_default() + &clocks
}

fn state(dla: &DlaState) -> String {
    if !dla.is_on {
        return format!("{} off", dla.name);
    }
    format!("{}_FREQ {}", dla.name, reading(dla.utilization, dla.clock.as_slice()))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;
    use crate::backend::tegrastats::{Emc, Gpu, WallClock, read};
    use crate::units::Milliseconds;

    prop_compose! {
        fn sample()(
            arrival in option::of(0u32..100_000_000),
            (is_dated, month, day, hour) in (any::<bool>(), 1u8..=12, 1u8..=31, 0u8..24),
            emc in (option::of(0u32..=100), 1u32..5000),
            gpu in (0u32..=100, vec(0u32..2000, 0..4)),
            clocks in vec(option::of(1u32..2000), 0..3),
        ) -> Sample {
            let percent = |percent: u32| Percent(f64::from(percent));
            let dla = |(idx, clock): (usize, Option<u32>)| {
                DlaState { name: format!("NVDLA{idx}"), is_on: clock.is_some(), utilization: None, clock: clock.map(Megahertz) }
            };
            Sample {
                line: 1,
                arrival: arrival.map(|thousandths| Milliseconds(f64::from(thousandths))),
                wall_clock: is_dated.then_some(WallClock { year: 2024, month, day, hour, minute: 4, second: 59 }),
                emc: Emc { utilization: emc.0.map(percent), clock: Some(Megahertz(emc.1)) },
                gpu: Gpu { utilization: Some(percent(gpu.0)), clocks: gpu.1.into_iter().map(Megahertz).collect() },
                dlas: clocks.into_iter().enumerate().map(dla).collect(),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(sample in sample()) {
            prop_assert_eq!(read(&write_line(&sample)).unwrap(), [sample]);
        }
    }

    #[test]
    fn an_unknown_reading_stays_unknown() {
        assert_eq!(read(&write_line(&Sample::default())).unwrap()[0].emc, Emc::default());
    }
}
