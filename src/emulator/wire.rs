//! The wire protocol's answers: JSON 1.1 as Cognito speaks it.
//!
//! An error is HTTP 400 (500 for `InternalErrorException`) with `{"__type", "message"}`, and its name again in
//! the header `x-amzn-ErrorType`. SDKs read either, so both are always sent.

use serde::Serialize;

/// The errors that the emulator answers, by the names that SDKs know them by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorType {
    DeveloperUserAlreadyRegistered,
    IncompleteSignature,
    InternalError,
    InvalidParameter,
    InvalidSignature,
    MissingAuthenticationToken,
    NotAuthorized,
    RequestEntityTooLarge,
    ResourceConflict,
    ResourceNotFound,
    Serialization,
    TooManyRequests,
    UnknownOperation,
    UnrecognizedClient,
}

impl ErrorType {
    /// The name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DeveloperUserAlreadyRegistered => "DeveloperUserAlreadyRegisteredException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::InternalError => "InternalErrorException",
            Self::InvalidParameter => "InvalidParameterException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::NotAuthorized => "NotAuthorizedException",
            Self::RequestEntityTooLarge => "RequestEntityTooLargeException",
            Self::ResourceConflict => "ResourceConflictException",
            Self::ResourceNotFound => "ResourceNotFoundException",
            Self::Serialization => "SerializationException",
            Self::TooManyRequests => "TooManyRequestsException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
        }
    }

    /// The HTTP status it travels with.
    pub(super) fn status(self) -> u16 {
        match self {
            Self::InternalError => 500,
            Self::RequestEntityTooLarge => 413,
            _ => 400,
        }
    }
}

/// One refused call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", error_type.name())]
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

    /// The body that carries it.
    pub(super) fn body(&self) -> Vec<u8> {
        serde_json::json!({"__type": self.error_type.name(), "message": self.message})
            .to_string()
            .into_bytes()
    }
}

/// The body of a call that went well, or why it did not.
pub(super) type Answer = Result<Vec<u8>, ApiError>;

/// The output of an operation that answers nothing: SDKs take an empty object for it.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// Writes an operation's output.
pub(super) fn answer(output: &impl Serialize) -> Answer {
    serde_json::to_vec(output).map_err(|_| ApiError::internal())
}
