//! Rejection reasons of credentials: the text for the caller, and whether an attempt counts as failed.

pub use crate::metrics::labels::RejectionReason;

/// The caller gets only [`RejectionReason::detail`].
impl RejectionReason {
    /// The text for the caller.
    pub fn detail(self) -> &'static str {
        match self {
            Self::Missing => "send your app's own token: Authorization: Bearer TOKEN",
            Self::Malformed => "the credential is malformed, or there is more than one",
            Self::TokenType => "the credential is a token of another type than the accepted ones",
            Self::Algorithm => "the credential is signed with an algorithm that is not accepted",
            Self::UnknownKey => "the credential is signed with a key that is not known",
            Self::Signature => "the credential's signature is not valid",
            Self::Issuer => "the credential's issuer is not accepted",
            Self::Audience => "the credential is meant for another audience",
            Self::Expired => "the credential has expired",
            Self::NotYetValid => "the credential is not valid yet",
            Self::UserId => "the credential does not name a user in a form that is accepted",
            Self::Inactive => "the credential is not, or no longer, that of a signed-in user",
            Self::InsufficientScope => "the credential does not have the required scopes or claims",
            Self::CrossSite => "a cookie counts only in a POST or DELETE request with an allowed Origin",
            Self::UntrustedPeer => "headers that name a user are accepted only from the gateway",
        }
    }

    /// Whether the credential may be a guess, because no issuer is known to have issued it. A credential for another
    /// purpose or time does not count, nor does a missing one: valid clients send such requests too.
    pub fn counts_as_failed_attempt(self) -> bool {
        match self {
            Self::Malformed
            | Self::Algorithm
            | Self::UnknownKey
            | Self::Signature
            | Self::Issuer
            | Self::UntrustedPeer
            // Ended or forged: the app does not say which.
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
}
