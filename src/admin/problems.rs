//! What a no of the registry's means, act by act, and what to do about it. AWS's own words go to the log, under
//! the request's id; an administrator is told the IAM action that is missing, because that is what to mend.

use std::time::Duration;

use actix_web::HttpRequest;

use crate::http::audit::request_id;
use crate::http::{Problem, ProblemType};
use crate::issuer::registry::{DeleteFailureReason, RegistryError, RegistryErrorKind};

/// What the noes that depend on the act mean for one act: code and detail.
#[derive(Debug)]
pub(super) struct ErrorMapping {
    act: &'static str,
    not_found: (ProblemType, &'static str),
    conflict: (ProblemType, &'static str),
    unacceptable: (ProblemType, &'static str),
}

const NO_USER: (ProblemType, &str) = (
    ProblemType::UnknownUser,
    "Cognito knows no such user in this pool; a user is known once it got a token",
);
const NO_IDENTITY: (ProblemType, &str) =
    (ProblemType::UnknownIdentity, "Cognito knows no such identity, or not in this pool");
const NO_PAGE: (ProblemType, &str) =
    (ProblemType::InvalidRequest, "nextToken is not one that an answer to the same question had in it");
const CONFLICT: (ProblemType, &str) =
    (ProblemType::NotLinked, "the user and the identity exist, but do not belong together");

pub(super) const LOOK_UP: ErrorMapping =
    ErrorMapping { act: "look up", not_found: NO_USER, conflict: CONFLICT, unacceptable: NO_PAGE };

pub(super) const DESCRIBE: ErrorMapping =
    ErrorMapping { act: "describe", not_found: NO_IDENTITY, conflict: CONFLICT, unacceptable: NO_PAGE };

pub(super) const LIST: ErrorMapping =
    ErrorMapping { act: "list", not_found: NO_IDENTITY, conflict: CONFLICT, unacceptable: NO_PAGE };

pub(super) const MERGE: ErrorMapping = ErrorMapping {
    act: "merge",
    not_found: (ProblemType::UnknownUser, "in this pool Cognito does not know one of the two users, or both"),
    conflict: (
        ProblemType::LoginsCollide,
        "both users have a login of one and the same public provider, and one identity can have but one of each",
    ),
    unacceptable: (
        ProblemType::Unmergeable,
        "Cognito does not merge these users; two that have more than 20 logins together, for one",
    ),
};

pub(super) const UNLINK: ErrorMapping = ErrorMapping {
    act: "unlink",
    not_found: (ProblemType::UnknownUser, "in this pool Cognito does not know the user, or the identity"),
    conflict: CONFLICT,
    unacceptable: CONFLICT,
};

pub(super) const DELETE: ErrorMapping =
    ErrorMapping { act: "delete", not_found: NO_IDENTITY, conflict: CONFLICT, unacceptable: NO_IDENTITY };

impl ErrorMapping {
    /// The problem to answer with. Logs what only the log may know.
    pub(super) fn problem(&self, request: &HttpRequest, error: &RegistryError) -> Problem {
        let (act, request_id) = (self.act, request_id(request));
        let (code, detail) = match error.kind {
            RegistryErrorKind::NotFound => self.not_found,
            RegistryErrorKind::Conflict => self.conflict,
            RegistryErrorKind::Unacceptable => self.unacceptable,
            RegistryErrorKind::HeldBack(after) => {
                let detail = "our share of Cognito's quota on such acts is spent (admin.rate_limit)";
                return Problem::new(ProblemType::TooManyRequests, detail).retry_after(after);
            }
            RegistryErrorKind::Throttled => {
                tracing::warn!(act, request_id, %error, "cognito throttles an administrator's act");
                let detail = "the account's quota on such acts is used up; nothing was done";
                return Problem::new(ProblemType::UpstreamUnavailable, detail)
                    .retry_after(Duration::from_secs(2));
            }
            RegistryErrorKind::Unavailable => {
                tracing::warn!(act, request_id, %error, "cognito gave no answer to an administrator's act");
                let detail =
                    "Cognito gave no answer; what was asked for may have been done or not: look it up";
                return Problem::new(ProblemType::UpstreamUnavailable, detail)
                    .retry_after(Duration::from_secs(5));
            }
            RegistryErrorKind::Denied { action } => {
                tracing::error!(act, request_id, %error, "an administrator's act lacks an iam right");
                let detail =
                    format!("allow this service cognito-identity:{action} in IAM (deploy/iam/README.md)");
                return Problem::new(ProblemType::Misconfigured, detail);
            }
            RegistryErrorKind::Misconfigured => {
                tracing::error!(act, request_id, %error, "an administrator's act cannot be done");
                let detail = "this service cannot ask Cognito; its log says why, under this request's id";
                return Problem::new(ProblemType::Misconfigured, detail);
            }
        };
        tracing::info!(act, request_id, %error, "cognito refused an administrator's act");
        Problem::new(code, detail)
    }
}

/// One identity that was to be deleted, and was not.
pub(super) fn undeleted(reason: DeleteFailureReason) -> Problem {
    match reason {
        DeleteFailureReason::Unknown => Problem::new(
            ProblemType::UnknownIdentity,
            "this pool has no such identity, or none with a developer user: others are not for this service to delete",
        ),
        DeleteFailureReason::Denied => Problem::new(
            ProblemType::Misconfigured,
            "Cognito denies it: allow this service cognito-identity:DeleteIdentities in IAM (deploy/iam/README.md)",
        ),
        DeleteFailureReason::Failed => {
            Problem::new(ProblemType::UpstreamUnavailable, "Cognito could not delete it now; try again later")
                .retry_after(Duration::from_secs(5))
        }
    }
}
