//! Response of Cognito, parsed as leniently as the AWS CLI does.

use super::error::CommandError;
use super::operation::OPERATION;
use crate::language::json;
use crate::language::value::{Map, Value};

/// The members of a successful response, in the order of the operation's model, which is that of the output.
pub(super) const MEMBERS: [&str; 2] = ["IdentityId", "Token"];

/// An HTTP response.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: Vec<u8>,
}

/// An error response of Cognito or of a proxy in front of it.
#[derive(Debug)]
pub(super) struct ServiceError {
    pub(super) status: u16,
    pub(super) code: String,
    message: String,
}

impl ServiceError {
    /// `retries` is the number of retries after which a retryable error was final.
    pub(super) fn into_command_error(self, retries: Option<u32>) -> CommandError {
        let Self { code, message, .. } = self;
        let retries = retries.map(|count| format!(" (reached max retries: {count})")).unwrap_or_default();
        CommandError::failed(format!(
            "An error occurred ({code}) when calling the {OPERATION} operation{retries}: {message}"
        ))
    }
}

impl Response {
    /// The members of a successful response, or the service's error.
    ///
    /// # Errors
    /// The body cannot be parsed.
    pub(super) fn parse(&self) -> Result<Result<Map, ServiceError>, CommandError> {
        if self.status >= 500 && self.is_generic() {
            let (code, message) = (self.status.to_string(), reason_phrase(self.status));
            return Ok(Err(ServiceError { status: self.status, code, message }));
        }
        let body = self.parse_body()?;
        if self.status < 301 {
            let mut output = Map::default();
            for member in MEMBERS {
                if let Some(value) = body.get(member).filter(|value| **value != Value::Null) {
                    output.insert(member, value.clone());
                }
            }
            return Ok(Ok(output));
        }
        let message = body.get("message").or_else(|| body.get("Message")).map(ToString::to_string);
        let code = body.get("__type").map_or_else(|| self.status.to_string(), ToString::to_string);
        let code = code.split(':').next().unwrap_or_default();
        let code = code.rsplit('#').next().unwrap_or_default().to_owned();
        Ok(Err(ServiceError { status: self.status, code, message: message.unwrap_or_default() }))
    }

    /// Whether the body is empty or the HTML page of a proxy or load balancer.
    fn is_generic(&self) -> bool {
        let body = self.body.trim_ascii();
        body.is_empty() || body.starts_with(b"<html>")
    }

    fn parse_body(&self) -> Result<Map, CommandError> {
        if self.body.is_empty() {
            return Ok(Map::default());
        }
        let text = std::str::from_utf8(&self.body).map_err(|_| CommandError::failed("the response is not UTF-8"))?;
        match json::read(text) {
            Ok(Value::Map(members)) => Ok(members),
            Ok(other) => Err(CommandError::failed(format!("'{}' object has no attribute 'get'", other.python_type()))),
            Err(_) => {
                let mut members = Map::default();
                members.insert("message", Value::text(text));
                Ok(members)
            }
        }
    }
}

fn reason_phrase(status: u16) -> String {
    let status = reqwest::StatusCode::from_u16(status).ok();
    status.and_then(|status| status.canonical_reason()).unwrap_or_default().to_owned()
}
