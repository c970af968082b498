//! The errors that the services return.

use super::service::AwsService;

/// The errors that the emulator returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorType {
    DeveloperUserAlreadyRegistered,
    /// The temporary credentials that signed the request have expired.
    ExpiredCredentials,
    /// The presented token has expired.
    ExpiredIdentityToken,
    IdpRejectedClaim,
    IncompleteSignature,
    InternalError,
    InvalidIdentityToken,
    InvalidParameter,
    InvalidPoolConfiguration,
    InvalidSignature,
    MalformedPolicyDocument,
    MissingAuthenticationToken,
    NotAuthorized,
    RequestEntityTooLarge,
    NoSuchEntity,
    ResourceConflict,
    ResourceNotFound,
    Serialization,
    TooManyRequests,
    UnknownOperation,
    UnrecognizedClient,
}

impl ErrorType {
    /// The name on the wire. An error that only one service returns has one name.
    pub(crate) fn name(self, service: AwsService) -> &'static str {
        let (cognito, others) = match self {
            Self::DeveloperUserAlreadyRegistered => same_name("DeveloperUserAlreadyRegisteredException"),
            Self::ExpiredCredentials => ("ExpiredTokenException", "ExpiredToken"),
            Self::ExpiredIdentityToken => same_name("ExpiredTokenException"),
            Self::IdpRejectedClaim => same_name("IDPRejectedClaim"),
            Self::IncompleteSignature => ("IncompleteSignatureException", "IncompleteSignature"),
            Self::InternalError => ("InternalErrorException", "InternalFailure"),
            Self::InvalidIdentityToken => same_name("InvalidIdentityToken"),
            Self::InvalidParameter => ("InvalidParameterException", "ValidationError"),
            Self::InvalidPoolConfiguration => same_name("InvalidIdentityPoolConfigurationException"),
            Self::InvalidSignature => ("InvalidSignatureException", "SignatureDoesNotMatch"),
            Self::MalformedPolicyDocument => same_name("MalformedPolicyDocument"),
            Self::MissingAuthenticationToken => ("MissingAuthenticationTokenException", "MissingAuthenticationToken"),
            Self::NoSuchEntity => same_name("NoSuchEntity"),
            Self::NotAuthorized => ("NotAuthorizedException", "AccessDenied"),
            Self::RequestEntityTooLarge => same_name("RequestEntityTooLargeException"),
            Self::ResourceConflict => same_name("ResourceConflictException"),
            Self::ResourceNotFound => same_name("ResourceNotFoundException"),
            Self::Serialization => ("SerializationException", "MalformedInput"),
            Self::TooManyRequests => ("TooManyRequestsException", "Throttling"),
            Self::UnknownOperation => ("UnknownOperationException", "InvalidAction"),
            Self::UnrecognizedClient => ("UnrecognizedClientException", "InvalidClientTokenId"),
        };
        match service {
            AwsService::CognitoIdentity => cognito,
            AwsService::Iam | AwsService::Sts => others,
        }
    }

    /// The HTTP status. Cognito uses 400 for nearly everything, STS also 403.
    pub(crate) fn status(self, service: AwsService) -> u16 {
        match (self, service) {
            (Self::InternalError, _) => 500,
            (Self::RequestEntityTooLarge, _) => 413,
            (Self::NoSuchEntity, _) => 404,
            (
                Self::ExpiredCredentials
                | Self::IdpRejectedClaim
                | Self::InvalidSignature
                | Self::MissingAuthenticationToken
                | Self::NotAuthorized
                | Self::UnrecognizedClient,
                AwsService::Iam | AwsService::Sts,
            ) => 403,
            _ => 400,
        }
    }
}

fn same_name(name: &'static str) -> (&'static str, &'static str) {
    (name, name)
}

/// The error of one operation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", error_type.name(AwsService::CognitoIdentity))]
pub(crate) struct OperationError {
    pub(crate) error_type: ErrorType,
    pub(crate) message: String,
}

impl OperationError {
    pub(crate) fn new(error_type: ErrorType, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into() }
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorType::InvalidParameter, message)
    }

    pub(crate) fn not_authorized(message: impl Into<String>) -> Self {
        Self::new(ErrorType::NotAuthorized, message)
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorType::ResourceNotFound, message)
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorType::ResourceConflict, message)
    }

    pub(crate) fn internal() -> Self {
        Self::new(ErrorType::InternalError, "An internal error occurred.")
    }
}
