//! Token issuer port: issues an OpenID token for a developer user.

use std::fmt;

use futures_util::future::BoxFuture;

use super::error::IssueError;
use super::logins::PublicLogins;
use crate::pools::Pool;
use crate::token::OpenIdToken;
use cognito_types::{DeveloperProvider, DeveloperUserId, IdentityId, IdentityPoolId, PrincipalTags, TokenDuration};

#[derive(Debug, Clone)]
pub struct IssueRequest {
    pub pool: IdentityPoolId,
    pub provider: DeveloperProvider,
    pub user: DeveloperUserId,
    pub duration: TokenDuration,
    pub tags: PrincipalTags,
    /// The identity that the token must be for; `None`: the user's own, found or created. Cognito registers a user
    /// without an identity under it and requires no proof. So it is never an identity that a caller merely names;
    /// see `linking`.
    pub identity: Option<IdentityId>,
    /// Public logins to link to that identity, permanently.
    pub public_logins: PublicLogins,
}

impl IssueRequest {
    /// A request for a token of the user's own identity, without tags and with the pool's duration.
    pub fn new(pool: &Pool, user: DeveloperUserId) -> Self {
        Self {
            pool: pool.id.clone(),
            provider: pool.provider.clone(),
            user,
            duration: pool.token_duration,
            tags: PrincipalTags::none(),
            identity: None,
            public_logins: PublicLogins::new(),
        }
    }
}

/// An issued token, not yet validated against the request.
#[derive(Debug)]
pub struct IssuedToken {
    /// The user's identity in the pool, found or just created.
    pub identity: IdentityId,
    pub token: OpenIdToken,
    /// The issuer's id of the call, for lookups in its logs.
    pub request_id: Option<Box<str>>,
}

/// Issues tokens. One call is one attempt: retries, and their cost, are up to the caller.
pub trait TokenIssuer: fmt::Debug + Send + Sync + 'static {
    fn issue<'a>(&'a self, request: &'a IssueRequest) -> BoxFuture<'a, Result<IssuedToken, IssueError>>;
}
