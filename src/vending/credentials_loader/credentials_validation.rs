//! Whether credentials are those that were asked for. They tell less of themselves than a token does: whose they
//! are stands beside them, and only when they end.

use std::time::Duration;

use crate::issuer::credentials::{CredentialsRequest, IssuedCredentials};
use crate::issuer::{IssueError, IssueErrorKind};
use clock::Timestamp;

/// The life that Cognito gives credentials (its API reference, GetCredentialsForIdentity). Theirs alone would tell
/// too long a one where our clock is behind.
const LONGEST_LIFE: Duration = Duration::from_secs(3600);

/// Checks credentials against their request, and says when they end by our clock.
pub(super) fn check(
    request: &CredentialsRequest,
    issued: &IssuedCredentials,
    asked_at: Timestamp,
    came_at: Timestamp,
    least_life: Duration,
) -> Result<Timestamp, IssueError> {
    if issued.identity != request.identity {
        return Err(mismatched("the credentials are not those of the token's identity"));
    }
    if issued.access_key_id.is_empty()
        || issued.secret_access_key.is_empty()
        || issued.session_token.is_empty()
    {
        return Err(mismatched("the credentials have an empty part"));
    }
    let expires_at = issued.expires_at.min(asked_at + LONGEST_LIFE);
    let left = expires_at.since(came_at);
    if left <= least_life {
        let left = left.as_secs();
        return Err(IssueError::new(
            IssueErrorKind::Misconfigured,
            format!(
                "the new credentials have {left} s of life left by this machine's clock; is the clock wrong?"
            ),
        ));
    }
    Ok(expires_at)
}

fn mismatched(why: &str) -> IssueError {
    IssueError::new(IssueErrorKind::Mismatched, why)
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::token::OpenIdToken;
    use cognito_types::IdentityId;

    fn issued(identity: &str, secret: &str, expires_at: i64) -> IssuedCredentials {
        IssuedCredentials {
            identity: IdentityId::parse(identity).unwrap(),
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: Zeroizing::new(secret.to_owned()),
            session_token: Zeroizing::new("session".to_owned()),
            expires_at: Timestamp::from_secs(expires_at),
            request_id: None,
        }
    }

    fn check_at(issued: &IssuedCredentials, now: i64) -> Result<Timestamp, IssueErrorKind> {
        let request = CredentialsRequest {
            identity: IdentityId::parse("us-east-1:abc").unwrap(),
            login: "cognito-identity.amazonaws.com".to_owned(),
            token: OpenIdToken::new("a.b.c".to_owned()),
            role: None,
        };
        let now = Timestamp::from_secs(now);
        check(&request, issued, now, now, Duration::from_secs(60)).map_err(|error| error.kind)
    }

    #[test]
    fn credentials_of_another_identity_or_without_a_secret_do_not_pass() {
        assert_eq!(check_at(&issued("us-east-1:abc", "s", 4600), 1000), Ok(Timestamp::from_secs(4600)));
        for wrong in [issued("us-east-1:def", "s", 4600), issued("us-east-1:abc", "", 4600)] {
            assert_eq!(check_at(&wrong, 1000), Err(IssueErrorKind::Mismatched));
        }
    }

    #[test]
    fn a_clock_that_is_behind_does_not_make_them_live_longer_and_one_that_is_ahead_ends_them_early() {
        let honest = issued("us-east-1:abc", "s", 4600);
        assert_eq!(check_at(&honest, 400), Ok(Timestamp::from_secs(4000)));
        assert_eq!(check_at(&honest, 1600), Ok(Timestamp::from_secs(4600)));
        assert_eq!(check_at(&honest, 4540), Err(IssueErrorKind::Misconfigured));
    }

    #[test]
    fn their_secrets_do_not_show_in_debug_output() {
        let issued = issued("us-east-1:abc", "hush", 4600);
        let answer = super::super::CredentialsResponse::render(&issued, issued.expires_at);
        for shown in [format!("{issued:?}"), format!("{answer:?}")] {
            assert!(shown.contains("ASIAEXAMPLE"), "{shown}");
            assert!(!shown.contains("hush") && !shown.contains("session\""), "{shown}");
        }
        let json: serde_json::Value = serde_json::from_slice(answer.json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "hush", "Token": "session",
                "Expiration": "1970-01-01T01:16:40Z",
            })
        );
    }
}
