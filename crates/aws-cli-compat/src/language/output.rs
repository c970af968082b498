//! The three formats of an answer, each the CLI's to the byte.

mod section;
mod table;
mod text;

use crate::language::json::{self, Layout};
use crate::language::value::Value;

pub(crate) use table::{Look, RESET};

/// What they are called.
pub(crate) const FORMATS: [&str; 3] = ["json", "text", "table"];

/// The bytes that go to standard output, and why they end early, if they do: the CLI has written by then what
/// it could.
#[derive(Debug)]
pub(crate) struct Printed {
    pub(crate) text: String,
    pub(crate) fault: Option<String>,
}

/// Lays a value out, in one of [`FORMATS`]. `title` is what a table is headed by.
pub(crate) fn print(format: &str, title: &str, value: &Value, look: Look) -> Printed {
    match format {
        "json" => {
            // An empty answer prints nothing, though `[]` or `null` do.
            let is_empty = matches!(value, Value::Map(members) if members.is_empty());
            let text = if is_empty { String::new() } else { json::write(value, Layout::Indented) + "\n" };
            Printed { text, fault: None }
        }
        "text" => text::print(value),
        _ => match table::print(title, value, look) {
            Ok(text) => Printed { text, fault: None },
            Err(words) => Printed { text: String::new(), fault: Some(words) },
        },
    }
}
