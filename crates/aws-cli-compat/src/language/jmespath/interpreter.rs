//! Interpreter: evaluates a query's syntax tree for a value.
//!
//! An expression that has no meaning for a value (a field of a number) evaluates to null. Only functions and the
//! comparison of a text with a number fail.
//!
//! The interpreter and `functions` call each other, as in jmespath.py: a function such as `sort_by` evaluates an
//! expression for each element. It is the only import cycle of the crate, because the language itself is recursive.

use std::cmp::Ordering;

use super::functions::{self, Argument};
use super::lexer::TokenKind;
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
                usize::try_from(index).ok().and_then(|index| values.get(index)).cloned().unwrap_or(Value::Null)
            }
            _ => Value::Null,
        },
        Node::Slice(parts) => match value {
            Value::List(values) => Value::List(slice(values, *parts)?),
            _ => Value::Null,
        },
        Node::Sequence(first, second) => evaluate(second, &evaluate(first, value)?)?,
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
                let mut matching = Vec::new();
                for value in values {
                    if is_true(&evaluate(condition, &value)?) {
                        matching.push(value);
                    }
                }
                project(matching.iter(), then)?
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
        Node::Compare(kind, left, right) => compare(*kind, &evaluate(left, value)?, &evaluate(right, value)?)?,
        Node::Or(left, right) => match evaluate(left, value)? {
            result if is_true(&result) => result,
            _ => evaluate(right, value)?,
        },
        Node::And(left, right) => match evaluate(left, value)? {
            result if is_true(&result) => evaluate(right, value)?,
            result => result,
        },
        // In JMESPath 0 is true, as all numbers are.
        Node::Not(inner) => {
            let result = evaluate(inner, value)?;
            Value::Bool(result.as_number().is_none() && !result.is_truthy())
        }
        Node::List(_) | Node::Hash(_) if *value == Value::Null => Value::Null,
        Node::List(nodes) => Value::List(nodes.iter().map(|node| evaluate(node, value)).collect::<Result<_, _>>()?),
        Node::Hash(members) => {
            let mut result = Map::default();
            for (name, node) in members {
                result.insert(name, evaluate(node, value)?);
            }
            Value::Map(result)
        }
        Node::Call(name, arguments) => {
            let arguments = arguments.iter().map(|argument| match argument {
                Node::Reference(inner) => Ok(Argument::Reference(inner)),
                other => evaluate(other, value).map(Argument::Value),
            });
            functions::call(name, arguments.collect::<Result<_, String>>()?)?
        }
        Node::Reference(_) => {
            return Err("an expression reference (&) is allowed in function arguments only".to_owned());
        }
    })
}

fn project<'v>(values: impl Iterator<Item = &'v Value>, then: &Node) -> Result<Value, String> {
    let mut result = Vec::new();
    for value in values {
        match evaluate(then, value)? {
            Value::Null => {}
            other => result.push(other),
        }
    }
    Ok(Value::List(result))
}

/// Null, false and empty values are false; all others are true.
fn is_true(value: &Value) -> bool {
    value.as_number().is_some() || value.is_truthy()
}

fn compare(kind: TokenKind, left: &Value, right: &Value) -> Result<Value, String> {
    if matches!(kind, TokenKind::Eq | TokenKind::Ne) {
        return Ok(Value::Bool((kind == TokenKind::Eq) == is_equal(left, right)));
    }
    let order = match (left, right) {
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Integer(left), Value::Integer(right)) => Some(left.cmp(right)),
        _ => match (left.as_number(), right.as_number()) {
            (Some(left), Some(right)) => left.partial_cmp(&right),
            (Some(_), None) if matches!(right, Value::Text(_)) => {
                return Err(not_comparable(kind, left, right));
            }
            (None, Some(_)) if matches!(left, Value::Text(_)) => {
                return Err(not_comparable(kind, left, right));
            }
            _ => return Ok(Value::Null),
        },
    };
    Ok(Value::Bool(match kind {
        TokenKind::Lt => order == Some(Ordering::Less),
        TokenKind::Gt => order == Some(Ordering::Greater),
        TokenKind::Lte => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }))
}

fn not_comparable(kind: TokenKind, left: &Value, right: &Value) -> String {
    let sign = match kind {
        TokenKind::Lt => "<",
        TokenKind::Gt => ">",
        TokenKind::Lte => "<=",
        _ => ">=",
    };
    let (left, right) = (left.python_type(), right.python_type());
    format!("'{sign}' not supported between instances of '{left}' and '{right}'")
}

/// In Python 0 and 1 equal false and true; in JMESPath they do not.
fn is_equal(left: &Value, right: &Value) -> bool {
    let is_mixed = |a: &Value, b: &Value| a.as_number().is_some() && matches!(b, Value::Bool(_));
    !is_mixed(left, right) && !is_mixed(right, left) && left.equals(right)
}

/// `values[start:stop:step]`, as Python evaluates it.
fn slice(values: &[Value], [start, stop, step]: [Option<i128>; 3]) -> Result<Vec<Value>, String> {
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err("slice step cannot be zero".to_owned());
    }
    let count = values.len() as i128;
    let (lowest, highest) = if step > 0 { (0, count) } else { (-1, count - 1) };
    let clamp = |index: Option<i128>, default: i128| {
        index.map_or(default, |index| {
            (if index < 0 { index.saturating_add(count) } else { index }).clamp(lowest, highest)
        })
    };
    let (start, stop) = if step > 0 {
        (clamp(start, lowest), clamp(stop, highest))
    } else {
        (clamp(start, highest), clamp(stop, lowest))
    };
    let mut result = Vec::new();
    let mut at = start;
    while if step > 0 { at < stop } else { at > stop } {
        result.extend(usize::try_from(at).ok().and_then(|at| values.get(at)).cloned());
        at = at.saturating_add(step);
    }
    Ok(result)
}
