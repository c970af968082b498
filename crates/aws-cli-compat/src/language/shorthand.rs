//! Parser of the AWS CLI's shorthand for maps: `key=value,key2=value2`, with quotes, escapes, lists (`a=b,c` and
//! `a=[b,c]`), nested maps (`a={b=c}`) and files (`a@=file://b`).

use crate::language::paramfile::{self, PathContext};
use crate::language::value::{Map, Value};

/// Why a text is not valid shorthand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ShorthandError {
    /// A different character was expected at this position.
    Syntax {
        expected: String,
        found: String,
        at: usize,
    },
    DuplicateKey {
        key: String,
        at: usize,
    },
    /// A file that it names cannot be read.
    File(String),
}

/// Parses a map. `context` expands the names of files.
pub(crate) fn parse(text: &str, context: &PathContext<'_>) -> Result<Map, ShorthandError> {
    let mut parser = Parser { text: text.chars().collect(), at: 0, reads_files: false, context };
    parser.parameter()
}

struct Parser<'s> {
    text: Vec<char>,
    at: usize,
    reads_files: bool,
    context: &'s PathContext<'s>,
}

impl Parser<'_> {
    fn parameter(&mut self) -> Result<Map, ShorthandError> {
        let mut members = Map::default();
        let (key, value) = self.key_and_value()?;
        members.insert(key, value);
        let mut last = self.at;
        while self.at < self.text.len() {
            self.expect(',', true)?;
            let (key, value) = self.key_and_value()?;
            if members.get(&key).is_some() {
                return Err(ShorthandError::DuplicateKey { key, at: last + 1 });
            }
            members.insert(key, value);
            last = self.at;
        }
        Ok(members)
    }

    fn key_and_value(&mut self) -> Result<(String, Value), ShorthandError> {
        let key = self.key()?;
        let value = match self.peek() {
            None => Value::text(""),
            Some('[') => self.list()?,
            Some('{') => self.map()?,
            Some(_) => self.values()?,
        };
        Ok((key, value))
    }

    /// Parses a key and the `=` or `@=` after it.
    fn key(&mut self) -> Result<String, ShorthandError> {
        let is_of_key = |character: &&char| character.is_ascii_alphanumeric() || "-_.#/:".contains(**character);
        let key: String = self.text[self.at..].iter().take_while(is_of_key).collect();
        self.at += key.len();
        self.reads_files = self.expect('@', true).is_ok();
        self.expect('=', true)?;
        Ok(key)
    }

    /// Parses `b` or a list `b,c`. In `b,c=d` the next key follows the comma.
    fn values(&mut self) -> Result<Value, ShorthandError> {
        let first = self.first_value()?;
        self.skip_space();
        if self.peek() != Some(',') {
            return Ok(first);
        }
        self.expect(',', true)?;
        let mut values = vec![first];
        loop {
            match self.next_of_list() {
                Ok((value, is_last)) => {
                    values.push(value);
                    if is_last {
                        break;
                    }
                }
                Err(error @ ShorthandError::Syntax { .. }) if self.at < self.text.len() => {
                    match self.text[..=self.at].iter().rposition(|character| *character == ',') {
                        Some(comma) => self.at = comma,
                        None => return Err(error),
                    }
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        match values.len() {
            1 => Ok(values.swap_remove(0)),
            _ => Ok(Value::List(values)),
        }
    }

    fn next_of_list(&mut self) -> Result<(Value, bool), ShorthandError> {
        let value = match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => match self.word(|character| character == '=') {
                Some(word) => self.resolve(word)?,
                None => return Err(self.error("<second>", "<none>")),
            },
        };
        self.skip_space();
        if self.at >= self.text.len() {
            return Ok((value, true));
        }
        self.expect(',', true)?;
        Ok((value, false))
    }

    fn first_value(&mut self) -> Result<Value, ShorthandError> {
        match self.peek() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote),
            _ => match self.word(|character| matches!(character, ']' | '}')) {
                Some(word) => self.resolve(word),
                None => Ok(Value::text("")),
            },
        }
    }

    fn list(&mut self) -> Result<Value, ShorthandError> {
        self.expect('[', true)?;
        let mut values = Vec::new();
        while self.peek() != Some(']') {
            values.push(self.inner_value()?);
            self.end_of_inner(']')?;
        }
        self.at += 1;
        Ok(Value::List(values))
    }

    fn map(&mut self) -> Result<Value, ShorthandError> {
        self.expect('{', true)?;
        let mut members = Map::default();
        while self.peek() != Some('}') {
            let key = self.key()?;
            let value = self.inner_value()?;
            self.end_of_inner('}')?;
            members.insert(key, value);
        }
        self.at += 1;
        Ok(Value::Map(members))
    }

    fn inner_value(&mut self) -> Result<Value, ShorthandError> {
        match self.peek() {
            Some('[') => self.list(),
            Some('{') => self.map(),
            _ => self.first_value(),
        }
    }

    fn end_of_inner(&mut self, end: char) -> Result<(), ShorthandError> {
        self.skip_space();
        if self.peek() != Some(end) {
            self.expect(',', false)?;
            self.skip_space();
        }
        Ok(())
    }

    /// Parses a value without quotes. It ends at a comma without a backslash before it, at a quote, and at the
    /// characters of `ends`.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> Option<String> {
        let first = *self.text.get(self.at)?;
        let begins = matches!(first, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='Z' | '\\'..='z')
            || ('|'..='\u{ffff}').contains(&first);
        if !begins {
            return None;
        }
        let goes_on = |character: char| {
            let is_control = character < ' ' && !is_space(character);
            !is_control && !matches!(character, '"' | '\'' | ',') && character <= '\u{ffff}' && !ends(character)
        };
        let mut end = self.at;
        while let Some(character) = self.text.get(end) {
            if *character == '\\' && self.text.get(end + 1) == Some(&',') {
                end += 2;
            } else if end == self.at || goes_on(*character) {
                end += 1;
            } else {
                break;
            }
        }
        let word: String = self.text[self.at..end].iter().collect();
        self.at = end;
        Some(word.replace("\\,", ",").trim_end_matches(is_space_or_wide).to_owned())
    }

    fn quoted(&mut self, quote: char) -> Result<Value, ShorthandError> {
        let inner = &self.text[self.at + 1..];
        let quotes = || inner.iter().enumerate().filter(|(_, character)| **character == quote).map(|(at, _)| at);
        let is_escaped = |at: usize| {
            // A backslash escapes a quote only, so only the character before the quote matters.
            at > 0 && inner[at - 1] == '\\'
        };
        let Some(end) = quotes().find(|at| !is_escaped(*at)).or_else(|| quotes().next_back()) else {
            let name = if quote == '"' { "<double quoted>" } else { "<singled quoted>" };
            return Err(self.error(name, "<none>"));
        };
        let text: String = inner[..end].iter().collect();
        self.at += end + 2;
        let text = text.replace(&format!("\\{quote}"), &quote.to_string()).replace("\\\\", "\\");
        self.resolve(text)
    }

    /// Reads the file that a value names, if the key ends in `@`.
    fn resolve(&self, word: String) -> Result<Value, ShorthandError> {
        if !self.reads_files {
            return Ok(Value::Text(word));
        }
        let read = paramfile::read(&word, self.context).map_err(ShorthandError::File)?;
        Ok(read.unwrap_or(Value::Text(word)))
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_ascii_space) {
            self.at += 1;
        }
    }

    fn expect(&mut self, expected: char, with_space: bool) -> Result<(), ShorthandError> {
        if with_space {
            self.skip_space();
        }
        match self.peek() {
            Some(found) if found == expected => self.at += 1,
            Some(found) => return Err(self.error(&expected.to_string(), &found.to_string())),
            None => return Err(self.error(&expected.to_string(), "EOF")),
        }
        if with_space {
            self.skip_space();
        }
        Ok(())
    }

    fn error(&self, expected: &str, found: &str) -> ShorthandError {
        ShorthandError::Syntax { expected: expected.to_owned(), found: found.to_owned(), at: self.at }
    }
}

/// Python's `string.whitespace`.
fn is_ascii_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// The characters below U+0080 that `\s` matches.
fn is_space(character: char) -> bool {
    is_ascii_space(character) || ('\u{1c}'..='\u{1f}').contains(&character)
}

fn is_space_or_wide(character: char) -> bool {
    is_space(character) || character.is_whitespace()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::language::json::{self, JsonStyle};

    fn read(text: &str) -> String {
        let variable = |_: &str| None;
        let context = PathContext { home: Path::new("/home/user"), variable: &variable };
        match parse(text, &context) {
            Ok(members) => json::write(&Value::Map(members), JsonStyle::Dense),
            Err(error) => format!("{error:?}"),
        }
    }

    #[test]
    fn maps_are_parsed_as_the_aws_cli_does() {
        for (text, expected) in [
            ("a=b", r#"{"a":"b"}"#),
            ("a=b,c=d=e", r#"{"a":"b","c":"d=e"}"#),
            ("a = b , c= d ", r#"{"a":"b","c":"d"}"#),
            ("a=b,c", r#"{"a":["b","c"]}"#),
            ("a='b,c',d=\"e=f\"", r#"{"a":"b,c","d":"e=f"}"#),
            ("a=b\\,c", r#"{"a":"b,c"}"#),
            ("a='it\\'s \\\\'", r#"{"a":"it's \\"}"#),
            ("a=", r#"{"a":""}"#),
            ("a={b=c,d=[e,f]}", r#"{"a":{"b":"c","d":["e","f"]}}"#),
            ("a/b:c.d#e_f-g=1", r#"{"a/b:c.d#e_f-g":"1"}"#),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn syntax_errors_have_their_position() {
        for (text, expected) in [
            ("", "Syntax { expected: \"=\", found: \"EOF\", at: 0 }"),
            ("alice", "Syntax { expected: \"=\", found: \"EOF\", at: 5 }"),
            ("a=b,a=c", "DuplicateKey { key: \"a\", at: 4 }"),
            ("a=\"b", "Syntax { expected: \"<double quoted>\", found: \"<none>\", at: 2 }"),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
