//! JMESPath functions: their signatures and implementations. Their recursion with `interpreter` is described there.

use std::cmp::Ordering;

use super::interpreter::evaluate;
use super::parser::Node;
use crate::language::json::{self, JsonStyle};
use crate::language::value::{Map, Value, parse_integer, repr_text};

/// An argument of a function call.
#[derive(Debug)]
pub(super) enum Argument<'q> {
    Value(Value),
    /// `&expression`, which the function evaluates.
    Reference(&'q Node),
}

/// The allowed types of each argument, by the names of JMESPath; empty if all are allowed.
type Signature = &'static [&'static [&'static str]];

/// Name, signature, and whether the last argument may be repeated.
const FUNCTIONS: &[(&str, Signature, bool)] = &[
    ("abs", &[&["number"]], false),
    ("avg", &[&["array-number"]], false),
    ("ceil", &[&["number"]], false),
    ("contains", &[&["array", "string"], &[]], false),
    ("ends_with", &[&["string"], &["string"]], false),
    ("floor", &[&["number"]], false),
    ("join", &[&["string"], &["array-string"]], false),
    ("keys", &[&["object"]], false),
    ("length", &[&["string", "array", "object"]], false),
    ("map", &[&["expref"], &["array"]], false),
    ("max", &[&["array-number", "array-string"]], false),
    ("max_by", &[&["array"], &["expref"]], false),
    ("merge", &[&["object"]], true),
    ("min", &[&["array-number", "array-string"]], false),
    ("min_by", &[&["array"], &["expref"]], false),
    ("not_null", &[&[]], true),
    ("reverse", &[&["array", "string"]], false),
    ("sort", &[&["array-string", "array-number"]], false),
    ("sort_by", &[&["array"], &["expref"]], false),
    ("starts_with", &[&["string"], &["string"]], false),
    ("sum", &[&["array-number"]], false),
    ("to_array", &[&[]], false),
    ("to_number", &[&[]], false),
    ("to_string", &[&[]], false),
    ("type", &[&[]], false),
    ("values", &[&["object"]], false),
];

pub(super) fn call(name: &str, arguments: Vec<Argument<'_>>) -> Result<Value, String> {
    let Some((_, signature, is_variadic)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) else {
        return Err(format!("Unknown function: {name}()"));
    };
    let (expected, received) = (signature.len(), arguments.len());
    if received < expected || (received > expected && !is_variadic) {
        let at_least = if *is_variadic { "at least " } else { "" };
        let plural = if expected == 1 { "" } else { "s" };
        return Err(format!(
            "Expected {at_least}{expected} argument{plural} for function {name}(), received {received}"
        ));
    }
    for (argument, types) in arguments.iter().zip(*signature) {
        check_type(name, argument, types)?;
    }
    let mut values = Vec::new();
    let mut reference = None;
    for argument in arguments {
        match argument {
            Argument::Value(value) => values.push(value),
            Argument::Reference(node) => reference = Some(node),
        }
    }
    match reference {
        Some(node) => call_with_expression(name, node, values),
        None => call_with_values(name, values),
    }
}

/// The JMESPath type of a value.
fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Integer(_) | Value::Float(_) => "number",
        Value::Text(_) | Value::Bytes(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
    }
}

fn check_type(name: &str, argument: &Argument<'_>, types: &[&str]) -> Result<(), String> {
    if types.is_empty() {
        return Ok(());
    }
    let invalid_type = |value: &str, received: &str| {
        let types = types.iter().map(|name| repr_text(name)).collect::<Vec<_>>().join(", ");
        Err(format!(
            "In function {name}(), invalid type for value: {value}, expected one of: [{types}], received: \"{received}\""
        ))
    };
    let value = match argument {
        Argument::Value(value) => value,
        Argument::Reference(_) if types.contains(&"expref") => return Ok(()),
        Argument::Reference(_) => return invalid_type("&", "expref"),
    };
    if !types.iter().any(|name| name.split('-').next() == Some(type_of(value))) {
        return invalid_type(&value.to_string(), type_of(value));
    }
    let elements: Vec<_> = types.iter().filter_map(|name| name.strip_prefix("array-")).collect();
    let Value::List(values) = value else { return Ok(()) };
    if elements.is_empty() {
        return Ok(());
    }
    // If several element types are allowed, all elements must have the type of the first one.
    let first = values.first().map(type_of).filter(|first| elements.contains(first));
    match values.iter().find(|value| Some(type_of(value)) != first) {
        Some(other) => invalid_type(&other.to_string(), other.python_type()),
        None => Ok(()),
    }
}

fn call_with_values(name: &str, values: Vec<Value>) -> Result<Value, String> {
    if name == "merge" {
        let mut merged = Map::default();
        for value in values {
            let Value::Map(members) = value else {
                return Err(format!("In function merge(), {} is not an object", value.python_type()));
            };
            members.iter().for_each(|(name, value)| merged.insert(name, value.clone()));
        }
        return Ok(Value::Map(merged));
    }
    if name == "not_null" {
        return Ok(values.into_iter().find(|value| *value != Value::Null).unwrap_or(Value::Null));
    }
    let mut values = values.into_iter();
    let first = values.next().unwrap_or(Value::Null);
    match values.next() {
        None => call_unary(name, first),
        Some(second) => call_binary(name, first, second),
    }
}

/// Functions of one value. The types have been checked, so the last arm is unreachable.
fn call_unary(name: &str, value: Value) -> Result<Value, String> {
    Ok(match (name, value) {
        ("type", value) => Value::text(type_of(&value)),
        ("to_array", Value::List(values)) => Value::List(values),
        ("to_array", value) => Value::List(vec![value]),
        ("to_string", Value::Text(text)) => Value::Text(text),
        ("to_string", value) => Value::Text(json::write(&value, JsonStyle::Dense)),
        ("to_number", value @ (Value::Integer(_) | Value::Float(_))) => value,
        ("to_number", Value::Text(text)) => parse_number(text.trim()),
        ("abs", Value::Integer(number)) => Value::Integer(number.abs()),
        ("abs", Value::Float(number)) => Value::Float(number.abs()),
        ("ceil" | "floor", value @ Value::Integer(_)) => value,
        ("ceil", Value::Float(number)) => to_integer(number.ceil())?,
        ("floor", Value::Float(number)) => to_integer(number.floor())?,
        ("length", Value::Text(text)) => Value::Integer(text.chars().count() as i128),
        ("length", Value::List(values)) => Value::Integer(values.len() as i128),
        ("length", Value::Map(members)) => Value::Integer(members.len() as i128),
        ("reverse", Value::Text(text)) => Value::Text(text.chars().rev().collect()),
        ("reverse", Value::List(values)) => Value::List(values.into_iter().rev().collect()),
        ("keys", Value::Map(members)) => Value::List(members.iter().map(|(name, _)| Value::text(name)).collect()),
        ("values", Value::Map(members)) => Value::List(members.iter().map(|(_, value)| value.clone()).collect()),
        ("sum", Value::List(values)) => sum(&values),
        ("avg", Value::List(values)) if !values.is_empty() => {
            let total = sum(&values).as_number().unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "no list is that long")]
            Value::Float(total / values.len() as f64)
        }
        ("sort", Value::List(mut values)) => {
            values.sort_by(compare);
            Value::List(values)
        }
        ("max", Value::List(values)) => first_extreme(values, Ordering::Greater, Value::clone),
        ("min", Value::List(values)) => first_extreme(values, Ordering::Less, Value::clone),
        _ => Value::Null,
    })
}

fn call_binary(name: &str, first: Value, second: Value) -> Result<Value, String> {
    Ok(match (name, first, second) {
        ("contains", Value::List(values), expected) => Value::Bool(values.iter().any(|value| value.equals(&expected))),
        ("contains", Value::Text(text), Value::Text(expected)) => Value::Bool(text.contains(&expected)),
        ("contains", _, expected) => {
            let kind = expected.python_type();
            return Err(format!("'in <string>' requires string as left operand, not {kind}"));
        }
        ("starts_with", Value::Text(text), Value::Text(expected)) => Value::Bool(text.starts_with(&expected)),
        ("ends_with", Value::Text(text), Value::Text(expected)) => Value::Bool(text.ends_with(&expected)),
        ("join", Value::Text(separator), Value::List(values)) => {
            Value::Text(values.iter().map(Value::to_string).collect::<Vec<_>>().join(&separator))
        }
        _ => Value::Null,
    })
}

/// Functions that evaluate an expression for each element.
fn call_with_expression(name: &str, node: &Node, values: Vec<Value>) -> Result<Value, String> {
    if !matches!(name, "map" | "max_by" | "min_by" | "sort_by") {
        return Err(format!("In function {name}(), an expression reference (&) is not allowed"));
    }
    let Some(Value::List(values)) = values.into_iter().next() else { return Ok(Value::Null) };
    let keys = values.iter().map(|value| evaluate(node, value)).collect::<Result<Vec<_>, _>>()?;
    if name == "map" {
        return Ok(Value::List(keys));
    }
    let allowed: &[&str] = match keys.first().map(type_of) {
        None => return Ok(if name == "sort_by" { Value::List(Vec::new()) } else { Value::Null }),
        Some("number") if name == "sort_by" => &["number"],
        Some("string") if name == "sort_by" => &["string"],
        Some(other) if name == "sort_by" => {
            let shown = &values[0];
            return Err(format!(
                "In function sort_by(), invalid type for value: {shown}, expected one of: ['string', 'number'], received: \"{other}\""
            ));
        }
        _ => &["number", "string"],
    };
    for key in &keys {
        if !allowed.contains(&type_of(key)) {
            return check_type(name, &Argument::Value(key.clone()), allowed).map(|()| Value::Null);
        }
    }
    if let Some(other) = keys.iter().find(|key| type_of(key) != type_of(&keys[0])) {
        let (other, first) = (other.python_type(), keys[0].python_type());
        let sign = if name == "max_by" { '>' } else { '<' };
        return Err(format!("'{sign}' not supported between instances of '{other}' and '{first}'"));
    }
    let mut keyed: Vec<_> = keys.into_iter().zip(values).collect();
    let key = |pair: &(Value, Value)| pair.0.clone();
    Ok(match name {
        "max_by" => first_extreme(keyed, Ordering::Greater, key).1,
        "min_by" => first_extreme(keyed, Ordering::Less, key).1,
        _ => {
            keyed.sort_by(|a, b| compare(&a.0, &b.0));
            Value::List(keyed.into_iter().map(|(_, value)| value).collect())
        }
    })
}

/// The first element with the greatest or the least key.
fn first_extreme<T: Default>(all: Vec<T>, expected: Ordering, key: impl Fn(&T) -> Value) -> T {
    let best =
        all.into_iter().reduce(|best, next| if compare(&key(&next), &key(&best)) == expected { next } else { best });
    best.unwrap_or_default()
}

/// Order of two texts or two numbers.
fn compare(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        _ => a.as_number().partial_cmp(&b.as_number()).unwrap_or(Ordering::Equal),
    }
}

fn sum(values: &[Value]) -> Value {
    values.iter().fold(Value::Integer(0), |total, value| match (&total, value) {
        (Value::Integer(a), Value::Integer(b)) => Value::Integer(a.saturating_add(*b)),
        (a, b) => Value::Float(a.as_number().unwrap_or_default() + b.as_number().unwrap_or_default()),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "the number is whole, and numbers beyond i128 are rejected before")]
fn to_integer(number: f64) -> Result<Value, String> {
    if number.is_finite() && number.abs() < 1e38 {
        return Ok(Value::Integer(number as i128));
    }
    Err("cannot convert float infinity or NaN to integer".to_owned())
}

/// A text as Python's `int()` parses it, else as its `float()` does, else null.
fn parse_number(text: &str) -> Value {
    if let Some(integer) = parse_integer(text) {
        return Value::Integer(integer);
    }
    let bare = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    let is_number = bare.starts_with(|first: char| first.is_ascii_digit() || first == '.')
        || matches!(bare.as_str(), "inf" | "infinity" | "nan");
    if !is_number {
        return Value::Null;
    }
    text.parse().map_or(Value::Null, Value::Float)
}
