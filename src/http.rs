//! The public listener: its routes, with one file for each resource, and the middleware of both listeners.

mod access_log;
mod address_rate_limit;
pub(crate) mod audit;
mod authenticate;
pub(crate) mod body;
mod client_address;
mod credentials;
mod door;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod h2;
mod h2_bodies;
mod h2_messages;
mod handshake;
mod headers;
mod health;
mod identity_link;
mod listener;
mod middleware;
mod openapi;
mod problem;
mod request_id;
mod response_headers;
mod socket;
mod token;

use std::sync::Arc;
use std::time::Duration;

use actix_web::{Resource, Route, web};

pub(crate) use client_address::client;
pub(crate) use health::{Readiness, live, ready};
pub(crate) use listener::{Listener, Reach};
pub(crate) use middleware::RequestMiddleware;
pub use openapi::DOCUMENT as OPENAPI;
pub(crate) use problem::{Problem, ProblemType};

use crate::audit::AuditTrail;
use crate::auth::AuthenticatorChain;
use crate::config::HttpSettings;
use crate::linking::Linker;
use crate::metrics::Metrics;
use crate::pools::Pools;
use crate::rate_limit::RateLimiter;
use crate::tls::Tls;
use crate::vending::TokenVendor;
use clock::SharedClock;

/// Shared state of the resources.
#[derive(Debug)]
pub(crate) struct AppState {
    pub(crate) settings: HttpSettings,
    pub(crate) pools: Pools,
    pub(crate) authenticator: Arc<AuthenticatorChain>,
    pub(crate) limits: Arc<RateLimiter>,
    pub(crate) vendor: Arc<TokenVendor>,
    pub(crate) linker: Arc<Linker>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Arc<AuditTrail>,
}

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
        head_timeout: settings.head_timeout,
        read_answer_timeout: settings.read_answer_timeout,
        hops: settings.hops.clone(),
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
            .service(read_only("/openapi.json", web::get().to(openapi::get)))
            .service(read_only("/livez", web::get().to(live)))
            .service(read_only("/readyz", web::get().to(ready)));
    })
}

/// A resource with these methods; other methods get 405 with `Allow`.
pub(crate) fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        Problem::new(ProblemType::MethodNotAllowed, format!("this resource supports {methods}"))
            .allow(methods)
    }))
}

/// A resource with GET only.
pub(crate) fn read_only(path: &str, get: Route) -> Resource {
    resource(path, "GET").route(get)
}

async fn not_found() -> Problem {
    Problem::new(ProblemType::NotFound, "this resource does not exist")
}
