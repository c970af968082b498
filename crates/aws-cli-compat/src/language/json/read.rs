//! JSON parser with the error messages of Python's `json.loads`. As in Python, integers are exact, and `NaN` and
//! `Infinity` are accepted.

use crate::language::value::{Map, Value};

/// Far deeper than any parameter or response; Python's limit is about a thousand.
const MAX_DEPTH: usize = 500;

/// Parses one JSON text.
///
/// # Errors
/// Python's message: what was expected, at which line, column and character.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { characters: text.chars().collect(), at: 0, depth: 0 };
    reader.skip_space();
    let value = reader.value()?;
    reader.skip_space();
    if reader.at < reader.characters.len() {
        return Err(reader.error("Extra data", reader.at));
    }
    Ok(value)
}

struct Reader {
    characters: Vec<char>,
    at: usize,
    depth: usize,
}

impl Reader {
    fn error(&self, message: &str, at: usize) -> String {
        let before = &self.characters[..at.min(self.characters.len())];
        let line = 1 + before.iter().filter(|character| **character == '\n').count();
        let column = match before.iter().rposition(|character| *character == '\n') {
            Some(newline) => at - newline,
            None => at + 1,
        };
        format!("{message}: line {line} column {column} (char {at})")
    }

    fn peek(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    /// Skips this ASCII text if it is next.
    fn skip(&mut self, text: &str) -> bool {
        let is_next = self.characters[self.at..].iter().copied().take(text.len()).eq(text.chars());
        self.at += if is_next { text.len() } else { 0 };
        is_next
    }

    fn value(&mut self) -> Result<Value, String> {
        let start = self.at;
        match self.peek() {
            Some('"') => {
                self.at += 1;
                self.string().map(Value::Text)
            }
            Some('{') => self.nested(Self::map),
            Some('[') => self.nested(Self::list),
            Some('n') if self.skip("null") => Ok(Value::Null),
            Some('t') if self.skip("true") => Ok(Value::Bool(true)),
            Some('f') if self.skip("false") => Ok(Value::Bool(false)),
            Some('N') if self.skip("NaN") => Ok(Value::Float(f64::NAN)),
            Some('I') if self.skip("Infinity") => Ok(Value::Float(f64::INFINITY)),
            Some('-') if self.skip("-Infinity") => Ok(Value::Float(f64::NEG_INFINITY)),
            Some('-' | '0'..='9') => self.number(start),
            _ => Err(self.error("Expecting value", start)),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, String>) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err("maximum recursion depth exceeded while decoding a JSON object".to_owned());
        }
        self.at += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn map(&mut self) -> Result<Value, String> {
        let mut members = Map::default();
        self.skip_space();
        if self.peek() == Some('}') {
            self.at += 1;
            return Ok(Value::Map(members));
        }
        loop {
            if self.peek() != Some('"') {
                return Err(self.error("Expecting property name enclosed in double quotes", self.at));
            }
            self.at += 1;
            let name = self.string()?;
            self.skip_space();
            if self.peek() != Some(':') {
                return Err(self.error("Expecting ':' delimiter", self.at));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value()?;
            members.insert(name, value);
            self.skip_space();
            match self.peek() {
                Some('}') => {
                    self.at += 1;
                    return Ok(Value::Map(members));
                }
                Some(',') => self.at += 1,
                _ => return Err(self.error("Expecting ',' delimiter", self.at)),
            }
            self.skip_space();
        }
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut values = Vec::new();
        self.skip_space();
        if self.peek() == Some(']') {
            self.at += 1;
            return Ok(Value::List(values));
        }
        loop {
            values.push(self.value()?);
            self.skip_space();
            match self.peek() {
                Some(']') => {
                    self.at += 1;
                    return Ok(Value::List(values));
                }
                Some(',') => self.at += 1,
                _ => return Err(self.error("Expecting ',' delimiter", self.at)),
            }
            self.skip_space();
        }
    }

    fn number(&mut self, start: usize) -> Result<Value, String> {
        let mut at = start + usize::from(self.peek() == Some('-'));
        let digits =
            |from: usize| self.characters[from..].iter().take_while(|character| character.is_ascii_digit()).count();
        let whole = match self.characters.get(at) {
            Some('0') => 1,
            _ => digits(at),
        };
        if whole == 0 {
            return Err(self.error("Expecting value", start));
        }
        at += whole;
        let mut is_float = false;
        if self.characters.get(at) == Some(&'.') && digits(at + 1) > 0 {
            is_float = true;
            at += 1 + digits(at + 1);
        }
        if matches!(self.characters.get(at), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.characters.get(at + 1), Some('+' | '-')));
            if digits(at + 1 + sign) > 0 {
                is_float = true;
                at += 1 + sign + digits(at + 1 + sign);
            }
        }
        let text: String = self.characters[start..at].iter().collect();
        self.at = at;
        let integer = if is_float { None } else { text.parse().ok().map(Value::Integer) };
        Ok(integer.unwrap_or_else(|| Value::Float(text.parse().unwrap_or(f64::NAN))))
    }

    /// Parses the rest of a string after its opening quote.
    fn string(&mut self) -> Result<String, String> {
        let opening = self.at - 1;
        let mut text = String::new();
        loop {
            let Some(character) = self.peek() else {
                return Err(self.error("Unterminated string starting at", opening));
            };
            self.at += 1;
            match character {
                '"' => return Ok(text),
                '\\' => text.push(self.escape(opening)?),
                '\0'..=' ' if character != ' ' => {
                    return Err(self.error("Invalid control character at", self.at - 1));
                }
                other => text.push(other),
            }
        }
    }

    fn escape(&mut self, opening: usize) -> Result<char, String> {
        let Some(character) = self.peek() else {
            return Err(self.error("Unterminated string starting at", opening));
        };
        let at = self.at - 1;
        self.at += 1;
        Ok(match character {
            '"' | '\\' | '/' => character,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let first = self.utf16_unit()?;
                let mut units = vec![first];
                let after = self.at;
                if (0xd800..0xdc00).contains(&first) && self.skip("\\u") {
                    match self.utf16_unit() {
                        Ok(second) if (0xdc00..0xe000).contains(&second) => units.push(second),
                        _ => self.at = after,
                    }
                }
                // An unpaired surrogate is not a character. Python keeps it, but cannot send or print it.
                char::decode_utf16(units).next().and_then(Result::ok).unwrap_or('\u{fffd}')
            }
            _ => return Err(self.error("Invalid \\escape", at)),
        })
    }

    fn utf16_unit(&mut self) -> Result<u16, String> {
        let digits: String = self.characters[self.at..].iter().take(4).collect();
        let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4);
        let unit = unit.ok_or_else(|| self.error("Invalid \\uXXXX escape", self.at - 1))?;
        self.at += 4;
        Ok(unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_messages_are_those_of_python() {
        for (text, message) in [
            ("", "Expecting value: line 1 column 1 (char 0)"),
            ("{bad", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
            ("{\"a\" 1}", "Expecting ':' delimiter: line 1 column 6 (char 5)"),
            ("{\"a\": 1\n\"b\"", "Expecting ',' delimiter: line 2 column 1 (char 8)"),
            ("[1] x", "Extra data: line 1 column 5 (char 4)"),
            ("\"abc", "Unterminated string starting at: line 1 column 1 (char 0)"),
            ("\"\\q\"", "Invalid \\escape: line 1 column 2 (char 1)"),
        ] {
            assert_eq!(read(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_duplicate_member_keeps_its_first_position_and_its_last_value() {
        let Value::Map(members) = read(r#"{"b": 1, "a": 2, "b": 3}"#).unwrap() else { panic!("not a map") };
        let members: Vec<_> = members.iter().map(|(name, value)| format!("{name}{value}")).collect();
        assert_eq!(members, ["b3", "a2"]);
    }
}
