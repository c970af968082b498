//! `--generate-cli-skeleton`: an input to fill in, and an answer to try queries on.

use crate::language::json::{self, JsonStyle};
use crate::language::value::{Map, Value};

/// What can be filled in and given to `--cli-input-json`.
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

/// An answer in which every member has its own name.
pub(super) fn output() -> Value {
    let mut output = Map::default();
    for member in super::response::MEMBERS {
        output.insert(member, Value::text(member));
    }
    Value::Map(output)
}
