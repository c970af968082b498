//! Who may do what only administrators do: whoever has the one credential that is configured.
//!
//! Wrong guesses are counted and recorded. What protects the credential is its length: how often an address may
//! guess is limited only where the configuration says so (`limits.failed_authentications`), because a limit that a stranger
//! behind the same address can use up locks out those who look after the service just when they are needed. What is
//! guessed at the public listener is counted there, and never here.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

use super::AdminState;
use crate::http::audit::note;
use crate::http::{Problem, ProblemType, client};
use crate::metrics::labels::AdminAuth;
use crate::secret::Secret;

impl AdminState {
    /// Lets an administrator in.
    ///
    /// # Errors
    /// The credential is missing or wrong, or there is none that would do.
    pub(super) fn admit(&self, request: &HttpRequest) -> Result<(), Problem> {
        let Some(credential) = &self.settings.credential else {
            let detail = "set admin.credential to switch this on (tokenvend print-default-config says how)";
            return Err(Problem::new(ProblemType::AdminDisabled, detail));
        };
        self.demand(request, credential)
    }

    /// Lets nobody in without the admin credential.
    ///
    /// # Errors
    /// It is missing or wrong.
    pub(super) fn demand(&self, request: &HttpRequest, credential: &Secret) -> Result<(), Problem> {
        let client = client(request);
        // Nor may an address guess without end.
        self.limits.may_try(client)?;
        let outcome = judge(request, credential);
        self.metrics.admin_auth_total.count(outcome);
        note(request, |facts| facts.administrator(outcome));
        let detail = match outcome {
            AdminAuth::Verified => return Ok(()),
            AdminAuth::Missing => "send the admin credential: Authorization: Bearer CREDENTIAL",
            AdminAuth::Wrong => {
                self.limits.failed(client);
                let client = client.map(|client| client.ip().to_string());
                tracing::warn!(client, "a wrong admin credential was tried");
                "the admin credential is wrong"
            }
        };
        Err(Problem::unauthorized(detail, "Bearer realm=\"tokenvend-admin\""))
    }
}

/// Compared in constant time: the time that a wrong guess takes does not tell how much of it was right.
fn judge(request: &HttpRequest, credential: &Secret) -> AdminAuth {
    let mut headers = request.headers().get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let given = match (headers.next(), headers.next()) {
        (None, _) => return AdminAuth::Missing,
        (Some(value), None) => value.strip_prefix(b"Bearer ").unwrap_or_default(),
        (Some(_), Some(_)) => &[],
    };
    match aws_lc_rs::constant_time::verify_slices_are_equal(given, credential.expose()) {
        Ok(()) => AdminAuth::Verified,
        Err(_) => AdminAuth::Wrong,
    }
}
