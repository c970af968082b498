//! Why something is not linked. The `Display` text is for the log: neither it nor anything here repeats a value.

use crate::cognito_token_verifier::TokenVerificationError;
use crate::issuer::registry::{RegistryError, RegistryErrorKind};
use crate::issuer::{IssueError, IssueErrorKind};
use crate::metrics::labels::LinkOutcome;
use crate::vending::VendError;

/// Why a token that was handed in makes nobody a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum GuestTokenError {
    /// It is not a valid token of this pool.
    #[error(transparent)]
    Unproven(#[from] TokenVerificationError),
    /// It is, but its holder was signed in when it was minted.
    #[error("its amr is not just unauthenticated")]
    SignedIn,
}

/// Why something is not linked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LinkError {
    /// The pool links no public logins.
    #[error("the pool links no public logins")]
    LoginsDisabled,
    /// The pool links no guests.
    #[error("the pool links no guests")]
    GuestsDisabled,
    /// A login is of a provider that is not on the pool's list.
    #[error("a login is of a provider that may not be linked")]
    ProviderNotAllowed,
    /// The token that was handed in is no guest's.
    #[error("the guest's token is not accepted: {0}")]
    NoGuest(#[from] GuestTokenError),
    /// The guest's identity belongs to somebody already.
    #[error("the guest's identity has a login already")]
    GuestTaken,
    /// Somebody else was linked to the same guest at the same moment, and ours was taken back.
    #[error("somebody else was linked to the same guest at the same moment")]
    Undone,
    /// As before, but it could not be taken back: two users share an identity now.
    #[error("somebody else was linked to the same guest at the same moment, and ours cannot be taken back")]
    Shared,
    /// The user's identity is another one than a moment ago.
    #[error("the user's identity has just changed")]
    Moved,
    /// It was linked, or not, and nobody could be asked which.
    #[error("what became of it cannot be told")]
    Unconfirmed,
    /// No token was to be had, or the call that links did not do it.
    #[error(transparent)]
    Vend(#[from] VendError),
    /// The identity could not be looked at.
    #[error(transparent)]
    Registry(#[from] RegistryError),
}

impl From<IssueError> for LinkError {
    fn from(error: IssueError) -> Self {
        Self::Vend(error.into())
    }
}

impl LinkError {
    /// What it counts as.
    pub fn outcome(&self) -> LinkOutcome {
        match self {
            Self::LoginsDisabled | Self::GuestsDisabled | Self::ProviderNotAllowed => LinkOutcome::NotAllowed,
            Self::NoGuest(GuestTokenError::Unproven(TokenVerificationError::KeysUnavailable)) => {
                LinkOutcome::Failed
            }
            Self::NoGuest(_) => LinkOutcome::InvalidProof,
            Self::GuestTaken => LinkOutcome::Conflict,
            Self::Undone => LinkOutcome::RolledBack,
            Self::Shared => LinkOutcome::RollbackFailed,
            Self::Moved | Self::Unconfirmed | Self::Registry(_) => LinkOutcome::Failed,
            Self::Vend(VendError::Issue(error)) => match error.kind {
                IssueErrorKind::LoginRefused => LinkOutcome::InvalidProof,
                IssueErrorKind::AlreadyRegistered
                | IssueErrorKind::LoginTaken
                | IssueErrorKind::UnknownIdentity => LinkOutcome::Conflict,
                _ => LinkOutcome::Failed,
            },
            Self::Vend(_) => LinkOutcome::Failed,
        }
    }

    /// Whether the operator has to do something about it.
    pub fn is_ours(&self) -> bool {
        match self {
            Self::Shared | Self::Unconfirmed => true,
            Self::Registry(error) => {
                matches!(error.kind, RegistryErrorKind::Denied { .. } | RegistryErrorKind::Misconfigured)
            }
            Self::Vend(VendError::Issue(error)) => matches!(
                error.kind,
                IssueErrorKind::Misconfigured | IssueErrorKind::Unacceptable | IssueErrorKind::Mismatched
            ),
            _ => false,
        }
    }
}
