//! Bodies of requests: read within their limits, and taken for what the resource says they are.

use std::time::Duration;

use actix_web::body::{BodyStream, to_bytes_limited};
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::problem::{Problem, ProblemType};

/// A body that nobody reads is a body that somebody else may read as the next request.
pub(crate) fn refuse(request: &HttpRequest) -> Result<(), Problem> {
    let headers = request.headers();
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
    if is_empty && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(());
    }
    Err(Problem::new(ProblemType::InvalidRequest, "this method takes no body; POST does"))
}

/// Reads a body of at most `most` bytes that arrives within a time.
pub(crate) async fn read(body: web::Payload, most: usize, within: Duration) -> Result<Bytes, Problem> {
    let body = body.into_inner();
    // Most requests have none, and then there is nothing to wait for.
    if matches!(body, Payload::None) {
        return Ok(Bytes::new());
    }
    let arrived = tokio::time::timeout(within, to_bytes_limited(BodyStream::new(body), most)).await;
    match arrived {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(Problem::new(ProblemType::InvalidRequest, "the body broke off")),
        Ok(Err(_)) => Err(Problem::new(ProblemType::BodyTooLarge, format!("a body may have {most} bytes"))),
        Err(_) => Err(Problem::new(ProblemType::RequestTimeout, "the body did not arrive in time")),
    }
}

pub(crate) fn json<T: DeserializeOwned>(request: &HttpRequest, body: &[u8]) -> Result<T, Problem> {
    check_object(request, body)?;
    serde_json::from_slice(body).map_err(|error| {
        // The parser's words name the field and the place; a value that it quotes is the caller's own.
        Problem::new(
            ProblemType::InvalidRequest,
            format!("the body is not what this resource takes: {error}"),
        )
    })
}

/// As [`json`], where the body has secrets in it: what is wrong is told by its place only.
pub(super) fn json_with_secrets<T: DeserializeOwned>(
    request: &HttpRequest,
    body: &[u8],
    takes: &str,
) -> Result<T, Problem> {
    check_object(request, body)?;
    serde_json::from_slice(body).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let detail = format!(
            "this resource takes {takes}; the body is something else at line {line}, column {column}"
        );
        Problem::new(ProblemType::InvalidRequest, detail)
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
    // The derived reader would take a list of the fields' values as well.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::new(
            ProblemType::InvalidRequest,
            "the body is not what this resource takes: no JSON object",
        ));
    }
    Ok(())
}
