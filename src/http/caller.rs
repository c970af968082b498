//! How every resource that acts for a user begins: who calls, and which token that stands for.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

use super::problem::{Code, Problem};
use super::{Service, witness};
use crate::auth::Caller;
use crate::policy;
use crate::vending::TokenRequest;

impl Service {
    /// Who calls, by the credential in the request and nothing else.
    pub(super) async fn caller(&self, request: &HttpRequest) -> Result<Caller, Problem> {
        let headers = request.headers().get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
        let caller = self.authenticator.authenticate(headers).await;
        witness::note(request, |facts| facts.authenticated(&caller));
        Ok(caller?)
    }

    /// The request for the caller's token in the pool of that name, or in the default one.
    pub(super) fn token_request(
        &self,
        request: &HttpRequest,
        caller: Caller,
        pool: Option<&str>,
    ) -> Result<TokenRequest, Problem> {
        let pool = self.pools.find(pool).ok_or_else(|| {
            Problem::new(Code::UnknownPool, "the pool in the request is none of those configured here")
        })?;
        witness::note(request, |facts| facts.pool(pool));
        Ok(policy::grant(caller, pool, &self.metrics)?)
    }
}
