//! Rate limit by client address, before authentication. It covers every route of the public listener but the probes: a
//! load balancer sends those from few addresses and always needs a response.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;

use super::problem::Problem;
use super::{AppState, client};

/// The middleware of the rate limit by address.
pub(super) async fn by_address(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    // The admin listener has neither this state nor this limit.
    if let Some(app) = request.app_data::<web::Data<AppState>>()
        && !matches!(request.path(), "/livez" | "/readyz")
        && let Err(exceeded) = app.limits.take_request(client(request.request()))
    {
        // A response and not an error: an error would bypass the middleware around this one.
        return Ok(request.error_response(Problem::from(exceeded)));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}
