//! A JWS in compact form (RFC 7515): parsing, and verification of its signature.

use base64_simd::{URL_SAFE, URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::algorithm::Algorithm;
use crate::header::Header;
use crate::key_provider::KeyProvider;
use crate::key_set::Lookup;
use crate::unique_json::UniqueJson;

/// The longest token that STS accepts (`WebIdentityToken` of AssumeRoleWithWebIdentity). Cognito's with many principal
/// tags come near. Decoding one costs too little to be worth an attack.
const MAX_TOKEN_BYTES: usize = 20_000;

/// The text is not a JWS in compact form, or must be rejected whatever its signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a JWS in compact form")]
pub struct InvalidJws;

/// Why a signature is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The algorithm is not in the list of accepted ones.
    #[error("it is signed with an algorithm that is not accepted")]
    Algorithm,
    /// No key has the `kid`, or none of them supports the algorithm.
    #[error("it is signed with a key that is not known")]
    UnknownKey,
    /// The signature is invalid.
    #[error("its signature is not valid")]
    Signature,
    /// The keys cannot be fetched now. Not a rejection.
    #[error("the keys to verify it with cannot be fetched now")]
    KeysUnavailable,
}

/// A parsed JWS. Nothing in it is trusted before [`Jws::verify`].
pub struct Jws<'t> {
    pub(crate) header: Header,
    pub(crate) payload: Value,
    message: &'t str,
    pub(crate) signature: Vec<u8>,
}

impl std::fmt::Debug for Jws<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Jws([redacted])")
    }
}

impl<'t> Jws<'t> {
    /// Parses the compact form.
    ///
    /// # Errors
    /// It is not one, is longer than 20,000 bytes, has a duplicate key or a `crit` header.
    pub fn parse(token: &'t str) -> Result<Self, InvalidJws> {
        Self::parse_segments(token, Padding::None)
    }

    /// Parses a token whose segments may be padded, against RFC 7515, section 2: AWS load balancers send such tokens. The
    /// padding is part of what is signed. A segment is padded completely or not at all.
    ///
    /// # Errors
    /// As [`Jws::parse`].
    pub fn parse_padded(token: &'t str) -> Result<Self, InvalidJws> {
        Self::parse_segments(token, Padding::Allowed)
    }

    fn parse_segments(token: &'t str, padding: Padding) -> Result<Self, InvalidJws> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(InvalidJws);
        }
        let (header, rest) = token.split_once('.').ok_or(InvalidJws)?;
        let (payload, signature) = rest.split_once('.').ok_or(InvalidJws)?;
        if signature.is_empty() || signature.contains('.') {
            return Err(InvalidJws);
        }
        let message = &token[..header.len() + 1 + payload.len()];
        let header: Header = json(header, padding)?;
        // A critical extension that is not understood must be rejected (RFC 7515, 4.1.11), and none is. So must a `crit`
        // that is not a valid list.
        if header.others.contains_key("crit") {
            return Err(InvalidJws);
        }
        let (UniqueJson(payload), signature) = (json(payload, padding)?, decode(signature, padding)?);
        Ok(Self { header, payload, message, signature })
    }

    /// The `typ` header (RFC 7515, 4.1.9) without the prefix `application/`, which may be omitted.
    pub fn token_type(&self) -> Option<&str> {
        let typ = self.header.typ.as_deref()?;
        let has_prefix = typ.get(..APPLICATION.len()).is_some_and(|start| start.eq_ignore_ascii_case(APPLICATION));
        Some(if has_prefix { &typ[APPLICATION.len()..] } else { typ })
    }

    /// A header other than `alg`, `kid` and `typ`. It is signed, as the payload is.
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.header.others.get(name)
    }

    /// The payload. Before the signature is verified, use it only to choose the verifier.
    pub fn payload(&self) -> &Value {
        &self.payload
    }

    /// The payload, by value.
    pub fn into_payload(self) -> Value {
        self.payload
    }

    /// Verifies that the holder of one of the keys signed this, with one of these algorithms.
    ///
    /// # Errors
    /// The first check that failed.
    pub async fn verify(&self, keys: &KeyProvider, algorithms: &[Algorithm]) -> Result<(), VerifyError> {
        let accepted = Algorithm::from_name(&self.header.alg).filter(|algorithm| algorithms.contains(algorithm));
        let algorithm = accepted.ok_or(VerifyError::Algorithm)?;
        let kid = self.header.kid.as_deref();
        let keys = keys.resolve(kid, algorithm).await.ok_or(VerifyError::KeysUnavailable)?;
        let Lookup::Found(key) = keys.find(kid, algorithm) else {
            return Err(VerifyError::UnknownKey);
        };
        let is_valid = key.verify(self.message.as_bytes(), &self.signature);
        if is_valid { Ok(()) } else { Err(VerifyError::Signature) }
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

/// Decodes a segment. Unused bits must be zero, so that each segment has one accepted spelling.
fn decode(segment: &str, padding: Padding) -> Result<Vec<u8>, InvalidJws> {
    let is_padded = padding == Padding::Allowed && segment.ends_with('=');
    let encoding = if is_padded { URL_SAFE } else { URL_SAFE_NO_PAD };
    encoding.decode_to_vec(segment).map_err(|_| InvalidJws)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// Otherwise one signature would fit many texts, each with its own entry in the credential cache.
    #[test]
    fn a_segment_has_one_spelling_and_with_padding_allowed_two() {
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
        for odd in ["A", "AAAAA", "AA=", "AAA==", "AAAA=", "=", "AA==AA", "A+", "A/", "AA ", " AA", "AA\n", "é"] {
            for padding in [Padding::None, Padding::Allowed] {
                assert_eq!(decode(odd, padding), Err(InvalidJws), "{odd:?}");
            }
        }
    }
}
