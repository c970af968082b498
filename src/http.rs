//! The public listener: the route table, and what every request passes on its way in. One file a resource.

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
mod health;
mod identity_link;
mod listener;
mod middleware;
mod openapi;
mod problem;
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

/// What the resources work with.
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

/// Binds the public listener and begins to answer. `shutdown`: how long requests under way may take at the end.
///
/// # Errors
/// The address cannot be had.
pub(crate) fn listen(
    service: &Arc<AppState>,
    tls: Option<Arc<Tls>>,
    shutdown: Duration,
) -> std::io::Result<Listener> {
    let settings = &service.settings;
    let reach = Reach {
        listen: settings.listen,
        tls,
        workers: settings.workers,
        max_connections: settings.max_connections,
        keep_alive: settings.keep_alive,
        head_timeout: settings.request_header_timeout,
        read_answer_timeout: settings.response_write_timeout,
        hops: settings.trusted_proxies.clone(),
        limits_addresses: service.limits.limits_addresses(),
        origins: settings.allowed_origins.clone(),
        with_cookies: service.authenticator.takes_cookies(),
        shutdown,
    };
    let trace = RequestMiddleware {
        readiness: service.readiness.clone(),
        clock: service.clock.clone(),
        metrics: service.metrics.clone(),
        audit: service.audit.clone(),
        max_header_bytes: settings.max_header_bytes,
    };
    let service = service.clone();
    Listener::start(reach, trace, move |app| {
        app.app_data(web::Data::from(service.clone()))
            .app_data(web::Data::from(service.readiness.clone()))
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

/// A resource that takes these methods, and tells whoever tries another one.
pub(crate) fn resource(path: &str, methods: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        Problem::new(ProblemType::MethodNotAllowed, format!("this resource takes {methods}"))
            .allowing(methods)
    }))
}

/// A resource that is only read.
pub(crate) fn read_only(path: &str, get: Route) -> Resource {
    resource(path, "GET").route(get)
}

async fn not_found() -> Problem {
    Problem::new(ProblemType::NotFound, "there is no such resource here")
}
