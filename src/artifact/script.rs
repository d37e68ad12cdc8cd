//! Scripts of timed events for `run-multi --dynamic`: YAML in, events by names out. Keys are listed in `docs/formats.md`.

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use super::field::from_yaml;
use crate::run::dynamic::{ScriptChange, ScriptEvent};
use crate::units::{Milliseconds, Nanoseconds};

/// Longest moment that a script names: a day.
const LONGEST_MS: f64 = 86_400_000.0;

/// Most events of a script.
const MOST_EVENTS: usize = 1000;

/// Reads a script's `text`; errors begin with `origin`, the path that people know the file by. Names aren't looked up here.
pub fn read_script(text: &str, origin: &str) -> Result<Vec<ScriptEvent>> {
    from_yaml::<ScriptFile>(text).and_then(ScriptFile::into_events).with_context(|| origin.to_owned())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptFile {
    #[serde(rename = "schema_version")]
    _schema_version: u64,
    events: Vec<EventFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EventFile {
    at_ms: f64,
    join: Option<String>,
    leave: Option<String>,
    slow: Option<SlowFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SlowFile {
    accelerator: String,
    factor: f64,
}

impl ScriptFile {
    fn into_events(self) -> Result<Vec<ScriptEvent>> {
        if self.events.len() > MOST_EVENTS {
            bail!("events: {} are more than the {MOST_EVENTS} that a script takes", self.events.len());
        }
        self.events.into_iter().enumerate().map(|(idx, event)| event.into_event(idx)).collect()
    }
}

impl EventFile {
    fn into_event(self, idx: usize) -> Result<ScriptEvent> {
        let at = moment(self.at_ms).with_context(|| format!("events[{idx}].at_ms"))?;
        let change = match (self.join, self.leave, self.slow) {
            (Some(name), None, None) => ScriptChange::Join(name),
            (None, Some(name), None) => ScriptChange::Leave(name),
            (None, None, Some(SlowFile { accelerator, factor })) => ScriptChange::Slow { accelerator, factor },
            _ => bail!("events[{idx}]: needs one of `join`, `leave` and `slow` beside `at_ms`"),
        };
        Ok(ScriptEvent { at, change })
    }
}

fn moment(at_ms: f64) -> Result<Nanoseconds> {
    if !(0.0..=LONGEST_MS).contains(&at_ms) {
        bail!("`{at_ms}` is not between 0 and {LONGEST_MS}, a day in milliseconds");
    }
    Ok(Milliseconds(at_ms).to_nanoseconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_in_their_order() {
        let text = "schema_version: 1\nevents:\n  - {at_ms: 0.5, join: a}\n  - {at_ms: 2, slow: {accelerator: gpu, factor: 1.3}}\n";
        let events = read_script(text, "s.yaml").unwrap();
        let slow = ScriptChange::Slow { accelerator: "gpu".into(), factor: 1.3 };
        let expected = [(500_000, ScriptChange::Join("a".into())), (2_000_000, slow)];
        assert_eq!(events, expected.map(|(at, change)| ScriptEvent { at: Nanoseconds(at), change }));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let check = |events: &str, words: &str| {
            let text = format!("schema_version: 1\nevents:\n{events}");
            let message = format!("{:#}", read_script(&text, "s.yaml").unwrap_err());
            assert!(message.starts_with("s.yaml: ") && message.contains(words), "{message}");
        };
        check("  - {at_ms: 1}\n", "events[0]: needs one of `join`, `leave` and `slow`");
        check("  - {at_ms: 1, join: a, leave: b}\n", "events[0]: needs one of");
        check("  - {at_ms: -1, join: a}\n", "events[0].at_ms: `-1` is not between 0 and 86400000");
        check("  - {at_ms: .nan, join: a}\n", "is not between");
        check("  - {at: 1, join: a}\n", "at");
        let message = format!("{:#}", read_script("events: []\n", "s.yaml").unwrap_err());
        assert_eq!(message, "s.yaml: schema_version: missing; this program reads 1");
    }
}
