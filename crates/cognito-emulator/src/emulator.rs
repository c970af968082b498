//! The emulator: state, keys, temporary credentials, account and clocks, everything that operations read and change.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::keys::KeyRing;
use crate::settings::AccessKey;
use crate::state::State;
use crate::temporary_credentials::TemporaryCredentialStore;
use clock::SharedClock;

pub(crate) struct Emulator {
    /// Dates tokens and signatures.
    pub(crate) clock: SharedClock,
    /// Measures injected latency and the delay of state file writes.
    pub(crate) wait_clock: SharedClock,
    pub(crate) account_id: String,
    pub(crate) access_keys: Vec<AccessKey>,
    /// The regions that a signature may be scoped to.
    pub(crate) regions: BTreeSet<String>,
    /// The base URL in the discovery document; `None`: from the `Host` header.
    pub(crate) public_url: Option<String>,
    pub(crate) keys: KeyRing,
    pub(crate) state: Mutex<State>,
    pub(crate) temporary_credentials: TemporaryCredentialStore,
}

impl Emulator {
    /// Locks the state. Never held while a token is signed or while a client is waited for.
    pub(crate) fn lock_state(&self) -> MutexGuard<'_, State> {
        // A handler that panicked left no partial change: changes are made last, and all at once.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
