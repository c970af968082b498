//! Incoming tokens of this emulator, as a login for Cognito or as the web identity for STS.

use std::collections::BTreeMap;

use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::format::{ISSUER, decode_part};
use crate::keys::KeyRing;
use clock::Timestamp;
use cognito_types::PrincipalTags;

/// A token with a valid signature and issuer that has not expired. The caller checks pool and identity.
#[derive(Debug)]
pub(crate) struct IncomingToken {
    /// The identity id.
    pub(crate) sub: String,
    /// The pool id.
    pub(crate) aud: String,
    pub(crate) amr: Vec<String>,
    pub(crate) tags: PrincipalTags,
}

/// Why a token is rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    Malformed,
    /// No key of the emulator verifies it.
    InvalidSignature,
    WrongIssuer,
    /// Both in seconds since the Unix epoch.
    Expired {
        now: i64,
        exp: i64,
    },
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    amr: Vec<String>,
    exp: i64,
    #[serde(rename = "https://aws.amazon.com/tags", default)]
    tags: Tags,
}

#[derive(Default, Deserialize)]
struct Tags {
    principal_tags: BTreeMap<String, (String,)>,
}

impl IncomingToken {
    /// Checks signature, issuer, expiry and form.
    pub(crate) fn verify(keys: &KeyRing, token: &str, now: Timestamp) -> Result<Self, TokenError> {
        use TokenError::{Expired, InvalidSignature, Malformed, WrongIssuer};

        let (message, signature) = token.rsplit_once('.').ok_or(Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(Malformed)?;
        let header: Header = decode_part(header).ok_or(Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode_to_vec(signature).map_err(|_| Malformed)?;
        if header.alg != "RS512" || !keys.verifies(&header.kid, message.as_bytes(), &signature) {
            return Err(InvalidSignature);
        }
        let claims: Claims = decode_part(claims).ok_or(Malformed)?;
        if claims.iss != ISSUER {
            return Err(WrongIssuer);
        }
        if now.as_secs() >= claims.exp {
            return Err(Expired { now: now.as_secs(), exp: claims.exp });
        }
        let tags = claims.tags.principal_tags.into_iter().map(|(key, (value,))| (key, value));
        let tags = PrincipalTags::parse(tags).map_err(|_| Malformed)?;
        Ok(Self { sub: claims.sub, aud: claims.aud, amr: claims.amr, tags })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::keys::SigningKey;
    use crate::token::{MintOptions, TokenSpec, mint};
    use cognito_types::{IdentityId, IdentityPoolId};

    #[test]
    fn a_token_is_accepted_until_the_second_of_its_exp_and_only_unmodified() {
        let keys = KeyRing::new("us-east-1", [SigningKey::generate().unwrap()]).unwrap();
        let tags = PrincipalTags::parse([("team", "red")]).unwrap();
        let spec = TokenSpec {
            pool: &IdentityPoolId::parse("us-east-1:1").unwrap(),
            identity: &IdentityId::parse("us-east-1:a").unwrap(),
            amr: vec!["authenticated".to_owned()],
            tags: &tags,
            lifetime: Duration::from_secs(60),
        };
        let token = mint(&keys, &spec, Timestamp::from_secs(1_000), &MintOptions::default()).unwrap();

        let verify = |token: &str, seconds| IncomingToken::verify(&keys, token, Timestamp::from_secs(seconds));
        let incoming = verify(&token, 1_059).unwrap();
        assert_eq!((incoming.sub.as_str(), incoming.aud.as_str()), ("us-east-1:a", "us-east-1:1"));
        assert_eq!((incoming.amr, incoming.tags), (vec!["authenticated".to_owned()], tags.clone()));
        assert_eq!(verify(&token, 1_060).unwrap_err(), TokenError::Expired { now: 1_060, exp: 1_060 });
        assert_eq!(verify("opaque", 1_000).unwrap_err(), TokenError::Malformed);
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_eq!(verify(&format!("{message}.AAAA"), 1_000).unwrap_err(), TokenError::InvalidSignature);
        let foreign = keys.current().unwrap().sign(br#"{"iss":"x","sub":"s","aud":"a","amr":[],"exp":9999}"#);
        assert_eq!(verify(&foreign.unwrap(), 1_000).unwrap_err(), TokenError::WrongIssuer);
    }
}
