//! Credentials issuer port: AWS credentials for a minted token. Its errors are those of the token issuer.

use std::fmt;

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use super::error::IssueError;
use crate::token::OpenIdToken;
use clock::Timestamp;
use cognito_types::{IdentityId, RoleArn};

#[derive(Debug)]
pub struct CredentialsRequest {
    pub identity: IdentityId,
    /// The key of `Logins` under which the token is sent.
    pub login: String,
    /// The token of the identity; its principal tags become session tags.
    pub token: OpenIdToken,
    /// The role to assume instead of the pool's default role.
    pub role: Option<RoleArn>,
}

/// Issued credentials, not yet validated against the request.
pub struct IssuedCredentials {
    pub identity: IdentityId,
    /// Not a secret.
    pub access_key_id: Box<str>,
    pub secret_access_key: Zeroizing<String>,
    /// Sent with each request. As secret as the key.
    pub session_token: Zeroizing<String>,
    pub expires_at: Timestamp,
    /// The issuer's id of the call, for lookups in its logs.
    pub request_id: Option<Box<str>>,
}

impl fmt::Debug for IssuedCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuedCredentials")
            .field("identity", &self.identity)
            .field("access_key_id", &self.access_key_id)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Issues AWS credentials for tokens. One call is one attempt, as with [`super::TokenIssuer`].
pub trait CredentialsIssuer: fmt::Debug + Send + Sync + 'static {
    fn issue_credentials<'a>(
        &'a self,
        request: &'a CredentialsRequest,
    ) -> BoxFuture<'a, Result<IssuedCredentials, IssueError>>;
}
