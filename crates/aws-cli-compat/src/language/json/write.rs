//! Writing JSON, byte for byte as Python's `json.dumps` does with the arguments that the CLI and its libraries
//! give it.

use std::fmt::Write as _;

use crate::language::value::{Value, float};

/// How to lay it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonStyle {
    /// Four spaces a level, text as it is: the command's output.
    Indented,
    /// One line with a space after each separator, other than ASCII escaped: a request's body.
    Spaced,
    /// One line without spaces, other than ASCII escaped: the query function `to_string`.
    Dense,
}

pub(crate) fn write(value: &Value, layout: JsonStyle) -> String {
    let mut out = String::new();
    put(&mut out, value, layout, 0);
    out
}

fn put(out: &mut String, value: &Value, layout: JsonStyle, depth: usize) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(true) => out.push_str("true"),
        Value::Bool(false) => out.push_str("false"),
        Value::Integer(number) => out.push_str(&number.to_string()),
        Value::Float(number) if number.is_nan() => out.push_str("NaN"),
        Value::Float(number) if number.is_infinite() => {
            out.push_str(if *number > 0.0 { "Infinity" } else { "-Infinity" });
        }
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => put_text(out, text, layout != JsonStyle::Indented),
        // Nothing that is written has bytes in it: they are refused before.
        Value::Bytes(bytes) => put_text(out, &String::from_utf8_lossy(bytes), true),
        Value::List(values) => {
            put_all(out, ('[', ']'), values.iter(), layout, depth, |out, value| {
                put(out, value, layout, depth + 1);
            });
        }
        Value::Map(members) => {
            put_all(out, ('{', '}'), members.iter(), layout, depth, |out, (name, value)| {
                put_text(out, name, layout != JsonStyle::Indented);
                out.push_str(if layout == JsonStyle::Dense { ":" } else { ": " });
                put(out, value, layout, depth + 1);
            });
        }
    }
}

fn put_all<T>(
    out: &mut String,
    (open, close): (char, char),
    all: impl Iterator<Item = T>,
    layout: JsonStyle,
    depth: usize,
    mut put_one: impl FnMut(&mut String, T),
) {
    out.push(open);
    let mut is_empty = true;
    for one in all {
        if !is_empty {
            out.push(',');
        }
        match layout {
            JsonStyle::Indented => break_line(out, depth + 1),
            JsonStyle::Spaced if !is_empty => out.push(' '),
            _ => {}
        }
        is_empty = false;
        put_one(out, one);
    }
    if layout == JsonStyle::Indented && !is_empty {
        break_line(out, depth);
    }
    out.push(close);
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("    ", depth));
}

fn put_text(out: &mut String, text: &str, is_ascii: bool) {
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
    fn each_layout_is_the_one_of_python() {
        let value = read(r#"{"a": [1, 2.50, {}], "é": "\u0001\ud83d\ude00\"", "b": []}"#).unwrap();
        assert_eq!(
            write(&value, JsonStyle::Spaced),
            r#"{"a": [1, 2.5, {}], "\u00e9": "\u0001\ud83d\ude00\"", "b": []}"#
        );
        assert_eq!(
            write(&value, JsonStyle::Dense),
            r#"{"a":[1,2.5,{}],"\u00e9":"\u0001\ud83d\ude00\"","b":[]}"#
        );
        assert_eq!(
            write(&value, JsonStyle::Indented),
            "{\n    \"a\": [\n        1,\n        2.5,\n        {}\n    ],\n    \"é\": \"\\u0001😀\\\"\",\n    \"b\": []\n}"
        );
    }
}
