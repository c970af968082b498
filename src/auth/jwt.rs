//! A bearer JWT that the app signed. What comes in is text that anybody may have written; it becomes
//! `UnverifiedClaims` by parsing, and a [`Caller`] only after its signature and every claim hold.

mod claims;
mod jwks;
mod keys;

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::Algorithm;
use serde::Deserialize;

use super::{Caller, Refusal, Verdict};
use crate::clock::SharedClock;
use crate::config::{JwtSettings, KeySource};
use crate::metrics::Metrics;
use claims::UnverifiedClaims;
use jwks::Jwks;
pub use keys::KeysError;
use keys::{KeySet, Lookup};

/// Longer than any honest bearer, and short enough that decoding one costs nothing worth attacking.
const LONGEST_TOKEN: usize = 8192;

/// One issuer of bearer JWTs.
#[derive(Debug)]
pub(super) struct JwtWay {
    name: Arc<str>,
    settings: JwtSettings,
    keys: Keys,
    clock: SharedClock,
}

#[derive(Debug)]
enum Keys {
    Fixed(Arc<KeySet>),
    Fetched(Arc<Jwks>),
}

/// What a JWT says of how it is signed. Everything else that a header may hold (`jku`, `x5u`, `jwk`: "take
/// this key") is not even read.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    crit: Option<serde_json::Value>,
}

impl JwtWay {
    pub(super) async fn start(
        name: &str,
        settings: &JwtSettings,
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        let keys = match &settings.keys {
            KeySource::Secret(secret) => Keys::Fixed(Arc::new(KeySet::of_secret(secret))),
            KeySource::File(path) => Keys::Fixed(Arc::new(KeySet::read(path, &settings.algorithms)?)),
            KeySource::Jwks(source) => {
                Keys::Fetched(Jwks::start(name, source.clone(), clock.clone(), metrics).await?)
            }
        };
        Ok(Self { name: name.into(), settings: settings.clone(), keys, clock })
    }

    pub(super) fn has_keys(&self) -> bool {
        match &self.keys {
            Keys::Fixed(_) => true,
            Keys::Fetched(jwks) => jwks.current().is_some(),
        }
    }

    pub(super) fn keys_age(&self) -> Option<Duration> {
        match &self.keys {
            Keys::Fixed(_) => None,
            Keys::Fetched(jwks) => jwks.age(),
        }
    }

    pub(super) async fn judge(&self, bearer: &str) -> Verdict {
        match self.verify(bearer).await {
            Ok(caller) => Verdict::Verified(caller),
            Err(verdict) => verdict,
        }
    }

    async fn verify(&self, bearer: &str) -> Result<Caller, Verdict> {
        let refused = Verdict::Refused;
        let (header, claims, message, signature) = parse(bearer).map_err(refused)?;
        if claims.issuer() != Some(&self.settings.issuer) {
            return Err(Verdict::NotMine);
        }
        let algorithm = self.algorithm(&header.alg).ok_or(refused(Refusal::Algorithm))?;
        let keys = self.keys_for(header.kid.as_deref(), algorithm).await?;
        let Lookup::Found(key) = keys.find(header.kid.as_deref(), algorithm) else {
            return Err(refused(Refusal::UnknownKey));
        };
        match jsonwebtoken::crypto::verify(signature, message.as_bytes(), key, algorithm) {
            Ok(true) => {}
            Ok(false) | Err(_) => return Err(refused(Refusal::Signature)),
        }
        claims.verify(&self.settings, self.clock.now(), &self.name).map_err(refused)
    }

    /// The algorithm of that name, if it is on the list. The list decides, never the token.
    fn algorithm(&self, name: &str) -> Option<Algorithm> {
        let named: Algorithm = name.parse().ok()?;
        self.settings.algorithms.contains(&named).then_some(named)
    }

    /// The keys at hand; newer ones if these do not have the one asked for.
    async fn keys_for(&self, kid: Option<&str>, algorithm: Algorithm) -> Result<Arc<KeySet>, Verdict> {
        let jwks = match &self.keys {
            Keys::Fixed(keys) => return Ok(keys.clone()),
            Keys::Fetched(jwks) => jwks,
        };
        match jwks.current() {
            Some(keys) if !matches!(keys.find(kid, algorithm), Lookup::UnknownKid) => Ok(keys),
            _ => jwks.refetched().await.ok_or(Verdict::CannotSay),
        }
    }
}

type Parts<'t> = (Header, UnverifiedClaims, &'t str, &'t str);

/// Takes a compact JWS apart. Nothing in it is trusted yet.
fn parse(token: &str) -> Result<Parts<'_>, Refusal> {
    if token.len() > LONGEST_TOKEN {
        return Err(Refusal::Malformed);
    }
    let (message, signature) = token.rsplit_once('.').ok_or(Refusal::Malformed)?;
    let (header, payload) = message.split_once('.').ok_or(Refusal::Malformed)?;
    if signature.is_empty() || payload.contains('.') {
        return Err(Refusal::Malformed);
    }
    let header: Header = decode(header)?;
    // A critical extension that is not understood must be refused (RFC 7515, 4.1.11), and none is.
    if header.crit.is_some() {
        return Err(Refusal::Malformed);
    }
    Ok((header, decode(payload)?, message, signature))
}

fn decode<T: serde::de::DeserializeOwned>(segment: &str) -> Result<T, Refusal> {
    let json = URL_SAFE_NO_PAD.decode(segment).map_err(|_| Refusal::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| Refusal::Malformed)
}
