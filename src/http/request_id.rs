//! Request ids: taken over from the proxy in front of the service, or generated.

use actix_web::http::header::{HeaderMap, HeaderValue};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::header_names::REQUEST_ID;

/// Maximum length of a request id that is taken over.
const MAX_LEN: usize = 128;

/// The id in the request's header, if it is safe in a log line; else a new one.
pub(super) fn from_headers(headers: &HeaderMap) -> HeaderValue {
    let received = headers.get(REQUEST_ID).filter(|id| {
        (1..=MAX_LEN).contains(&id.len())
            && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
    });
    received.cloned().unwrap_or_else(|| {
        let mut text = [0; Hyphenated::LENGTH];
        let id = Uuid::new_v4().hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("unknown"))
    })
}
