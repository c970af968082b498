//! The keys of one signer, from any source.

use std::sync::Arc;
use std::time::Duration;

use clock::SharedClock;

use crate::algorithm::Algorithm;
use crate::error::KeysError;
use crate::jwks_client::JwksClient;
use crate::key_set::{KeySet, Lookup};
use crate::observer::JwksObserver;
use crate::remote_jwks::RemoteJwks;
use crate::remote_keys_by_id::RemoteKeysById;
use crate::settings::{JwksSettings, KeySource};

/// The keys of one signer.
#[derive(Debug)]
pub struct KeyProvider(Source);

#[derive(Debug)]
enum Source {
    Fixed(Arc<KeySet>),
    Jwks(Arc<RemoteJwks>),
    ById(Arc<RemoteKeysById>),
}

impl KeyProvider {
    /// Keys from the configured source. A JWKS is fetched once now, and kept fresh by a task that ends with the last
    /// reference. A failed first fetch is not an error. `name` identifies the signer in the log.
    ///
    /// # Errors
    /// The key file cannot be used, or the HTTPS client cannot be created.
    pub async fn from_source(
        name: &str,
        source: &KeySource,
        algorithms: &[Algorithm],
        clock: SharedClock,
        observer: Arc<dyn JwksObserver>,
    ) -> Result<Self, KeysError> {
        Ok(Self(match source {
            KeySource::Secret(secret) => Source::Fixed(Arc::new(KeySet::from_secret(secret))),
            KeySource::File(path) => Source::Fixed(Arc::new(KeySet::read(path, algorithms)?)),
            KeySource::Jwks(jwks) => Source::Jwks(RemoteJwks::start(name, jwks.clone(), clock, observer).await?),
        }))
    }

    /// Keys that are published one by one below the URL of the settings, each under its `kid`, in PEM.
    ///
    /// # Errors
    /// The HTTPS client cannot be created.
    pub fn by_key_id(
        name: &str,
        settings: &JwksSettings,
        algorithms: &'static [Algorithm],
        clock: SharedClock,
        observer: Arc<dyn JwksObserver>,
    ) -> Result<Self, KeysError> {
        let keys = RemoteKeysById::new(name, settings.clone(), algorithms, clock, observer)?;
        Ok(Self(Source::ById(keys)))
    }

    /// The keys as they are now, for a single use. They are not refreshed.
    ///
    /// # Errors
    /// The key file cannot be used, or the fetch failed.
    pub async fn fetch_once(source: &KeySource, algorithms: &[Algorithm]) -> Result<Self, KeysError> {
        let keys = match source {
            KeySource::Secret(secret) => KeySet::from_secret(secret),
            KeySource::File(path) => KeySet::read(path, algorithms)?,
            KeySource::Jwks(jwks) => JwksClient::new(jwks)?.fetch().await?,
        };
        Ok(Self(Source::Fixed(Arc::new(keys))))
    }

    /// The number of loaded keys that are usable for any of these algorithms.
    pub fn usable_for(&self, algorithms: &[Algorithm]) -> usize {
        match &self.0 {
            Source::Fixed(keys) => keys.usable_for(algorithms),
            Source::Jwks(jwks) => jwks.current().map_or(0, |keys| keys.usable_for(algorithms)),
            Source::ById(_) => 0,
        }
    }

    /// Whether signatures can be verified. A JWKS must have been fetched for that.
    pub fn is_loaded(&self) -> bool {
        match &self.0 {
            Source::Fixed(_) | Source::ById(_) => true,
            Source::Jwks(jwks) => jwks.current().is_some(),
        }
    }

    /// The age of a fetched JWKS.
    pub fn age(&self) -> Option<Duration> {
        match &self.0 {
            Source::Fixed(_) | Source::ById(_) => None,
            Source::Jwks(jwks) => jwks.age(),
        }
    }

    /// The key set for a token with this `kid`: refetched if the current one does not have it. `None`: cannot be fetched now.
    pub(crate) async fn resolve(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<KeySet>> {
        let jwks = match &self.0 {
            Source::Fixed(keys) => return Some(keys.clone()),
            Source::ById(keys) => return keys.find(kid).await,
            Source::Jwks(jwks) => jwks,
        };
        match jwks.current() {
            Some(keys) if !matches!(keys.find(kid, algorithm), Lookup::UnknownKid) => Some(keys),
            _ => jwks.refetch().await,
        }
    }
}
