//! Requests and answers between the words of HTTP/2 (the `http` crate's present types) and those of actix-web
//! (its former ones).

use std::net::SocketAddr;
use std::time::SystemTime;

use actix_http::{Payload, Request};
use actix_web::body::{BodySize, BoxBody, MessageBody as _};
use actix_web::dev::Response;
use actix_web::http::header::{self, HeaderName, HeaderValue, HttpDate};
use actix_web::http::{Method, Uri, Version};
use futures_util::StreamExt as _;
use h2::RecvStream;

use super::h2_bodies::{Arriving, Rest};
use clock::Timestamp;

/// What belongs to an HTTP/1 connection and has no place here (RFC 9113, section 8.2.2).
const OF_THE_CONNECTION: [&str; 5] = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];

/// A request as actix-web takes it, and what will be left of its body.
pub(super) fn request_of(request: http::Request<RecvStream>, peer: Option<SocketAddr>) -> (Request, Option<Rest>) {
    let (parts, body) = request.into_parts();
    let (payload, rest) = if body.is_end_stream() {
        (Payload::None, None)
    } else {
        let (body, rest) = Arriving::new(body);
        (Payload::Stream { payload: body.boxed_local() }, Some(rest))
    };
    let mut request = Request::with_payload(payload);
    let head = request.head_mut();
    // What one version of the http crate takes for a method or a URI, the other one does too.
    head.method = Method::from_bytes(parts.method.as_str().as_bytes()).unwrap_or_default();
    head.uri = Uri::try_from(parts.uri.to_string()).unwrap_or_default();
    head.version = Version::HTTP_2;
    head.peer_addr = peer;
    let mut cookies: Vec<u8> = Vec::new();
    for (name, value) in &parts.headers {
        if name == http::header::COOKIE {
            // May come in pieces, and is one header to everybody who reads it (RFC 9113, section 8.2.3).
            if !cookies.is_empty() {
                cookies.extend_from_slice(b"; ");
            }
            cookies.extend_from_slice(value.as_bytes());
        } else if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_str().as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
        {
            head.headers.append(name, value);
        }
    }
    if let (false, Ok(cookies)) = (cookies.is_empty(), HeaderValue::from_bytes(&cookies)) {
        head.headers.append(header::COOKIE, cookies);
    }
    (request, rest)
}

/// An answer's head as HTTP/2 has it, and its body.
pub(super) fn response_of(response: Response<BoxBody>, now: Timestamp) -> (http::Response<()>, BoxBody) {
    let mut head = http::Response::new(());
    *head.status_mut() = http::StatusCode::from_u16(response.status().as_u16()).unwrap_or_default();
    let headers = head.headers_mut();
    for (name, value) in response.headers() {
        if !OF_THE_CONNECTION.contains(&name.as_str())
            && let (Ok(name), Ok(value)) = (
                http::HeaderName::from_bytes(name.as_str().as_bytes()),
                http::HeaderValue::from_bytes(value.as_bytes()),
            )
        {
            headers.append(name, value);
        }
    }
    if let BodySize::Sized(length) = response.body().size() {
        headers.insert(http::header::CONTENT_LENGTH, length.into());
    }
    if let Ok(date) = HttpDate::from(SystemTime::from(now)).to_string().parse() {
        headers.insert(http::header::DATE, date);
    }
    (head, response.into_body())
}
