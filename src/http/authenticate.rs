//! Authentication, authorization and rate limits of a request. Every resource begins with [`AppState::authenticate`];
//! the body is read after it, because a client without a valid credential gets no body read.

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
    /// Authenticates the caller, by the request's headers and connection only.
    pub(super) async fn authenticate(&self, request: &HttpRequest) -> Result<Arc<Caller>, Problem> {
        let addresses = client_address::addresses(request);
        let client = addresses.map(|addresses| addresses.client);
        self.limits.check_failed_attempts(client)?;
        let certificate = peer_certificate(request);
        let auth_request = AuthRequest {
            headers: request.headers(),
            peer: addresses.map(|addresses| addresses.peer),
            certificate: certificate.as_deref(),
            is_from_allowed_page: self.is_from_allowed_page(request),
        };
        let caller = self.authenticator.authenticate(&auth_request).await;
        audit::record(request, |context| context.authenticated(&caller));
        if let Err(AuthError::Rejected(reason)) = &caller
            && reason.counts_as_failed_attempt()
        {
            self.limits.record_failed_attempt(client);
        }
        let caller = caller?;
        // Requests of a service count for the users that it acts as.
        if let Subject::User(user) = &caller.subject {
            self.limits.take_user(user)?;
        }
        Ok(caller)
    }

    /// Authenticates the caller, which must be a user: the action is irreversible or the user's alone.
    pub(super) async fn authenticate_user(&self, request: &HttpRequest) -> Result<Arc<Caller>, Problem> {
        let caller = self.authenticate(request).await?;
        match caller.subject {
            Subject::User(_) => Ok(caller),
            Subject::Service(_) => Err(Problem::new(
                ProblemType::UserCallerRequired,
                "only a user may call this; a service names its user in the body of POST or DELETE /v1/token",
            )),
        }
    }

    /// Authorizes the caller to get a token of the pool (or the default pool) for the user that the request names, or
    /// for itself.
    pub(super) fn authorize(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        user: Option<&str>,
        pool: Option<&str>,
    ) -> Result<TokenRequest, Problem> {
        let user = self.authorize_user(request, caller, user)?;
        let pool = self
            .pools
            .find(pool)
            .ok_or_else(|| Problem::new(ProblemType::UnknownPool, "the pool in the request is not configured"))?;
        audit::record(request, |context| context.pool = Some(pool.clone()));
        Ok(authorization::authorize(caller, &user, pool, &self.metrics)?)
    }

    /// Authorizes the caller to act as the user that the request names, or as itself.
    pub(super) fn authorize_user(
        &self,
        request: &HttpRequest,
        caller: &Caller,
        user: Option<&str>,
    ) -> Result<DeveloperUserId, Problem> {
        let user = authorization::authorize_user(caller, user, self.authenticator.user_ids(), &self.metrics)?;
        if let Subject::Service(_) = caller.subject {
            audit::record(request, |context| context.user = Some(user.clone()));
            self.limits.take_user(&user)?;
        }
        Ok(user)
    }

    /// Whether a page of an allowed origin sent the request, with a method that changes state. Every browser sends
    /// `Origin` with such a request; without it the answer is no.
    fn is_from_allowed_page(&self, request: &HttpRequest) -> bool {
        let mut origins = request.headers().get_all(header::ORIGIN);
        let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
        let is_allowed = self.settings.allowed_origins.iter().any(|one| one.as_bytes() == origin.as_bytes());
        is_allowed && matches!(*request.method(), Method::POST | Method::DELETE)
    }
}

impl HeaderView for HeaderMap {
    fn each_value<'h>(&'h self, name: &str, show: &mut dyn FnMut(&'h [u8])) {
        self.get_all(name).for_each(|value| show(value.as_bytes()));
    }

    fn each_name<'h>(&'h self, show: &mut dyn FnMut(&'h str)) {
        self.keys().for_each(|name| show(name.as_str()));
    }
}
