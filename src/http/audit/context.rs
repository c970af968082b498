//! What became known of a request while it was answered. Resources put it into the request; where nobody keeps
//! it there is nothing to put it into, and it costs nothing.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest};

use crate::auth::{AuthError, Caller, Subject};
use crate::metrics::labels::{AdminAuth, Label as _, Source};
use crate::pools::Pool;
use crate::vending::cache_entry::CachedValue as _;
use crate::vending::credentials_loader::CachedCredentials;
use crate::vending::token_response::CachedToken;
use crate::vending::{VendedCredentials, VendedToken};
use cognito_types::{DeveloperUserId, IdentityId};

/// What became known of a request.
#[derive(Debug)]
pub(crate) struct AuditContext {
    pub(super) request_id: Box<str>,
    pub(super) way: Option<Arc<str>>,
    pub(super) issuer: Option<Arc<str>>,
    pub(super) reason: Option<&'static str>,
    pub(super) service: Option<Arc<str>>,
    pub(super) user: Option<DeveloperUserId>,
    pub(super) pool: Option<Arc<Pool>>,
    pub(super) vended: Option<(Arc<CachedToken>, Source)>,
    pub(super) credentials: Option<(Arc<CachedCredentials>, Source)>,
    pub(super) identity: Option<IdentityId>,
    pub(super) identities: Vec<IdentityId>,
    pub(super) undeleted: Vec<IdentityId>,
    pub(super) into_user: Option<DeveloperUserId>,
    pub(super) into_identity: Option<IdentityId>,
    pub(super) links: Vec<Box<str>>,
}

impl AuditContext {
    pub(super) fn of(request_id: &str) -> Self {
        Self {
            request_id: request_id.into(),
            way: None,
            issuer: None,
            reason: None,
            service: None,
            user: None,
            pool: None,
            vended: None,
            credentials: None,
            identity: None,
            identities: Vec::new(),
            undeleted: Vec::new(),
            into_user: None,
            into_identity: None,
            links: Vec::new(),
        }
    }

    /// Who calls and who vouches for that, or why nobody does.
    pub(crate) fn authenticated(&mut self, outcome: &Result<Arc<Caller>, AuthError>) {
        match outcome {
            Ok(caller) => {
                match &caller.subject {
                    Subject::User(user) => self.user = Some(user.clone()),
                    Subject::Service(service) => self.service = Some(service.name.clone()),
                }
                self.way = Some(caller.authenticator.clone());
                self.issuer = Some(caller.issuer.clone());
            }
            Err(error) => self.reason = Some(error.outcome().text()),
        }
    }

    /// An administrator asks, or somebody who would be one.
    pub(crate) fn administrator(&mut self, outcome: AdminAuth) {
        match outcome {
            AdminAuth::Verified => self.way = Some("admin".into()),
            AdminAuth::Missing | AdminAuth::Wrong => self.reason = Some(outcome.text()),
        }
    }

    pub(crate) fn pool(&mut self, pool: &Arc<Pool>) {
        self.pool = Some(pool.clone());
    }

    /// The user whom it is about.
    pub(crate) fn user(&mut self, user: &DeveloperUserId) {
        self.user = Some(user.clone());
    }

    /// The user to whom everything of [`Facts::user`] goes.
    pub(crate) fn other_user(&mut self, user: &DeveloperUserId) {
        self.into_user = Some(user.clone());
    }

    /// The identity that it is about.
    pub(crate) fn identity(&mut self, identity: &IdentityId) {
        self.identity = Some(identity.clone());
    }

    /// The identity that stays when two become one.
    pub(crate) fn remaining_identity(&mut self, identity: &IdentityId) {
        self.into_identity = Some(identity.clone());
    }

    /// All identities that it is about.
    pub(crate) fn identities(&mut self, identities: &[IdentityId]) {
        self.identities = identities.to_vec();
    }

    /// Those of them that were not deleted.
    pub(crate) fn undeleted(&mut self, identities: impl IntoIterator<Item = IdentityId>) {
        self.undeleted = identities.into_iter().collect();
    }

    /// What is to be linked: names of the configuration's, never the request's.
    pub(crate) fn links<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        self.links = names.into_iter().map(Box::from).collect();
    }

    /// The token of the answer.
    pub(crate) fn vended(&mut self, vended: &VendedToken) {
        self.vended = Some((vended.token.clone(), vended.source));
    }

    /// The credentials of the answer.
    pub(crate) fn vended_credentials(&mut self, vended: &VendedCredentials) {
        self.credentials = Some((vended.credentials.clone(), vended.source));
    }

    /// Where what the answer hands out came from.
    pub(super) fn source(&self) -> Option<Source> {
        let token = self.vended.as_ref().map(|(_, source)| *source);
        token.or_else(|| self.credentials.as_ref().map(|(_, source)| *source))
    }

    /// Whose it is.
    pub(super) fn vended_identity(&self) -> Option<&str> {
        let token = self.vended.as_ref().map(|(token, _)| token.answer().identity());
        token.or_else(|| self.credentials.as_ref().map(|(given, _)| given.answer().identity()))
    }
}

/// Notes what became known of a request, if anybody keeps it.
pub(crate) fn note(request: &HttpRequest, fill: impl FnOnce(&mut AuditContext)) {
    if let Some(facts) = request.extensions_mut().get_mut::<AuditContext>() {
        fill(facts);
    }
}

/// The id of an administrator's request, for the log.
pub(crate) fn request_id(request: &HttpRequest) -> Option<Box<str>> {
    Some(request.extensions().get::<AuditContext>()?.request_id.clone())
}
