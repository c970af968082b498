//! The port towards whoever makes tokens: what is asked, what comes back, and what can go wrong, told apart
//! by what the one who asked may do about it. Beside it [`registry`], the port towards whoever keeps identities.

pub mod cognito;
pub mod credentials;
mod logins;
pub mod registry;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::token::OpenIdToken;
use cognito_types::{
    DeveloperProvider, DeveloperUserId, IdentityId, IdentityPoolId, PrincipalTags, TokenDuration,
};
pub use logins::{LoginToken, PublicLogins};

/// Everything that shapes one token.
#[derive(Debug, Clone)]
pub struct IssueRequest {
    /// The pool that the identity belongs to.
    pub pool: IdentityPoolId,
    /// The developer provider under which the pool knows the user.
    pub provider: DeveloperProvider,
    /// The user, as the app names it.
    pub user: DeveloperUserId,
    /// The life to ask for.
    pub duration: TokenDuration,
    /// Principal tags to put into the token.
    pub tags: PrincipalTags,
    /// The identity that the token must be for. The user is registered under it, if under none yet: Cognito asks
    /// for no proof. So it is never one that a caller merely names; see `linking`. `None`: the user's own, found
    /// or created.
    pub identity: Option<IdentityId>,
    /// Public logins to link to that identity, for good.
    pub public_logins: PublicLogins,
}

/// A token fresh from its issuer. Not yet checked against the request.
#[derive(Debug)]
pub struct IssuedToken {
    /// The user's identity in the pool, found or just created.
    pub identity: IdentityId,
    /// The token.
    pub token: OpenIdToken,
    /// The issuer's own id of the call, to be found in its records.
    pub request_id: Option<Box<str>>,
}

/// Makes tokens. One call is one attempt: whoever calls decides about a second one, and pays for it.
pub trait TokenIssuer: fmt::Debug + Send + Sync + 'static {
    /// Asks once for a token.
    fn issue<'a>(&'a self, request: &'a IssueRequest) -> BoxFuture<'a, Result<IssuedToken, IssueError>>;
}

/// Why no token came back. `Clone`, because all who wait for one flight share its end.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}: {inside}")]
pub struct IssueError {
    /// What may be done about it.
    pub kind: IssueErrorKind,
    /// For the operator's eyes only: the issuer's own words, its error code and request id.
    pub inside: Arc<str>,
}

impl IssueError {
    /// An error with the words meant for the operator.
    pub fn new(kind: IssueErrorKind, inside: impl Into<Arc<str>>) -> Self {
        Self { kind, inside: inside.into() }
    }
}

/// What went wrong, by what may be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueErrorKind {
    /// The issuer's quota is used up. Wait.
    Throttled,
    /// The issuer failed, was too slow or could not be reached. Wait.
    Unavailable,
    /// We hold back ourselves: the budget is spent or calls are paused. Wait this long.
    RateLimited(Duration),
    /// Our configuration, our rights or our credentials are wrong. Page the operator.
    Misconfigured,
    /// The issuer does not take what was asked for, though it was proved before: this user's id, most likely.
    /// Page the operator; other users are not touched.
    InvalidParameter,
    /// The issuer made a token for somebody or something else. Page the operator; never serve it.
    Mismatched,
    /// The user is registered under another identity. The caller's data must be mended.
    AlreadyRegistered,
    /// A login already belongs to another identity. The caller's data must be mended.
    LoginTaken,
    /// A public login that was to be linked is not accepted: expired, of another app, or of no provider of the
    /// pool. The caller must get another.
    LoginRefused,
    /// The identity that was asked for does not exist, or no longer.
    UnknownIdentity,
}

impl IssueErrorKind {
    /// Whether this is the issuer's trouble or ours, and so says nothing about the user: a token that is
    /// still valid may be served in its stead.
    pub fn is_upstream_error(self) -> bool {
        match self {
            Self::Throttled
            | Self::Unavailable
            | Self::RateLimited(_)
            | Self::Misconfigured
            | Self::InvalidParameter
            | Self::Mismatched => true,
            Self::AlreadyRegistered | Self::LoginTaken | Self::LoginRefused | Self::UnknownIdentity => false,
        }
    }

    /// Whether another attempt, made a little later, may well succeed.
    pub fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Unavailable => true,
            Self::RateLimited(_)
            | Self::Misconfigured
            | Self::InvalidParameter
            | Self::Mismatched
            | Self::AlreadyRegistered
            | Self::LoginTaken
            | Self::LoginRefused
            | Self::UnknownIdentity => false,
        }
    }
}

impl fmt::Display for IssueErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::RateLimited(_) => "held back",
            Self::Misconfigured => "misconfigured",
            Self::InvalidParameter => "unacceptable",
            Self::Mismatched => "mismatched token",
            Self::AlreadyRegistered => "user already registered",
            Self::LoginTaken => "login taken",
            Self::LoginRefused => "login refused",
            Self::UnknownIdentity => "unknown identity",
        })
    }
}
