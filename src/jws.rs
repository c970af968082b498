//! Signed text in its compact form (JWS, RFC 7515): taken apart, and its signature judged. The app's bearer JWTs
//! pass here, and Cognito's OpenID tokens where one is handed in as a proof.
//!
//! What a token says of its own signature is a claim like any other: the list of algorithms is the reader's, the
//! keys are those at hand, each tied to its family of algorithms. `jku`, `x5u` and `jwk` ("take this key") are not
//! even read.

mod algorithm;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod header;
mod jwk;
mod jwks;
mod keys;
mod named;
mod published;
mod unique;

use std::sync::Arc;
use std::time::Duration;

use base64_simd::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::config::{JwksSettings, KeySource};
use crate::metrics::Metrics;
pub use algorithm::Algorithm;
use clock::SharedClock;
use header::Header;
use jwks::RemoteJwks;
pub use keys::KeysError;
use keys::{KeySet, Lookup};
use named::RemoteKeysById;
use published::JwksClient;
use unique::UniqueJson;

/// The longest token that STS takes (`WebIdentityToken` of AssumeRoleWithWebIdentity): one of Cognito's with many
/// principal tags comes near. Decoding it costs nothing worth attacking.
const LONGEST: usize = 20_000;

/// Text that is no JWS, or one that must not be accepted whoever signed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is no JWS in compact form")]
pub(crate) struct InvalidJws;

/// Why a signature does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum VerifyError {
    /// The algorithm is not on the reader's list.
    #[error("it is signed with an algorithm that is not accepted")]
    Algorithm,
    /// No key of that name is published.
    #[error("it is signed with a key that is not known")]
    UnknownKey,
    /// The signature does not fit.
    #[error("its signature does not fit")]
    Signature,
    /// The keys could not be had, so nobody can say.
    #[error("the keys to check it with cannot be had now")]
    CannotSay,
}

/// A JWS taken apart. Nothing in it is trusted before [`Jws::prove`].
pub(crate) struct Jws<'t> {
    header: Header,
    payload: Value,
    message: &'t str,
    signature: Vec<u8>,
}

impl<'t> Jws<'t> {
    /// Takes the compact form apart.
    pub(crate) fn parse(token: &'t str) -> Result<Self, InvalidJws> {
        Self::taken_apart(token, Padding::None)
    }

    /// The same of one whose parts may be padded, each wholly or not at all, against RFC 7515, section 2: AWS's load
    /// balancers write them so. The padding is part of what is signed.
    pub(crate) fn parse_padded(token: &'t str) -> Result<Self, InvalidJws> {
        Self::taken_apart(token, Padding::Allowed)
    }

    fn taken_apart(token: &'t str, padding: Padding) -> Result<Self, InvalidJws> {
        if token.len() > LONGEST {
            return Err(InvalidJws);
        }
        let (header, rest) = token.split_once('.').ok_or(InvalidJws)?;
        let (payload, signature) = rest.split_once('.').ok_or(InvalidJws)?;
        if signature.is_empty() || signature.contains('.') {
            return Err(InvalidJws);
        }
        let message = &token[..header.len() + 1 + payload.len()];
        let header: Header = json(header, padding)?;
        // A critical extension that is not understood must be refused (RFC 7515, 4.1.11), and none is; nor is a list
        // of them that is none.
        if header.others.contains_key("crit") {
            return Err(InvalidJws);
        }
        let (UniqueJson(payload), signature) = (json(payload, padding)?, decode(signature, padding)?);
        Ok(Self { header, payload, message, signature })
    }

    /// What kind of token it says that it is (RFC 7515, 4.1.9), without the prefix that may be left out.
    pub(crate) fn kind(&self) -> Option<&str> {
        let typ = self.header.typ.as_deref()?;
        let has_prefix =
            typ.get(..APPLICATION.len()).is_some_and(|start| start.eq_ignore_ascii_case(APPLICATION));
        Some(if has_prefix { &typ[APPLICATION.len()..] } else { typ })
    }

    /// What its header says under this name, which is none of how it is signed. Signed as the payload is.
    pub(crate) fn header(&self, name: &str) -> Option<&Value> {
        self.header.others.get(name)
    }

    /// What was signed. Before the signature is proved, good only to find out who should judge it.
    pub(crate) fn payload(&self) -> &Value {
        &self.payload
    }

    /// What was signed, handed over.
    pub(crate) fn into_payload(self) -> Value {
        self.payload
    }

    /// Proves that the holder of one of the keys signed this, with one of these algorithms.
    pub(crate) async fn prove(
        &self,
        keys: &KeyProvider,
        algorithms: &[Algorithm],
    ) -> Result<(), VerifyError> {
        let named = Algorithm::named(&self.header.alg).filter(|named| algorithms.contains(named));
        let algorithm = named.ok_or(VerifyError::Algorithm)?;
        let kid = self.header.kid.as_deref();
        let keys = keys.with(kid, algorithm).await.ok_or(VerifyError::CannotSay)?;
        let Lookup::Found(key) = keys.find(kid, algorithm) else {
            return Err(VerifyError::UnknownKey);
        };
        key.fits(self.message.as_bytes(), &self.signature).then_some(()).ok_or(VerifyError::Signature)
    }
}

const APPLICATION: &str = "application/";

/// Whether base64 may end in `=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    None,
    Allowed,
}

fn json<T: DeserializeOwned>(segment: &str, padding: Padding) -> Result<T, InvalidJws> {
    serde_json::from_slice(&decode(segment, padding)?).map_err(|_| InvalidJws)
}

/// The bytes of a segment. Bits that stand for nothing must be zero, so that no other spelling of it counts.
fn decode(segment: &str, padding: Padding) -> Result<Vec<u8>, InvalidJws> {
    let is_padded = padding == Padding::Allowed && segment.ends_with('=');
    let encoding = if is_padded { URL_SAFE } else { URL_SAFE_NO_PAD };
    encoding.decode_to_vec(segment).map_err(|_| InvalidJws)
}

/// The keys of one signer.
#[derive(Debug)]
pub(crate) enum KeyProvider {
    /// They stay as they are.
    Fixed(Arc<KeySet>),
    /// They are published, and fetched anew now and then.
    Fetched(Arc<RemoteJwks>),
    /// They are published one by one, and fetched when they are named.
    Named(Arc<RemoteKeysById>),
}

impl KeyProvider {
    /// The keys from where the configuration says that they are. Those by URL are fetched once now, and kept
    /// fresh in a task that ends with the last holder; that they cannot be had yet is no error. `whose` names
    /// the signer in the log.
    ///
    /// # Errors
    /// A key file is of no use, or no HTTPS client can be made.
    pub(crate) async fn of(
        whose: &str,
        source: &KeySource,
        algorithms: &[Algorithm],
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        Ok(match source {
            KeySource::Secret(secret) => Self::Fixed(Arc::new(KeySet::of_secret(secret))),
            KeySource::File(path) => Self::Fixed(Arc::new(KeySet::read(path, algorithms)?)),
            KeySource::Jwks(jwks) => {
                Self::Fetched(RemoteJwks::start(whose, jwks.clone(), clock, metrics).await?)
            }
        })
    }

    /// The keys that are published one by one under the URL of these settings, each under its name.
    ///
    /// # Errors
    /// No HTTPS client can be made.
    pub(crate) fn by_name(
        whose: &str,
        settings: &JwksSettings,
        algorithms: &'static [Algorithm],
        clock: SharedClock,
        metrics: Arc<Metrics>,
    ) -> Result<Self, KeysError> {
        RemoteKeysById::new(whose, settings.clone(), algorithms, clock, metrics).map(Self::Named)
    }

    /// The keys as they are at this moment, for one who looks once: nothing keeps them fresh.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub(crate) async fn as_they_are(source: &KeySource, algorithms: &[Algorithm]) -> Result<Self, String> {
        let keys = match source {
            KeySource::Secret(secret) => KeySet::of_secret(secret),
            KeySource::File(path) => KeySet::read(path, algorithms).map_err(|error| error.to_string())?,
            KeySource::Jwks(jwks) => {
                JwksClient::new(jwks).map_err(|error| error.to_string())?.fetch().await?
            }
        };
        Ok(Self::Fixed(Arc::new(keys)))
    }

    /// How many of them there are for any of these algorithms.
    pub(crate) fn fit(&self, algorithms: &[Algorithm]) -> usize {
        match self {
            Self::Fixed(keys) => keys.fit(algorithms),
            Self::Fetched(jwks) => jwks.current().map_or(0, |keys| keys.fit(algorithms)),
            Self::Named(_) => 0,
        }
    }

    /// Whether there are any yet.
    pub(crate) fn are_there(&self) -> bool {
        match self {
            Self::Fixed(_) | Self::Named(_) => true,
            Self::Fetched(jwks) => jwks.current().is_some(),
        }
    }

    /// How old they are, where they come by URL.
    pub(crate) fn age(&self) -> Option<Duration> {
        match self {
            Self::Fixed(_) | Self::Named(_) => None,
            Self::Fetched(jwks) => jwks.age(),
        }
    }

    /// The keys at hand; newer ones if these do not have the one asked for. `None`: they cannot be had.
    async fn with(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<KeySet>> {
        let jwks = match self {
            Self::Fixed(keys) => return Some(keys.clone()),
            Self::Named(keys) => return keys.named(kid).await,
            Self::Fetched(jwks) => jwks,
        };
        match jwks.current() {
            Some(keys) if !matches!(keys.find(kid, algorithm), Lookup::UnknownKid) => Some(keys),
            _ => jwks.refetched().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// Else one signature would fit many texts, and each of them would be remembered, or refused, for itself.
    #[test]
    fn a_segment_has_one_spelling_and_for_those_who_pad_two() {
        let pairs: Vec<String> =
            ALPHABET.chars().flat_map(|a| ALPHABET.chars().map(move |b| format!("{a}{b}"))).collect();
        let triples = pairs.iter().flat_map(|pair| ALPHABET.chars().map(move |c| format!("{pair}{c}")));
        for (segments, padding, values) in [
            (pairs.clone(), "==", 1 << 8),     // of one byte
            (triples.collect(), "=", 1 << 16), // of two bytes
        ] {
            let mut found = BTreeSet::new();
            for segment in segments {
                let padded = format!("{segment}{padding}");
                assert_eq!(decode(&padded, Padding::None), Err(InvalidJws), "{padded}");
                let bytes = decode(&segment, Padding::None);
                assert_eq!(decode(&segment, Padding::Allowed), bytes, "{segment}");
                assert_eq!(decode(&padded, Padding::Allowed), bytes, "{padded}");
                if let Ok(bytes) = bytes {
                    assert!(found.insert(bytes), "{segment} is another spelling");
                }
            }
            assert_eq!(found.len(), values);
        }
        for odd in
            ["A", "AAAAA", "AA=", "AAA==", "AAAA=", "=", "AA==AA", "A+", "A/", "AA ", " AA", "AA\n", "é"]
        {
            for padding in [Padding::None, Padding::Allowed] {
                assert_eq!(decode(odd, padding), Err(InvalidJws), "{odd:?}");
            }
        }
    }
}
