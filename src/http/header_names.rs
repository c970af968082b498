//! Names of the header fields that are the service's own or de facto standards.

use actix_web::http::header::HeaderName;

/// The id of a request: taken over from the request, or generated.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// How the cache served a token or credentials: [`crate::metrics::labels::CacheStatus`].
pub(super) const TOKENVEND_CACHE: HeaderName = HeaderName::from_static("tokenvend-cache");
