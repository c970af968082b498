//! Start and stop of an emulator: state, pools, signing key, listener and server.

use std::collections::BTreeSet;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use actix_web::dev::ServerHandle;
use fastrand::Rng;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;

use crate::emulator::Emulator;
use crate::keys::{KeyRing, SigningKey};
use crate::persistence::{self, StateFileError, StateSaver};
use crate::pipeline::Pipeline;
use crate::pool::Pool;
use crate::server;
use crate::settings::{DEFAULT_REGION, PoolSeed, Settings};
use crate::state::State;
use crate::temporary_credentials::TemporaryCredentialStore;
use clock::SharedClock;
use cognito_types::IdentityPoolId;

/// Connections that may wait to be accepted. A load test opens thousands of connections at once.
const BACKLOG: u32 = 16_384;

/// Why an emulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is in use or does not belong to this machine.
    #[error("cannot listen on {address}")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The operating system's error.
        source: io::Error,
    },
    /// The state file cannot be used.
    #[error(transparent)]
    StateFile(#[from] StateFileError),
    /// A pool of the settings is invalid.
    #[error("the pool {pool} is invalid: {reason}")]
    Pool {
        /// The id of the pool.
        pool: IdentityPoolId,
        /// Why it is invalid.
        reason: String,
    },
    /// The signing key could not be generated.
    #[error("cannot generate a signing key")]
    Key,
}

/// A running emulator. [`RunningEmulator::stop`] stops it and waits; dropping it stops it too, but does not wait for
/// the server or for the last write of the state file.
#[derive(Debug)]
pub struct RunningEmulator {
    address: SocketAddr,
    handle: ServerHandle,
    server: Option<JoinHandle<io::Result<()>>>,
    saver: Option<StateSaver>,
}

impl RunningEmulator {
    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL, without a slash at the end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Closes all connections and writes pending changes to the state file.
    pub async fn stop(mut self) {
        // Not gracefully: that would wait for idle keep-alive connections.
        self.handle.stop(false).await;
        if let Some(server) = self.server.take() {
            match server.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::error!(error = %error, "emulator server failed"),
                Err(error) => tracing::error!(error = %error, "emulator server failed"),
            }
        }
        if let Some(saver) = self.saver.take() {
            saver.stop().await;
        }
    }
}

impl Drop for RunningEmulator {
    fn drop(&mut self) {
        // The call sends the command; the future only waits until it is done.
        drop(self.handle.stop(false));
    }
}

/// Starts an emulator on the current Tokio runtime. It accepts requests when this returns.
///
/// `clock` dates tokens and checks the dates of signatures.
///
/// # Errors
///
/// [`StartError::Listen`], [`StartError::StateFile`] and [`StartError::Pool`] concern the settings. [`StartError::Key`]
/// means that no signing key could be generated.
pub async fn start(settings: Settings, clock: SharedClock) -> Result<RunningEmulator, StartError> {
    let saved = settings.state_file.as_deref().map(persistence::load).transpose()?.flatten();
    let mut rng = settings.seed.map_or_else(Rng::new, Rng::with_seed);
    let mut state = State::new(rng.fork());
    let mut signing_keys = Vec::new();
    if let Some(saved) = saved {
        signing_keys = saved.keys;
        let path = settings.state_file.as_deref().unwrap_or(Path::new(""));
        state.restore(saved.snapshot).map_err(|reason| persistence::damaged(path, reason))?;
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

    let emulator = Arc::new(Emulator {
        clock,
        wait_clock: settings.wait_clock,
        account_id: settings.account_id,
        access_keys: settings.access_keys,
        regions,
        public_url: settings.public_url.map(|url| url.trim_end_matches('/').to_owned()),
        keys,
        state: Mutex::new(state),
        temporary_credentials: TemporaryCredentialStore::default(),
    });

    let failed = |source| StartError::Listen { address: settings.listen, source };
    let listener = listen(settings.listen).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let saver = settings.state_file.map(|path| start_saver(path, &emulator)).transpose()?;
    let pipeline = Pipeline::new(emulator, rng);
    let server = server::serve(listener, pipeline, settings.workers).map_err(failed)?;
    let handle = server.handle();
    let server = Some(tokio::spawn(server));
    Ok(RunningEmulator { address, handle, server, saver })
}

/// Listens with a longer backlog than the standard library's, which is too short for thousands of clients at once.
fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // On Windows a second server could then take the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// Writes the file once at the start: an unwritable path is reported early, and a new signing key is stored before
/// the first token is issued.
fn start_saver(path: PathBuf, emulator: &Arc<Emulator>) -> Result<StateSaver, StartError> {
    let snapshot = emulator.lock_state().snapshot();
    persistence::save(&path, &emulator.keys, &snapshot)?;
    Ok(StateSaver::spawn(path, Arc::clone(emulator)))
}

fn seed_pools(state: &mut State, seeds: &[PoolSeed]) -> Result<(), StartError> {
    let mut seen = BTreeSet::new();
    for seed in seeds {
        let invalid = |reason: String| StartError::Pool { pool: seed.id.clone(), reason };
        if !seen.insert(&seed.id) {
            return Err(invalid("it is given twice".to_owned()));
        }
        // "REGION:" and a GUID of 36 characters must fit in an identity id's 55.
        if seed.id.region().len() > 18 {
            return Err(invalid("its region is too long for an identity id".to_owned()));
        }
        let pool = Pool::from_seed(state.pool(&seed.id).ok().as_deref(), seed);
        pool.settings.check().map_err(|error| invalid(error.message))?;
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
    fn a_pool_that_is_given_twice_is_rejected() {
        let mut state = State::new(Rng::with_seed(1));
        let seeds = [PoolSeed::default(), PoolSeed::default()];
        assert!(matches!(seed_pools(&mut state, &seeds), Err(StartError::Pool { .. })));
    }
}
