//! Maps errors of the identity registry to problems, for each operation. AWS's own messages go to the log, with the
//! request's id. The detail names a missing IAM action, because the administrator has to allow it.

use std::time::Duration;

use actix_web::HttpRequest;

use crate::http::audit::request_id;
use crate::http::{Problem, ProblemType};
use crate::issuer::identity_registry::{DeleteFailureReason, RegistryError, RegistryErrorKind};

/// Problem type and detail of the errors whose meaning depends on the operation.
#[derive(Debug)]
pub(super) struct ErrorMapping {
    operation: &'static str,
    not_found: (ProblemType, &'static str),
    conflict: (ProblemType, &'static str),
    unacceptable: (ProblemType, &'static str),
}

const NO_USER: (ProblemType, &str) = (
    ProblemType::UnknownUser,
    "the user is unknown to Cognito in this pool; a user becomes known with its first token",
);
const NO_IDENTITY: (ProblemType, &str) =
    (ProblemType::UnknownIdentity, "the identity is unknown to Cognito, or not in this pool");
const NO_PAGE: (ProblemType, &str) =
    (ProblemType::InvalidRequest, "nextToken is not from the previous page of the same request");
const CONFLICT: (ProblemType, &str) =
    (ProblemType::IdentityMismatch, "the user and the identity exist, but the user does not belong to the identity");

pub(super) const LOOKUP: ErrorMapping =
    ErrorMapping { operation: "lookup", not_found: NO_USER, conflict: CONFLICT, unacceptable: NO_PAGE };

pub(super) const DESCRIBE: ErrorMapping =
    ErrorMapping { operation: "describe", not_found: NO_IDENTITY, conflict: CONFLICT, unacceptable: NO_PAGE };

pub(super) const LIST: ErrorMapping =
    ErrorMapping { operation: "list", not_found: NO_IDENTITY, conflict: CONFLICT, unacceptable: NO_PAGE };

pub(super) const MERGE: ErrorMapping = ErrorMapping {
    operation: "merge",
    not_found: (ProblemType::UnknownUser, "one of the two users, or both, are unknown to Cognito in this pool"),
    conflict: (
        ProblemType::LoginConflict,
        "both users have a login of the same public provider, and an identity can have only one of each",
    ),
    unacceptable: (
        ProblemType::MergeRejected,
        "Cognito does not merge these users, for example because they have more than 20 logins together",
    ),
};

pub(super) const UNLINK: ErrorMapping = ErrorMapping {
    operation: "unlink",
    not_found: (ProblemType::UnknownUser, "the user or the identity is unknown to Cognito in this pool"),
    conflict: CONFLICT,
    unacceptable: CONFLICT,
};

pub(super) const DELETE: ErrorMapping =
    ErrorMapping { operation: "delete", not_found: NO_IDENTITY, conflict: CONFLICT, unacceptable: NO_IDENTITY };

impl ErrorMapping {
    /// The problem for an error. Logs the error, with what must not be in the response.
    pub(super) fn problem(&self, request: &HttpRequest, error: &RegistryError) -> Problem {
        let (operation, request_id) = (self.operation, request_id(request));
        let (problem_type, detail) = match error.kind {
            RegistryErrorKind::NotFound => self.not_found,
            RegistryErrorKind::Conflict => self.conflict,
            RegistryErrorKind::InvalidParameter => self.unacceptable,
            RegistryErrorKind::RateLimited(after) => {
                tracing::info!(operation, request_id, "identity admin call rate limited");
                let detail = "too many identity admin calls (admin.rate_limit); try again later";
                return Problem::new(ProblemType::CallRateLimited, detail).retry_after(after);
            }
            RegistryErrorKind::Throttled => {
                tracing::warn!(operation, request_id, %error, "identity admin call throttled");
                let detail = "the AWS account's quota for this operation is exceeded; nothing was changed";
                return Problem::new(ProblemType::UpstreamUnavailable, detail).retry_after(Duration::from_secs(2));
            }
            RegistryErrorKind::Unavailable => {
                tracing::warn!(operation, request_id, %error, "identity admin call failed");
                let detail = "Cognito did not respond; the operation may have been done or not: look it up";
                return Problem::new(ProblemType::UpstreamUnavailable, detail).retry_after(Duration::from_secs(5));
            }
            RegistryErrorKind::Denied { action } => {
                tracing::error!(operation, request_id, %error, "missing IAM permission");
                let detail = format!("allow this service cognito-identity:{action} in IAM (deploy/iam/README.md)");
                return Problem::new(ProblemType::Misconfigured, detail);
            }
            RegistryErrorKind::Misconfigured => {
                tracing::error!(operation, request_id, %error, "identity admin call failed");
                let detail = "the service cannot call Cognito; the cause is in its log, with this request's id";
                return Problem::new(ProblemType::Misconfigured, detail);
            }
        };
        tracing::info!(operation, request_id, %error, "identity admin call rejected");
        Problem::new(problem_type, detail)
    }
}

/// The problem for an identity that was not deleted.
pub(super) fn delete_failure(reason: DeleteFailureReason) -> Problem {
    match reason {
        DeleteFailureReason::Unknown => Problem::new(
            ProblemType::UnknownIdentity,
            "this pool has no such identity with a developer user; the service deletes no others",
        ),
        DeleteFailureReason::Denied => Problem::new(
            ProblemType::Misconfigured,
            "Cognito denies the call: allow this service cognito-identity:DeleteIdentities in IAM (deploy/iam/README.md)",
        ),
        DeleteFailureReason::Failed => {
            Problem::new(ProblemType::UpstreamUnavailable, "Cognito could not delete it now; try again later")
                .retry_after(Duration::from_secs(5))
        }
    }
}
