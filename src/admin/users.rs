//! `/admin/v1/pools/{pool}/users/{user}`: a user's identity and cached tokens, forgetting these, and making the
//! user one with another.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde_json::json;

use super::problems::{LOOK_UP, MERGE};
use super::{AdminState, target};
use crate::audit::event::Action;
use crate::http::audit::{announce, note};
use crate::http::{Problem, ProblemType, body};
use crate::issuer::registry::IdentityQuery;

pub(super) async fn look_up(
    request: HttpRequest,
    admin: web::Data<AdminState>,
) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let (page, naming) = target::page(&request)?;
    let user = admin.user(&request, naming)?;
    let found = admin.lifecycle.look_up(&pool, IdentityQuery::User(&user), &page).await;
    let found = found.map_err(|error| LOOK_UP.problem(&request, &error))?;
    note(&request, |facts| facts.identity(&found.identity));
    let holdings = admin.lifecycle.cached_tokens(&pool, &user);
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "identityPoolId": pool.id.as_str(),
        "user": user.as_str(),
        "identityId": found.identity.as_str(),
        "users": found.users,
        "nextToken": found.next_token,
        "cachedTokens": holdings.map_or(0, |holdings| holdings.tokens),
        "cachedUntil": holdings.map(|holdings| holdings.last_expires_at.to_rfc3339()),
    })))
}

pub(super) async fn purge(
    request: HttpRequest,
    admin: web::Data<AdminState>,
) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let user = admin.user(&request, target::naming(&request)?)?;
    body::refuse(&request)?;
    let forgotten = admin.lifecycle.purge(&pool, &user);
    tracing::info!(pool = &*pool.name, forgotten, "an administrator had a user's cached tokens forgotten");
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "user": user.as_str(),
        "forgottenTokens": forgotten,
    })))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    /// The user whose identity stays.
    into: String,
}

pub(super) async fn merge(
    request: HttpRequest,
    body: web::Payload,
    admin: web::Data<AdminState>,
) -> Result<HttpResponse, Problem> {
    let pool = admin.pool(&request)?;
    let naming = target::naming(&request)?;
    let from = admin.user(&request, naming)?;
    let body = body::read(body, 16 * 1024, Duration::from_secs(5)).await?;
    let Merge { into } = body::json(&request, &body)?;
    let into = admin.named(&into, naming)?;
    note(&request, |facts| facts.other_user(&into));
    if from == into {
        return Err(Problem::new(ProblemType::InvalidRequest, "a user cannot be merged into itself"));
    }
    announce(&admin.audit, &request, Action::Merge, admin.clock.now()).await?;
    let merged = admin.lifecycle.merge(&pool, &from, &into).await;
    let merged = merged.map_err(|error| MERGE.problem(&request, &error))?;
    note(&request, |facts| {
        facts.identity(&merged.removed_identity);
        facts.remaining_identity(&merged.identity);
    });
    let (identity, given_up) = (merged.identity.as_str(), merged.removed_identity.as_str());
    tracing::info!(pool = &*pool.name, identity, given_up, "an administrator merged two users");
    Ok(HttpResponse::Ok().json(json!({
        "pool": &*pool.name,
        "user": from.as_str(),
        "into": into.as_str(),
        "identityId": identity,
        "givenUpIdentityId": (merged.identity != merged.removed_identity).then_some(given_up),
    })))
}
