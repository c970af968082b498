//! Output of `--generate-cli-skeleton`: an input to fill in, and a response to try queries on.

use super::response::MEMBERS;
use crate::language::json::{self, JsonStyle};
use crate::language::value::{Map, Value};

/// An input for `--cli-input-json`, with empty values.
pub(super) fn input() -> String {
    let mut entry = Map::default();
    entry.insert("KeyName", Value::text(""));
    let mut input = Map::default();
    input.insert("IdentityPoolId", Value::text(""));
    input.insert("IdentityId", Value::text(""));
    input.insert("Logins", Value::Map(entry.clone()));
    input.insert("PrincipalTags", Value::Map(entry));
    input.insert("TokenDuration", Value::Integer(0));
    json::write(&Value::Map(input), JsonStyle::Indented) + "\n"
}

/// A response in which the value of each member is its name.
pub(super) fn output() -> Value {
    let mut output = Map::default();
    for member in MEMBERS {
        output.insert(member, Value::text(member));
    }
    Value::Map(output)
}
