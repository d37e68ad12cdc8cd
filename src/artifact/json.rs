//! JSON as it is written: objects over lines, arrays along them, so that an interval stays one line.

use std::io::{Result, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

/// The text of `value`, with a newline at its end.
pub fn to_json<T: Serialize>(value: &T) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Layout(PrettyFormatter::new())))?;
    bytes.push(b'\n');
    Ok(String::from_utf8(bytes)?)
}

/// The standard layout for objects, none for arrays.
struct Layout(PrettyFormatter<'static>);

impl Formatter for Layout {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_go_over_lines_and_arrays_along_them() {
        let value = serde_json::json!({"work": [0, 12], "groups": [{"a": []}, {}], "none": null});
        let expected = "{
  \"work\": [0, 12],
  \"groups\": [{
    \"a\": []
  }, {}],
  \"none\": null
}
";
        assert_eq!(to_json(&value).unwrap(), expected);
    }
}
