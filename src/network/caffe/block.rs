//! Typed access to the fields of one message, with sentences that name the layer and the field.

use crate::network::text::{Field, Message, Value};
use crate::network::{NetworkError, Position, nearest};

/// The fields of a message of a layer or, without a layer, of the file.
#[derive(Clone, Copy)]
pub(super) struct Block<'m, 'a> {
    /// Where the message stands; for one that the file lacks, where its layer does.
    pub(super) position: Position,
    /// Name of the layer that it belongs to.
    layer: Option<&'m str>,
    fields: &'m [Field<'a>],
}

impl<'m, 'a> Block<'m, 'a> {
    /// A message that belongs to `layer`.
    pub(super) fn new(message: &'m Message<'a>, layer: Option<&'m str>) -> Self {
        Self { position: message.position, layer, fields: &message.fields }
    }

    /// The same message under a layer's name, standing where the layer does.
    pub(super) fn named(self, layer: &'m str, position: Position) -> Self {
        Self { layer: Some(layer), position, ..self }
    }

    /// An error in this message.
    pub(super) fn error(&self, position: Position, message: &str) -> NetworkError {
        let message = self.layer.map_or_else(|| message.to_owned(), |layer| format!("layer `{layer}`: {message}"));
        NetworkError::new(position, message)
    }

    /// Refuses fields that this message can't have: Caffe's reader would, and a typo must not pass for a default.
    pub(super) fn allow(&self, known: &[&str]) -> Result<(), NetworkError> {
        let Some(field) = self.fields.iter().find(|field| !known.contains(&field.name)) else { return Ok(()) };
        let hint = nearest::did_you_mean(field.name, known.iter().copied());
        Err(self.error(field.position, &format!("unknown field `{}`{hint}", field.name)))
    }

    /// All values of a repeated field.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'m Field<'a>> + use<'_, 'm, 'a> {
        let name = name.to_owned();
        self.fields.iter().filter(move |field| field.name == name)
    }

    /// The value of a field that may stand once.
    pub(super) fn single(&self, name: &str) -> Result<Option<&'m Field<'a>>, NetworkError> {
        let mut all = self.all(name);
        let first = all.next();
        all.next().map_or(Ok(first), |again| {
            Err(self.error(again.position, &format!("`{name}` stands twice, it can stand only once")))
        })
    }

    /// The message in a field; where the file has none, one without fields.
    pub(super) fn message(&self, name: &str) -> Result<Self, NetworkError> {
        match self.single(name)? {
            None => Ok(Self { fields: &[], ..*self }),
            Some(field) => self.nested(field),
        }
    }

    /// The message that `field` holds.
    pub(super) fn nested(&self, field: &'m Field<'a>) -> Result<Self, NetworkError> {
        match &field.value {
            Value::Message(message) => {
                Ok(Self { position: field.position, layer: self.layer, fields: &message.fields })
            }
            _ => Err(self.error(field.position, &format!("`{}` must be a message in braces", field.name))),
        }
    }

    /// The string that `field` holds; a control character would garble every table and log that shows it.
    pub(super) fn string(&self, field: &'m Field<'a>) -> Result<&'m str, NetworkError> {
        match &field.value {
            Value::Text(text) if text.contains(char::is_control) => {
                Err(self.error(field.position, &format!("`{}` holds a control character", field.name)))
            }
            Value::Text(text) => Ok(text),
            _ => Err(self.error(field.position, &format!("`{}` must be a string in quotes", field.name))),
        }
    }

    /// The name or number of an enum's value.
    pub(super) fn word(&self, name: &str) -> Result<Option<(&'m str, Position)>, NetworkError> {
        let Some(field) = self.single(name)? else { return Ok(None) };
        match &field.value {
            Value::Word(word) => Ok(Some((word, field.position))),
            Value::Number(number) => Ok(Some((number, field.position))),
            _ => Err(self.error(field.position, &format!("`{name}` must be a name without quotes"))),
        }
    }

    /// A value out of an enum, by name or number; `default` where the field is missing.
    pub(super) fn choice<T: Copy>(
        &self,
        name: &str,
        choices: &[(&str, &str, T)],
        default: T,
    ) -> Result<T, NetworkError> {
        let Some((word, position)) = self.word(name)? else { return Ok(default) };
        let chosen = choices.iter().find(|(label, number, _)| *label == word || *number == word);
        chosen.map(|(_, _, value)| *value).ok_or_else(|| {
            let labels: Vec<_> = choices.iter().map(|(label, _, _)| format!("`{label}`")).collect();
            self.error(position, &format!("`{name}` is `{word}`, it must be one of {}", labels.join(", ")))
        })
    }

    /// A truth value; `default` where the field is missing.
    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, NetworkError> {
        let yes = ["true", "True", "t", "1"].map(|word| (word, word, true));
        let no = ["false", "False", "f", "0"].map(|word| (word, word, false));
        let Some((word, position)) = self.word(name)? else { return Ok(default) };
        let found = yes.iter().chain(&no).find(|(label, _, _)| *label == word).map(|(_, _, value)| *value);
        found.ok_or_else(|| self.error(position, &format!("`{name}` is `{word}`, it must be `true` or `false`")))
    }

    /// A whole number of at most 32 bits that may be negative.
    pub(super) fn signed(&self, field: &Field<'a>) -> Result<i64, NetworkError> {
        let number = match &field.value {
            Value::Number(number) => whole(number),
            _ => None,
        };
        let number = number.filter(|number| i32::try_from(*number).is_ok());
        number.ok_or_else(|| {
            self.error(field.position, &format!("`{}` must be a whole number of at most 2147483647", field.name))
        })
    }

    /// A whole number of at most 31 bits, 0 or more.
    pub(super) fn unsigned(&self, field: &Field<'a>) -> Result<u64, NetworkError> {
        let number = self.signed(field)?;
        u64::try_from(number)
            .map_err(|_| self.error(field.position, &format!("`{}` is {number}, it must not be negative", field.name)))
    }

    /// A whole number, 1 or more.
    pub(super) fn positive(&self, field: &Field<'a>) -> Result<u64, NetworkError> {
        match self.unsigned(field)? {
            0 => Err(self.error(field.position, &format!("`{}` is 0, it must be at least 1", field.name))),
            number => Ok(number),
        }
    }

    /// A positive number; `default` where the field is missing.
    pub(super) fn positive_or(&self, name: &str, default: u64) -> Result<u64, NetworkError> {
        self.single(name)?.map_or(Ok(default), |field| self.positive(field))
    }

    /// A signed number; `default` where the field is missing.
    pub(super) fn signed_or(&self, name: &str, default: i64) -> Result<i64, NetworkError> {
        self.single(name)?.map_or(Ok(default), |field| self.signed(field))
    }

    /// A positive number that must be there.
    pub(super) fn required(&self, name: &str) -> Result<u64, NetworkError> {
        self.positive(self.needed(name)?)
    }

    /// A real number that must be there.
    pub(super) fn required_real(&self, name: &str) -> Result<f64, NetworkError> {
        self.real(self.needed(name)?)
    }

    fn needed(&self, name: &str) -> Result<&'m Field<'a>, NetworkError> {
        self.single(name)?.ok_or_else(|| self.error(self.position, &format!("`{name}` is missing")))
    }

    /// A real number; `default` where the field is missing.
    pub(super) fn real_or(&self, name: &str, default: f64) -> Result<f64, NetworkError> {
        self.single(name)?.map_or(Ok(default), |field| self.real(field))
    }

    /// A real number that is finite as a 32-bit float, too. A negative zero comes out as 0: both compute the same.
    pub(super) fn real(&self, field: &Field<'a>) -> Result<f64, NetworkError> {
        let name = field.name;
        let text = match &field.value {
            Value::Number(number) => number,
            Value::Word(word) => *word,
            Value::Text(_) | Value::Message(_) => "",
        };
        let message = match decimal(text) {
            Some(number) if fits_float(number) => return Ok(number + 0.0),
            Some(_) => format!("`{name}` is `{text}`, it must be finite as a 32-bit float"),
            None => format!("`{name}` must be a decimal number"),
        };
        Err(self.error(field.position, &message))
    }

    /// Refuses an `axis` other than the channels'.
    pub(super) fn channel_axis(&self, name: &str) -> Result<(), NetworkError> {
        let Some(field) = self.single(name)? else { return Ok(()) };
        match self.signed(field)? {
            1 => Ok(()),
            axis => Err(self.error(field.position, &format!("`{name}` is {axis}, only 1 (the channels) can be run"))),
        }
    }
}

/// A number as protobuf's text format takes it for a float: an `f` may follow, and a leading 0 would mean octal.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
    if matches!(digits, [b'0', b'0'..=b'9', ..]) {
        return None;
    }
    let without_suffix = || text.strip_suffix(['f', 'F'])?.parse().ok();
    text.parse().ok().or_else(without_suffix)
}

#[expect(clippy::cast_possible_truncation, reason = "whether the cast overflows is what is asked")]
fn fits_float(number: f64) -> bool {
    (number as f32).is_finite()
}

fn whole(number: &str) -> Option<i64> {
    let (sign, digits) = number.strip_prefix('-').map_or((1, number), |digits| (-1, digits));
    let hexadecimal = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let octal = digits.strip_prefix('0').filter(|rest| !rest.is_empty());
    let value = match (hexadecimal, octal) {
        (Some(hexadecimal), _) => i64::from_str_radix(hexadecimal, 16),
        (None, Some(octal)) => i64::from_str_radix(octal, 8),
        (None, None) => digits.parse(),
    };
    value.ok().and_then(|value| value.checked_mul(sign))
}
