//! The wire protocols' answers: JSON 1.1 as Cognito speaks it, the query protocol as STS and IAM do.
//!
//! An operation's output is JSON in either case; in the query protocol it becomes XML at the very end. In JSON 1.1 an error
//! is HTTP 400 (500 for `InternalErrorException`) with `{"__type", "message"}`, and its name again in the
//! header `x-amzn-ErrorType`: SDKs read either, so both are always sent.

pub(super) mod query;

use serde::Serialize;

/// The services that share the listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Api {
    CognitoIdentity,
    Iam,
    Sts,
}

impl Api {
    /// The service's name in the scope of a signature.
    pub(super) fn signing_name(self) -> &'static str {
        match self {
            Self::CognitoIdentity => "cognito-identity",
            Self::Iam => "iam",
            Self::Sts => "sts",
        }
    }

    /// The content type of its answers.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::CognitoIdentity => "application/x-amz-json-1.1",
            Self::Iam | Self::Sts => "text/xml",
        }
    }
}

/// The errors that the emulator answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorType {
    DeveloperUserAlreadyRegistered,
    /// The temporary credentials that signed the call have ended.
    ExpiredCredentials,
    /// The token that was handed in has ended.
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
    /// The name on the wire, by which SDKs know it. An error that only one of the services answers has one
    /// name.
    pub(super) fn name(self, api: Api) -> &'static str {
        let (cognito, others) = match self {
            Self::DeveloperUserAlreadyRegistered => one("DeveloperUserAlreadyRegisteredException"),
            Self::ExpiredCredentials => ("ExpiredTokenException", "ExpiredToken"),
            Self::ExpiredIdentityToken => one("ExpiredTokenException"),
            Self::IdpRejectedClaim => one("IDPRejectedClaim"),
            Self::IncompleteSignature => ("IncompleteSignatureException", "IncompleteSignature"),
            Self::InternalError => ("InternalErrorException", "InternalFailure"),
            Self::InvalidIdentityToken => one("InvalidIdentityToken"),
            Self::InvalidParameter => ("InvalidParameterException", "ValidationError"),
            Self::InvalidPoolConfiguration => one("InvalidIdentityPoolConfigurationException"),
            Self::InvalidSignature => ("InvalidSignatureException", "SignatureDoesNotMatch"),
            Self::MalformedPolicyDocument => one("MalformedPolicyDocument"),
            Self::MissingAuthenticationToken => {
                ("MissingAuthenticationTokenException", "MissingAuthenticationToken")
            }
            Self::NoSuchEntity => one("NoSuchEntity"),
            Self::NotAuthorized => ("NotAuthorizedException", "AccessDenied"),
            Self::RequestEntityTooLarge => one("RequestEntityTooLargeException"),
            Self::ResourceConflict => one("ResourceConflictException"),
            Self::ResourceNotFound => one("ResourceNotFoundException"),
            Self::Serialization => ("SerializationException", "MalformedInput"),
            Self::TooManyRequests => ("TooManyRequestsException", "Throttling"),
            Self::UnknownOperation => ("UnknownOperationException", "InvalidAction"),
            Self::UnrecognizedClient => ("UnrecognizedClientException", "InvalidClientTokenId"),
        };
        match api {
            Api::CognitoIdentity => cognito,
            Api::Iam | Api::Sts => others,
        }
    }

    /// The HTTP status it travels with. Cognito answers 400 to nearly everything, STS more as HTTP has it.
    pub(super) fn status(self, api: Api) -> u16 {
        match (self, api) {
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
                Api::Iam | Api::Sts,
            ) => 403,
            _ => 400,
        }
    }
}

fn one(name: &'static str) -> (&'static str, &'static str) {
    (name, name)
}

/// One refused call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", error_type.name(Api::CognitoIdentity))]
pub(super) struct ApiError {
    pub(super) error_type: ErrorType,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn new(error_type: ErrorType, message: impl Into<String>) -> Self {
        Self { error_type, message: message.into() }
    }

    pub(super) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new(ErrorType::InvalidParameter, message)
    }

    pub(super) fn not_authorized(message: impl Into<String>) -> Self {
        Self::new(ErrorType::NotAuthorized, message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorType::ResourceNotFound, message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorType::ResourceConflict, message)
    }

    pub(super) fn internal() -> Self {
        Self::new(ErrorType::InternalError, "An internal error occurred.")
    }
}

/// An operation's output as JSON, or why there is none.
pub(super) type OperationResult = Result<Vec<u8>, ApiError>;

/// The output of an operation that answers nothing: SDKs take an empty object for it.
#[derive(Serialize)]
pub(super) struct Empty {}

/// Writes an operation's output.
pub(super) fn answer(output: &impl Serialize) -> OperationResult {
    serde_json::to_vec(output).map_err(|_| ApiError::internal())
}

/// What a call is answered with.
pub(super) struct Response {
    pub(super) api: Api,
    /// The operation's name; for a call of none, anything.
    pub(super) operation: &'static str,
    pub(super) answer: OperationResult,
}

impl Response {
    pub(super) fn status(&self) -> u16 {
        self.answer.as_ref().map_or_else(|fault| fault.error_type.status(self.api), |_| 200)
    }

    /// The error's name on the wire, if it is one.
    pub(super) fn error_name(&self) -> Option<&'static str> {
        self.answer.as_ref().err().map(|fault| fault.error_type.name(self.api))
    }

    /// The body, in the service's own protocol.
    pub(super) fn into_body(self, request_id: &str) -> Vec<u8> {
        match (self.api, self.answer) {
            (Api::CognitoIdentity, Ok(output)) => output,
            (Api::CognitoIdentity, Err(fault)) => {
                let name = fault.error_type.name(self.api);
                serde_json::json!({"__type": name, "message": fault.message}).to_string().into_bytes()
            }
            (api, Ok(output)) => query::answer_document(api, self.operation, &output, request_id),
            (api, Err(fault)) => query::error_document(api, &fault, request_id),
        }
    }
}
