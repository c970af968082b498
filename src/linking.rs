//! Linking: a user proves to be somebody else as well (a login of a public provider, a guest's identity), and from
//! then on that is the same identity. Off unless a pool's configuration says what may be linked.
//!
//! Cognito takes our word for all of it, and what is linked stays linked. So this is where an attacker would ask for
//! somebody else's identity:
//!
//! - *By naming it.* With our rights, Cognito attaches any user to any identity and asks for no proof. No identity
//!   id is taken from a request; a guest's is read from the guest's own OpenID token, proved by Cognito's keys.
//! - *By somebody else's public login.* A user without an identity, sent along with a login that has one, might be
//!   registered under that one. So the user's own identity is found or made first, and named in the call: the login
//!   comes to the user, never the user to the login. One that belongs elsewhere is a conflict.
//! - *By a login that no pool means to trust.* Providers are an exact list; the developer provider and Cognito's own
//!   tokens can never be on it.
//! - *By a guest's token, used again or by two at once.* The identity must have no login before, and none but the
//!   user's afterwards; one at a time in this process. What a race across processes linked is taken back.
//! - *By asking without end.* Each attempt takes from the user's ration, whatever becomes of it.
//!
//! An attempt runs to its end in a task of its own: whoever asked may hang up, but not between the call that links
//! and the look at what it did. `docs/linking.md` tells all this to operators, and what remains.

mod error;
mod guest;

use std::sync::Arc;

pub use error::{GuestTokenError, LinkError};

use crate::cognito_token_verifier::CognitoTokenVerifier;
use crate::identity_admin::IdentityAdmin;
use crate::issuer::{IssueError, IssueErrorKind, LoginToken, PublicLogins};
use crate::keyed_mutex::KeyedMutex;
use crate::metrics::Metrics;
use crate::metrics::labels::{Label as _, LinkOutcome};
use crate::pools::Pool;
use crate::vending::{TokenRequest, TokenVendor, VendError, VendedToken};
use clock::SharedClock;
use cognito_types::{IdentityId, PublicProvider};

/// What is to be linked to the identity of whoever asks.
#[derive(Debug)]
pub enum LinkRequest {
    /// Logins of public providers, by the providers' names.
    Logins(Vec<(String, LoginToken)>),
    /// The identity of the guest who has this token.
    Guest(LoginToken),
}

impl LinkRequest {
    /// What it is, in words of the configuration.
    pub(crate) fn names<'a>(&self, pool: &'a Pool) -> Vec<&'a str> {
        match self {
            Self::Guest(_) => vec!["guest"],
            Self::Logins(logins) => {
                let known = logins.iter().filter_map(|(name, _)| pool.linking.provider(name));
                known.map(PublicProvider::as_str).collect()
            }
        }
    }
}

/// The use case: one for the whole process.
#[derive(Debug)]
pub struct Linker {
    vendor: Arc<TokenVendor>,
    lifecycle: Arc<IdentityAdmin>,
    /// Where no pool takes guests, there are no keys to fetch.
    prover: Option<CognitoTokenVerifier>,
    identity_locks: KeyedMutex<IdentityId>,
    runtime: tokio::runtime::Handle,
    clock: SharedClock,
    metrics: Arc<Metrics>,
}

impl Linker {
    /// A linker that proves guests' tokens by `prover`. Attempts run on the runtime that this is called on.
    pub fn new(
        vendor: Arc<TokenVendor>,
        lifecycle: Arc<IdentityAdmin>,
        prover: Option<CognitoTokenVerifier>,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Self {
        let runtime = tokio::runtime::Handle::current();
        Self { vendor, lifecycle, prover, identity_locks: KeyedMutex::default(), runtime, clock, metrics }
    }

    /// Links, and answers with a token for the identity that the user has now.
    ///
    /// # Errors
    /// It may not be linked, it is not proved, it belongs elsewhere, or Cognito gave no answer. Asking again for
    /// what was linked already is no error.
    pub async fn link(
        self: &Arc<Self>,
        request: TokenRequest,
        link: LinkRequest,
    ) -> Result<VendedToken, LinkError> {
        let linker = self.clone();
        let attempt = async move {
            let outcome = linker.attempt(&request, link).await;
            linker.tell(&request.pool, &outcome);
            let identity = outcome?;
            // A token like any other of this user: made by the same rules, and kept for the next request.
            let vended = linker.vendor.vend(&request, None).await?;
            if vended.token.value().identity() != identity.as_str() {
                let moved = IssueError::new(IssueErrorKind::Mismatched, "the token is another identity's");
                return Err(VendError::from(moved).into());
            }
            Ok(vended)
        };
        self.runtime.spawn(attempt).await.unwrap_or_else(|_| Err(LinkError::Unconfirmed))
    }

    async fn attempt(&self, request: &TokenRequest, link: LinkRequest) -> Result<IdentityId, LinkError> {
        match link {
            LinkRequest::Logins(logins) => {
                let logins = allowed(&request.pool, logins)?;
                self.vendor.spend_user_quota(request)?;
                self.link_logins(request, logins).await
            }
            LinkRequest::Guest(token) => {
                let guest = self.prove_guest(&request.pool, &token).await?;
                self.vendor.spend_user_quota(request)?;
                self.link_guest(request, guest).await
            }
        }
    }

    async fn link_logins(
        &self,
        request: &TokenRequest,
        logins: PublicLogins,
    ) -> Result<IdentityId, LinkError> {
        // Asked anew, so that the identity is the user's now; and so that whatever Cognito says to the next call
        // is about the logins, as nothing else is new in it.
        let own = TokenRequest { refresh: true, min_ttl: None, ..request.clone() };
        let own = self.vendor.vend(&own, None).await?;
        let identity = IdentityId::parse(own.token.value().identity())
            .map_err(|why| IssueError::new(IssueErrorKind::Mismatched, why.to_string()))?;
        match self.vendor.link(request, identity.clone(), logins).await {
            Ok(()) => Ok(identity),
            // Merged or deleted in the meantime. Who asks again has the one that it is now.
            Err(error)
                if matches!(
                    error.kind,
                    IssueErrorKind::AlreadyRegistered | IssueErrorKind::UnknownIdentity
                ) =>
            {
                Err(LinkError::Moved)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One line and one count, whatever came of it; neither has a user, a login or an identity in it.
    fn tell(&self, pool: &Pool, outcome: &Result<IdentityId, LinkError>) {
        let label = outcome.as_ref().err().map_or(LinkOutcome::Linked, LinkError::outcome);
        self.metrics.identity_links_total.count(label);
        let (pool, outcome_is) = (&*pool.name, label.text());
        match outcome.as_ref().err().map(|error| (error, error.is_ours())) {
            None => tracing::info!(pool, outcome = outcome_is, "identity linked"),
            Some((error, false)) => {
                tracing::info!(pool, outcome = outcome_is, %error, "identity link failed");
            }
            Some((error, true)) => {
                tracing::error!(pool, outcome = outcome_is, %error, "identity link failed");
            }
        }
    }
}

/// The logins, if every one of them is of a provider that the pool's configuration allows.
fn allowed(pool: &Pool, logins: Vec<(String, LoginToken)>) -> Result<PublicLogins, LinkError> {
    if pool.linking.providers.is_empty() {
        return Err(LinkError::LoginsDisabled);
    }
    let allowed = logins.into_iter().map(|(name, token)| {
        let provider = pool.linking.provider(&name).ok_or(LinkError::ProviderNotAllowed)?;
        Ok((provider.clone(), token))
    });
    allowed.collect::<Result<_, _>>().map(PublicLogins::of)
}
