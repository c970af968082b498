//! Links a public-provider login or a guest identity to the caller's identity, after verifying proof of both. Disabled
//! unless a pool's configuration says what may be linked.
//!
//! Cognito does not verify what this service sends it, and a link is permanent. So this is where an attacker would try
//! to take over another user's identity:
//!
//! - *By its id.* With the service's permissions, Cognito attaches any user to any identity without proof. Requests
//!   contain no identity id; a guest's is read from the guest's OpenID token, verified with Cognito's keys.
//! - *By another user's public login.* A user without an identity, sent with a login that has one, might be registered
//!   under that identity. So the user's own identity is found or created first and named in the call: the login is
//!   added to the user, never the user to the login. A login of another identity is a conflict.
//! - *By a login of a provider that the pool does not trust.* Providers are an exact list, which can never contain the
//!   developer provider or Cognito itself.
//! - *By a guest's token that is reused, or used by two users at once.* The identity must have no login before, and
//!   only the user's afterwards; attempts for one identity are serialized in this process. A link of a race across
//!   processes is rolled back.
//! - *By unlimited attempts.* Each attempt counts against the user's quota, whatever its result.
//!
//! An attempt runs to completion in its own task: the client may disconnect, but not between the call that links and
//! its verification. `docs/linking.md` documents this for operators, and the remaining risks.

mod error;
mod guest;

use std::sync::Arc;

pub use error::{GuestTokenError, LinkError};
use guest::GuestLinker;

use crate::cognito_token_verifier::CognitoTokenVerifier;
use crate::identity_admin::IdentityAdmin;
use crate::issuer::{IssueError, IssueErrorKind, LoginToken, PublicLogins};
use crate::metrics::Metrics;
use crate::metrics::labels::{Label as _, LinkOutcome};
use crate::pools::Pool;
use crate::vending::{TokenRequest, TokenVendor, VendedToken};
use clock::SharedClock;
use cognito_types::{IdentityId, PublicProvider};

/// What to link to the caller's identity.
#[derive(Debug)]
pub enum LinkRequest {
    /// Logins of public providers, with the providers' names.
    Logins(Vec<(String, LoginToken)>),
    /// The identity of the guest with this token.
    Guest(LoginToken),
}

impl LinkRequest {
    /// The names of what is linked, as in the configuration.
    pub(crate) fn names<'a>(&self, pool: &'a Pool) -> Vec<&'a str> {
        match self {
            Self::Guest(_) => vec!["guest"],
            Self::Logins(logins) => {
                let providers = logins.iter().filter_map(|(name, _)| pool.linking.provider(name));
                providers.map(PublicProvider::as_str).collect()
            }
        }
    }
}

/// One for the process.
#[derive(Debug)]
pub struct Linker {
    vendor: Arc<TokenVendor>,
    guests: GuestLinker,
    runtime: tokio::runtime::Handle,
    metrics: Arc<Metrics>,
}

impl Linker {
    /// Without `verifier`, guests cannot be linked. Attempts run on the current runtime.
    pub fn new(
        vendor: Arc<TokenVendor>,
        identity_admin: Arc<IdentityAdmin>,
        verifier: Option<CognitoTokenVerifier>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let guests = GuestLinker::new(vendor.clone(), identity_admin, verifier, clock);
        Self { vendor, guests, runtime: tokio::runtime::Handle::current(), metrics }
    }

    /// Links, and returns a token for the user's identity. Linking again what is linked already succeeds.
    ///
    /// # Errors
    /// The pool does not allow the link, its proof is invalid, it belongs to another identity, or Cognito failed.
    pub async fn link(self: &Arc<Self>, request: TokenRequest, link: LinkRequest) -> Result<VendedToken, LinkError> {
        let linker = self.clone();
        let attempt = async move {
            let result = linker.attempt(&request, link).await;
            linker.record(&request.pool, &result);
            let identity = result?;
            // A token like any other of this user: vended by the same rules, and cached for the next request.
            let vended = linker.vendor.vend(&request, None).await?;
            if vended.entry.value().identity() != identity.as_str() {
                return Err(IssueError::mismatched("the token is for another identity").into());
            }
            Ok(vended)
        };
        self.runtime.spawn(attempt).await.unwrap_or_else(|_| Err(LinkError::OutcomeUnknown))
    }

    async fn attempt(&self, request: &TokenRequest, link: LinkRequest) -> Result<IdentityId, LinkError> {
        match link {
            LinkRequest::Logins(logins) => {
                let logins = allowed_logins(&request.pool, logins)?;
                self.vendor.spend_user_quota(request)?;
                self.link_logins(request, logins).await
            }
            LinkRequest::Guest(token) => {
                let guest = self.guests.verify_token(&request.pool, &token).await?;
                self.vendor.spend_user_quota(request)?;
                self.guests.link(request, guest).await
            }
        }
    }

    async fn link_logins(&self, request: &TokenRequest, logins: PublicLogins) -> Result<IdentityId, LinkError> {
        // Not from the cache, so that the identity is the current one, and so that an error of the next call is about
        // the logins: nothing else in it is new.
        let own = TokenRequest { refresh: true, min_ttl: None, ..request.clone() };
        let identity = self.vendor.vend(&own, None).await?.entry.value().identity_id()?;
        match self.vendor.link(request, identity.clone(), logins).await {
            Ok(()) => Ok(identity),
            // Merged or deleted in the meantime. A retry gets the current identity.
            Err(error) if matches!(error.kind, IssueErrorKind::AlreadyRegistered | IssueErrorKind::UnknownIdentity) => {
                Err(LinkError::IdentityChanged)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Logs and counts the result, without user, login or identity.
    fn record(&self, pool: &Pool, result: &Result<IdentityId, LinkError>) {
        let label = result.as_ref().err().map_or(LinkOutcome::Linked, LinkError::outcome);
        self.metrics.identity_links_total.count(label);
        let (pool, outcome) = (&*pool.name, label.text());
        match result {
            Ok(_) => tracing::info!(pool, outcome, "identity linked"),
            Err(error) if error.needs_operator() => {
                tracing::error!(pool, outcome, %error, "identity link failed");
            }
            Err(error) => tracing::info!(pool, outcome, %error, "identity link failed"),
        }
    }
}

/// The logins, if the pool's configuration allows the provider of each.
fn allowed_logins(pool: &Pool, logins: Vec<(String, LoginToken)>) -> Result<PublicLogins, LinkError> {
    if pool.linking.providers.is_empty() {
        return Err(LinkError::LoginsDisabled);
    }
    let logins = logins.into_iter().map(|(name, token)| {
        let provider = pool.linking.provider(&name).ok_or(LinkError::ProviderNotAllowed)?;
        Ok((provider.clone(), token))
    });
    logins.collect()
}
