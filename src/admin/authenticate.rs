//! Authentication of administrators with the one configured admin credential.
//!
//! Wrong credentials are counted and audited. The length of the credential protects it: attempts of an address are
//! limited only by `limits.failed_authentications`. A limit that a stranger behind the same address can exhaust would
//! lock administrators out just when they are needed. Failed attempts at the public listener do not count here.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

use super::AdminState;
use crate::http::audit::record;
use crate::http::{Problem, ProblemType, client};
use crate::metrics::labels::AdminAuthOutcome;
use crate::secret::Secret;

impl AdminState {
    /// Requires the admin credential.
    ///
    /// # Errors
    /// The credential is missing or wrong, or none is configured.
    pub(super) fn require_admin(&self, request: &HttpRequest) -> Result<(), Problem> {
        let Some(credential) = &self.settings.credential else {
            let detail = "set admin.credential to enable administration (see tokenvend print-default-config)";
            return Err(Problem::new(ProblemType::AdminDisabled, detail));
        };
        self.check_credential(request, credential)
    }

    /// Checks the credential of the request against the admin credential.
    ///
    /// # Errors
    /// It is missing or wrong.
    pub(super) fn check_credential(&self, request: &HttpRequest, credential: &Secret) -> Result<(), Problem> {
        let client = client(request);
        self.limits.check_failed_attempts(client)?;
        let outcome = compare(request, credential);
        self.metrics.admin_authentications_total.count(outcome);
        record(request, |context| context.administrator(outcome));
        let detail = match outcome {
            AdminAuthOutcome::Verified => return Ok(()),
            AdminAuthOutcome::Missing => "send the admin credential: Authorization: Bearer CREDENTIAL",
            AdminAuthOutcome::Wrong => {
                self.limits.record_failed_attempt(client);
                let client = client.map(|client| client.ip().to_string());
                tracing::warn!(client, "wrong admin credential");
                "the admin credential is wrong"
            }
        };
        Err(Problem::unauthorized(detail, "Bearer realm=\"tokenvend-admin\""))
    }
}

/// Compares in constant time, so that the duration does not depend on how much of a wrong credential matches.
fn compare(request: &HttpRequest, credential: &Secret) -> AdminAuthOutcome {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let received = match (headers.next(), headers.next()) {
        (None, _) => return AdminAuthOutcome::Missing,
        (Some(value), None) => value.strip_prefix(b"Bearer ").unwrap_or_default(),
        (Some(_), Some(_)) => &[],
    };
    match aws_lc_rs::constant_time::verify_slices_are_equal(received, credential.expose()) {
        Ok(()) => AdminAuthOutcome::Verified,
        Err(_) => AdminAuthOutcome::Wrong,
    }
}
