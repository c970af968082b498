//! What the audit trail is told of a request, and the one place where it is told: after the answer is made and
//! before it leaves. Resources put what they learn into the request ([`Facts`]); where no audit is kept there
//! is nothing to put it into, and it costs nothing.

use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest};

use super::problem::Code;
use crate::audit::event::{Act, Event, Outcome, Tags, TokenFacts};
use crate::audit::{AuditTrail, TagDetail, Unrecorded};
use crate::auth::{AuthError, Caller};
use crate::clock::Timestamp;
use crate::identity::DeveloperUserId;
use crate::metrics::labels::{Label as _, Route, Source};
use crate::pools::Pool;
use crate::vending::Vended;
use crate::vending::minted::MintedToken;

/// What became known of a request while it was answered.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    way: Option<Arc<str>>,
    issuer: Option<Arc<str>>,
    reason: Option<&'static str>,
    user: Option<DeveloperUserId>,
    pool: Option<Arc<Pool>>,
    vended: Option<(Arc<MintedToken>, Source)>,
}

impl Facts {
    /// Who calls and who vouches for that, or why nobody does.
    pub(crate) fn authenticated(&mut self, outcome: &Result<Arc<Caller>, AuthError>) {
        match outcome {
            Ok(caller) => {
                self.user = Some(caller.user.clone());
                self.way = Some(caller.way.clone());
                self.issuer = Some(caller.issuer.clone());
            }
            Err(error) => self.reason = Some(error.outcome().text()),
        }
    }

    pub(crate) fn pool(&mut self, pool: &Arc<Pool>) {
        self.pool = Some(pool.clone());
    }

    /// The token of the answer.
    pub(crate) fn vended(&mut self, vended: &Vended) {
        self.vended = Some((vended.token.clone(), vended.source));
    }
}

/// Notes what became known of a request, if anybody keeps it.
pub(crate) fn note(request: &HttpRequest, fill: impl FnOnce(&mut Facts)) {
    if let Some(facts) = request.extensions_mut().get_mut::<Facts>() {
        fill(facts);
    }
}

/// What this request asks for, if the trail is told of such.
pub(super) fn act(trail: &AuditTrail, request: &ServiceRequest, route: Route) -> Option<Act> {
    if !trail.is_on() {
        return None;
    }
    let act = match (route, request.method()) {
        // A browser's question whether it may call.
        (_, &Method::OPTIONS) => return None,
        (Route::Token, &Method::DELETE) => Act::Forget,
        (Route::Token, _) => Act::Vend,
        (Route::OpenApi | Route::Live | Route::Ready | Route::Metrics | Route::Other, _) => return None,
    };
    request.extensions_mut().insert(Facts::default());
    Some(act)
}

/// The end of a request, as the trail is told it.
#[derive(Debug, Clone, Copy)]
pub(super) struct End<'a> {
    pub(super) act: Act,
    pub(super) at: Timestamp,
    pub(super) took: Duration,
    pub(super) request_id: &'a str,
}

/// Tells the trail how a request ended.
///
/// # Errors
/// The event has to be written and was not: the answer must not leave.
pub(super) async fn tell<B>(
    trail: &AuditTrail,
    response: &ServiceResponse<B>,
    end: End<'_>,
) -> Result<(), Unrecorded> {
    let facts = response.request().extensions_mut().remove::<Facts>().unwrap_or_default();
    let is_hit = facts.vended.as_ref().is_some_and(|(_, source)| *source == Source::Hit);
    if is_hit && !trail.records_hits() {
        return Ok(());
    }
    let status = response.status().as_u16();
    let problem = response.response().extensions().get::<Code>().copied();
    let event = Event {
        time: end.at,
        act: end.act,
        outcome: Outcome::of_status(status),
        status,
        problem: problem.map(Code::name),
        reason: facts.reason,
        request_id: end.request_id,
        client: response.request().peer_addr().map(|peer| peer.ip()),
        way: facts.way.as_deref(),
        issuer: facts.issuer.as_deref(),
        user: facts.user.as_ref().map(DeveloperUserId::as_str),
        pool: facts.pool.as_ref().map(|pool| &*pool.name),
        identity_pool_id: facts.pool.as_ref().map(|pool| pool.id.as_str()),
        identity_id: facts.vended.as_ref().map(|(token, _)| token.answer().identity()),
        token: facts.vended.as_ref().map(|(token, source)| of_token(token, *source, trail.tag_detail())),
        took: end.took,
    };
    trail.record(&event).await
}

fn of_token(token: &MintedToken, source: Source, detail: TagDetail) -> TokenFacts<'_> {
    let tags = &token.shape().tags;
    TokenFacts {
        source,
        digest: token.digest(),
        token_duration_seconds: token.shape().duration.seconds(),
        expires_at: token.times().expires_at,
        tags: match detail {
            _ if tags.is_empty() => None,
            TagDetail::None => None,
            TagDetail::Keys => Some(Tags::TagKeys(tags.iter().map(|(key, _)| key).collect())),
            TagDetail::Values => Some(Tags::Tags(tags.iter().collect())),
        },
        aws_request_id: token.aws_request_id(),
    }
}
