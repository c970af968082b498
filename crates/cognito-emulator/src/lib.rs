//! A Cognito Identity emulator over HTTP, for tests and for development without an AWS account.
//!
//! It speaks the real protocol to the real SDKs and the AWS CLI, keeps identities stable, mints RS512 tokens
//! whose keys it publishes, checks the signatures of signed operations, and misbehaves on demand under
//! `/_emulator/faults`. On the same address it answers STS and a little of IAM, for a token's way to credentials. It shares nothing
//! with the service but the identity newtypes and the clock: the service talks to it over a socket, as it does
//! to AWS.
//!
//! It mints tokens for anybody who asks. Keep it on the loopback interface.

mod backend;
mod call_counts;
#[cfg(feature = "cli")]
pub mod command;
mod control_api;
mod dispatch;
mod faults;
mod keys;
mod logins;
mod operations;
mod persistence;
mod pool;
mod principal;
mod protocol;
mod server;
mod sigv4;
mod state;
mod temporary_credentials;
mod token;
mod validation;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use fastrand::Rng;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use backend::Backend;
use clock::{SharedClock, SystemClock};
use cognito_types::{DeveloperProvider, IdentityPoolId};
use keys::KeyRing;
use pool::Pool;
use state::State;

pub use keys::SigningKey;
pub use persistence::StateFileError;
pub use principal::RoleArn;

/// Compiles what docs/emulator.md shows in Rust; the other languages are run by `tests/api/emulator_page.rs`.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/emulator.md")]
struct Page;

/// The pool that an emulator has when nobody says otherwise.
pub const DEFAULT_POOL: &str = "us-east-1:00000000-0000-4000-8000-000000000001";
/// The developer provider of that pool.
pub const DEFAULT_DEVELOPER_PROVIDER: &str = "login.tokenvend.example";
/// The region of an emulator that starts without a pool.
const DEFAULT_REGION: &str = "us-east-1";
/// How many connections may wait to be accepted: a load test opens its thousands all at once.
const BACKLOG: u32 = 16_384;

/// How an emulator is set up.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it listens. Port 0: any free one.
    pub listen: SocketAddr,
    /// The pools that are there from the start. Over a state file's pool of the same id, the seed wins in all
    /// that it says.
    pub pools: Vec<PoolSeed>,
    /// Who may sign calls.
    pub credentials: Vec<AccessKey>,
    /// The AWS account that the emulator plays.
    pub account_id: String,
    /// Where identities, pools and signing keys are kept over a restart; none: nowhere.
    pub state_file: Option<PathBuf>,
    /// Makes identity ids and faults repeatable.
    pub seed: Option<u64>,
    /// The server's threads. One mints as many tokens as one core can sign.
    pub workers: usize,
    /// The base URL to publish in the discovery document; none: as the client's `Host` header has it.
    pub public_url: Option<String>,
    /// The key to sign with; none: the state file's, or else a new one.
    pub signing_key: Option<SigningKey>,
    /// Measures the latency fault and the state file's rounds. Apart from the clock that dates tokens, so
    /// that a test which stops that clock still gets its answers.
    pub wait_clock: SharedClock,
}

impl Default for Settings {
    /// Loopback, any free port, one pool, one access key, nothing kept.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            pools: vec![PoolSeed::default()],
            credentials: vec![AccessKey::default()],
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

/// A pool that is there from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSeed {
    /// Its id.
    pub id: IdentityPoolId,
    /// Its name.
    pub name: String,
    /// Its developer provider.
    pub developer_provider: DeveloperProvider,
    /// Whether it has guests.
    pub allow_guests: bool,
    /// The public providers it knows, and the app ids there (which the emulator does not check).
    pub supported_login_providers: BTreeMap<String, String>,
    /// The role of its users who have signed in. With neither role, they are as the state file has them, or
    /// else roles of the emulator's own.
    pub authenticated_role: Option<RoleArn>,
    /// The role of its guests.
    pub unauthenticated_role: Option<RoleArn>,
}

impl PoolSeed {
    /// A pool without guests that knows the well-known public providers.
    pub fn new(id: IdentityPoolId, developer_provider: DeveloperProvider) -> Self {
        let public = [
            "accounts.google.com",
            "api.twitter.com",
            "appleid.apple.com",
            "graph.facebook.com",
            "www.amazon.com",
        ];
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
    #[expect(clippy::expect_used, reason = "two constants, which a test proves")]
    fn default() -> Self {
        Self::new(
            IdentityPoolId::parse(DEFAULT_POOL).expect("a pool id"),
            DeveloperProvider::parse(DEFAULT_DEVELOPER_PROVIDER).expect("a provider's name"),
        )
    }
}

/// An access key that may sign calls.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The key's id.
    pub id: String,
    /// The key's secret.
    pub secret: String,
}

impl Default for AccessKey {
    /// A key that nobody takes for a real one.
    fn default() -> Self {
        Self { id: "AKIAEMULATOR".to_owned(), secret: "emulator-secret-good-for-nothing".to_owned() }
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Made up most of the time, but nothing keeps anybody from configuring a real one.
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why an emulator does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
    /// The state file cannot be used.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// A pool that Cognito could not have.
    #[error("the pool {pool} is refused: {fault}")]
    Pool {
        /// Its id.
        pool: IdentityPoolId,
        /// What is wrong with it.
        fault: String,
    },
    /// No signing key could be made.
    #[error("no signing key could be made")]
    Key,
}

/// An emulator that answers. [`RunningEmulator::stop`] ends it in order; dropping it ends it too, but does
/// not wait for that or for the state file.
#[derive(Debug)]
pub struct RunningEmulator {
    address: SocketAddr,
    handle: ServerHandle,
    server: Option<JoinHandle<io::Result<()>>>,
    writer: Option<persistence::StateSaver>,
}

impl RunningEmulator {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its endpoint URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes every connection and writes what the state file still lacks.
    pub async fn stop(mut self) {
        // Not gracefully: that would wait for idle keep-alive connections.
        self.handle.stop(false).await;
        if let Some(server) = self.server.take() {
            match server.await {
                Ok(Ok(())) => {}
                Ok(Err(fault)) => tracing::error!(error = %fault, "emulator ended badly"),
                Err(fault) => tracing::error!(error = %fault, "emulator ended badly"),
            }
        }
        if let Some(writer) = self.writer.take() {
            writer.stop().await;
        }
    }
}

impl Drop for RunningEmulator {
    fn drop(&mut self) {
        // The command is sent by the call; the future only waits for it to be done.
        drop(self.handle.stop(false));
    }
}

/// Starts an emulator on the caller's runtime; it answers by the time this returns.
///
/// `clock` dates tokens and judges the dates of signatures.
pub async fn start(settings: Settings, clock: SharedClock) -> Result<RunningEmulator, StartError> {
    let saved = settings.state_file.as_deref().map(persistence::load).transpose()?.flatten();
    let mut random = settings.seed.map_or_else(Rng::new, Rng::with_seed);
    let mut state = State::new(random.fork());
    let mut signing_keys = Vec::new();
    if let Some(saved) = saved {
        signing_keys = saved.keys;
        let path = settings.state_file.as_deref().unwrap_or(Path::new(""));
        state.restore(saved.snapshot).map_err(|fault| persistence::damaged(path, fault))?;
    }
    seed_pools(&mut state, &settings.pools)?;
    match settings.signing_key {
        Some(key) => signing_keys.push(key),
        None if signing_keys.is_empty() => signing_keys.push(generate_key().await?),
        None => {}
    }
    let mut regions: BTreeSet<String> = state.pools().map(|pool| pool.id.region().to_owned()).collect();
    if regions.is_empty() {
        regions.insert(DEFAULT_REGION.to_owned());
    }
    let key_region = settings.pools.first().map_or(DEFAULT_REGION, |pool| pool.id.region());
    let keys = KeyRing::new(key_region, signing_keys).map_err(|_| StartError::Key)?;

    let service = Arc::new(Backend {
        clock,
        wait_clock: settings.wait_clock,
        account_id: settings.account_id,
        access_keys: settings.credentials,
        regions,
        public_url: settings.public_url.map(|url| url.trim_end_matches('/').to_owned()),
        keys,
        state: Mutex::new(state),
        sessions: temporary_credentials::TemporaryCredentialStore::default(),
        faults: faults::FaultInjector::new(random),
        calls: call_counts::CallCounts::default(),
    });

    let failed = |source| StartError::Listen { address: settings.listen, source };
    let listener = listen(settings.listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let writer = settings.state_file.map(|path| keep(path, &service)).transpose()?;
    let server = server::serve(listener, Arc::clone(&service), settings.workers).map_err(failed)?;
    let handle = server.handle();
    let server = Some(tokio::spawn(server));
    Ok(RunningEmulator { address, handle, server, writer })
}

/// Listens with a backlog of its own: the standard library's is too short for clients that all come at once.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // Windows would let a second server take the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Writes the file once now: a place that cannot be written should be known at the start, and the new
/// signing key is kept before the first token leaves.
fn keep(path: PathBuf, service: &Arc<Backend>) -> Result<persistence::StateSaver, StartError> {
    let snapshot = service.lock_state().snapshot();
    persistence::save(&path, &service.keys, &snapshot)?;
    Ok(persistence::StateSaver::spawn(path, Arc::clone(service)))
}

fn seed_pools(state: &mut State, seeds: &[PoolSeed]) -> Result<(), StartError> {
    let mut seen = BTreeSet::new();
    for seed in seeds {
        let refused = |fault: String| StartError::Pool { pool: seed.id.clone(), fault };
        if !seen.insert(&seed.id) {
            return Err(refused("it stands twice".to_owned()));
        }
        // "REGION:" and a GUID of 36 characters must fit in an identity id's 55.
        if seed.id.region().len() > 18 {
            return Err(refused("its region is too long for an identity id".to_owned()));
        }
        let pool = Pool::seeded(state.pool(&seed.id).ok().as_deref(), seed);
        pool.settings.check().map_err(|fault| refused(fault.message))?;
        state.put_pool(pool);
    }
    Ok(())
}

async fn generate_key() -> Result<SigningKey, StartError> {
    let key = tokio::task::spawn_blocking(SigningKey::generate).await;
    key.ok().and_then(Result::ok).ok_or(StartError::Key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_pool_is_one_that_cognito_could_have() {
        assert_eq!(PoolSeed::default().id.region(), DEFAULT_REGION);
    }

    #[test]
    fn an_access_key_never_shows_its_secret() {
        let key = AccessKey::default();
        assert!(!format!("{key:?}").contains(&key.secret));
    }

    #[test]
    fn a_pool_that_stands_twice_is_refused() {
        let mut state = State::new(Rng::with_seed(1));
        let seeds = [PoolSeed::default(), PoolSeed::default()];
        assert!(matches!(seed_pools(&mut state, &seeds), Err(StartError::Pool { .. })));
    }
}
