//! What every request passes, on both listeners: its id, the limit on its headers, its count, its time, its one
//! log line, and the headers that every answer bears.

use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpResponse, web};
use uuid::Uuid;
use uuid::fmt::Hyphenated;

use super::audit::{self, AuditedResponse};
use super::health::Readiness;
use super::problem::{Problem, ProblemType};
use super::token::CACHE;
use crate::audit::AuditTrail;
use crate::metrics::Metrics;
use crate::metrics::labels::{Route, Source};
use clock::SharedClock;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is taken over from whoever stands before us.
const LONGEST_ID: usize = 128;

/// What tracing needs.
#[derive(Debug)]
pub(crate) struct RequestMiddleware {
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Arc<AuditTrail>,
    pub(crate) max_header_bytes: usize,
}

/// The middleware around every route.
pub(super) async fn trace<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let Some(trace) = request.app_data::<web::Data<RequestMiddleware>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let started = trace.clock.monotonic();
    let id_header = request_id(request.headers());
    let id = id_header.to_str().unwrap_or_default();
    let route = route(&request);
    trace.metrics.http_requests_in_flight.inc();
    let _in_flight = InFlight(&trace.metrics);
    let act = audit::act(&trace.audit, &request, route, id);

    let mut response = if header_bytes(request.headers()) > trace.max_header_bytes {
        let detail = format!("all headers together may have {} bytes", trace.max_header_bytes);
        request
            .into_response(Problem::new(ProblemType::HeadersTooLarge, detail).answer(id))
            .map_into_right_body()
    } else {
        with_id(next.call(request).await?, id)
    };
    if let Some(act) = act {
        let (at, took) = (trace.clock.now(), trace.clock.monotonic().saturating_sub(started));
        let recorded = audit::tell(&trace.audit, &response, AuditedResponse { act, at, took }).await;
        if recorded.is_err() && response.status().is_success() {
            response = replaced(response, audit::unrecorded().answer(id)).map_into_right_body();
        }
    }
    let status = response.status();
    mark(&mut response, id_header, trace.readiness.is_draining());
    let took = trace.clock.monotonic().saturating_sub(started);
    trace.metrics.http_requests_total.count(route, status.as_u16());
    trace.metrics.http_request_duration_seconds.observe(route, took);
    log(&response, route, status, took);
    Ok(response)
}

/// Counts the request as done, also where its client hangs up and this future is dropped.
struct InFlight<'m>(&'m Metrics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.http_requests_in_flight.dec();
    }
}

/// Renders a problem again, now with the request's id in it.
fn with_id<B>(response: ServiceResponse<B>, id: &str) -> ServiceResponse<EitherBody<B>> {
    let rendered = response
        .response()
        .error()
        .and_then(|error| error.as_error::<Problem>())
        .map(|problem| problem.answer(id));
    match rendered {
        Some(rendered) => replaced(response, rendered).map_into_right_body(),
        None => response.map_into_left_body(),
    }
}

/// Another answer in the place of this one.
fn replaced<B>(response: ServiceResponse<B>, mut other: HttpResponse) -> ServiceResponse {
    // What the layers between added to the answer, for browsers, belongs to this one too.
    for (name, value) in response.headers() {
        if name.as_str().starts_with("access-control-") {
            other.headers_mut().append(name.clone(), value.clone());
        }
    }
    response.into_response(other)
}

/// The headers that every answer bears: nothing of it may be stored, sniffed, framed or shown as a page.
fn mark<B>(response: &mut ServiceResponse<B>, id: HeaderValue, draining: bool) {
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
        // actix-cors says this to everybody. It means nothing without an origin, and nothing is what others are told.
        headers.remove(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
    }
    if draining {
        // So that clients which keep their connection look for another server before this one is gone.
        response.response_mut().head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
    }
}

/// One line a request: failures as warnings, what callers did wrong and every call to Cognito as information,
/// the rest (hits, probes, scrapes) only for those who debug.
fn log<B>(response: &ServiceResponse<B>, route: Route, status: StatusCode, took: Duration) {
    use crate::metrics::labels::Label as _;
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let source = header(CACHE);
    let (method, route, status) = (response.request().method().as_str(), route.text(), status.as_u16());
    let is_over_limit = response.response().extensions().get() == Some(&ProblemType::RateLimited);
    let took_ms = took.as_micros() as f64 / 1000.0;
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                request_id = header(REQUEST_ID),
                method,
                route,
                status,
                source,
                took_ms,
                "answered"
            )
        };
    }
    match status {
        // Whoever sends too much must not write the log full as well; `limits` tells of it once a minute.
        _ if is_over_limit => line!(debug),
        500.. => line!(warn),
        400..=499 => line!(info),
        _ if source.is_some_and(|source| source != Source::Hit.text()) => line!(info),
        _ => line!(debug),
    }
}

/// The id that whoever stands before us gave the request, if it is harmless in a log line; else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(REQUEST_ID).filter(|id| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.as_bytes().iter().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
    });
    given.cloned().unwrap_or_else(|| {
        let mut text = [0; Hyphenated::LENGTH];
        let id = Uuid::new_v4().hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(id).unwrap_or(HeaderValue::from_static("unknown"))
    })
}

/// As they stand on the wire, with `: ` and the line's end.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn route(request: &ServiceRequest) -> Route {
    use crate::metrics::labels::Label as _;
    let path = request.path();
    let of = |path: &str| Route::ALL.iter().copied().find(|route| route.text() == path);
    // Only administrators' resources have a path with variables in it.
    let pattern = || path.starts_with("/admin/").then(|| request.match_pattern()).flatten();
    of(path).or_else(|| of(&pattern()?)).unwrap_or(Route::Other)
}
