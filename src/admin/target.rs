//! How every resource of administrators begins: who asks, and what about. Only whoever has the credential learns
//! which pools there are, so that comes first.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use serde::Deserialize;

use super::AdminState;
use crate::http::audit::note;
use crate::http::{Problem, ProblemType};
use crate::issuer::registry::PageRequest;
use crate::pools::Pool;
use cognito_types::{DeveloperUserId, IdentityId};

impl AdminState {
    /// Admits an administrator, and finds the pool that the path names.
    pub(super) fn pool(&self, request: &HttpRequest) -> Result<Arc<Pool>, Problem> {
        self.admit(request)?;
        let pool = self.pools.find(Some(&segments(request)?.pool)).ok_or_else(|| {
            let names: Vec<&str> = self.pools.iter().map(|pool| &*pool.name).collect();
            let detail = format!("the pool in the path is none of those configured: {}", names.join(", "));
            Problem::new(ProblemType::UnknownPool, detail)
        })?;
        note(request, |facts| facts.pool(pool));
        Ok(pool.clone())
    }

    /// The user that the path names.
    pub(super) fn user(&self, request: &HttpRequest, naming: UserIdKind) -> Result<DeveloperUserId, Problem> {
        let user = self.named(&segments(request)?.user, naming)?;
        note(request, |facts| facts.user(&user));
        Ok(user)
    }

    /// What Cognito calls the user of this name.
    pub(super) fn named(&self, name: &str, naming: UserIdKind) -> Result<DeveloperUserId, Problem> {
        let name = parsed(DeveloperUserId::parse(name))?;
        Ok(match naming {
            UserIdKind::Cognito => name,
            UserIdKind::App => self.authenticator.user_ids().to_developer_user_id(name),
        })
    }
}

/// By which of its names a user is named. They differ where pseudonyms are configured.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum UserIdKind {
    /// By the developer user id, as it stands in tokens and in the audit trail.
    #[default]
    Cognito,
    /// By what `auth.NAME.user_id` makes of the app's claims.
    App,
}

/// By which name users are named in a request, of whose query nothing else may be part.
pub(super) fn naming(request: &HttpRequest) -> Result<UserIdKind, Problem> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Query {
        #[serde(default, rename = "as")]
        naming: UserIdKind,
    }
    let query = web::Query::<Query>::from_query(request.query_string());
    query.map(|query| query.naming).map_err(|_| {
        Problem::new(ProblemType::InvalidRequest, "the query may have one parameter, as: cognito or app")
    })
}

/// The identity that the path names.
pub(super) fn identity(request: &HttpRequest) -> Result<IdentityId, Problem> {
    let identity = parsed(IdentityId::parse(&segments(request)?.identity))?;
    note(request, |facts| facts.identity(&identity));
    Ok(identity)
}

/// A name in the request, if it can be one.
pub(super) fn parsed<T, E: std::fmt::Display>(parsed: Result<T, E>) -> Result<T, Problem> {
    parsed.map_err(|why| Problem::new(ProblemType::InvalidRequest, why.to_string()))
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
    segments.map_err(|_| Problem::new(ProblemType::InvalidRequest, "the path is not percent-encoded text"))
}

/// Which page the query asks for, and by which name its path names a user.
pub(super) fn page(request: &HttpRequest) -> Result<(PageRequest, UserIdKind), Problem> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Query {
        max_results: Option<u8>,
        next_token: Option<String>,
        #[serde(default, rename = "as")]
        naming: UserIdKind,
    }
    let query = web::Query::<Query>::from_query(request.query_string()).ok();
    let query = query.map(web::Query::into_inner);
    let is_size = |most| (1..=PageRequest::MOST).contains(&most);
    match query.filter(|query| query.max_results.is_none_or(is_size)) {
        Some(Query { max_results, next_token, naming }) => {
            let token = next_token.filter(|token| !token.is_empty());
            Ok((PageRequest { most: max_results, token }, naming))
        }
        None => {
            let most = PageRequest::MOST;
            let detail = format!(
                "the query may have maxResults, from 1 to {most}, nextToken, from the page before, and as: cognito \
                 or app"
            );
            Err(Problem::new(ProblemType::InvalidRequest, detail))
        }
    }
}
