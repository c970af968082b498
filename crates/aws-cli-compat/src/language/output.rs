//! The three formats of an answer, each the CLI's to the byte.

mod section;
mod table;
mod text;

use crate::language::json::{self, JsonStyle};
use crate::language::value::Value;

pub(crate) use table::{RESET, TableStyle};

/// What they are called.
pub(crate) const FORMATS: [&str; 3] = ["json", "text", "table"];

/// The bytes that go to standard output, and why they end early, if they do: the CLI has written by then what
/// it could.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) text: String,
    pub(crate) fault: Option<String>,
}

/// Lays a value out, in one of [`FORMATS`]. `title` is what a table is headed by.
pub(crate) fn print(format: &str, title: &str, value: &Value, look: TableStyle) -> Rendered {
    match format {
        "json" => {
            // An empty answer prints nothing, though `[]` or `null` do.
            let is_empty = matches!(value, Value::Map(members) if members.is_empty());
            let text = if is_empty { String::new() } else { json::write(value, JsonStyle::Indented) + "\n" };
            Rendered { text, fault: None }
        }
        "text" => text::print(value),
        _ => match table::print(title, value, look) {
            Ok(text) => Rendered { text, fault: None },
            Err(words) => Rendered { text: String::new(), fault: Some(words) },
        },
    }
}
