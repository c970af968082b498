//! How identities come about, and who may link what to whom.
//!
//! Each function here checks everything first and changes the state last, so that a refused call leaves no
//! trace behind.

use std::sync::Arc;

use super::{Identity, Login, State};
use crate::pool::Pool;
use crate::protocol::{ApiError, ErrorType};
use clock::Timestamp;
use cognito_types::IdentityId;

impl State {
    /// The identity of a developer user: found by the user, or the `wanted` one with the user linked to it,
    /// or a new one. Public logins are linked along.
    pub(crate) fn register_developer_user(
        &mut self,
        pool: &Pool,
        wanted: Option<&IdentityId>,
        developer: Login,
        public: Vec<Login>,
        now: Timestamp,
    ) -> Result<IdentityId, ApiError> {
        let owner = self.owner(pool, &developer).cloned();
        let target = match (wanted, owner) {
            (Some(wanted), owner) => {
                self.identity_of(pool, wanted)?;
                self.open_identity(wanted)?;
                if owner.is_some_and(|owner| owner != *wanted) {
                    return Err(ApiError::new(
                        ErrorType::DeveloperUserAlreadyRegistered,
                        "The developer user identifier is already registered with another identity.",
                    ));
                }
                Some(wanted.clone())
            }
            (None, owner) => owner,
        };
        self.refuse_logins_of_others(pool, target.as_ref(), &public)?;
        let id = match target {
            Some(id) => id,
            None => self.create_identity(pool, now)?,
        };
        let mut logins = vec![developer];
        logins.extend(public);
        self.link(&id, logins, now);
        Ok(id)
    }

    /// `GetId`: the identity that owns one of the logins (the others are linked to it), or a new one.
    /// Without logins, a new guest.
    pub(crate) fn find_or_create(
        &mut self,
        pool: &Pool,
        logins: Vec<Login>,
        now: Timestamp,
    ) -> Result<IdentityId, ApiError> {
        if logins.is_empty() {
            refuse_guests_of(pool)?;
            return self.create_identity(pool, now);
        }
        let owner = logins.iter().find_map(|login| self.owner(pool, login)).cloned();
        self.refuse_logins_of_others(pool, owner.as_ref(), &logins)?;
        let id = match owner {
            Some(id) => id,
            None => self.create_identity(pool, now)?,
        };
        self.link(&id, logins, now);
        Ok(id)
    }

    /// Lets the holder of public logins, or a guest, act as an identity. At least one login must be the
    /// identity's own, unless it has none yet: then the guest becomes somebody.
    pub(crate) fn enter(
        &mut self,
        pool: &Pool,
        identity: &Arc<Identity>,
        logins: Vec<Login>,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        self.prove(pool, identity, &logins)?;
        self.link(&identity.id, logins, now);
        Ok(())
    }

    /// Whether the holder of these public logins may act as the identity; changes nothing.
    pub(crate) fn prove(&self, pool: &Pool, identity: &Identity, logins: &[Login]) -> Result<(), ApiError> {
        if logins.is_empty() {
            if !identity.logins.is_empty() {
                return Err(ApiError::not_authorized(format!(
                    "Access to Identity '{}' is forbidden.",
                    identity.id
                )));
            }
            return refuse_guests_of(pool);
        }
        self.refuse_logins_of_others(pool, Some(&identity.id), logins)?;
        let known = logins.iter().any(|login| identity.logins.contains(login));
        if !known && !identity.logins.is_empty() {
            return Err(ApiError::not_authorized(
                "Logins don't match. Please include at least one valid login for this identity or identity pool.",
            ));
        }
        Ok(())
    }

    fn refuse_logins_of_others(
        &self,
        pool: &Pool,
        target: Option<&IdentityId>,
        logins: &[Login],
    ) -> Result<(), ApiError> {
        for login in logins {
            if self.owner(pool, login).is_some_and(|owner| Some(owner) != target) {
                return Err(ApiError::conflict(format!(
                    "The login of {} is already linked to another identity.",
                    login.provider
                )));
            }
        }
        Ok(())
    }
}

fn refuse_guests_of(pool: &Pool) -> Result<(), ApiError> {
    if pool.allows_guests() {
        Ok(())
    } else {
        Err(ApiError::not_authorized("Unauthenticated access is not supported for this identity pool."))
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
        Pool::seeded(None, &PoolSeed::new(id, DeveloperProvider::parse("login.example").unwrap()))
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
    fn a_user_keeps_the_identity_and_another_user_gets_another() {
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
        let fault =
            state.register_developer_user(&here, Some(&foreign), developer("a"), vec![], NOW).unwrap_err();
        assert_eq!(fault.error_type, ErrorType::ResourceNotFound);
    }

    #[test]
    fn a_refused_call_changes_nothing() {
        let pool = pool("1");
        let mut state = state(&[&pool]);
        let google = login("accounts.google.com", "g1");
        state.find_or_create(&pool, vec![google.clone()], NOW).unwrap();
        let changes = state.changes();

        let fault =
            state.register_developer_user(&pool, None, developer("new"), vec![google], NOW).unwrap_err();
        assert_eq!(fault.error_type, ErrorType::ResourceConflict);
        assert!(!changes.has_changed().unwrap());
        assert_eq!(state.owner(&pool, &developer("new")), None);
    }

    #[test]
    fn a_guest_who_becomes_somebody_is_no_guest_any_more() {
        let mut pool = pool("1");
        pool.settings.allow_unauthenticated_identities = Some(true);
        let mut state = state(&[&pool]);
        let id = state.find_or_create(&pool, vec![], NOW).unwrap();
        let guest = state.identity(&id).unwrap();
        state.enter(&pool, &guest, vec![], NOW).unwrap();
        state.enter(&pool, &guest, vec![login("accounts.google.com", "g1")], NOW).unwrap();

        let somebody = state.identity(&id).unwrap();
        let fault = state.enter(&pool, &somebody, vec![], NOW).unwrap_err();
        assert_eq!(fault.error_type, ErrorType::NotAuthorized);
        let stranger = vec![login("accounts.google.com", "g2")];
        assert_eq!(
            state.enter(&pool, &somebody, stranger, NOW).unwrap_err().error_type,
            ErrorType::NotAuthorized
        );
    }

    #[test]
    fn a_seeded_source_that_repeats_itself_never_gives_an_id_twice() {
        let pool = pool("1");
        let mut first = state(&[&pool]);
        let id = first.register_developer_user(&pool, None, developer("a"), vec![], NOW).unwrap();

        let mut second = State::new(Rng::with_seed(7));
        second.restore(first.snapshot()).unwrap();
        let other = second.register_developer_user(&pool, None, developer("b"), vec![], NOW).unwrap();
        assert_ne!(other, id);
    }
}
