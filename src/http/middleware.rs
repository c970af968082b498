//! Middleware of both listeners. Each concern has a file of its own; they share one middleware, because a hit should
//! not pay for a future of each.

use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use actix_web::web;

use super::health::Readiness;
use super::problem::{Problem, ProblemType};
use super::response_headers::with_response;
use super::{access_log, audit, client_address, request_id, response_headers};
use crate::audit::AuditTrail;
use crate::metrics::labels::{Label as _, Route};
use crate::metrics::{InFlight, Metrics};
use clock::SharedClock;

/// State of the middleware.
#[derive(Debug)]
pub(crate) struct RequestMiddleware {
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Arc<AuditTrail>,
    pub(crate) max_header_bytes: usize,
}

/// The middleware around every route.
pub(super) async fn handle_request<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B>>, actix_web::Error> {
    let Some(state) = request.app_data::<web::Data<RequestMiddleware>>().cloned() else {
        return Ok(next.call(request).await?.map_into_left_body());
    };
    let started = state.clock.monotonic();
    let id_header = request_id::from_headers(request.headers());
    let id = id_header.to_str().unwrap_or_default();
    let route = route(&request);
    let _in_flight = InFlight::new(&state.metrics.http_requests_in_flight);
    client_address::resolve(&request);
    let action = audit::begin(&state.audit, &request, route, id);

    let mut response = if header_bytes(request.headers()) > state.max_header_bytes {
        let detail = format!("the headers may have {} bytes altogether", state.max_header_bytes);
        request.into_response(Problem::new(ProblemType::HeadersTooLarge, detail).render(id)).map_into_right_body()
    } else {
        with_request_id(next.call(request).await?, id)
    };
    if let Some(action) = action {
        let (at, duration) = (state.clock.now(), state.clock.monotonic().saturating_sub(started));
        let recorded = audit::record_response(&state.audit, &response, action, at, duration).await;
        if recorded.is_err() && response.status().is_success() {
            response = with_response(response, audit::unavailable().render(id)).map_into_right_body();
        }
    }
    response_headers::set(&mut response, id_header, state.readiness.is_draining());
    let duration = state.clock.monotonic().saturating_sub(started);
    state.metrics.http_requests_total.count(route, response.status().as_u16());
    state.metrics.http_request_duration_seconds.observe(route, duration);
    access_log::log(&response, route, duration);
    Ok(response)
}

/// Renders a problem again, now with the request's id.
fn with_request_id<B>(response: ServiceResponse<B>, id: &str) -> ServiceResponse<EitherBody<B>> {
    let error = response.response().error();
    let rendered = error.and_then(|error| error.as_error::<Problem>()).map(|problem| problem.render(id));
    match rendered {
        Some(rendered) => with_response(response, rendered).map_into_right_body(),
        None => response.map_into_left_body(),
    }
}

/// Size on the wire, with `: ` and the end of each line.
fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum()
}

fn route(request: &ServiceRequest) -> Route {
    let path = request.path();
    let by_text = |text: &str| Route::ALL.iter().copied().find(|route| route.text() == text);
    // Only the admin resources have a path with variables.
    let pattern = || path.starts_with("/admin/").then(|| request.match_pattern()).flatten();
    by_text(path).or_else(|| by_text(&pattern()?)).unwrap_or(Route::Other)
}
