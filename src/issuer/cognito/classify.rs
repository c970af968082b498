//! The SDK's errors, told apart once by what may be done about them. By type and error code, never by the
//! text of a message: AWS rewords those. What an error means depends on what was sent with the call.

use std::fmt::Write as _;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_sdk_cognitoidentity::operation::get_open_id_token_for_developer_identity::GetOpenIdTokenForDeveloperIdentityError as Refusal;

use crate::error_chain;
use crate::issuer::{IssueError, IssueErrorKind as Kind};

/// What was sent that may be wrong without being our fault.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestContents {
    /// A user's public logins.
    pub(super) logins: bool,
    /// An identity.
    pub(super) identity: bool,
}

/// What the failed call for a token means for the one who asked.
pub(super) fn classify(error: &SdkError<Refusal, HttpResponse>, sent: RequestContents) -> IssueError {
    // AWS's validation repeats whole values, and a login's is a secret.
    let is_message_harmless = |_: &Refusal| !sent.logins;
    tell_apart(error, is_message_harmless, |refusal, status| service_kind(refusal, status, sent))
}

/// What a failed call of any operation means; `kind` knows the operation's own errors.
pub(super) fn tell_apart<E>(
    error: &SdkError<E, HttpResponse>,
    is_message_harmless: impl Fn(&E) -> bool,
    kind: impl Fn(&E, u16) -> Kind,
) -> IssueError
where
    E: std::error::Error + ProvideErrorMetadata + RequestId + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let refusal = answer.err();
            let message = refusal.message().filter(|_| is_message_harmless(refusal));
            IssueError::new(kind(refusal, status), words_with(message, refusal, status))
        }
        SdkError::ConstructionFailure(_) => IssueError::new(Kind::Misconfigured, error_chain::display(error)),
        // The chain of credentials is walked while a request is dispatched; without any, every call fails
        // alike until the operator acts. A provider that merely failed this time is trouble like any other.
        SdkError::DispatchFailure(_)
            if matches!(
                error_chain::find::<CredentialsError>(error),
                Some(CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_))
            ) =>
        {
            IssueError::new(Kind::Misconfigured, error_chain::display(error))
        }
        // Time-outs, lost connections, answers that are none; and what the SDK may add later.
        _ => IssueError::new(Kind::Unavailable, error_chain::display(error)),
    }
}

fn service_kind(refusal: &Refusal, status: u16, sent: RequestContents) -> Kind {
    match refusal {
        Refusal::TooManyRequestsException(_) => Kind::Throttled,
        Refusal::InternalErrorException(_) => Kind::Unavailable,
        Refusal::DeveloperUserAlreadyRegisteredException(_) => Kind::AlreadyRegistered,
        Refusal::ResourceConflictException(_) => Kind::LoginTaken,
        // IAM says AccessDeniedException where a right is missing, before Cognito has read a login. And whoever
        // sends one has just had a token minted without it (`linking`): so pool and rights are as they should be,
        // and what is new in the call is the login. Any text can be sent as one, so this pages nobody.
        Refusal::NotAuthorizedException(_) | Refusal::InvalidParameterException(_) if sent.logins => {
            Kind::LoginRefused
        }
        // The pool, likewise, was there a moment ago.
        Refusal::ResourceNotFoundException(_) if sent.identity => Kind::UnknownIdentity,
        // Nothing of the caller's was sent: what is not found is the pool, what is not authorized is us.
        Refusal::ResourceNotFoundException(_) | Refusal::NotAuthorizedException(_) => Kind::Misconfigured,
        // Not the whole pool's: one user with an odd id must not stop the others.
        Refusal::InvalidParameterException(_) => Kind::Unacceptable,
        // Facebook or Twitter could not be asked: no trouble of Cognito's, which all should wait for.
        other if sent.logins && other.code() == Some("ExternalServiceException") => Kind::LoginRefused,
        other => front_door(other, status),
    }
}

/// Codes that the operation's model does not name: the front door's, before Cognito itself.
pub(super) fn front_door(refusal: &impl ProvideErrorMetadata, status: u16) -> Kind {
    match refusal.code() {
        Some("ThrottlingException" | "Throttling" | "RequestLimitExceeded" | "LimitExceededException") => {
            Kind::Throttled
        }
        _ if status >= 500 => Kind::Unavailable,
        _ => Kind::Misconfigured,
    }
}

/// AWS's own words, for the operator: error code, status, message, request id. Of the message the first line only:
/// where a signature does not fit, AWS repeats the whole request below it, session token included.
pub(super) fn words(refusal: &(impl ProvideErrorMetadata + RequestId), status: u16) -> String {
    words_with(refusal.message(), refusal, status)
}

fn words_with(
    message: Option<&str>,
    refusal: &(impl ProvideErrorMetadata + RequestId),
    status: u16,
) -> String {
    let mut text = format!("{} (HTTP {status})", refusal.code().unwrap_or("no error code"));
    if let Some(message) = message.and_then(|message| message.lines().next()) {
        let _ = write!(text, ": {message}");
    }
    if let Some(id) = refusal.request_id() {
        let _ = write!(text, " [aws request id {id}]");
    }
    text
}

#[cfg(test)]
mod tests {
    use aws_sdk_cognitoidentity::error::ErrorMetadata;
    use aws_sdk_cognitoidentity::types::error as model;

    use super::*;

    #[test]
    fn where_aws_repeats_the_request_its_session_token_is_not_told_on() {
        let message = "The signature does not match.\n\nThe Canonical String should have been\n\
                       'POST\nx-amz-security-token:hush\n'";
        let metadata = ErrorMetadata::builder().code("InvalidSignatureException").message(message).build();
        let told = words(&Refusal::generic(metadata), 400);
        assert_eq!(told, "InvalidSignatureException (HTTP 400): The signature does not match.");
    }

    const NOTHING: RequestContents = RequestContents { logins: false, identity: false };
    const IDENTITY: RequestContents = RequestContents { logins: false, identity: true };
    const LOGINS: RequestContents = RequestContents { logins: true, identity: true };

    fn code(code: &str) -> Refusal {
        Refusal::generic(ErrorMetadata::builder().code(code).build())
    }

    #[test]
    fn what_an_error_means_depends_on_what_was_sent() {
        let not_authorized =
            || Refusal::NotAuthorizedException(model::NotAuthorizedException::builder().build());
        let invalid =
            || Refusal::InvalidParameterException(model::InvalidParameterException::builder().build());
        let not_found =
            || Refusal::ResourceNotFoundException(model::ResourceNotFoundException::builder().build());
        for (refusal, sent, kind) in [
            (not_authorized(), NOTHING, Kind::Misconfigured),
            (not_authorized(), IDENTITY, Kind::Misconfigured),
            (not_authorized(), LOGINS, Kind::LoginRefused),
            (invalid(), IDENTITY, Kind::Unacceptable),
            (invalid(), LOGINS, Kind::LoginRefused),
            (not_found(), NOTHING, Kind::Misconfigured),
            (not_found(), IDENTITY, Kind::UnknownIdentity),
            (code("ExternalServiceException"), LOGINS, Kind::LoginRefused),
            // A right that is missing, or a key that is wrong, is ours whatever else was in the call.
            (code("AccessDeniedException"), LOGINS, Kind::Misconfigured),
            (code("UnrecognizedClientException"), LOGINS, Kind::Misconfigured),
            (code("ThrottlingException"), LOGINS, Kind::Throttled),
        ] {
            assert_eq!(service_kind(&refusal, 400, sent), kind, "{refusal:?} {sent:?}");
        }
        assert_eq!(service_kind(&code("BadGateway"), 502, LOGINS), Kind::Unavailable);
    }
}
