//! The public listener: its routes, with one file for each resource, and the middleware of both listeners.

mod access_log;
mod address_rate_limit;
pub(crate) mod audit;
mod authenticate;
pub(crate) mod body;
mod client_address;
mod connection_limits;
mod credentials;
mod door;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod h2;
mod h2_bodies;
mod h2_messages;
mod handshake;
mod header_names;
mod health;
mod identity_link;
mod listener;
mod middleware;
mod problem;
mod request_id;
mod response_headers;
mod routes;
mod socket;
mod state;
mod token;

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;

pub(crate) use client_address::client;
pub(crate) use health::{Readiness, live, ready};
pub(crate) use listener::{Listener, Reach};
pub(crate) use middleware::RequestMiddleware;
pub(crate) use problem::{Problem, ProblemType};
pub(crate) use routes::{openapi, read_only, resource};
pub(crate) use state::AppState;

use crate::tls::Tls;

/// The OpenAPI 3.1 document of the public listener.
pub const OPENAPI: &str = include_str!("../docs/openapi/public.json");

/// Binds the public listener and serves requests. `shutdown_timeout` is for requests in progress at the end.
///
/// # Errors
/// The address cannot be bound.
pub(crate) fn listen(
    app: &Arc<AppState>,
    tls: Option<Arc<Tls>>,
    shutdown_timeout: Duration,
) -> std::io::Result<Listener> {
    let settings = &app.settings;
    let reach = Reach {
        listen: settings.listen,
        tls,
        workers: settings.workers,
        max_connections: settings.max_connections,
        keep_alive: settings.keep_alive,
        head_timeout: settings.request_header_timeout,
        read_answer_timeout: settings.response_write_timeout,
        trusted_proxies: settings.trusted_proxies.clone(),
        limits_addresses: app.limits.limits_addresses(),
        origins: settings.allowed_origins.clone(),
        with_cookies: app.authenticator.takes_cookies(),
        shutdown: shutdown_timeout,
    };
    let middleware = RequestMiddleware {
        readiness: app.readiness.clone(),
        clock: app.clock.clone(),
        metrics: app.metrics.clone(),
        audit: app.audit.clone(),
        max_header_bytes: settings.max_header_bytes,
    };
    let app = app.clone();
    Listener::start(reach, middleware, move |routes| {
        routes
            .app_data(web::Data::from(app.clone()))
            .app_data(web::Data::from(app.readiness.clone()))
            .service(
                resource("/v1/token", "GET, POST, DELETE")
                    .route(web::get().to(token::get))
                    .route(web::post().to(token::post))
                    .route(web::delete().to(token::delete)),
            )
            .service(resource("/v1/identity/link", "POST").route(web::post().to(identity_link::post)))
            .service(read_only("/v1/credentials", web::get().to(credentials::get)))
            .service(openapi("/openapi.json", OPENAPI))
            .service(read_only("/livez", web::get().to(live)))
            .service(read_only("/readyz", web::get().to(ready)));
    })
}
