//! The operation's input, proved before it is sent: types, what is required, and least lengths and values. Not
//! greatest ones, and no patterns: the CLI leaves those to Cognito, whose words differ.

use super::error::CommandError;
use crate::language::value::{Map, Value, repr};

/// The members of the input, in the order of the operation's model.
pub(super) const MEMBERS: [&str; 5] =
    ["IdentityPoolId", "IdentityId", "Logins", "PrincipalTags", "TokenDuration"];

/// # Errors
/// All faults at once, in botocore's words.
pub(super) fn validate(input: &Map) -> Result<(), CommandError> {
    let mut faults = Vec::new();
    for required in ["IdentityPoolId", "Logins"] {
        if input.get(required).is_none() {
            faults.push(format!("Missing required parameter in input: \"{required}\""));
        }
    }
    for (member, _) in input.iter().filter(|(member, _)| !MEMBERS.contains(member)) {
        let known = MEMBERS.join(", ");
        faults.push(format!("Unknown parameter in input: \"{member}\", must be one of: {known}"));
    }
    for (member, value) in input.iter() {
        match (member, value) {
            ("IdentityPoolId" | "IdentityId", value) => text(member, value, &mut faults),
            ("Logins" | "PrincipalTags", Value::Map(members)) => {
                for (key, value) in members.iter() {
                    length(&format!("{member} (key: {key})"), key, &mut faults);
                    text(&format!("{member}.{key}"), value, &mut faults);
                }
            }
            ("Logins" | "PrincipalTags", value) => faults.push(wrong_type(member, value, "dict")),
            ("TokenDuration", Value::Integer(seconds)) if *seconds < 1 => faults
                .push(format!("Invalid value for parameter {member}, value: {seconds}, valid min value: 1")),
            // Python takes true for 1, and the CLI would send it.
            ("TokenDuration", Value::Integer(_) | Value::Bool(true)) => {}
            ("TokenDuration", Value::Bool(false)) => {
                faults.push(format!("Invalid value for parameter {member}, value: False, valid min value: 1"))
            }
            ("TokenDuration", value) => faults.push(wrong_type(member, value, "int")),
            _ => {}
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    Err(CommandError::failed(format!("Parameter validation failed:\n{}", faults.join("\n"))))
}

fn text(name: &str, value: &Value, faults: &mut Vec<String>) {
    match value {
        Value::Text(text) => length(name, text, faults),
        other => faults.push(wrong_type(name, other, "str")),
    }
}

fn length(name: &str, text: &str, faults: &mut Vec<String>) {
    if text.is_empty() {
        faults.push(format!("Invalid length for parameter {name}, value: 0, valid min length: 1"));
    }
}

fn wrong_type(name: &str, value: &Value, wanted: &str) -> String {
    // What was given for a login stays unsaid, where the CLI shows it: it may be a token.
    let shown = match (name.starts_with("Logins"), value) {
        (true, Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_))
        | (false, Value::Text(_)) => value.to_string(),
        (true, _) => "(not shown)".to_owned(),
        (false, _) => repr(value),
    };
    let given = value.python_type();
    format!(
        "Invalid type for parameter {name}, value: {shown}, type: <class '{given}'>, valid types: <class '{wanted}'>"
    )
}
