//! The OpenID token that Cognito mints: a secret that never shows itself, and the claims read from it.
//!
//! Reading is not verifying: the token comes straight from Cognito over an authenticated connection, and its
//! claims are read to check that it is the one that was asked for and to learn its expiry, which the
//! operation's answer does not carry. Layout of the claims: docs/architecture.md, "The token".

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

/// A token as Cognito made it. `Debug` hides it, and its memory is wiped when it is dropped.
pub struct OpenIdToken(Zeroizing<String>);

impl OpenIdToken {
    /// Takes a token out of Cognito's answer.
    pub fn new(token: String) -> Self {
        Self(Zeroizing::new(token))
    }

    /// The token itself, for the one who is to get it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The SHA-256 digest of its text.
    pub fn digest(&self) -> [u8; 32] {
        let mut digest = [0; 32];
        digest.copy_from_slice(aws_lc_rs::digest::digest(&SHA256, self.0.as_bytes()).as_ref());
        digest
    }

    /// The claims, or `None` if this is no JWT at all (some stand-ins for Cognito answer with random text).
    ///
    /// # Errors
    /// The token is a JWT by its header, but its claims cannot be read.
    pub fn claims(&self) -> Result<Option<TokenClaims>, ClaimsError> {
        let mut parts = self.0.split('.');
        let (Some(header), Some(payload), Some(_signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Ok(None);
        };
        if decode::<Header>(header).is_none() {
            return Ok(None);
        }
        decode(payload).map(Some).ok_or(ClaimsError)
    }
}

impl fmt::Debug for OpenIdToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenIdToken([redacted])")
    }
}

/// A JWT whose claims are not what Cognito puts into one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is a JWT, but its claims cannot be read")]
pub struct ClaimsError;

#[derive(Deserialize)]
struct Header {
    #[serde(rename = "alg")]
    _algorithm: String,
}

/// What a Cognito token says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct TokenClaims {
    /// The identity pool it is for (`aud`).
    #[serde(rename = "aud")]
    pub audience: String,
    /// The identity it is for (`sub`).
    #[serde(rename = "sub")]
    pub subject: String,
    /// How the user came by it (`amr`); for a developer user the last entry is `PROVIDER:POOL:USER`.
    #[serde(rename = "amr", default)]
    pub methods: Vec<String>,
    /// The principal tags in it, each with its values.
    #[serde(rename = "https://aws.amazon.com/tags", default)]
    pub tags: TagsClaim,
    /// When Cognito says that it was minted (`iat`).
    #[serde(rename = "iat", default, deserialize_with = "optional_seconds")]
    pub issued_at: Option<Timestamp>,
    /// When it ends (`exp`).
    #[serde(rename = "exp", deserialize_with = "seconds")]
    pub expires_at: Timestamp,
}

/// The claim that carries principal tags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct TagsClaim {
    /// By their keys; Cognito writes one value into each list.
    #[serde(default)]
    pub principal_tags: BTreeMap<String, Vec<String>>,
}

impl TokenClaims {
    /// How the user came by the token; `None` if it says nothing that Cognito writes.
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
    fn the_claims_of_a_cognito_token_are_read() {
        let token = jwt(r#"{"aud":"p","sub":"i","amr":["authenticated","x","x:p:u"],"iat":100,"exp":1000}"#);
        let claims = token.claims().unwrap().unwrap();
        assert_eq!((claims.audience.as_str(), claims.subject.as_str()), ("p", "i"));
        assert_eq!(claims.methods.last().unwrap(), "x:p:u");
        assert_eq!(claims.issued_at, Some(Timestamp::from_secs(100)));
        assert_eq!(claims.expires_at, Timestamp::from_secs(1000));
    }

    #[test]
    fn text_that_is_no_jwt_has_no_claims_and_a_jwt_without_its_claims_is_an_error() {
        for opaque in ["", "random", "a.b.c", "ZXlK.e30.x.y"] {
            assert_eq!(OpenIdToken::new(opaque.to_owned()).claims(), Ok(None), "{opaque:?}");
        }
        assert_eq!(jwt(r#"{"aud":"p","sub":"i"}"#).claims(), Err(ClaimsError));
        assert_eq!(jwt("not json").claims(), Err(ClaimsError));
    }

    #[test]
    fn a_token_does_not_show_itself_in_debug_output() {
        let shown = format!("{:?}", OpenIdToken::new("top-secret".to_owned()));
        assert!(!shown.contains("secret"), "{shown}");
    }
}
