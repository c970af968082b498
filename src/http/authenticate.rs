//! How every resource that acts for a user begins: who calls, and which token that stands for.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};

use super::problem::{Problem, ProblemType};
use super::socket::peer_certificate;
use super::{AppState, audit, client_address};
use crate::auth::{AuthError, AuthRequest, Caller, HeaderView, Subject};
use crate::authorization;
use crate::vending::TokenRequest;
use cognito_types::DeveloperUserId;

impl AppState {
    /// Who calls, by what the request presents and nothing else.
    pub(super) async fn caller(&self, request: &HttpRequest) -> Result<Arc<Caller>, Problem> {
        let addresses = client_address::of(request);
        let client = addresses.map(|addresses| addresses.client);
        self.limits.may_try(client)?;
        let shown = Shown(request.headers());
        let certificate = peer_certificate(request);
        let presented = AuthRequest {
            headers: &shown,
            peer: addresses.map(|addresses| addresses.peer),
            certificate: certificate.as_deref(),
            is_from_allowed_page: self.is_from_allowed_page(request),
        };
        let caller = self.authenticator.authenticate(&presented).await;
        audit::note(request, |facts| facts.authenticated(&caller));
        if let Err(AuthError::Rejected(refusal)) = &caller
            && refusal.counts_as_failed_attempt()
        {
            self.limits.failed(client);
        }
        let caller = caller?;
        // Of a service, those for whom it acts are counted.
        if let Subject::User(user) = &caller.subject {
            self.limits.user(user)?;
        }
        Ok(caller)
    }

    /// Who calls, where only users may: what is for good, or is the user's alone.
    pub(super) async fn user(
        &self,
        request: &HttpRequest,
    ) -> Result<(Arc<Caller>, DeveloperUserId), Problem> {
        let caller = self.caller(request).await?;
        match caller.subject.clone() {
            Subject::User(user) => Ok((caller, user)),
            Subject::Service(_) => Err(Problem::new(
                ProblemType::NotForServices,
                "this is for users themselves; a service names its user in the body of POST or DELETE /v1/token",
            )),
        }
    }

    /// For whom a request is, which names this user, or none.
    pub(super) fn acts_for(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        named: Option<&str>,
    ) -> Result<DeveloperUserId, Problem> {
        let user =
            authorization::authorize_user(caller, named, self.authenticator.user_ids(), &self.metrics)?;
        if let Subject::Service(_) = caller.subject {
            audit::note(request, |facts| facts.user(&user));
            self.limits.user(&user)?;
        }
        Ok(user)
    }

    /// Whether a page of an allowed origin sent this, with a method that changes things. Every browser says where
    /// such a request comes from; one that does not say counts for nothing.
    fn is_from_allowed_page(&self, request: &HttpRequest) -> bool {
        let mut origins = request.headers().get_all(header::ORIGIN);
        let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
        let is_allowed = self.settings.allowed_origins.iter().any(|one| one.as_bytes() == origin.as_bytes());
        is_allowed && matches!(*request.method(), Method::POST | Method::DELETE)
    }

    /// The request for a token of the user, for whom the caller acts, in the pool of that name, or in the default one.
    pub(super) fn token_request(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        user: &DeveloperUserId,
        pool: Option<&str>,
    ) -> Result<TokenRequest, Problem> {
        let pool = self.pools.find(pool).ok_or_else(|| {
            Problem::new(ProblemType::UnknownPool, "the pool in the request is none of those configured here")
        })?;
        audit::note(request, |facts| facts.pool(pool));
        Ok(authorization::authorize(caller, user, pool, &self.metrics)?)
    }
}

/// The server's headers, as authentication looks at them.
struct Shown<'r>(&'r HeaderMap);

impl HeaderView for Shown<'_> {
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8])) {
        self.0.get_all(name).for_each(|value| show(value.as_bytes()));
    }

    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str)) {
        self.0.keys().for_each(|name| show(name.as_str()));
    }
}
