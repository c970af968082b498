//! The SDK's errors, told apart once by what may be done about them. By type and error code, never by the
//! text of a message: AWS rewords those.

use std::fmt::Write as _;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;
use aws_sdk_cognitoidentity::operation::get_open_id_token_for_developer_identity::GetOpenIdTokenForDeveloperIdentityError as Refusal;

use crate::causes;
use crate::issuer::{IssueError, IssueErrorKind as Kind};

/// What the failed call means for the one who asked.
pub(super) fn classify(error: &SdkError<Refusal, HttpResponse>) -> IssueError {
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let refusal = answer.err();
            IssueError::new(service_kind(refusal, status), words(refusal, status))
        }
        SdkError::ConstructionFailure(_) => IssueError::new(Kind::Misconfigured, causes::told(error)),
        // The chain of credentials is walked while a request is dispatched; without any, every call fails
        // alike until the operator acts. A provider that merely failed this time is trouble like any other.
        SdkError::DispatchFailure(_)
            if matches!(
                causes::find::<CredentialsError>(error),
                Some(CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_))
            ) =>
        {
            IssueError::new(Kind::Misconfigured, causes::told(error))
        }
        // Time-outs, lost connections, answers that are none; and what the SDK may add later.
        _ => IssueError::new(Kind::Unavailable, causes::told(error)),
    }
}

fn service_kind(refusal: &Refusal, status: u16) -> Kind {
    match refusal {
        Refusal::TooManyRequestsException(_) => Kind::Throttled,
        Refusal::InternalErrorException(_) => Kind::Unavailable,
        Refusal::DeveloperUserAlreadyRegisteredException(_) => Kind::AlreadyRegistered,
        Refusal::ResourceConflictException(_) => Kind::LoginTaken,
        // No identity id and no public login is ever sent, so what is not found is the pool, and what is not
        // authorized is us.
        Refusal::ResourceNotFoundException(_) | Refusal::NotAuthorizedException(_) => Kind::Misconfigured,
        // Not the whole pool's: one user with an odd id must not stop the others.
        Refusal::InvalidParameterException(_) => Kind::Unacceptable,
        // Codes that the operation's model does not name: the front door's, before Cognito itself.
        other => match other.code() {
            Some(
                "ThrottlingException" | "Throttling" | "RequestLimitExceeded" | "LimitExceededException",
            ) => Kind::Throttled,
            _ if status >= 500 => Kind::Unavailable,
            _ => Kind::Misconfigured,
        },
    }
}

/// AWS's own words, for the operator: error code, status, message, request id. Of the message the first line only:
/// where a signature does not fit, AWS repeats the whole request below it, session token included.
pub(super) fn words(refusal: &(impl ProvideErrorMetadata + RequestId), status: u16) -> String {
    let mut text = format!("{} (HTTP {status})", refusal.code().unwrap_or("no error code"));
    if let Some(message) = refusal.message().and_then(|message| message.lines().next()) {
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

    use super::*;

    #[test]
    fn where_aws_repeats_the_request_its_session_token_is_not_told_on() {
        let message = "The signature does not match.\n\nThe Canonical String should have been\n\
                       'POST\nx-amz-security-token:hush\n'";
        let metadata = ErrorMetadata::builder().code("InvalidSignatureException").message(message).build();
        let told = words(&Refusal::generic(metadata), 400);
        assert_eq!(told, "InvalidSignatureException (HTTP 400): The signature does not match.");
    }
}
