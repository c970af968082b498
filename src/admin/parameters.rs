//! Parameters of the admin resources: in the path, the query and the body. The credential is checked first, because the
//! response to an unknown pool lists the configured ones.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::AdminState;
use crate::http::audit::record;
use crate::http::{Problem, ProblemType, body};
use crate::issuer::identity_registry::PageRequest;
use crate::pools::Pool;
use cognito_types::{DeveloperUserId, IdentityId};

impl AdminState {
    /// Requires the admin credential and returns the pool in the path.
    pub(super) fn pool(&self, request: &HttpRequest) -> Result<Arc<Pool>, Problem> {
        self.require_admin(request)?;
        let pool = self.pools.find(Some(&segments(request)?.pool)).ok_or_else(|| {
            let names: Vec<&str> = self.pools.iter().map(|pool| &*pool.name).collect();
            let detail = format!("the pool in the path is not configured; configured are: {}", names.join(", "));
            Problem::new(ProblemType::UnknownPool, detail)
        })?;
        record(request, |context| context.pool = Some(pool.clone()));
        Ok(pool.clone())
    }

    /// The user in the path.
    pub(super) fn user(&self, request: &HttpRequest, kind: UserIdKind) -> Result<DeveloperUserId, Problem> {
        let user = self.resolve_user(&segments(request)?.user, kind)?;
        record(request, |context| context.user = Some(user.clone()));
        Ok(user)
    }

    /// The developer user id of a user id of this kind.
    pub(super) fn resolve_user(&self, user_id: &str, kind: UserIdKind) -> Result<DeveloperUserId, Problem> {
        let user_id = or_invalid(DeveloperUserId::parse(user_id))?;
        Ok(match kind {
            UserIdKind::Cognito => user_id,
            UserIdKind::App => self.authenticator.user_ids().to_developer_user_id(user_id),
        })
    }
}

/// Kind of the user ids in a request. They differ if pseudonyms are configured.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum UserIdKind {
    /// The developer user id, as in tokens and in the audit trail.
    #[default]
    Cognito,
    /// The app's user id, as `auth.NAME.user_id` renders it from the claims.
    App,
}

/// The kind of the user ids in a request, from a query without other parameters.
pub(super) fn user_id_kind(request: &HttpRequest) -> Result<UserIdKind, Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Query {
        #[serde(default)]
        user_id_kind: UserIdKind,
    }
    let query = web::Query::<Query>::from_query(request.query_string());
    query
        .map(|query| query.user_id_kind)
        .map_err(|_| Problem::invalid_request("the query may have one parameter, userIdKind: cognito or app"))
}

/// The identity in the path.
pub(super) fn identity(request: &HttpRequest) -> Result<IdentityId, Problem> {
    let identity = or_invalid(IdentityId::parse(&segments(request)?.identity))?;
    record(request, |context| context.identity = Some(identity.clone()));
    Ok(identity)
}

/// Turns the error of a parser into a problem.
pub(super) fn or_invalid<T, E: std::fmt::Display>(parsed: Result<T, E>) -> Result<T, Problem> {
    parsed.map_err(|error| Problem::invalid_request(error.to_string()))
}

/// The variables of the path, decoded.
#[derive(Deserialize)]
struct Segments {
    pool: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    identity: String,
}

fn segments(request: &HttpRequest) -> Result<Segments, Problem> {
    let segments = request.match_info().load();
    segments.map_err(|_| Problem::invalid_request("the path is not percent-encoded text"))
}

/// The page in the query, and the kind of the user id in the path.
pub(super) fn page(request: &HttpRequest) -> Result<(PageRequest, UserIdKind), Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Query {
        max_results: Option<u8>,
        next_token: Option<String>,
        #[serde(default)]
        user_id_kind: UserIdKind,
    }
    let max = PageRequest::MAX_ITEMS;
    let query = web::Query::<Query>::from_query(request.query_string()).ok();
    let query = query.filter(|query| query.max_results.is_none_or(|size| (1..=max).contains(&size)));
    let Some(web::Query(Query { max_results, next_token, user_id_kind })) = query else {
        return Err(Problem::invalid_request(format!(
            "the query may have maxResults, from 1 to {max}, nextToken, from the previous page, and userIdKind: \
             cognito or app"
        )));
    };
    let token = next_token.filter(|token| !token.is_empty());
    Ok((PageRequest { max_items: max_results, token }, user_id_kind))
}

/// The JSON body. No valid one of these resources is larger or slower.
pub(super) async fn json_body<T: DeserializeOwned>(request: &HttpRequest, payload: web::Payload) -> Result<T, Problem> {
    let body = body::read(payload, 16 * 1024, Duration::from_secs(5)).await?;
    body::json(request, &body)
}
