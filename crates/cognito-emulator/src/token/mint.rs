//! Mints OpenID tokens with the claims that Cognito writes.

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::defect::{MintOptions, TokenDefect};
use super::format::ISSUER;
use crate::keys::KeyRing;
use crate::protocol::OperationError;
use clock::Timestamp;
use cognito_types::{IdentityId, IdentityPoolId, PrincipalTags};

/// The claims of a token to mint.
pub(crate) struct TokenSpec<'a> {
    pub(crate) pool: &'a IdentityPoolId,
    pub(crate) identity: &'a IdentityId,
    pub(crate) amr: Vec<String>,
    pub(crate) tags: &'a PrincipalTags,
    pub(crate) lifetime: Duration,
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

/// Each tag's value is in a list of one.
fn one_value_lists<S: Serializer>(tags: &PrincipalTags, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tags.iter().map(|(key, value)| (key, [value])))
}

/// Mints a token; `options` may request a defective one.
pub(crate) fn mint(
    keys: &KeyRing,
    spec: &TokenSpec<'_>,
    now: Timestamp,
    options: &MintOptions,
) -> Result<String, OperationError> {
    let falsified = FalsifiedClaims::new(spec, options.defect);
    if options.defect == Some(TokenDefect::Opaque) {
        return Ok("an-opaque-token-that-is-no-jwt".to_owned());
    }
    let issued = now.as_secs().saturating_add(options.clock_skew_seconds);
    let claims = Claims {
        sub: falsified.sub.as_deref().unwrap_or(spec.identity.as_str()),
        aud: falsified.aud.as_deref().unwrap_or(spec.pool.as_str()),
        amr: falsified.amr.as_deref().unwrap_or(&spec.amr),
        iss: ISSUER,
        tags: Tags { principal_tags: spec.tags },
        exp: issued.saturating_add(i64::try_from(spec.lifetime.as_secs()).unwrap_or(i64::MAX)),
        iat: issued,
    };
    let claims = serde_json::to_vec(&claims).map_err(|_| OperationError::internal())?;
    let key = keys.current().ok_or_else(OperationError::internal)?;
    key.sign(&claims).map_err(|_| OperationError::internal())
}

/// Claims of another identity, pool or user that could exist.
#[derive(Default)]
struct FalsifiedClaims {
    sub: Option<String>,
    aud: Option<String>,
    amr: Option<Vec<String>>,
}

impl FalsifiedClaims {
    fn new(spec: &TokenSpec<'_>, defect: Option<TokenDefect>) -> Self {
        let other = || format!("{}:00000000-0000-4000-8000-00000000beef", spec.pool.region());
        match defect {
            Some(TokenDefect::Sub) => Self { sub: Some(other()), ..Self::default() },
            Some(TokenDefect::Aud) => Self { aud: Some(other()), ..Self::default() },
            Some(TokenDefect::Amr) => {
                let amr = spec.amr.iter().map(|reference| {
                    // The long reference ends in the user id. The others name the method, not the user.
                    if reference.contains(':') { format!("{reference}-somebody-else") } else { reference.clone() }
                });
                Self { amr: Some(amr.collect()), ..Self::default() }
            }
            Some(TokenDefect::Opaque) | None => Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use base64_simd::URL_SAFE_NO_PAD;

    use super::*;
    use crate::keys::SigningKey;

    #[test]
    fn header_and_claims_have_the_members_and_the_order_of_cognitos_tokens() {
        let keys = KeyRing::new("us-east-1", [SigningKey::generate().unwrap()]).unwrap();
        let (pool, identity) =
            (IdentityPoolId::parse("us-east-1:1").unwrap(), IdentityId::parse("us-east-1:a").unwrap());
        let tags = PrincipalTags::parse([("team", "red")]).unwrap();
        let spec = TokenSpec {
            pool: &pool,
            identity: &identity,
            amr: vec!["authenticated".to_owned(), "p".to_owned()],
            tags: &tags,
            lifetime: Duration::from_secs(900),
        };
        let token = mint(&keys, &spec, Timestamp::from_secs(1_000), &MintOptions::default()).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode_to_vec(part).unwrap()).unwrap();
        let kid = &keys.current().unwrap().kid;
        assert_eq!(text(parts[0]), format!(r#"{{"kid":"{kid}","typ":"JWS","alg":"RS512"}}"#));
        assert_eq!(
            text(parts[1]),
            r#"{"sub":"us-east-1:a","aud":"us-east-1:1","amr":["authenticated","p"],"iss":"https://cognito-identity.amazonaws.com","https://aws.amazon.com/tags":{"principal_tags":{"team":["red"]}},"exp":1900,"iat":1000}"#
        );
    }
}
