//! Whether a minted token is the one that was asked for. Nothing is kept or served that has not passed here:
//! this is the last line between a mix-up, wherever it came from, and a user with somebody else's token.

use std::time::Duration;

use super::freshness::{Lifetime, RefreshPolicy};
use crate::issuer::{IssueError, IssueErrorKind, IssueRequest, IssuedToken};
use crate::token::TokenClaims;
use clock::Timestamp;

/// What a checked token turned out to be.
#[derive(Debug)]
pub(super) struct ValidatedToken {
    /// Its times, by our clock.
    pub(super) times: Lifetime,
    /// Cognito's clock minus ours in seconds, where the token says when it was issued.
    pub(super) skew_seconds: Option<f64>,
    /// Whether it is no JWT, so that nothing in it could be checked.
    pub(super) opaque: bool,
}

/// When a token was asked for and when it came.
#[derive(Debug, Clone, Copy)]
pub(super) struct CallTimes {
    pub(super) asked_at: Timestamp,
    pub(super) came_at: Timestamp,
}

/// What a token must keep to pass.
#[derive(Debug, Clone, Copy)]
pub(super) struct TokenValidator {
    /// Where the lines of freshness run.
    pub(super) windows: RefreshPolicy,
    /// Whether a token that is no JWT may pass.
    pub(super) opaque_tokens: bool,
}

impl TokenValidator {
    /// Checks a token against its request. `chance`, from 0 up to 1, spreads the moments of refresh.
    pub(super) fn check(
        &self,
        request: &IssueRequest,
        issued: &IssuedToken,
        span: CallTimes,
        chance: f64,
    ) -> Result<ValidatedToken, IssueError> {
        if request.identity.as_ref().is_some_and(|asked| *asked != issued.identity) {
            return Err(mismatched("the identity is not the one that was asked for"));
        }
        let claims = issued.token.claims().map_err(|error| mismatched(error.to_string()))?;
        if let Some(claims) = &claims {
            check_claims(request, issued, claims)?;
        } else if !self.opaque_tokens {
            return Err(mismatched(
                "the token is no JWT, so nothing in it can be checked; if this is a stand-in for cognito, set \
                 upstream.accept_opaque_tokens",
            ));
        }
        let expires_at = expiry(request, claims.as_ref(), span);
        let left = expires_at.since(span.came_at);
        if left <= self.windows.min_remaining_life {
            let left = left.as_secs();
            return Err(IssueError::new(
                IssueErrorKind::Misconfigured,
                format!(
                    "the new token has {left} s of life left by this machine's clock; is the clock wrong?"
                ),
            ));
        }
        Ok(ValidatedToken {
            times: self.windows.times(span.came_at, expires_at, chance),
            skew_seconds: claims.as_ref().and_then(|claims| skew(claims, span)),
            opaque: claims.is_none(),
        })
    }
}

fn check_claims(
    request: &IssueRequest,
    issued: &IssuedToken,
    claims: &TokenClaims,
) -> Result<(), IssueError> {
    if claims.audience != request.pool.as_str() {
        return Err(mismatched("the token's aud is not the pool that was asked for"));
    }
    if claims.subject != issued.identity.as_str() {
        return Err(mismatched("the token's sub is not the identity that came with it"));
    }
    let user = format!("{}:{}:{}", request.provider, request.pool, request.user);
    if !claims.methods.contains(&user) {
        return Err(mismatched("the token's amr does not name the user that was asked for"));
    }
    // More tags than these may come from an attribute map of the pool's own.
    let has = |key: &str, value: &str| {
        claims
            .tags
            .principal_tags
            .get(key)
            .is_some_and(|values| matches!(&values[..], [only] if only == value))
    };
    if !request.tags.iter().all(|(key, value)| has(key, value)) {
        return Err(mismatched("the token does not have the principal tags that were asked for"));
    }
    Ok(())
}

fn mismatched(why: impl Into<std::sync::Arc<str>>) -> IssueError {
    IssueError::new(IssueErrorKind::Mismatched, why)
}

/// When the token ends by our clock: the earlier of its own `exp`, and its life counted from the moment we
/// asked. The first is too late where our clock is behind Cognito's, the second where Cognito took a token
/// from a shelf.
fn expiry(request: &IssueRequest, claims: Option<&TokenClaims>, span: CallTimes) -> Timestamp {
    let Some(claims) = claims else {
        return span.asked_at + request.duration.as_duration();
    };
    match claims.issued_at {
        None => claims.expires_at,
        Some(issued_at) => claims.expires_at.min(span.asked_at + claims.expires_at.since(issued_at)),
    }
}

/// `iat` has whole seconds and lies somewhere between question and answer: compared with the middle.
fn skew(claims: &TokenClaims, span: CallTimes) -> Option<f64> {
    let issued_at = claims.issued_at? + Duration::from_millis(500);
    let middle = i64::midpoint(span.asked_at.as_millis(), span.came_at.as_millis());
    Some((issued_at.as_millis() - middle) as f64 / 1000.0)
}

#[cfg(test)]
mod tests {
    use base64_simd::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::issuer::PublicLogins;
    use crate::token::OpenIdToken;
    use cognito_types::{
        DeveloperProvider, DeveloperUserId, IdentityId, IdentityPoolId, PrincipalTags, TokenDuration,
    };

    const WINDOWS: RefreshPolicy = RefreshPolicy {
        clock_skew_allowance: Duration::from_secs(300),
        advisory_window: Duration::from_secs(120),
        refresh_jitter: Duration::ZERO,
        min_remaining_life: Duration::from_secs(60),
    };

    fn honest() -> Value {
        json!({
            "aud": "us-east-1:1", "sub": "us-east-1:abc", "iat": 1000, "exp": 1900,
            "amr": ["authenticated", "login.example", "login.example:us-east-1:1:alice"],
        })
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = honest();
        claims[claim] = value;
        claims
    }

    fn jwt(claims: &Value) -> String {
        let part = |json: &Value| URL_SAFE_NO_PAD.encode_to_string(json.to_string());
        format!("{}.{}.c2ln", part(&json!({"alg": "RS512"})), part(claims))
    }

    fn checked_at(claims: &Value, asked: i64, came: i64) -> Result<ValidatedToken, IssueError> {
        check_text(jwt(claims), asked, came, false)
    }

    fn request(tags: PrincipalTags) -> IssueRequest {
        IssueRequest {
            pool: IdentityPoolId::parse("us-east-1:1").unwrap(),
            provider: DeveloperProvider::parse("login.example").unwrap(),
            user: DeveloperUserId::parse("alice").unwrap(),
            duration: TokenDuration::DEFAULT,
            tags,
            identity: None,
            also: PublicLogins::none(),
        }
    }

    fn check(
        request: &IssueRequest,
        token: String,
        (asked, came): (i64, i64),
        opaque_tokens: bool,
    ) -> Result<ValidatedToken, IssueError> {
        let identity = IdentityId::parse("us-east-1:abc").unwrap();
        let issued = IssuedToken { identity, token: OpenIdToken::new(token), request_id: None };
        let span = CallTimes { asked_at: Timestamp::from_secs(asked), came_at: Timestamp::from_secs(came) };
        TokenValidator { windows: WINDOWS, opaque_tokens }.check(request, &issued, span, 0.0)
    }

    fn check_text(
        token: String,
        asked: i64,
        came: i64,
        opaque_allowed: bool,
    ) -> Result<ValidatedToken, IssueError> {
        check(&request(PrincipalTags::none()), token, (asked, came), opaque_allowed)
    }

    #[test]
    fn a_token_for_another_identity_than_the_one_that_was_asked_for_does_not_pass() {
        let check = |wanted: &str| {
            let identity = Some(IdentityId::parse(wanted).unwrap());
            let asked = IssueRequest { identity, ..request(PrincipalTags::none()) };
            check(&asked, jwt(&honest()), (1000, 1000), false)
        };
        assert!(check("us-east-1:abc").is_ok());
        assert_eq!(check("us-east-1:abd").unwrap_err().kind, IssueErrorKind::Mismatched);
    }

    #[test]
    fn a_token_without_the_tags_that_were_asked_for_does_not_pass() {
        let tags = |value: Value| with("https://aws.amazon.com/tags", json!({"principal_tags": value}));
        let asked = request(PrincipalTags::parse([("team", "red")]).unwrap());
        let check = |claims: &Value| check(&asked, jwt(claims), (1000, 1000), false);
        assert!(check(&tags(json!({"team": ["red"]}))).is_ok());
        assert!(check(&tags(json!({"team": ["red"], "more": ["x"]}))).is_ok());
        for bad in
            [json!({"team": ["blue"]}), json!({"team": ["red", "blue"]}), json!({"Team": ["red"]}), json!({})]
        {
            assert_eq!(check(&tags(bad.clone())).unwrap_err().kind, IssueErrorKind::Mismatched, "{bad}");
        }
        assert_eq!(check(&honest()).unwrap_err().kind, IssueErrorKind::Mismatched);
    }

    #[test]
    fn a_token_for_the_user_who_asked_passes() {
        let checked = checked_at(&honest(), 1000, 1000).unwrap();
        assert_eq!(checked.times.expires_at, Timestamp::from_secs(1900));
    }

    #[test]
    fn a_token_for_another_pool_identity_or_user_does_not_pass() {
        for claims in [
            with("aud", json!("us-east-1:2")),
            with("sub", json!("us-east-1:def")),
            with("amr", json!(["authenticated", "login.example", "login.example:us-east-1:1:bob"])),
            with("amr", json!(["authenticated", "login.example", "login.example:us-east-1:1:alice2"])),
            with("amr", json!(["unauthenticated"])),
            with("amr", json!("alice")),
            with("exp", json!("never")),
        ] {
            let error = checked_at(&claims, 1000, 1000).unwrap_err();
            assert_eq!(error.kind, IssueErrorKind::Mismatched, "{claims}");
        }
    }

    #[test]
    fn a_token_that_is_no_jwt_passes_only_where_that_is_allowed_and_lives_as_long_as_asked() {
        let kind = check_text("opaque".to_owned(), 1000, 1001, false).unwrap_err().kind;
        assert_eq!(kind, IssueErrorKind::Mismatched);
        let checked = check_text("opaque".to_owned(), 1000, 1001, true).unwrap();
        assert!(checked.opaque);
        assert_eq!(checked.times.expires_at, Timestamp::from_secs(1900));
    }

    #[test]
    fn a_clock_that_is_behind_does_not_make_a_token_live_longer() {
        let checked = checked_at(&honest(), 400, 400).unwrap();
        assert_eq!(checked.times.expires_at, Timestamp::from_secs(1300));
        assert_eq!(checked.skew_seconds, Some(600.5));
    }

    #[test]
    fn a_clock_that_is_ahead_ends_the_token_early() {
        let checked = checked_at(&honest(), 1200, 1200).unwrap();
        assert_eq!(checked.times.expires_at, Timestamp::from_secs(1900));
        assert_eq!(checked.skew_seconds, Some(-199.5));
        let kind = checked_at(&honest(), 1850, 1850).unwrap_err().kind;
        assert_eq!(kind, IssueErrorKind::Misconfigured);
    }
}
