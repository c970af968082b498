//! Text format: a line for each record, tabs between its values, members sorted by name.

use super::rendered::Rendered;
use crate::language::value::{Map, Value};

pub(super) fn render(value: &Value) -> Rendered {
    let mut text = String::new();
    let error = write_value(&mut text, value, None, None).err();
    Rendered { text, error }
}

/// `columns` are the scalar members that occur in the maps of one list.
fn write_value(out: &mut String, value: &Value, name: Option<&str>, columns: Option<&[String]>) -> Result<(), String> {
    match value {
        Value::Map(members) => write_map(out, members, name, columns),
        Value::List(values) => write_list(out, values, name),
        scalar => {
            write_line(out, [scalar.to_string()]);
            Ok(())
        }
    }
}

fn write_line(out: &mut String, values: impl IntoIterator<Item = String>) {
    out.push_str(&values.into_iter().collect::<Vec<_>>().join("\t"));
    out.push('\n');
}

fn write_list(out: &mut String, values: &[Value], name: Option<&str>) -> Result<(), String> {
    if values.iter().any(|value| matches!(value, Value::Map(_))) {
        let columns = columns_of(values)?;
        return values.iter().try_for_each(|value| write_value(out, value, name, Some(&columns)));
    }
    let (scalars, others): (Vec<_>, Vec<_>) = values.iter().partition(|value| value.is_scalar());
    if !scalars.is_empty() {
        match name {
            Some(name) => {
                scalars.iter().for_each(|value| write_line(out, [name.to_uppercase(), value.to_string()]));
            }
            None => write_line(out, scalars.iter().map(ToString::to_string)),
        }
    }
    others.into_iter().try_for_each(|value| write_value(out, value, name, None))
}

fn write_map(out: &mut String, members: &Map, name: Option<&str>, columns: Option<&[String]>) -> Result<(), String> {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let (scalars, others): (Vec<String>, Vec<_>) = match columns {
        None => {
            let (scalars, others): (Vec<_>, Vec<_>) = sorted.into_iter().partition(|(_, value)| value.is_scalar());
            (scalars.into_iter().map(|(_, value)| value.to_string()).collect(), others)
        }
        Some(columns) => {
            let cell = |name: &String| members.get(name).map(ToString::to_string).unwrap_or_default();
            sorted.retain(|(name, _)| !columns.iter().any(|column| column == name));
            (columns.iter().map(cell).collect(), sorted)
        }
    };
    if !scalars.is_empty() {
        write_line(out, name.map(str::to_uppercase).into_iter().chain(scalars));
    }
    others.into_iter().try_for_each(|(name, value)| write_value(out, value, Some(name), None))
}

fn columns_of(values: &[Value]) -> Result<Vec<String>, String> {
    let mut columns = Vec::new();
    for value in values {
        let Value::Map(members) = value else {
            return Err(format!("'{}' object has no attribute 'items'", value.python_type()));
        };
        let scalars = members.iter().filter(|(_, value)| value.is_scalar());
        columns.extend(scalars.map(|(name, _)| name.to_owned()));
    }
    columns.sort();
    columns.dedup();
    Ok(columns)
}
