//! `/v1/token`: get the caller's token, or have it forgotten. Services do so for users whom they name.

use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::problem::{Problem, ProblemType};
use super::{AppState, audit, body};
use crate::auth::{Caller, Subject};
use crate::metrics::labels::Label as _;
use crate::vending::{TokenRequest, VendedToken};
use cognito_types::DeveloperUserId;

pub(super) const CACHE: HeaderName = HeaderName::from_static("tokenvend-cache");

/// What may be asked for. The user comes from the verified caller alone; only a service names one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenParams {
    /// The name of a configured pool.
    pool: Option<String>,
    /// Seconds of life that the caller needs.
    min_ttl: Option<u64>,
    /// Not from the cache.
    #[serde(default)]
    refresh: bool,
    /// The user for whom a service acts.
    user: Option<String>,
}

/// Whose tokens a service wants forgotten.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Leaving {
    user: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    format: Format,
}

/// In which form the token is handed out.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Tokenvend,
    /// As Cognito itself answers, for the .NET and Unity clients.
    Aws,
    /// As Amplify's older `federatedSignIn` takes it.
    Amplify,
}

pub(super) async fn get(request: HttpRequest, service: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let (caller, user) = service.user(&request).await?;
    let format = format_of(&request)?;
    body::refuse(&request)?;
    vend(&request, &service, (&caller, &user), &TokenParams::default(), format).await
}

pub(super) async fn post(
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let caller = service.caller(&request).await?;
    let format = format_of(&request)?;
    let limits = &service.settings;
    let body = body::read(body, limits.max_body_bytes, limits.request_body_timeout).await?;
    let wish = if body.is_empty() { TokenParams::default() } else { body::json(&request, &body)? };
    let user = service.acts_for(&request, &caller, wish.user.as_deref())?;
    vend(&request, &service, (&caller, &user), &wish, format).await
}

/// Sign-out, of credentials too: nobody who signs in as this user later is served from what was cached before.
pub(super) async fn delete(
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let caller = service.caller(&request).await?;
    let leaving = match &caller.subject {
        Subject::User(_) => {
            body::refuse(&request)?;
            Leaving::default()
        }
        Subject::Service(_) => {
            let limits = &service.settings;
            let body = body::read(body, limits.max_body_bytes, limits.request_body_timeout).await?;
            if body.is_empty() { Leaving::default() } else { body::json(&request, &body)? }
        }
    };
    let user = service.acts_for(&request, &caller, leaving.user.as_deref())?;
    for pool in service.pools.iter() {
        service.vendor.forget(pool, &user);
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn vend(
    request: &HttpRequest,
    service: &AppState,
    (caller, user): (&Caller, &DeveloperUserId),
    wish: &TokenParams,
    format: Format,
) -> Result<HttpResponse, Problem> {
    let wanted = TokenRequest {
        min_ttl: wish.min_ttl.map(Duration::from_secs),
        refresh: wish.refresh,
        ..service.token_request(request, caller, user, wish.pool.as_deref())?
    };
    let vended = service.vendor.vend(&wanted, &caller.bookmark).await?;
    audit::note(request, |facts| facts.vended(&vended));
    let json = in_format(&vended, format);
    Ok(handed_out(&vended, json))
}

/// The answer that hands out a token, in this form.
pub(super) fn handed_out(vended: &VendedToken, json: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE, HeaderValue::from_static(vended.source.text())))
        .body(json)
}

fn in_format(vended: &VendedToken, format: Format) -> Vec<u8> {
    let answer = vended.token.answer();
    match format {
        Format::Tokenvend => answer.with_life_left(vended.life_left),
        // Put together as text, so that the token is written but once.
        Format::Aws => {
            let before = format!("{{\"IdentityId\":\"{}\",\"Token\":", answer.identity());
            answer.token_json(&before, "}")
        }
        Format::Amplify => {
            let before = format!("{{\"identity_id\":\"{}\",\"token\":", answer.identity());
            let after = format!(",\"expires_at\":{}}}", vended.token.times().expires_at.as_millis());
            answer.token_json(&before, &after)
        }
    }
}

fn format_of(request: &HttpRequest) -> Result<Format, Problem> {
    if request.query_string().is_empty() {
        return Ok(Format::default());
    }
    let query = web::Query::<Query>::from_query(request.query_string()).map_err(|_| {
        Problem::new(
            ProblemType::InvalidRequest,
            "the query may have one parameter, format: tokenvend, aws or amplify",
        )
    })?;
    Ok(query.format)
}
