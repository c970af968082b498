//! GetCredentialsForIdentity. Nothing of ours signs it: the token is all the proof there is.

use aws_sdk_cognitoidentity::operation::RequestId as _;
use aws_sdk_cognitoidentity::operation::get_credentials_for_identity::GetCredentialsForIdentityError as Refusal;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use zeroize::Zeroizing;

use super::classify::{front_door, tell_apart};
use super::{CognitoIssuer, mismatched};
use crate::issuer::credentials::{CredentialsIssuer, CredentialsRequest, IssuedCredentials};
use crate::issuer::{IssueError, IssueErrorKind as Kind};
use clock::Timestamp;
use cognito_types::IdentityId;

impl CredentialsIssuer for CognitoIssuer {
    fn issue_credentials<'a>(
        &'a self,
        request: &'a CredentialsRequest,
    ) -> BoxFuture<'a, Result<IssuedCredentials, IssueError>> {
        async move {
            let answer = self
                .client
                .get_credentials_for_identity()
                .identity_id(request.identity.as_str())
                .logins(&request.login, request.token.expose())
                .set_custom_role_arn(request.role.as_ref().map(|role| role.as_str().to_owned()))
                .send()
                .await
                .map_err(|error| tell_apart(&error, is_message_harmless, kind))?;
            let request_id = answer.request_id().map(Box::from);
            let (Some(identity), Some(given)) = (answer.identity_id, answer.credentials) else {
                return Err(mismatched("the answer has no identity id or no credentials"));
            };
            let secret_access_key = given.secret_key.map(Zeroizing::new);
            let session_token = given.session_token.map(Zeroizing::new);
            let (Some(access_key_id), Some(secret_access_key), Some(session_token), Some(expiration)) =
                (given.access_key_id, secret_access_key, session_token, given.expiration)
            else {
                return Err(mismatched("the credentials lack a part"));
            };
            Ok(IssuedCredentials {
                identity: IdentityId::parse(&identity).map_err(|why| mismatched(&why.to_string()))?,
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

/// AWS's validation repeats whole values, the token's among them; only what is said of roles and identities is told.
fn is_message_harmless(refusal: &Refusal) -> bool {
    matches!(
        refusal,
        Refusal::InvalidIdentityPoolConfigurationException(_)
            | Refusal::NotAuthorizedException(_)
            | Refusal::ResourceNotFoundException(_)
    )
}

fn kind(refusal: &Refusal, status: u16) -> Kind {
    match refusal {
        Refusal::TooManyRequestsException(_) => Kind::Throttled,
        Refusal::InternalErrorException(_) | Refusal::ExternalServiceException(_) => Kind::Unavailable,
        // The pool has no role for its users, or none that Cognito may assume.
        Refusal::InvalidIdentityPoolConfigurationException(_) => Kind::Misconfigured,
        Refusal::ResourceConflictException(_) => Kind::LoginTaken,
        // The token, its identity, or the role's trust policy for just these tags: one user's, for all we know.
        Refusal::NotAuthorizedException(_)
        | Refusal::ResourceNotFoundException(_)
        | Refusal::InvalidParameterException(_) => Kind::InvalidParameter,
        other => front_door(other, status),
    }
}
