//! The operation's input, put together as the CLI does it: options first, then what `--cli-input-json` has
//! and no option gave.

use super::environment::Environment;
use super::error::CommandError;
use crate::language::argparse::ParsedArgs;
use crate::language::json;
use crate::language::paramfile;
use crate::language::shorthand;
use crate::language::value::{Map, Value, integer};

/// What the options say.
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
        input.insert("TokenDuration", Value::Integer(integer(duration).unwrap_or_default()));
    }
    // Read once already here, because the CLI complains of a missing file before it looks at anything else.
    value(options, "--cli-input-json", environment)?;
    Ok(input)
}

/// Adds what `--cli-input-json` has.
pub(super) fn add_json(
    input: &mut Map,
    options: &ParsedArgs,
    environment: &Environment,
) -> Result<(), CommandError> {
    let text = match value(options, "--cli-input-json", environment)? {
        None => return Ok(()),
        Some(Value::Bytes(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
        Some(value) => value.to_string(),
    };
    // Without the JSON itself, which the CLI shows: logins are secrets.
    let more = json::read(&text).map_err(|words| invalid_json("cli-input-json", &words))?;
    let Value::Map(more) = more else {
        return Err(CommandError::failed(format!("'{}' object has no attribute 'keys'", more.python_type())));
    };
    for (member, value) in more.iter() {
        if input.get(member).is_none() {
            input.insert(member, value.clone());
        }
    }
    Ok(())
}

/// An option's value, or what the file holds that it names.
fn value(
    options: &ParsedArgs,
    option: &str,
    environment: &Environment,
) -> Result<Option<Value>, CommandError> {
    let Some(given) = options.get(option) else { return Ok(None) };
    if given.starts_with("http://") || given.starts_with("https://") {
        let words = "the AWS CLI would fetch this URL; tokenvend does not: fetch it first, and use file://";
        return Err(CommandError::parameter(option, words));
    }
    let read = environment.with_surroundings(|surroundings| paramfile::read(given, surroundings));
    let read = read.map_err(|words| CommandError::parameter(option, &words))?;
    Ok(Some(read.unwrap_or_else(|| Value::text(given))))
}

/// A map, in JSON or shorthand.
fn map(option: &str, value: Value, environment: &Environment) -> Result<Value, CommandError> {
    let Value::Text(text) = value else {
        return Err(CommandError::parameter(option, "a map is text: use file:// in place of fileb://"));
    };
    match text.trim().chars().next() {
        Some('{') => json::read(&text).map_err(|words| invalid_json(option, &words)),
        Some('[') => {
            Err(CommandError::parameter(option, "Invalid JSON: it has to be a map: {\"NAME\": \"VALUE\"}"))
        }
        _ => environment
            .with_surroundings(|surroundings| shorthand::parse(&text, surroundings))
            .map(Value::Map)
            .map_err(|fault| told(option, &fault)),
    }
}

fn invalid_json(name: &str, words: &str) -> CommandError {
    CommandError::parameter(name, &format!("Invalid JSON: {words}"))
}

/// The CLI's words, but without the text itself and its pointer: logins are secrets.
fn told(option: &str, fault: &shorthand::ShorthandError) -> CommandError {
    let words = match fault {
        shorthand::ShorthandError::Syntax { expected, found, at } => {
            format!("Expected: '{expected}', received: '{found}' at character {}", at + 1)
        }
        shorthand::ShorthandError::Twice { key, at } => format!(
            "Second instance of key \"{key}\" encountered at character {}\nThis is often because there is a \
             preceding \",\" instead of a space.",
            at + 1
        ),
        shorthand::ShorthandError::File(words) => return CommandError::failed(words.as_str()),
    };
    CommandError::parameter(option, &words)
}
