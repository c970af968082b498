//! How AWS credentials are made: the user's token is vended like for anybody else, and given to Cognito for the
//! credentials of its identity. Whatever shapes the token shapes them, so they are kept under the same key; the
//! role is the pool's, or the one that the operator has set for the pool.

mod credentials_response;
mod credentials_validation;

use std::sync::Arc;
use std::time::Duration;

pub use credentials_response::{CachedCredentials, CredentialsResponse};

use super::cache_entry::CacheEntry;
use super::freshness::{RefreshPolicy, Requirements};
use super::loader::{LoadRequest, Loader};
use super::read_through::ReadThroughCache;
use super::regional::RegionalUpstreams;
use super::token_loader::TokenLoader;
use super::token_response::CachedToken;
use super::upstream::{Permit, Upstream};
use crate::bookmark::LastEntryHint;
use crate::issuer::credentials::{CredentialsIssuer, CredentialsRequest};
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::labels::{Source, Ware};
use crate::pools::Pool;
use crate::token::login_key;
use clock::SharedClock;
use cognito_types::IdentityId;

/// Makes credentials.
#[derive(Debug)]
pub(super) struct CredentialsLoader {
    pub(super) tokens: Arc<ReadThroughCache<TokenLoader>>,
    pub(super) ways: RegionalUpstreams<dyn CredentialsIssuer>,
    pub(super) windows: RefreshPolicy,
    pub(super) renewal_interval: Duration,
    pub(super) clock: SharedClock,
}

impl Loader for CredentialsLoader {
    type Answer = CredentialsResponse;

    const WARE: Ware = Ware::Credentials;

    fn upstream(&self, pool: &Pool) -> &Upstream {
        &self.ways.of(pool).upstream
    }

    async fn make(
        &self,
        order: &LoadRequest,
        reserved: Option<Permit>,
    ) -> Result<CachedCredentials, IssueError> {
        let token = self.tokens.serve(order, Requirements::default(), &LastEntryHint::default()).await?;
        let outcome = self.exchange(order, &token.kept, reserved).await;
        let was_kept = matches!(token.source, Source::Hit | Source::Stale);
        match outcome {
            // Its identity may have been deleted, merged or linked since it was minted.
            Err(error) if error.kind == IssueErrorKind::Unacceptable && was_kept => {
                let needs = Requirements { max_age: Some(self.renewal_interval), ..Requirements::default() };
                let renewed = self.tokens.serve(order, needs, &LastEntryHint::default()).await?;
                if Arc::ptr_eq(&renewed.kept, &token.kept) {
                    return Err(error);
                }
                self.exchange(order, &renewed.kept, None).await
            }
            outcome => outcome,
        }
    }
}

impl CredentialsLoader {
    /// Has Cognito give the credentials that a token is good for.
    async fn exchange(
        &self,
        order: &LoadRequest,
        token: &CachedToken,
        reserved: Option<Permit>,
    ) -> Result<CachedCredentials, IssueError> {
        let identity = IdentityId::parse(token.answer().identity()).map_err(|why| {
            IssueError::new(IssueErrorKind::Mismatched, format!("the token has no identity: {why}"))
        })?;
        let request = CredentialsRequest {
            identity,
            login: login_key(order.pool.id.region()),
            token: token.answer().token(),
            role: order.pool.credentials.as_ref().and_then(|credentials| credentials.role.clone()),
        };
        let way = self.ways.of(&order.pool);
        let call = || async {
            let asked_at = self.clock.now();
            let issued = way.issuer.credentials(&request).await?;
            let came_at = self.clock.now();
            let expires_at = credentials_validation::check(
                &request,
                &issued,
                asked_at,
                came_at,
                self.windows.min_remaining_life,
            )?;
            Ok((self.windows.times(came_at, expires_at, fastrand::f64()), issued))
        };
        let (times, issued) = way.upstream.call(reserved, call).await?;
        let answer = CredentialsResponse::render(&issued, times.expires_at);
        Ok(CacheEntry::new(order.key.clone(), times, self.clock.monotonic(), answer))
    }
}
