//! Validation of a minted token against its request. No token is cached or served without it. It is the last check
//! that keeps a user from another user's token, wherever the mix-up happened.

use std::time::Duration;

use super::freshness::{Lifetime, RefreshPolicy};
use crate::issuer::{IssueError, IssueErrorKind, IssueRequest, IssuedToken};
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

#[derive(Debug, Clone, Copy)]
pub(super) struct CallTimes {
    pub(super) requested_at: Timestamp,
    pub(super) received_at: Timestamp,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct TokenValidator {
    pub(super) refresh_policy: RefreshPolicy,
    /// Whether a token that is no JWT is valid.
    pub(super) accept_opaque_tokens: bool,
}

impl TokenValidator {
    /// `jitter`, from 0 to 1, spreads the times of refresh.
    pub(super) fn validate(
        &self,
        request: &IssueRequest,
        issued: &IssuedToken,
        call: CallTimes,
        jitter: f64,
    ) -> Result<ValidatedToken, IssueError> {
        if request.identity.as_ref().is_some_and(|requested| *requested != issued.identity) {
            return Err(mismatched("the identity is not the requested one"));
        }
        let claims = issued.token.claims().map_err(|error| mismatched(error.to_string()))?;
        if let Some(claims) = &claims {
            validate_claims(request, issued, claims)?;
        } else if !self.accept_opaque_tokens {
            return Err(mismatched(
                "the token is no JWT, so its contents cannot be validated; if this is another implementation of \
                 cognito's API, set upstream.accept_opaque_tokens",
            ));
        }
        let expires_at = expiry(request, claims.as_ref(), call);
        let remaining = expires_at.since(call.received_at);
        if remaining <= self.refresh_policy.min_remaining_life {
            let remaining = remaining.as_secs();
            return Err(IssueError::new(
                IssueErrorKind::Misconfigured,
                format!("the new token expires in {remaining} s by this machine's clock; is the clock wrong?"),
            ));
        }
        Ok(ValidatedToken {
            lifetime: self.refresh_policy.lifetime(call.received_at, expires_at, jitter),
            skew_seconds: claims.as_ref().and_then(|claims| skew(claims, call)),
            is_opaque: claims.is_none(),
        })
    }
}

fn validate_claims(request: &IssueRequest, issued: &IssuedToken, claims: &TokenClaims) -> Result<(), IssueError> {
    if claims.audience != request.pool.as_str() {
        return Err(mismatched("the token's aud is not the requested pool"));
    }
    if claims.subject != issued.identity.as_str() {
        return Err(mismatched("the token's sub is not the identity of the response"));
    }
    let user = format!("{}:{}:{}", request.provider, request.pool, request.user);
    if !claims.methods.contains(&user) {
        return Err(mismatched("the token's amr does not contain the requested user"));
    }
    // Further tags may come from the pool's own attribute mapping.
    let has = |key: &str, value: &str| {
        claims.tags.principal_tags.get(key).is_some_and(|values| matches!(&values[..], [only] if only == value))
    };
    if !request.tags.iter().all(|(key, value)| has(key, value)) {
        return Err(mismatched("the token does not have the requested principal tags"));
    }
    Ok(())
}

fn mismatched(why: impl Into<std::sync::Arc<str>>) -> IssueError {
    IssueError::new(IssueErrorKind::Mismatched, why)
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

    use super::*;
    use crate::issuer::PublicLogins;
    use crate::token::OpenIdToken;
    use cognito_types::{DeveloperProvider, DeveloperUserId, IdentityId, IdentityPoolId, PrincipalTags, TokenDuration};

    const POLICY: RefreshPolicy = RefreshPolicy {
        clock_skew_allowance: Duration::from_secs(300),
        advisory_window: Duration::from_secs(120),
        refresh_jitter: Duration::ZERO,
        min_remaining_life: Duration::from_secs(60),
    };

    fn claims() -> Value {
        json!({
            "aud": "us-east-1:1", "sub": "us-east-1:abc", "iat": 1000, "exp": 1900,
            "amr": ["authenticated", "login.example", "login.example:us-east-1:1:alice"],
        })
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = self::claims();
        claims[claim] = value;
        claims
    }

    fn jwt(claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode_to_string(json.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS512"})), part(claims))
    }

    fn validate_at(claims: &Value, requested: i64, received: i64) -> Result<ValidatedToken, IssueError> {
        validate_text(jwt(claims), requested, received, false)
    }

    fn request(tags: PrincipalTags) -> IssueRequest {
        IssueRequest {
            pool: IdentityPoolId::parse("us-east-1:1").unwrap(),
            provider: DeveloperProvider::parse("login.example").unwrap(),
            user: DeveloperUserId::parse("alice").unwrap(),
            duration: TokenDuration::DEFAULT,
            tags,
            identity: None,
            public_logins: PublicLogins::none(),
        }
    }

    fn validate(
        request: &IssueRequest,
        token: String,
        (requested, received): (i64, i64),
        accept_opaque_tokens: bool,
    ) -> Result<ValidatedToken, IssueError> {
        let identity = IdentityId::parse("us-east-1:abc").unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new(token), request_id: None };
        let call =
            CallTimes { requested_at: Timestamp::from_secs(requested), received_at: Timestamp::from_secs(received) };
        TokenValidator { refresh_policy: POLICY, accept_opaque_tokens }.validate(request, &issued, call, 0.0)
    }

    fn validate_text(
        token: String,
        requested: i64,
        received: i64,
        accept_opaque_tokens: bool,
    ) -> Result<ValidatedToken, IssueError> {
        validate(&request(PrincipalTags::none()), token, (requested, received), accept_opaque_tokens)
    }

    #[test]
    fn a_token_for_another_identity_than_the_requested_one_is_invalid() {
        let validate = |requested: &str| {
            let identity = Some(IdentityId::parse(requested).unwrap());
            let request = IssueRequest { identity, ..request(PrincipalTags::none()) };
            validate(&request, jwt(&claims()), (1000, 1000), false)
        };
        assert!(validate("us-east-1:abc").is_ok());
        assert_eq!(validate("us-east-1:abd").unwrap_err().kind, IssueErrorKind::Mismatched);
    }

    #[test]
    fn a_token_without_the_requested_tags_is_invalid() {
        let tags = |value: Value| with("https://aws.amazon.com/tags", json!({"principal_tags": value}));
        let request = request(PrincipalTags::parse([("team", "red")]).unwrap());
        let validate = |claims: &Value| validate(&request, jwt(claims), (1000, 1000), false);
        assert!(validate(&tags(json!({"team": ["red"]}))).is_ok());
        assert!(validate(&tags(json!({"team": ["red"], "more": ["x"]}))).is_ok());
        for bad in [json!({"team": ["blue"]}), json!({"team": ["red", "blue"]}), json!({"Team": ["red"]}), json!({})] {
            assert_eq!(validate(&tags(bad.clone())).unwrap_err().kind, IssueErrorKind::Mismatched, "{bad}");
        }
        assert_eq!(validate(&claims()).unwrap_err().kind, IssueErrorKind::Mismatched);
    }

    #[test]
    fn a_token_for_the_requested_user_is_valid() {
        let validated = validate_at(&claims(), 1000, 1000).unwrap();
        assert_eq!(validated.lifetime.expires_at, Timestamp::from_secs(1900));
    }

    #[test]
    fn a_token_for_another_pool_identity_or_user_is_invalid() {
        for claims in [
            with("aud", json!("us-east-1:2")),
            with("sub", json!("us-east-1:def")),
            with("amr", json!(["authenticated", "login.example", "login.example:us-east-1:1:bob"])),
            with("amr", json!(["authenticated", "login.example", "login.example:us-east-1:1:alice2"])),
            with("amr", json!(["unauthenticated"])),
            with("amr", json!("alice")),
            with("exp", json!("never")),
        ] {
            let error = validate_at(&claims, 1000, 1000).unwrap_err();
            assert_eq!(error.kind, IssueErrorKind::Mismatched, "{claims}");
        }
    }

    #[test]
    fn a_token_that_is_no_jwt_is_valid_only_if_allowed_and_for_the_requested_duration() {
        let kind = validate_text("opaque".to_owned(), 1000, 1001, false).unwrap_err().kind;
        assert_eq!(kind, IssueErrorKind::Mismatched);
        let validated = validate_text("opaque".to_owned(), 1000, 1001, true).unwrap();
        assert!(validated.is_opaque);
        assert_eq!(validated.lifetime.expires_at, Timestamp::from_secs(1900));
    }

    #[test]
    fn a_clock_that_is_behind_does_not_make_a_token_live_longer() {
        let validated = validate_at(&claims(), 400, 400).unwrap();
        assert_eq!(validated.lifetime.expires_at, Timestamp::from_secs(1300));
        assert_eq!(validated.skew_seconds, Some(600.5));
    }

    #[test]
    fn a_clock_that_is_ahead_ends_the_token_early() {
        let validated = validate_at(&claims(), 1200, 1200).unwrap();
        assert_eq!(validated.lifetime.expires_at, Timestamp::from_secs(1900));
        assert_eq!(validated.skew_seconds, Some(-199.5));
        let kind = validate_at(&claims(), 1850, 1850).unwrap_err().kind;
        assert_eq!(kind, IssueErrorKind::Misconfigured);
    }
}
