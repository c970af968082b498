//! Validation of a minted token against its request. No token is cached or served without it. It is the last check
//! that keeps a user from another user's token, wherever the mix-up happened.

use std::time::Duration;

use super::freshness::{Lifetime, RefreshPolicy};
use super::loader::CallTimes;
use crate::issuer::{IssueError, IssueRequest, IssuedToken};
use crate::token::TokenClaims;
use clock::Timestamp;

#[derive(Debug)]
pub(super) struct ValidatedToken {
    /// By this machine's clock.
    pub(super) lifetime: Lifetime,
    /// Cognito's clock minus this machine's in seconds, if the token has an `iat`.
    pub(super) skew_seconds: Option<f64>,
    /// Whether it is no JWT, so that its contents could not be validated.
    pub(super) is_opaque: bool,
}

/// Returns the token's lifetime, if it is the requested one. With `accept_opaque_tokens` a token that is no JWT is valid.
pub(super) fn validate(
    request: &IssueRequest,
    issued: &IssuedToken,
    call: CallTimes,
    policy: &RefreshPolicy,
    accept_opaque_tokens: bool,
) -> Result<ValidatedToken, IssueError> {
    if request.identity.as_ref().is_some_and(|requested| *requested != issued.identity) {
        return Err(IssueError::mismatched("the identity is not the requested one"));
    }
    let claims = issued.token.claims().map_err(|error| IssueError::mismatched(error.to_string()))?;
    if let Some(claims) = &claims {
        validate_claims(request, issued, claims)?;
    } else if !accept_opaque_tokens {
        return Err(IssueError::mismatched(
            "the token is no JWT, so its contents cannot be validated; if this is another implementation of \
             cognito's API, set upstream.accept_opaque_tokens",
        ));
    }
    let expires_at = expiry(request, claims.as_ref(), call);
    Ok(ValidatedToken {
        lifetime: call.lifetime(policy, expires_at)?,
        skew_seconds: claims.as_ref().and_then(|claims| skew(claims, call)),
        is_opaque: claims.is_none(),
    })
}

fn validate_claims(request: &IssueRequest, issued: &IssuedToken, claims: &TokenClaims) -> Result<(), IssueError> {
    if claims.audience != request.pool.as_str() {
        return Err(IssueError::mismatched("the token's aud is not the requested pool"));
    }
    if claims.subject != issued.identity.as_str() {
        return Err(IssueError::mismatched("the token's sub is not the identity of the response"));
    }
    let user = format!("{}:{}:{}", request.provider, request.pool, request.user);
    if !claims.methods.contains(&user) {
        return Err(IssueError::mismatched("the token's amr does not contain the requested user"));
    }
    // Further tags may come from the pool's own attribute mapping.
    let has = |key: &str, value: &str| {
        claims.tags.principal_tags.get(key).is_some_and(|values| matches!(&values[..], [only] if only == value))
    };
    if !request.tags.iter().all(|(key, value)| has(key, value)) {
        return Err(IssueError::mismatched("the token does not have the requested principal tags"));
    }
    Ok(())
}

/// The token's end by this machine's clock: the earlier of its `exp`, and its duration counted from the request. The
/// first is too late if this clock is behind Cognito's, the second if Cognito returned a token that it had minted before.
fn expiry(request: &IssueRequest, claims: Option<&TokenClaims>, call: CallTimes) -> Timestamp {
    let Some(claims) = claims else {
        return call.requested_at + request.duration.as_duration();
    };
    match claims.issued_at {
        None => claims.expires_at,
        Some(issued_at) => claims.expires_at.min(call.requested_at + claims.expires_at.since(issued_at)),
    }
}

/// `iat` has whole seconds and lies between request and response, so it is compared with the middle of both.
fn skew(claims: &TokenClaims, call: CallTimes) -> Option<f64> {
    let issued_at = claims.issued_at? + Duration::from_millis(500);
    let middle = i64::midpoint(call.requested_at.as_millis(), call.received_at.as_millis());
    Some((issued_at.as_millis() - middle) as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use base64_simd::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::super::freshness::tests::POLICY;
    use super::*;
    use crate::issuer::{IssueErrorKind, PublicLogins};
    use crate::token::OpenIdToken;
    use cognito_types::{DeveloperProvider, DeveloperUserId, IdentityId, IdentityPoolId, PrincipalTags, TokenDuration};

    fn claims_with(claim: &str, value: Value) -> Value {
        let mut claims = json!({
            "aud": "us-east-1:1", "sub": "us-east-1:abc", "iat": 1000, "exp": 1900,
            "amr": ["authenticated", "login.example", "login.example:us-east-1:1:alice"],
        });
        claims[claim] = value;
        claims
    }

    fn valid() -> Value {
        claims_with("iss", json!("https://cognito-identity.amazonaws.com"))
    }

    fn request() -> IssueRequest {
        IssueRequest {
            pool: IdentityPoolId::parse("us-east-1:1").unwrap(),
            provider: DeveloperProvider::parse("login.example").unwrap(),
            user: DeveloperUserId::parse("alice").unwrap(),
            duration: TokenDuration::DEFAULT,
            tags: PrincipalTags::none(),
            identity: None,
            public_logins: PublicLogins::new(),
        }
    }

    /// Validates a token that was requested at `now` and received a second later.
    fn validate_at(
        now: i64,
        request: &IssueRequest,
        token: String,
        accept_opaque_tokens: bool,
    ) -> Result<ValidatedToken, IssueErrorKind> {
        let identity = IdentityId::parse("us-east-1:abc").unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new(token), request_id: None };
        let now = Timestamp::from_secs(now);
        let call = CallTimes { requested_at: now, received_at: now + Duration::from_secs(1) };
        validate(request, &issued, call, &POLICY, accept_opaque_tokens).map_err(|error| error.kind)
    }

    fn validate_claims_at(now: i64, request: &IssueRequest, claims: &Value) -> Result<ValidatedToken, IssueErrorKind> {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode_to_string(json.to_string());
        validate_at(now, request, format!("{}.{}.c2ln", part(&json!({"alg": "RS512"})), part(claims)), false)
    }

    #[test]
    fn a_token_for_another_pool_identity_or_user_is_invalid() {
        assert!(validate_claims_at(1000, &request(), &valid()).is_ok());
        for claims in [
            claims_with("aud", json!("us-east-1:2")),
            claims_with("sub", json!("us-east-1:def")),
            claims_with("amr", json!(["authenticated", "login.example", "login.example:us-east-1:1:bob"])),
            claims_with("amr", json!(["authenticated", "login.example", "login.example:us-east-1:1:alice2"])),
            claims_with("amr", json!(["unauthenticated"])),
            claims_with("amr", json!("alice")),
            claims_with("exp", json!("never")),
        ] {
            let error = validate_claims_at(1000, &request(), &claims).unwrap_err();
            assert_eq!(error, IssueErrorKind::Mismatched, "{claims}");
        }
        for (requested, result) in [("us-east-1:abc", Ok(())), ("us-east-1:abd", Err(IssueErrorKind::Mismatched))] {
            let request = IssueRequest { identity: Some(IdentityId::parse(requested).unwrap()), ..request() };
            assert_eq!(validate_claims_at(1000, &request, &valid()).map(drop), result, "{requested}");
        }
    }

    #[test]
    fn a_token_without_the_requested_tags_is_invalid() {
        let request = IssueRequest { tags: PrincipalTags::parse([("team", "red")]).unwrap(), ..request() };
        let validate = |tags: Value| {
            let claims = claims_with("https://aws.amazon.com/tags", json!({"principal_tags": tags}));
            validate_claims_at(1000, &request, &claims).map(drop)
        };
        for good in [json!({"team": ["red"]}), json!({"team": ["red"], "more": ["x"]})] {
            assert_eq!(validate(good.clone()), Ok(()), "{good}");
        }
        for bad in [json!({"team": ["blue"]}), json!({"team": ["red", "blue"]}), json!({"Team": ["red"]}), json!({})] {
            assert_eq!(validate(bad.clone()), Err(IssueErrorKind::Mismatched), "{bad}");
        }
        assert_eq!(validate_claims_at(1000, &request, &valid()).map(drop), Err(IssueErrorKind::Mismatched));
    }

    #[test]
    fn a_token_that_is_no_jwt_is_valid_only_if_allowed_and_for_the_requested_duration() {
        let validate = |accept| validate_at(1000, &request(), "opaque".to_owned(), accept);
        assert_eq!(validate(false).map(drop), Err(IssueErrorKind::Mismatched));
        let validated = validate(true).unwrap();
        assert!(validated.is_opaque);
        assert_eq!(validated.lifetime.expires_at, Timestamp::from_secs(1900));
    }

    #[test]
    fn a_clock_that_is_behind_does_not_lengthen_a_tokens_life_and_one_that_is_ahead_shortens_it() {
        for (now, result) in [
            (1000, Ok((1900, Some(0.0)))),
            (400, Ok((1300, Some(600.0)))),
            (1200, Ok((1900, Some(-200.0)))),
            (1850, Err(IssueErrorKind::Misconfigured)),
        ] {
            let validated = validate_claims_at(now, &request(), &valid());
            let validated = validated.map(|token| (token.lifetime.expires_at.as_secs(), token.skew_seconds));
            assert_eq!(validated, result, "{now}");
        }
    }
}
