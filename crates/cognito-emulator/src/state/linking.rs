//! Creation of identities and linking of logins.
//!
//! Each function checks everything before its first change, so that a rejected call changes nothing.

use std::sync::Arc;

use super::{Identity, Login, State};
use crate::pool::Pool;
use crate::protocol::{ErrorType, OperationError};
use clock::Timestamp;
use cognito_types::IdentityId;

impl State {
    /// The identity of a developer user: the existing one, or `requested` with the user linked to it, or a new one.
    /// Also links the public logins.
    pub(crate) fn register_developer_user(
        &mut self,
        pool: &Pool,
        requested: Option<&IdentityId>,
        developer: Login,
        public: Vec<Login>,
        now: Timestamp,
    ) -> Result<IdentityId, OperationError> {
        let owner = self.owner(pool, &developer).cloned();
        let target = match (requested, owner) {
            (Some(requested), owner) => {
                self.identity_in(pool, requested)?;
                self.enabled_identity(requested)?;
                if owner.is_some_and(|owner| owner != *requested) {
                    return Err(OperationError::new(
                        ErrorType::DeveloperUserAlreadyRegistered,
                        "The developer user identifier is already registered with another identity.",
                    ));
                }
                Some(requested.clone())
            }
            (None, owner) => owner,
        };
        self.check_logins_not_linked_elsewhere(pool, target.as_ref(), &public)?;
        let id = match target {
            Some(id) => id,
            None => self.create_identity(pool, now)?,
        };
        let mut logins = vec![developer];
        logins.extend(public);
        self.link(&id, logins, now);
        Ok(id)
    }

    /// `GetId`: the identity that owns one of the logins, or a new one, with the others linked to it. Without logins, a
    /// new guest.
    pub(crate) fn find_or_create(
        &mut self,
        pool: &Pool,
        logins: Vec<Login>,
        now: Timestamp,
    ) -> Result<IdentityId, OperationError> {
        if logins.is_empty() {
            check_guests_allowed(pool)?;
            return self.create_identity(pool, now);
        }
        let owner = logins.iter().find_map(|login| self.owner(pool, login)).cloned();
        self.check_logins_not_linked_elsewhere(pool, owner.as_ref(), &logins)?;
        let id = match owner {
            Some(id) => id,
            None => self.create_identity(pool, now)?,
        };
        self.link(&id, logins, now);
        Ok(id)
    }

    /// Grants access to an identity by public logins or as a guest, and links new logins. At least one login must
    /// already be linked, unless the identity has none: then the guest becomes an authenticated identity.
    pub(crate) fn resolve_access(
        &mut self,
        pool: &Pool,
        identity: &Arc<Identity>,
        logins: Vec<Login>,
        now: Timestamp,
    ) -> Result<(), OperationError> {
        self.check_access(pool, identity, &logins)?;
        self.link(&identity.id, logins, now);
        Ok(())
    }

    /// Checks whether these public logins grant access to the identity. Changes nothing.
    pub(crate) fn check_access(
        &self,
        pool: &Pool,
        identity: &Identity,
        logins: &[Login],
    ) -> Result<(), OperationError> {
        if logins.is_empty() {
            if !identity.logins.is_empty() {
                return Err(OperationError::not_authorized(format!(
                    "Access to Identity '{}' is forbidden.",
                    identity.id
                )));
            }
            return check_guests_allowed(pool);
        }
        self.check_logins_not_linked_elsewhere(pool, Some(&identity.id), logins)?;
        let known = logins.iter().any(|login| identity.logins.contains(login));
        if !known && !identity.logins.is_empty() {
            return Err(OperationError::not_authorized(
                "Logins don't match. Please include at least one valid login for this identity or identity pool.",
            ));
        }
        Ok(())
    }

    fn check_logins_not_linked_elsewhere(
        &self,
        pool: &Pool,
        target: Option<&IdentityId>,
        logins: &[Login],
    ) -> Result<(), OperationError> {
        for login in logins {
            if self.owner(pool, login).is_some_and(|owner| Some(owner) != target) {
                return Err(OperationError::conflict(format!(
                    "The login of {} is already linked to another identity.",
                    login.provider
                )));
            }
        }
        Ok(())
    }
}

fn check_guests_allowed(pool: &Pool) -> Result<(), OperationError> {
    if pool.allows_guests() {
        Ok(())
    } else {
        Err(OperationError::not_authorized("Unauthenticated access is not supported for this identity pool."))
    }
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::*;
    use crate::PoolSeed;
    use cognito_types::{DeveloperProvider, IdentityPoolId};

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn pool(guid: &str) -> Pool {
        let id = IdentityPoolId::parse(&format!("us-east-1:{guid}")).unwrap();
        Pool::from_seed(None, &PoolSeed::new(id, DeveloperProvider::parse("login.example").unwrap()))
    }

    fn state(pools: &[&Pool]) -> State {
        let mut state = State::new(Rng::with_seed(7));
        pools.iter().for_each(|pool| state.put_pool((*pool).clone()));
        state
    }

    fn login(provider: &str, user: &str) -> Login {
        Login { provider: provider.to_owned(), user: user.to_owned() }
    }

    fn developer(user: &str) -> Login {
        login("login.example", user)
    }

    #[test]
    fn a_user_keeps_its_identity_and_another_user_gets_another_one() {
        let pool = pool("1");
        let mut state = state(&[&pool]);
        let alice = state.register_developer_user(&pool, None, developer("alice"), vec![], NOW).unwrap();
        let bob = state.register_developer_user(&pool, None, developer("bob"), vec![], NOW).unwrap();
        assert_ne!(alice, bob);
        assert_eq!(state.register_developer_user(&pool, None, developer("alice"), vec![], NOW), Ok(alice));
    }

    #[test]
    fn an_identity_of_another_pool_is_not_found() {
        let (here, there) = (pool("1"), pool("2"));
        let mut state = state(&[&here, &there]);
        let foreign = state.register_developer_user(&there, None, developer("a"), vec![], NOW).unwrap();
        let error = state.register_developer_user(&here, Some(&foreign), developer("a"), vec![], NOW).unwrap_err();
        assert_eq!(error.error_type, ErrorType::ResourceNotFound);
    }

    #[test]
    fn a_rejected_call_changes_nothing() {
        let pool = pool("1");
        let mut state = state(&[&pool]);
        let google = login("accounts.google.com", "g1");
        state.find_or_create(&pool, vec![google.clone()], NOW).unwrap();
        let changes = state.subscribe();

        let error = state.register_developer_user(&pool, None, developer("new"), vec![google], NOW).unwrap_err();
        assert_eq!(error.error_type, ErrorType::ResourceConflict);
        assert!(!changes.has_changed().unwrap());
        assert_eq!(state.owner(&pool, &developer("new")), None);
    }

    #[test]
    fn a_guest_with_a_linked_login_cannot_be_accessed_as_a_guest() {
        let mut pool = pool("1");
        pool.settings.allow_unauthenticated_identities = Some(true);
        let mut state = state(&[&pool]);
        let id = state.find_or_create(&pool, vec![], NOW).unwrap();
        let guest = state.identity(&id).unwrap();
        state.resolve_access(&pool, &guest, vec![], NOW).unwrap();
        state.resolve_access(&pool, &guest, vec![login("accounts.google.com", "g1")], NOW).unwrap();

        let linked = state.identity(&id).unwrap();
        let error = state.resolve_access(&pool, &linked, vec![], NOW).unwrap_err();
        assert_eq!(error.error_type, ErrorType::NotAuthorized);
        let unlinked = vec![login("accounts.google.com", "g2")];
        assert_eq!(
            state.resolve_access(&pool, &linked, unlinked, NOW).unwrap_err().error_type,
            ErrorType::NotAuthorized
        );
    }

    #[test]
    fn a_repeated_seed_does_not_repeat_an_existing_id() {
        let pool = pool("1");
        let mut first = state(&[&pool]);
        let id = first.register_developer_user(&pool, None, developer("a"), vec![], NOW).unwrap();

        let mut second = State::new(Rng::with_seed(7));
        second.restore(first.snapshot()).unwrap();
        let other = second.register_developer_user(&pool, None, developer("b"), vec![], NOW).unwrap();
        assert_ne!(other, id);
    }
}
