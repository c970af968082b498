//! The CLI's shorthand for maps: `key=value,key2=value2`, with quotes, escapes, lists (`a=b,c` and `a=[b,c]`),
//! nested maps (`a={b=c}`) and files (`a@=file://b`).

use crate::language::paramfile;
use crate::language::value::{Map, Value};

/// Why a text is no shorthand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ShorthandError {
    /// Something else was expected at this character.
    Syntax { expected: String, found: String, at: usize },
    /// A key stands there twice.
    Twice { key: String, at: usize },
    /// A file that it names cannot be read.
    File(String),
}

/// Reads a map. `home` is what `~` means in the names of files.
pub(crate) fn parse(text: &str, surroundings: &PathContext<'_>) -> Result<Map, ShorthandError> {
    let mut parser = Parser { text: text.chars().collect(), at: 0, reads_files: false, surroundings };
    parser.parameter()
}

pub(crate) use paramfile::PathContext;

struct Parser<'s> {
    text: Vec<char>,
    at: usize,
    reads_files: bool,
    surroundings: &'s PathContext<'s>,
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
                return Err(ShorthandError::Twice { key, at: last + 1 });
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

    /// A key, and the `=` or `@=` behind it.
    fn key(&mut self) -> Result<String, ShorthandError> {
        let is_of_key =
            |character: &&char| character.is_ascii_alphanumeric() || "-_.#/:".contains(**character);
        let key: String = self.text[self.at..].iter().take_while(is_of_key).collect();
        self.at += key.len();
        self.reads_files = self.expect('@', true).is_ok();
        self.expect('=', true)?;
        Ok(key)
    }

    /// `b`, or a list `b,c`; but in `b,c=d` the comma begins the next key.
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
                Err(fault @ ShorthandError::Syntax { .. }) if self.at < self.text.len() => {
                    match self.text[..=self.at].iter().rposition(|character| *character == ',') {
                        Some(comma) => self.at = comma,
                        None => return Err(fault),
                    }
                    break;
                }
                Err(fault) => return Err(fault),
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
                Some(word) => self.resolved(word)?,
                None => return Err(self.fault("<second>", "<none>")),
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
                Some(word) => self.resolved(word),
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

    /// A value without quotes. It ends at a comma that no backslash is before, at a quote, and at what `ends`.
    fn word(&mut self, ends: impl Fn(char) -> bool) -> Option<String> {
        let first = *self.text.get(self.at)?;
        let begins = matches!(first, '!' | '#'..='&' | '('..='+' | '-'..='<' | '>'..='Z' | '\\'..='z')
            || ('|'..='\u{ffff}').contains(&first);
        if !begins {
            return None;
        }
        let goes_on = |character: char| {
            let is_control = character < ' ' && !is_space(character);
            !is_control
                && !matches!(character, '"' | '\'' | ',')
                && character <= '\u{ffff}'
                && !ends(character)
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
        let quotes =
            || inner.iter().enumerate().filter(|(_, character)| **character == quote).map(|(at, _)| at);
        let is_escaped = |at: usize| {
            // Backslashes pair up with quotes only, so just the one before counts.
            at > 0 && inner[at - 1] == '\\'
        };
        let Some(end) = quotes().find(|at| !is_escaped(*at)).or_else(|| quotes().next_back()) else {
            let name = if quote == '"' { "<double quoted>" } else { "<singled quoted>" };
            return Err(self.fault(name, "<none>"));
        };
        let text: String = inner[..end].iter().collect();
        self.at += end + 2;
        let text = text.replace(&format!("\\{quote}"), &quote.to_string()).replace("\\\\", "\\");
        self.resolved(text)
    }

    /// The file that a value names, if it is one that may.
    fn resolved(&self, word: String) -> Result<Value, ShorthandError> {
        if !self.reads_files {
            return Ok(Value::Text(word));
        }
        let read = paramfile::read(&word, self.surroundings).map_err(ShorthandError::File)?;
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

    fn expect(&mut self, wanted: char, with_space: bool) -> Result<(), ShorthandError> {
        if with_space {
            self.skip_space();
        }
        match self.peek() {
            Some(found) if found == wanted => self.at += 1,
            Some(found) => return Err(self.fault(&wanted.to_string(), &found.to_string())),
            None => return Err(self.fault(&wanted.to_string(), "EOF")),
        }
        if with_space {
            self.skip_space();
        }
        Ok(())
    }

    fn fault(&self, expected: &str, found: &str) -> ShorthandError {
        ShorthandError::Syntax { expected: expected.to_owned(), found: found.to_owned(), at: self.at }
    }
}

/// Python's `string.whitespace`.
fn is_ascii_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\u{b}' | '\u{c}')
}

/// What `\s` matches below U+0080.
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
        let surroundings = PathContext { home: Path::new("/nobody"), variable: &variable };
        match parse(text, &surroundings) {
            Ok(members) => json::write(&Value::Map(members), JsonStyle::Dense),
            Err(fault) => format!("{fault:?}"),
        }
    }

    #[test]
    fn maps_are_read_as_the_cli_reads_them() {
        for (text, wanted) in [
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
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_map_is_told_with_its_place() {
        for (text, wanted) in [
            ("", "Syntax { expected: \"=\", found: \"EOF\", at: 0 }"),
            ("alice", "Syntax { expected: \"=\", found: \"EOF\", at: 5 }"),
            ("a=b,a=c", "Twice { key: \"a\", at: 4 }"),
            ("a=\"b", "Syntax { expected: \"<double quoted>\", found: \"<none>\", at: 2 }"),
        ] {
            assert_eq!(read(text), wanted, "{text}");
        }
    }
}
