//! A token of this emulator that comes back, as a login to Cognito or as the web identity to STS.

use std::collections::BTreeMap;

use base64_simd::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{ISSUER, read_part};
use crate::keys::KeyRing;
use clock::Timestamp;
use cognito_types::PrincipalTags;

/// A token whose signature and issuer are this emulator's, and which has not expired. Whether it is meant for
/// this pool and this identity is for whoever takes it to check.
#[derive(Debug)]
pub(crate) struct IncomingToken {
    /// The identity.
    pub(crate) sub: String,
    /// The pool.
    pub(crate) aud: String,
    pub(crate) amr: Vec<String>,
    pub(crate) tags: PrincipalTags,
}

/// Why a token is none that this emulator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenError {
    /// It is no token at all.
    Shapeless,
    /// None of the emulator's keys has signed it.
    Unsigned,
    /// Somebody else issued it.
    Foreign,
    /// Its time is over, by these two counts of seconds since the epoch.
    Expired { now: i64, exp: i64 },
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
    /// Checks everything about a token that does not depend on whom it is presented to.
    pub(crate) fn read(keys: &KeyRing, token: &str, now: Timestamp) -> Result<Self, TokenError> {
        use TokenError::{Expired, Foreign, Shapeless, Unsigned};

        let (message, signature) = token.rsplit_once('.').ok_or(Shapeless)?;
        let (header, claims) = message.split_once('.').ok_or(Shapeless)?;
        let header: Header = read_part(header).ok_or(Shapeless)?;
        let signature = URL_SAFE_NO_PAD.decode_to_vec(signature).map_err(|_| Shapeless)?;
        if header.alg != "RS512" || !keys.verifies(&header.kid, message.as_bytes(), &signature) {
            return Err(Unsigned);
        }
        let claims: Claims = read_part(claims).ok_or(Shapeless)?;
        if claims.iss != ISSUER {
            return Err(Foreign);
        }
        if now.as_secs() >= claims.exp {
            return Err(Expired { now: now.as_secs(), exp: claims.exp });
        }
        let tags = claims.tags.principal_tags.into_iter().map(|(key, (value,))| (key, value));
        let tags = PrincipalTags::parse(tags).map_err(|_| Shapeless)?;
        Ok(Self { sub: claims.sub, aud: claims.aud, amr: claims.amr, tags })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::faults::MintOptions;
    use crate::keys::SigningKey;
    use crate::token::{TokenSpec, mint};
    use cognito_types::{IdentityId, IdentityPoolId};

    #[test]
    fn a_token_is_taken_until_the_second_of_its_exp_and_only_as_it_was_signed() {
        let keys = KeyRing::new("us-east-1", [SigningKey::generate().unwrap()]).unwrap();
        let tags = PrincipalTags::parse([("team", "red")]).unwrap();
        let grant = TokenSpec {
            pool: &IdentityPoolId::parse("us-east-1:1").unwrap(),
            identity: &IdentityId::parse("us-east-1:a").unwrap(),
            amr: vec!["authenticated".to_owned()],
            tags: &tags,
            life: Duration::from_secs(60),
        };
        let token = mint(&keys, &grant, Timestamp::from_secs(1_000), &MintOptions::default()).unwrap();

        let read = |token: &str, seconds| IncomingToken::read(&keys, token, Timestamp::from_secs(seconds));
        let presented = read(&token, 1_059).unwrap();
        assert_eq!((presented.sub.as_str(), presented.aud.as_str()), ("us-east-1:a", "us-east-1:1"));
        assert_eq!((presented.amr, presented.tags), (vec!["authenticated".to_owned()], tags.clone()));
        assert_eq!(read(&token, 1_060).unwrap_err(), TokenError::Expired { now: 1_060, exp: 1_060 });
        assert_eq!(read("opaque", 1_000).unwrap_err(), TokenError::Shapeless);
        let (message, _) = token.rsplit_once('.').unwrap();
        assert_eq!(read(&format!("{message}.AAAA"), 1_000).unwrap_err(), TokenError::Unsigned);
        let foreign = keys.current().unwrap().sign(br#"{"iss":"x","sub":"s","aud":"a","amr":[],"exp":9999}"#);
        assert_eq!(read(&foreign.unwrap(), 1_000).unwrap_err(), TokenError::Foreign);
    }
}
