//! Header fields of every response. They forbid to store, sniff or frame a response, or to render it as a page.

use actix_web::HttpResponse;
use actix_web::dev::ServiceResponse;
use actix_web::http::ConnectionType;
use actix_web::http::header::{self, HeaderValue};

use super::header_names::REQUEST_ID;

/// Sets the header fields of every response.
pub(super) fn set<B>(response: &mut ServiceResponse<B>, id: HeaderValue, is_draining: bool) {
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::VARY, "Authorization, Origin"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        // actix-cors sets it on every response. Without an allowed origin it has no meaning, and requests from other
        // origins get no CORS headers at all.
        headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    if is_draining {
        // Clients with a keep-alive connection connect to another server before this one ends.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
}

/// Replaces the response and keeps the CORS headers, which the middleware in between has set.
pub(super) fn with_response<B>(replaced: ServiceResponse<B>, mut response: HttpResponse) -> ServiceResponse {
    for (name, value) in replaced.headers() {
        if name.as_str().starts_with("access-control-") {
            response.headers_mut().append(name.clone(), value.clone());
        }
    }
    replaced.into_response(response)
}
