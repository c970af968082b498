//! Request bodies: read within their limits, and parsed as JSON objects.

use std::time::Duration;

use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::problem::{Problem, ProblemType};
use crate::config::HttpSettings;

/// Rejects a body of a method that takes none. An unread body could be parsed as the next request.
pub(crate) fn reject(request: &HttpRequest) -> Result<(), Problem> {
    let headers = request.headers();
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
    if is_empty && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(());
    }
    Err(Problem::invalid_request("this method takes no body; POST does"))
}

/// Reads a body of at most `max_bytes` that arrives within `timeout`.
pub(crate) async fn read(payload: web::Payload, max_bytes: usize, timeout: Duration) -> Result<Bytes, Problem> {
    let payload = payload.into_inner();
    // Most requests have no body, so there is nothing to wait for.
    if matches!(payload, Payload::None) {
        return Ok(Bytes::new());
    }
    let body = tokio::time::timeout(timeout, to_bytes_limited(BodyStream::new(payload), max_bytes)).await;
    match body {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(Problem::invalid_request("the body ended too early")),
        Ok(Err(_)) => Err(Problem::new(ProblemType::BodyTooLarge, format!("a body may have {max_bytes} bytes"))),
        Err(_) => Err(Problem::new(ProblemType::RequestTimeout, "the body did not arrive in time")),
    }
}

/// Reads and parses a body; without one the default applies.
pub(super) async fn optional_json<T: DeserializeOwned + Default>(
    request: &HttpRequest,
    payload: web::Payload,
    settings: &HttpSettings,
) -> Result<T, Problem> {
    let body = read(payload, settings.max_body_bytes, settings.request_body_timeout).await?;
    if body.is_empty() { Ok(T::default()) } else { json(request, &body) }
}

pub(crate) fn json<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, Problem> {
    check_object(request, body)?;
    serde_json::from_slice(body).map_err(|error| {
        // The parser's message names the field and the position; a value in it is the client's own.
        Problem::invalid_request(format!("the body is not what this resource takes: {error}"))
    })
}

/// As [`json`], for a body with secrets: the detail has only the position of the error.
pub(super) fn json_with_secrets<T: DeserializeOwned>(
    request: &HttpRequest,
    body: &[u8],
    takes: &str,
) -> Result<T, Problem> {
    check_object(request, body)?;
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!("this resource takes {takes}; the body differs at line {line}, column {column}");
        Problem::invalid_request(detail)
    })
}

fn check_object(request: &HttpRequest, body: &[u8]) -> Result<(), Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Err(Problem::new(
            ProblemType::UnsupportedMediaType,
            "send the body with Content-Type: application/json",
        ));
    }
    // serde's derived deserializer would accept an array of the fields' values as well.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::invalid_request("the body is not what this resource takes: it is no JSON object"));
    }
    Ok(())
}
