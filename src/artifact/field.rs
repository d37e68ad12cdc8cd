//! What every file format here shares: the schema version, fields that are refused with their path, numbers with
//! their provenance. Knows no format in particular.

use std::fmt;
use std::marker::PhantomData;

use anyhow::{Result, anyhow, bail};
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use crate::platform::{Provenance, Sourced};
use crate::profile::Tagged;

/// The version of every format that this program writes and reads, run logs excepted.
pub const SCHEMA_VERSION: u64 = 1;

/// The one field that is read before the format of the others is known.
#[derive(Deserialize)]
struct Versioned {
    schema_version: Option<u64>,
}

/// Reads a YAML file's text.
pub(super) fn from_yaml<T: DeserializeOwned>(text: &str) -> Result<T> {
    check_version(deserialize(serde_yaml::Deserializer::from_str(text))?, SCHEMA_VERSION)?;
    deserialize(serde_yaml::Deserializer::from_str(text))
}

/// Reads a JSON file's text.
pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    from_json_of(text, SCHEMA_VERSION)
}

/// The same of a format whose version is `version`.
pub(super) fn from_json_of<T: DeserializeOwned>(text: &str, version: u64) -> Result<T> {
    check_version(deserialize(&mut serde_json::Deserializer::from_str(text))?, version)?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = deserialize(&mut deserializer)?;
    deserializer.end().map_err(|error| anyhow!("{error}"))?;
    Ok(value)
}

fn check_version(Versioned { schema_version }: Versioned, read: u64) -> Result<()> {
    match schema_version {
        None => bail!("schema_version: missing; this program reads {read}"),
        Some(version) if version == read => Ok(()),
        Some(version) if version > read => bail!("schema_version {version} is newer than this program reads ({read})"),
        Some(version) => bail!("schema_version {version} is not one that this program reads ({read})"),
    }
}

fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T> {
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let message = in_plain_words(&error.into_inner().to_string());
        let message = match message.split_once(": ") {
            Some((start, rest)) if path.starts_with(start) => rest,
            _ => &message,
        };
        if path == "." || path == "?" { anyhow!("{message}") } else { anyhow!("{path}: {message}") }
    })
}

/// Names of Rust types mean nothing to the author of a file.
fn in_plain_words(message: &str) -> String {
    let Some((start, expected)) = message.split_once(", expected ") else { return message.to_owned() };
    let (name, rest) = expected.split_at(expected.find(" at line ").unwrap_or(expected.len()));
    let plain = match name {
        "f64" => "a number",
        "u32" | "u64" | "usize" => "a whole number from 0",
        "a sequence" => "a list",
        name if name.starts_with("struct ") => "a table of fields",
        name => name,
    };
    format!("{start}, expected {plain}{rest}")
}

/// [`Provenance`] as its word.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Provenance", rename_all = "lowercase")]
pub(super) enum ProvenanceField {
    Measured,
    Published,
    Derived,
    Modelled,
    Assumed,
}

/// A number with its provenance and source.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SourcedField<T> {
    pub(super) value: T,
    #[serde(with = "ProvenanceField")]
    pub(super) provenance: Provenance,
    pub(super) source: String,
}

impl<T> SourcedField<T> {
    /// The number as the rest of the program holds it.
    pub(super) fn sourced(self) -> Sourced<T> {
        Sourced { value: self.value, provenance: self.provenance, source: self.source }
    }
}

impl SourcedField<f64> {
    /// The number, refused below zero and where it isn't finite.
    pub(super) fn amount(self, path: &str) -> Result<Sourced<f64>> {
        check_amount(self.value, &format!("{path}.value"))?;
        Ok(self.sourced())
    }

    /// The number, refused unless it is finite and above zero.
    pub(super) fn positive(self, path: &str) -> Result<Sourced<f64>> {
        let sourced = self.amount(path)?;
        if sourced.value == 0.0 {
            bail!("{path}.value: is zero, must be above");
        }
        Ok(sourced)
    }
}

/// Refuses what is below zero or not finite.
pub(super) fn check_amount(value: f64, path: &str) -> Result<()> {
    if !value.is_finite() {
        bail!("{path}: `{value}` is not a finite number");
    }
    if value < 0.0 {
        bail!("{path}: `{value}` is negative");
    }
    Ok(())
}

/// Either one word (`none`, `everything`) or a table of fields.
pub(super) enum WordOr<T> {
    Word(String),
    Fields(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for WordOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrVisitor(PhantomData))
    }
}

struct WordOrVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for WordOrVisitor<T> {
    type Value = WordOr<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a table of fields")
    }

    fn visit_str<E>(self, word: &str) -> Result<Self::Value, E> {
        Ok(WordOr::Word(word.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(WordOr::Fields)
    }
}

/// A value with its provenance.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TaggedField {
    value: f64,
    #[serde(with = "ProvenanceField")]
    provenance: Provenance,
}

impl TaggedField {
    /// What a profile's `tagged` value looks like in a file, `number` being its number.
    pub(super) fn new<T>(tagged: &Tagged<T>, number: f64) -> Self {
        Self { value: number, provenance: tagged.provenance }
    }

    /// The value as `meaning` of its number, refused below zero and where it isn't finite.
    pub(super) fn amount<T>(self, path: &str, meaning: impl FnOnce(f64) -> T) -> Result<Tagged<T>> {
        check_amount(self.value, &format!("{path}.value"))?;
        Ok(Tagged { value: meaning(self.value), provenance: self.provenance })
    }
}
