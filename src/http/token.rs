//! `/v1/token`: vend the caller's token, or sign the caller out. A service does so for a user that it names.

use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::header_names::TOKENVEND_CACHE;
use super::problem::Problem;
use super::{AppState, audit, body};
use crate::auth::{Caller, Subject};
use crate::metrics::labels::{CacheStatus, Label as _};
use crate::vending::{TokenRequest, VendedToken};

/// Body of `POST /v1/token`. The user is the verified caller; only a service names one.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct TokenParams {
    /// The name of a configured pool.
    pool: Option<String>,
    /// Minimum remaining lifetime in seconds.
    min_ttl: Option<u64>,
    /// Bypasses the cache.
    #[serde(default)]
    refresh: bool,
    /// The user that a service acts as.
    user: Option<String>,
}

/// Body of `DELETE /v1/token`: the user whom a service signs out.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SignOutParams {
    user: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    format: Format,
}

/// Format of the response.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Tokenvend,
    /// That of Cognito's own response, for the .NET and Unity clients.
    Aws,
    /// That of Amplify's older `federatedSignIn`.
    Amplify,
}

pub(super) async fn get(request: HttpRequest, app: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let caller = app.authenticate_user(&request).await?;
    let format = format(&request)?;
    body::reject(&request)?;
    vend(&request, &app, &caller, &TokenParams::default(), format).await
}

pub(super) async fn post(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let caller = app.authenticate(&request).await?;
    let format = format(&request)?;
    let params: TokenParams = body::optional_json(&request, payload, &app.settings).await?;
    vend(&request, &app, &caller, &params, format).await
}

/// Sign-out: purges the user's tokens and AWS credentials from the cache, so that no later request is served from them.
pub(super) async fn delete(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let caller = app.authenticate(&request).await?;
    let params = match &caller.subject {
        Subject::User(_) => {
            body::reject(&request)?;
            SignOutParams::default()
        }
        Subject::Service(_) => body::optional_json(&request, payload, &app.settings).await?,
    };
    let user = app.authorize_user(&request, &caller, params.user.as_deref())?;
    for pool in app.pools.iter() {
        app.vendor.invalidate(pool, &user);
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn vend(
    request: &HttpRequest,
    app: &AppState,
    caller: &Caller,
    params: &TokenParams,
    format: Format,
) -> Result<HttpResponse, Problem> {
    let token_request = app.authorize(request, caller, params.user.as_deref(), params.pool.as_deref())?;
    let min_ttl = params.min_ttl.map(Duration::from_secs);
    let token_request = TokenRequest { min_ttl, refresh: params.refresh, ..token_request };
    let vended = app.vendor.vend(&token_request, Some(&caller.last_entry)).await?;
    audit::record(request, |context| context.token(&vended));
    Ok(vended_response(vended.source, render(&vended, format)))
}

/// The response with a vended token or credentials.
pub(super) fn vended_response(source: CacheStatus, json: impl MessageBody + 'static) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((TOKENVEND_CACHE, HeaderValue::from_static(source.text())))
        .body(json)
}

fn render(vended: &VendedToken, format: Format) -> Vec<u8> {
    let token = vended.entry.value();
    match format {
        Format::Tokenvend => token.to_json(vended.remaining_life),
        // Built as text, so that the token is written only once.
        Format::Aws => {
            let before = format!("{{\"IdentityId\":\"{}\",\"Token\":", token.identity());
            token.token_json(&before, "}")
        }
        Format::Amplify => {
            let before = format!("{{\"identity_id\":\"{}\",\"token\":", token.identity());
            let after = format!(",\"expires_at\":{}}}", vended.entry.lifetime().expires_at.as_millis());
            token.token_json(&before, &after)
        }
    }
}

fn format(request: &HttpRequest) -> Result<Format, Problem> {
    if request.query_string().is_empty() {
        return Ok(Format::default());
    }
    let query = web::Query::<Query>::from_query(request.query_string())
        .map_err(|_| Problem::invalid_request("the query may have one parameter, format: tokenvend, aws or amplify"))?;
    Ok(query.format)
}
