//! The admin listener: metrics and health, on an address of its own, loopback by default.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::audit::AuditTrail;
use crate::auth::Authenticator;
use crate::clock::SharedClock;
use crate::config::AdminSettings;
use crate::http::{Code, Listener, Problem, Reach, Readiness, Trace, live, read_only, ready};
use crate::metrics::Metrics;
use crate::secret::Secret;
use crate::vending::TokenVendor;

/// What the admin listener works with.
#[derive(Debug)]
pub(crate) struct Admin {
    pub(crate) settings: AdminSettings,
    pub(crate) authenticator: Arc<Authenticator>,
    pub(crate) vendor: Arc<TokenVendor>,
    pub(crate) readiness: Arc<Readiness>,
    pub(crate) clock: SharedClock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) audit: Arc<AuditTrail>,
}

/// Binds the admin listener and begins to answer.
///
/// # Errors
/// The address cannot be had.
pub(crate) fn listen(admin: &Arc<Admin>) -> std::io::Result<Listener> {
    let reach = Reach {
        listen: admin.settings.listen,
        workers: 1,
        max_connections: 256,
        keep_alive: Duration::from_secs(75),
        head_timeout: Duration::from_secs(5),
        read_answer_timeout: Duration::from_secs(30),
        origins: Vec::new(),
        shutdown: Duration::from_secs(1),
    };
    let trace = Trace {
        readiness: admin.readiness.clone(),
        clock: admin.clock.clone(),
        metrics: admin.metrics.clone(),
        audit: admin.audit.clone(),
        max_header_bytes: 16 * 1024,
    };
    let admin = admin.clone();
    Listener::start(&reach, trace, move |app| {
        app.app_data(web::Data::from(admin.clone()))
            .app_data(web::Data::from(admin.readiness.clone()))
            .service(read_only("/metrics", web::get().to(metrics)))
            .service(read_only("/livez", web::get().to(live)))
            .service(read_only("/readyz", web::get().to(ready)));
    })
}

async fn metrics(request: HttpRequest, admin: web::Data<Admin>) -> Result<HttpResponse, Problem> {
    if let Some(credential) = &admin.settings.credential {
        demand(&request, credential)?;
    }
    admin.vendor.sample();
    admin.authenticator.sample();
    let text = admin.metrics.exposition().map_err(|error| {
        tracing::error!(%error, "cannot encode the metrics");
        Problem::new(Code::Misconfigured, "the metrics cannot be encoded")
    })?;
    Ok(HttpResponse::Ok().content_type(Metrics::MEDIA_TYPE).body(text))
}

/// Lets nobody in without the admin credential. Compared in constant time: the time that a wrong guess takes
/// does not tell how much of it was right.
fn demand(request: &HttpRequest, credential: &Secret) -> Result<(), Problem> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let given = match (headers.next(), headers.next()) {
        (Some(value), None) => value.strip_prefix(b"Bearer ").unwrap_or_default(),
        _ => &[],
    };
    aws_lc_rs::constant_time::verify_slices_are_equal(given, credential.expose()).map_err(|_| {
        Problem::unauthorized("the admin credential is missing or wrong", "Bearer realm=\"tokenvend-admin\"")
    })
}
