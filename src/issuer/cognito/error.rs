//! AWS errors, classified once for all operations: by error code and HTTP status, never by the text of a message,
//! because AWS rewords those. What a kind means for its caller depends on the operation, which maps it.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;

use crate::error_chain;
use crate::issuer::error::{IssueError, IssueErrorKind};

#[derive(Debug, Clone)]
pub struct AwsError {
    pub kind: AwsErrorKind,
    /// For the operator: error code, HTTP status, AWS's message and request id.
    pub message: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// IAM denies the call.
    AccessDenied,
    /// IAM allows the call, and Cognito itself rejects it.
    NotAuthorized,
    /// The account's quota is exhausted.
    Throttled,
    NotFound,
    InvalidParameter,
    /// A login, or one of two users, belongs to another identity.
    Conflict,
    /// The developer user is registered under another identity.
    AlreadyRegistered,
    /// The pool has no role for its users, or none that Cognito can assume.
    InvalidPoolConfiguration,
    /// A provider such as Facebook or Twitter could not be reached by Cognito.
    ExternalService,
    /// AWS rejects the credentials themselves.
    CredentialsRejected,
    /// The credential chain found none, or is misconfigured. Every call fails until the operator acts.
    NoCredentials,
    /// A credential provider failed this time.
    CredentialProviderFailed,
    /// No response, or none in time.
    Unreachable,
    ServerError,
    Other,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Classifies a failed call of any operation.
pub(super) fn classify<E>(error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    classify_with(error, |_| true)
}

/// As [`classify`], without AWS's message where it may repeat a secret of the request: its validation quotes values.
pub(super) fn classify_with<E>(
    error: &SdkError<E, HttpResponse>,
    is_message_safe: impl Fn(AwsErrorKind) -> bool,
) -> AwsError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let SdkError::ServiceError(response) = error else {
        // The credential chain runs while a request is dispatched.
        let kind = match (error_chain::find::<CredentialsError>(error), error) {
            (Some(CredentialsError::CredentialsNotLoaded(_) | CredentialsError::InvalidConfiguration(_)), _) => {
                AwsErrorKind::NoCredentials
            }
            (Some(_), _) => AwsErrorKind::CredentialProviderFailed,
            (None, SdkError::ConstructionFailure(_)) => AwsErrorKind::Other,
            // Timeouts, lost connections, invalid responses; and what the SDK may add later.
            (None, _) => AwsErrorKind::Unreachable,
        };
        return AwsError { kind, message: error_chain::display(error) };
    };
    let (error, status) = (response.err(), response.raw().status().as_u16());
    let kind = AwsErrorKind::from_code(error.code(), status);
    let text = error.message().filter(|_| is_message_safe(kind));
    AwsError { kind, message: message(error.code(), status, text, error.request_id()) }
}

/// Of AWS's text the first line only: where a signature does not match, AWS repeats the whole request below it,
/// session token included.
pub(super) fn message(code: Option<&str>, status: u16, text: Option<&str>, request_id: Option<&str>) -> String {
    let code = code.unwrap_or("no error code");
    let line = text.and_then(|text| text.lines().next()).map(|line| format!(": {line}")).unwrap_or_default();
    let id = request_id.map(|id| format!(" [aws request id {id}]")).unwrap_or_default();
    format!("{code} (HTTP {status}){line}{id}")
}

impl AwsErrorKind {
    /// Codes of Cognito, STS and IAM, and those of AWS's front end, which no operation's model has.
    pub(super) fn from_code(code: Option<&str>, status: u16) -> Self {
        match code.unwrap_or_default() {
            "AccessDeniedException" | "AccessDenied" => Self::AccessDenied,
            "NotAuthorizedException" => Self::NotAuthorized,
            "TooManyRequestsException" | "ThrottlingException" | "Throttling" | "RequestLimitExceeded"
            | "LimitExceededException" => Self::Throttled,
            "ResourceNotFoundException" | "NoSuchEntity" => Self::NotFound,
            "InvalidParameterException" => Self::InvalidParameter,
            "ResourceConflictException" => Self::Conflict,
            "DeveloperUserAlreadyRegisteredException" => Self::AlreadyRegistered,
            "InvalidIdentityPoolConfigurationException" => Self::InvalidPoolConfiguration,
            "ExternalServiceException" => Self::ExternalService,
            "InternalErrorException" => Self::ServerError,
            "UnrecognizedClientException"
            | "InvalidSignatureException"
            | "ExpiredTokenException"
            | "IncompleteSignatureException"
            | "MissingAuthenticationTokenException"
            // Of STS and IAM.
            | "InvalidClientTokenId"
            | "SignatureDoesNotMatch"
            | "ExpiredToken"
            | "IncompleteSignature"
            | "MissingAuthenticationToken" => Self::CredentialsRejected,
            _ if status >= 500 => Self::ServerError,
            _ => Self::Other,
        }
    }
}

/// What a kind means for a token or credentials, unless the operation gives it a meaning of its own.
impl From<AwsErrorKind> for IssueErrorKind {
    fn from(kind: AwsErrorKind) -> Self {
        match kind {
            AwsErrorKind::Throttled => Self::Throttled,
            AwsErrorKind::ServerError | AwsErrorKind::Unreachable | AwsErrorKind::CredentialProviderFailed => {
                Self::Unavailable
            }
            AwsErrorKind::Conflict => Self::LoginTaken,
            AwsErrorKind::InvalidParameter => Self::InvalidParameter,
            AwsErrorKind::AccessDenied
            | AwsErrorKind::NotAuthorized
            | AwsErrorKind::NotFound
            | AwsErrorKind::AlreadyRegistered
            | AwsErrorKind::InvalidPoolConfiguration
            | AwsErrorKind::ExternalService
            | AwsErrorKind::CredentialsRejected
            | AwsErrorKind::NoCredentials
            | AwsErrorKind::Other => Self::Misconfigured,
        }
    }
}

pub(super) fn mismatched(detail: &str) -> IssueError {
    IssueError::new(IssueErrorKind::Mismatched, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_aws_repeats_in_a_message_is_left_out_with_its_session_token() {
        let text = "The signature does not match.\n\nThe Canonical String should have been\n\
                    'POST\nx-amz-security-token:hush\n'";
        assert_eq!(
            message(Some("InvalidSignatureException"), 400, Some(text), None),
            "InvalidSignatureException (HTTP 400): The signature does not match."
        );
    }
}
