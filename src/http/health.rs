//! Liveness and readiness, the same on both listeners.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::json;

use super::problem::{Problem, ProblemType};
use crate::auth::AuthenticatorChain;

/// State of the readiness probe.
#[derive(Debug)]
pub(crate) struct Readiness {
    authenticator: Arc<AuthenticatorChain>,
    credentials_found: AtomicBool,
    draining: AtomicBool,
}

impl Readiness {
    pub(crate) fn new(authenticator: Arc<AuthenticatorChain>) -> Self {
        Self { authenticator, credentials_found: AtomicBool::new(false), draining: AtomicBool::new(false) }
    }

    /// Records that AWS credentials were found.
    pub(crate) fn found_credentials(&self) {
        self.credentials_found.store(true, Ordering::Relaxed);
    }

    /// Records that the shutdown has begun.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Reasons why the service is not ready.
    fn missing(&self) -> Vec<&'static str> {
        let checks = [
            (self.authenticator.is_ready(), "the app's signing keys have not been fetched yet"),
            (self.credentials_found.load(Ordering::Relaxed), "no aws credentials have been found yet"),
            (!self.is_draining(), "the service is shutting down"),
        ];
        checks.into_iter().filter(|(is_met, _)| !is_met).map(|(_, missing)| missing).collect()
    }
}

/// `GET /livez`: the process responds.
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "live"}))
}

/// `GET /readyz`: the service can serve requests.
pub(crate) async fn ready(readiness: web::Data<Readiness>) -> Result<HttpResponse, Problem> {
    match readiness.missing().as_slice() {
        [] => Ok(HttpResponse::Ok().json(json!({"status": "ready"}))),
        missing => Err(Problem::new(ProblemType::NotReady, missing.join("; ")).retry_after(Duration::from_secs(1))),
    }
}
