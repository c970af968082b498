//! A query's tree, applied to a value. What has no meaning for a value (a field of a number) finds nothing,
//! which is null; only functions, and an order asked of a text and a number, fail.

use std::cmp::Ordering;

use super::functions::{self, Argument};
use super::lexer::Kind;
use super::parser::Node;
use crate::language::value::{Map, Value};

pub(super) fn evaluate(node: &Node, value: &Value) -> Result<Value, String> {
    Ok(match node {
        Node::Current => value.clone(),
        Node::Literal(literal) => literal.clone(),
        Node::Field(name) => match value {
            Value::Map(members) => members.get(name).cloned().unwrap_or(Value::Null),
            _ => Value::Null,
        },
        Node::Index(index) => match value {
            Value::List(values) => {
                let count = values.len() as i128;
                let index = if *index < 0 { index + count } else { *index };
                usize::try_from(index)
                    .ok()
                    .and_then(|index| values.get(index))
                    .cloned()
                    .unwrap_or(Value::Null)
            }
            _ => Value::Null,
        },
        Node::Slice(parts) => match value {
            Value::List(values) => Value::List(slice(values, *parts)?),
            _ => Value::Null,
        },
        Node::Then(first, second) => evaluate(second, &evaluate(first, value)?)?,
        Node::Projection(of, then) => match evaluate(of, value)? {
            Value::List(values) => project(values.iter(), then)?,
            _ => Value::Null,
        },
        Node::ValueProjection(of, then) => match evaluate(of, value)? {
            Value::Map(members) => project(members.iter().map(|(_, value)| value), then)?,
            _ => Value::Null,
        },
        Node::Filter { of, then, condition } => match evaluate(of, value)? {
            Value::List(values) => {
                let mut kept = Vec::new();
                for value in values {
                    if is_true(&evaluate(condition, &value)?) {
                        kept.push(value);
                    }
                }
                project(kept.iter(), then)?
            }
            _ => Value::Null,
        },
        Node::Flatten(of) => match evaluate(of, value)? {
            Value::List(values) => {
                let flat = values.into_iter().flat_map(|value| match value {
                    Value::List(inner) => inner,
                    other => vec![other],
                });
                Value::List(flat.collect())
            }
            _ => Value::Null,
        },
        Node::Compare(kind, left, right) => {
            compare(*kind, &evaluate(left, value)?, &evaluate(right, value)?)?
        }
        Node::Or(left, right) => match evaluate(left, value)? {
            found if is_true(&found) => found,
            _ => evaluate(right, value)?,
        },
        Node::And(left, right) => match evaluate(left, value)? {
            found if is_true(&found) => evaluate(right, value)?,
            found => found,
        },
        // 0 is true in this language, as every number is.
        Node::Not(inner) => {
            let found = evaluate(inner, value)?;
            Value::Bool(found.number().is_none() && !found.is_truthy())
        }
        Node::List(_) | Node::Hash(_) if *value == Value::Null => Value::Null,
        Node::List(nodes) => {
            Value::List(nodes.iter().map(|node| evaluate(node, value)).collect::<Result<_, _>>()?)
        }
        Node::Hash(members) => {
            let mut found = Map::default();
            for (name, node) in members {
                found.insert(name, evaluate(node, value)?);
            }
            Value::Map(found)
        }
        Node::Call(name, arguments) => {
            let arguments = arguments.iter().map(|argument| match argument {
                Node::Reference(inner) => Ok(Argument::Reference(inner)),
                other => evaluate(other, value).map(Argument::Value),
            });
            functions::call(name, arguments.collect::<Result<_, String>>()?)?
        }
        Node::Reference(_) => {
            return Err("an expression reference (&) is of use to functions only".to_owned());
        }
    })
}

fn project<'v>(values: impl Iterator<Item = &'v Value>, then: &Node) -> Result<Value, String> {
    let mut found = Vec::new();
    for value in values {
        match evaluate(then, value)? {
            Value::Null => {}
            other => found.push(other),
        }
    }
    Ok(Value::List(found))
}

/// Everything is true but null, false, and what is empty.
fn is_true(value: &Value) -> bool {
    value.number().is_some() || value.is_truthy()
}

fn compare(kind: Kind, left: &Value, right: &Value) -> Result<Value, String> {
    if matches!(kind, Kind::Eq | Kind::Ne) {
        return Ok(Value::Bool((kind == Kind::Eq) == is_equal(left, right)));
    }
    let order = match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        _ => match (left.number(), right.number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            (Some(_), None) if matches!(right, Value::Text(_)) => return Err(no_order(kind, left, right)),
            (None, Some(_)) if matches!(left, Value::Text(_)) => return Err(no_order(kind, left, right)),
            _ => return Ok(Value::Null),
        },
    };
    Ok(Value::Bool(match kind {
        Kind::Lt => order == Some(Ordering::Less),
        Kind::Gt => order == Some(Ordering::Greater),
        Kind::Lte => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

fn no_order(kind: Kind, left: &Value, right: &Value) -> String {
    let sign = match kind {
        Kind::Lt => "<",
        Kind::Gt => ">",
        Kind::Lte => "<=",
        _ => ">=",
    };
    let (left, right) = (left.python_type(), right.python_type());
    format!("'{sign}' not supported between instances of '{left}' and '{right}'")
}

/// Python takes 0 and 1 for false and true; this language does not.
fn is_equal(left: &Value, right: &Value) -> bool {
    let is_mixed = |a: &Value, b: &Value| a.number().is_some() && matches!(b, Value::Bool(_));
    !is_mixed(left, right) && !is_mixed(right, left) && left.equals(right)
}

/// `values[start:stop:step]`, as Python has it.
fn slice(values: &[Value], [start, stop, step]: [Option<i128>; 3]) -> Result<Vec<Value>, String> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err("slice step cannot be zero".to_owned());
    }
    let count = values.len() as i128;
    let (lowest, highest) = if step > 0 { (0, count) } else { (-1, count - 1) };
    let place = |index: Option<i128>, absent: i128| {
        index.map_or(absent, |index| {
            (if index < 0 { index.saturating_add(count) } else { index }).clamp(lowest, highest)
        })
    };
    let (start, stop) = if step > 0 {
        (place(start, lowest), place(stop, highest))
    } else {
        (place(start, highest), place(stop, lowest))
    };
    let mut found = Vec::new();
    let mut at = start;
    while if step > 0 { at < stop } else { at > stop } {
        found.extend(usize::try_from(at).ok().and_then(|at| values.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Ok(found)
}
