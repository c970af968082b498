//! `/v1/token`: get the caller's token, or have it forgotten.

use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use serde::Deserialize;

use super::Service;
use super::problem::{Code, Problem};
use crate::auth::Caller;
use crate::identity::PrincipalTags;
use crate::metrics::labels::Label as _;
use crate::vending::{TokenRequest, Vended};

const CACHE: HeaderName = HeaderName::from_static("tokenvend-cache");

/// What may be asked for. There is no user in it: the user comes from the verified caller alone.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wish {
    /// The name of a configured pool.
    pool: Option<String>,
    /// Seconds of life that the caller needs.
    min_ttl: Option<u64>,
    /// Not from the cache.
    #[serde(default)]
    refresh: bool,
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

pub(super) async fn get(request: HttpRequest, service: web::Data<Service>) -> Result<HttpResponse, Problem> {
    let caller = authenticate(&request, &service).await?;
    let format = format_of(&request)?;
    refuse_body(&request)?;
    vend(&service, caller, &Wish::default(), format).await
}

pub(super) async fn post(
    request: HttpRequest,
    body: web::Payload,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let caller = authenticate(&request, &service).await?;
    let format = format_of(&request)?;
    let body = read(body, &service).await?;
    let wish = if body.is_empty() { Wish::default() } else { parse(&request, &body)? };
    vend(&service, caller, &wish, format).await
}

/// Sign-out: nobody who signs in as this user later is served from what was cached before.
pub(super) async fn delete(
    request: HttpRequest,
    service: web::Data<Service>,
) -> Result<HttpResponse, Problem> {
    let caller = authenticate(&request, &service).await?;
    refuse_body(&request)?;
    for pool in service.pools.iter() {
        service.vendor.forget(pool, &caller.user);
    }
    Ok(HttpResponse::NoContent().finish())
}

async fn authenticate(request: &HttpRequest, service: &Service) -> Result<Caller, Problem> {
    let headers = request.headers().get_all(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    Ok(service.authenticator.authenticate(headers).await?)
}

async fn vend(
    service: &Service,
    caller: Caller,
    wish: &Wish,
    format: Format,
) -> Result<HttpResponse, Problem> {
    let pool = service.pools.find(wish.pool.as_deref()).ok_or_else(|| {
        Problem::new(Code::UnknownPool, "the pool in the request is none of those configured here")
    })?;
    let request = TokenRequest {
        pool: pool.clone(),
        user: caller.user,
        tags: PrincipalTags::none(),
        min_ttl: wish.min_ttl.map(Duration::from_secs),
        refresh: wish.refresh,
    };
    let vended = service.vendor.vend(&request).await?;
    let mut response = HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE, HeaderValue::from_static(vended.source.text())))
        .body(in_format(&vended, format));
    response.extensions_mut().insert(vended.source);
    Ok(response)
}

fn in_format(vended: &Vended, format: Format) -> String {
    let answer = vended.token.answer();
    let (identity, token) = (answer.identity_json(), answer.token_json());
    match format {
        Format::Tokenvend => answer.with_life_left(vended.life_left),
        // Both parts are JSON already; put together as text, so that the token is copied but once.
        Format::Aws => format!("{{\"IdentityId\":{identity},\"Token\":{token}}}"),
        Format::Amplify => {
            let expires_at = vended.token.times().expires_at.as_millis();
            format!("{{\"identity_id\":{identity},\"token\":{token},\"expires_at\":{expires_at}}}")
        }
    }
}

fn format_of(request: &HttpRequest) -> Result<Format, Problem> {
    let query = web::Query::<Query>::from_query(request.query_string()).map_err(|_| {
        Problem::new(
            Code::InvalidRequest,
            "the query may have one parameter, format: tokenvend, aws or amplify",
        )
    })?;
    Ok(query.format)
}

/// A body that nobody reads is a body that somebody else may read as the next request.
fn refuse_body(request: &HttpRequest) -> Result<(), Problem> {
    let headers = request.headers();
    let is_empty = headers.get(header::CONTENT_LENGTH).is_none_or(|length| length.as_bytes() == b"0");
    if is_empty && !headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(());
    }
    Err(Problem::new(Code::InvalidRequest, "this method takes no body; POST does"))
}

async fn read(body: web::Payload, service: &Service) -> Result<Bytes, Problem> {
    let most = service.settings.max_body_bytes;
    let arrived = tokio::time::timeout(service.settings.body_timeout, body.to_bytes_limited(most)).await;
    match arrived {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(Problem::new(Code::InvalidRequest, "the body broke off")),
        Ok(Err(_)) => Err(Problem::new(Code::BodyTooLarge, format!("a body may have {most} bytes"))),
        Err(_) => Err(Problem::new(Code::RequestTimeout, "the body did not arrive in time")),
    }
}

fn parse(request: &HttpRequest, body: &[u8]) -> Result<Wish, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media_type.and_then(|value| value.split(';').next()).map(str::trim);
    if !essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            "send the body with Content-Type: application/json",
        ));
    }
    // The derived reader would take a list of the fields' values as well.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::new(
            Code::InvalidRequest,
            "the body is not what this resource takes: no JSON object",
        ));
    }
    serde_json::from_slice(body).map_err(|error| {
        // The parser's words name the field and the place; a value that it quotes is the caller's own.
        Problem::new(Code::InvalidRequest, format!("the body is not what this resource takes: {error}"))
    })
}
