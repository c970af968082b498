//! What the audit trail is told of a request, and the one place where it is told: after the answer is made and
//! before it leaves. Only what cannot be taken back is told beforehand as well, by [`announce`].

mod context;

use std::time::Duration;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest};

pub(crate) use context::{AuditContext, note, request_id};

use super::client_address;
use super::problem::{Problem, ProblemType};
use super::socket::peer_certificate;
use crate::audit::event::{
    Action, CredentialsDetails, Event, Outcome, RelatedIdentities, Tags, TokenDetails,
};
use crate::audit::{AuditTrail, AuditUnavailable, TagDetail};
use crate::client_address::ClientAddress;
use crate::metrics::labels::{Route, Source};
use crate::vending::credentials_loader::CachedCredentials;
use crate::vending::token_response::CachedToken;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, IdentityId};

/// What this request asks for, if that is one of the acts that are recorded. Begins to gather facts where
/// somebody wants them: the trail, or the log of what administrators do.
pub(super) fn act(trail: &AuditTrail, request: &ServiceRequest, route: Route, id: &str) -> Option<Action> {
    let act = act_of(route, request.method())?;
    if !trail.is_on() && !act.is_administrators() {
        return None;
    }
    request.extensions_mut().insert(AuditContext::of(id));
    Some(act)
}

/// A method that the resource does not take counts as an attempt at what it is there for.
fn act_of(route: Route, method: &Method) -> Option<Action> {
    match (route, method) {
        // A browser's question whether it may call.
        (_, &Method::OPTIONS) => None,
        (Route::Token, &Method::DELETE) => Some(Action::Forget),
        (Route::Token, _) => Some(Action::Vend),
        (Route::Link, _) => Some(Action::Link),
        (Route::Credentials, _) => Some(Action::Credentials),
        (Route::AdminUser, _) => Some(Action::LookUp),
        (Route::AdminCache, _) => Some(Action::Purge),
        (Route::AdminMerge, _) => Some(Action::Merge),
        (Route::AdminIdentities, _) => Some(Action::List),
        (Route::AdminIdentity, &Method::DELETE) | (Route::AdminDelete, _) => Some(Action::Delete),
        (Route::AdminIdentity, _) => Some(Action::Describe),
        (Route::AdminIdentityUser, _) => Some(Action::Unlink),
        (
            Route::OpenApi | Route::Live | Route::Ready | Route::Metrics | Route::AdminOpenApi | Route::Other,
            _,
        ) => None,
    }
}

/// The end of a request, as the trail is told it.
#[derive(Debug, Clone, Copy)]
pub(super) struct AuditedResponse {
    pub(super) act: Action,
    pub(super) at: Timestamp,
    pub(super) took: Duration,
}

/// Tells the trail how a request ended.
///
/// # Errors
/// The event has to be written and was not: the answer must not leave.
pub(super) async fn tell<B>(
    trail: &AuditTrail,
    response: &ServiceResponse<B>,
    end: AuditedResponse,
) -> Result<(), AuditUnavailable> {
    let facts = response.request().extensions_mut().remove::<AuditContext>();
    let Some(facts) = facts.filter(|_| trail.is_on()) else { return Ok(()) };
    if facts.source() == Some(Source::Hit) && !trail.records_hits() {
        return Ok(());
    }
    let status = response.status().as_u16();
    let problem = response.response().extensions().get::<ProblemType>().copied();
    let event = Event {
        status: Some(status),
        problem: problem.map(ProblemType::name),
        took: Some(end.took),
        token: facts.vended.as_ref().map(|(token, source)| of_token(token, *source, trail.tag_detail())),
        credentials: facts.credentials.as_ref().map(|(given, source)| of_credentials(given, *source)),
        ..of_request(&facts, response.request(), end.act, Outcome::of_status(status), end.at)
    };
    let told = trail.record(event.line()).await;
    // What was announced is told of already, and an answer that keeps quiet about it would undo nothing.
    if end.act.is_announced() { Ok(()) } else { told }
}

/// Tells the trail what is about to be done, before it is.
///
/// # Errors
/// The event has to be written and was not: it must not be done.
pub(crate) async fn announce(
    trail: &AuditTrail,
    request: &HttpRequest,
    act: Action,
    at: Timestamp,
) -> Result<(), Problem> {
    if !trail.is_on() {
        return Ok(());
    }
    let line = {
        let extensions = request.extensions();
        let facts = extensions.get::<AuditContext>();
        facts.map(|facts| of_request(facts, request, act, Outcome::Begun, at).line())
    };
    match line {
        Some(line) => trail.record(line).await.map_err(|AuditUnavailable| unrecorded()),
        None => Ok(()),
    }
}

/// Nothing is handed out, and nothing begun, that has to be recorded and was not.
pub(super) fn unrecorded() -> Problem {
    let detail = "what this service does has to be recorded first, and cannot be now; try again later";
    Problem::new(ProblemType::AuditUnavailable, detail).retry_after(Duration::from_secs(5))
}

fn of_request<'a>(
    facts: &'a AuditContext,
    request: &HttpRequest,
    act: Action,
    outcome: Outcome,
    time: Timestamp,
) -> Event<'a> {
    let vended = facts.vended_identity();
    Event {
        time,
        act,
        outcome,
        status: None,
        problem: None,
        reason: facts.reason,
        request_id: &facts.request_id,
        client: client_address::client(request).map(ClientAddress::ip),
        client_certificate: peer_certificate(request),
        way: facts.way.as_deref(),
        issuer: facts.issuer.as_deref(),
        service: facts.service.as_deref(),
        user: facts.user.as_ref().map(DeveloperUserId::as_str),
        pool: facts.pool.as_ref().map(|pool| &*pool.name),
        identity_pool_id: facts.pool.as_ref().map(|pool| pool.id.as_str()),
        identity_id: facts.identity.as_ref().map(IdentityId::as_str).or(vended),
        identities: RelatedIdentities {
            into_user: facts.into_user.as_ref().map(DeveloperUserId::as_str),
            into_identity_id: facts.into_identity.as_ref().map(IdentityId::as_str),
            identity_ids: facts.identities.iter().map(IdentityId::as_str).collect(),
            links: facts.links.iter().map(|name| &**name).collect(),
            undeleted_identity_ids: facts.undeleted.iter().map(IdentityId::as_str).collect(),
        },
        token: None,
        credentials: None,
        took: None,
    }
}

fn of_token(token: &CachedToken, source: Source, detail: TagDetail) -> TokenDetails<'_> {
    let tags = &token.variant().tags;
    TokenDetails {
        source,
        digest: token.value().digest(),
        token_duration_seconds: token.variant().duration.seconds(),
        expires_at: token.lifetime().expires_at,
        tags: match detail {
            _ if tags.is_empty() => None,
            TagDetail::None => None,
            TagDetail::Keys => Some(Tags::TagKeys(tags.iter().map(|(key, _)| key).collect())),
            TagDetail::Values => Some(Tags::Tags(tags.iter().collect())),
        },
        aws_request_id: token.value().aws_request_id(),
    }
}

fn of_credentials(given: &CachedCredentials, source: Source) -> CredentialsDetails<'_> {
    CredentialsDetails {
        source,
        access_key_id: given.value().access_key_id(),
        expires_at: given.lifetime().expires_at,
        aws_request_id: given.value().aws_request_id(),
    }
}
