//! `/v1/credentials`: AWS credentials for the caller, in the format in which AWS's SDKs ask for those of a container.
//!
//! They take no notice of a problem's body, only of its status: 5xx most of them try again within a second, 4xx only
//! botocore does. So what waiting does not mend is a 4xx where it is the caller's, and costs no call where it is ours.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::problem::{Problem, ProblemType};
use super::token::CACHE;
use super::{AppState, audit, body};
use crate::metrics::labels::Label as _;

/// What may be asked for: there is no body, and no SDK sends one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// The name of a configured pool.
    pool: Option<String>,
}

pub(super) async fn get(request: HttpRequest, service: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let (caller, user) = service.user(&request).await?;
    let query = web::Query::<Query>::from_query(request.query_string()).map_err(|_| {
        Problem::new(
            ProblemType::InvalidRequest,
            "the query may have one parameter, pool: the name of a pool",
        )
    })?;
    body::refuse(&request)?;
    let wanted = service.token_request(&request, &caller, &user, query.pool.as_deref())?;
    let vended = service.vendor.vend_credentials(&wanted, Some(&caller.last_entry)).await?;
    audit::note(&request, |facts| facts.vended_credentials(&vended));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/json")))
        .insert_header((CACHE, HeaderValue::from_static(vended.source.text())))
        .body(vended.credentials.value().json().to_owned()))
}
