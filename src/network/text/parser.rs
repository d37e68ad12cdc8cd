//! Tokens to messages and fields. Nesting is bounded, so that no input can exhaust the stack.

use std::borrow::Cow;

use super::lexer::{Lexer, Token, TokenKind};
use super::{Field, Message, Value};
use crate::network::{NetworkError, Position};

/// Deepest nesting of messages; Caffe's own files need four.
const MAX_DEPTH: usize = 32;

/// Reads a whole text as one message.
pub(in crate::network) fn parse(text: &str) -> Result<Message<'_>, NetworkError> {
    super::refuse_nul(text)?;
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut parser = Parser { lexer, token };
    let message = parser.message(Position::START, None, 0)?;
    Ok(message)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    token: Token<'a>,
}

impl<'a> Parser<'a> {
    fn advance(&mut self) -> Result<Token<'a>, NetworkError> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn accept(&mut self, mark: char) -> Result<bool, NetworkError> {
        let found = self.token.kind == TokenKind::Mark(mark);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    fn unexpected(&self, wanted: &str) -> NetworkError {
        let found = match &self.token.kind {
            TokenKind::Word(text) | TokenKind::Number(text) => format!("`{text}`"),
            TokenKind::Text(text) => format!("the string `{}`", text.escape_debug()),
            TokenKind::Mark(mark) => format!("`{mark}`"),
            TokenKind::End => "the end of the file".to_owned(),
        };
        NetworkError::new(self.token.position, format!("expected {wanted}, found {found}"))
    }

    /// Fields up to the closing mark, which is taken, or for the outermost message up to the end of the file.
    fn message(
        &mut self,
        position: Position,
        closing: Option<char>,
        depth: usize,
    ) -> Result<Message<'a>, NetworkError> {
        let mut fields = Vec::new();
        loop {
            match (&self.token.kind, closing) {
                (TokenKind::End, None) => return Ok(Message { position, fields }),
                (TokenKind::Mark(mark), Some(closing)) if *mark == closing => {
                    self.advance()?;
                    return Ok(Message { position, fields });
                }
                (TokenKind::End, Some(closing)) => {
                    let opening = if closing == '}' { '{' } else { '<' };
                    return Err(NetworkError::new(position, format!("the `{opening}` opened here is never closed")));
                }
                _ => self.field(&mut fields, depth)?,
            }
        }
    }

    fn field(&mut self, fields: &mut Vec<Field<'a>>, depth: usize) -> Result<(), NetworkError> {
        let position = self.token.position;
        let TokenKind::Word(name) = self.token.kind else {
            return Err(self.unexpected("the name of a field"));
        };
        self.advance()?;
        let colon = self.accept(':')?;
        if self.token.kind == TokenKind::Mark('[') {
            self.list(name, colon, fields, depth)?;
        } else {
            let value = self.value(colon, depth)?;
            fields.push(Field { name, position, value });
        }
        if !self.accept(',')? {
            self.accept(';')?;
        }
        Ok(())
    }

    fn list(
        &mut self,
        name: &'a str,
        colon: bool,
        fields: &mut Vec<Field<'a>>,
        depth: usize,
    ) -> Result<(), NetworkError> {
        self.advance()?;
        if self.accept(']')? {
            return Ok(());
        }
        loop {
            let position = self.token.position;
            let value = self.value(colon, depth)?;
            fields.push(Field { name, position, value });
            if self.accept(']')? {
                return Ok(());
            }
            if !self.accept(',')? {
                return Err(self.unexpected("`,` or `]`"));
            }
        }
    }

    fn value(&mut self, colon: bool, depth: usize) -> Result<Value<'a>, NetworkError> {
        let position = self.token.position;
        match self.token.kind {
            TokenKind::Mark('{') => self.nested(position, '}', depth),
            TokenKind::Mark('<') => self.nested(position, '>', depth),
            _ if !colon => Err(self.unexpected("`:` or `{`")),
            TokenKind::Text(_) => self.strings().map(Value::Text),
            TokenKind::Mark('-') => self.negative(),
            TokenKind::Word(word) => {
                self.advance()?;
                Ok(Value::Word(word))
            }
            TokenKind::Number(number) => {
                self.advance()?;
                Ok(Value::Number(Cow::Borrowed(number)))
            }
            _ => Err(self.unexpected("a value")),
        }
    }

    fn nested(&mut self, position: Position, closing: char, depth: usize) -> Result<Value<'a>, NetworkError> {
        if depth + 1 > MAX_DEPTH {
            return Err(NetworkError::new(position, format!("messages are nested more than {MAX_DEPTH} deep")));
        }
        self.advance()?;
        self.message(position, Some(closing), depth + 1).map(Value::Message)
    }

    /// Adjacent strings are one.
    fn strings(&mut self) -> Result<Cow<'a, str>, NetworkError> {
        let mut whole = Cow::Borrowed("");
        while let TokenKind::Text(_) = self.token.kind {
            let TokenKind::Text(part) = self.advance()?.kind else { break };
            whole = if whole.is_empty() { part } else { whole + part };
        }
        Ok(whole)
    }

    fn negative(&mut self) -> Result<Value<'a>, NetworkError> {
        self.advance()?;
        let (TokenKind::Number(number) | TokenKind::Word(number)) = self.token.kind else {
            return Err(self.unexpected("a number after `-`"));
        };
        self.advance()?;
        Ok(Value::Number(Cow::Owned(format!("-{number}"))))
    }
}
