//! Output formats. Each renders byte for byte what the AWS CLI renders.

mod rendered;
mod section;
mod table;
mod text;

use crate::language::json::{self, JsonStyle};
use crate::language::value::Value;

pub(crate) use rendered::Rendered;
pub(crate) use table::{RESET, TableStyle};

pub(crate) const FORMATS: [&str; 3] = ["json", "text", "table"];

/// Renders a value in one of [`FORMATS`]. `title` is the title of a table.
pub(crate) fn render(format: &str, title: &str, value: &Value, style: TableStyle) -> Rendered {
    match format {
        "json" => {
            // An empty map prints nothing, in contrast to `[]` and `null`.
            let is_empty = matches!(value, Value::Map(members) if members.is_empty());
            let text = if is_empty { String::new() } else { json::write(value, JsonStyle::Indented) + "\n" };
            Rendered { text, error: None }
        }
        "text" => text::render(value),
        _ => match table::render(title, value, style) {
            Ok(text) => Rendered { text, error: None },
            Err(error) => Rendered { text: String::new(), error: Some(error) },
        },
    }
}
