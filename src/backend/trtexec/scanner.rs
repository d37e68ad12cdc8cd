//! JSON as `trtexec` writes it: names are put between quotes as they are, so that one which holds a quote makes the text
//! no JSON, and a percentage of nothing is `nan`. Proper JSON of the same keys is read as well.

use super::error::ReadError;

/// A position in a text.
pub(super) struct Scanner<'t> {
    text: &'t str,
    at: usize,
}

/// A value of an object.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'t> {
    /// A number; `nan` and infinities too.
    Number(f64),
    /// A text between quotes, as it stands there.
    Text(&'t str),
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    /// Where it stands, for [`Scanner::refuse_at`].
    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn refuse<T>(&self, expected: impl Into<String>) -> Result<T, ReadError> {
        self.refuse_at(self.at, expected)
    }

    /// What was `expected` at an earlier position.
    pub(super) fn refuse_at<T>(&self, position: usize, expected: impl Into<String>) -> Result<T, ReadError> {
        let space = self.text[position..].len() - self.text[position..].trim_start().len();
        Err(ReadError::byte(self.text, position + space, expected))
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Passes over `symbol` where it comes next.
    pub(super) fn take(&mut self, symbol: char) -> bool {
        self.skip_space();
        let is_next = self.rest().starts_with(symbol);
        self.at += if is_next { symbol.len_utf8() } else { 0 };
        is_next
    }

    /// Passes over `symbol`, which must come next; `what` says what it is.
    pub(super) fn expect(&mut self, symbol: char, what: &str) -> Result<(), ReadError> {
        if self.take(symbol) { Ok(()) } else { self.refuse(what) }
    }

    /// The end of the text.
    pub(super) fn end(&mut self) -> Result<(), ReadError> {
        self.skip_space();
        if self.rest().is_empty() { Ok(()) } else { self.refuse("the end of the file after `]`") }
    }

    /// The next object's keys and values, in their order.
    pub(super) fn object(&mut self, each: &mut impl FnMut(&'t str, Value<'t>)) -> Result<(), ReadError> {
        self.expect('{', "an entry `{ .. }`")?;
        loop {
            let key = self.key()?;
            each(key, self.value()?);
            if !self.take(',') {
                return self.expect('}', "`,` or `}` after a value");
            }
        }
    }

    fn key(&mut self) -> Result<&'t str, ReadError> {
        self.expect('"', "a key between quotes")?;
        let Some(length) = self.rest().find(['"', '\n']).filter(|&end| self.rest().as_bytes()[end] == b'"') else {
            return self.refuse("a key between quotes");
        };
        let key = &self.rest()[..length];
        self.at += length + 1;
        self.expect(':', "`:` after a key")?;
        Ok(key)
    }

    fn value(&mut self) -> Result<Value<'t>, ReadError> {
        if self.take('"') { self.text_value().map(Value::Text) } else { self.number().map(Value::Number) }
    }

    /// A text ends at the first quote behind which the object goes on or ends.
    fn text_value(&mut self) -> Result<&'t str, ReadError> {
        let rest = self.rest();
        let mut quotes = rest.match_indices('"').map(|(at, _)| at);
        let Some(length) = quotes.find(|&at| goes_on(&rest[at + 1..])) else {
            return self.refuse("a name between quotes, with `,` or `}` after it");
        };
        self.at += length + 1;
        Ok(&rest[..length])
    }

    fn number(&mut self) -> Result<f64, ReadError> {
        self.skip_space();
        let rest = self.rest();
        let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(rest.len());
        match rest[..length].parse() {
            Ok(number) => {
                self.at += length;
                Ok(number)
            }
            Err(_) => self.refuse("a number"),
        }
    }
}

/// Whether an object goes on (`, "key" :`) or ends (`}`) here.
fn goes_on(text: &str) -> bool {
    let text = text.trim_start();
    if let Some(after) = text.strip_prefix('}') {
        // The object of a list ends, not a brace in a name: the list goes on or ends, or the text breaks off.
        let after = after.trim_start();
        return after.is_empty() || after.starts_with([',', ']']);
    }
    let Some(key) = text.strip_prefix(',').map(str::trim_start).and_then(|text| text.strip_prefix('"')) else {
        return false;
    };
    let length = key.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(key.len());
    length > 0 && key[length..].strip_prefix('"').is_some_and(|rest| rest.trim_start().starts_with(':'))
}

/// Whether `text` is a list whose first element is an object.
pub(super) fn begins_with_object(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    scanner.take('[') && (scanner.take('{') || scanner.take(']') || scanner.rest().is_empty())
}

/// The first key of the first object of the list `text`.
pub(super) fn first_key(text: &str) -> Option<&str> {
    let mut scanner = Scanner::new(text);
    (scanner.take('[') && scanner.take('{')).then(|| scanner.key().ok()).flatten()
}
