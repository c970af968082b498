//! `/v1/credentials`: AWS credentials for the caller, in the format of the AWS SDKs' container credentials provider.
//!
//! The SDKs ignore the body of a problem and read only its status. Most of them retry a 5xx within a second; only
//! botocore retries a 4xx. So an error that a retry cannot fix is a 4xx if it is the caller's, and makes no call to
//! Cognito if it is the service's.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::problem::Problem;
use super::{AppState, audit, body, token};

/// The query. There is no body, because no SDK sends one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// The name of a configured pool.
    pool: Option<String>,
}

pub(super) async fn get(request: HttpRequest, app: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let caller = app.authenticate_user(&request).await?;
    let query = web::Query::<Query>::from_query(request.query_string())
        .map_err(|_| Problem::invalid_request("the query may have one parameter, pool: the name of a pool"))?;
    body::reject(&request)?;
    let token_request = app.authorize(&request, &caller, None, query.pool.as_deref())?;
    let vended = app.vendor.vend_credentials(&token_request, Some(&caller.last_entry)).await?;
    audit::record(&request, |context| context.credentials(&vended));
    Ok(token::vended_response(vended.source, vended.entry.value().json().to_owned()))
}
