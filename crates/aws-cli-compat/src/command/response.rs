//! What Cognito answered, read as leniently as the CLI reads it.

use super::error::CommandError;
use crate::language::json;
use crate::language::value::{Map, Value};

/// The members of a good answer, in the order of the operation's model, which is that of the output.
pub(super) const MEMBERS: [&str; 2] = ["IdentityId", "Token"];

/// An answer as it came over the wire.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// An error that Cognito, or something on the way to it, answered with.
#[derive(Debug)]
pub(super) struct ServiceError {
    pub(super) status: u16,
    pub(super) code: String,
    message: String,
}

impl ServiceError {
    /// `retries` is told where the last of all attempts was refused for something that is worth another.
    pub(super) fn into_fault(self, retries: Option<u32>) -> CommandError {
        let Self { code, message, .. } = self;
        let told = retries.map(|count| format!(" (reached max retries: {count})")).unwrap_or_default();
        CommandError::failed(format!(
            "An error occurred ({code}) when calling the {} operation{told}: {message}",
            super::OPERATION
        ))
    }
}

impl Response {
    /// The answer's members, or the error it tells.
    pub(super) fn read(&self) -> Result<Result<Map, ServiceError>, CommandError> {
        if self.status >= 500 && self.is_generic() {
            let (code, message) = (self.status.to_string(), reason(self.status));
            return Ok(Err(ServiceError { status: self.status, code, message }));
        }
        let body = self.members()?;
        if self.status < 301 {
            let mut answer = Map::default();
            for member in MEMBERS {
                if let Some(value) = body.get(member).filter(|value| **value != Value::Null) {
                    answer.insert(member, value.clone());
                }
            }
            return Ok(Ok(answer));
        }
        let message = body.get("message").or_else(|| body.get("Message")).map(ToString::to_string);
        let code = body.get("__type").map_or_else(|| self.status.to_string(), ToString::to_string);
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        Ok(Err(ServiceError { status: self.status, code, message: message.unwrap_or_default() }))
    }

    /// A page of a proxy or load balancer.
    fn is_generic(&self) -> bool {
        let body = self.body.trim_ascii();
        body.is_empty() || body.starts_with(b"<html>")
    }

    fn members(&self) -> Result<Map, CommandError> {
        if self.body.is_empty() {
            return Ok(Map::default());
        }
        let text = std::str::from_utf8(&self.body)
            .map_err(|_| CommandError::failed("the answer cannot be read: it is not UTF-8"))?;
        match json::read(text) {
            Ok(Value::Map(members)) => Ok(members),
            Ok(other) => {
                Err(CommandError::failed(format!("'{}' object has no attribute 'get'", other.python_type())))
            }
            Err(_) => {
                let mut members = Map::default();
                members.insert("message", Value::text(text));
                Ok(members)
            }
        }
    }
}

fn reason(status: u16) -> String {
    let status = reqwest::StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or_default().to_owned()
}
