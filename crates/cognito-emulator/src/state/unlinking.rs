//! Removal of logins from identities: by a merge, by unlinking, or by deletion of the identity.
//!
//! An identity that loses its last login is disabled ("inaccessible" at AWS). It is still listed and described, but
//! access, linking and tokens get "not found". As in `linking.rs`, everything is checked before the first change.

use std::sync::Arc;

use super::{Identity, Login, State};
use crate::pool::Pool;
use crate::protocol::OperationError;
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId};

/// The most logins that two merged users may have together.
const MAX_MERGED_LOGINS: usize = 20;

impl State {
    /// Moves all logins of `source`'s identity to `destination`'s, and returns that one. If they are already merged,
    /// nothing changes, so that a call whose response was lost can be repeated.
    pub(crate) fn merge_developer_users(
        &mut self,
        pool: &Pool,
        source: &Login,
        destination: &Login,
        now: Timestamp,
    ) -> Result<IdentityId, OperationError> {
        let source = self.developer_user_identity(pool, source)?;
        let destination = self.developer_user_identity(pool, destination)?;
        if source.id == destination.id {
            return Ok(destination.id.clone());
        }
        if source.logins.len() + destination.logins.len() > MAX_MERGED_LOGINS {
            return Err(OperationError::invalid_parameter(format!(
                "The two users have more than {MAX_MERGED_LOGINS} linked logins together."
            )));
        }
        let is_public = |login: &&Login| !pool.has_developer_provider(&login.provider);
        let has_same_provider = |login: &Login| destination.logins.iter().any(|other| other.provider == login.provider);
        if let Some(login) = source.logins.iter().filter(is_public).find(|login| has_same_provider(login)) {
            return Err(OperationError::conflict(format!(
                "The two users are linked to two different users of {}.",
                login.provider
            )));
        }
        self.remove_logins(&source.id, now, |_| true);
        self.link(&destination.id, source.logins.clone(), now);
        Ok(destination.id.clone())
    }

    /// Unlinks a developer user from an identity. Its next token is for a new identity.
    pub(crate) fn unlink_developer_user(
        &mut self,
        pool: &Pool,
        id: &IdentityId,
        user: &Login,
        now: Timestamp,
    ) -> Result<(), OperationError> {
        self.identity_in(pool, id)?;
        if self.developer_user_identity(pool, user)?.id != *id {
            return Err(OperationError::conflict("The developer user identifier is another identity's."));
        }
        self.remove_logins(id, now, |login| login == user);
        Ok(())
    }

    /// Unlinks all logins of these providers from an identity, which must have one of each.
    pub(crate) fn unlink_providers(
        &mut self,
        id: &IdentityId,
        providers: &[String],
        now: Timestamp,
    ) -> Result<(), OperationError> {
        let identity = self.enabled_identity(id)?;
        let is_linked = |provider: &&String| identity.logins.iter().any(|login| login.provider == **provider);
        if !providers.iter().all(|provider| is_linked(&provider)) {
            return Err(OperationError::not_found("A login to remove is not linked to the identity."));
        }
        self.remove_logins(id, now, |login| providers.contains(&login.provider));
        Ok(())
    }

    /// Deletes an identity and releases its logins. Returns whether it existed.
    pub(crate) fn delete_identity(&mut self, id: &IdentityId) -> bool {
        let Some(identity) = self.identities.remove(id) else { return false };
        self.release_logins(&identity.pool, &identity.logins);
        self.mark_changed();
        true
    }

    fn developer_user_identity(&self, pool: &Pool, user: &Login) -> Result<Arc<Identity>, OperationError> {
        let missing = || OperationError::not_found("Developer user identifier not found.");
        self.identity(self.owner(pool, user).ok_or_else(missing)?)
    }

    fn remove_logins(&mut self, id: &IdentityId, now: Timestamp, is_removed: impl Fn(&Login) -> bool) {
        let Some(identity) = self.identities.get_mut(id) else { return };
        let (removed, kept): (Vec<_>, Vec<_>) = identity.logins.iter().cloned().partition(is_removed);
        if removed.is_empty() {
            return;
        }
        let identity = Arc::make_mut(identity);
        identity.disabled = kept.is_empty();
        identity.logins = kept;
        identity.modified = now;
        let pool = identity.pool.clone();
        self.release_logins(&pool, &removed);
        self.mark_changed();
    }

    fn release_logins(&mut self, pool: &IdentityPoolId, logins: &[Login]) {
        let Some(owners) = self.owners.get_mut(pool) else { return };
        for login in logins {
            owners.remove(login);
        }
    }
}
