//! The RSA keys that sign tokens, and the JWKS that publishes them.
//!
//! The newest key signs. Older keys stay published, so that tokens stay valid after a rotation or a restart. A `kid` is
//! derived from the region and the key, so that it need not be stored.

use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA512};
use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// An RSA-2048 key. Cheap to clone, so that the emulators of a test run can share a key.
#[derive(Debug, Clone)]
pub struct SigningKey(Arc<KeyPair>);

impl SigningKey {
    /// Generates a key. Takes tens of milliseconds of processor time.
    ///
    /// # Errors
    ///
    /// The cryptographic library failed.
    pub fn generate() -> Result<Self, Unspecified> {
        KeyPair::generate(KeySize::Rsa2048).map(|pair| Self(Arc::new(pair)))
    }

    /// Parses the output of [`SigningKey::to_pkcs8`].
    pub(crate) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(der).ok()?;
        (pair.public_modulus_len() == 256).then(|| Self(Arc::new(pair)))
    }

    pub(crate) fn to_pkcs8(&self) -> Result<Vec<u8>, Unspecified> {
        AsDer::<Pkcs8V1Der<'static>>::as_der(&*self.0).map(|der| der.as_ref().to_vec())
    }
}

/// A published key, with the values for signing computed once.
#[derive(Debug)]
pub(crate) struct PublishedKey {
    pub(crate) key: SigningKey,
    pub(crate) kid: String,
    /// The token header in base64url, with the members in Cognito's order.
    header: String,
    public: ParsedPublicKey,
}

impl PublishedKey {
    fn new(region: &str, key: SigningKey) -> Result<Self, Unspecified> {
        let public =
            ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA512, key.0.public_key().as_ref()).map_err(|_| Unspecified)?;
        let fingerprint = digest::digest(&digest::SHA256, key.0.public_key().as_ref());
        let number = fingerprint.as_ref().iter().take(4).fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
        let kid = format!("{region}{number}");
        // Formatted, because the order of the members matters. A region has no character that JSON escapes.
        let header = URL_SAFE_NO_PAD.encode_to_string(format!(r#"{{"kid":"{kid}","typ":"JWS","alg":"RS512"}}"#));
        Ok(Self { key, kid, header, public })
    }

    /// Signs claims into a compact JWS.
    pub(crate) fn sign(&self, claims: &[u8]) -> Result<String, Unspecified> {
        let mut token = String::with_capacity(self.header.len() + claims.len() * 4 / 3 + 352);
        token.push_str(&self.header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_append(claims, &mut token);
        let mut signature = [0; 256];
        self.key.0.sign(&RSA_PKCS1_SHA512, &SystemRandom::new(), token.as_bytes(), &mut signature)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_append(signature, &mut token);
        Ok(token)
    }

    fn to_jwk(&self) -> Value {
        let public = self.key.0.public_key();
        json!({
            "kty": "RSA",
            "alg": "RS512",
            "use": "sig",
            "kid": self.kid,
            "n": URL_SAFE_NO_PAD.encode_to_string(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode_to_string(public.exponent().big_endian_without_leading_zero()),
        })
    }
}

/// All keys; the last one signs.
#[derive(Debug)]
pub(crate) struct KeyRing {
    region: String,
    keys: ArcSwap<Vec<Arc<PublishedKey>>>,
}

impl KeyRing {
    /// A key ring whose `kid`s begin with `region`.
    pub(crate) fn new(region: &str, keys: impl IntoIterator<Item = SigningKey>) -> Result<Self, Unspecified> {
        let ring = Self { region: region.to_owned(), keys: ArcSwap::default() };
        for key in keys {
            ring.add(key)?;
        }
        Ok(ring)
    }

    /// Adds the key that signs from now on, and returns its `kid`.
    pub(crate) fn add(&self, key: SigningKey) -> Result<String, Unspecified> {
        let key = Arc::new(PublishedKey::new(&self.region, key)?);
        self.keys.rcu(|keys| {
            let mut keys = Vec::clone(keys);
            // The state file and the settings can contain the same key.
            keys.retain(|other| other.kid != key.kid);
            keys.push(Arc::clone(&key));
            keys
        });
        Ok(key.kid.clone())
    }

    pub(crate) fn current(&self) -> Option<Arc<PublishedKey>> {
        self.keys.load().last().cloned()
    }

    /// All keys, oldest first.
    pub(crate) fn all(&self) -> Arc<Vec<Arc<PublishedKey>>> {
        self.keys.load_full()
    }

    /// Whether `signature` is a signature of `message` by the key `kid`.
    pub(crate) fn verifies(&self, kid: &str, message: &[u8], signature: &[u8]) -> bool {
        self.keys.load().iter().any(|key| key.kid == kid && key.public.verify_sig(message, signature).is_ok())
    }

    /// The JWK Set of RFC 7517.
    pub(crate) fn to_jwks(&self) -> Value {
        json!({ "keys": self.keys.load().iter().map(|key| key.to_jwk()).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_key_has_the_same_kid_and_old_keys_still_verify() {
        let first = SigningKey::generate().unwrap();
        let ring = KeyRing::new("us-east-1", [first.clone()]).unwrap();
        let kid = ring.current().unwrap().kid.clone();
        let token = ring.current().unwrap().sign(b"{}").unwrap();

        let restored = SigningKey::from_pkcs8(&first.to_pkcs8().unwrap()).unwrap();
        let ring = KeyRing::new("us-east-1", [restored]).unwrap();
        assert_eq!(ring.current().unwrap().kid, kid);
        assert_ne!(ring.add(SigningKey::generate().unwrap()).unwrap(), kid);

        ring.add(ring.current().unwrap().key.clone()).unwrap();
        assert_eq!(ring.all().len(), 2, "an existing key is not added again");

        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap();
        assert!(ring.verifies(&kid, message.as_bytes(), &signature));
        assert!(!ring.verifies(&kid, b"another message", &signature));
        assert_eq!(ring.to_jwks()["keys"].as_array().unwrap().len(), 2);
    }
}
