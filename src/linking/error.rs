//! Link errors. The `Display` text is for the log; no value of a request is repeated.

use crate::cognito_token_verifier::TokenVerificationError;
use crate::issuer::identity_registry::{RegistryError, RegistryErrorKind};
use crate::issuer::{ErrorClass, IssueError, IssueErrorKind};
use crate::metrics::labels::LinkOutcome;
use crate::vending::VendError;

/// Why a token is not accepted as a guest's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GuestTokenError {
    /// Not a valid token of this pool.
    #[error(transparent)]
    Verification(#[from] TokenVerificationError),
    /// A valid token of an authenticated user.
    #[error("its amr is not just unauthenticated")]
    NotGuest,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum LinkError {
    #[error("the pool links no public logins")]
    LoginsDisabled,
    #[error("the pool links no guests")]
    GuestsDisabled,
    #[error("a login is of a provider that may not be linked")]
    ProviderNotAllowed,
    #[error("the guest's token is not accepted: {0}")]
    InvalidGuestToken(#[from] GuestTokenError),
    #[error("the guest's identity has a login already")]
    GuestTaken,
    /// This link was rolled back.
    #[error("another user was linked to the same guest concurrently")]
    RolledBack,
    /// As [`Self::RolledBack`], but the rollback failed: two users share an identity now.
    #[error("another user was linked to the same guest concurrently, and the rollback failed")]
    RollbackFailed,
    #[error("the user's identity has just changed")]
    IdentityChanged,
    #[error("it is unknown whether the identity was linked")]
    OutcomeUnknown,
    /// No token was issued, or the call that links failed.
    #[error(transparent)]
    Vend(#[from] VendError),
    /// The identity could not be read.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<IssueError> for LinkError {
    fn from(error: IssueError) -> Self {
        Self::Vend(error.into())
    }
}

impl LinkError {
    pub fn outcome(&self) -> LinkOutcome {
        match self {
            Self::LoginsDisabled | Self::GuestsDisabled | Self::ProviderNotAllowed => LinkOutcome::NotAllowed,
            Self::InvalidGuestToken(GuestTokenError::Verification(TokenVerificationError::KeysUnavailable)) => {
                LinkOutcome::Failed
            }
            Self::InvalidGuestToken(_) => LinkOutcome::InvalidProof,
            Self::GuestTaken => LinkOutcome::Conflict,
            Self::RolledBack => LinkOutcome::RolledBack,
            Self::RollbackFailed => LinkOutcome::RollbackFailed,
            Self::IdentityChanged | Self::OutcomeUnknown | Self::Registry(_) => LinkOutcome::Failed,
            Self::Vend(VendError::Issue(error)) if error.kind == IssueErrorKind::LoginRejected => {
                LinkOutcome::InvalidProof
            }
            Self::Vend(VendError::Issue(error)) if error.kind.class() == ErrorClass::User => LinkOutcome::Conflict,
            Self::Vend(_) => LinkOutcome::Failed,
        }
    }

    /// Whether the operator must act.
    pub fn needs_operator(&self) -> bool {
        match self {
            Self::RollbackFailed | Self::OutcomeUnknown => true,
            Self::Registry(error) => {
                matches!(error.kind, RegistryErrorKind::Denied { .. } | RegistryErrorKind::Misconfigured)
            }
            Self::Vend(VendError::Issue(error)) => error.kind.class() == ErrorClass::Operator,
            _ => false,
        }
    }
}
