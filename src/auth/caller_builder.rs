//! What every way of authenticating ends in: verified claims become a [`Caller`]. Who vouches, what is demanded of
//! the claims, and what the user is called are the same questions for all of them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::act_as::Subject;
use super::{Caller, RejectionReason, UserIdMapper};
use crate::bookmark::LastEntryHint;
use crate::claims::Claims;
use crate::config::AuthSettings;
use clock::Timestamp;

/// One way's part in it.
#[derive(Debug)]
pub(super) struct CallerBuilder {
    way: Arc<str>,
    issuer: Arc<str>,
    settings: AuthSettings,
    users: Arc<UserIdMapper>,
    wanted: Arc<BTreeSet<Box<str>>>,
}

impl CallerBuilder {
    /// `wanted`: the claims that count beyond this point.
    pub(super) fn new(
        settings: AuthSettings,
        users: Arc<UserIdMapper>,
        wanted: Arc<BTreeSet<Box<str>>>,
    ) -> Self {
        Self {
            way: settings.name.as_str().into(),
            issuer: settings.issuer.as_str().into(),
            settings,
            users,
            wanted,
        }
    }

    /// The name of the way.
    pub(super) fn way(&self) -> &str {
        &self.way
    }

    /// What is configured for the way.
    pub(super) fn settings(&self) -> &AuthSettings {
        &self.settings
    }

    /// The caller with these claims, which the way has verified.
    pub(super) fn caller(
        &self,
        claims: Map<String, Value>,
        expires_at: Option<Timestamp>,
    ) -> Result<Caller, RejectionReason> {
        let claims = Claims::verified(claims);
        if !self.settings.require.are_met_by(&claims) {
            return Err(RejectionReason::InsufficientScope);
        }
        let on_behalf = self.settings.on_behalf.as_ref();
        let subject = match on_behalf.filter(|on_behalf| on_behalf.who.are_met_by(&claims)) {
            Some(on_behalf) => {
                let name = self.users.text_of_name(&self.settings.user_id, &claims)?;
                Subject::service(name.into(), on_behalf.users.clone())
            }
            None => Subject::User(self.users.named(&self.settings.user_id, &claims)?),
        };
        Ok(Caller {
            subject,
            authenticator: self.way.clone(),
            issuer: self.issuer.clone(),
            claims: claims.retain(&self.wanted),
            expires_at,
            bookmark: LastEntryHint::default(),
        })
    }

    /// The service of this name, of which the way knows nothing more. Without `on_behalf` it acts for nobody.
    pub(super) fn service(&self, name: Arc<str>) -> Caller {
        let users = self.settings.on_behalf.as_ref().map(|on_behalf| on_behalf.users.clone());
        Caller {
            subject: Subject::service(name, users.unwrap_or_default()),
            authenticator: self.way.clone(),
            issuer: self.issuer.clone(),
            claims: Claims::default(),
            expires_at: None,
            bookmark: LastEntryHint::default(),
        }
    }
}
