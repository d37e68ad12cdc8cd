//! Times of an engine's layers: `--exportProfile`, and what the console's table gives as well.

use super::error::ReadError;
use super::generation::{Generation, Version};
use super::scanner::{Scanner, Value};
use crate::units::Milliseconds;

/// Layers of an engine with their times, summed over profiled runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Which TensorRT may have written it.
    pub generation: Generation,
    /// The program, where it names itself, as this one does.
    pub program: Option<String>,
    /// Profiled runs.
    pub iterations: u64,
    /// Layers in the order in which they ran.
    pub entries: Vec<ProfileEntry>,
    /// Mean time of a run by the table's last row; the sum of the entries where there is no such row.
    pub total: Milliseconds,
}

/// One layer of an engine.
#[derive(Clone, Debug, PartialEq)]
pub struct ProfileEntry {
    /// TensorRT's name of it.
    pub name: String,
    /// Its time over all runs.
    pub total: Milliseconds,
    /// Its mean time in one run.
    pub mean: Milliseconds,
    /// Its median time, from TensorRT 8.4 on.
    pub median: Option<Milliseconds>,
}

impl Profile {
    /// Mean time of a run that no entry accounts for.
    pub fn unlisted(&self) -> Milliseconds {
        let listed: Milliseconds = self.entries.iter().map(|entry| entry.mean).sum();
        Milliseconds(self.total.0 - listed.0)
    }
}

/// Reads `--exportProfile`: a list of `{ "count" : N }` and one `{ "name", "timeMs", "averageMs", .. }` a layer.
pub(super) fn read(text: &str) -> Result<Profile, ReadError> {
    let mut scanner = Scanner::new(text);
    scanner.expect('[', "`[`, with which a profile begins")?;
    let (iterations, program) = count(&mut scanner)?;
    let mut entries = Vec::new();
    while scanner.take(',') {
        entries.push(entry(&mut scanner, iterations)?);
    }
    scanner.expect(']', "a further layer, or `]` at the end of the profile")?;
    scanner.end()?;
    if entries.is_empty() {
        return Err(ReadError::at(1, "at least one layer", "a profile without any"));
    }
    let has_medians = entries.iter().any(|entry| entry.median.is_some());
    let generation =
        if has_medians { Generation::since(Version(8, 4)) } else { Generation::between(Version(7, 1), Version(8, 2)) };
    let total = entries.iter().map(|entry| entry.mean).sum();
    Ok(Profile { generation, program, iterations, entries, total })
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number within the exact ones")]
fn count(scanner: &mut Scanner) -> Result<(u64, Option<String>), ReadError> {
    let begin = scanner.position();
    let (mut count, mut program) = (None, None);
    scanner.object(&mut |key, value| match (key, value) {
        ("count", Value::Number(number)) => count = Some(number),
        ("program", Value::Text(text)) => program = Some(text.to_owned()),
        _ => {}
    })?;
    match count {
        Some(count) if count >= 1.0 && count < 2f64.powi(52) && count.fract() == 0.0 => Ok((count as u64, program)),
        _ => scanner.refuse_at(begin, "`{ \"count\" : N }` with the number of runs, N at least 1"),
    }
}

fn entry(scanner: &mut Scanner, iterations: u64) -> Result<ProfileEntry, ReadError> {
    let begin = scanner.position();
    let (mut name, mut total, mut median) = (None, None, None);
    scanner.object(&mut |key, value| match (key, value) {
        ("name", Value::Text(text)) => name = Some(text),
        ("timeMs", Value::Number(number)) => total = Some(number),
        ("medianMs", Value::Number(number)) => median = Some(number),
        _ => {}
    })?;
    let is_time = |time: &f64| time.is_finite() && *time >= 0.0;
    match (name, total.filter(is_time)) {
        (Some(name), Some(total)) => Ok(ProfileEntry {
            name: unescaped(name),
            total: Milliseconds(total),
            mean: Milliseconds(total / iterations as f64),
            median: median.filter(is_time).map(Milliseconds),
        }),
        _ => scanner.refuse_at(begin, "a layer with `name` and a `timeMs` that is a time"),
    }
}

/// TensorRT escapes nothing; a program that wrote the file anew may have.
fn unescaped(name: &str) -> String {
    let escaped = name.contains('\\').then(|| serde_json::from_str(&format!("\"{name}\"")).ok()).flatten();
    escaped.unwrap_or_else(|| name.to_owned())
}
