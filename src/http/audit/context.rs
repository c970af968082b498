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
    pub(super) user: Option<DeveloperUserId>,
    pub(super) pool: Option<Arc<Pool>>,
    pub(super) token: Option<(Arc<CacheEntry<CachedToken>>, CacheStatus)>,
    pub(super) credentials: Option<(Arc<CacheEntry<CachedCredentials>>, CacheStatus)>,
    pub(super) identity: Option<IdentityId>,
    pub(super) identities: Vec<IdentityId>,
    pub(super) failed_identities: Vec<IdentityId>,
    pub(super) target_user: Option<DeveloperUserId>,
    pub(super) target_identity: Option<IdentityId>,
    pub(super) links: Vec<Box<str>>,
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
            Err(error) => self.reason = Some(error.outcome().text()),
        }
    }

    /// The outcome of the authentication with the admin credential.
    pub(crate) fn administrator(&mut self, outcome: AdminAuthOutcome) {
        match outcome {
            AdminAuthOutcome::Verified => self.authenticator = Some("admin".into()),
            AdminAuthOutcome::Missing | AdminAuthOutcome::Wrong => self.reason = Some(outcome.text()),
        }
    }

    pub(crate) fn pool(&mut self, pool: &Arc<Pool>) {
        self.pool = Some(pool.clone());
    }

    /// The user of the action.
    pub(crate) fn user(&mut self, user: &DeveloperUserId) {
        self.user = Some(user.clone());
    }

    /// The user into whom the user of the action is merged.
    pub(crate) fn target_user(&mut self, user: &DeveloperUserId) {
        self.target_user = Some(user.clone());
    }

    /// The identity of the action.
    pub(crate) fn identity(&mut self, identity: &IdentityId) {
        self.identity = Some(identity.clone());
    }

    /// The identity that remains after a merge.
    pub(crate) fn target_identity(&mut self, identity: &IdentityId) {
        self.target_identity = Some(identity.clone());
    }

    /// All identities of an action on several.
    pub(crate) fn identities(&mut self, identities: &[IdentityId]) {
        self.identities = identities.to_vec();
    }

    /// Those of [`AuditContext::identities`] for which the action failed.
    pub(crate) fn failed_identities(&mut self, identities: impl IntoIterator<Item = IdentityId>) {
        self.failed_identities = identities.into_iter().collect();
    }

    /// What is to be linked, by names of the configuration and never of the request.
    pub(crate) fn links<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.links = names.into_iter().map(Box::from).collect();
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
