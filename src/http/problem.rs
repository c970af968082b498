//! Problem details (RFC 9457) with a stable type. Response bodies contain only public information: details for the
//! operator are logged where the error occurs.

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
use crate::metrics::labels::RateLimitKind;
use crate::rate_limit::RateLimitExceeded;
use crate::vending::VendError;

/// The challenge for a credential that is invalid (RFC 6750, section 3.1).
const INVALID_TOKEN: &str = "Bearer realm=\"tokenvend\", error=\"invalid_token\"";

macro_rules! problems {
    ($($name:ident => $status:literal, $code:literal, $title:literal;)+) => {
        /// Problem types. Their codes are part of the API, as `urn:tokenvend:error:CODE`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum ProblemType { $($name,)+ }

        impl ProblemType {
            fn status(self) -> StatusCode {
                let status = match self { $(Self::$name => $status,)+ };
                StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }

            /// The stable code.
            pub(super) fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)+ }
            }
        }
    };
}

problems! {
    InvalidRequest => 400, "invalid-request", "The request is malformed";
    UserRequired => 400, "user-required", "A service must name the user";
    Unauthorized => 401, "unauthorized", "The credential is missing or invalid";
    SessionExpiring => 401, "session-expiring", "The credential expires too soon";
    InsufficientCredential => 403, "insufficient-credential", "The credential lacks a required scope or claim";
    CrossSite => 403, "cross-site", "The request may come from another site";
    UntrustedPeer => 403, "untrusted-peer", "The request does not come from the gateway";
    ServiceCallerRequired => 403, "service-caller-required", "Only a service may name a user";
    UserCallerRequired => 403, "user-caller-required", "Only a user may call this resource";
    UserForbidden => 403, "user-forbidden", "The service may not act as this user";
    PoolForbidden => 403, "pool-forbidden", "The caller may not use this pool";
    InvalidPrincipalTags => 403, "invalid-principal-tags", "The credential does not yield the required principal tags";
    LinkingDisabled => 403, "linking-disabled", "The pool does not permit this kind of link";
    ProviderNotAllowed => 403, "provider-not-allowed", "The pool does not link logins of this provider";
    UnknownPool => 404, "unknown-pool", "The pool does not exist";
    CredentialsDisabled => 404, "credentials-disabled", "The pool does not vend AWS credentials";
    NotFound => 404, "not-found", "The resource does not exist";
    AdminDisabled => 404, "admin-disabled", "Administration is not enabled";
    UnknownUser => 404, "unknown-user", "The user does not exist in the pool";
    UnknownIdentity => 404, "unknown-identity", "The identity does not exist in the pool";
    MethodNotAllowed => 405, "method-not-allowed", "The resource does not support this method";
    RequestTimeout => 408, "request-timeout", "The request took too long to arrive";
    AlreadyRegistered => 409, "already-registered", "The user is registered under another identity";
    LoginTaken => 409, "login-taken", "The login belongs to another identity";
    GuestAlreadyLinked => 409, "guest-already-linked", "The guest's identity belongs to a user already";
    IdentityMismatch => 409, "identity-mismatch", "The user does not belong to the identity";
    LoginConflict => 409, "login-conflict", "The users have logins that one identity cannot have";
    BodyTooLarge => 413, "body-too-large", "The body is too large";
    UnsupportedMediaType => 415, "unsupported-media-type", "The body is not JSON";
    InvalidLogin => 422, "invalid-login", "The login is not accepted";
    InvalidGuestToken => 422, "invalid-guest-token", "The guest's token is not accepted";
    MinTtlTooLong => 422, "min-ttl-too-long", "No token has a remaining lifetime of minTtl";
    MergeRejected => 422, "merge-rejected", "Amazon Cognito does not merge these users";
    RateLimited => 429, "rate-limited", "Too many requests";
    // The call rate limit of identity administration: the same code, but the access log has it.
    CallRateLimited => 429, "rate-limited", "Too many requests";
    HeadersTooLarge => 431, "headers-too-large", "The headers are too large";
    Misconfigured => 500, "misconfigured", "The service is misconfigured";
    AuthUnavailable => 503, "auth-unavailable", "Credentials cannot be verified now";
    UpstreamUnavailable => 503, "upstream-unavailable", "Amazon Cognito is not available now";
    NotReady => 503, "not-ready", "The service is not ready";
    AuditUnavailable => 503, "audit-unavailable", "The audit event cannot be recorded now";
}

/// A problem, before it is rendered.
#[derive(Debug)]
pub(crate) struct Problem {
    problem_type: ProblemType,
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
    pub(crate) fn new(problem_type: ProblemType, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { problem_type, detail: detail.into(), retry_after: None, allow: None, challenge: None }
    }

    pub(crate) fn invalid_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ProblemType::InvalidRequest, detail)
    }

    /// Sets the `Allow` header.
    pub(super) fn allow(self, methods: &'static str) -> Self {
        Self { allow: Some(methods), ..self }
    }

    /// Sets the `Retry-After` header.
    pub(crate) fn retry_after(self, after: Duration) -> Self {
        Self { retry_after: Some(after), ..self }
    }

    /// A missing or invalid credential, with the challenge of RFC 6750, section 3.
    pub(crate) fn unauthorized(detail: &'static str, challenge: &'static str) -> Self {
        Self { challenge: Some(challenge), ..Self::new(ProblemType::Unauthorized, detail) }
    }

    /// The response to the request of this id.
    pub(super) fn render(&self, request_id: &str) -> HttpResponse {
        let problem_type = self.problem_type;
        let mut response = HttpResponse::build(problem_type.status());
        if let Some(after) = self.retry_after {
            // Rounded up: a client that retries too early has to retry twice.
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response.insert_header((header::RETRY_AFTER, seconds.max(1)));
        }
        if let Some(methods) = self.allow {
            response.insert_header((header::ALLOW, HeaderValue::from_static(methods)));
        }
        if let Some(challenge) = self.challenge {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge)));
        }
        let body = Body {
            r#type: format!("urn:tokenvend:error:{}", problem_type.code()),
            title: problem_type.title(),
            status: problem_type.status().as_u16(),
            detail: &self.detail,
            request_id,
        };
        let mut response = response.content_type("application/problem+json").json(body);
        response.extensions_mut().insert(problem_type);
        response
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

/// Passed outwards as an error; `middleware` renders it, because it knows the request's id.
impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.problem_type.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.render("")
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
        let AuthError::Rejected(reason) = error else {
            let detail = "your credential cannot be verified now";
            return Self::new(ProblemType::AuthUnavailable, detail).retry_after(Duration::from_secs(5));
        };
        let detail = reason.detail();
        match reason {
            RejectionReason::Missing => Self::unauthorized(detail, "Bearer realm=\"tokenvend\""),
            RejectionReason::InsufficientScope => Self {
                challenge: Some("Bearer realm=\"tokenvend\", error=\"insufficient_scope\""),
                ..Self::new(ProblemType::InsufficientCredential, detail)
            },
            RejectionReason::CrossSite => Self::new(ProblemType::CrossSite, detail),
            RejectionReason::UntrustedPeer => Self::new(ProblemType::UntrustedPeer, detail),
            _ => Self::unauthorized(detail, INVALID_TOKEN),
        }
    }
}

impl From<RateLimitExceeded> for Problem {
    fn from(exceeded: RateLimitExceeded) -> Self {
        let detail = match exceeded.limit {
            RateLimitKind::Address => "your address sends too many requests; try again later",
            RateLimitKind::FailedAuthentications => {
                "too many credentials from your address were rejected; try again later"
            }
            RateLimitKind::User => "there are too many requests for this user; try again later",
        };
        Self::new(ProblemType::RateLimited, detail).retry_after(exceeded.retry_after)
    }
}

impl From<ActAsError> for Problem {
    fn from(error: ActAsError) -> Self {
        let problem_type = match error {
            ActAsError::NotAService => ProblemType::ServiceCallerRequired,
            ActAsError::UserMissing => ProblemType::UserRequired,
            ActAsError::UserInvalid => ProblemType::InvalidRequest,
            ActAsError::UserNotAllowed => ProblemType::UserForbidden,
        };
        Self::new(problem_type, error.to_string())
    }
}

impl From<AuthorizationError> for Problem {
    fn from(error: AuthorizationError) -> Self {
        match error {
            AuthorizationError::NoMatchingRule => {
                Self::new(ProblemType::PoolForbidden, "your credential does not permit you to use this pool")
            }
            AuthorizationError::InvalidTags(error) => Self::new(ProblemType::InvalidPrincipalTags, error.to_string()),
        }
    }
}

impl From<VendError> for Problem {
    fn from(error: VendError) -> Self {
        let error = match error {
            VendError::MinTtlTooLong { most } => {
                let detail = format!("minTtl may be at most {most} seconds here");
                return Self::new(ProblemType::MinTtlTooLong, detail);
            }
            VendError::SessionEnding => {
                let detail = "your credential expires too soon for a token that is bound to it; sign in again";
                return Self { challenge: Some(INVALID_TOKEN), ..Self::new(ProblemType::SessionExpiring, detail) };
            }
            VendError::CredentialsDisabled => {
                let detail = "this pool does not vend AWS credentials; its operator can enable them \
                              (pools.NAME.credentials.enabled)";
                return Self::new(ProblemType::CredentialsDisabled, detail);
            }
            VendError::Issue(error) => error,
        };
        let unavailable = |after| {
            Self::new(ProblemType::UpstreamUnavailable, "Amazon Cognito cannot serve this request now; try again later")
                .retry_after(after)
        };
        match error.kind {
            IssueErrorKind::RateLimited(after) => unavailable(after),
            IssueErrorKind::Throttled | IssueErrorKind::Unavailable => unavailable(Duration::from_secs(2)),
            IssueErrorKind::Misconfigured | IssueErrorKind::InvalidParameter | IssueErrorKind::Mismatched => Self::new(
                ProblemType::Misconfigured,
                "the service cannot get this from Amazon Cognito; the cause is in its log",
            ),
            IssueErrorKind::AlreadyRegistered => {
                Self::new(ProblemType::AlreadyRegistered, "this user is already registered under another identity")
            }
            IssueErrorKind::LoginTaken => {
                Self::new(ProblemType::LoginTaken, "one of this user's logins already belongs to another identity")
            }
            IssueErrorKind::LoginRejected => Self::new(
                ProblemType::InvalidLogin,
                "Amazon Cognito does not accept the login: its token may have expired or be for another app, or its \
                 provider may not have responded",
            ),
            IssueErrorKind::UnknownIdentity => {
                Self::new(ProblemType::UnknownIdentity, "the identity was deleted in the meantime")
            }
        }
    }
}
