//! The limit on addresses: before a credential is looked at, and around everything on the public listener but the
//! probes, which a load balancer sends from few addresses and must always have answered.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web;

use super::problem::Problem;
use super::{AppState, client};

/// The middleware that lets an address ask as often as it may.
pub(super) async fn by_address(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if let Err(problem) = check(&request) {
        // As an answer and not as an error: those end the way out for the layers around, `trace` among them.
        return Ok(request.error_response(problem));
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

fn check(request: &ServiceRequest) -> Result<(), Problem> {
    // The admin listener has no such service; and no such limit, so that it does not come here.
    let Some(service) = request.app_data::<web::Data<AppState>>() else { return Ok(()) };
    if matches!(request.path(), "/livez" | "/readyz") {
        return Ok(());
    }
    Ok(service.limits.take_request(client(request.request()))?)
}
