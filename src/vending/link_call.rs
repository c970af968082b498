//! The calls of linking: they draw on the same rations and budget, keep the same pauses and pass the same check as
//! those that only mint. What may be linked to what is not decided here; see `linking`.

use super::TokenVendor;
use super::cache_key::UserKey;
use crate::issuer::{IssueError, IssueRequest, PublicLogins};
use crate::vending::TokenRequest;
use cognito_types::{IdentityId, PrincipalTags};

impl TokenVendor {
    /// Takes from the user's ration what an attempt to link costs, whatever becomes of it.
    ///
    /// # Errors
    /// There is nothing left of it now.
    pub(crate) fn ration(&self, request: &TokenRequest) -> Result<(), IssueError> {
        self.tokens.ration(&UserKey { pool: request.pool.index, user: request.user.clone() })
    }

    /// Registers the user under this identity, if under none yet, and links these logins to it. Doing it twice is
    /// doing it once. The token that comes with it is checked and dropped: logins shaped it that are in no cache
    /// key.
    ///
    /// # Errors
    /// Cognito did not, or it cannot be told whether it did.
    pub(crate) async fn link(
        &self,
        request: &TokenRequest,
        identity: IdentityId,
        also: PublicLogins,
    ) -> Result<(), IssueError> {
        let asked = IssueRequest {
            pool: request.pool.id.clone(),
            provider: request.pool.provider.clone(),
            user: request.user.clone(),
            duration: request.pool.token_duration,
            tags: PrincipalTags::none(),
            identity: Some(identity),
            public_logins: also,
        };
        let outcome = self.tokens.maker().issue(&request.pool, &asked, None).await;
        // Also after a failure: it may have been done, and only the answer was lost.
        self.forget(&request.pool, &request.user);
        outcome.map(drop)
    }
}
