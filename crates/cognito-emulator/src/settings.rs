//! Settings of an emulator, its initial pools and its access keys.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use crate::keys::SigningKey;
use clock::{SharedClock, SystemClock};
use cognito_types::{DeveloperProvider, IdentityPoolId, RoleArn};

/// The identity pool of the default settings.
pub const DEFAULT_POOL: &str = "us-east-1:00000000-0000-4000-8000-000000000001";
/// The developer provider of [`DEFAULT_POOL`].
pub const DEFAULT_DEVELOPER_PROVIDER: &str = "login.tokenvend.example";
/// The region of an emulator that starts without a pool.
pub(crate) const DEFAULT_REGION: &str = "us-east-1";

/// Settings of an emulator.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The address to listen on. Port 0 is any free port.
    pub listen: SocketAddr,
    /// The initial pools. A seed overrides the settings of a pool of the same id in the state file.
    pub pools: Vec<PoolSeed>,
    /// The access keys that may sign requests.
    pub access_keys: Vec<AccessKey>,
    /// The AWS account of the emulator: 12 digits.
    pub account_id: String,
    /// The file that persists identities, pools and signing keys. `None`: memory only.
    pub state_file: Option<PathBuf>,
    /// The seed of identity ids and faults, which makes them repeatable.
    pub seed: Option<u64>,
    /// The number of server threads. One thread signs as many tokens as one core can.
    pub workers: usize,
    /// The base URL in the discovery document. `None`: from the `Host` header of the request.
    pub public_url: Option<String>,
    /// The key that signs tokens. `None`: the key of the state file, otherwise a new one.
    pub signing_key: Option<SigningKey>,
    /// The clock of injected latency and of state file writes. Separate from the clock that dates tokens, so that
    /// a test that stops that clock still gets responses.
    pub wait_clock: SharedClock,
}

impl Default for Settings {
    /// Loopback, any free port, one pool, one access key, no state file.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            pools: vec![PoolSeed::default()],
            access_keys: vec![AccessKey::default()],
            account_id: "123456789012".to_owned(),
            state_file: None,
            seed: None,
            workers: 1,
            public_url: None,
            signing_key: None,
            wait_clock: Arc::new(SystemClock::new()),
        }
    }
}

/// Settings of an initial pool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSeed {
    /// The id of the pool.
    pub id: IdentityPoolId,
    /// The name of the pool.
    pub name: String,
    /// The developer provider of the pool.
    pub developer_provider: DeveloperProvider,
    /// Whether the pool allows guests.
    pub allow_guests: bool,
    /// The public providers of the pool, with the app id of each, which the emulator does not check.
    pub supported_login_providers: BTreeMap<String, String>,
    /// The role of authenticated identities. If neither role is set, the roles of the state file apply, otherwise
    /// the emulator's own roles.
    pub authenticated_role: Option<RoleArn>,
    /// The role of guests.
    pub unauthenticated_role: Option<RoleArn>,
}

impl PoolSeed {
    /// A pool without guests, with the well-known public providers.
    pub fn new(id: IdentityPoolId, developer_provider: DeveloperProvider) -> Self {
        let public =
            ["accounts.google.com", "api.twitter.com", "appleid.apple.com", "graph.facebook.com", "www.amazon.com"];
        Self {
            id,
            name: "tokenvend".to_owned(),
            developer_provider,
            allow_guests: false,
            supported_login_providers: public.map(|name| (name.to_owned(), "emulator".to_owned())).into(),
            authenticated_role: None,
            unauthenticated_role: None,
        }
    }
}

impl Default for PoolSeed {
    /// [`DEFAULT_POOL`] with [`DEFAULT_DEVELOPER_PROVIDER`].
    #[expect(clippy::expect_used, reason = "both are constants, and a test parses them")]
    fn default() -> Self {
        Self::new(
            IdentityPoolId::parse(DEFAULT_POOL).expect("a pool id"),
            DeveloperProvider::parse(DEFAULT_DEVELOPER_PROVIDER).expect("a provider's name"),
        )
    }
}

/// An access key that may sign requests.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The access key id.
    pub id: String,
    /// The secret access key.
    pub secret: String,
}

impl Default for AccessKey {
    /// A key that cannot be mistaken for a real one.
    fn default() -> Self {
        Self { id: "AKIAEMULATOR".to_owned(), secret: "emulator-secret-good-for-nothing".to_owned() }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The secret is usually invented, but an operator can configure a real one.
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_pool_is_valid_for_cognito() {
        assert_eq!(PoolSeed::default().id.region(), DEFAULT_REGION);
    }

    #[test]
    fn debug_output_of_an_access_key_does_not_contain_its_secret() {
        let key = AccessKey::default();
        assert!(!format!("{key:?}").contains(&key.secret));
    }
}
