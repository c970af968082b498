//! Builds a [`Caller`] from verified claims. The issuer, the required claims and the user id are handled alike for all
//! authenticators.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::act_as::ServiceCaller;
use super::caller::{Caller, Subject};
use super::rejection::RejectionReason;
use super::settings::AuthSettings;
use super::user_id::UserIdMapper;
use crate::claims::Claims;
use crate::vending::LastEntryHint;
use clock::Timestamp;

/// The caller builder of one authenticator.
#[derive(Debug)]
pub(super) struct CallerBuilder {
    authenticator: Arc<str>,
    issuer: Arc<str>,
    settings: AuthSettings,
    user_ids: Arc<UserIdMapper>,
    used_claims: Arc<BTreeSet<Box<str>>>,
}

impl CallerBuilder {
    /// `used_claims`: the claims that authorization uses. Callers keep no others.
    pub(super) fn new(
        settings: AuthSettings,
        user_ids: Arc<UserIdMapper>,
        used_claims: Arc<BTreeSet<Box<str>>>,
    ) -> Self {
        Self {
            authenticator: settings.name.as_str().into(),
            issuer: settings.issuer.as_str().into(),
            settings,
            user_ids,
            used_claims,
        }
    }

    /// The name of the authenticator.
    pub(super) fn name(&self) -> &str {
        &self.authenticator
    }

    pub(super) fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    /// The caller with these claims, which the authenticator has verified.
    pub(super) fn build(
        &self,
        claims: Map<String, Value>,
        expires_at: Option<Timestamp>,
    ) -> Result<Arc<Caller>, RejectionReason> {
        let claims = Claims::verified(claims);
        if !self.settings.require.are_met_by(&claims) {
            return Err(RejectionReason::InsufficientScope);
        }
        let act_as = self.settings.act_as.as_ref();
        let subject = match act_as.filter(|act_as| act_as.conditions.are_met_by(&claims)) {
            Some(act_as) => {
                let name = self.user_ids.render_user_id(&self.settings.user_id, &claims)?;
                Subject::Service(Box::new(ServiceCaller { name: name.into(), users: act_as.users.clone() }))
            }
            None => Subject::User(self.user_ids.developer_user_id(&self.settings.user_id, &claims)?),
        };
        Ok(self.caller(subject, claims.retain(&self.used_claims), expires_at))
    }

    /// The service of this name, without claims. Without `act_as` it may act as no user.
    pub(super) fn build_service(&self, name: Arc<str>) -> Arc<Caller> {
        let users = self.settings.act_as.as_ref().map(|act_as| act_as.users.clone());
        let service = ServiceCaller { name, users: users.unwrap_or_default() };
        self.caller(Subject::Service(Box::new(service)), Claims::default(), None)
    }

    fn caller(&self, subject: Subject, claims: Claims, expires_at: Option<Timestamp>) -> Arc<Caller> {
        Arc::new(Caller {
            subject,
            authenticator: self.authenticator.clone(),
            issuer: self.issuer.clone(),
            claims,
            expires_at,
            last_entry: LastEntryHint::default(),
        })
    }
}
