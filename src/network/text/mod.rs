//! Protocol buffers' text format, read without a schema: every field keeps its line and column. Knows nothing of
//! Caffe. The syntax is that of <https://protobuf.dev/reference/protobuf/textformat-spec/>, without extension names.

mod lexer;
mod parser;

use std::borrow::Cow;

use super::{NetworkError, Position};

pub(super) use parser::parse;

/// A message: its fields in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Where it begins.
    pub(super) position: Position,
    /// Its fields; a repeated field stands here once per value.
    pub(super) fields: Vec<Field<'a>>,
}

/// One value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// The field's name.
    pub(super) name: &'a str,
    /// Where the name stands; for a value in a list, where the value stands.
    pub(super) position: Position,
    /// What it holds.
    pub(super) value: Value<'a>,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A message in braces or angle brackets.
    Message(Message<'a>),
    /// A string, its escapes resolved.
    Text(Cow<'a, str>),
    /// A number as it is written, with its sign.
    Number(Cow<'a, str>),
    /// A name without quotes: an enum value, `true`, `inf` and so on.
    Word(&'a str),
}

/// The text of a file's bytes, or where they stop being text.
pub fn text_of(bytes: &[u8]) -> Result<&str, NetworkError> {
    let text = str::from_utf8(bytes).map_err(|error| {
        let valid = str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
        not_text(position_after(valid))
    })?;
    refuse_nul(text)?;
    Ok(text)
}

fn refuse_nul(text: &str) -> Result<(), NetworkError> {
    text.find('\0').map_or(Ok(()), |at| Err(not_text(position_after(&text[..at]))))
}

fn not_text(position: Position) -> NetworkError {
    NetworkError::new(position, "not a text file: a network is expected as prototxt, not as binary caffemodel")
}

fn position_after(text: &str) -> Position {
    let line_start = text.rfind('\n').map_or(0, |at| at + 1);
    Position { line: 1 + text.matches('\n').count(), column: 1 + text[line_start..].chars().count() }
}
