//! JSON writer. Its output is byte for byte that of Python's `json.dumps` with the arguments of the AWS CLI and its
//! libraries.

use std::fmt::Write as _;

use crate::language::value::{Value, format_float};

/// The style.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonStyle {
    /// Four spaces a level, text unescaped: the command's output.
    Indented,
    /// One line with a space after each separator, non-ASCII characters escaped: a request's body.
    Spaced,
    /// One line without spaces, non-ASCII characters escaped: the query function `to_string`.
    Dense,
}

pub(crate) fn write(value: &Value, style: JsonStyle) -> String {
    let mut out = String::new();
    write_value(&mut out, value, style, 0);
    out
}

fn write_value(out: &mut String, value: &Value, style: JsonStyle, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => out.push_str(&format_float(*number)),
        Value::Text(text) => write_text(out, text, style != JsonStyle::Indented),
        // Values with bytes are rejected before they are written.
        Value::Bytes(bytes) => write_text(out, &String::from_utf8_lossy(bytes), true),
        Value::List(values) => {
            write_container(out, ('[', ']'), values.iter(), style, depth, |out, value| {
                write_value(out, value, style, depth + 1);
            });
        }
        Value::Map(members) => {
            write_container(out, ('{', '}'), members.iter(), style, depth, |out, (name, value)| {
                write_text(out, name, style != JsonStyle::Indented);
                out.push_str(if style == JsonStyle::Dense { ":" } else { ": " });
                write_value(out, value, style, depth + 1);
            });
        }
    }
}

fn write_container<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl Iterator<Item = T>,
    style: JsonStyle,
    depth: usize,
    mut write_item: impl FnMut(&mut String, T),
) {
    out.push(open);
    let mut is_empty = true;
    for item in items {
        if !is_empty {
            out.push(',');
        }
        match style {
            JsonStyle::Indented => break_line(out, depth + 1),
            JsonStyle::Spaced if !is_empty => out.push(' '),
            _ => {}
        }
        is_empty = false;
        write_item(out, item);
    }
    if style == JsonStyle::Indented && !is_empty {
        break_line(out, depth);
    }
    out.push(close);
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", depth));
}

fn write_text(out: &mut String, text: &str, is_ascii: bool) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            other if other < ' ' || (is_ascii && !(' '..='~').contains(&other)) => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::json::read;

    #[test]
    fn each_layout_is_that_of_python() {
        let value = read(r#"{"a": [1, 2.50, {}], "é": "\u0001\ud83d\ude00\"", "b": []}"#).unwrap();
        assert_eq!(
            write(&value, JsonStyle::Spaced),
            r#"{"a": [1, 2.5, {}], "\u00e9": "\u0001\ud83d\ude00\"", "b": []}"#
        );
        assert_eq!(write(&value, JsonStyle::Dense), r#"{"a":[1,2.5,{}],"\u00e9":"\u0001\ud83d\ude00\"","b":[]}"#);
        assert_eq!(
            write(&value, JsonStyle::Indented),
            "{\n    \"a\": [\n        1,\n        2.5,\n        {}\n    ],\n    \"é\": \"\\u0001😀\\\"\",\n    \"b\": []\n}"
        );
    }
}
