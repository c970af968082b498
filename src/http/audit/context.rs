//! Audit context of a request: what its audit event will contain. Resources fill it through [`record`], which does
//! nothing if the request is not audited.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest};

use crate::auth::{AuthError, Caller, Subject};
use crate::metrics::labels::{AdminAuthOutcome, CacheStatus, Label as _};
use crate::pools::Pool;
use crate::vending::cache_entry::CacheEntry;
use crate::vending::cache_entry::CachedValue as _;
use crate::vending::cached_credentials::CachedCredentials;
use crate::vending::cached_token::CachedToken;
use crate::vending::{VendedCredentials, VendedToken};
use cognito_types::{DeveloperUserId, IdentityId};

/// Audit context of a request, kept in its extensions.
#[derive(Debug, Default)]
pub(crate) struct AuditContext {
    pub(super) request_id: Box<str>,
    pub(super) authenticator: Option<Arc<str>>,
    pub(super) issuer: Option<Arc<str>>,
    pub(super) reason: Option<&'static str>,
    pub(super) service: Option<Arc<str>>,
    pub(crate) pool: Option<Arc<Pool>>,
    /// The user of the action.
    pub(crate) user: Option<DeveloperUserId>,
    /// The user into whom the user of the action is merged.
    pub(crate) target_user: Option<DeveloperUserId>,
    /// The identity of the action.
    pub(crate) identity: Option<IdentityId>,
    /// The identity that remains after a merge.
    pub(crate) target_identity: Option<IdentityId>,
    /// All identities of an action on several.
    pub(crate) identities: Vec<IdentityId>,
    /// Those of `identities` for which the action failed.
    pub(crate) failed_identities: Vec<IdentityId>,
    /// What is to be linked, by names of the configuration and never of the request.
    pub(crate) links: Vec<Box<str>>,
    pub(super) token: Option<(Arc<CacheEntry<CachedToken>>, CacheStatus)>,
    pub(super) credentials: Option<(Arc<CacheEntry<CachedCredentials>>, CacheStatus)>,
}

impl AuditContext {
    pub(super) fn new(request_id: &str) -> Self {
        Self { request_id: request_id.into(), ..Self::default() }
    }

    /// The caller and its authenticator, or the reason of the rejection.
    pub(crate) fn authenticated(&mut self, outcome: &Result<Arc<Caller>, AuthError>) {
        match outcome {
            Ok(caller) => {
                match &caller.subject {
                    Subject::User(user) => self.user = Some(user.clone()),
                    Subject::Service(service) => self.service = Some(service.name.clone()),
                }
                self.authenticator = Some(caller.authenticator.clone());
                self.issuer = Some(caller.issuer.clone());
            }
            Err(AuthError::Rejected(reason)) => self.reason = Some(reason.text()),
            Err(AuthError::Unavailable) => self.reason = Some("unavailable"),
        }
    }

    /// The outcome of the authentication with the admin credential.
    pub(crate) fn administrator(&mut self, outcome: AdminAuthOutcome) {
        match outcome {
            AdminAuthOutcome::Verified => self.authenticator = Some("admin".into()),
            AdminAuthOutcome::Missing | AdminAuthOutcome::Wrong => self.reason = Some(outcome.text()),
        }
    }

    /// The vended token.
    pub(crate) fn token(&mut self, vended: &VendedToken) {
        self.token = Some((vended.entry.clone(), vended.source));
    }

    /// The vended AWS credentials.
    pub(crate) fn credentials(&mut self, vended: &VendedCredentials) {
        self.credentials = Some((vended.entry.clone(), vended.source));
    }

    /// How the vended token or credentials were served.
    pub(super) fn cache_status(&self) -> Option<CacheStatus> {
        let token = self.token.as_ref().map(|(_, cache)| *cache);
        token.or_else(|| self.credentials.as_ref().map(|(_, cache)| *cache))
    }

    /// The identity of the vended token or credentials.
    pub(super) fn vended_identity(&self) -> Option<&str> {
        let token = self.token.as_ref().map(|(token, _)| token.value().identity());
        token.or_else(|| self.credentials.as_ref().map(|(credentials, _)| credentials.value().identity()))
    }
}

/// Adds to the audit context of a request, if it has one.
pub(crate) fn record(request: &HttpRequest, fill: impl FnOnce(&mut AuditContext)) {
    if let Some(context) = request.extensions_mut().get_mut::<AuditContext>() {
        fill(context);
    }
}

/// The id of an audited request, for the log of identity administration.
pub(crate) fn request_id(request: &HttpRequest) -> Option<Box<str>> {
    Some(request.extensions().get::<AuditContext>()?.request_id.clone())
}
