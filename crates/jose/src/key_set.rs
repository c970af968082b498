//! Sets of verification keys.

use std::path::Path;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;

use crate::algorithm::{Algorithm, VerificationParams};
use crate::error::{KeySetError, KeysError};
use crate::jwk::Jwk;
use crate::key::{VerificationKey, Verifier};

/// A set of keys.
#[derive(Default)]
pub(crate) struct KeySet {
    pub(crate) keys: Vec<VerificationKey>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeySet({} keys)", self.keys.len())
    }
}

/// Result of [`KeySet::find`].
pub(crate) enum Lookup<'k> {
    Found(&'k Verifier),
    /// No key has this `kid`. A newer set may have it.
    UnknownKid,
    /// The key with this `kid` does not support the algorithm, or several keys do.
    NoMatch,
}

impl KeySet {
    pub(crate) fn from_secret(secret: &[u8]) -> Self {
        let verifier = |algorithm: &Algorithm| match algorithm.params() {
            VerificationParams::Secret(params) => {
                Some((*algorithm, Verifier::Secret(Box::new(hmac::Key::new(params, secret)))))
            }
            VerificationParams::Rsa(_) | VerificationParams::Ec(..) | VerificationParams::Ed(..) => None,
        };
        Self {
            keys: vec![VerificationKey { kid: None, verifiers: Algorithm::ALL.iter().filter_map(verifier).collect() }],
        }
    }

    /// Parses a JWKS. Keys of unknown types and keys not meant for signatures are left out.
    pub(crate) fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        let set: RawSet = serde_json::from_slice(json).map_err(KeySetError::InvalidJwks)?;
        // One by one: an unreadable key must not hide the others.
        let jwks = set.keys.into_iter().filter_map(|jwk| serde_json::from_value::<Jwk>(jwk).ok());
        let keys: Vec<VerificationKey> = jwks.filter_map(Jwk::into_key).collect();
        if keys.is_empty() { Err(KeySetError::NoUsableKey) } else { Ok(Self { keys }) }
    }

    /// Reads a file that contains a JWKS, or one public key in PEM for at least one of these algorithms.
    pub(crate) fn read(path: &Path, algorithms: &[Algorithm]) -> Result<Self, KeysError> {
        let bytes = std::fs::read(path).map_err(|error| KeysError::File { path: path.to_owned(), error })?;
        let keys = if bytes.trim_ascii_start().starts_with(b"{") {
            Self::from_jwks(&bytes)
        } else {
            Self::from_pem(&bytes, algorithms)
        };
        keys.map_err(|error| KeysError::FileContent { path: path.to_owned(), error })
    }

    /// Parses one public key in PEM for at least one of these algorithms.
    pub(crate) fn from_pem(bytes: &[u8], algorithms: &[Algorithm]) -> Result<Self, KeySetError> {
        let pem = pem::parse(bytes).map_err(KeySetError::InvalidPem)?;
        if !matches!(pem.tag(), "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return Err(KeySetError::PemTag(pem.tag().to_owned()));
        }
        let verifier = |algorithm: &Algorithm| {
            let parsed = match algorithm.params() {
                VerificationParams::Rsa(parameters) => ParsedPublicKey::new(parameters, pem.contents()),
                VerificationParams::Ec(_, params) | VerificationParams::Ed(_, params) => {
                    ParsedPublicKey::new(params, pem.contents())
                }
                VerificationParams::Secret(_) => return None,
            };
            Some((*algorithm, Verifier::Public(parsed.ok()?)))
        };
        let verifiers: Vec<_> = algorithms.iter().filter_map(verifier).collect();
        if verifiers.is_empty() {
            return Err(KeySetError::KeyType(algorithms.to_vec()));
        }
        Ok(Self { keys: vec![VerificationKey { kid: None, verifiers }] })
    }

    /// The number of keys that are usable for any of these algorithms.
    pub(crate) fn usable_for(&self, algorithms: &[Algorithm]) -> usize {
        let is_usable =
            |key: &&VerificationKey| key.verifiers.iter().any(|(algorithm, _)| algorithms.contains(algorithm));
        self.keys.iter().filter(is_usable).count()
    }

    /// The key for a token with this `kid` and algorithm. A token without `kid` is verified by the only key for its
    /// algorithm. If there are several, none is tried: that would be guessing.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Lookup<'_> {
        let has_kid = |key: &&VerificationKey| kid.is_some() && key.kid.as_deref() == kid;
        let is_anonymous = |key: &&VerificationKey| kid.is_none() || key.kid.is_none();
        // A key without a `kid` is used only if no key has the token's.
        let is_known = self.keys.iter().any(|key| has_kid(&key));
        let is_candidate = |key: &&VerificationKey| if is_known { has_kid(key) } else { is_anonymous(key) };
        let mut candidates = self.keys.iter().filter(is_candidate).peekable();
        if candidates.peek().is_none() {
            return Lookup::UnknownKid;
        }
        let position = |key: &'_ VerificationKey| key.verifiers.iter().position(|(own, _)| *own == algorithm);
        let mut matches = candidates.filter_map(|key| Some(&key.verifiers[position(key)?].1));
        match (matches.next(), matches.next()) {
            (Some(verifier), None) => Lookup::Found(verifier),
            _ => Lookup::NoMatch,
        }
    }
}

#[derive(serde::Deserialize)]
struct RawSet {
    keys: Vec<serde_json::Value>,
}
