//! What the emulator remembers: pools, identities, and whose login is whose.
//!
//! A plain struct behind one mutex; nothing in here waits, signs or reads a clock. Pools and identities are
//! shared by `Arc` and copied on a change, so that the state file's writer takes its snapshot in a moment
//! instead of holding up every call while it serializes.

mod linking;
mod unlinking;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Builder;

use super::pool::Pool;
use super::protocol::ApiError;
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId};

/// One way in for a user: a provider's name, and the user's name there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    pub(super) provider: String,
    pub(super) user: String,
}

/// One identity of a pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) id: IdentityId,
    pub(super) pool: IdentityPoolId,
    /// In the order in which they were linked. None: a guest, unless it is disabled.
    pub(super) logins: Vec<Login>,
    /// It has lost its last login, by a merge or by being unlinked: nobody gets in any more.
    pub(super) disabled: bool,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
}

/// A copy of everything that is kept, which costs one reference count each.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) pools: Vec<Arc<Pool>>,
    pub(super) identities: Vec<Arc<Identity>>,
}

/// Pools and identities.
#[derive(Debug)]
pub(super) struct State {
    pools: BTreeMap<IdentityPoolId, Arc<Pool>>,
    /// By id, so that pages of them have an order to go by.
    identities: BTreeMap<IdentityId, Arc<Identity>>,
    owners: HashMap<IdentityPoolId, HashMap<Login, IdentityId>>,
    /// By the role's name, where somebody has set one; gone when the emulator stops.
    trust_policies: BTreeMap<String, String>,
    random: Rng,
    /// Counts the changes, and wakes whoever writes them down.
    revision: watch::Sender<u64>,
}

impl State {
    /// An empty state whose ids come from `random`.
    pub(super) fn new(random: Rng) -> Self {
        Self {
            pools: BTreeMap::new(),
            identities: BTreeMap::new(),
            owners: HashMap::new(),
            trust_policies: BTreeMap::new(),
            random,
            revision: watch::Sender::new(0),
        }
    }

    /// Takes a snapshot in again; an identity that contradicts another is the error.
    pub(super) fn restore(&mut self, snapshot: Snapshot) -> Result<(), String> {
        for pool in snapshot.pools {
            let id = pool.id.clone();
            if self.pools.insert(id.clone(), pool).is_some() {
                return Err(format!("pool {id} stands twice"));
            }
        }
        for identity in snapshot.identities {
            let id = identity.id.clone();
            if !self.pools.contains_key(&identity.pool) {
                return Err(format!("identity {id} is of pool {}, which is missing", identity.pool));
            }
            let owners = self.owners.entry(identity.pool.clone()).or_default();
            for login in &identity.logins {
                if owners.insert(login.clone(), id.clone()).is_some() {
                    // Without the login itself: it may name a person.
                    return Err(format!("identity {id} has a login that another one has too"));
                }
            }
            if self.identities.insert(id.clone(), identity).is_some() {
                return Err(format!("identity {id} stands twice"));
            }
        }
        Ok(())
    }

    /// Everything, as it is now.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot {
            pools: self.pools.values().cloned().collect(),
            identities: self.identities.values().cloned().collect(),
        }
    }

    /// Tells of changes from now on.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Counts a change; also one of the keys, which are kept in the same file.
    pub(super) fn changed(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// Adds a pool, or replaces the one of that id.
    pub(super) fn put_pool(&mut self, pool: Pool) {
        self.pools.insert(pool.id.clone(), Arc::new(pool));
        self.changed();
    }

    /// Forgets a pool and all its identities.
    pub(super) fn delete_pool(&mut self, id: &IdentityPoolId) -> Result<(), ApiError> {
        self.pool(id)?;
        self.pools.remove(id);
        self.owners.remove(id);
        self.identities.retain(|_, identity| identity.pool != *id);
        self.changed();
        Ok(())
    }

    /// An id that no pool has yet.
    pub(super) fn new_pool_id(&mut self, region: &str) -> Result<IdentityPoolId, ApiError> {
        loop {
            let id =
                IdentityPoolId::parse(&self.new_region_guid(region)).map_err(|_| ApiError::internal())?;
            if !self.pools.contains_key(&id) {
                return Ok(id);
            }
        }
    }

    /// The pool of that id.
    pub(super) fn pool(&self, id: &IdentityPoolId) -> Result<Arc<Pool>, ApiError> {
        let missing = || ApiError::not_found(format!("IdentityPool '{id}' not found."));
        self.pools.get(id).cloned().ok_or_else(missing)
    }

    /// All pools, by the order of their ids.
    pub(super) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.values()
    }

    /// The trust policy that a role was given, if it was.
    pub(super) fn trust_policy(&self, role: &str) -> Option<&str> {
        self.trust_policies.get(role).map(String::as_str)
    }

    /// Gives a role a trust policy.
    pub(super) fn put_trust_policy(&mut self, role: String, document: String) {
        self.trust_policies.insert(role, document);
    }

    /// The identity of that id.
    pub(super) fn identity(&self, id: &IdentityId) -> Result<Arc<Identity>, ApiError> {
        self.identities.get(id).cloned().ok_or_else(|| missing_identity(id))
    }

    /// The identity of that id, if it is one of `pool`'s.
    pub(super) fn identity_of(&self, pool: &Pool, id: &IdentityId) -> Result<Arc<Identity>, ApiError> {
        self.identity(id).ok().filter(|identity| identity.pool == pool.id).ok_or_else(|| missing_identity(id))
    }

    /// The identity of that id, if somebody can still get in.
    pub(super) fn open_identity(&self, id: &IdentityId) -> Result<Arc<Identity>, ApiError> {
        self.identity(id).ok().filter(|identity| !identity.disabled).ok_or_else(|| missing_identity(id))
    }

    /// The identities of `pool`, by the order of their ids.
    pub(super) fn identities_of(&self, pool: &Pool) -> impl Iterator<Item = &Arc<Identity>> {
        self.identities.values().filter(move |identity| identity.pool == pool.id)
    }

    /// Whose login it is.
    pub(super) fn owner(&self, pool: &Pool, login: &Login) -> Option<&IdentityId> {
        self.owners.get(&pool.id)?.get(login)
    }

    /// A random source of its own for something that takes longer.
    pub(super) fn fork_random(&mut self) -> Rng {
        self.random.fork()
    }

    fn create_identity(&mut self, pool: &Pool, now: Timestamp) -> Result<IdentityId, ApiError> {
        // A seeded source gives the same ids after a restart, which a state file may already hold.
        let id = loop {
            let text = self.new_region_guid(pool.id.region());
            let id = IdentityId::parse(&text).map_err(|_| ApiError::internal())?;
            if !self.identities.contains_key(&id) {
                break id;
            }
        };
        let identity = Identity {
            id: id.clone(),
            pool: pool.id.clone(),
            logins: Vec::new(),
            disabled: false,
            created: now,
            modified: now,
        };
        self.identities.insert(id.clone(), Arc::new(identity));
        self.changed();
        Ok(id)
    }

    /// Links logins that nobody owns, or that are the identity's already.
    fn link(&mut self, id: &IdentityId, logins: Vec<Login>, now: Timestamp) {
        let Some(identity) = self.identities.get_mut(id) else { return };
        let new: Vec<_> = logins.into_iter().filter(|login| !identity.logins.contains(login)).collect();
        if new.is_empty() {
            return;
        }
        let identity = Arc::make_mut(identity);
        identity.modified = now;
        let owners = self.owners.entry(identity.pool.clone()).or_default();
        for login in new {
            owners.insert(login.clone(), id.clone());
            identity.logins.push(login);
        }
        self.changed();
    }

    fn new_region_guid(&mut self, region: &str) -> String {
        let guid = Builder::from_random_bytes(self.random.u128(..).to_be_bytes()).into_uuid();
        format!("{region}:{guid}")
    }
}

fn missing_identity(id: &IdentityId) -> ApiError {
    ApiError::not_found(format!("Identity '{id}' not found."))
}
