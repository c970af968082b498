//! AWS errors, classified once for all operations: by error code and HTTP status, never by the text of a message,
//! because AWS rewords those. What a kind means for its caller depends on the operation, which maps it.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;

use crate::error_chain;
use crate::issuer::error::IssueErrorKind;

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
            // The request was never sent, and a retry would fail too: the configuration is wrong, or the request.
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
    /// Codes of Cognito, STS and IAM, and those of the front ends before them, which no operation's model has.
    pub(super) fn from_code(code: Option<&str>, status: u16) -> Self {
        match (code.unwrap_or_default(), status) {
            // The SDK retries these as throttling with any status. A LimitExceededException about another limit is only
            // in the models of operations that this service does not call.
            (
                "TooManyRequestsException"
                | "ThrottlingException"
                | "Throttling"
                | "RequestLimitExceeded"
                | "LimitExceededException",
                _,
            )
            | (_, 429) => Self::Throttled,
            // Before the other codes: a load balancer or a proxy may send any code with its own failure.
            ("InternalErrorException" | "RequestTimeout" | "RequestTimeoutException", _) | (_, 408 | 500..) => {
                Self::ServerError
            }
            ("AccessDeniedException" | "AccessDenied", _) => Self::AccessDenied,
            ("NotAuthorizedException", _) => Self::NotAuthorized,
            ("ResourceNotFoundException" | "NoSuchEntity", _) => Self::NotFound,
            ("InvalidParameterException", _) => Self::InvalidParameter,
            ("ResourceConflictException", _) => Self::Conflict,
            ("DeveloperUserAlreadyRegisteredException", _) => Self::AlreadyRegistered,
            ("InvalidIdentityPoolConfigurationException", _) => Self::InvalidPoolConfiguration,
            ("ExternalServiceException", _) => Self::ExternalService,
            (
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
                | "MissingAuthenticationToken",
                _,
            ) => Self::CredentialsRejected,
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

#[cfg(test)]
mod tests {
    use aws_sdk_cognitoidentity::operation::describe_identity::DescribeIdentityError;

    use super::*;

    #[test]
    fn a_code_is_read_after_the_statuses_of_front_ends_and_throttling_with_every_status() {
        for (code, status, kind) in [
            (Some("TooManyRequestsException"), 400, AwsErrorKind::Throttled),
            (Some("LimitExceededException"), 400, AwsErrorKind::Throttled),
            (Some("RequestLimitExceeded"), 503, AwsErrorKind::Throttled),
            (Some("Throttling"), 500, AwsErrorKind::Throttled),
            (Some("AccessDenied"), 429, AwsErrorKind::Throttled),
            (None, 429, AwsErrorKind::Throttled),
            (Some("InternalErrorException"), 500, AwsErrorKind::ServerError),
            (Some("InternalErrorException"), 400, AwsErrorKind::ServerError),
            (Some("RequestTimeoutException"), 400, AwsErrorKind::ServerError),
            (Some("AccessDenied"), 503, AwsErrorKind::ServerError),
            (Some("NotAuthorizedException"), 502, AwsErrorKind::ServerError),
            (Some("ResourceNotFoundException"), 504, AwsErrorKind::ServerError),
            (Some("UnrecognizedClientException"), 599, AwsErrorKind::ServerError),
            (None, 408, AwsErrorKind::ServerError),
            (None, 503, AwsErrorKind::ServerError),
            (Some("AccessDenied"), 403, AwsErrorKind::AccessDenied),
            (Some("NotAuthorizedException"), 400, AwsErrorKind::NotAuthorized),
            (Some("ResourceNotFoundException"), 404, AwsErrorKind::NotFound),
            (Some("BadRequest"), 400, AwsErrorKind::Other),
            (None, 403, AwsErrorKind::Other),
        ] {
            assert_eq!(AwsErrorKind::from_code(code, status), kind, "{code:?} {status}");
        }
    }

    #[test]
    fn a_request_that_cannot_be_built_is_no_failure_of_aws() {
        let kind = |error: SdkError<DescribeIdentityError, HttpResponse>| classify(&error).kind;
        assert_eq!(kind(SdkError::construction_failure("no endpoint")), AwsErrorKind::Other);
        assert_eq!(kind(SdkError::timeout_error("too late")), AwsErrorKind::Unreachable);
    }

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
