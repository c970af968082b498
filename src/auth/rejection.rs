//! Rejection reasons of credentials: how they are counted, and the short text for the caller.

use crate::metrics::labels::AuthOutcome;

/// Why a credential was rejected. The caller gets only [`RejectionReason::detail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RejectionReason {
    /// There is none.
    Missing,
    /// It does not have the required form, or there are several.
    Malformed,
    /// Its `typ` is that of another kind of token.
    TokenType,
    /// Its signature algorithm is not allowed.
    Algorithm,
    /// It names a key that the app does not publish.
    UnknownKey,
    /// Its signature is invalid.
    Signature,
    /// Its issuer is not configured.
    Issuer,
    /// It is for another audience.
    Audience,
    Expired,
    NotYetValid,
    /// A claim of the user id is missing or invalid.
    UserId,
    /// According to the app, it is not, or no longer, that of a signed-in user.
    Inactive,
    /// It does not have the required scopes or claims.
    InsufficientScope,
    /// It is a cookie, and no page of an allowed origin is known to have sent the request.
    CrossSite,
    /// It is a gateway's header, and the peer is not the gateway.
    UntrustedPeer,
}

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

    /// Its label in the metrics.
    pub fn outcome(self) -> AuthOutcome {
        match self {
            Self::Missing => AuthOutcome::Missing,
            Self::Malformed => AuthOutcome::Malformed,
            Self::TokenType => AuthOutcome::TokenType,
            Self::Algorithm => AuthOutcome::Algorithm,
            Self::UnknownKey => AuthOutcome::UnknownKey,
            Self::Signature => AuthOutcome::Signature,
            Self::Issuer => AuthOutcome::Issuer,
            Self::Audience => AuthOutcome::Audience,
            Self::Expired => AuthOutcome::Expired,
            Self::NotYetValid => AuthOutcome::NotYetValid,
            Self::UserId => AuthOutcome::UserId,
            Self::Inactive => AuthOutcome::Inactive,
            Self::InsufficientScope => AuthOutcome::InsufficientScope,
            Self::CrossSite => AuthOutcome::CrossSite,
            Self::UntrustedPeer => AuthOutcome::UntrustedPeer,
        }
    }
}
