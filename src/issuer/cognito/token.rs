//! Token issuer: GetOpenIdTokenForDeveloperIdentity in one region.

use aws_sdk_cognitoidentity::Client;
use aws_sdk_cognitoidentity::operation::RequestId as _;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::error::{AwsErrorKind, classify_with};
use crate::issuer::error::{IssueError, IssueErrorKind};
use crate::issuer::token::{IssueRequest, IssuedToken, TokenIssuer};
use crate::token::OpenIdToken;
use cognito_types::IdentityId;

/// Token and credentials issuer of one region.
#[derive(Debug)]
pub struct CognitoIssuer {
    pub(super) client: Client,
}

/// What a request contained that may be wrong without being the service's fault.
#[derive(Debug, Clone, Copy)]
struct RequestContents {
    /// A user's public logins.
    logins: bool,
    identity: bool,
}

impl TokenIssuer for CognitoIssuer {
    fn issue<'a>(&'a self, request: &'a IssueRequest) -> BoxFuture<'a, Result<IssuedToken, IssueError>> {
        async move {
            let mut call = self
                .client
                .get_open_id_token_for_developer_identity()
                .identity_pool_id(request.pool.as_str())
                .logins(request.provider.as_str(), request.user.as_str())
                .token_duration(request.duration.seconds().into());
            for (key, value) in request.tags.iter() {
                call = call.principal_tags(key, value);
            }
            for (provider, token) in request.public_logins.iter() {
                call = call.logins(provider.as_str(), token.expose());
            }
            let identity = request.identity.as_ref().map(|identity| identity.as_str().to_owned());
            let sent =
                RequestContents { logins: !request.public_logins.is_empty(), identity: request.identity.is_some() };
            let response = call.set_identity_id(identity).send().await.map_err(|error| {
                // The token of a login is a secret.
                let error = classify_with(&error, |_| !sent.logins);
                IssueError::new(issue_error_kind(error.kind, sent), error.message)
            })?;
            let request_id = response.request_id().map(Box::from);
            let (Some(identity), Some(token)) = (response.identity_id, response.token) else {
                return Err(IssueError::mismatched("the response has no identity id or no token"));
            };
            let token = OpenIdToken::new(token);
            let identity = IdentityId::parse(&identity).map_err(|why| IssueError::mismatched(why.to_string()))?;
            Ok(IssuedToken { identity, token, request_id })
        }
        .boxed()
    }
}

fn issue_error_kind(kind: AwsErrorKind, sent: RequestContents) -> IssueErrorKind {
    match kind {
        AwsErrorKind::AlreadyRegistered => IssueErrorKind::AlreadyRegistered,
        // A missing permission is AccessDenied, which IAM decides before Cognito reads a login. And a token was just
        // minted for this user without the login (`linking`), so pool and permissions are right and the login is
        // not. A client can send any text as a login, so this must not alert the operator. ExternalService, likewise,
        // is no failure of Cognito, for which all calls should wait.
        AwsErrorKind::NotAuthorized | AwsErrorKind::InvalidParameter | AwsErrorKind::ExternalService if sent.logins => {
            IssueErrorKind::LoginRejected
        }
        // The pool existed a moment ago, when the identity was found.
        AwsErrorKind::NotFound if sent.identity => IssueErrorKind::UnknownIdentity,
        // Else the request had nothing of the caller's: NotFound is about the pool, NotAuthorized about this service.
        // InvalidParameter does not concern the whole pool: one user's odd id must not stop the others.
        other => other.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: RequestContents = RequestContents { logins: false, identity: false };
    const IDENTITY: RequestContents = RequestContents { logins: false, identity: true };
    const LOGINS: RequestContents = RequestContents { logins: true, identity: true };

    #[test]
    fn the_meaning_of_an_error_depends_on_what_was_sent() {
        for (code, sent, kind) in [
            ("NotAuthorizedException", NOTHING, IssueErrorKind::Misconfigured),
            ("NotAuthorizedException", IDENTITY, IssueErrorKind::Misconfigured),
            ("NotAuthorizedException", LOGINS, IssueErrorKind::LoginRejected),
            ("InvalidParameterException", IDENTITY, IssueErrorKind::InvalidParameter),
            ("InvalidParameterException", LOGINS, IssueErrorKind::LoginRejected),
            ("ResourceNotFoundException", NOTHING, IssueErrorKind::Misconfigured),
            ("ResourceNotFoundException", IDENTITY, IssueErrorKind::UnknownIdentity),
            ("ExternalServiceException", NOTHING, IssueErrorKind::Misconfigured),
            ("ExternalServiceException", LOGINS, IssueErrorKind::LoginRejected),
            // A missing permission or a wrong key is the service's fault, whatever the request contained.
            ("AccessDeniedException", LOGINS, IssueErrorKind::Misconfigured),
            ("UnrecognizedClientException", LOGINS, IssueErrorKind::Misconfigured),
            ("ThrottlingException", LOGINS, IssueErrorKind::Throttled),
        ] {
            let aws = AwsErrorKind::from_code(Some(code), 400);
            assert_eq!(issue_error_kind(aws, sent), kind, "{code} {sent:?}");
        }
        let bad_gateway = AwsErrorKind::from_code(Some("BadGateway"), 502);
        assert_eq!(issue_error_kind(bad_gateway, LOGINS), IssueErrorKind::Unavailable);
    }
}
