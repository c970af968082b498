//! The OpenID token: what stands in it, and how it is minted. One that comes back is checked in `presented`.

mod incoming;

use std::time::Duration;

use base64_simd::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize, Serializer};

use super::faults::{MintOptions, TokenDefect};
use super::keys::KeyRing;
use super::protocol::ApiError;
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId, PrincipalTags};

pub(super) use incoming::{IncomingToken, TokenError};

/// The `iss` of every token, and the login name under which clients hand a token on.
pub(super) const ISSUER: &str = "https://cognito-identity.amazonaws.com";
pub(super) const OWN_PROVIDER: &str = "cognito-identity.amazonaws.com";

/// What a token is to say.
pub(super) struct TokenSpec<'a> {
    pub(super) pool: &'a IdentityPoolId,
    pub(super) identity: &'a IdentityId,
    pub(super) amr: Vec<String>,
    pub(super) tags: &'a PrincipalTags,
    pub(super) life: Duration,
}

#[derive(Serialize)]
struct Claims<'a> {
    sub: &'a str,
    aud: &'a str,
    amr: &'a [String],
    iss: &'a str,
    #[serde(rename = "https://aws.amazon.com/tags", skip_serializing_if = "Tags::is_empty")]
    tags: Tags<'a>,
    exp: i64,
    iat: i64,
}

#[derive(Serialize)]
struct Tags<'a> {
    #[serde(serialize_with = "one_value_lists")]
    principal_tags: &'a PrincipalTags,
}

impl Tags<'_> {
    fn is_empty(&self) -> bool {
        self.principal_tags.is_empty()
    }
}

/// Each tag's value stands in a list of one.
fn one_value_lists<S: Serializer>(tags: &PrincipalTags, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tags.iter().map(|(key, value)| (key, [value])))
}

/// Mints a token; `minting` may ask for a wrong one.
pub(super) fn mint(
    keys: &KeyRing,
    grant: &TokenSpec<'_>,
    now: Timestamp,
    minting: &MintOptions,
) -> Result<String, ApiError> {
    let wrong = Wrong::of(grant, minting.tamper);
    if minting.tamper == Some(TokenDefect::Opaque) {
        return Ok("an-opaque-token-that-is-no-jwt".to_owned());
    }
    let issued = now.as_secs().saturating_add(minting.clock_skew_seconds);
    let claims = Claims {
        sub: wrong.sub.as_deref().unwrap_or(grant.identity.as_str()),
        aud: wrong.aud.as_deref().unwrap_or(grant.pool.as_str()),
        amr: wrong.amr.as_deref().unwrap_or(&grant.amr),
        iss: ISSUER,
        tags: Tags { principal_tags: grant.tags },
        exp: issued.saturating_add(i64::try_from(grant.life.as_secs()).unwrap_or(i64::MAX)),
        iat: issued,
    };
    let claims = serde_json::to_vec(&claims).map_err(|_| ApiError::internal())?;
    let key = keys.current().ok_or_else(ApiError::internal)?;
    key.sign(&claims).map_err(|_| ApiError::internal())
}

/// Claims that are not the ones asked for: those of somebody else who could exist.
#[derive(Default)]
struct Wrong {
    sub: Option<String>,
    aud: Option<String>,
    amr: Option<Vec<String>>,
}

impl Wrong {
    fn of(grant: &TokenSpec<'_>, tamper: Option<TokenDefect>) -> Self {
        let other = || format!("{}:00000000-0000-4000-8000-00000000beef", grant.pool.region());
        match tamper {
            Some(TokenDefect::Sub) => Self { sub: Some(other()), ..Self::default() },
            Some(TokenDefect::Aud) => Self { aud: Some(other()), ..Self::default() },
            Some(TokenDefect::Amr) => {
                let amr = grant.amr.iter().map(|reference| {
                    // The long reference ends in the user; the others name how, not who.
                    if reference.contains(':') {
                        format!("{reference}-somebody-else")
                    } else {
                        reference.clone()
                    }
                });
                Self { amr: Some(amr.collect()), ..Self::default() }
            }
            Some(TokenDefect::Opaque) | None => Self::default(),
        }
    }
}

fn read_part<T: for<'de> Deserialize<'de>>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode_to_vec(part).ok()?).ok()
}

/// The stable name of a user at a public provider: the `sub` of a JWT, otherwise the token itself.
///
/// No signature is verified: other providers' keys are out of an emulator's reach, and a test wants to make up
/// its users freely. Only a JWT that says that it has ended is refused, as Cognito refuses it.
pub(super) fn public_user(token: &str, now: Timestamp) -> Result<String, ApiError> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
        exp: Option<i64>,
    }

    let mut parts = token.split('.');
    let claims: Option<Claims> = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(claims), Some(_), None) => read_part(claims),
        _ => None,
    };
    match claims {
        Some(Claims { exp: Some(exp), .. }) if now.as_secs() >= exp => Err(ApiError::not_authorized(
            format!("Invalid login token. Token expired: {exp} >= {}", now.as_secs()),
        )),
        Some(Claims { sub, .. }) => Ok(sub),
        None => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use crate::protocol::ErrorType;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    #[test]
    fn the_header_and_the_claims_have_cognito_s_own_form() {
        let keys = KeyRing::new("us-east-1", [SigningKey::generate().unwrap()]).unwrap();
        let (pool, identity) =
            (IdentityPoolId::parse("us-east-1:1").unwrap(), IdentityId::parse("us-east-1:a").unwrap());
        let tags = PrincipalTags::parse([("team", "red")]).unwrap();
        let grant = TokenSpec {
            pool: &pool,
            identity: &identity,
            amr: vec!["authenticated".to_owned(), "p".to_owned()],
            tags: &tags,
            life: Duration::from_secs(900),
        };
        let token = mint(&keys, &grant, NOW, &MintOptions::default()).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode_to_vec(part).unwrap()).unwrap();
        let kid = &keys.current().unwrap().kid;
        assert_eq!(text(parts[0]), format!(r#"{{"kid":"{kid}","typ":"JWS","alg":"RS512"}}"#));
        assert_eq!(
            text(parts[1]),
            r#"{"sub":"us-east-1:a","aud":"us-east-1:1","amr":["authenticated","p"],"iss":"https://cognito-identity.amazonaws.com","https://aws.amazon.com/tags":{"principal_tags":{"team":["red"]}},"exp":1900,"iat":1000}"#
        );
    }

    #[test]
    fn a_public_user_is_the_subject_of_a_jwt_or_else_the_token_itself() {
        let claims = URL_SAFE_NO_PAD.encode_to_string(r#"{"sub":"g1"}"#);
        let user = |token: &str| public_user(token, NOW).unwrap();
        assert_eq!(user(&format!("e30.{claims}.x")), "g1");
        assert_eq!(user("a.b.c"), "a.b.c");
        assert_eq!(user("EAAB"), "EAAB");
    }

    #[test]
    fn a_public_login_that_has_ended_is_refused() {
        let token = |exp: i64| {
            let claims = URL_SAFE_NO_PAD.encode_to_string(format!(r#"{{"sub":"g1","exp":{exp}}}"#));
            public_user(&format!("e30.{claims}.x"), NOW).map_err(|fault| fault.error_type)
        };
        assert_eq!(token(1_001), Ok("g1".to_owned()));
        assert_eq!(token(1_000), Err(ErrorType::NotAuthorized));
    }
}
