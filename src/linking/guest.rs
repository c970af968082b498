//! A guest becomes a user: the guest's identity, with all that the app has stored under it, is the user's from then
//! on. Whoever knows the id of a guest's identity can have a guest's token, because Cognito asks guests for nothing
//! else; so the proof is worth as much as that id is secret, and not one bit beyond the identities of guests.

use std::sync::Arc;
use std::time::Duration;

use super::{GuestTokenError, LinkError, Linker};
use crate::cognito_token_verifier::TokenVerificationError;
use crate::issuer::registry::{IdentityQuery, PageRequest, RegistryErrorKind};
use crate::issuer::{IssueError, IssueErrorKind, LoginToken, PublicLogins};
use crate::pools::Pool;
use crate::vending::TokenRequest;
use cognito_types::IdentityId;

/// What a guest's token has in its `amr`, and nothing beside it.
const UNAUTHENTICATED: &str = "unauthenticated";

/// How often what was linked is looked at, or taken back, when that fails.
const TRIES: u32 = 3;

/// The wait before the second try; doubled for the third.
const WAIT: Duration = Duration::from_millis(250);

/// Who may act as an identity, beside guests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holders {
    /// It is a guest's.
    Nobody,
    /// This user and nobody else.
    User,
    /// Somebody else; perhaps this user too.
    Others { and_the_user: bool },
}

impl Linker {
    /// The identity of the guest to whom Cognito gave this token. It must be of this very pool and still be valid.
    pub(super) async fn prove_guest(&self, pool: &Pool, token: &LoginToken) -> Result<IdentityId, LinkError> {
        let prover = self.prover.as_ref().filter(|_| pool.linking.guests).ok_or(LinkError::GuestsDisabled)?;
        let claims = prover.prove(token.expose(), &pool.id).await.map_err(GuestTokenError::from)?;
        if claims.methods != [UNAUTHENTICATED] {
            return Err(GuestTokenError::SignedIn.into());
        }
        IdentityId::parse(&claims.subject)
            .map_err(|_| GuestTokenError::from(TokenVerificationError::Subject).into())
    }

    /// Registers a user who has no identity yet under a guest's.
    pub(super) async fn link_guest(
        &self,
        request: &TokenRequest,
        guest: IdentityId,
    ) -> Result<IdentityId, LinkError> {
        // Of two requests with the same guest's token, the second finds what the first one linked.
        let _guard = self.identity_locks.lock(&guest).await;
        let is_registered = match self.identity_of(request).await? {
            // The user's own identity stays what it is: nobody is moved, and nothing left behind.
            Some(own) if own != guest => {
                return Err(already_registered());
            }
            own => own.is_some(),
        };
        match self.holders(request, &guest).await? {
            // Linked before, and only the answer was lost.
            Holders::User if is_registered => return Ok(guest),
            Holders::Nobody if !is_registered => {}
            _ => return Err(LinkError::GuestTaken),
        }
        let linked = self.vendor.link(request, guest.clone(), PublicLogins::none()).await;
        if let Err(error) = &linked
            && is_a_no(error.kind)
        {
            let taken = error.kind == IssueErrorKind::LoginTaken;
            return Err(if taken { LinkError::GuestTaken } else { error.clone().into() });
        }
        // Also where no answer came: it may have been done.
        match (linked, self.is_linked(request, &guest).await?) {
            (_, true) => Ok(guest),
            (Ok(()), false) => Err(LinkError::Unconfirmed),
            (Err(error), false) => Err(error.into()),
        }
    }

    async fn identity_of(&self, request: &TokenRequest) -> Result<Option<IdentityId>, LinkError> {
        let one = PageRequest { most: Some(1), token: None };
        match self.lifecycle.look_up(&request.pool, IdentityQuery::User(&request.user), &one).await {
            Ok(found) => Ok(Some(found.identity)),
            Err(error) if error.kind == RegistryErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Looks at what was linked: between the look before and the call, another process may have linked the same
    /// guest to somebody else, or the guest may have signed in by a public login. Then ours is taken back, so that
    /// never two share an identity without knowing.
    async fn is_linked(&self, request: &TokenRequest, guest: &IdentityId) -> Result<bool, LinkError> {
        let mut was_seen = false;
        for attempt in 0..TRIES {
            self.wait_before(attempt).await;
            match self.holders(request, guest).await {
                Ok(Holders::User) => return Ok(true),
                Ok(Holders::Others { and_the_user: true }) => return Err(self.undo(request, guest).await),
                // Not, or not yet.
                Ok(Holders::Nobody | Holders::Others { and_the_user: false }) => was_seen = true,
                Err(error) => tracing::warn!(%error, attempt, "lookup of linked identity failed"),
            }
        }
        if was_seen { Ok(false) } else { Err(LinkError::Unconfirmed) }
    }

    async fn undo(&self, request: &TokenRequest, guest: &IdentityId) -> LinkError {
        for attempt in 0..TRIES {
            self.wait_before(attempt).await;
            match self.lifecycle.unlink(&request.pool, guest, &request.user).await {
                Ok(()) => return LinkError::Undone,
                // Taken off already; an answer may have been lost.
                Err(error) if error.kind == RegistryErrorKind::NotFound => return LinkError::Undone,
                Err(error) => tracing::warn!(%error, attempt, "rollback of identity link failed"),
            }
        }
        tracing::error!(
            pool = &*request.pool.name,
            identity = %guest,
            "two users share an identity: look it up and unlink one of them"
        );
        LinkError::Shared
    }

    async fn holders(&self, request: &TokenRequest, identity: &IdentityId) -> Result<Holders, LinkError> {
        let pool: &Arc<Pool> = &request.pool;
        let (description, found) =
            match self.lifecycle.describe(pool, identity, &PageRequest::default()).await {
                Err(error) if error.kind == RegistryErrorKind::NotFound => {
                    return Err(unknown_identity());
                }
                described => described?,
            };
        // Both ways of looking are asked: which of them shows a developer's login is for AWS to say.
        let is_user = |name: &String| name == request.user.as_str();
        let has_user = found.users.iter().any(is_user);
        let has_others = found.users.iter().any(|name| !is_user(name))
            || found.next_token.is_some()
            || description.logins.iter().any(|login| login != pool.provider.as_str());
        Ok(match (has_user, has_others) {
            (_, true) => Holders::Others { and_the_user: has_user },
            (true, false) => Holders::User,
            (false, false) if description.logins.is_empty() => Holders::Nobody,
            // A developer's login, and nobody says whose.
            (false, false) => Holders::Others { and_the_user: false },
        })
    }

    async fn wait_before(&self, attempt: u32) {
        if attempt > 0 {
            self.clock.sleep(WAIT * attempt).await;
        }
    }
}

/// Whether Cognito has refused, so that nothing was done.
fn is_a_no(kind: IssueErrorKind) -> bool {
    !matches!(kind, IssueErrorKind::Unavailable | IssueErrorKind::Throttled | IssueErrorKind::Mismatched)
}

fn already_registered() -> LinkError {
    IssueError::new(
        IssueErrorKind::AlreadyRegistered,
        "the user has an identity already, which is not the guest's",
    )
    .into()
}

fn unknown_identity() -> LinkError {
    IssueError::new(IssueErrorKind::UnknownIdentity, "the guest's identity does not exist any more").into()
}
