//! How logins leave an identity: merged into another, unlinked, or gone with an identity that is deleted.
//!
//! An identity that loses its last login is disabled: AWS calls it inaccessible. It is still listed and
//! described, but for everybody who would get in, link to it or get a token of it, it is not found.
//! As in `linking.rs`, everything is checked first and changed last.

use std::sync::Arc;

use super::{Identity, Login, State};
use crate::pool::Pool;
use crate::protocol::ApiError;
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId};

/// How many logins two users that are merged may have together.
const MOST_MERGED_LOGINS: usize = 20;

impl State {
    /// Moves all logins of `source`'s identity to `destination`'s, and says which that is. Merged already:
    /// nothing changes, so that a call whose answer was lost can be repeated.
    pub(crate) fn merge_developer_users(
        &mut self,
        pool: &Pool,
        source: &Login,
        destination: &Login,
        now: Timestamp,
    ) -> Result<IdentityId, ApiError> {
        let source = self.identity_of_user(pool, source)?;
        let destination = self.identity_of_user(pool, destination)?;
        if source.id == destination.id {
            return Ok(destination.id.clone());
        }
        if source.logins.len() + destination.logins.len() > MOST_MERGED_LOGINS {
            return Err(ApiError::invalid_parameter(format!(
                "The two users have more than {MOST_MERGED_LOGINS} linked logins together."
            )));
        }
        let is_public = |login: &&Login| !pool.has_developer_provider(&login.provider);
        let has_same_provider =
            |login: &Login| destination.logins.iter().any(|other| other.provider == login.provider);
        if let Some(login) = source.logins.iter().filter(is_public).find(|login| has_same_provider(login)) {
            return Err(ApiError::conflict(format!(
                "The two users are linked to two different users of {}.",
                login.provider
            )));
        }
        self.remove_logins(&source.id, now, |_| true);
        self.link(&destination.id, source.logins.clone(), now);
        Ok(destination.id.clone())
    }

    /// Takes a developer user off an identity. The user is new the next time it is seen.
    pub(crate) fn unlink_developer_user(
        &mut self,
        pool: &Pool,
        id: &IdentityId,
        user: &Login,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        self.identity_of(pool, id)?;
        if self.identity_of_user(pool, user)?.id != *id {
            return Err(ApiError::conflict("The developer user identifier is another identity's."));
        }
        self.remove_logins(id, now, |login| login == user);
        Ok(())
    }

    /// Takes all logins of these providers off an identity; it must have one of each.
    pub(crate) fn unlink_providers(
        &mut self,
        id: &IdentityId,
        providers: &[String],
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let identity = self.open_identity(id)?;
        let is_linked = |provider: &&String| identity.logins.iter().any(|login| login.provider == **provider);
        if !providers.iter().all(|provider| is_linked(&provider)) {
            return Err(ApiError::not_found("A login to remove is not linked to the identity."));
        }
        self.remove_logins(id, now, |login| providers.contains(&login.provider));
        Ok(())
    }

    /// Forgets an identity and frees its logins. Whether there was one.
    pub(crate) fn delete_identity(&mut self, id: &IdentityId) -> bool {
        let Some(identity) = self.identities.remove(id) else { return false };
        self.free(&identity.pool, &identity.logins);
        self.changed();
        true
    }

    /// The identity that a developer user has.
    fn identity_of_user(&self, pool: &Pool, user: &Login) -> Result<Arc<Identity>, ApiError> {
        let missing = || ApiError::not_found("Developer user identifier not found.");
        self.identity(self.owner(pool, user).ok_or_else(missing)?)
    }

    fn remove_logins(&mut self, id: &IdentityId, now: Timestamp, leaves: impl Fn(&Login) -> bool) {
        let Some(identity) = self.identities.get_mut(id) else { return };
        let (removed, kept): (Vec<_>, Vec<_>) = identity.logins.iter().cloned().partition(leaves);
        if removed.is_empty() {
            return;
        }
        let identity = Arc::make_mut(identity);
        identity.disabled = kept.is_empty();
        identity.logins = kept;
        identity.modified = now;
        let pool = identity.pool.clone();
        self.free(&pool, &removed);
        self.changed();
    }

    fn free(&mut self, pool: &IdentityPoolId, logins: &[Login]) {
        let Some(owners) = self.owners.get_mut(pool) else { return };
        for login in logins {
            owners.remove(login);
        }
    }
}
