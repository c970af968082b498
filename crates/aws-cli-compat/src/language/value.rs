//! Value of a parameter, a response or a query.
//!
//! Members keep their order and numbers their type. Values are formatted as Python formats them, because the AWS CLI's
//! text and table formats, its error messages and its queries show that format.

use std::fmt::{self, Write as _};

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Value {
    #[default]
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    /// The content of a `fileb://` file. No parameter of this operation accepts it; the validation rejects it.
    Bytes(Vec<u8>),
    List(Vec<Value>),
    Map(Map),
}

/// Members in their original order. A duplicate name keeps its first position and its last value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Map(Vec<(String, Value)>);

impl Map {
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    pub(crate) fn insert(&mut self, name: impl Into<String>, value: Value) {
        let name = name.into();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, existing)) => *existing = value,
            None => self.0.push((name, value)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Whether it is neither a list nor a map.
    pub(crate) fn is_scalar(&self) -> bool {
        !matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Whether it is true in Python.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Integer(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(values) => !values.is_empty(),
            Self::Map(members) => !members.is_empty(),
        }
    }

    /// The name of its type in Python, as in error messages.
    pub(crate) fn python_type(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Integer(_) => "int",
            Self::Float(_) => "float",
            Self::Text(_) => "str",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "list",
            Self::Map(_) => "dict",
        }
    }

    /// The value of a number. In Python true and false are numbers too; here they are not.
    #[expect(clippy::cast_precision_loss, reason = "Python does the same when it compares integers and floats")]
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Integer(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            _ => None,
        }
    }

    /// Python's `==`: `1`, `1.0` and `True` are equal, and the order of maps does not matter.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.equals(b)),
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len() && a.iter().all(|(name, a)| b.get(name).is_some_and(|b| a.equals(b)))
            }
            (Self::Integer(a), Self::Integer(b)) => a == b,
            (a, b) => match (a.number_or_bool(), b.number_or_bool()) {
                (Some(a), Some(b)) => a == b,
                _ => a == b,
            },
        }
    }

    fn number_or_bool(&self) -> Option<f64> {
        if let Self::Bool(value) = self { Some(f64::from(*value)) } else { self.as_number() }
    }
}

/// Python's `str()`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            other => f.write_str(&repr(other)),
        }
    }
}

/// Python's `repr()`.
pub(crate) fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => format_float(*number),
        Value::Text(text) => repr_text(text),
        Value::Bytes(bytes) => repr_bytes(bytes),
        Value::List(values) => format!("[{}]", values.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Map(members) => {
            let members = members.iter().map(|(name, value)| format!("{}: {}", repr_text(name), repr(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// The shortest digits that represent this number, with an exponent where Python has one.
pub(crate) fn format_float(number: f64) -> String {
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&power) {
        let plain = format!("{number}");
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

/// Python's `int()`: surrounding spaces, a sign, and underscores between digits are allowed.
pub(crate) fn parse_integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_integer = digits.split('_').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
    if is_integer { text.replace('_', "").parse().ok() } else { None }
}

/// Python's `repr()` of a text: in quotes, with escapes.
pub(crate) fn repr_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other if other == quote => shown.extend(['\\', other]),
            // Writing to a String cannot fail.
            other if (other as u32) < 0x20 || (0x7f..=0xa0).contains(&(other as u32)) || other == '\u{ad}' => {
                let _ = write!(shown, "\\x{:02x}", other as u32);
            }
            other => shown.push(other),
        }
    }
    shown.push(quote);
    shown
}

fn repr_bytes(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut shown = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => shown.push_str("\\\\"),
            b'\n' => shown.push_str("\\n"),
            b'\r' => shown.push_str("\\r"),
            b'\t' => shown.push_str("\\t"),
            other if char::from(*other) == quote => shown.extend(['\\', quote]),
            0x20..0x7f => shown.push(char::from(*byte)),
            other => {
                let _ = write!(shown, "\\x{other:02x}");
            }
        }
    }
    shown.push(quote);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_as_in_python() {
        for (number, shown) in [
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (1.5e-5, "1.5e-05"),
            (1e-4, "0.0001"),
            (-0.0, "-0.0"),
            (1.797e308, "1.797e+308"),
        ] {
            assert_eq!(format_float(number), shown);
        }
    }

    #[test]
    fn texts_are_quoted_as_in_python() {
        assert_eq!(repr_text("it's"), "\"it's\"");
        assert_eq!(repr_text("it's \"x\""), "'it\\'s \"x\"'");
        assert_eq!(repr_text("a\\b\n\u{1}é"), "'a\\\\b\\n\\x01é'");
    }
}
