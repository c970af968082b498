//! Calls to Cognito for linking. The user quota, the call rate limit, the circuit breaker and the validation of tokens
//! apply to them too. `linking` decides what may be linked to what.

use super::TokenVendor;
use super::cache_key::UserKey;
use super::user_quota::UserPermit;
use crate::issuer::{IssueError, IssueRequest, PublicLogins};
use crate::vending::TokenRequest;
use cognito_types::IdentityId;

impl TokenVendor {
    /// Takes the cost of an attempt to link from the user's quota, whether the attempt succeeds or not.
    ///
    /// # Errors
    /// The quota is used up.
    pub(crate) fn spend_user_quota(&self, request: &TokenRequest) -> Result<(), IssueError> {
        let user = UserKey::new(&request.pool, &request.user);
        self.tokens.loads.user_quota.try_acquire(&user).map(UserPermit::commit)
    }

    /// Registers a user without an identity under this identity, and links these logins to it. Idempotent. The
    /// response's token is validated and dropped: the logins are inputs of it and in no cache key.
    ///
    /// # Errors
    /// Cognito rejected it, or the outcome is unknown.
    pub(crate) async fn link(
        &self,
        request: &TokenRequest,
        identity: IdentityId,
        also: PublicLogins,
    ) -> Result<(), IssueError> {
        let issue_request = IssueRequest {
            identity: Some(identity),
            public_logins: also,
            ..IssueRequest::new(&request.pool, request.user.clone())
        };
        let result = self.tokens.loads.loader.issue(&request.pool, &issue_request, None).await;
        // Also after a failure: Cognito may have linked it, and only the response was lost.
        self.invalidate(&request.pool, &request.user);
        result.map(drop)
    }
}
