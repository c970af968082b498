//! Credentials issuer: GetCredentialsForIdentity. The call is not signed; the token is the only credential.

use aws_sdk_cognitoidentity::operation::RequestId as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use super::error::{AwsErrorKind, classify_with};
use super::token::CognitoIssuer;
use crate::issuer::credentials::{CredentialsIssuer, CredentialsRequest, IssuedCredentials};
use crate::issuer::error::{IssueError, IssueErrorKind};
use clock::Timestamp;
use cognito_types::IdentityId;

impl CredentialsIssuer for CognitoIssuer {
    fn issue_credentials<'a>(
        &'a self,
        request: &'a CredentialsRequest,
    ) -> BoxFuture<'a, Result<IssuedCredentials, IssueError>> {
        async move {
            let call = self
                .client
                .get_credentials_for_identity()
                .identity_id(request.identity.as_str())
                .logins(&request.login, request.token.expose())
                .set_custom_role_arn(request.role.as_ref().map(|role| role.as_str().to_owned()));
            let response = call.send().await.map_err(|error| {
                let error = classify_with(&error, is_message_safe);
                IssueError::new(issue_error_kind(error.kind), error.message)
            })?;
            let request_id = response.request_id().map(Box::from);
            let (Some(identity), Some(credentials)) = (response.identity_id, response.credentials) else {
                return Err(IssueError::mismatched("the response has no identity id or no credentials"));
            };
            let secret_access_key = credentials.secret_key.map(Zeroizing::new);
            let session_token = credentials.session_token.map(Zeroizing::new);
            let (Some(access_key_id), Some(secret_access_key), Some(session_token), Some(expiration)) =
                (credentials.access_key_id, secret_access_key, session_token, credentials.expiration)
            else {
                return Err(IssueError::mismatched("the credentials are incomplete"));
            };
            Ok(IssuedCredentials {
                identity: IdentityId::parse(&identity).map_err(|why| IssueError::mismatched(why.to_string()))?,
                access_key_id: access_key_id.into(),
                secret_access_key,
                session_token,
                expires_at: Timestamp::from_secs(expiration.secs()),
                request_id,
            })
        }
        .boxed()
    }
}

/// AWS's validation repeats whole values, the token included; only messages about roles and identities are safe.
fn is_message_safe(kind: AwsErrorKind) -> bool {
    matches!(kind, AwsErrorKind::InvalidPoolConfiguration | AwsErrorKind::NotAuthorized | AwsErrorKind::NotFound)
}

fn issue_error_kind(kind: AwsErrorKind) -> IssueErrorKind {
    match kind {
        AwsErrorKind::ExternalService => IssueErrorKind::Unavailable,
        // The token, its identity, or the role's trust policy for these tags: possibly of one user only.
        AwsErrorKind::NotAuthorized | AwsErrorKind::NotFound => IssueErrorKind::InvalidParameter,
        other => other.into(),
    }
}
