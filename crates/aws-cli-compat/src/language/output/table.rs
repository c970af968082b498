//! Table format: a section for each map or list, nested ones indented, columns scaled to one width. If the terminal is
//! too narrow, a single row is transposed into two columns.

use super::section::{Section, width};
use crate::language::value::{Map, Value};

/// Colours and width of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TableStyle {
    pub(crate) is_coloured: bool,
    /// Columns of the terminal.
    pub(crate) terminal_width: usize,
}

/// The escape sequence that resets colours.
pub(crate) const RESET: &str = "\u{1b}[0m";
const CELL: &str = "\u{1b}[1m\u{1b}[34m";
const INDENTATION: &str = "\u{1b}[2m\u{1b}[33m";

/// # Errors
/// Values that the AWS CLI cannot render, such as rows of different lengths.
pub(super) fn render(title: &str, value: &Value, style: TableStyle) -> Result<String, String> {
    let mut table = Table::default();
    if !table.build(Some(title), value, 0)? {
        return Ok(String::new());
    }
    let mut sections = table.sections;
    let widest = |sections: &[Section]| sections.iter().map(Section::total_width).max().unwrap_or(0);
    if widest(&sections) > style.terminal_width {
        sections = sections.into_iter().map(Section::transposed).collect::<Result<_, _>>()?;
    }
    let total = widest(&sections);
    let mut out = Writer { text: String::new(), is_coloured: style.is_coloured };
    out.write(&format!("{}\n", "-".repeat(total)));
    for section in &sections {
        out.section(section, total);
    }
    Ok(out.text)
}

#[derive(Default)]
struct Table {
    sections: Vec<Section>,
}

impl Table {
    fn current(&mut self) -> Result<&mut Section, String> {
        self.sections.last_mut().ok_or_else(|| "there is no section".to_owned())
    }

    fn add_row<'v>(&mut self, cells: impl IntoIterator<Item = &'v Value>) -> Result<(), String> {
        let row = cells.into_iter().map(ToString::to_string).collect();
        self.current()?.add_row(row)
    }

    fn build(&mut self, title: Option<&str>, value: &Value, indentation: usize) -> Result<bool, String> {
        if !value.is_truthy() {
            return Ok(false);
        }
        if let Some(title) = title {
            self.sections.push(Section::new(Some(title.to_owned()), indentation));
        }
        match value {
            Value::List(values) if matches!(values[0], Value::Map(_)) => {
                self.build_maps(values, indentation, title)?;
            }
            Value::List(values) => {
                for value in values {
                    match value {
                        Value::List(cells) if cells.iter().all(Value::is_scalar) => self.add_row(cells)?,
                        // Of a map among other values the names are printed.
                        Value::Map(members) => {
                            let names = members.iter().map(|(name, _)| name.to_owned());
                            self.current()?.add_row(names.collect())?;
                        }
                        Value::List(_) => {
                            self.build(None, value, 0)?;
                        }
                        scalar => self.add_row([scalar])?,
                    }
                }
            }
            Value::Map(members) => self.build_map(members, indentation)?,
            _ => {}
        }
        Ok(true)
    }

    fn build_map(&mut self, members: &Map, indentation: usize) -> Result<(), String> {
        let (scalars, others) = names(members);
        let cells = scalars.iter().filter_map(|name| members.get(name)).map(ToString::to_string);
        match &scalars[..] {
            [] => {}
            [name] => {
                let row = std::iter::once(name.clone()).chain(cells).collect();
                self.current()?.add_row(row)?;
            }
            _ => {
                let row = cells.collect();
                self.current()?.add_headers(scalars.clone())?;
                self.current()?.add_row(row)?;
            }
        }
        for name in others {
            self.build(Some(&name), members.get(&name).unwrap_or(&Value::Null), indentation + 1)?;
        }
        Ok(())
    }

    fn build_maps(&mut self, values: &[Value], indentation: usize, title: Option<&str>) -> Result<(), String> {
        let mut maps = Vec::new();
        let (mut headers, mut others) = (Vec::new(), Vec::new());
        for value in values {
            let Value::Map(members) = value else { return Err(no_members(value)) };
            let (scalars, nested) = names(members);
            headers.extend(scalars);
            others.extend(nested);
            maps.push(members);
        }
        for all in [&mut headers, &mut others] {
            all.sort();
            all.dedup();
        }
        self.current()?.add_headers(headers.clone())?;
        for (at, members) in maps.into_iter().enumerate() {
            if at > 0 && !others.is_empty() {
                self.sections.push(Section::new(title.map(str::to_owned), indentation));
                self.current()?.add_headers(headers.clone())?;
            }
            let cell = |name: &String| members.get(name).map(ToString::to_string).unwrap_or_default();
            self.current()?.add_row(headers.iter().map(cell).collect())?;
            for name in &others {
                if let Some(value) = members.get(name) {
                    self.build(Some(name), value, indentation + 1)?;
                }
            }
        }
        Ok(())
    }
}

/// Python's error for a list that begins with a map and has this value in it.
fn no_members(value: &Value) -> String {
    match value {
        Value::Text(_) => "string indices must be integers, not 'str'".to_owned(),
        Value::List(_) => "list indices must be integers or slices, not str".to_owned(),
        other => format!("'{}' object is not iterable", other.python_type()),
    }
}

/// The names of the scalar members and of the others, each sorted.
fn names(members: &Map) -> (Vec<String>, Vec<String>) {
    let (mut scalars, mut others) = (Vec::new(), Vec::new());
    for (name, value) in members.iter() {
        if value.is_scalar() { scalars.push(name.to_owned()) } else { others.push(name.to_owned()) }
    }
    scalars.sort();
    others.sort();
    (scalars, others)
}

struct Writer {
    text: String,
    is_coloured: bool,
}

impl Writer {
    /// With colours, the AWS CLI resets them at the end of each write.
    fn write(&mut self, text: &str) {
        self.text.push_str(text);
        if self.is_coloured {
            self.text.push_str(RESET);
        }
    }

    fn styled(&self, style: &str, text: &str) -> String {
        if self.is_coloured { format!("{style}{text}{RESET}") } else { text.to_owned() }
    }

    /// A line of a section, between its indentation marks.
    fn line(&mut self, line: &str, indentation: usize) {
        let marks = self.styled(INDENTATION, "|").repeat(indentation);
        self.write(&marks);
        self.write(line);
        self.write(&marks);
        self.write("\n");
    }

    fn section(&mut self, section: &Section, total: usize) {
        let (total, indentation) = (total - 2 * section.indentation, section.indentation);
        if let Some(title) = section.title.as_deref().filter(|title| !title.is_empty()) {
            self.line(&centred(title, total, "|"), indentation);
            if section.headers.is_empty() && section.rows.is_empty() {
                self.line(&format!("+{}+", "-".repeat(total - 2)), indentation);
            }
        }
        let widths = section.column_widths(total);
        let border = border(&widths);
        if !section.headers.is_empty() {
            self.line(&border, indentation);
            let cells = section.headers.iter().zip(&widths).enumerate();
            let line: String = cells.map(|(at, (cell, width))| centred(cell, *width, edge(at))).collect();
            self.line(&line, indentation);
        }
        if section.rows.is_empty() || widths.is_empty() {
            return;
        }
        self.line(&border, indentation);
        for row in &section.rows {
            let cells = row.iter().zip(&widths).enumerate();
            let line: String = cells.map(|(at, (cell, width))| self.aligned(cell, *width, edge(at))).collect();
            self.line(&line, indentation);
        }
        self.line(&border, indentation);
    }

    /// A cell of a row, with two spaces before it if they fit.
    fn aligned(&self, cell: &str, total: usize, left: &str) -> String {
        let inner = width(cell) + left.len() + 1;
        let padding = if total >= inner + 2 { 2 } else { 0 };
        let after = total.saturating_sub(inner + padding);
        format!("{left}{}{}{}|", " ".repeat(padding), self.styled(CELL, cell), " ".repeat(after))
    }
}

/// The left edge of a cell; only the first column has one.
fn edge(column: usize) -> &'static str {
    if column == 0 { "|" } else { "" }
}

fn centred(text: &str, total: usize, left: &str) -> String {
    let length = width(text);
    let before = (total / 2).saturating_sub(length / 2 + 1);
    let after = total.saturating_sub(1 + left.len() + before + length);
    format!("{left}{}{text}{}|", " ".repeat(before), " ".repeat(after))
}

fn border(widths: &[usize]) -> String {
    let part = |(column, width): (usize, &usize)| match column {
        0 => format!("+{}+", "-".repeat(width.saturating_sub(2))),
        _ => format!("{}+", "-".repeat(width.saturating_sub(1))),
    };
    widths.iter().enumerate().map(part).collect()
}
