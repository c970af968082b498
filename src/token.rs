//! OpenID token of Cognito: a secret that is redacted in debug output, and its claims.
//!
//! Claims are read, not verified: the token comes from Cognito over an authenticated connection. They show whether it is
//! the requested token, and its expiry, which the operation's response does not contain. Layout of the claims:
//! docs/architecture.md, "The token".

mod auth_method;
mod issuer_host;

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::digest::SHA256;
use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;
use zeroize::Zeroizing;

pub use auth_method::AuthMethod;
use clock::Timestamp;
pub use issuer_host::{issuer_host, keys_url, login_key};

/// `Debug` redacts the token, and its memory is wiped on drop.
pub struct OpenIdToken(Zeroizing<String>);

impl OpenIdToken {
    pub fn new(token: String) -> Self {
        Self(Zeroizing::new(token))
    }

    /// The token itself, for its recipient.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(aws_lc_rs::digest::digest(&SHA256, self.0.as_bytes()).as_ref());
        digest
    }

    /// The claims, or `None` if the token is not a JWT (some emulators of Cognito return random text).
    ///
    /// # Errors
    /// The token is a JWT by its header, but its claims are invalid.
    pub fn claims(&self) -> Result<Option<TokenClaims>, ClaimsError> {
        let parts: Vec<&str> = self.0.splitn(4, '.').collect();
        match parts[..] {
            [header, payload, _signature] if decode::<Header>(header).is_some() => {
                decode(payload).map(Some).ok_or(ClaimsError)
            }
            _ => Ok(None),
        }
    }
}

impl fmt::Debug for OpenIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenIdToken([redacted])")
    }
}

/// A JWT without the claims of a Cognito token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is a JWT, but its claims cannot be read")]
pub struct ClaimsError;

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "alg")]
    _algorithm: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenClaims {
    /// The identity pool (`aud`).
    #[serde(rename = "aud")]
    pub audience: String,
    /// The identity (`sub`).
    #[serde(rename = "sub")]
    pub subject: String,
    /// How the user was authenticated (`amr`); for a developer user the last entry is `PROVIDER:POOL:USER`.
    #[serde(rename = "amr", default)]
    pub methods: Vec<String>,
    /// Principal tags.
    #[serde(rename = "https://aws.amazon.com/tags", default)]
    pub tags: TagsClaim,
    /// By Cognito's clock (`iat`).
    #[serde(rename = "iat", default, deserialize_with = "optional_seconds")]
    pub issued_at: Option<Timestamp>,
    /// `exp`.
    #[serde(rename = "exp", deserialize_with = "seconds")]
    pub expires_at: Timestamp,
}

/// The claim with the principal tags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TagsClaim {
    /// By key; Cognito writes one value into each list.
    #[serde(default)]
    pub principal_tags: BTreeMap<String, Vec<String>>,
}

impl TokenClaims {
    /// How the user was authenticated; `None` if `amr` is not in Cognito's form.
    pub fn auth_method(&self) -> Option<AuthMethod<'_>> {
        let methods: Vec<&str> = self.methods.iter().map(String::as_str).collect();
        AuthMethod::from_amr(&methods, &self.audience)
    }
}

fn decode<T: serde::de::DeserializeOwned>(segment: &str) -> Option<T> {
    let json = Zeroizing::new(URL_SAFE_NO_PAD.decode_to_vec(segment).ok()?);
    serde_json::from_slice(&json).ok()
}

fn seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Timestamp, D::Error> {
    i64::deserialize(from).map(Timestamp::from_secs)
}

fn optional_seconds<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Option::<i64>::deserialize(from).map(|found| found.map(Timestamp::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(payload: &str) -> OpenIdToken {
        let header = URL_SAFE_NO_PAD.encode_to_string(r#"{"kid":"us-east-11","typ":"JWS","alg":"RS512"}"#);
        OpenIdToken::new(format!("{header}.{}.c2ln", URL_SAFE_NO_PAD.encode_to_string(payload)))
    }

    #[test]
    fn opaque_text_has_no_claims_and_a_jwt_without_cognitos_claims_is_an_error() {
        for opaque in ["", "random", "a.b.c", "ZXlK.e30.x.y"] {
            assert_eq!(OpenIdToken::new(opaque.to_owned()).claims(), Ok(None), "{opaque:?}");
        }
        assert_eq!(jwt(r#"{"aud":"p","sub":"i"}"#).claims(), Err(ClaimsError));
        assert_eq!(jwt("not json").claims(), Err(ClaimsError));
    }

    #[test]
    fn debug_output_redacts_the_token() {
        let shown = format!("{:?}", OpenIdToken::new("top-secret".to_owned()));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
