//! Guest linking: a user without an identity takes over a guest's identity, with all that the app has stored under it.
//! Anyone who knows the id of a guest's identity can get a token for it, because Cognito requires nothing else of guests.
//! So the proof is as strong as that id is secret, and it is accepted for the identities of guests only.

use std::sync::Arc;
use std::time::Duration;

use super::error::{GuestTokenError, LinkError};
use crate::cognito_token_verifier::{CognitoTokenVerifier, TokenVerificationError};
use crate::identity_admin::IdentityAdmin;
use crate::issuer::identity_registry::{IdentityQuery, PageRequest, RegistryErrorKind};
use crate::issuer::{IssueError, IssueErrorKind, LoginToken, PublicLogins};
use crate::keyed_mutex::KeyedMutex;
use crate::pools::Pool;
use crate::vending::{TokenRequest, TokenVendor};
use clock::SharedClock;
use cognito_types::IdentityId;

/// The only entry in the `amr` of a guest's token.
const UNAUTHENTICATED: &str = "unauthenticated";

/// Attempts to verify a link, and to roll one back.
const MAX_ATTEMPTS: u32 = 3;

/// Before the second attempt; doubled for the third.
const RETRY_DELAY: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct GuestLinker {
    vendor: Arc<TokenVendor>,
    identity_admin: Arc<IdentityAdmin>,
    /// `None` if no pool links guests, so that no keys are fetched.
    verifier: Option<CognitoTokenVerifier>,
    identity_locks: KeyedMutex<IdentityId>,
    clock: SharedClock,
}

/// The users of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdentityOwnership {
    /// None: it is a guest's.
    Guest,
    /// The user of the request alone.
    User,
    Others {
        includes_user: bool,
    },
}

impl GuestLinker {
    pub(super) fn new(
        vendor: Arc<TokenVendor>,
        identity_admin: Arc<IdentityAdmin>,
        verifier: Option<CognitoTokenVerifier>,
        clock: SharedClock,
    ) -> Self {
        Self { vendor, identity_admin, verifier, identity_locks: KeyedMutex::new(), clock }
    }

    /// Returns the identity of a guest's token. The token must be of this pool and still valid.
    pub(super) async fn verify_token(&self, pool: &Pool, token: &LoginToken) -> Result<IdentityId, LinkError> {
        let verifier = self.verifier.as_ref().filter(|_| pool.linking.guests);
        let verifier = verifier.ok_or(LinkError::GuestsDisabled)?;
        let claims = verifier.verify(token.expose(), &pool.id).await.map_err(GuestTokenError::from)?;
        if claims.methods != [UNAUTHENTICATED] {
            return Err(GuestTokenError::NotGuest.into());
        }
        IdentityId::parse(&claims.subject).map_err(|_| GuestTokenError::from(TokenVerificationError::Subject).into())
    }

    /// Registers a user without an identity under a guest's.
    pub(super) async fn link(&self, request: &TokenRequest, guest: IdentityId) -> Result<IdentityId, LinkError> {
        // Of two requests with the same guest's token, the second finds what the first one linked.
        let _lock = self.identity_locks.lock(&guest).await;
        let is_registered = match self.identity_of_user(request).await? {
            // A user with an identity keeps it: users are not moved, and no identity is left without its user.
            Some(own) if own != guest => {
                let detail = "the user already has an identity other than the guest's";
                return Err(IssueError::new(IssueErrorKind::AlreadyRegistered, detail).into());
            }
            own => own.is_some(),
        };
        match self.ownership(request, &guest).await? {
            // Linked by an earlier request, whose response may have been lost.
            IdentityOwnership::User if is_registered => return Ok(guest),
            IdentityOwnership::Guest if !is_registered => {}
            _ => return Err(LinkError::GuestTaken),
        }
        let linked = self.vendor.link(request, guest.clone(), PublicLogins::new()).await;
        if let Err(error) = &linked
            && is_rejection(error.kind)
        {
            let is_taken = error.kind == IssueErrorKind::LoginTaken;
            return Err(if is_taken { LinkError::GuestTaken } else { error.clone().into() });
        }
        // Also verified without a response: Cognito may have linked.
        match (linked, self.verify_link(request, &guest).await?) {
            (_, true) => Ok(guest),
            (Ok(()), false) => Err(LinkError::OutcomeUnknown),
            (Err(error), false) => Err(error.into()),
        }
    }

    async fn identity_of_user(&self, request: &TokenRequest) -> Result<Option<IdentityId>, LinkError> {
        let page = PageRequest { max_items: Some(1), token: None };
        match self.identity_admin.look_up(&request.pool, IdentityQuery::User(&request.user), &page).await {
            Ok(found) => Ok(Some(found.identity)),
            Err(error) if error.kind == RegistryErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the user alone has the identity. Between the check and the link, another process may have linked the
    /// same guest to another user, or the guest may have signed in with a public login. Then this link is rolled back,
    /// so that two users never share an identity unnoticed.
    async fn verify_link(&self, request: &TokenRequest, guest: &IdentityId) -> Result<bool, LinkError> {
        let mut was_read = false;
        for attempt in 0..MAX_ATTEMPTS {
            self.wait_before(attempt).await;
            match self.ownership(request, guest).await {
                Ok(IdentityOwnership::User) => return Ok(true),
                Ok(IdentityOwnership::Others { includes_user: true }) => {
                    return Err(self.roll_back(request, guest).await);
                }
                // Not linked, or not yet.
                Ok(IdentityOwnership::Guest | IdentityOwnership::Others { includes_user: false }) => {
                    was_read = true;
                }
                Err(error) => tracing::warn!(%error, attempt, "lookup of linked identity failed"),
            }
        }
        if was_read { Ok(false) } else { Err(LinkError::OutcomeUnknown) }
    }

    async fn roll_back(&self, request: &TokenRequest, guest: &IdentityId) -> LinkError {
        for attempt in 0..MAX_ATTEMPTS {
            self.wait_before(attempt).await;
            match self.identity_admin.unlink(&request.pool, guest, &request.user).await {
                Ok(()) => return LinkError::RolledBack,
                // Unlinked already; a response may have been lost.
                Err(error) if error.kind == RegistryErrorKind::NotFound => return LinkError::RolledBack,
                Err(error) => tracing::warn!(%error, attempt, "rollback of identity link failed"),
            }
        }
        tracing::error!(
            pool = &*request.pool.name,
            identity = %guest,
            "two users share an identity: look it up and unlink one of them"
        );
        LinkError::RollbackFailed
    }

    async fn ownership(&self, request: &TokenRequest, identity: &IdentityId) -> Result<IdentityOwnership, LinkError> {
        let pool: &Arc<Pool> = &request.pool;
        let (description, found) = match self.identity_admin.describe(pool, identity, &PageRequest::default()).await {
            Err(error) if error.kind == RegistryErrorKind::NotFound => {
                let detail = "the guest's identity no longer exists";
                return Err(IssueError::new(IssueErrorKind::UnknownIdentity, detail).into());
            }
            described => described?,
        };
        // Both operations count: AWS does not document which of them shows a developer login.
        let is_user = |name: &String| name == request.user.as_str();
        let has_user = found.users.iter().any(is_user);
        let has_others = found.users.iter().any(|name| !is_user(name))
            || found.next_token.is_some()
            || description.logins.iter().any(|login| login != pool.provider.as_str());
        Ok(match (has_user, has_others) {
            (_, true) => IdentityOwnership::Others { includes_user: has_user },
            (true, false) => IdentityOwnership::User,
            (false, false) if description.logins.is_empty() => IdentityOwnership::Guest,
            // A developer login of an unknown user.
            (false, false) => IdentityOwnership::Others { includes_user: false },
        })
    }

    async fn wait_before(&self, attempt: u32) {
        if attempt > 0 {
            self.clock.sleep(RETRY_DELAY * attempt).await;
        }
    }
}

/// Whether Cognito rejected the call, so that nothing was linked.
fn is_rejection(kind: IssueErrorKind) -> bool {
    !matches!(kind, IssueErrorKind::Unavailable | IssueErrorKind::Throttled | IssueErrorKind::Mismatched)
}
