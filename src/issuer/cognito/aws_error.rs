//! AWS's no to a question that was asked to look, told apart by what is to be mended. By type and error code, as
//! in `classify`; there it is about one user's token, here about the account.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentity::config::http::HttpResponse;
use aws_sdk_cognitoidentity::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_cognitoidentity::operation::RequestId;

use super::classify;
use crate::error_chain;

/// A no of AWS's, or of the way to it.
#[derive(Debug, Clone)]
pub struct AwsError {
    /// What kind.
    pub kind: AwsErrorKind,
    /// AWS's own words, for the operator.
    pub words: String,
}

/// The kinds of no, by what is to be mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AwsErrorKind {
    /// The principal does not have the right: IAM says so.
    NotAllowed,
    /// IAM let the call pass, and Cognito itself refuses it.
    NotAuthorized,
    /// The account's quota is used up.
    Throttled,
    /// What was asked about does not exist.
    NotFound,
    /// AWS does not take the credentials at all.
    CredentialsRefused,
    /// No credentials were found.
    NoCredentials,
    /// Nobody answered, or too late.
    Unreachable,
    /// Anything else.
    Other,
}

impl fmt::Display for AwsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// What a failed call says.
pub(super) fn naysay<E>(error: &SdkError<E, HttpResponse>) -> AwsError
where
    E: ProvideErrorMetadata + RequestId + std::error::Error + 'static,
{
    let SdkError::ServiceError(answer) = error else {
        let kind = match error_chain::find::<CredentialsError>(error) {
            Some(_) => AwsErrorKind::NoCredentials,
            None => AwsErrorKind::Unreachable,
        };
        return AwsError { kind, words: error_chain::display(error) };
    };
    let kind = kind_of(answer.err().code());
    AwsError { kind, words: classify::words(answer.err(), answer.raw().status().as_u16()) }
}

/// What an error code means. Each service has names of its own for some of it.
pub(super) fn kind_of(code: Option<&str>) -> AwsErrorKind {
    match code {
        Some("AccessDeniedException" | "AccessDenied") => AwsErrorKind::NotAllowed,
        Some("NotAuthorizedException") => AwsErrorKind::NotAuthorized,
        Some("TooManyRequestsException" | "ThrottlingException" | "Throttling") => AwsErrorKind::Throttled,
        Some("ResourceNotFoundException" | "NoSuchEntity") => AwsErrorKind::NotFound,
        Some(
            "UnrecognizedClientException" | "InvalidSignatureException" | "ExpiredTokenException"
            | "IncompleteSignatureException" | "MissingAuthenticationTokenException"
            // Of STS and IAM.
            | "InvalidClientTokenId" | "SignatureDoesNotMatch" | "ExpiredToken" | "IncompleteSignature"
            | "MissingAuthenticationToken",
        ) => AwsErrorKind::CredentialsRefused,
        _ => AwsErrorKind::Other,
    }
}
