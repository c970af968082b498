//! Errors as callers see them: RFC 9457 problem details with a stable type. What is told here is for strangers;
//! what only the operator may know was logged where it happened.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use serde::Serialize;

use crate::auth::{ActAsError, AuthError, RejectionReason};
use crate::authorization::AuthorizationError;
use crate::issuer::IssueErrorKind;
use crate::metrics::labels::Limit;
use crate::rate_limit::RateLimitExceeded;
use crate::vending::VendError;

/// The challenge to a credential that was presented and does not do (RFC 6750, section 3.1).
const INVALID_TOKEN: &str = "Bearer realm=\"tokenvend\", error=\"invalid_token\"";

/// The kinds of problems. Their names are part of the contract, in `urn:tokenvend:error:NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProblemType {
    InvalidRequest,
    Unauthorized,
    SessionEnding,
    InsufficientCredential,
    CrossSite,
    NotTheGateway,
    NotAService,
    NotForServices,
    UserRequired,
    UserForbidden,
    PoolForbidden,
    TagsUnfit,
    UnknownPool,
    CredentialsDisabled,
    NotFound,
    MethodNotAllowed,
    RequestTimeout,
    AlreadyRegistered,
    LoginTaken,
    LinkingDisabled,
    ProviderNotAllowed,
    GuestAlreadyLinked,
    LoginRefused,
    GuestTokenRefused,
    BodyTooLarge,
    UnsupportedMediaType,
    LifeOutOfReach,
    RateLimited,
    HeadersTooLarge,
    Misconfigured,
    AuthUnavailable,
    UpstreamUnavailable,
    NotReady,
    AuditUnavailable,
    AdminDisabled,
    UnknownUser,
    UnknownIdentity,
    NotLinked,
    LoginsCollide,
    Unmergeable,
    TooManyRequests,
}

impl ProblemType {
    /// Status, name and title.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "invalid-request", "The request is malformed"),
            Self::Unauthorized => {
                (StatusCode::UNAUTHORIZED, "unauthorized", "The credential is not accepted")
            }
            Self::SessionEnding => {
                (StatusCode::UNAUTHORIZED, "session-ending", "The credential ends too soon")
            }
            Self::InsufficientCredential => {
                (StatusCode::FORBIDDEN, "insufficient-credential", "The credential does not suffice")
            }
            Self::CrossSite => {
                (StatusCode::FORBIDDEN, "cross-site", "The request may come from another site")
            }
            Self::NotTheGateway => {
                (StatusCode::FORBIDDEN, "not-the-gateway", "The request does not come from the gateway")
            }
            Self::NotAService => (StatusCode::FORBIDDEN, "not-a-service", "Only services name users"),
            Self::NotForServices => {
                (StatusCode::FORBIDDEN, "not-for-services", "The resource is for users themselves")
            }
            Self::UserRequired => (StatusCode::BAD_REQUEST, "user-required", "The service names no user"),
            Self::UserForbidden => {
                (StatusCode::FORBIDDEN, "user-forbidden", "The service may not act for this user")
            }
            Self::PoolForbidden => {
                (StatusCode::FORBIDDEN, "pool-forbidden", "The pool is not open to this caller")
            }
            Self::TagsUnfit => {
                (StatusCode::FORBIDDEN, "tags-unfit", "The credential does not make the tags that are needed")
            }
            Self::UnknownPool => (StatusCode::NOT_FOUND, "unknown-pool", "There is no pool of that name"),
            Self::CredentialsDisabled => {
                (StatusCode::NOT_FOUND, "credentials-disabled", "The pool hands out no AWS credentials")
            }
            Self::NotFound => (StatusCode::NOT_FOUND, "not-found", "There is no such resource"),
            Self::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method-not-allowed",
                "The resource does not take this method",
            ),
            Self::RequestTimeout => {
                (StatusCode::REQUEST_TIMEOUT, "request-timeout", "The request took too long to arrive")
            }
            Self::AlreadyRegistered => {
                (StatusCode::CONFLICT, "already-registered", "The user is registered under another identity")
            }
            Self::LoginTaken => {
                (StatusCode::CONFLICT, "login-taken", "The login belongs to another identity")
            }
            Self::LinkingDisabled => {
                (StatusCode::FORBIDDEN, "linking-disabled", "The pool does not link such")
            }
            Self::ProviderNotAllowed => {
                (StatusCode::FORBIDDEN, "provider-not-allowed", "Logins of that provider are not linked")
            }
            Self::GuestAlreadyLinked => {
                (StatusCode::CONFLICT, "guest-already-linked", "The guest has become a user already")
            }
            Self::LoginRefused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "login-refused", "A login is not accepted")
            }
            Self::GuestTokenRefused => {
                (StatusCode::UNPROCESSABLE_ENTITY, "guest-token-refused", "The guest's token is not accepted")
            }
            Self::BodyTooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large"),
            Self::UnsupportedMediaType => {
                (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", "The body is not JSON")
            }
            Self::LifeOutOfReach => {
                (StatusCode::UNPROCESSABLE_ENTITY, "life-out-of-reach", "No token can live that long")
            }
            Self::RateLimited => (StatusCode::TOO_MANY_REQUESTS, "rate-limited", "Too much was asked for"),
            Self::HeadersTooLarge => (
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "The headers are too large",
            ),
            Self::Misconfigured => {
                (StatusCode::INTERNAL_SERVER_ERROR, "misconfigured", "The service is not set up right")
            }
            Self::AuthUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "auth-unavailable", "Credentials cannot be checked now")
            }
            Self::UpstreamUnavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "upstream-unavailable",
                "Amazon Cognito cannot be asked now",
            ),
            Self::NotReady => (StatusCode::SERVICE_UNAVAILABLE, "not-ready", "The service is not ready"),
            Self::AdminDisabled => {
                (StatusCode::NOT_FOUND, "admin-disabled", "Administration is not switched on")
            }
            Self::UnknownUser => (StatusCode::NOT_FOUND, "unknown-user", "The pool has no such user"),
            Self::UnknownIdentity => {
                (StatusCode::NOT_FOUND, "unknown-identity", "The pool has no such identity")
            }
            Self::NotLinked => {
                (StatusCode::CONFLICT, "not-linked", "The user and the identity do not belong together")
            }
            Self::LoginsCollide => {
                (StatusCode::CONFLICT, "logins-collide", "The users have logins that cannot be one user's")
            }
            Self::Unmergeable => {
                (StatusCode::UNPROCESSABLE_ENTITY, "unmergeable", "Amazon Cognito does not merge these users")
            }
            Self::TooManyRequests => {
                (StatusCode::TOO_MANY_REQUESTS, "too-many-requests", "Too much is asked at once")
            }
            Self::AuditUnavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "audit-unavailable", "What is done cannot be recorded now")
            }
        }
    }

    /// The stable name.
    pub(super) fn name(self) -> &'static str {
        self.parts().1
    }
}

/// A problem to answer with.
#[derive(Debug)]
pub(crate) struct Problem {
    code: ProblemType,
    detail: Cow<'static, str>,
    retry_after: Option<Duration>,
    allow: Option<&'static str>,
    challenge: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: &'a str,
}

impl Problem {
    pub(crate) fn new(code: ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { code, detail: detail.into(), retry_after: None, allow: None, challenge: None }
    }

    /// Says which methods would do.
    pub(super) fn allowing(self, methods: &'static str) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// Says when to come back.
    pub(crate) fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// A refused credential, with the challenge of RFC 6750, section 3.
    pub(crate) fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..Self::new(ProblemType::Unauthorized, detail) }
    }

    /// The answer, for the request of this id.
    pub(super) fn answer(&self, request_id: &str) -> HttpResponse {
        let (status, name, title) = self.code.parts();
        let mut answer = HttpResponse::build(status);
        if let Some(after) = self.retry_after {
            // Rounded up: to come back too early is to come back twice.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            answer.insert_header((header::RETRY_AFTER, seconds.max(1)));
        }
        if let Some(methods) = self.allow {
            answer.insert_header((header::ALLOW, HeaderValue::from_static(methods)));
        }
        if let Some(challenge) = self.challenge {
            answer.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
        }
        let r#type = format!("urn:tokenvend:error:{name}");
        let body = Body { r#type, title, status: status.as_u16(), detail: &self.detail, request_id };
        let mut answer = answer.content_type("application/problem+json").json(body);
        answer.extensions_mut().insert(self.code);
        answer
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Carried outwards as an error; `trace` renders it, because it knows the request's id.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.parts().0
    }

    fn error_response(&self) -> HttpResponse {
        self.answer("")
    }
}

impl Responder for Problem {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::from_error(self)
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::Rejected(refusal @ RejectionReason::Missing) => {
                Self::unauthorized(refusal.detail(), "Bearer realm=\"tokenvend\"")
            }
            AuthError::Rejected(refusal @ RejectionReason::InsufficientScope) => Self {
                challenge: Some("Bearer realm=\"tokenvend\", error=\"insufficient_scope\""),
                ..Self::new(ProblemType::InsufficientCredential, refusal.detail())
            },
            AuthError::Rejected(refusal @ RejectionReason::CrossSite) => {
                Self::new(ProblemType::CrossSite, refusal.detail())
            }
            AuthError::Rejected(refusal @ RejectionReason::UntrustedPeer) => {
                Self::new(ProblemType::NotTheGateway, refusal.detail())
            }
            AuthError::Rejected(refusal) => Self::unauthorized(refusal.detail(), INVALID_TOKEN),
            AuthError::Unavailable => {
                let detail = "what your credential is checked with cannot be had now";
                Self::new(ProblemType::AuthUnavailable, detail).retry_after(Duration::from_secs(5))
            }
        }
    }
}

impl From<RateLimitExceeded> for Problem {
    fn from(over: RateLimitExceeded) -> Self {
        let detail = match over.limit {
            Limit::Address => "your address sends too many requests; come back later",
            Limit::Failures => "too many credentials from your address were refused; come back later",
            Limit::User => "there are too many requests for this user; come back later",
        };
        Self::new(ProblemType::RateLimited, detail).retry_after(over.retry_after)
    }
}

impl From<ActAsError> for Problem {
    fn from(refusal: ActAsError) -> Self {
        let code = match refusal {
            ActAsError::NotAService => ProblemType::NotAService,
            ActAsError::UserMissing => ProblemType::UserRequired,
            ActAsError::UserInvalid => ProblemType::InvalidRequest,
            ActAsError::UserNotAllowed => ProblemType::UserForbidden,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<AuthorizationError> for Problem {
    fn from(denied: AuthorizationError) -> Self {
        match denied {
            AuthorizationError::NoMatchingRule => Self::new(
                ProblemType::PoolForbidden,
                "your credential does not give you a right to tokens of this pool",
            ),
            AuthorizationError::InvalidTags(fault) => Self::new(ProblemType::TagsUnfit, fault.to_string()),
        }
    }
}

impl From<VendError> for Problem {
    fn from(error: VendError) -> Self {
        let error = match error {
            VendError::LifeOutOfReach { most } => {
                let detail = format!("minTtl may be at most {most} seconds here");
                return Self::new(ProblemType::LifeOutOfReach, detail);
            }
            VendError::SessionEnding => {
                let detail =
                    "your credential ends too soon for a token that has to end with it; sign in anew";
                return Self {
                    challenge: Some(INVALID_TOKEN),
                    ..Self::new(ProblemType::SessionEnding, detail)
                };
            }
            VendError::CredentialsDisabled => {
                let detail = "this pool hands out no credentials; its operator can change that \
                              (pools.NAME.credentials.enabled)";
                return Self::new(ProblemType::CredentialsDisabled, detail);
            }
            VendError::Issue(error) => error,
        };
        let unavailable = |after| {
            Self::new(
                ProblemType::UpstreamUnavailable,
                "Amazon Cognito does not give what was asked for now; try again later",
            )
            .retry_after(after)
        };
        match error.kind {
            IssueErrorKind::HeldBack(after) => unavailable(after),
            IssueErrorKind::Throttled | IssueErrorKind::Unavailable => unavailable(Duration::from_secs(2)),
            IssueErrorKind::Misconfigured | IssueErrorKind::Unacceptable | IssueErrorKind::Mismatched => {
                Self::new(
                    ProblemType::Misconfigured,
                    "the service cannot get this from Amazon Cognito; its operator finds the cause in its log",
                )
            }
            IssueErrorKind::AlreadyRegistered => Self::new(
                ProblemType::AlreadyRegistered,
                "this user is already registered under another identity",
            ),
            IssueErrorKind::LoginTaken => Self::new(
                ProblemType::LoginTaken,
                "one of this user's logins already belongs to another identity",
            ),
            IssueErrorKind::LoginRefused => Self::new(
                ProblemType::LoginRefused,
                "Amazon Cognito accepts no such login: its token may have expired, be meant for another app, or its \
                 provider may not have answered",
            ),
            IssueErrorKind::UnknownIdentity => {
                Self::new(ProblemType::UnknownIdentity, "the identity was deleted in the meantime")
            }
        }
    }
}
