//! The keys that JWTs are judged by, each tied to the family of algorithms that it is for, so that a public
//! key can never be used as a shared secret.

use std::path::{Path, PathBuf};

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey};

use crate::secret::Secret;

/// One key and what it may be used for.
struct Key {
    /// `None`: the only key there is, whatever a token calls it.
    kid: Option<String>,
    /// The algorithms that it fits.
    algorithms: Vec<Algorithm>,
    key: DecodingKey,
}

/// A set of keys.
pub(crate) struct KeySet {
    keys: Vec<Key>,
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
    #[error("no client to fetch signing keys with can be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// What a look-up found.
pub(crate) enum Lookup<'k> {
    Found(&'k DecodingKey),
    /// No key of that name: perhaps a newer set has it.
    UnknownKid,
    /// There is such a key, or there are several that could be meant, but none for this algorithm.
    Unfit,
}

const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

impl KeySet {
    pub(crate) fn of_secret(secret: &Secret) -> Self {
        let algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        Self { keys: vec![Key { kid: None, algorithms, key: DecodingKey::from_secret(secret.expose()) }] }
    }

    /// A JWKS. Keys of kinds that are not known, or not meant for signatures, are left out.
    pub(crate) fn of_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        let set: RawSet = serde_json::from_slice(json).map_err(KeySetError::NoJwks)?;
        // One by one: a key that this program cannot read must not hide the others.
        let jwks = set.keys.into_iter().filter_map(|jwk| serde_json::from_value::<Jwk>(jwk).ok());
        let keys: Vec<Key> = jwks.filter_map(|jwk| usable(&jwk)).collect();
        if keys.is_empty() { Err(KeySetError::NoKey) } else { Ok(Self { keys }) }
    }

    /// A file that holds a JWKS, or one public key in PEM for the family of these algorithms.
    pub(crate) fn read(path: &Path, algorithms: &[Algorithm]) -> Result<Self, KeysError> {
        let fail = |why: String| KeysError::File { path: path.to_owned(), why };
        let bytes = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        if bytes.trim_ascii_start().starts_with(b"{") {
            return Self::of_jwks(&bytes).map_err(|error| fail(error.to_string()));
        }
        let family = algorithms.first().map(|algorithm| algorithm.family());
        let key = match family {
            Some(AlgorithmFamily::Rsa) => DecodingKey::from_rsa_pem(&bytes),
            Some(AlgorithmFamily::Ec) => DecodingKey::from_ec_pem(&bytes),
            Some(AlgorithmFamily::Ed) => DecodingKey::from_ed_pem(&bytes),
            _ => return Err(fail("a public key does not go with these algorithms".to_owned())),
        };
        let key = key.map_err(|error| fail(format!("no PEM public key for these algorithms: {error}")))?;
        let family = key.family();
        let algorithms = algorithms.iter().copied().filter(|other| other.family() == family).collect();
        Ok(Self { keys: vec![Key { kid: None, algorithms, key }] })
    }

    /// How many keys there are for any of these algorithms.
    pub(crate) fn fit(&self, algorithms: &[Algorithm]) -> usize {
        self.keys.iter().filter(|key| key.algorithms.iter().any(|fits| algorithms.contains(fits))).count()
    }

    /// The key for a token that names this `kid` and algorithm. A token that names no key is judged by the
    /// only key that fits; where several do, none is tried: that would be guessing.
    pub(crate) fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Lookup<'_> {
        let is_named = |key: &&Key| kid.is_some() && key.kid.as_deref() == kid;
        let is_nameless = |key: &&Key| kid.is_none() || key.kid.is_none();
        // The key of that very name if there is one; keys without a name only stand in for it.
        let candidates: Vec<&Key> = match self.keys.iter().find(is_named) {
            Some(_) => self.keys.iter().filter(is_named).collect(),
            None => self.keys.iter().filter(is_nameless).collect(),
        };
        if candidates.is_empty() {
            return Lookup::UnknownKid;
        }
        let mut fit = candidates.into_iter().filter(|key| key.algorithms.contains(&algorithm));
        match (fit.next(), fit.next()) {
            (Some(key), None) => Lookup::Found(&key.key),
            _ => Lookup::Unfit,
        }
    }
}

#[derive(serde::Deserialize)]
struct RawSet {
    keys: Vec<serde_json::Value>,
}

/// The key, if it is a public one for signatures that this program can check.
fn usable(jwk: &Jwk) -> Option<Key> {
    if jwk.common.public_key_use.as_ref().is_some_and(|usage| *usage != PublicKeyUse::Signature) {
        return None;
    }
    let fits: &[Algorithm] = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => &RSA,
        AlgorithmParameters::EllipticCurve(parameters) => match parameters.curve {
            EllipticCurve::P256 => &[Algorithm::ES256],
            EllipticCurve::P384 => &[Algorithm::ES384],
            _ => return None,
        },
        AlgorithmParameters::OctetKeyPair(_) => &[Algorithm::EdDSA],
        // A shared secret has no place in a published set; whoever puts one there has given it away.
        _ => return None,
    };
    let declared = jwk.common.key_algorithm.map(|algorithm| algorithm.to_string());
    let is_declared = |algorithm: &Algorithm| {
        declared
            .as_deref()
            .is_none_or(|declared| declared.parse::<Algorithm>().is_ok_and(|d| d == *algorithm))
    };
    let algorithms: Vec<Algorithm> = fits.iter().copied().filter(is_declared).collect();
    let key = DecodingKey::from_jwk(jwk).ok()?;
    (!algorithms.is_empty()).then(|| Key { kid: jwk.common.key_id.clone(), algorithms, key })
}
