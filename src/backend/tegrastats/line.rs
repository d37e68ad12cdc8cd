//! One line of `tegrastats`: words between blanks, of which a few are keys. Unknown words are passed over, since every
//! version adds some; the ones before the GPU's are asked for, so that a line that was cut or mixed up is noticed.

use super::reading::{Reading, number, reading};
use super::{DlaState, Emc, Gpu, Sample, TegrastatsError, WallClock};
use crate::units::Milliseconds;

const MEMORY: &str = "`RAM` with used and total megabytes";
const PROCESSORS: &str = "`CPU` with a list in brackets";
const EMC: &str = "`EMC_FREQ` with `X%`, `@MHz` or `X%@MHz`";
const GPU: &str = "`GR3D_FREQ` with `X%`, `@MHz` or `X%@MHz`";
const DLA: &str = "`NVDLA` with `off`, `X%`, `@MHz` or `X%@MHz`";

/// What should have stood where a word, or the end of the line, stands.
struct Unexpected<'a> {
    expected: &'static str,
    found: Option<&'a str>,
}

/// The sample in `text`, which is line `line` of its file.
pub(super) fn sample(text: &str, line: usize) -> Result<Sample, TegrastatsError> {
    let mut words = Words(text.split_ascii_whitespace());
    let sample = Sample { line, ..Sample::default() };
    fields(&mut words, sample).map_err(|error| {
        let found = error.found.map(|word| word.chars().take(40).collect::<String>());
        let found = found.map_or_else(|| "the end of the line".to_owned(), |word| format!("`{word}`"));
        TegrastatsError { line, expected: error.expected, found }
    })
}

struct Words<'a>(std::str::SplitAsciiWhitespace<'a>);

impl<'a> Words<'a> {
    /// The next word as `meaning` of it.
    fn expect<T>(
        &mut self,
        expected: &'static str,
        meaning: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<T, Unexpected<'a>> {
        let found = self.0.next();
        found.and_then(meaning).ok_or(Unexpected { expected, found })
    }

    /// The next word as `meaning` of it; one without that meaning stays the next one.
    fn take<T>(&mut self, meaning: impl FnOnce(&mut std::str::SplitAsciiWhitespace<'a>) -> Option<T>) -> Option<T> {
        let mut ahead = self.0.clone();
        let value = meaning(&mut ahead)?;
        self.0 = ahead;
        Some(value)
    }
}

fn fields<'a>(words: &mut Words<'a>, mut sample: Sample) -> Result<Sample, Unexpected<'a>> {
    sample.arrival = words.take(|words| arrival(words.next()?));
    sample.wall_clock = words.take(|words| wall_clock(words.next()?, words.next()?));
    words.expect(MEMORY, |word| (word == "RAM").then_some(()))?;
    words.expect(MEMORY, megabytes)?;
    let (mut has_processors, mut emc, mut gpu) = (false, None, None);
    while let Some(key) = words.0.next() {
        match key {
            "RAM" => return Err(unexpected("the end of this line before another `RAM`", key)),
            // Later ones are a voltage rail's.
            "CPU" if !has_processors => has_processors = words.expect(PROCESSORS, list)?,
            "EMC_FREQ" if emc.is_some() => {
                return Err(unexpected("the end of this line before another `EMC_FREQ`", key));
            }
            "EMC_FREQ" => emc = Some(words.expect(EMC, |word| into_emc(&reading(word)?))?),
            "GR3D_FREQ" if gpu.is_some() => {
                return Err(unexpected("the end of this line before another `GR3D_FREQ`", key));
            }
            "GR3D_FREQ" => gpu = Some(words.expect(GPU, |word| reading(word).and_then(into_gpu))?),
            _ if key.starts_with("NVDLA") => sample.dlas.push(into_dla(key, &words.expect(DLA, reading)?)),
            _ => {}
        }
    }
    if !has_processors {
        return Err(Unexpected { expected: PROCESSORS, found: None });
    }
    sample.emc = emc.unwrap_or_default();
    sample.gpu = gpu.ok_or(Unexpected { expected: "`GR3D_FREQ`", found: None })?;
    Ok(sample)
}

fn unexpected<'a>(expected: &'static str, found: &'a str) -> Unexpected<'a> {
    Unexpected { expected, found: Some(found) }
}

/// `12.345`: seconds with their thousandths.
fn arrival(word: &str) -> Option<Milliseconds> {
    let (seconds, thousandths) = word.split_once('.')?;
    let is_time = thousandths.len() == 3 && number(thousandths).is_some();
    let thousands = number(seconds).filter(|_| is_time)?;
    Some(Milliseconds(f64::from(thousands) * 1e3 + f64::from(number(thousandths)?)))
}

/// `03-31-2024 23:59:58`: month first.
fn wall_clock(date: &str, time: &str) -> Option<WallClock> {
    let [month, day, year] = three(date, '-')?;
    let [hour, minute, second] = three(time, ':')?;
    let is_right = (1..=12).contains(&month) && (1..=31).contains(&day) && (1970..=9999).contains(&year);
    let clock = WallClock {
        year,
        month: u8::try_from(month).ok()?,
        day: u8::try_from(day).ok()?,
        hour: u8::try_from(hour).ok()?,
        minute: u8::try_from(minute).ok()?,
        second: u8::try_from(second).ok()?,
    };
    (is_right && hour < 24 && minute < 60 && second <= 60).then_some(clock)
}

fn three(text: &str, separator: char) -> Option<[u16; 3]> {
    let mut parts = text.split(separator).map(|part| number(part).and_then(|part| u16::try_from(part).ok()));
    let three = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(three)
}

/// `4131/31919MB`.
fn megabytes(word: &str) -> Option<()> {
    let (used, total) = word.strip_suffix("MB")?.split_once('/')?;
    number(used).and(number(total)).map(|_| ())
}

/// `[12%@1190,off]` or `[12%,off]@1190`.
fn list(word: &str) -> Option<bool> {
    let (list, after) = word.strip_prefix('[')?.rsplit_once(']')?;
    let is_list = !list.is_empty() && (after.is_empty() || after.strip_prefix('@').and_then(number).is_some());
    is_list.then_some(true)
}

fn into_emc(reading: &Reading) -> Option<Emc> {
    let clock = reading.clocks.first().copied();
    let is_known = clock.is_some() || reading.percent.is_some_and(|percent| percent.0 > 0.0);
    let fits = !reading.is_off && !reading.is_bare && reading.clocks.len() < 2;
    fits.then_some(Emc { utilization: reading.percent.filter(|_| is_known), clock })
}

fn into_gpu(reading: Reading) -> Option<Gpu> {
    (!reading.is_bare).then_some(Gpu { utilization: reading.percent, clocks: reading.clocks })
}

fn into_dla(key: &str, reading: &Reading) -> DlaState {
    DlaState {
        name: key.strip_suffix("_FREQ").unwrap_or(key).to_owned(),
        is_on: !reading.is_off,
        utilization: reading.percent,
        clock: reading.clocks.first().copied(),
    }
}
