//! Why a credential was refused: what is counted, and the little that a caller is told.

use crate::metrics::labels::AuthOutcome;

/// Why a credential was refused. The caller learns no more than [`Refusal::detail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionReason {
    /// There was none.
    Missing,
    /// It is not of the form that it must have, or there was more than one.
    Malformed,
    /// It says that it is a token of another kind.
    TokenType,
    /// Its signing algorithm is not allowed.
    Algorithm,
    /// It names a key that the app does not publish.
    UnknownKey,
    /// Its signature does not fit.
    Signature,
    /// It comes from an issuer that is not configured.
    Issuer,
    /// It is meant for somebody else.
    Audience,
    /// It has ended.
    Expired,
    /// It does not count yet.
    NotYetValid,
    /// The claim that names the user is missing or unfit.
    UserId,
    /// The app says that it is not, or no longer, anybody's.
    Inactive,
    /// It does not have the scopes or claims that are demanded of it.
    InsufficientScope,
    /// It is a cookie, in a request that no page of an allowed origin is known to have sent.
    CrossSite,
    /// It is a gateway's header, and whoever sends it is not the gateway.
    UntrustedPeer,
}

impl RejectionReason {
    /// What the caller is told.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Missing => "send your app's own token: Authorization: Bearer TOKEN",
            Self::Malformed => "the credential is malformed, or there is more than one",
            Self::TokenType => "the credential is a token of another kind than is accepted here",
            Self::Algorithm => "the credential is signed with an algorithm that is not accepted",
            Self::UnknownKey => "the credential is signed with a key that is not known",
            Self::Signature => "the credential's signature is not valid",
            Self::Issuer => "the credential's issuer is not accepted",
            Self::Audience => "the credential is meant for another audience",
            Self::Expired => "the credential has expired",
            Self::NotYetValid => "the credential is not valid yet",
            Self::UserId => "the credential does not name a user in a form that is accepted",
            Self::Inactive => "the credential is not, or no longer, that of a signed-in user",
            Self::InsufficientScope => {
                "the credential does not have the scopes or claims that are demanded of it"
            }
            Self::CrossSite => "a cookie counts only in a POST or DELETE with an Origin that is allowed here",
            Self::UntrustedPeer => "headers that name a user are accepted from the gateway alone",
        }
    }

    /// Whether nobody has vouched for the credential. Not so where it was good for something else or at another time:
    /// with such, and with none, honest clients come too, and they are not counted as guesses.
    pub fn counts_as_failed_attempt(self) -> bool {
        match self {
            Self::Malformed
            | Self::Algorithm
            | Self::UnknownKey
            | Self::Signature
            | Self::Issuer
            | Self::UntrustedPeer
            // Ended, or made up: the app does not say which.
            | Self::Inactive => true,
            Self::Missing
            | Self::TokenType
            | Self::Audience
            | Self::Expired
            | Self::NotYetValid
            | Self::UserId
            | Self::InsufficientScope
            | Self::CrossSite => false,
        }
    }

    /// How it is counted.
    pub fn outcome(self) -> AuthOutcome {
        match self {
            Self::Missing => AuthOutcome::Missing,
            Self::Malformed => AuthOutcome::Malformed,
            Self::TokenType => AuthOutcome::Kind,
            Self::Algorithm => AuthOutcome::Algorithm,
            Self::UnknownKey => AuthOutcome::UnknownKey,
            Self::Signature => AuthOutcome::Signature,
            Self::Issuer => AuthOutcome::Issuer,
            Self::Audience => AuthOutcome::Audience,
            Self::Expired => AuthOutcome::Expired,
            Self::NotYetValid => AuthOutcome::NotYetValid,
            Self::UserId => AuthOutcome::User,
            Self::Inactive => AuthOutcome::Inactive,
            Self::InsufficientScope => AuthOutcome::Insufficient,
            Self::CrossSite => AuthOutcome::CrossSite,
            Self::UntrustedPeer => AuthOutcome::NotTheGateway,
        }
    }
}
