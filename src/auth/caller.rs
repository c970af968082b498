//! The result of authentication: a verified caller, or why an authenticator declined.

use std::sync::Arc;

use jose::VerifyError;

use super::act_as::{ActAsError, ServiceCaller};
use super::rejection::RejectionReason;
use super::user_id::UserIdMapper;
use crate::claims::Claims;
use crate::vending::LastEntryHint;
use clock::Timestamp;
use cognito_types::DeveloperUserId;

/// A caller whose credential was verified. Only authenticators create it.
#[derive(Debug, Clone)]
pub struct Caller {
    pub subject: Subject,
    /// The name of the authenticator that verified the caller.
    pub authenticator: Arc<str>,
    /// The issuer of the user.
    pub issuer: Arc<str>,
    /// The verified claims that authorization uses.
    pub claims: Claims,
    /// When the credential ends, if it says so.
    pub expires_at: Option<Timestamp>,
    /// Vending's hint, for as long as the caller is cached.
    pub last_entry: LastEntryHint,
}

/// Whose tokens a caller may request.
#[derive(Debug, Clone)]
pub enum Subject {
    /// Its own: the caller is this user.
    User(DeveloperUserId),
    /// Those of users whom it names. Boxed, because most callers are users, and up to a million are cached.
    Service(Box<ServiceCaller>),
}

impl Caller {
    /// The user of a request that names the user `requested`, or none.
    ///
    /// # Errors
    /// A user names one, or a service names none that it may act as.
    pub fn resolve_user(
        &self,
        requested: Option<&str>,
        user_ids: &UserIdMapper,
    ) -> Result<DeveloperUserId, ActAsError> {
        match (&self.subject, requested) {
            (Subject::User(user), None) => Ok(user.clone()),
            (Subject::User(_), Some(_)) => Err(ActAsError::NotAService),
            (Subject::Service(_), None) => Err(ActAsError::UserMissing),
            (Subject::Service(service), Some(requested)) => service.act_as(requested, user_ids),
        }
    }
}

/// Why an authenticator has no caller for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Declined {
    /// The request has no credential of its kind that counts, or none of its issuer. The next authenticator is tried.
    NotApplicable(RejectionReason),
    /// The credential is invalid.
    Rejected(RejectionReason),
    /// The credential cannot be verified now, because the keys or the endpoint are not available.
    Unavailable,
}

impl Declined {
    /// For a credential that could not be read. A cookie that a page of another origin may have caused to be sent
    /// is not applicable: it must not hide a credential that the client itself put into the same request.
    pub(super) fn from_unread(reason: RejectionReason) -> Self {
        if reason == RejectionReason::CrossSite { Self::NotApplicable(reason) } else { Self::Rejected(reason) }
    }
}

impl From<RejectionReason> for Declined {
    fn from(reason: RejectionReason) -> Self {
        Self::Rejected(reason)
    }
}

impl From<VerifyError> for Declined {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Algorithm => Self::Rejected(RejectionReason::Algorithm),
            VerifyError::UnknownKey => Self::Rejected(RejectionReason::UnknownKey),
            VerifyError::Signature => Self::Rejected(RejectionReason::Signature),
            VerifyError::KeysUnavailable => Self::Unavailable,
        }
    }
}
