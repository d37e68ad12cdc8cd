//! What NVIDIA's `tegrastats` prints of a Jetson, of JetPack 4 to 7: how busy the memory controller, the GPU and the
//! DLAs are. Text in, values out; starting the program is the command line's work.

mod line;
mod reading;
mod write;

use crate::units::{Megahertz, Milliseconds, Percent};

pub use write::write_line;

/// One line of `tegrastats`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// Its line in the text, from 1.
    pub line: usize,
    /// When it arrived, from the start of the recording: the `12.345` that `haxconn` writes before a line that it records.
    pub arrival: Option<Milliseconds>,
    /// The date and time that versions from JetPack 5 on begin a line with.
    pub wall_clock: Option<WallClock>,
    /// The external memory controller.
    pub emc: Emc,
    /// The GPU.
    pub gpu: Gpu,
    /// The DLAs that the line names, in its order; none where the board has none or the version doesn't say.
    pub dlas: Vec<DlaState>,
}

/// The external memory controller in one line.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Emc {
    /// Mean use since the line before, as a share of what the memory can do at its clock of the moment. `None` where it
    /// isn't known: `@2133` has none, and `0%` without a clock is what a user without root gets, whatever the memory does.
    pub utilization: Option<Percent>,
    /// The memory's clock.
    pub clock: Option<Megahertz>,
}

/// The GPU in one line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gpu {
    /// Mean use since the line before.
    pub utilization: Option<Percent>,
    /// The clocks of its clusters; one number in older versions, and none without root.
    pub clocks: Vec<Megahertz>,
}

/// A DLA in one line.
#[derive(Clone, Debug, PartialEq)]
pub struct DlaState {
    /// `NVDLA0`, `NVDLA1`.
    pub name: String,
    /// Whether it is powered.
    pub is_on: bool,
    /// Its use; no version is known to print it.
    pub utilization: Option<Percent>,
    /// Its clock.
    pub clock: Option<Megahertz>,
}

/// A date and time without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallClock {
    /// Year, from 1970.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
    /// Hour, from 0.
    pub hour: u8,
    /// Minute, from 0.
    pub minute: u8,
    /// Second, from 0.
    pub second: u8,
}

/// A line that `tegrastats` doesn't write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: expected {expected}, found {found}")]
pub struct TegrastatsError {
    /// The line, from 1.
    pub line: usize,
    /// What should stand there.
    pub expected: &'static str,
    /// What stands there, shortened.
    pub found: String,
}

/// The samples of a `tegrastats` log, in its order. Empty lines are passed over, and so is the beginning of a line that
/// nothing ends, as a recording that was stopped may leave it after its last whole line.
pub fn read(text: &str) -> Result<Vec<Sample>, TegrastatsError> {
    let mut samples = Vec::new();
    for (idx, line) in text.split_inclusive('\n').enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match line::sample(line, idx + 1) {
            Ok(sample) => samples.push(sample),
            Err(_) if !line.ends_with('\n') && !samples.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(samples)
}

impl WallClock {
    /// Seconds since the beginning of 1970, with every day as long as any other.
    pub fn seconds(self) -> u64 {
        let is_leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
        let year = u64::from(self.year);
        let years: u64 = (1970..year).map(|year| 365 + u64::from(is_leap(year))).sum();
        let february = 28 + u64::from(is_leap(year));
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let months: u64 = lengths.iter().take(usize::from(self.month).saturating_sub(1)).sum();
        let days = years + months + u64::from(self.day).saturating_sub(1);
        ((days * 24 + u64::from(self.hour)) * 60 + u64::from(self.minute)) * 60 + u64::from(self.second)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    const XAVIER: &str = "RAM 2011/31920MB (lfb 5000x4MB) SWAP 0/15960MB (cached 0MB) CPU [3%@1190,0%@1190,off,off] \
                          EMC_FREQ 41%@2133 GR3D_FREQ 97%@1377 APE 150 MTS fg 0% bg 0% AO@39.5C GPU@41C CPU@40.5C \
                          GPU 5210/3020 CPU 620/611 SOC 2011/1880 CV 0/0 VDDRQ 900/700 SYS5V 2400/2310";

    #[track_caller]
    fn one(line: &str) -> Sample {
        let mut samples = read(line).unwrap();
        assert_eq!(samples.len(), 1, "{line}");
        samples.remove(0)
    }

    #[track_caller]
    fn check_emc(fields: &str, utilization: Option<f64>, clock: Option<u32>) {
        let line = format!("RAM 1/2MB (lfb 1x4MB) CPU [1%@100] {fields} tj@41C\n");
        assert_eq!(
            one(&line).emc,
            Emc { utilization: utilization.map(Percent), clock: clock.map(Megahertz) },
            "{line}"
        );
    }

    #[track_caller]
    fn refuses(line: &str, expected: &str) {
        let text = format!("{XAVIER}\n{line}\n{XAVIER}\n");
        assert_eq!(read(&text).unwrap_err().to_string(), format!("line 2: expected {expected}"));
    }

    #[test]
    fn the_memory_controller_is_read_in_each_of_its_forms() {
        check_emc("EMC_FREQ 13%@1600 GR3D_FREQ 0%@114", Some(13.0), Some(1600));
        check_emc("EMC_FREQ 0%@204 GR3D_FREQ 42%@0 GR3D2_FREQ 9%@0 NVJPG1 729", Some(0.0), Some(204));
        check_emc("EMC_FREQ 17% GR3D_FREQ 42%", Some(17.0), None);
        check_emc("EMC_FREQ 100%@4266 GR3D_FREQ 87%@[1574,1574,1574]", Some(100.0), Some(4266));
    }

    #[test]
    fn what_is_not_known_is_not_zero() {
        check_emc("EMC_FREQ 0% GR3D_FREQ 42%", None, None);
        check_emc("EMC_FREQ @2133 GR3D_FREQ 0%@1109", None, Some(2133));
        check_emc("GR3D_FREQ 0%", None, None);
    }

    #[test]
    fn the_gpu_is_read_in_each_of_its_forms() {
        let check = |field: &str, utilization: Option<f64>, clocks: &[u32]| {
            let gpu = one(&format!("RAM 1/2MB CPU [0%,5%,off]@2601 EMC_FREQ @4266 GR3D_FREQ {field}\n")).gpu;
            assert_eq!(
                (gpu.utilization, gpu.clocks),
                (utilization.map(Percent), clocks.iter().map(|&it| Megahertz(it)).collect())
            );
        };
        check("42%", Some(42.0), &[]);
        check("42%@1377", Some(42.0), &[1377]);
        check("@[0,0,0]", None, &[0, 0, 0]);
        check("14%@[407,408]", Some(14.0), &[407, 408]);
    }

    #[test]
    fn the_dlas_are_read_in_each_of_their_forms() {
        let check = |field: &str, is_on: bool, utilization: Option<f64>, clock: Option<u32>| {
            let line =
                format!("RAM 1/2MB CPU [1%@100] EMC_FREQ 1%@2133 GR3D_FREQ 1%@[407,407] VIC off {field} APE 174\n");
            let state = DlaState {
                name: "NVDLA0".into(),
                is_on,
                utilization: utilization.map(Percent),
                clock: clock.map(Megahertz),
            };
            assert_eq!(one(&line).dlas, [state]);
        };
        check("NVDLA0_FREQ @1600", true, None, Some(1600));
        check("NVDLA0 off", false, None, None);
        check("NVDLA0 OFF", false, None, None);
        check("NVDLA0 45%@1395", true, Some(45.0), Some(1395));
        check("NVDLA0 1395", true, None, Some(1395));
        assert_eq!(one(XAVIER).dlas, []);
    }

    #[test]
    fn dates_and_arrivals_are_read() {
        let date = WallClock { year: 2024, month: 3, day: 1, hour: 23, minute: 59, second: 58 };
        let sample = one(&format!("03-01-2024 23:59:58 {XAVIER}"));
        assert_eq!((sample.arrival, sample.wall_clock), (None, Some(date)));
        let sample = one(&format!("12.345 03-01-2024 23:59:58 {XAVIER}\n"));
        assert_eq!((sample.arrival, sample.wall_clock), (Some(Milliseconds(12345.0)), Some(date)));
        assert_eq!(one(&format!("0.010 {XAVIER}\r\n")).arrival, Some(Milliseconds(10.0)));
        assert_eq!(date.seconds(), 1_709_337_598);
    }

    #[test]
    fn older_boards_put_the_processors_before_the_swap_or_have_other_memories() {
        assert_eq!(
            one("RAM 2/3MB (lfb 1x4MB) CPU [9%@345,off] SWAP 0/1MB (cached 0MB) EMC_FREQ 7%@408 GR3D_FREQ 0%@76\n")
                .emc
                .clock,
            Some(Megahertz(408))
        );
        assert_eq!(
            one("RAM 2/3MB (lfb 1x4MB) IRAM 0/252kB(lfb 252kB) CPU [1%@102] EMC_FREQ 7%@408 GR3D_FREQ 0%@76\n")
                .emc
                .clock,
            Some(Megahertz(408))
        );
    }

    #[test]
    fn a_line_of_something_else_is_refused_with_its_number() {
        refuses("sudo: a password is required", "`RAM` with used and total megabytes, found `sudo:`");
        refuses("RAM 12/34MB (lfb 1x4MB) SWAP 0/1MB", "`CPU` with a list in brackets, found the end of the line");
        refuses("RAM twelve", "`RAM` with used and total megabytes, found `twelve`");
        refuses("RAM 1/2MB CPU 3%", "`CPU` with a list in brackets, found `3%`");
        refuses("RAM 1/2MB CPU [1%@3]", "`GR3D_FREQ`, found the end of the line");
        refuses("RAM 1/2MB CPU [1%@3] EMC_FREQ 1%@2133", "`GR3D_FREQ`, found the end of the line");
        refuses("RAM 1/2MB CPU [1%@3] EMC_FREQ", "`EMC_FREQ` with `X%`, `@MHz` or `X%@MHz`, found the end of the line");
        refuses("RAM 1/2MB CPU [1%@3] EMC_FREQ 4", "`EMC_FREQ` with `X%`, `@MHz` or `X%@MHz`, found `4`");
        refuses(
            "RAM 1/2MB CPU [1%@3] EMC_FREQ 4%@21RAM 1/2MB",
            "`EMC_FREQ` with `X%`, `@MHz` or `X%@MHz`, found `4%@21RAM`",
        );
        refuses(
            "RAM 1/2MB CPU [1%@3] EMC_FREQ 4%@21 RAM 1/2MB",
            "the end of this line before another `RAM`, found `RAM`",
        );
        refuses(
            "RAM 1/2MB CPU [1%@3] EMC_FREQ 4%@21 EMC_FREQ 4%@21",
            "the end of this line before another `EMC_FREQ`, found `EMC_FREQ`",
        );
        refuses("13-01-2024 23:59:58 RAM 1/2MB", "`RAM` with used and total megabytes, found `13-01-2024`");
    }

    #[test]
    fn only_the_unended_last_line_may_be_cut_off() {
        let cut = &XAVIER[..90];
        assert_eq!(read(&format!("{XAVIER}\n{cut}")).unwrap().len(), 1);
        assert_eq!(read(&format!("{XAVIER}\n{cut}\n")).unwrap_err().line, 2);
        assert_eq!(read(cut).unwrap_err().line, 1);
        assert_eq!(read("\n\n").unwrap(), []);
    }

    #[test]
    fn a_hundred_thousand_lines_are_read_in_under_a_second() {
        let text = format!("12.345 03-01-2024 23:59:58 {XAVIER}\n").repeat(100_000);
        let begin = Instant::now();
        assert_eq!(read(&text).unwrap().len(), 100_000);
        assert!(begin.elapsed().as_secs_f64() < 1.0, "{:?}", begin.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>()) {
            let _ = read(&text);
        }

        #[test]
        fn no_mutilated_line_makes_the_reader_panic(at in 0..XAVIER.len(), length in 0..40usize, patch in "[A-Z0-9%@,\\[\\] \n./-]{0,12}") {
            let end = (at + length).min(XAVIER.len());
            let _ = read(&format!("{}{patch}{}\n", &XAVIER[..at], &XAVIER[end..]));
        }
    }
}
