//! The RSA keys that tokens are signed with, and the key set that is published for them.
//!
//! The newest key signs; older ones stay published and keep verifying, so that a rotation or a restart
//! breaks no token. A key's id is derived from the region and the key: it needs no keeping.

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

/// An RSA-2048 key. Cheap to clone, so that many emulators of one test run can share a key.
#[derive(Debug, Clone)]
pub struct SigningKey(Arc<KeyPair>);

impl SigningKey {
    /// Makes a new key. Takes tens of milliseconds of processor time.
    pub fn generate() -> Result<Self, Unspecified> {
        KeyPair::generate(KeySize::Rsa2048).map(|pair| Self(Arc::new(pair)))
    }

    /// Reads what [`SigningKey::to_pkcs8`] wrote.
    pub(super) fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = KeyPair::from_pkcs8(der).ok()?;
        (pair.public_modulus_len() == 256).then(|| Self(Arc::new(pair)))
    }

    pub(super) fn to_pkcs8(&self) -> Result<Vec<u8>, Unspecified> {
        AsDer::<Pkcs8V1Der<'static>>::as_der(&*self.0).map(|der| der.as_ref().to_vec())
    }
}

/// One published key with everything that a signature needs, worked out once.
#[derive(Debug)]
pub(super) struct PublishedKey {
    pub(super) key: SigningKey,
    pub(super) kid: String,
    /// The token header in base64url, with the members in the order in which Cognito writes them.
    header: String,
    public: ParsedPublicKey,
}

impl PublishedKey {
    fn new(region: &str, key: SigningKey) -> Result<Self, Unspecified> {
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA512, key.0.public_key().as_ref())
            .map_err(|_| Unspecified)?;
        let fingerprint = digest::digest(&digest::SHA256, key.0.public_key().as_ref());
        let number = fingerprint.as_ref().iter().take(4).fold(0_u32, |n, byte| n << 8 | u32::from(*byte));
        let kid = format!("{region}{number}");
        // By hand, because the order of the members matters; a region has no character that JSON escapes.
        let header =
            URL_SAFE_NO_PAD.encode_to_string(format!(r#"{{"kid":"{kid}","typ":"JWS","alg":"RS512"}}"#));
        Ok(Self { key, kid, header, public })
    }

    /// Signs claims into a compact JWS.
    pub(super) fn sign(&self, claims: &[u8]) -> Result<String, Unspecified> {
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

/// Every key in use; the last one signs.
#[derive(Debug)]
pub(super) struct KeyRing {
    region: String,
    keys: ArcSwap<Vec<Arc<PublishedKey>>>,
}

impl KeyRing {
    /// A ring whose key ids begin with `region`.
    pub(super) fn new(region: &str, keys: impl IntoIterator<Item = SigningKey>) -> Result<Self, Unspecified> {
        let ring = Self { region: region.to_owned(), keys: ArcSwap::default() };
        for key in keys {
            ring.add(key)?;
        }
        Ok(ring)
    }

    /// Signs with `key` from now on; gives its id.
    pub(super) fn add(&self, key: SigningKey) -> Result<String, Unspecified> {
        let key = Arc::new(PublishedKey::new(&self.region, key)?);
        self.keys.rcu(|keys| {
            let mut keys = Vec::clone(keys);
            // The state file may hold the very key that the settings name.
            keys.retain(|other| other.kid != key.kid);
            keys.push(Arc::clone(&key));
            keys
        });
        Ok(key.kid.clone())
    }

    /// The key that signs.
    pub(super) fn current(&self) -> Option<Arc<PublishedKey>> {
        self.keys.load().last().cloned()
    }

    /// All keys, oldest first.
    pub(super) fn all(&self) -> Arc<Vec<Arc<PublishedKey>>> {
        self.keys.load_full()
    }

    /// Whether the key named `kid` made `signature` over `message`.
    pub(super) fn verifies(&self, kid: &str, message: &[u8], signature: &[u8]) -> bool {
        self.keys.load().iter().any(|key| key.kid == kid && key.public.verify_sig(message, signature).is_ok())
    }

    /// The key set of RFC 7517.
    pub(super) fn to_jwks(&self) -> Value {
        json!({ "keys": self.keys.load().iter().map(|key| key.to_jwk()).collect::<Vec<_>>() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_keeps_its_id_through_a_file_and_old_keys_still_verify() {
        let first = SigningKey::generate().unwrap();
        let ring = KeyRing::new("us-east-1", [first.clone()]).unwrap();
        let kid = ring.current().unwrap().kid.clone();
        let token = ring.current().unwrap().sign(b"{}").unwrap();

        let restored = SigningKey::from_pkcs8(&first.to_pkcs8().unwrap()).unwrap();
        let ring = KeyRing::new("us-east-1", [restored]).unwrap();
        assert_eq!(ring.current().unwrap().kid, kid);
        assert_ne!(ring.add(SigningKey::generate().unwrap()).unwrap(), kid);

        ring.add(ring.current().unwrap().key.clone()).unwrap();
        assert_eq!(ring.all().len(), 2, "a key that is there already is not added again");

        let (message, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode_to_vec(signature).unwrap();
        assert!(ring.verifies(&kid, message.as_bytes(), &signature));
        assert!(!ring.verifies(&kid, b"another message", &signature));
        assert_eq!(ring.to_jwks()["keys"].as_array().unwrap().len(), 2);
    }
}
