//! Input of the operation, assembled as the AWS CLI does: from the options, and then from the members of
//! `--cli-input-json` that no option sets.

use super::environment::Environment;
use super::error::CommandError;
use crate::language::argparse::ParsedArgs;
use crate::language::json;
use crate::language::paramfile;
use crate::language::shorthand;
use crate::language::value::{Map, Value, parse_integer};

/// The input from the options.
pub(super) fn from_options(options: &ParsedArgs, environment: &Environment) -> Result<Map, CommandError> {
    let mut input = Map::default();
    for (option, member) in [("--identity-pool-id", "IdentityPoolId"), ("--identity-id", "IdentityId")] {
        if let Some(value) = value(options, option, environment)? {
            input.insert(member, value);
        }
    }
    for (option, member) in [("--logins", "Logins"), ("--principal-tags", "PrincipalTags")] {
        if let Some(value) = value(options, option, environment)? {
            input.insert(member, map(option, value, environment)?);
        }
    }
    if let Some(duration) = options.get("--token-duration") {
        input.insert("TokenDuration", Value::Integer(parse_integer(duration).unwrap_or_default()));
    }
    // Read here once already, because the AWS CLI reports a missing file before every other error.
    value(options, "--cli-input-json", environment)?;
    Ok(input)
}

/// Adds the members of `--cli-input-json` that are not set.
pub(super) fn add_json(input: &mut Map, options: &ParsedArgs, environment: &Environment) -> Result<(), CommandError> {
    let text = match value(options, "--cli-input-json", environment)? {
        None => return Ok(()),
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(value) => value.to_string(),
    };
    // The AWS CLI's message contains the JSON, and this one does not: logins are secrets.
    let json = json::read(&text).map_err(|error| invalid_json("cli-input-json", &error))?;
    let Value::Map(json) = json else {
        return Err(CommandError::failed(format!("'{}' object has no attribute 'keys'", json.python_type())));
    };
    for (member, value) in json.iter() {
        if input.get(member).is_none() {
            input.insert(member, value.clone());
        }
    }
    Ok(())
}

/// The value of an option, read from a file if it is a `file://` or `fileb://` URL.
fn value(options: &ParsedArgs, option: &str, environment: &Environment) -> Result<Option<Value>, CommandError> {
    let Some(text) = options.get(option) else { return Ok(None) };
    if text.starts_with("http://") || text.starts_with("https://") {
        let message = "the AWS CLI would fetch this URL; tokenvend does not: fetch it first, and use file://";
        return Err(CommandError::parameter(option, message));
    }
    let read = environment.with_path_context(|context| paramfile::read(text, context));
    let read = read.map_err(|error| CommandError::parameter(option, &error))?;
    Ok(Some(read.unwrap_or_else(|| Value::text(text))))
}

/// Parses a map in JSON or shorthand.
fn map(option: &str, value: Value, environment: &Environment) -> Result<Value, CommandError> {
    let Value::Text(text) = value else {
        return Err(CommandError::parameter(option, "a map is text: use file:// instead of fileb://"));
    };
    match text.trim().chars().next() {
        Some('{') => json::read(&text).map_err(|error| invalid_json(option, &error)),
        Some('[') => Err(CommandError::parameter(option, "Invalid JSON: a map is required: {\"NAME\": \"VALUE\"}")),
        _ => environment
            .with_path_context(|context| shorthand::parse(&text, context))
            .map(Value::Map)
            .map_err(|error| invalid_shorthand(option, &error)),
    }
}

fn invalid_json(name: &str, error: &str) -> CommandError {
    CommandError::parameter(name, &format!("Invalid JSON: {error}"))
}

/// The AWS CLI's message, but without the text and the pointer into it: logins are secrets.
fn invalid_shorthand(option: &str, error: &shorthand::ShorthandError) -> CommandError {
    let message = match error {
        shorthand::ShorthandError::Syntax { expected, found, at } => {
            format!("Expected: '{expected}', received: '{found}' at character {}", at + 1)
        }
        shorthand::ShorthandError::DuplicateKey { key, at } => format!(
            "Second instance of key \"{key}\" encountered at character {}\nThis is often because there is a \
             preceding \",\" instead of a space.",
            at + 1
        ),
        shorthand::ShorthandError::File(error) => return CommandError::failed(error.as_str()),
    };
    CommandError::parameter(option, &message)
}
