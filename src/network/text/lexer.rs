//! Cuts text into tokens, each with its line and column.

use std::borrow::Cow;

use crate::network::{NetworkError, Position};

/// A token and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) position: Position,
    pub(super) kind: TokenKind<'a>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenKind<'a> {
    /// A name.
    Word(&'a str),
    /// A number without its sign.
    Number(&'a str),
    /// One quoted string, its escapes resolved.
    Text(Cow<'a, str>),
    /// One of `{ } < > [ ] : , ; -`.
    Mark(char),
    /// The end of the file.
    End,
}

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.strip_prefix('\u{feff}').unwrap_or(text), position: Position::START }
    }

    /// The next token; at the end of the text `End`, again and again.
    pub(super) fn next(&mut self) -> Result<Token<'a>, NetworkError> {
        self.skip_blanks();
        let position = self.position;
        let kind = match self.rest.chars().next() {
            None => TokenKind::End,
            Some(quote @ ('"' | '\'')) => TokenKind::Text(self.string(quote)?),
            Some(letter) if letter.is_ascii_alphabetic() || letter == '_' => TokenKind::Word(self.take_while(is_word)),
            Some(digit) if digit.is_ascii_digit() || digit == '.' => TokenKind::Number(self.number()),
            Some(mark) if "{}<>[]:,;-".contains(mark) => {
                self.advance(mark.len_utf8());
                TokenKind::Mark(mark)
            }
            Some(other) => {
                let message = format!("unexpected character `{}`", other.escape_debug());
                return Err(NetworkError::new(position, message));
            }
        };
        Ok(Token { position, kind })
    }

    fn skip_blanks(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest.starts_with('#') {
                return;
            }
            self.take_while(|character| character != '\n');
        }
    }

    fn advance(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        for character in taken.chars() {
            if character == '\n' {
                self.position.line += 1;
                self.position.column = 1;
            } else {
                self.position.column += 1;
            }
        }
        taken
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|character| !wanted(character)).unwrap_or(self.rest.len());
        self.advance(end)
    }

    /// Digits, letters and points, and a sign after the exponent's `e` of a decimal number.
    fn number(&mut self) -> &'a str {
        let hexadecimal = self.rest.starts_with("0x") || self.rest.starts_with("0X");
        let mut previous = ' ';
        let end = self.rest.find(|character: char| {
            let exponent_sign = !hexadecimal && "eE".contains(previous) && "+-".contains(character);
            previous = character;
            !(is_word(character) || character == '.' || exponent_sign)
        });
        self.advance(end.unwrap_or(self.rest.len()))
    }

    fn string(&mut self, quote: char) -> Result<Cow<'a, str>, NetworkError> {
        let opening = self.position;
        self.advance(1);
        let plain = self.take_while(|character| character != quote && character != '\\' && character != '\n');
        let mut text = Cow::Borrowed(plain);
        loop {
            match self.rest.chars().next() {
                Some(end) if end == quote => {
                    self.advance(1);
                    return Ok(text);
                }
                Some('\\') => text.to_mut().push_str(&self.escapes()?),
                None | Some('\n') => return Err(NetworkError::new(opening, "the string opened here is never closed")),
                Some(_) => {
                    let more =
                        self.take_while(|character| character != quote && character != '\\' && character != '\n');
                    text.to_mut().push_str(more);
                }
            }
        }
    }

    /// A run of escapes: octal and hexadecimal ones are bytes, which together must be UTF-8.
    fn escapes(&mut self) -> Result<String, NetworkError> {
        let position = self.position;
        let mut bytes = Vec::new();
        while self.rest.starts_with('\\') {
            self.escape(&mut bytes)?;
        }
        String::from_utf8(bytes).map_err(|_| NetworkError::new(position, "these escapes are not text in UTF-8"))
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) -> Result<(), NetworkError> {
        let position = self.position;
        self.advance(1);
        let Some(letter) = self.rest.chars().next() else {
            return Err(NetworkError::new(position, "the file ends inside an escape"));
        };
        let simple = match letter {
            'a' => 7,
            'b' => 8,
            'f' => 12,
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            'v' => 11,
            '\\' | '\'' | '"' | '?' => letter as u8,
            '0'..='7' => return self.coded(position, bytes, 8, 3),
            'x' | 'X' => {
                self.advance(1);
                return self.coded(position, bytes, 16, 2);
            }
            'u' | 'U' => return self.unicode(position, bytes, if letter == 'u' { 4 } else { 8 }),
            _ => return Err(unknown_escape(position, letter)),
        };
        self.advance(1);
        bytes.push(simple);
        Ok(())
    }

    fn digits(&mut self, radix: u32, at_most: usize) -> &'a str {
        let length = self.rest.chars().take(at_most).take_while(|digit| digit.is_digit(radix)).count();
        self.advance(length)
    }

    fn coded(&mut self, at: Position, bytes: &mut Vec<u8>, radix: u32, at_most: usize) -> Result<(), NetworkError> {
        let digits = self.digits(radix, at_most);
        let byte = u8::from_str_radix(digits, radix);
        bytes.push(byte.map_err(|_| NetworkError::new(at, "this escape is not a byte"))?);
        Ok(())
    }

    fn unicode(&mut self, at: Position, bytes: &mut Vec<u8>, length: usize) -> Result<(), NetworkError> {
        self.advance(1);
        let digits = self.digits(16, length);
        let code = u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() == length);
        let character = code.and_then(char::from_u32);
        let character = character.ok_or_else(|| NetworkError::new(at, "this escape is not a character"))?;
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}

fn unknown_escape(position: Position, letter: char) -> NetworkError {
    NetworkError::new(position, format!("unknown escape `\\{}`", letter.escape_debug()))
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}
