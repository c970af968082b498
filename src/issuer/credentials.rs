//! The port towards whoever gives AWS credentials for a token that was minted. Errors are those of tokens.

use std::fmt;

use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use super::IssueError;
use crate::token::OpenIdToken;
use clock::Timestamp;
use cognito_types::{IdentityId, RoleArn};

/// Everything that shapes one user's credentials.
#[derive(Debug)]
pub struct CredentialsRequest {
    /// The identity.
    pub identity: IdentityId,
    /// The login key under which its token is handed in.
    pub login: String,
    /// The token that proves the identity; its principal tags become session tags.
    pub token: OpenIdToken,
    /// The role to assume, instead of the pool's default.
    pub role: Option<RoleArn>,
}

/// Credentials fresh from their issuer. Not yet checked against the request.
pub struct IssuedCredentials {
    /// Whose they are.
    pub identity: IdentityId,
    /// No secret.
    pub access_key_id: Box<str>,
    /// The secret that requests are signed with.
    pub secret_access_key: Zeroizing<String>,
    /// What goes along with each request. As secret as the key.
    pub session_token: Zeroizing<String>,
    /// When they end.
    pub expires_at: Timestamp,
    /// The issuer's own id of the call, to be found in its records.
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

/// Gives credentials for tokens. One call is one attempt, as with [`super::TokenIssuer`].
pub trait CredentialsIssuer: fmt::Debug + Send + Sync + 'static {
    /// Asks once for credentials.
    fn issue_credentials<'a>(
        &'a self,
        request: &'a CredentialsRequest,
    ) -> BoxFuture<'a, Result<IssuedCredentials, IssueError>>;
}
