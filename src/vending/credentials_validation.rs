//! Validation of credentials against their request. There is less to validate than in a token: the response names their
//! identity and their end.

use std::time::Duration;

use super::freshness::{Lifetime, RefreshPolicy};
use super::loader::CallTimes;
use crate::issuer::IssueError;
use crate::issuer::credentials::{CredentialsRequest, IssuedCredentials};

/// The lifetime of Cognito's credentials (API reference of GetCredentialsForIdentity). Their own end would be too late
/// if this machine's clock is behind.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

pub(super) fn validate(
    request: &CredentialsRequest,
    issued: &IssuedCredentials,
    call: CallTimes,
    policy: &RefreshPolicy,
) -> Result<Lifetime, IssueError> {
    if issued.identity != request.identity {
        return Err(IssueError::mismatched("the credentials belong to another identity than the token"));
    }
    if issued.access_key_id.is_empty() || issued.secret_access_key.is_empty() || issued.session_token.is_empty() {
        return Err(IssueError::mismatched("the credentials have an empty field"));
    }
    call.lifetime(policy, issued.expires_at.min(call.requested_at + MAX_LIFETIME))
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::super::freshness::tests::POLICY;
    use super::*;
    use crate::issuer::IssueErrorKind;
    use crate::token::OpenIdToken;
    use clock::Timestamp;
    use cognito_types::IdentityId;

    fn issued(secret: &str) -> IssuedCredentials {
        IssuedCredentials {
            identity: IdentityId::parse("us-east-1:abc").unwrap(),
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: Zeroizing::new(secret.to_owned()),
            session_token: Zeroizing::new("session".to_owned()),
            expires_at: Timestamp::from_secs(4600),
            request_id: None,
        }
    }

    /// The end of credentials that were requested and received at `now`.
    fn validate_at(issued: &IssuedCredentials, now: i64) -> Result<i64, IssueErrorKind> {
        let request = CredentialsRequest {
            identity: IdentityId::parse("us-east-1:abc").unwrap(),
            login: "cognito-identity.amazonaws.com".to_owned(),
            token: OpenIdToken::new("a.b.c".to_owned()),
            role: None,
        };
        let now = Timestamp::from_secs(now);
        let lifetime = validate(&request, issued, CallTimes { requested_at: now, received_at: now }, &POLICY);
        lifetime.map(|lifetime| lifetime.expires_at.as_secs()).map_err(|error| error.kind)
    }

    #[test]
    fn a_clock_that_is_behind_does_not_lengthen_their_lifetime_and_one_that_is_ahead_shortens_it() {
        let valid = issued("s");
        for (now, end) in
            [(1000, Ok(4600)), (400, Ok(4000)), (1600, Ok(4600)), (4540, Err(IssueErrorKind::Misconfigured))]
        {
            assert_eq!(validate_at(&valid, now), end, "{now}");
        }
    }

    #[test]
    fn their_secrets_do_not_show_in_debug_output() {
        let issued = issued("hush");
        let response = super::super::cached_credentials::CachedCredentials::render(&issued, issued.expires_at);
        for shown in [format!("{issued:?}"), format!("{response:?}")] {
            assert!(shown.contains("ASIAEXAMPLE"), "{shown}");
            assert!(!shown.contains("hush") && !shown.contains("session\""), "{shown}");
        }
        let json: serde_json::Value = serde_json::from_slice(response.json()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "hush", "Token": "session",
                "Expiration": "1970-01-01T01:16:40Z",
            })
        );
    }
}
