//! Access log: one line for each request.

use std::time::Duration;

use actix_web::dev::ServiceResponse;

use super::header_names::{REQUEST_ID, TOKENVEND_CACHE};
use super::problem::ProblemType;
use crate::metrics::labels::{CacheStatus, Label as _, Route};

/// Logs a response: server errors as warnings, client errors and calls to Cognito as information. Cache hits, probes
/// and scrapes are logged at debug.
pub(super) fn log<B>(response: &ServiceResponse<B>, route: Route, duration: Duration) {
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let cache = header(TOKENVEND_CACHE);
    let status = response.status().as_u16();
    let (method, route) = (response.request().method().as_str(), route.text());
    let is_rate_limited = response.response().extensions().get() == Some(&ProblemType::RateLimited);
    let duration_ms = duration.as_micros() as f64 / 1000.0;
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id = header(REQUEST_ID),
                method,
                route,
                status,
                cache,
                duration_ms,
                "request completed"
            )
        };
    }
    match status {
        // A client over an inbound rate limit must not fill the log as well; `rate_limit` warns once a minute.
        _ if is_rate_limited => line!(debug),
        500.. => line!(warn),
        400..=499 => line!(info),
        _ if cache.is_some_and(|cache| cache != CacheStatus::Hit.text()) => line!(info),
        _ => line!(debug),
    }
}
