//! The admin listener, on an address of its own (loopback by default): metrics, health, and identity administration
//! under `/admin/v1`. Each resource has a file; `problems` maps errors of Cognito to problems.

mod authenticate;
mod identities;
mod parameters;
mod problems;
mod state;
mod users;

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};

pub(crate) use state::AdminState;

use crate::client_address::TrustedProxies;
use crate::http::{
    Listener, Problem, ProblemType, Reach, RequestMiddleware, live, openapi, read_only, ready, resource,
};
use crate::metrics::Metrics;
use crate::metrics::labels::{Label as _, Route};
use crate::tls::Tls;

/// The OpenAPI 3.1 document of the admin listener.
pub(crate) const OPENAPI: &str = include_str!("../docs/openapi/admin.json");

/// Binds the admin listener and serves requests.
///
/// # Errors
/// The address cannot be bound.
pub(crate) fn listen(admin: &Arc<AdminState>, tls: Option<Arc<Tls>>) -> std::io::Result<Listener> {
    let reach = Reach {
        listen: admin.settings.listen,
        tls,
        workers: 1,
        max_connections: 256,
        keep_alive: Duration::from_secs(75),
        head_timeout: Duration::from_secs(5),
        read_answer_timeout: Duration::from_secs(30),
        // No proxy is expected in front of this listener: the peer is the client.
        trusted_proxies: TrustedProxies::none(),
        limits_addresses: false,
        origins: Vec::new(),
        with_cookies: false,
        shutdown: Duration::from_secs(1),
    };
    let middleware = RequestMiddleware {
        readiness: admin.readiness.clone(),
        clock: admin.clock.clone(),
        metrics: admin.metrics.clone(),
        audit: admin.audit.clone(),
        max_header_bytes: 16 * 1024,
    };
    let admin = admin.clone();
    Listener::start(reach, middleware, move |routes| {
        routes
            .app_data(web::Data::from(admin.clone()))
            .app_data(web::Data::from(admin.readiness.clone()))
            .service(read_only("/metrics", web::get().to(metrics)))
            .service(read_only("/livez", web::get().to(live)))
            .service(read_only("/readyz", web::get().to(ready)))
            .configure(identity_admin);
    })
}

/// The resources of identity administration. Each path is the text of its route in the metrics.
fn identity_admin(routes: &mut web::ServiceConfig) {
    routes
        .service(openapi(Route::AdminOpenApi.text(), OPENAPI))
        .service(read_only(Route::AdminUser.text(), web::get().to(users::lookup)))
        .service(resource(Route::AdminCache.text(), "DELETE").route(web::delete().to(users::purge)))
        .service(resource(Route::AdminMerge.text(), "POST").route(web::post().to(users::merge)))
        .service(read_only(Route::AdminIdentities.text(), web::get().to(identities::list)))
        .service(resource(Route::AdminDelete.text(), "POST").route(web::post().to(identities::delete_all)))
        .service(
            resource(Route::AdminIdentity.text(), "GET, DELETE")
                .route(web::get().to(identities::describe))
                .route(web::delete().to(identities::delete)),
        )
        .service(resource(Route::AdminIdentityUser.text(), "DELETE").route(web::delete().to(identities::unlink)));
}

async fn metrics(request: HttpRequest, admin: web::Data<AdminState>) -> Result<HttpResponse, Problem> {
    if let Some(credential) = &admin.settings.credential {
        admin.check_credential(&request, credential)?;
    }
    admin.vendor.update_gauges();
    admin.authenticator.sample();
    let text = admin.metrics.exposition().map_err(|error| {
        tracing::error!(%error, "cannot encode the metrics");
        Problem::new(ProblemType::Misconfigured, "the metrics cannot be encoded")
    })?;
    Ok(HttpResponse::Ok().content_type(Metrics::MEDIA_TYPE).body(text))
}
