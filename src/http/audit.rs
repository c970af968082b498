//! Audit of a request: an event is recorded after the response is made and before it is sent. An irreversible action is
//! recorded before it starts as well, by [`record_intent`].

mod context;

use std::time::Duration;

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::{HttpMessage as _, HttpRequest};

pub(crate) use context::{AuditContext, record, request_id};

use super::client_address;
use super::problem::{Problem, ProblemType};
use super::socket::peer_certificate;
use crate::audit::event::{
    Action, CredentialsDetails, Event, Outcome, PoolDetails, RelatedIdentities, ResponseDetails, Tags, TokenDetails,
};
use crate::audit::{AuditTrail, AuditUnavailable, TagDetail};
use crate::client_address::ClientAddress;
use crate::metrics::labels::{CacheStatus, Route};
use crate::vending::cache_entry::CacheEntry;
use crate::vending::cached_credentials::CachedCredentials;
use crate::vending::cached_token::CachedToken;
use clock::Timestamp;
use cognito_types::{DeveloperUserId, IdentityId};

/// The audited action of the request, if it is one. Adds an audit context to the request if the audit trail is on, or
/// for the log of identity administration.
pub(super) fn begin(audit: &AuditTrail, request: &ServiceRequest, route: Route, id: &str) -> Option<Action> {
    let action = action_of(route, request.method())?;
    if !audit.is_on() && !action.is_administrative() {
        return None;
    }
    request.extensions_mut().insert(AuditContext::new(id));
    Some(action)
}

/// An unsupported method counts as an attempt at the action of the resource.
fn action_of(route: Route, method: &Method) -> Option<Action> {
    match (route, method) {
        // CORS preflight.
        (_, &Method::OPTIONS) => None,
        (Route::Token, &Method::DELETE) => Some(Action::SignOut),
        (Route::Token, _) => Some(Action::VendToken),
        (Route::Link, _) => Some(Action::Link),
        (Route::Credentials, _) => Some(Action::VendCredentials),
        (Route::AdminUser, _) => Some(Action::Lookup),
        (Route::AdminCache, _) => Some(Action::Purge),
        (Route::AdminMerge, _) => Some(Action::Merge),
        (Route::AdminIdentities, _) => Some(Action::List),
        (Route::AdminIdentity, &Method::DELETE) | (Route::AdminDelete, _) => Some(Action::Delete),
        (Route::AdminIdentity, _) => Some(Action::Describe),
        (Route::AdminIdentityUser, _) => Some(Action::Unlink),
        (Route::OpenApi | Route::Live | Route::Ready | Route::Metrics | Route::AdminOpenApi | Route::Other, _) => None,
    }
}

/// Records the outcome of a request, which took `duration` until its response was made.
///
/// # Errors
/// The event must be written and was not: the response must not be sent.
pub(super) async fn record_response<B>(
    audit: &AuditTrail,
    response: &ServiceResponse<B>,
    action: Action,
    at: Timestamp,
    duration: Duration,
) -> Result<(), AuditUnavailable> {
    let context = response.request().extensions_mut().remove::<AuditContext>();
    let Some(context) = context.filter(|_| audit.is_on()) else { return Ok(()) };
    if context.cache_status() == Some(CacheStatus::Hit) && !audit.records_hits() {
        return Ok(());
    }
    let status = response.status().as_u16();
    let problem = response.response().extensions().get::<ProblemType>().copied();
    let event = Event {
        response: Some(ResponseDetails { status, problem: problem.map(ProblemType::code), duration }),
        token: context.token.as_ref().map(|(token, cache)| token_details(token, *cache, audit.tag_detail())),
        credentials: context.credentials.as_ref().map(|(credentials, cache)| credentials_details(credentials, *cache)),
        ..request_event(&context, response.request(), action, Outcome::from_status(status), at)
    };
    let recorded = audit.record(event.to_line()).await;
    // The intent is recorded already, and a suppressed response would undo nothing.
    if action.is_irreversible() { Ok(()) } else { recorded }
}

/// Records an action before it starts.
///
/// # Errors
/// The event must be written and was not: the action must not start.
pub(crate) async fn record_intent(
    audit: &AuditTrail,
    request: &HttpRequest,
    action: Action,
    at: Timestamp,
) -> Result<(), Problem> {
    let line = |context| request_event(context, request, action, Outcome::Started, at).to_line();
    let event = request.extensions().get::<AuditContext>().filter(|_| audit.is_on()).map(line);
    let Some(event) = event else { return Ok(()) };
    audit.record(event).await.map_err(|AuditUnavailable| unavailable())
}

/// The response in place of one whose event must be written and was not.
pub(super) fn unavailable() -> Problem {
    let detail = "this action must be recorded in the audit trail, and cannot be now; try again later";
    Problem::new(ProblemType::AuditUnavailable, detail).retry_after(Duration::from_secs(5))
}

fn request_event<'a>(
    context: &'a AuditContext,
    request: &HttpRequest,
    action: Action,
    outcome: Outcome,
    time: Timestamp,
) -> Event<'a> {
    Event {
        time,
        action,
        outcome,
        response: None,
        reason: context.reason,
        request_id: &context.request_id,
        client: client_address::client(request).map(ClientAddress::ip),
        client_certificate: peer_certificate(request),
        authenticator: context.authenticator.as_deref(),
        issuer: context.issuer.as_deref(),
        service: context.service.as_deref(),
        user: context.user.as_ref().map(DeveloperUserId::as_str),
        pool: context.pool.as_ref().map(|pool| PoolDetails { name: &pool.name, id: pool.id.as_str() }),
        identity_id: context.identity.as_ref().map(IdentityId::as_str).or(context.vended_identity()),
        identities: RelatedIdentities {
            target_user: context.target_user.as_ref().map(DeveloperUserId::as_str),
            target_identity_id: context.target_identity.as_ref().map(IdentityId::as_str),
            identity_ids: context.identities.iter().map(IdentityId::as_str).collect(),
            links: context.links.iter().map(|name| &**name).collect(),
            failed_identity_ids: context.failed_identities.iter().map(IdentityId::as_str).collect(),
        },
        token: None,
        credentials: None,
    }
}

fn token_details(token: &CacheEntry<CachedToken>, cache: CacheStatus, detail: TagDetail) -> TokenDetails<'_> {
    let tags = &token.variant().tags;
    TokenDetails {
        cache,
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

fn credentials_details(credentials: &CacheEntry<CachedCredentials>, cache: CacheStatus) -> CredentialsDetails<'_> {
    CredentialsDetails {
        cache,
        access_key_id: credentials.value().access_key_id(),
        expires_at: credentials.lifetime().expires_at,
        aws_request_id: credentials.value().aws_request_id(),
    }
}
