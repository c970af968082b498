//! The keys that signatures are judged by, each parsed once for every algorithm that it fits.

use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use aws_lc_rs::signature::ParsedPublicKey;

use super::algorithm::{Algorithm, VerificationParams};
use super::jwk::Jwk;
use crate::secret::Secret;

/// One key and what it may be used for.
pub(super) struct VerificationKey {
    /// `None`: the only key there is, whatever a token calls it.
    pub(super) kid: Option<String>,
    /// By the algorithms that it fits. Never empty.
    pub(super) verifiers: Vec<(Algorithm, Verifier)>,
}

/// A key, ready for one algorithm.
pub(super) enum Verifier {
    Public(ParsedPublicKey),
    /// Boxed: it is many times as large as the other.
    Secret(Box<hmac::Key>),
}

impl Verifier {
    /// Whether the holder of the key signed this. In constant time, where the key is a secret.
    pub(super) fn fits(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Public(key) => key.verify_sig(message, signature).is_ok(),
            Self::Secret(key) => hmac::verify(key, message, signature).is_ok(),
        }
    }
}

/// A set of keys.
#[derive(Default)]
pub(crate) struct KeySet {
    pub(super) keys: Vec<VerificationKey>,
}

impl std::fmt::Debug for KeySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeySet({} keys)", self.keys.len())
    }
}

/// Why there are no keys in a key set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeySetError {
    #[error("it is no JWKS: {0}")]
    NoJwks(serde_json::Error),
    #[error("it has no key that can be used to verify signatures")]
    NoKey,
}

/// Why there is nothing to judge by.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The key file is of no use.
    #[error("the key file {path} cannot be used: {why}", path = path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// No HTTPS client can be made, because of the machine's TLS set-up.
    #[error("no https client can be made: {0}")]
    Client(#[from] reqwest::Error),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random,
}

/// What a look-up found.
pub(super) enum Lookup<'k> {
    Found(&'k Verifier),
    /// No key of that name: perhaps a newer set has it.
    UnknownKid,
    /// There is such a key, or there are several that could be meant, but none for this algorithm.
    Unfit,
}

impl KeySet {
    pub(super) fn of_secret(secret: &Secret) -> Self {
        let verifier = |algorithm: &Algorithm| match algorithm.check() {
            VerificationParams::Secret(check) => {
                Some((*algorithm, Verifier::Secret(Box::new(hmac::Key::new(check, secret.expose())))))
            }
            VerificationParams::Rsa(_) | VerificationParams::Ec(..) | VerificationParams::Ed(..) => None,
        };
        Self {
            keys: vec![VerificationKey {
                kid: None,
                verifiers: Algorithm::ALL.iter().filter_map(verifier).collect(),
            }],
        }
    }

    /// A JWKS. Keys of kinds that are not known, or not meant for signatures, are left out.
    pub(super) fn of_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        let set: RawSet = serde_json::from_slice(json).map_err(KeySetError::NoJwks)?;
        // One by one: a key that this program cannot read must not hide the others.
        let jwks = set.keys.into_iter().filter_map(|jwk| serde_json::from_value::<Jwk>(jwk).ok());
        let keys: Vec<VerificationKey> = jwks.filter_map(Jwk::usable).collect();
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self { keys }) }
    }

    /// A file that holds a JWKS, or one public key in PEM that fits at least one of these algorithms.
    pub(super) fn read(path: &Path, algorithms: &[Algorithm]) -> Result<Self, KeysError> {
        let fail = |why: String| KeysError::File { path: path.to_owned(), why };
        let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Self::of_jwks(&bytes).map_err(|error| fail(error.to_string()));
        }
        Self::of_pem(&bytes, algorithms).map_err(fail)
    }

    /// One public key in PEM that fits at least one of these algorithms.
    pub(super) fn of_pem(bytes: &[u8], algorithms: &[Algorithm]) -> Result<Self, String> {
        let pem = pem::parse(bytes).map_err(|error| format!("it is neither a JWKS nor PEM: {error}"))?;
        if !matches!(pem.tag(), "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return Err(format!("it holds a {:?}, a PUBLIC KEY is needed", pem.tag()));
        }
        let verifier = |algorithm: &Algorithm| {
            let parsed = match algorithm.check() {
                VerificationParams::Rsa(parameters) => ParsedPublicKey::new(parameters, pem.contents()),
                VerificationParams::Ec(_, check) | VerificationParams::Ed(_, check) => {
                    ParsedPublicKey::new(check, pem.contents())
                }
                VerificationParams::Secret(_) => return None,
            };
            Some((*algorithm, Verifier::Public(parsed.ok()?)))
        };
        let verifiers: Vec<_> = algorithms.iter().filter_map(verifier).collect();
        if verifiers.is_empty() {
            let names: Vec<_> = algorithms.iter().map(|algorithm| algorithm.name()).collect();
            return Err(format!("its key is not one for {}", names.join(", ")));
        }
        Ok(Self { keys: vec![VerificationKey { kid: None, verifiers }] })
    }

    /// How many keys there are for any of these algorithms.
    pub(super) fn fit(&self, algorithms: &[Algorithm]) -> usize {
        let fits = |key: &&VerificationKey| {
            key.verifiers.iter().any(|(algorithm, _)| algorithms.contains(algorithm))
        };
        self.keys.iter().filter(fits).count()
    }

    /// The key for a token that names this `kid` and algorithm. A token that names no key is judged by the
    /// only key that fits; where several do, none is tried: that would be guessing.
    pub(super) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Lookup<'_> {
        let is_named = |key: &&VerificationKey| kid.is_some() && key.kid.as_deref() == kid;
        let is_nameless = |key: &&VerificationKey| kid.is_none() || key.kid.is_none();
        // The key of that very name if there is one; keys without a name only stand in for it.
        let has_named = self.keys.iter().any(|key| is_named(&key));
        let is_candidate = |key: &&VerificationKey| if has_named { is_named(key) } else { is_nameless(key) };
        let mut candidates = self.keys.iter().filter(is_candidate).peekable();
        if candidates.peek().is_none() {
            return Lookup::UnknownKid;
        }
        let fits = |key: &'_ VerificationKey| key.verifiers.iter().position(|(fit, _)| *fit == algorithm);
        let mut fit = candidates.filter_map(|key| Some(&key.verifiers[fits(key)?].1));
        match (fit.next(), fit.next()) {
            (Some(verifier), None) => Lookup::Found(verifier),
            _ => Lookup::Unfit,
        }
    }
}

#[derive(serde::Deserialize)]
struct RawSet {
    keys: Vec<serde_json::Value>,
}
