//! State of the emulator: pools, identities, and the owners of logins.
//!
//! A plain struct behind one mutex. Nothing in it waits, signs or reads a clock. Pools and identities are shared by
//! `Arc` and copied on write, so that a snapshot for the state file is cheap and serialization does not block calls.

mod linking;
mod unlinking;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use fastrand::Rng;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use uuid::Builder;

use crate::pool::Pool;
use crate::protocol::OperationError;
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId};

/// A login: the name of a provider, and the user's name there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    pub(crate) provider: String,
    pub(crate) user: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: IdentityId,
    pub(crate) pool: IdentityPoolId,
    /// In the order in which they were linked. Empty: a guest, unless it is disabled.
    pub(crate) logins: Vec<Login>,
    /// It lost its last login by a merge or by unlinking, and can no longer be accessed.
    pub(crate) disabled: bool,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
}

/// A copy of all pools and identities, which costs one reference count each.
#[derive(Debug, Default)]
pub(crate) struct Snapshot {
    pub(crate) pools: Vec<Arc<Pool>>,
    pub(crate) identities: Vec<Arc<Identity>>,
}

#[derive(Debug)]
pub(crate) struct State {
    pools: BTreeMap<IdentityPoolId, Arc<Pool>>,
    /// Ordered by id, as pagination requires.
    identities: BTreeMap<IdentityId, Arc<Identity>>,
    owners: HashMap<IdentityPoolId, HashMap<Login, IdentityId>>,
    /// By role name, if set. Not persisted.
    trust_policies: BTreeMap<String, String>,
    rng: Rng,
    /// Counts changes, and wakes the state saver.
    revision: watch::Sender<u64>,
}

impl State {
    /// An empty state that generates ids with `rng`.
    pub(crate) fn new(rng: Rng) -> Self {
        Self {
            pools: BTreeMap::new(),
            identities: BTreeMap::new(),
            owners: HashMap::new(),
            trust_policies: BTreeMap::new(),
            rng,
            revision: watch::Sender::new(0),
        }
    }

    /// Restores a snapshot. The error describes a conflict within it.
    pub(crate) fn restore(&mut self, snapshot: Snapshot) -> Result<(), String> {
        for pool in snapshot.pools {
            let id = pool.id.clone();
            if self.pools.insert(id.clone(), pool).is_some() {
                return Err(format!("pool {id} is present twice"));
            }
        }
        for identity in snapshot.identities {
            let id = identity.id.clone();
            if !self.pools.contains_key(&identity.pool) {
                return Err(format!("identity {id} belongs to pool {}, which is missing", identity.pool));
            }
            let owners = self.owners.entry(identity.pool.clone()).or_default();
            for login in &identity.logins {
                if owners.insert(login.clone(), id.clone()).is_some() {
                    // Without the login itself: it can name a person.
                    return Err(format!("identity {id} has a login of another identity"));
                }
            }
            if self.identities.insert(id.clone(), identity).is_some() {
                return Err(format!("identity {id} is present twice"));
            }
        }
        Ok(())
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            pools: self.pools.values().cloned().collect(),
            identities: self.identities.values().cloned().collect(),
        }
    }

    /// Subscribes to changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Records a change, also of the keys, which are in the same file.
    pub(crate) fn mark_changed(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    /// Adds or replaces a pool.
    pub(crate) fn put_pool(&mut self, pool: Pool) {
        self.pools.insert(pool.id.clone(), Arc::new(pool));
        self.mark_changed();
    }

    /// Deletes a pool and all its identities.
    pub(crate) fn delete_pool(&mut self, id: &IdentityPoolId) -> Result<(), OperationError> {
        self.pool(id)?;
        self.pools.remove(id);
        self.owners.remove(id);
        self.identities.retain(|_, identity| identity.pool != *id);
        self.mark_changed();
        Ok(())
    }

    /// Generates an unused pool id.
    pub(crate) fn new_pool_id(&mut self, region: &str) -> Result<IdentityPoolId, OperationError> {
        loop {
            let id = IdentityPoolId::parse(&self.new_region_guid(region)).map_err(|_| OperationError::internal())?;
            if !self.pools.contains_key(&id) {
                return Ok(id);
            }
        }
    }

    pub(crate) fn pool(&self, id: &IdentityPoolId) -> Result<Arc<Pool>, OperationError> {
        self.pools.get(id).cloned().ok_or_else(|| missing_pool(id))
    }

    /// All pools, ordered by id.
    pub(crate) fn pools(&self) -> impl Iterator<Item = &Arc<Pool>> {
        self.pools.values()
    }

    /// The trust policy of a role, if one was set.
    pub(crate) fn trust_policy(&self, role: &str) -> Option<&str> {
        self.trust_policies.get(role).map(String::as_str)
    }

    pub(crate) fn put_trust_policy(&mut self, role: String, document: String) {
        self.trust_policies.insert(role, document);
    }

    pub(crate) fn identity(&self, id: &IdentityId) -> Result<Arc<Identity>, OperationError> {
        self.identities.get(id).cloned().ok_or_else(|| missing_identity(id))
    }

    /// The identity, if it belongs to `pool`.
    pub(crate) fn identity_in(&self, pool: &Pool, id: &IdentityId) -> Result<Arc<Identity>, OperationError> {
        self.identity(id).ok().filter(|identity| identity.pool == pool.id).ok_or_else(|| missing_identity(id))
    }

    /// The identity, if it is not disabled.
    pub(crate) fn enabled_identity(&self, id: &IdentityId) -> Result<Arc<Identity>, OperationError> {
        self.identity(id).ok().filter(|identity| !identity.disabled).ok_or_else(|| missing_identity(id))
    }

    /// The identities of `pool`, ordered by id.
    pub(crate) fn identities_in(&self, pool: &Pool) -> impl Iterator<Item = &Arc<Identity>> {
        self.identities.values().filter(move |identity| identity.pool == pool.id)
    }

    /// The identity that a login belongs to.
    pub(crate) fn owner(&self, pool: &Pool, login: &Login) -> Option<&IdentityId> {
        self.owners.get(&pool.id)?.get(login)
    }

    /// An RNG for work outside the lock.
    pub(crate) fn fork_rng(&mut self) -> Rng {
        self.rng.fork()
    }

    fn create_identity(&mut self, pool: &Pool, now: Timestamp) -> Result<IdentityId, OperationError> {
        // A seeded RNG repeats its ids after a restart, and the state file can already contain them.
        let id = loop {
            let text = self.new_region_guid(pool.id.region());
            let id = IdentityId::parse(&text).map_err(|_| OperationError::internal())?;
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
        self.mark_changed();
        Ok(id)
    }

    /// Links logins that have no owner or already belong to the identity.
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
        self.mark_changed();
    }

    fn new_region_guid(&mut self, region: &str) -> String {
        let guid = Builder::from_random_bytes(self.rng.u128(..).to_be_bytes()).into_uuid();
        format!("{region}:{guid}")
    }
}

/// The error for a pool that the account does not have.
pub(crate) fn missing_pool(id: &IdentityPoolId) -> OperationError {
    OperationError::not_found(format!("IdentityPool '{id}' not found."))
}

fn missing_identity(id: &IdentityId) -> OperationError {
    OperationError::not_found(format!("Identity '{id}' not found."))
}
