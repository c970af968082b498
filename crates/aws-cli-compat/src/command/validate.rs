//! Validation of the input before it is sent: types, required members, minimum lengths and values. The AWS CLI leaves
//! maximum values and patterns to Cognito, whose messages differ.

use super::error::CommandError;
use crate::language::value::{Map, Value, repr};

/// The members of the input, in the order of the operation's model.
pub(super) const MEMBERS: [&str; 5] = ["IdentityPoolId", "IdentityId", "Logins", "PrincipalTags", "TokenDuration"];

/// # Errors
/// All errors at once, in botocore's texts.
pub(super) fn validate(input: &Map) -> Result<(), CommandError> {
    let mut errors = Vec::new();
    for required in ["IdentityPoolId", "Logins"] {
        if input.get(required).is_none() {
            errors.push(format!("Missing required parameter in input: \"{required}\""));
        }
    }
    for (member, _) in input.iter().filter(|(member, _)| !MEMBERS.contains(member)) {
        let known = MEMBERS.join(", ");
        errors.push(format!("Unknown parameter in input: \"{member}\", must be one of: {known}"));
    }
    for (member, value) in input.iter() {
        match (member, value) {
            ("IdentityPoolId" | "IdentityId", value) => check_text(member, value, &mut errors),
            ("Logins" | "PrincipalTags", Value::Map(members)) => {
                for (key, value) in members.iter() {
                    check_length(&format!("{member} (key: {key})"), key, &mut errors);
                    check_text(&format!("{member}.{key}"), value, &mut errors);
                }
            }
            ("Logins" | "PrincipalTags", value) => errors.push(wrong_type(member, value, "dict")),
            ("TokenDuration", Value::Integer(seconds)) if *seconds < 1 => {
                errors.push(format!("Invalid value for parameter {member}, value: {seconds}, valid min value: 1"))
            }
            // True equals 1 in Python, and the AWS CLI would send it.
            ("TokenDuration", Value::Integer(_) | Value::Bool(true)) => {}
            ("TokenDuration", Value::Bool(false)) => {
                errors.push(format!("Invalid value for parameter {member}, value: False, valid min value: 1"))
            }
            ("TokenDuration", value) => errors.push(wrong_type(member, value, "int")),
            _ => {}
        }
    }
    if errors.is_empty() {
        return Ok(());
    }
    Err(CommandError::failed(format!("Parameter validation failed:\n{}", errors.join("\n"))))
}

fn check_text(name: &str, value: &Value, errors: &mut Vec<String>) {
    match value {
        Value::Text(text) => check_length(name, text, errors),
        other => errors.push(wrong_type(name, other, "str")),
    }
}

fn check_length(name: &str, text: &str, errors: &mut Vec<String>) {
    if text.is_empty() {
        errors.push(format!("Invalid length for parameter {name}, value: 0, valid min length: 1"));
    }
}

fn wrong_type(name: &str, value: &Value, expected: &str) -> String {
    // The AWS CLI's message contains the value of a login, and this one does not: it may be a token.
    let shown = match (name.starts_with("Logins"), value) {
        (true, Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Float(_)) | (false, Value::Text(_)) => {
            value.to_string()
        }
        (true, _) => "(not shown)".to_owned(),
        (false, _) => repr(value),
    };
    let actual = value.python_type();
    format!(
        "Invalid type for parameter {name}, value: {shown}, type: <class '{actual}'>, valid types: <class '{expected}'>"
    )
}
